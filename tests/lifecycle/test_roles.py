"""Service roles over whole runs: an environment is not made with a role that is not there, nor ended without one."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from plans.change import Refusal
from providers.errors import PlanRefused
from tests.kit import LAB, Stage, edit
from tests.lifecycle.surrounded import LINKED, Surrounded, surroundings

LINKED_STACK = """
stack: lab
computeEnvironments:
  one: &one
    type: MANAGED
    computeResources: {type: FARGATE, maxvCpus: 16, subnets: [subnet-1], securityGroupIds: [sg-1]}
"""
STACK = edit(
    LINKED_STACK, ("MANAGED\n", "MANAGED\n    serviceRole: arn:aws:iam::123456789012:role/service-role/batch-runs\n")
)
OFF = edit(STACK, ("MANAGED\n", "MANAGED\n    state: DISABLED\n"))
EMPTY = "stack: lab\nschedulingPolicies: {fair: {fairsharePolicy: {shareDecaySeconds: 600}}}\n"


@pytest.fixture(scope="module")
def surround() -> Iterator[Callable[[], Surrounded]]:
    with surroundings(300_000_000_001) as made:
        yield made


@pytest.fixture
def around(surround: Callable[[], Surrounded]) -> Surrounded:
    return surround()


def refusal(around: Surrounded, text: str, *, destroying: bool = False) -> Refusal:
    """The one thing that keeps this from being planned."""
    (row,) = around.stage.plan(text, destroying=destroying).refusals
    return row


def test_a_role_that_is_not_there_makes_no_environment(around: Surrounded) -> None:
    """It would become INVALID; once the role is there nothing is in the way."""
    row = refusal(around, STACK)
    assert (row.address, row.code) == ("compute_environment.one", "role-missing")
    assert "batch-runs is not there" in row.message
    around.role("batch-runs")
    assert around.stage.apply(STACK).exit_code == 0
    assert around.stage.plan(STACK).empty


@pytest.mark.parametrize(
    "trust",
    [
        {"Version": "2012-10-17", "Statement": []},
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": ["ec2.amazonaws.com"]}, "Action": "sts:AssumeRole"},
                {"Effect": "Deny", "Principal": {"Service": "batch.amazonaws.com"}, "Action": "sts:AssumeRole"},
            ],
        },
    ],
)
def test_a_role_that_lets_others_in_is_as_good_as_none(around: Surrounded, trust: object) -> None:
    """Batch assumes it, or does not."""
    around.role("batch-runs", trust)
    assert "does not let AWS Batch in" in refusal(around, STACK).message


def test_the_role_that_aws_makes_is_not_asked_for(around: Surrounded) -> None:
    """A first environment makes the service-linked role."""
    assert around.stage.apply(LINKED_STACK).exit_code == 0
    assert around.stage.plan(LINKED_STACK).empty
    assert around.asked == {}


def test_a_change_of_role_is_checked(around: Surrounded) -> None:
    """As it is of what is made."""
    around.role("batch-runs")
    around.stage.apply(STACK)
    assert refusal(around, edit(STACK, ("batch-runs", "another"))).code == "role-missing"
    around.role("another")
    assert around.stage.apply(edit(STACK, ("batch-runs", "another"))).exit_code == 0


@pytest.mark.parametrize("text", [OFF, f"{EMPTY}policy: {{maxDeletes: 9}}\n"])
def test_nothing_ends_without_its_role(around: Surrounded, text: str) -> None:
    """It would hang in DELETING; told once, with what mends it."""
    around.role("batch-runs")
    stage = around.stage
    stage.apply(f"{STACK}{EMPTY.removeprefix('stack: lab')}")
    around.iam.delete_role(RoleName="batch-runs")
    both = f"{text}{EMPTY.removeprefix('stack: lab')}" if text is OFF else text
    row = refusal(around, both)
    assert (row.address, row.code) == ("compute_environment.one", "role-gone")
    assert "hang in DELETING" in row.message
    around.role("batch-runs")
    assert stage.apply(both).exit_code == 0


def test_the_service_linked_role_is_made_again_first(around: Surrounded) -> None:
    """With the one command that does it, since nobody can make a role of that name otherwise."""
    stage = around.stage
    stage.apply(LINKED_STACK)
    with pytest.raises(PlanRefused):
        stage.destroy(LINKED_STACK)
    row = refusal(around, LINKED_STACK, destroying=True)
    assert (row.code, LINKED in row.message) == ("role-gone", True)
    assert "aws iam create-service-linked-role --aws-service-name batch.amazonaws.com" in row.hint
    around.linked_role()
    assert stage.destroy(LINKED_STACK).exit_code == 0
    assert stage.all == []


def test_what_is_invalid_is_told_of_its_role(around: Surrounded) -> None:
    """AWS's own reason speaks of an assumed role; this says that it is gone."""
    around.role("batch-runs")
    stage = around.stage
    stage.apply(STACK)
    stage.world.update_compute_environment(
        computeEnvironment="one", serviceRole="arn:aws:iam::123456789012:role/missing"
    )
    stage.settle()
    assert stage.environment("one")["status"] == "INVALID"
    told = "compute_environment.one: one is INVALID, and its service role missing is not there"
    assert told in stage.plan(STACK).warnings


def test_where_iam_cannot_be_read_nothing_is_refused(around: Surrounded) -> None:
    """It is said, once, and only where something was to be asked."""
    around.alone()
    stage = around.stage
    made = stage.plan(STACK)
    assert made.refusals == ()
    assert made.warnings == ("not looked at: service roles (there is no client of IAM)",)
    assert stage.apply(STACK).exit_code == 0
    assert stage.plan(STACK).warnings == ()
    assert stage.destroy(STACK).exit_code == 0


@pytest.mark.parametrize(("failures", "told"), [(2, False), (1000, True)])
def test_an_iam_that_does_not_answer_is_asked_again(around: Surrounded, failures: int, told: bool) -> None:
    """For a while, on the clock of the run; then the plan is made without."""
    left = iter(range(failures))

    def lose(**_: Any) -> None:
        if next(left, None) is not None:
            raise ReadTimeoutError(endpoint_url="https://iam.amazonaws.com")

    around.role("batch-runs")
    around.iam.meta.events.register("before-send", lose, unique_id="lose")
    around.reach(lambda _service: around.iam)
    began = around.stage.clock.now()
    made = around.stage.plan(STACK)
    around.iam.meta.events.unregister("before-send", unique_id="lose")
    assert made.refusals == ()
    assert any("not looked at: service roles (GetRole: " in row for row in made.warnings) is told
    assert 0 < around.stage.clock.now() - began < 200


def test_a_plan_that_leans_on_no_role_asks_nothing(around: Surrounded) -> None:
    """Neither IAM nor EC2, and no client of them is made."""

    def other(service: str) -> object:
        raise AssertionError(service)

    around.reach(other)
    stage = around.stage
    assert stage.apply(LAB).exit_code == 0
    assert stage.plan(LAB).empty
    assert stage.apply(edit(LAB, ("maxvCpus: 64", "maxvCpus: 32"))).exit_code == 0


def test_roles_are_asked_for_once_in_a_run(around: Surrounded) -> None:
    """Before anything is done, not again when the world is looked at afterwards."""
    around.role("batch-runs")
    two = f"{STACK}  two: *one\n"
    report = around.stage.apply(two)
    assert report.exit_code == 0
    assert (around.asked, report.calls["GetRole"]) == ({"GetRole": 1}, 1)


def test_a_stage_alone_has_no_other_clients() -> None:
    """As a connection that somebody makes by hand."""
    assert Stage.new().plan(STACK).refusals == ()
