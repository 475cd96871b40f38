"""Faults on demand: which calls they hit, and what becomes of those."""

from typing import cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from providers.simulator import Fault, Settings
from providers.simulator.faults import Kind
from tests.providers.simulator.lab import Lab, connect, refusal


def _create(lab: Lab, name: str) -> str:
    """Create a policy; return how that ended."""
    try:
        lab.batch.create_scheduling_policy(name=name)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    except (ReadTimeoutError, EndpointConnectionError) as error:
        return type(error).__name__
    return "made"


def _names(lab: Lab) -> list[str]:
    lab.simulator.heal()
    return [it["arn"].rpartition("/")[2] for it in lab.batch.list_scheduling_policies()["schedulingPolicies"]]


@pytest.mark.parametrize(
    ("kind", "outcome", "made"),
    [
        ("throttle", "TooManyRequestsException", []),
        ("server", "ServerException", []),
        ("lost", "ReadTimeoutError", ["p"]),
        ("refused", "EndpointConnectionError", []),
        ("denied", "AccessDeniedException", []),
        ("expired", "ExpiredTokenException", []),
        ("unknown", "UnknownOperationException", []),
    ],
)
def test_each_kind_of_fault(kind: Kind, outcome: str, made: list[str]) -> None:
    """Only a lost answer is acted upon; each kind ends in its own way."""
    lab = Lab.new(faults=[Fault("CreateSchedulingPolicy", kind)])
    assert _create(lab, "p") == outcome
    assert _names(lab) == made


def test_statuses_are_those_of_aws(lab: Lab) -> None:
    """429 for throttling, 500 for the server, 403 for what may not be, 404 for what is not known."""
    seen = {}
    kinds: list[Kind] = ["throttle", "server", "denied", "expired", "unknown"]
    for kind in kinds:
        lab.simulator.inject(Fault("*", kind))
        seen[kind] = refusal(lab.batch.describe_job_queues)[0]
    assert seen == {"throttle": 429, "server": 500, "denied": 403, "expired": 403, "unknown": 404}


def test_a_fault_hits_so_many_calls_after_so_many(lab: Lab) -> None:
    """`after` calls pass, `times` calls are hit, the rest pass; other operations are not counted."""
    lab.simulator.inject(Fault("CreateSchedulingPolicy", "throttle", after=1, times=2))
    lab.batch.list_scheduling_policies()
    assert [_create(lab, name) for name in "abcd"] == ["made", *["TooManyRequestsException"] * 2, "made"]


def test_faults_of_one_operation_follow_each_other(lab: Lab) -> None:
    """A call counts for the first fault that it meets only."""
    lab.simulator.inject(Fault("CreateSchedulingPolicy", "throttle"), Fault("*", "lost"))
    assert [_create(lab, name) for name in "abc"] == ["TooManyRequestsException", "ReadTimeoutError", "made"]
    assert _names(lab) == ["b", "c"]


def test_a_fault_may_last_until_it_is_healed(lab: Lab) -> None:
    """Without a number of times a fault hits every call."""
    lab.simulator.inject(Fault("*", "denied", times=None))
    assert [_create(lab, "p") for _ in range(5)] == ["AccessDeniedException"] * 5
    lab.simulator.heal()
    assert _create(lab, "p") == "made"


def test_a_lost_refusal_is_lost_too(lab: Lab) -> None:
    """Where the service refuses and the answer is lost, the caller learns nothing."""
    _create(lab, "p")
    lab.simulator.inject(Fault("*", "lost"))
    assert _create(lab, "p") == "ReadTimeoutError"


def test_calls_are_recorded(lab: Lab) -> None:
    """Every call is there with its time and status, 0 where there was no answer; the record can be emptied."""
    lab.simulator.inject(Fault("CreateSchedulingPolicy", "refused", after=1))
    lab.batch.create_scheduling_policy(name="p")
    lab.clock.sleep(5)
    _create(lab, "q")
    refusal(lab.batch.update_job_queue, jobQueue="nobody")
    start = lab.clock.now() - 5
    assert [(call.operation, call.time - start, call.status) for call in lab.simulator.calls] == [
        ("CreateSchedulingPolicy", 0, 200),
        ("CreateSchedulingPolicy", 5, 0),
        ("UpdateJobQueue", 5, 400),
    ]
    lab.simulator.calls.clear()
    assert not lab.simulator.calls


