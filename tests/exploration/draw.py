"""A history drawn from one number."""

import random
from collections.abc import Mapping
from typing import Any, Literal

from tests.exploration import wishes
from tests.exploration.history import Event, History, Trouble, Wrong

Level = Literal["none", "light", "heavy"]
LEVELS: tuple[Level, ...] = ("none", "light", "heavy")
_FIRST, _SECOND = 60, 100
"""About so many calls make the first manifest, and change it into the second."""

_KINDS: tuple[Wrong, ...] = ("throttle", "server", "lost", "refused", "stale", "slow", "invalid", "expired", "denied")
_WEIGHTS = (4, 4, 8, 3, 3, 3, 2, 1, 1)
_CHANGES = ("Create*", "Update*", "Register*", "Delete*", "Tag*", "SubmitJob", "Deregister*", "*Job", "*")
_SHOWS = ("Describe*", "List*")
_BREAKABLE = ("CreateComputeEnvironment", "UpdateComputeEnvironment")
_STALE = 8.0
"""Reads lag by less than what a registration is looked for after."""


def history(seed: int, level: Level) -> History:
    """The history of a number; the same manifests whatever the level of faults is."""
    rng = random.Random(seed)
    first = wishes.stack(rng)
    second = wishes.edited(rng, first)
    events = [*_jobs(rng, first, second)]
    troubles: list[Trouble] = []
    lag, stale, locked = 15.0, 0.0, True
    if level != "none":
        most = 2 if level == "light" else 6
        troubles = [_trouble(rng) for _ in range(rng.randint(1, most))]
        events += [_death(rng) for _ in range(rng.choice((0, 1) if level == "light" else (0, 1, 1, 2, 3)))]
        lag = rng.choice((0.0, 15.0, 60.0, 240.0))
    if level == "heavy":
        stale = rng.choice((0.0, 0.0, 2.0, _STALE))
        events += [Event(_phase(rng), _call(rng), "stop") for _ in range(rng.choice((0, 0, 1)))]
        locked = rng.random() < 0.7
        events += [
            Event(_phase(rng), _call(rng), "second", dies=rng.choice((0, 0, _call(rng))))
            for _ in range(rng.choice((0, 0, 1, 2)))
        ]
        events += _strangers(rng, first, second)
        events += [_job(rng, first, 1, _call(rng)) for _ in range(rng.choice((0, 0, 1, 3)))]
        events += _busy(rng, first, second)
        events += _latecomer(rng, first, second)
    return History(seed, (first, second), tuple(troubles), tuple(events), lag, stale, locked)


def _phase(rng: random.Random) -> int:
    return 0 if rng.random() < 0.3 else 1


def _call(rng: random.Random) -> int:
    return rng.randint(1, _SECOND)


def _trouble(rng: random.Random) -> Trouble:
    (kind,) = rng.choices(_KINDS, _WEIGHTS)
    operation = rng.choice({"stale": _SHOWS, "invalid": _BREAKABLE}.get(kind, _CHANGES))
    after = rng.randint(0, _FIRST) if operation == "*" else rng.choice((0, 0, 0, 1, 2, 4))
    times = rng.randint(1, 4) if kind in ("throttle", "server", "refused", "stale", "slow") else 1
    seconds = rng.uniform(1.0, _STALE) if kind == "stale" else float(rng.choice((30, 300, 1000)))
    return Trouble(_phase(rng), operation, kind, after, times, round(seconds, 1))


def _death(rng: random.Random) -> Event:
    return Event(_phase(rng), _call(rng), rng.choice(("die-before", "die-after")))


