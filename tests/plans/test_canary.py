"""Canaries: which job is tried where, and which queue of an earlier run is used, cleaned up, or in the way."""

from functools import partial
from typing import Any

import attrs
import pytest

from plans.plan import Plan, Step
from plans.policy import Policy
from providers.resources import Address, Live, Ref
from tests.plans import core
from tests.plans.core import (
    MANAGED,
    actions,
    arn,
    before,
    codes,
    definition,
    environment,
    ids,
    queue,
    queues,
    revision,
    step,
    tags,
)

plan = partial(core.plan, policy=Policy(max_impact="outage"))
ADDRESS, CANARY = "compute_environment.one", "job_queue.one@canary"
DEFINITIONS = arn("job_definition", "")
NEW = "one-0a1b2c3d"
OLD = (environment("one"), queue("high", "one"), revision(1), revision(2))


def tried(said: str = "align", *, state: str = "ENABLED", more: str = "") -> str:
    """An environment that needs a new object, with a canary."""
    said = f"    state: {state}\n    lifecycle: {{canary: {{jobDefinition: {said}}}}}\n"
    block = MANAGED.format(name="one").replace("BEST_FIT_PROGRESSIVE", "BEST_FIT")
    return f"\ncomputeEnvironments:{block}{said}{queues('high')}{definition()}{more}"


def new(name: str = NEW, **fields: Any) -> Live:
    """The environment that an earlier run made."""
    shown = {"tags": tags(ADDRESS), "uuid": "unique", **fields}
    return environment(name, allocationStrategy="BEST_FIT", fields=shown)


def left(name: str = f"{NEW}-canary", of: str = NEW, address: str = CANARY, **fields: Any) -> Live:
    """The queue that an earlier run made for a canary."""
    fields = {"tags": tags(address), **fields}
    state = fields.pop("state", "ENABLED")
    return queue(name, of, fields=fields, state=state)


def job(made: Plan) -> Step:
    (found,) = [each for each in made.steps if each.call == "SubmitJob"]
    return found


def verbs(made: Plan, name: str = NEW) -> list[str]:
    """What is done with the canary's queue by its own steps."""
    return [each.partition(":")[0] for each in ids(made) if each.endswith(f"{CANARY}:{name}")]


def test_a_queue_is_made_for_it_and_goes_whatever_comes_of_it() -> None:
    """Its clean-up names what its creation makes, so that it touches nothing else."""
    made = plan(tried(), *OLD)
    (creation,) = [each for each in made.steps if each.call == "CreateJobQueue"]
    name = creation.id.rpartition(":")[2]
    assert creation.arguments["computeEnvironmentOrder"] == [
        {"order": 1, "computeEnvironment": Ref(Address.parse(ADDRESS))}
    ]
    assert job(made).arguments["tags"]["batchwright:environment"] == Ref(Address.parse(ADDRESS), "uuid")
    assert verbs(made, name) == ["create", "disable", "delete"]
    for verb in ("disable", "delete"):
        over = step(made, f"{verb}:{CANARY}:{name}")
        assert (over.when, over.arguments["jobQueue"]) == ("always", Ref(Address.parse(CANARY)))
    assert before(made, job(made).id, f"disable:{CANARY}:{name}")
    assert before(made, f"disable:{CANARY}:{name}", f"delete:{CANARY}:{name}")
    assert before(made, job(made).id, "update:job_queue.high")


@pytest.mark.parametrize(
    ("fields", "done"),
    [
        ({}, ["disable", "delete"]),
        ({"state": "DISABLED"}, ["enable", "disable", "delete"]),
        ({"status": "CREATING"}, ["wait", "disable", "delete"]),
        ({"status": "UPDATING", "state": "DISABLED"}, ["enable", "disable", "delete"]),
    ],
)
def test_a_queue_that_leads_to_the_environment_is_used_again(fields: dict[str, Any], done: list[str]) -> None:
    """Its job may be there; so it stays until that is over, and takes jobs."""
    made = plan(tried(), *OLD, new(), left(**fields))
    assert verbs(made) == done
    assert CANARY not in actions(made)
    assert job(made).arguments["jobQueue"] == arn("job_queue", f"{NEW}-canary")
    assert job(made).arguments["tags"]["batchwright:environment"] == "unique"
    assert {step(made, f"{verb}:{CANARY}:{NEW}").arguments["jobQueue"] for verb in done} == {
        arn("job_queue", f"{NEW}-canary")
    }


@pytest.mark.parametrize(
    "queued",
    [
        left(of="one"),
        left(status="INVALID"),
        left(status="DELETING"),
        left(address="job_queue.uno@canary"),
    ],
    ids=["elsewhere", "invalid", "being deleted", "of another address"],
)
def test_a_queue_of_no_use_is_cleaned_up_first(queued: Live) -> None:
    """Its name is had anew once it is gone."""
    made = plan(tried(), *OLD, new(), queued)
    assert made.refusals == ()
    assert verbs(made) == ["create", "disable", "delete"]
    assert actions(made)[str(queued.address)] == "delete"
    last = "wait" if queued.status == "DELETING" else "delete"
    assert before(made, f"{last}:{queued.address}", f"create:{CANARY}:{NEW}")


