"""What must never be: looked for at every call of ours that changes something, in what the simulator holds."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import attrs

from plans.change import Impact
from plans.jobs import emptying
from plans.plan import Now, Plan, Step, Token
from plans.report import Report
from providers.resources import STACK_TAG, Document, Ref
from providers.simulator import Store

READS = ("Describe", "List", "Get")
WORKS = ("VALID", "UPDATING")
ONCE = ("RegisterJobDefinition", "SubmitJob")
"""Calls of which each that is done makes one more."""

_ENDING = ("CancelJob", "TerminateJob", "TerminateServiceJob")
_ROLE = {"computeEnvironment", "serviceRole"}
"""What is sent again, as often as needed, to an environment that cannot assume the role that it was made with."""

_MOVING = ("status", "statusReason", "inUseQuantity", "availableQuantity")
_JOBS = "('job', 'child', 'service_job')"
_ORDERS = (
    ("computeEnvironmentOrder", "computeEnvironment", "environment"),
    ("serviceEnvironmentOrder", "serviceEnvironment", "service_environment"),
)
_BLOCKS = {
    "environment": "computeEnvironments",
    "service_environment": "serviceEnvironments",
    "queue": "jobQueues",
    "quota_share": "quotaShares",
    "definition": "jobDefinitions",
    "policy": "schedulingPolicies",
    "consumable": "consumableResources",
}

Key = tuple[str, str]


@attrs.frozen
class Job:
    """A job that has not ended: the names of its queue and of the environment it runs in, and whose tag it bears."""

    queue: str
    place: str
    owner: str


@attrs.frozen
class Look:
    """What an account holds: the documents of objects as they are stored, by kind and name, and the unended jobs."""

    objects: Mapping[Key, str]
    jobs: Mapping[str, Job]

    @classmethod
    def at(cls, store: Store, scope: str) -> "Look":
        rows = store._connection.execute(
            f"SELECT kind, name, document FROM objects WHERE scope = ? AND kind NOT IN {_JOBS}", (scope,)
        )
        jobs = store._connection.execute(
            f"SELECT name, parent, place, document FROM objects WHERE scope = ? AND kind IN {_JOBS}"
            " AND status NOT IN ('SUCCEEDED', 'FAILED')",
            (scope,),
        )
        return cls(
            {(kind, name): document for kind, name, document in rows},
            {
                name: Job(queue, place, json.loads(document)["shown"].get("tags", {}).get(STACK_TAG, ""))
                for name, queue, place, document in jobs
            },
        )

    def shown(self, key: Key) -> dict[str, Any]:
        """An object as describe shows it; empty where there is none."""
        held = self.objects.get(key)
        return dict(json.loads(held)["shown"]) if held else {}

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """The objects of a kind by name."""
        return {key[1]: self.shown(key) for key in self.objects if key[0] == kind}


@attrs.frozen
class Call:
    """A call of ours that changes something, the account before and after it, and what we are about.

    `acted` tells whether it was done, `answered` whether it said so too. `plan` is what was approved, None before that.
    `wish` is the manifest, as a document. `past` are the calls of the same run before this one. `unseen` are the queues
    that somebody else wrote since we could see them last: between a look and a call there is no promise.
    """

    operation: str
    arguments: Document
    before: Look
    after: Look
    plan: Plan | None
    wish: Document
    acted: bool = True
    answered: bool = True
    past: Sequence["Call"] = ()
    unseen: Collection[str] = ()

    @property
    def stack(self) -> str:
        return str(self.wish["stack"])

    @property
    def changed(self) -> list[Key]:
        """The objects that the call made, changed or took away."""
        before, after = self.before.objects, self.after.objects
        if before == after:
            return []
        return [key for key in {**before, **after} if before.get(key) != after.get(key)]

    @property
    def steps(self) -> list[Step]:
        """The steps that the call may be of."""
        steps = self.plan.steps if self.plan is not None else ()
        return [step for step in steps if _is_of(self, step)]

    @property
    def earlier(self) -> "list[Call]":
        """The same call, as often as it went out before."""
        return [call for call in self.past if (call.operation, call.arguments) == (self.operation, self.arguments)]


def breaches(call: Call) -> Iterable[tuple[str, str]]:
    """The properties that a call breaks, each with what is wrong."""
    for name, holds in NEVER.items():
        wrong = holds(call)
        if wrong:
            yield name, wrong


def _served(look: Look) -> dict[str, bool]:
    """Whether each enabled queue has an environment to run jobs on."""
    works = {
        kind: {
            row[kind + "Arn"]
            for row in look.of(key).values()
            if row["state"] == "ENABLED" and row.get("status") in WORKS
        }
        for _, kind, key in _ORDERS
    }
    return {
        name: any(entry[kind] in works[kind] for order, kind, _ in _ORDERS for entry in queue.get(order, ()))
        for name, queue in look.of("queue").items()
        if queue["state"] == "ENABLED"
    }


def _no_queue_is_left_without(call: Call) -> str:
    """No call takes an enabled queue from an ENABLED environment that works to none, unless shown as outage."""
    if not any(kind in ("queue", "environment", "service_environment") for kind, _ in call.changed):
        return ""
    before, after = _served(call.before), _served(call.after)
    lost = [name for name, well in before.items() if well and not after.get(name, True) and name not in call.unseen]
    if not lost or (call.plan and any(change.impact is Impact.OUTAGE for change in call.plan.changes)):
        return ""
    return f"{', '.join(lost)} has no environment any more that works"


def _no_job_is_ended(call: Call) -> str:
    """No job ends for a call of ours without a policy that says so; a trial's job is ours."""
    target = next((_name(value) for value in call.arguments.values() if isinstance(value, str)), "")
    jobs = call.before.jobs
    match call.operation.removesuffix("s"):
        case operation if operation in _ENDING:
            named = call.arguments.get("jobs") or [call.arguments.get("jobId")]
            ended = [name for name in named if name in jobs and jobs[name].owner != call.stack]
            allowed = {"CancelJob": ("cancel",)}.get(operation, ("terminate",))
            return ", ".join(
                f"{name} in {jobs[name].queue}" for name in ended if drain(call.wish, jobs[name].queue) not in allowed
            )
        case "DeleteJobQueue":
            ended = [name for name, job in jobs.items() if job.queue == target]
        case "DeleteComputeEnvironment":
            ended = [name for name, job in jobs.items() if job.place == target]
        case _:
            ended = [name for name in jobs if name not in call.after.jobs]
    ended = [name for name in ended if jobs[name].owner != call.stack]
    return f"{len(ended)} jobs end with {target}: {', '.join(ended)}" if call.answered and ended else ""