def _going(section: str, first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    return sorted({*first[section]} - {*second[section]})


def _jobs(rng: random.Random, first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Event]:
    """Jobs that are in the queues when the manifest is edited: rather in those that go, but where they forbid that."""
    if not first.get("jobDefinitions"):
        return []
    refused = _refused(second)
    going = _going("jobQueues", first, second)
    staying = _going("jobQueues", first, {"jobQueues": going})
    liked = staying if refused else going
    queues = [rng.choice(liked) if liked and rng.random() < 0.6 else "" for _ in range(rng.choice((0, 0, 1, 3, 5)))]
    return [_job(rng, first, 1, 0, queue) for queue in queues]


def _refused(second: Mapping[str, Any]) -> bool:
    """Whether a queue with jobs does not go."""
    return bool(second["policy"]["drain"]["mode"] == "refuse")


def _busy(rng: random.Random, first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Event]:
    """A queue that goes, and to which jobs come all the while from some call on."""
    going = _going("jobQueues", first, second)
    if not going or not first.get("jobDefinitions") or rng.random() < 0.2:
        return []
    begins = rng.randint(8 if _refused(second) else 2, 30)
    return [_job(rng, first, 1, call, going[0]) for call in range(begins, begins + 12)]


def _latecomer(rng: random.Random, first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Event]:
    """A queue of a stranger on an environment that goes, made when that is planned already."""
    going = _going("computeEnvironments", first, second)
    if not going or rng.random() < 0.3:
        return []
    order = [{"order": 1, "computeEnvironment": rng.choice(going)}]
    members = {"jobQueueName": "late", "priority": 1, "computeEnvironmentOrder": order}
    return [Event(1, rng.randint(6, 40), "write", operation="CreateJobQueue", members=members)]


def _job(rng: random.Random, made: Mapping[str, Any], phase: int, call: int, queue: str = "") -> Event:
    queue = queue or rng.choice(sorted(made["jobQueues"]))
    members = {
        "jobName": f"{rng.choice(('quick', 'quick', 'fails', 'long'))}-{rng.randrange(10**6)}",
        "jobQueue": queue,
        "jobDefinition": rng.choice(sorted(made.get("jobDefinitions", {"none": {}}))),
    }
    if made["jobQueues"][queue].get("schedulingPolicyArn"):
        members["shareIdentifier"] = "a"
    return Event(phase, call, "write", operation="SubmitJob", members=members)


def _strangers(rng: random.Random, first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Event]:
    """What people do who know nothing of us: to what is ours, and with the names that we want."""
    made = []
    for _ in range(rng.choice((0, 0, 1, 2, 3))):
        operation, members, early = _write(rng, first, second)
        phase = _phase(rng)
        made.append(Event(phase, 0 if early else _call(rng), "write", operation=operation, members=members))
    return made


def _write(rng: random.Random, first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[str, dict[str, Any], bool]:
    environment, queue = rng.choice(sorted(first["computeEnvironments"])), rng.choice(sorted(first["jobQueues"]))
    definition = rng.choice(sorted(first.get("jobDefinitions", {"d1": {}})))
    arn = f"arn:aws:batch:eu-west-1:123456789012:compute-environment/{environment}"
    order = [{"order": 1, "computeEnvironment": environment}]
    container = {
        "image": "theirs:1",
        "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}],
    }
    spec = {key: second["computeEnvironments"][name] for name in second["computeEnvironments"] for key in (name,)}
    foreign = rng.choice(sorted(spec))
    resources = spec[foreign]["computeResources"]
    return rng.choice(
        (
            (
                "UpdateComputeEnvironment",
                {"computeEnvironment": environment, "computeResources": {"maxvCpus": 48}},
                False,
            ),
            ("UpdateJobQueue", {"jobQueue": queue, "priority": 77}, False),
            ("UpdateJobQueue", {"jobQueue": queue, "state": rng.choice(("DISABLED", "ENABLED"))}, False),
            ("UpdateJobQueue", {"jobQueue": queue, "computeEnvironmentOrder": order}, False),
            ("TagResource", {"resourceArn": arn, "tags": {"theirs": "1"}}, False),
            ("UntagResource", {"resourceArn": arn, "tagKeys": ["batchwright:address"]}, False),
            ("CreateJobQueue", {"jobQueueName": "theirs", "priority": 1, "computeEnvironmentOrder": order}, False),
            (
                "RegisterJobDefinition",
                {"jobDefinitionName": definition, "type": "container", "containerProperties": container},
                False,
            ),
            ("DeregisterJobDefinition", {"jobDefinition": f"{definition}:1"}, False),
            (
                "CreateComputeEnvironment",
                {"computeEnvironmentName": foreign, "type": "MANAGED", "computeResources": resources},
                True,
            ),
            (
                "CreateComputeEnvironment",
                {"computeEnvironmentName": "theirs", "type": "MANAGED", "computeResources": resources},
                True,
            ),
        )
    )
