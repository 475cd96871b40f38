"""Each property that is looked for can fail: forged calls, and forged accounts."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from plans.change import Action, Change, Impact
from plans.plan import Goal, Plan, Step
from plans.report import Outcome, Report
from providers.clock import ManualClock
from providers.errors import BatchwrightError
from providers.resources import Address, Ref
from providers.simulator import Store
from tests.exploration.end import wrongs
from tests.exploration.history import History
from tests.exploration.never import NEVER, Call, Job, Key, Look, breaches, closed, fits

OURS = {"batchwright:stack": "farm", "batchwright:address": "job_queue.q1"}
WISH: Mapping[str, Any] = {"stack": "farm", "jobDefinitions": {"d1": {"lifecycle": {"pinned": [1]}}}}
ENVIRONMENT: Mapping[str, Any] = {
    "computeEnvironmentArn": "arn:e1",
    "state": "ENABLED",
    "status": "VALID",
    "tags": OURS,
}
QUEUE: Mapping[str, Any] = {
    "state": "ENABLED",
    "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "arn:e1"}],
    "tags": OURS,
}
THEIRS: Mapping[str, Any] = {**QUEUE, "tags": {}}
JOBS = {"j1": Job("q1", "e1", "")}


def look(jobs: Mapping[str, Job] | None = None, **objects: Mapping[str, Any]) -> Look:
    """An account of objects that are called KIND__NAME."""
    keys: dict[Key, Mapping[str, Any]] = {
        (name.partition("__")[0], name.partition("__")[2]): each for name, each in objects.items()
    }
    return Look({key: json.dumps({"shown": dict(each)}) for key, each in keys.items()}, jobs or {})


def plan(*steps: Step, impact: Impact = Impact.NONE) -> Plan:
    change = Change(Address("job_queue", "q1"), "q1", Action.UPDATE, impact)
    return Plan("id", "farm", {}, None, "eu-west-1", {}, "now", (change,), steps)


BOTH = look(environment__e1=ENVIRONMENT, queue__q1=QUEUE)
OFF = look(environment__e1={**ENVIRONMENT, "state": "DISABLED"}, queue__q1=QUEUE)
DISABLE = {"computeEnvironment": "arn:e1", "state": "DISABLED"}
SWITCH = plan(Step("disable:e1", "", "UpdateComputeEnvironment", DISABLE))
REGISTER = {"jobDefinitionName": "d1"}
REGISTERED = plan(Step("register:d1", "", "RegisterJobDefinition", REGISTER))
LOST = Call("RegisterJobDefinition", REGISTER, BOTH, BOTH, REGISTERED, WISH, answered=False)
FORGED: Mapping[str, tuple[Call, ...]] = {
    "no queue is left without": (Call("UpdateComputeEnvironment", DISABLE, BOTH, OFF, SWITCH, WISH),),
    "no job is ended": (
        Call("DeleteJobQueue", {"jobQueue": "arn/q1"}, look(JOBS), look(JOBS), None, WISH),
        Call("DeleteComputeEnvironment", {"computeEnvironment": "arn/e1"}, look(JOBS), look(JOBS), None, WISH),
        Call("TerminateJob", {"jobId": "j1", "reason": "r"}, look(JOBS), look(), None, WISH),
        Call("TerminateJobs", {"jobs": ["j1"], "reason": "r"}, look(JOBS), look(), None, WISH),
        Call("UpdateComputeEnvironment", {"computeEnvironment": "arn:e1"}, look(JOBS), look(), None, WISH),
    ),
    "nothing of others changes": (
        Call("UpdateJobQueue", {}, look(queue__q={**THEIRS, "priority": 1}), look(queue__q=THEIRS), None, WISH),
        Call("CreateJobQueue", {}, look(), look(queue__q=THEIRS), None, WISH),
    ),
    "no pinned revision goes": (
        Call("DeregisterJobDefinition", {"jobDefinition": "arn/d1:1"}, look(), look(), None, WISH),
    ),
    "nothing beyond the plan": (
        Call("UpdateJobQueue", {"jobQueue": "q1"}, BOTH, BOTH, SWITCH, WISH),
        Call(
            "UpdateComputeEnvironment",
            DISABLE,
            BOTH,
            BOTH,
            SWITCH,
            WISH,
            past=(Call("UpdateComputeEnvironment", DISABLE, BOTH, BOTH, SWITCH, WISH),),
        ),
    ),
    "nothing is made twice": (attrs.evolve(LOST, past=(LOST,)),),
}


@pytest.mark.parametrize("name", NEVER)
def test_what_must_never_be_is_seen(name: str) -> None:
    """Each property has calls that break it."""
    for call in FORGED[name]:
        assert name in dict(breaches(call)), call


def test_what_may_be_is_no_breach() -> None:
    """A gap that was shown as outage, or that nobody could see; a policy that says so; a step and its repeat."""
    whole = FORGED["no queue is left without"][0]
    shown = attrs.evolve(whole, plan=attrs.evolve(SWITCH, changes=plan(impact=Impact.OUTAGE).changes))
    assert list(breaches(shown)) == list(breaches(attrs.evolve(whole, unseen=["q1"]))) == []
    ended = FORGED["no job is ended"][2]
    wish = {**WISH, "policy": {"drain": {"mode": "terminate"}}}
    assert "no job is ended" not in dict(breaches(attrs.evolve(ended, wish=wish)))
    ours = attrs.evolve(ended, before=look({"j1": Job("q1", "e1", "farm")}))
    assert "no job is ended" not in dict(breaches(ours))
    assert list(breaches(attrs.evolve(LOST, past=(attrs.evolve(LOST, acted=False),)))) == []
    made, gone = (look(definition__d1={"tags": OURS, "status": each}) for each in ("ACTIVE", "INACTIVE"))
    lost = attrs.evolve(LOST, before=look(), after=made)
    again = attrs.evolve(LOST, before=gone, after=gone, past=(lost,))
    assert list(breaches(again)) == []
    for other in (attrs.evolve(again, before=made), attrs.evolve(again, past=(attrs.evolve(lost, answered=True),))):
        assert "nothing is made twice" in dict(breaches(other))
    foreign = look(environment__e9={**ENVIRONMENT, "tags": {}})
    adopted = Call("TagResource", {}, foreign, look(environment__e9=ENVIRONMENT), None, WISH)
    assert "nothing of others changes" in dict(breaches(adopted))
    wanted = {**WISH, "policy": {"adopt": True}, "computeEnvironments": {"e9": {}}}
    assert "nothing of others changes" not in dict(breaches(attrs.evolve(adopted, wish=wanted)))
    moved = {"stack": "farm", "moved": [{"stack": "old"}], "computeEnvironments": {"e9": {}}}
    theirs = look(environment__e9={**ENVIRONMENT, "tags": {"batchwright:stack": "old"}})
    assert "nothing of others changes" not in dict(breaches(attrs.evolve(adopted, wish=moved, before=theirs)))


def test_a_step_is_known_by_what_it_says() -> None:
    """What was not known when it was planned may be anything."""
    assert fits({"a": [Ref(Address("job_queue", "q1"))], "b": 1}, {"a": ["arn"], "b": 1})
    assert not fits({"a": [1]}, {"a": [1, 2]})
    assert not fits({"a": 1}, {"a": 1, "b": 2})


def test_a_queue_that_stays_closed_is_seen() -> None:
    """One that was disabled for a count of its jobs takes jobs again, unless that call failed."""
    jobs = Step("jobs:q1", "", "ListJobs", {"jobQueue": "arn/q1"}, Goal("job_queue", "q1", "drained", deadline=0))
    steps = (Step("disable:q1", "", "UpdateJobQueue"), attrs.evolve(jobs, after=("disable:q1",)))
    found = Outcome("jobs:q1", "", "ListJobs", "failed", error="q1 holds 1 job, and deleting a queue ends its jobs")
    shut = look(queue__q1={**QUEUE, "state": "DISABLED"})
    assert list(closed(Report("id", (found,)), plan(*steps), shut)) == ["q1"]
    assert list(closed(Report("id", (found,)), plan(*steps), BOTH)) == []
    assert list(closed(Report("id", ()), plan(*steps), shut)) == []
    opening = Step("enable:q1", "", "UpdateJobQueue")
    failed = Outcome("enable:q1", "", "UpdateJobQueue", "failed")
    assert list(closed(Report("id", (found, failed)), plan(*steps, opening), shut)) == []


@attrs.define
class Ended:
    """An account in which all is said to be done."""

    wish: Mapping[str, Any]
    history: History = History(1, ())
    store: Store = attrs.field(factory=lambda: Store.open(None, now=0.0))
    clock: ManualClock = attrs.field(factory=ManualClock)
    met: Counter[str] = attrs.field(factory=Counter)
    plans: dict[str, Plan] = attrs.field(factory=dict)
    scope: str = ""

    def apply(self, *_: object) -> BatchwrightError | None:
        return None


def test_what_must_be_in_the_end_is_seen() -> None:
    """Nothing is left over, each wish has one object, and one revision; a plan file holds its plan."""
    account = Ended({"stack": "farm", "jobQueues": {"q1": {}}, "jobDefinitions": {"d1": {}}})
    revision = {
        "tags": {**OURS, "batchwright:address": "job_definition.d1", "batchwright:digest": "x"},
        "status": "ACTIVE",
    }
    fine = {"queue__q1": QUEUE, "definition__d1:1": revision}
    assert list(wrongs(look(**fine), account)) == []
    left = {"environment__e1-aa": {"tags": {**OURS, "batchwright:address": "compute_environment.e1"}}}
    for objects, name in (
        ({**fine, **left}, "nothing is left over"),
        ({**fine, "queue__q1-aa": QUEUE}, "one object for one wish"),
        ({"definition__d1:1": revision}, "one object for one wish"),
        ({**fine, "definition__d1:2": revision}, "one revision for one wish"),
    ):
        assert [each for each, _ in wrongs(look(**objects), account)] == [name]
    twin = {**ENVIRONMENT, "tags": {**OURS, "batchwright:address": "compute_environment.e1"}}
    hopped = {"e1": {"lifecycle": {"replace": "twoHop"}}}
    elsewhere = attrs.evolve(account, wish={**account.wish, "computeEnvironments": hopped})
    assert list(wrongs(look(**fine, environment__e1=twin), elsewhere)) == []
    stays = wrongs(look(**fine, **{"environment__e1-aa": twin}), elsewhere)
    assert [each for each, _ in stays] == ["nothing temporary stays"]
    no_tuple: Any = ["a list"]
    account.plans["id"] = attrs.evolve(plan(), warnings=no_tuple)
    assert [each for each, _ in wrongs(look(**fine), account)] == ["a plan file holds the plan"]