def drain(wish: Document, queue: str) -> str:
    """What a manifest says of the jobs of a queue that goes."""
    said = wish.get("jobQueues", {}).get(queue, {}).get("drain") or wish.get("policy", {}).get("drain") or {}
    return str(said.get("mode", "refuse"))


def _nothing_of_others_changes(call: Call) -> str:
    """What does not bear our tag is not changed, and what we make bears it; what is adopted may be."""
    wrong = []
    for key in call.changed:
        before, after = call.before.shown(key), call.after.shown(key)
        if (before or after).get("tags", {}).get(STACK_TAG) == call.stack or _adopted(call, key):
            continue
        if {**before, **dict.fromkeys(_MOVING)} != {**after, **dict.fromkeys(_MOVING)}:
            wrong.append(f"{key[0]} {key[1]} of {before.get('tags', {}).get(STACK_TAG, 'nobody')}")
    return ", ".join(wrong)


def _adopted(call: Call, key: Key) -> bool:
    name = key[1].rpartition("/")[2].partition(":")[0]
    wanted = call.wish.get(_BLOCKS.get(key[0], ""), {})
    owner = call.before.shown(key).get("tags", {}).get(STACK_TAG)
    if name not in wanted and not (call.plan and any(change.name == name for change in call.plan.changes)):
        return False
    if owner is None:
        return bool(call.wish.get("policy", {}).get("adopt"))
    return any(row.get("stack") == owner for row in call.wish.get("moved", ()))


def _no_pinned_revision_goes(call: Call) -> str:
    """A revision that the manifest pins is not deregistered."""
    if call.operation != "DeregisterJobDefinition":
        return ""
    family, _, number = _name(call.arguments["jobDefinition"]).partition(":")
    pinned = call.wish.get("jobDefinitions", {}).get(family, {}).get("lifecycle", {}).get("pinned", ())
    return f"{family}:{number} is pinned" if int(number) in pinned else ""