@pytest.mark.parametrize(
    "owned",
    [{}, tags("job_queue.x@canary", "other"), tags("job_queue.low")],
    ids=["nobody's", "another stack's", "a block's"],
)
def test_a_queue_of_somebody_else_stands_in_the_way(owned: dict[str, str]) -> None:
    """It is not used, and not removed."""
    made = plan(tried(), *OLD, new(), left(of="one", tags=owned))
    assert (ADDRESS, "name-taken") in codes(made)


def test_the_queues_of_several_runs_all_go() -> None:
    """Whatever the policy says, before the environment that they lead to; none is moved."""
    names = ("one-eeeeeeee-canary", "one-ffffffff-canary")
    made = plan(tried(), *OLD, *(left(name, "one") for name in names), policy=Policy(max_deletes=0, prune=False))
    assert made.refusals == ()
    for name in names:
        assert before(made, f"disable:{CANARY}:{name}", f"delete:{CANARY}:{name}")
        assert before(made, f"delete:{CANARY}:{name}", f"disable:{ADDRESS}:one")
    assert not [each for each in ids(made) if each.startswith("move") and "canary" in each]


def test_only_the_queues_of_what_is_chosen_go() -> None:
    """That of another environment stays for the run that is about it; one that leads to what is chosen goes."""
    other = environment("two")
    lives = (*OLD, other, left(of="one"), left("two-canary", "two", "job_queue.two@canary"))
    elsewhere = left("three-canary", "one", "job_queue.three@canary")
    text = tried().replace("jobQueues:", MANAGED.format(name="two") + "jobQueues:", 1)
    made = plan(text, *lives, elsewhere, choose=(ADDRESS,))
    assert {name for name, action in actions(made).items() if action == "delete"} == {CANARY, "job_queue.three@canary"}
    assert actions(plan(text, *lives))["job_queue.two@canary"] == "delete"


@pytest.mark.parametrize("how", ["prune", "destroy"])
def test_a_queue_goes_once(how: str) -> None:
    """Whether the rest of the stack goes or not."""
    made = plan(tried(), *OLD, left(of="one"), destroying=how == "destroy")
    assert ids(made).count(f"delete:{CANARY}") == 1


def test_nothing_is_tried_where_no_job_can_run() -> None:
    """What is to be DISABLED takes none."""
    assert "SubmitJob" not in [each.call for each in plan(tried(state="DISABLED"), *OLD).steps]


THEIRS = revision(7, "theirs", stack=None)
ANOTHERS = revision(3, "another", stack="other", address="job_definition.shared")


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("align", "align:2"),
        ("theirs", "theirs:7"),
        ("'theirs:7'", "theirs:7"),
        (f"{DEFINITIONS}theirs", "theirs:7"),
        (f"{DEFINITIONS}theirs:7", "theirs:7"),
        (f"{DEFINITIONS}theirs:6", "theirs:6"),
        ("{stack: other, name: shared}", "another:3"),
    ],
)
def test_the_job_names_one_revision(said: str, wanted: str) -> None:
    """So that a job of another one does not pass for it."""
    made = plan(tried(said), *OLD, THEIRS, ANOTHERS)
    assert made.refusals == ()
    assert job(made).arguments["jobDefinition"] == arn("job_definition", wanted)


def test_a_definition_that_is_registered_by_the_plan_is_waited_for() -> None:
    """It is the one that is tried."""
    made = plan(tried().replace("busybox", "other"), *OLD)
    assert job(made).arguments["jobDefinition"] == Ref(Address("job_definition", "align"))
    assert before(made, "register:job_definition.align", job(made).id)


@pytest.mark.parametrize("said", ["nothing", "'theirs:6'", "'theirs:70'"])
def test_a_definition_that_is_not_there_is_refused(said: str) -> None:
    """Nobody could run it."""
    made = plan(tried(said), *OLD, THEIRS)
    assert (ADDRESS, "canary-definition") in codes(made)


def test_the_queues_of_long_names_differ() -> None:
    """Where the name of an environment leaves no room, digits of all of it stand at its end."""
    names = set()
    for place in range(20):
        name = f"{'x' * 119}-{place:08x}"
        text = tried().replace("  one:", f"  {'x' * 119}:", 1).replace("[one]", f"[{'x' * 119}]")
        old = environment("x" * 119)
        users = queue("high", "x" * 119)
        made_before = new(name, tags=tags(f"compute_environment.{'x' * 119}"))
        made = plan(text, old, users, made_before, revision(2))
        names.add(job(made).arguments["jobName"])
    assert len(names) == 20
    assert {len(each) for each in names} == {128}


def test_an_environment_that_shows_nothing_of_its_own_is_tried_all_the_same() -> None:
    """Other endpoints show no uuid."""
    made = plan(tried(), *OLD, attrs.evolve(new(), uuid=""))
    assert job(made).arguments["tags"]["batchwright:environment"] == ""
