"""Job queues: what changes in place, what AWS would refuse, and what is sent."""

from functools import partial
from typing import Any

import attrs
import pytest

from plans.asked import Asked
from plans.change import Impact
from plans.jsonform import encode_members
from plans.policy import Policy
from providers.resources import Address, Ref
from tests.plans.core import (
    actions,
    arn,
    before,
    change,
    codes,
    environment,
    environments,
    fargate,
    ids,
    live,
    plan,
    policy,
    queue,
    queues,
    step,
)

ADDRESS = "job_queue.high"
ONE, TWO = arn("compute_environment", "one"), arn("compute_environment", "two")
FAIR = "\nschedulingPolicies:\n  fair: {}\n"


def sent(made: Any) -> Any:
    arguments = encode_members(step(made, f"update:{ADDRESS}").arguments)
    assert arguments.pop("jobQueue") == arn("job_queue", "high")
    return arguments


def test_names_in_the_order_are_the_arns_that_describe_shows() -> None:
    """And the positions in the list are the order; what AWS derives is no difference."""
    assert plan(environments() + queues(), environment(), queue()).empty


def test_the_order_counts_not_the_positions() -> None:
    """Describe may list the environments in any order; their numbers tell (hashicorp/terraform-provider-aws#8083)."""
    shown = queue("high", "one", "two")
    entries = list(reversed(shown.spec["computeEnvironmentOrder"]))
    text = environments("one", "two") + queues(order="[one, two]")
    both = (environment("one"), environment("two"))
    assert plan(text, *both, queue(computeEnvironmentOrder=entries)).empty
    text = environments("one", "two") + queues(order="[two, one]")
    made = plan(text, *both, shown)
    wanted = [{"order": 1, "computeEnvironment": TWO}, {"order": 2, "computeEnvironment": ONE}]
    assert sent(made) == {"computeEnvironmentOrder": wanted}
    assert {row.path for row in change(made, ADDRESS).differences} == {
        f"computeEnvironmentOrder[{ONE}].order",
        f"computeEnvironmentOrder[{TWO}].order",
    }


@pytest.mark.parametrize(
    ("more", "arguments"),
    [
        (", state: DISABLED", {"state": "DISABLED"}),
        (
            ", jobStateTimeLimitActions: [{state: RUNNABLE, reason: r, maxTimeSeconds: 600, action: CANCEL}]",
            {
                "jobStateTimeLimitActions": [
                    {"state": "RUNNABLE", "reason": "r", "maxTimeSeconds": 600, "action": "CANCEL"}
                ]
            },
        ),
    ],
)
def test_only_what_changed_is_sent(more: str, arguments: Any) -> None:
    """Everything else of the queue stays unsaid."""
    assert sent(plan(environments() + queues(more=more), environment(), queue())) == arguments


def test_priority_changes_and_zero_is_a_value() -> None:
    """0 is the lowest priority, not the lack of one."""
    text = environments() + queues().replace("priority: 1", "priority: 0")
    made = plan(text, environment(), queue())
    assert sent(made) == {"priority": 0}
    goal = step(made, f"update:{ADDRESS}").goal
    assert goal is not None
    assert (goal.until, goal.expect) == ("settled", {"priority": 0})


def test_what_left_the_manifest_is_reset() -> None:
    """State to ENABLED, time limits to none."""
    limits = [{"state": "RUNNABLE", "reason": "r", "maxTimeSeconds": 600, "action": "CANCEL"}]
    shown = queue(state="DISABLED", jobStateTimeLimitActions=limits)
    made = plan(environments() + queues(), environment(), shown)
    assert sent(made) == {"state": "ENABLED", "jobStateTimeLimitActions": []}
    goal = step(made, f"update:{ADDRESS}").goal
    assert goal is not None
    assert goal.expect == {"state": None, "jobStateTimeLimitActions": None}