def _nothing_beyond_the_plan(call: Call) -> str:
    """Every call is one of a step of the plan that was approved, and none goes out again once it said it was done."""
    if not call.steps:
        return f"{call.operation} of {dict(call.arguments)} is of no step"
    if call.operation.removesuffix("s") in _ENDING or {*call.arguments} == _ROLE:
        return ""
    told = sum(other.answered for other in call.earlier)
    return f"{call.operation} was done already" if told >= len(call.steps) else ""


def _nothing_is_made_twice(call: Call) -> str:
    """Of what makes one more each time, as a registration does, each step makes one; but where no answer told of a
    revision, and somebody else has taken it away before it was looked for, there is nothing to be found of it."""
    if call.operation not in ONCE or not call.steps or not call.acted:
        return ""
    made = [other for other in call.past if other.acted and other.steps == call.steps and not _taken_away(call, other)]
    return f"{call.steps[0].id} was done {1 + len(made)} times" if len(made) >= len(call.steps) else ""


def _taken_away(call: Call, other: Call) -> bool:
    """Whether a registration was not answered, and its revision is not ACTIVE any more."""
    made = [key for key in other.changed if key[0] == "definition" and key not in other.before.objects]
    return bool(made) and not other.answered and all(call.before.shown(key).get("status") != "ACTIVE" for key in made)


def _is_of(call: Call, step: Step) -> bool:
    """Whether a call is the one of a step, or one that goes with it: jobs are ended one by one, or several at once; a
    role is sent again; the job of a trial is ended, by its own step or by one for what an earlier run left."""
    sent = call.arguments
    if step.call == call.operation and fits(step.arguments, sent):
        return True
    if emptying(step) is not None:
        return step.call == call.operation.removesuffix("s") and sent.get("reason") == step.arguments.get("reason")
    goal = step.goal
    if step.call == call.operation == "TerminateJob" and goal and (goal.kind, goal.until) == ("job", "gone"):
        return {*sent} == {"jobId", "reason"} and sent["reason"] == step.arguments.get("reason")
    if step.call == "SubmitJob" and call.operation == "TerminateJob":
        job = call.before.jobs.get(sent["jobId"])
        return job is None or job.owner == call.stack
    return (step.call, call.operation, {*sent}) == ("CreateComputeEnvironment", "UpdateComputeEnvironment", _ROLE)


def fits(said: Any, sent: Any) -> bool:
    """Whether what was sent is what a step says, as far as that was known before."""
    match said:
        case Ref() | Now() | Token():
            return isinstance(sent, str)
        case Mapping():
            return isinstance(sent, Mapping) and {*said} == {*sent} and all(fits(said[key], sent[key]) for key in said)
        case list() | tuple():
            return len(said) == len(sent) and all(map(fits, said, sent))
        case _:
            return bool(said == sent)


def _name(reference: str) -> str:
    """The name in an ARN, with the number of a revision."""
    return reference.rpartition("/")[2]


def closed(report: Report, plan: Plan | None, look: Look) -> Iterable[str]:
    """The queues that a run left disabled though it found that they must stay, and nothing kept it from calling."""
    steps = {step.id: step for step in plan.steps} if plan is not None else {}
    ended = {outcome.step: outcome for outcome in report.outcomes}
    for name, step in steps.items():
        jobs = emptying(step)
        outcome = ended.get(name)
        if jobs is None or outcome is None or "ends its jobs" not in (outcome.error or ""):
            continue
        queue = _name(jobs.arguments.get("jobQueue", ""))
        disabled = next((each for each in steps if each.startswith("disable:") and each in step.after), None)
        opened = next((ended.get(each) for each in steps if each == name.replace("jobs:", "enable:", 1)), None)
        failed = opened is not None and opened.status != "done"
        if disabled is not None and not failed and look.shown(("queue", queue)).get("state") == "DISABLED":
            yield queue


NEVER: Mapping[str, Callable[[Call], str]] = {
    "no queue is left without": _no_queue_is_left_without,
    "no job is ended": _no_job_is_ended,
    "nothing of others changes": _nothing_of_others_changes,
    "no pinned revision goes": _no_pinned_revision_goes,
    "nothing beyond the plan": _nothing_beyond_the_plan,
    "nothing is made twice": _nothing_is_made_twice,
}
