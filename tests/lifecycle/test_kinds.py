"""All seven kinds in one stack: made, left alone, changed and removed."""

from providers.simulator import Fault
from tests.kit import TRAINING, Stage, edit, on_stage

CHANGED = edit(
    TRAINING,
    ("totalQuantity: 5", "totalQuantity: 7"),
    ("maxCapacity: 4", "maxCapacity: 6"),
    ("maxCapacity: 10, capacityUnit: NUM_INSTANCES", "maxCapacity: 12, capacityUnit: NUM_INSTANCES"),
    ("shareDecaySeconds: 600", "shareDecaySeconds: 900"),
    ("maxvCpus: 16", "maxvCpus: 32"),
    ("priority: 10", "priority: 11"),
    ("align:1", "align:2"),
)


@on_stage()
def test_a_stack_of_all_kinds_lives_and_dies(stage: Stage) -> None:
    """It is made in the order of its references, then nothing is left to do; its end leaves nothing."""
    assert stage.apply(TRAINING).exit_code == 0
    order = stage.mutations
    assert order.index("CreateServiceEnvironment") < order.index("CreateJobQueue") < order.index("CreateQuotaShare")
    assert order.index("CreateConsumableResource") < order.index("RegisterJobDefinition")
    assert stage.plan(TRAINING).empty
    assert stage.queue("lab-teams")["jobQueueType"] == "SAGEMAKER_TRAINING"
    assert stage.destroy(TRAINING).exit_code == 0
    assert stage.mutations.index("DeleteQuotaShare") < stage.mutations.index("DeleteJobQueue")
    assert stage.all == []


@on_stage()
def test_each_kind_is_changed_in_place(stage: Stage) -> None:
    """One call each: an update, and of a definition the next revision."""
    stage.apply(TRAINING)
    before = stage.all
    assert stage.apply(CHANGED).exit_code == 0
    assert sorted(stage.mutations) == [
        "RegisterJobDefinition",
        "UpdateComputeEnvironment",
        "UpdateConsumableResource",
        "UpdateJobQueue",
        "UpdateQuotaShare",
        "UpdateSchedulingPolicy",
        "UpdateServiceEnvironment",
    ]
    assert stage.plan(CHANGED).empty
    assert set(before) < set(stage.all)
    assert stage.revisions("lab-align") == [1, 2]


@on_stage()
def test_where_a_kind_may_not_be_read_the_others_are_kept(stage: Stage) -> None:
    """What is unobserved is refused when wanted, and nothing of it is touched."""
    stage.apply(TRAINING)
    stage.simulator.inject(Fault("*QuotaShare*", "denied", times=None))
    planned = stage.plan(CHANGED)
    assert set(planned.unobserved) == {"quota_share"}
    assert [(refusal.address, refusal.code) for refusal in planned.refusals] == [("quota_share.red", "unobserved")]