@pytest.mark.parametrize(
    ("said", "shown"), [(", schedulingPolicyArn: fair", None), ("", arn("scheduling_policy", "fair"))]
)
def test_a_policy_is_neither_given_to_a_queue_nor_taken_from_it(said: str, shown: str | None) -> None:
    """That is another queue (UpdateJobQueue, `schedulingPolicyArn`)."""
    made = plan(FAIR + environments() + queues(more=said), policy(), environment(), queue(schedulingPolicyArn=shown))
    assert actions(made)[ADDRESS] == "replace"
    assert [row.rule for row in change(made, ADDRESS).differences] == ["policy-added-or-removed"]


def test_a_policy_is_exchanged_in_place() -> None:
    """One policy for another is an update."""
    shown = queue(schedulingPolicyArn=arn("scheduling_policy", "other"))
    text = FAIR + environments() + queues(more=", schedulingPolicyArn: fair")
    assert sent(plan(text, policy(), environment(), shown)) == {"schedulingPolicyArn": arn("scheduling_policy", "fair")}


def test_a_queue_waits_for_what_it_names() -> None:
    """What is not made yet is a reference, told when it is made, and its step comes first."""
    made = plan(FAIR + environments() + queues(more=", schedulingPolicyArn: fair"))
    assert ids(made) == ["create:scheduling_policy.fair", "create:compute_environment.one", f"create:{ADDRESS}"]
    create = step(made, f"create:{ADDRESS}")
    assert create.arguments["schedulingPolicyArn"] == Ref(Address("scheduling_policy", "fair"))
    assert create.arguments["computeEnvironmentOrder"] == [
        {"order": 1, "computeEnvironment": Ref(Address("compute_environment", "one"))}
    ]
    assert create.after == ("create:compute_environment.one", "create:scheduling_policy.fair")


def test_the_type_of_a_queue_is_derived_and_stays() -> None:
    """Unsaid or null it is AWS's; another is another queue."""
    both = (environment(), queue())
    assert plan(environments() + queues(more=", jobQueueType: null"), *both).empty
    made = plan(environments() + queues(more=", jobQueueType: EKS"), *both)
    assert actions(made)[ADDRESS] == "replace"


ON_FARGATE = """
  two:
    type: MANAGED
    computeResources: {type: FARGATE, maxvCpus: 16, subnets: [subnet-1], securityGroupIds: [sg-1]}
"""
ON_EKS = environments("two").partition(":")[2] + "    eksConfiguration: {eksClusterArn: a, kubernetesNamespace: n}\n"


@pytest.mark.parametrize("other", [ON_FARGATE, ON_EKS])
def test_a_queue_takes_one_sort_of_environment(other: str) -> None:
    """Machines, Fargate and EKS are not mixed, whether the environments are new or live."""
    text = environments() + other.lstrip("\n") + queues(order="[one, two]")
    assert (ADDRESS, "mixed-types") in codes(plan(text))
    assert (ADDRESS, "mixed-types") in codes(plan(text, environment()))
    by_name = plan(queues(order="[foreign, strange]"), environment("foreign"), fargate("strange"))
    assert (ADDRESS, "mixed-types") in codes(by_name)


def test_a_queue_keeps_its_sort_of_environment() -> None:
    """A queue of machines does not move to Fargate."""
    text = environments() + ON_FARGATE.lstrip("\n") + queues(order="[two]")
    assert codes(plan(text, environment(), fargate("two"), queue())) == [(ADDRESS, "queue-type")]
    assert codes(plan(text, environment(), fargate("two"), queue("high", "two", jobQueueType="ECS_FARGATE"))) == []


