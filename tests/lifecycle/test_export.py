"""Exports of whole accounts, however they came to be, and what a plan makes of them."""

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest

from plans.export import Selection
from plans.plan import NOW
from plans.policy import Policy
from providers.errors import InputError
from providers.provider import Provider
from providers.resources import HOUSE_TAG_PREFIX, Document, Ref
from providers.simulator import Fault
from tests.kit import LAB, TRAINING, Stage, cut, edit, example, kinds, manifest, on_stage
from tests.lifecycle.test_examples import EXAMPLES

EVERYTHING = Selection("exported", "")
ADOPTING = Policy(adopt=True)


Call = Callable[[str, Document], Mapping[str, Any]]


def by_hand(stage: Stage, name: str, call: Call | None = None) -> int:
    """Make what an example wants as somebody without Batchwright does; how many objects that are.

    `call` does an operation with its arguments; boto3 unless it is given.
    """
    call = call or Provider(stage.world, kinds()).call
    made: dict[str, str] = {}

    def said(value: Any) -> Any:
        match value:
            case Ref(address=address):
                return made[str(address)]
            case dict():
                return {key: said(item) for key, item in value.items() if not key.startswith(HOUSE_TAG_PREFIX)}
            case list() | tuple():
                return [said(item) for item in value]
        assert value is not NOW
        return value

    for step in stage.plan(example(name)).steps:
        assert step.call is not None
        answer = call(step.call, said(dict(step.arguments)))
        if kind := next((kind for kind in kinds() if kind.facts.create == step.call), None):
            made[step.address] = answer[kind.arn_member]
        stage.settle()
    return len(made)


@pytest.mark.parametrize(("name", "region"), EXAMPLES.items())
@pytest.mark.parametrize("prefixed", [False, True])
def test_what_somebody_made_by_hand_is_adopted_as_it_is(name: str, region: str, prefixed: bool) -> None:
    """An apply of the export puts our tags on everything and changes nothing else; then the plan is empty."""
    stage = Stage.new(region=region, policies=(ADOPTING,))
    count = by_hand(stage, name)
    wanted = example(name)
    selection = Selection("mine", wanted.name_prefix) if prefixed else EVERYTHING
    made = stage.reconciler.export(selection)
    assert (made.count, made.notes, made.lacking) == (count, (), ())
    assert stage.apply(made.yaml).exit_code == 0
    assert stage.mutations == ["TagResource"] * count
    assert stage.plan(made.yaml).empty
    assert stage.reconciler.export(Selection(selection.stack)).document == made.document
    if prefixed:
        assert manifest(made.yaml).resources.keys() == wanted.resources.keys()


@pytest.mark.parametrize(("name", "region"), EXAMPLES.items())
def test_the_export_of_a_stack_is_its_manifest(name: str, region: str) -> None:
    """The same blocks under the same names; its plan is empty, and the manifest's own stays so."""
    stage, wanted = Stage.new(region=region), example(name)
    stage.apply(wanted)
    made = stage.reconciler.export(Selection(wanted.stack))
    exported = manifest(made.yaml)
    assert {each.address: each.physical_name for each in exported.resources.values()} == {
        each.address: each.physical_name for each in wanted.resources.values()
    }
    assert stage.plan(exported).empty
    assert stage.apply(made.json).exit_code == 0
    assert stage.mutations == []
    assert stage.plan(wanted).empty


@on_stage()
def test_an_export_reads_and_changes_nothing(stage: Stage) -> None:
    """Nor does it count jobs, since nothing goes."""
    stage.apply(TRAINING)
    stage.simulator.calls.clear()
    made = stage.reconciler.export(Selection("training"))
    assert stage.mutations == []
    assert "ListJobs" not in stage.calls
    assert stage.plan(made.yaml).empty


@on_stage()
def test_stacks_that_refer_to_each_other(stage: Stage) -> None:
    """What another stack owns is referred to by stack and name, so a plan there and elsewhere means the same."""
    stage.apply(LAB)
    user = """
stack: user
jobQueues:
  mine: {priority: 1, computeEnvironmentOrder: [{stack: lab, name: spot}, lab-ondemand]}
"""
    stage.apply(user)
    made = stage.reconciler.export(Selection("user"))
    order = made.document["jobQueues"]["mine"]["computeEnvironmentOrder"]
    assert order == [{"stack": "lab", "name": "spot"}, {"stack": "lab", "name": "ondemand"}]
    assert stage.plan(made.yaml).empty


@on_stage()
def test_all_leaves_the_stacks_alone(stage: Stage) -> None:
    """What nobody owns is exported beside a stack; adopted, the stack has not changed."""
    stage.apply(LAB)
    stage.world.create_job_queue(
        jobQueueName="loose",
        priority=3,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "lab-spot"}],
    )
    stage.settle()
    made = stage.reconciler.export(EVERYTHING)
    assert made.count == 1
    assert made.notes == ("left out: 7 objects of the stack lab, which --stack lab exports",)
    stage.reconciler = attrs.evolve(stage.reconciler, policies=(ADOPTING,))
    assert stage.apply(made.yaml).exit_code == 0
    assert stage.mutations == ["TagResource"]
    assert stage.plan(made.yaml).empty
    assert stage.plan(LAB).empty


@on_stage()
def test_as_many_revisions_stay_as_there_are(stage: Stage) -> None:
    """An export of a stack that keeps more than usual deregisters none."""
    keeping = edit(LAB, ("align:1", "align:0"), ("  align:\n", "  align:\n    rollout: {keep: 9}\n"))
    for number in range(1, 6):
        assert stage.apply(edit(keeping, ("align:0", f"align:{number}"))).exit_code == 0
    assert stage.revisions("lab-align") == [1, 2, 3, 4, 5]
    made = stage.reconciler.export(Selection("lab"))
    assert made.document["jobDefinitions"]["align"]["rollout"] == {"keep": 5}
    assert stage.plan(made.yaml).empty


@on_stage()
def test_a_kind_that_may_not_be_read_is_lacking(stage: Stage) -> None:
    """What refers to it does so by ARN, and the plan of what is there is empty once it can be read."""
    stage.apply(cut(LAB, "jobDefinitions:"))
    stage.simulator.inject(Fault("DescribeComputeEnvironments", "denied", times=1))
    made = stage.reconciler.export(Selection("lab"))
    assert len(made.lacking) == 1
    assert made.lacking[0].startswith("compute environments are missing here: DescribeComputeEnvironments")
    assert [*made.document] == ["stack", "namePrefix", "target", "schedulingPolicies", "jobQueues"]
    order = made.document["jobQueues"]["low"]["computeEnvironmentOrder"]
    assert order == [stage.environment("lab-ondemand")["computeEnvironmentArn"]]
    planned = stage.plan(made.yaml)
    assert {change.action.value for change in planned.changes if change.kind == "job_queue"} == {"noop"}


@on_stage()
def test_an_empty_account_has_nothing_to_export(stage: Stage) -> None:
    """Which is said, with the account, since it may be the wrong one."""
    with pytest.raises(InputError, match="nothing to export in account 123456789012, eu-west-1"):
        stage.reconciler.export(EVERYTHING)