def test_calls_come_too_fast() -> None:
    """Beyond the rate a call is throttled; a second of simulated time later there is room again."""
    lab = Lab.new(settings=Settings(rate=3))
    assert [_create(lab, name) for name in "abcd"] == ["made"] * 3 + ["TooManyRequestsException"]
    lab.clock.sleep(0.5)
    assert _create(lab, "d") == "TooManyRequestsException"
    lab.clock.sleep(0.5)
    assert _create(lab, "d") == "made"


def test_a_foreign_writer_comes_between(lab: Lab) -> None:
    """What runs before a call may call itself, and the call meets what it left."""
    other = connect(lab.simulator)

    def intrude(operation: str, number: int) -> None:
        if (operation, number) == ("CreateSchedulingPolicy", 2):
            other.create_scheduling_policy(name="p")

    lab.simulator.before_call = intrude
    lab.batch.list_scheduling_policies()
    assert refusal(lab.batch.create_scheduling_policy, name="p")[0] == 409
    assert [call.operation for call in lab.simulator.calls] == ["ListSchedulingPolicies"] + [
        "CreateSchedulingPolicy"
    ] * 2


def test_a_process_dies_before_a_call(lab: Lab) -> None:
    """What runs before a call may end the program: the call is not acted upon."""

    class Death(BaseException):
        pass

    def die(_: str, number: int) -> None:
        if number == 2:
            raise Death

    lab.simulator.before_call = die
    lab.batch.create_scheduling_policy(name="a")
    with pytest.raises(Death):
        lab.batch.create_scheduling_policy(name="b")
    lab.simulator.before_call = None
    assert _names(lab) == ["a"]


def test_a_fault_may_be_for_a_kind_of_object(lab: Lab) -> None:
    """A pattern names operations: all of policies, and no others."""
    lab.simulator.inject(Fault("*SchedulingPolic*", "denied", times=None))
    assert _create(lab, "p") == "AccessDeniedException"
    assert refusal(lab.batch.list_scheduling_policies)[1] == "AccessDeniedException"
    assert lab.batch.describe_job_queues()["jobQueues"] == []


def test_a_fault_may_have_its_time(lab: Lab) -> None:
    """It begins and ends so many seconds of simulated time after it was put in force."""
    lab.clock.sleep(1000)
    lab.simulator.inject(Fault("*", "throttle", times=None, begins=60, lasts=30))
    seen = []
    for name in "abcd":
        seen.append(_create(lab, name))
        lab.clock.sleep(30)
    assert seen == ["made", "made", "TooManyRequestsException", "made"]


def _hit(lab: Lab, seed: int) -> list[bool]:
    lab.simulator.inject(Fault("*", "throttle", times=None, chance=0.5, seed=seed))
    hit = [_create(lab, f"p{seed}-{number}") != "made" for number in range(40)]
    lab.simulator.heal()
    return hit


def test_a_fault_may_come_by_chance(lab: Lab) -> None:
    """A seed is one sequence of luck; another seed is another."""
    again = Lab.new()
    assert _hit(lab, 1) == _hit(again, 1)
    assert 5 < sum(_hit(again, 2)) < 35
    assert _hit(lab, 3) != _hit(again, 2)


def test_a_stale_read_shows_what_was(lab: Lab) -> None:
    """A read that a fault hits shows what was before a change that is not too old; the truth rules refusals."""
    lab.environment("e")
    lab.batch.update_compute_environment(computeEnvironment="e", computeResources={"maxvCpus": 32})
    shown = []
    for wait in (0, 5, 30):
        lab.clock.sleep(wait)
        lab.simulator.inject(Fault("DescribeComputeEnvironments", "stale", seconds=10))
        shown.append((lab.see_environment("e")["status"], lab.see_environment("e")["status"]))
    assert shown == [("VALID", "UPDATING"), ("VALID", "UPDATING"), ("VALID", "VALID")]
    lab.batch.create_scheduling_policy(name="p")
    lab.simulator.inject(Fault("List*", "stale", seconds=10))
    assert lab.batch.list_scheduling_policies()["schedulingPolicies"] == []
    assert _create(lab, "p") == "ClientException"