@pytest.mark.parametrize(
    ("types", "refused"),
    [
        ("m6g.large", True),
        ("t4g", True),
        ("a1.medium", True),
        ("im4gn.large", True),
        ("default_arm64", True),
        ("g5.xlarge", False),
        ("g4dn.xlarge", False),
        ("optimal", False),
        ("default_x86_64", False),
    ],
)
def test_a_queue_takes_one_architecture(types: str, refused: bool) -> None:
    """ARM and x86 are not mixed."""
    text = environments("one", "two")
    head, _, tail = text.rpartition("m6i.large")
    made = plan(head + types + tail + queues(order="[one, two]"))
    assert codes(made) == ([(ADDRESS, "mixed-architectures")] if refused else [])


ARM = environments("one", "two").replace("m6i.large", "m6g.large", 1)


def test_an_environment_keeps_the_architecture_of_its_queues() -> None:
    """Other instance types would mix them, in a queue of this stack or of another."""
    lives = (environment("one"), environment("two"))
    told = [("compute_environment.one", "mixed-architectures")]
    assert codes(plan(ARM, *lives, queue("high", "one", "two", fields={"tags": {}}))) == told
    assert codes(plan(ARM + queues(order="[one, two]"), *lives, queue("high", "one", "two"))) == told
    assert codes(plan(ARM + queues(order="[one]"), *lives, queue("high", "one"))) == []
    both = ARM.replace("m6i.large", "c6g")
    assert codes(plan(both + queues(order="[one, two]"), *lives, queue("high", "one", "two"))) == []


def test_a_queue_that_lets_go_of_what_would_be_mixed_is_told_of_itself() -> None:
    """Where it sends its environments, they are looked at as they will be."""
    lives = (environment("one"), environment("two"), queue("high", "one", "two"))
    assert codes(plan(ARM + queues(order="[one]"), *lives)) == []
    assert codes(plan(ARM + queues(order="[two, one]"), *lives)) == [(ADDRESS, "mixed-architectures")]


def test_a_queue_that_is_mixed_already_is_left_alone() -> None:
    """What AWS has taken stands in nobody's way."""
    lives = (environment("one", instanceTypes=["c6g"]), environment("two"), queue("high", "one", "two"))
    assert codes(plan(ARM + queues(order="[one, two]"), *lives)) == []


@pytest.mark.parametrize(("status", "reason"), [("INVALID", "CLIENT_ERROR - bad"), ("DELETING", "")])
def test_an_environment_that_is_not_valid_is_named(status: str, reason: str) -> None:
    """AWS takes only VALID ones; its reason is told."""
    bad = environment("theirs", fields={"status": status, "status_reason": reason, "tags": {}})
    text = queues(order=f"[{bad.arn}]")
    made = plan(text, bad)
    assert codes(made) == [(ADDRESS, "invalid-environment")]
    assert reason in made.refusals[0].message


def test_an_environment_that_this_plan_repairs_is_fine() -> None:
    """The queue comes after the repair."""
    broken = environment(role=f"{LINKED_BUT_ODD}", fields={"status": "INVALID", "status_reason": "role"})
    text = environments() + f"    serviceRole: {LINKED_BUT_ODD}2\n" + queues()
    made = plan(text, broken)
    assert codes(made) == []
    assert before(made, "update:compute_environment.one", f"create:{ADDRESS}")


LINKED_BUT_ODD = "arn:aws:iam::123456789012:role/service-role/it"


def test_more_than_three_environments_are_refused() -> None:
    """For a queue that is made and for one that is changed; another queue of the account may tell that they are not."""
    names = [f"e{number}" for number in range(5)]
    text, live = environments(*names), [environment(name) for name in names]
    four = text + queues(order=f"[{', '.join(names[:4])}]")
    assert codes(plan(four)) == [(ADDRESS, "quota")]
    assert codes(plan(four, *live, queue("high", *names[:3]))) == [(ADDRESS, "quota")]
    assert codes(plan(text + queues(order="[e0, e1, e2]"))) == []