def test_a_transition_may_be_slow(lab: Lab) -> None:
    """The transition that the call begins takes longer, and ends as it would."""
    lab.simulator.inject(Fault("CreateComputeEnvironment", "slow", seconds=1000))
    lab.environment("e", wait=999)
    assert lab.see_environment("e")["status"] == "CREATING"
    lab.clock.sleep(500)
    assert lab.see_environment("e")["status"] == "VALID"


def test_a_transition_may_end_invalid(lab: Lab) -> None:
    """The transition that the call begins ends in INVALID, for the reason given; the next one may repair that."""
    lab.simulator.inject(Fault("CreateComputeEnvironment", "invalid", reason="CLIENT_ERROR - no such role"))
    lab.environment("e")
    seen = lab.see_environment("e")
    assert (seen["status"], seen["statusReason"]) == ("INVALID", "CLIENT_ERROR - no such role")
    lab.batch.update_compute_environment(computeEnvironment="e", serviceRole=seen["serviceRole"])
    lab.clock.sleep(600)
    assert lab.see_environment("e")["status"] == "VALID"


def test_a_deletion_may_fail(lab: Lab) -> None:
    """An environment that cannot be deleted is INVALID and still there."""
    lab.environment("e", state="DISABLED")
    lab.simulator.inject(
        Fault("DeleteComputeEnvironment", "invalid", reason="CLIENT_ERROR - Clusters can not be blank")
    )
    lab.batch.delete_compute_environment(computeEnvironment="e")
    lab.clock.sleep(600)
    assert lab.see_environment("e")["statusReason"] == "CLIENT_ERROR - Clusters can not be blank"


def test_somebody_else_may_come_first(lab: Lab) -> None:
    """A foreign writer's call is done in the same account just before the call that is hit, and no fault hits it."""
    lab.batch.create_scheduling_policy(name="theirs")
    theirs = ("TagResource", {"resourceArn": _arn(lab), "tags": {"by": "them"}})
    lab.simulator.inject(Fault("ListTagsForResource", "foreign", writes=theirs), Fault("TagResource", "denied"))
    assert lab.batch.list_tags_for_resource(resourceArn=_arn(lab))["tags"] == {"by": "them"}


def test_a_foreign_writer_who_is_refused_changes_nothing(lab: Lab) -> None:
    """What he is told is no concern of ours."""
    writes = ("DeleteJobQueue", {"jobQueue": "nobody"})
    lab.simulator.inject(Fault("CreateSchedulingPolicy", "foreign", writes=writes))
    assert _create(lab, "p") == "made"


def test_a_foreign_writer_is_held_to_the_api(lab: Lab) -> None:
    """His words are spelt as the API spells them, and what the API does not know he cannot do."""
    lab.environment("e")
    calls = [
        ("UpdateComputeEnvironment", {"computeEnvironment": "e", "state": "disabled"}),
        ("UpdateComputeEnvironment", {"state": "ENABLED"}),
        ("Nope", {}),
    ]
    lab.simulator.inject(*(Fault("CreateSchedulingPolicy", "foreign", writes=writes) for writes in calls))
    assert [_create(lab, name) for name in "abc"] == ["made"] * 3
    assert lab.see_environment("e")["state"] == "DISABLED"


def test_a_fault_says_what_it_means() -> None:
    """A kind that does not exist, a foreign writer who writes nothing, and a throttle that writes are refused."""
    with pytest.raises(ValueError, match="throtle"):
        Fault("*", cast("Kind", "throtle"))
    for kind, writes in (("foreign", None), ("throttle", ("TagResource", {}))):
        with pytest.raises(ValueError, match="foreign"):
            Fault("*", cast("Kind", kind), writes=writes)


def test_a_stale_read_is_not_spent_by_a_write(lab: Lab) -> None:
    """Only reads meet it."""
    lab.simulator.inject(Fault("*", "stale", seconds=10))
    lab.batch.create_scheduling_policy(name="p")
    assert lab.batch.list_scheduling_policies()["schedulingPolicies"] == []
    assert len(lab.batch.list_scheduling_policies()["schedulingPolicies"]) == 1


def _arn(lab: Lab) -> str:
    return str(lab.batch.list_scheduling_policies()["schedulingPolicies"][0]["arn"])