def test_where_the_quota_was_raised_it_only_warns() -> None:
    """That a live queue has more tells so (hashicorp/terraform-provider-aws#20764)."""
    names = [f"e{number}" for number in range(5)]
    text, live = environments(*names), [environment(name) for name in names]
    five = text + queues(order=f"[{', '.join(names)}]")
    for there in (queue("high", *names[:4]), queue("other", *names[:4], fields={"tags": {}})):
        made = plan(five, *live, there)
        assert codes(made) == []
        assert "5 compute environments" in made.warnings[0]


def test_a_queue_is_of_compute_or_of_service_environments() -> None:
    """From one to the other is a replacement, not a half update."""
    text = """
serviceEnvironments:
  train: {serviceEnvironmentType: SAGEMAKER_TRAINING, capacityLimits: [{maxCapacity: 1, capacityUnit: NUM_INSTANCES}]}
jobQueues:
  high: {priority: 1, serviceEnvironmentOrder: [train]}
"""
    limits = [{"maxCapacity": 1, "capacityUnit": "NUM_INSTANCES"}]
    spec = {"serviceEnvironmentType": "SAGEMAKER_TRAINING", "state": "ENABLED", "capacityLimits": limits}
    train = live("service_environment", "train", spec, status="VALID")
    made = plan(text, train, queue())
    assert actions(made)[ADDRESS] == "replace"
    assert {row.rule for row in change(made, ADDRESS).differences} == {"sort-of-queue"}
    assert [row for row in codes(made) if row[0] == ADDRESS] == [(ADDRESS, "replacement")]


def test_an_environment_that_is_invalid_is_none_that_works() -> None:
    """Switching off the only VALID one is an outage, whoever owns the other."""
    other = attrs.evolve(environment("two", fields={"status": "INVALID"}), tags={})
    wanted = environments("one").replace("type: MANAGED", "state: DISABLED\n    type: MANAGED", 1)
    both = queue("high", "one", "two")
    made = plan(wanted + queues(order="[one, two]"), environment("one"), other, both)
    assert str(change(made, "compute_environment.one").impact) == "outage"


@pytest.mark.parametrize("how", ["createFirst", "twoHop", "deleteFirst"])
@pytest.mark.parametrize("whose", ["own", "theirs"])
def test_one_that_is_replaced_by_a_disabled_one_is_an_outage(how: str, whose: str) -> None:
    """Whatever the manner, and whoever owns the queue that follows it."""
    order = ["one", "two"] if how == "deleteFirst" else ["one"]
    lives = [environment(name, fields={"spec": {"state": "DISABLED"}} if name == "two" else None) for name in order]
    text = environments(*order).replace("type: MANAGED", "type: MANAGED\n    state: DISABLED")
    text = text.replace("one:\n", f"one:\n    lifecycle: {{replace: {how}}}\n", 1)
    text = text.replace("BEST_FIT_PROGRESSIVE", "BEST_FIT", 1)
    if whose == "own":
        planned = partial(plan, text + queues(order=f"[{', '.join(order)}]"), *lives, queue("high", *order))
    else:
        user = queue("theirs", *order, fields={"tags": {}})
        planned = partial(plan, text, *lives, user, asked=Asked(move_references=["theirs"]))
    made = planned(policy=Policy(max_impact="outage"))
    assert codes(made) == []
    assert change(made, "compute_environment.one").impact is Impact.OUTAGE
    assert Impact.OUTAGE in {each.impact for each in made.changes}
    assert {code for _, code in codes(planned())} == {"max-impact"}


def test_an_order_that_loses_its_last_working_environment_is_an_outage() -> None:
    """A queue that moves to a DISABLED environment cannot run jobs."""
    both = (environment("one"), environment("two", fields={"spec": {"state": "DISABLED"}}))
    text = environments("one", "two")
    head, _, tail = text.rpartition("type: MANAGED")
    made = plan(head + "state: DISABLED\n    type: MANAGED" + tail + queues(order="[two]"), *both, queue())
    assert str(change(made, ADDRESS).impact) == "outage"
