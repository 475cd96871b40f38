"""Manifests drawn by dice: a small stack, and any sort of edit of it."""

import copy
import random
from collections.abc import Callable, Sequence
from typing import Any

Json = dict[str, Any]
Edit = Callable[[random.Random, Json], None]

STACK = "farm"
_ROLE = "arn:aws:iam::123456789012:role/"
_REFERENCES = {
    "computeEnvironments": "compute_environment",
    "jobQueues": "job_queue",
    "jobDefinitions": "job_definition",
}


def stack(rng: random.Random) -> Json:
    """A manifest with 1 to 3 environments, of machines or Fargate, and 1 to 3 queues at them; of all else a little."""
    machines = rng.random() < 0.6
    made: Json = {
        "stack": STACK,
        "policy": {"maxImpact": "outage", "maxDeletes": 50, "drain": {"mode": rng.choice(_MODES)}},
        "computeEnvironments": {f"e{n}": _environment(rng, machines) for n in range(1, rng.randint(1, 3) + 1)},
    }
    if rng.random() < 0.25:
        made["schedulingPolicies"] = {"fair": _policy(rng)}
    if rng.random() < 0.2:
        made["consumableResources"] = {"gold": {"totalQuantity": rng.randint(1, 9)}}
    definitions = {f"d{n}": _definition(rng, made, machines) for n in range(1, rng.choice((0, 1, 1, 2, 3)) + 1)}
    if definitions:
        made["jobDefinitions"] = definitions
    made["jobQueues"] = {f"q{n}": _queue(rng, made) for n in range(1, rng.randint(1, 3) + 1)}
    if rng.random() < 0.15:
        _train(rng, made)
    for name, block in made["computeEnvironments"].items():
        _manner(rng, made, name, block)
    for block in definitions.values():
        if rng.random() < 0.2:
            _tried(rng, made, block)
    return made


_MODES = ("refuse", "wait", "cancel", "terminate")


def _environment(rng: random.Random, machines: bool) -> Json:
    resources: Json = {"maxvCpus": rng.choice((4, 16)), "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]}
    if machines:
        resources |= {"instanceTypes": ["c6i"], "instanceRole": "ecsInstanceRole", "minvCpus": 0}
        resources |= rng.choice(
            (
                {"type": "EC2", "allocationStrategy": "BEST_FIT_PROGRESSIVE"},
                {
                    "type": "SPOT",
                    "allocationStrategy": "SPOT_PRICE_CAPACITY_OPTIMIZED",
                    "spotIamFleetRole": f"{_ROLE}fleet-1",
                },
            )
        )
    else:
        resources["type"] = rng.choice(("FARGATE", "FARGATE_SPOT"))
    return {"type": "MANAGED", "computeResources": resources}


def _manner(rng: random.Random, made: Json, name: str, block: Json) -> None:
    """How the environment is replaced; with a canary where there is something to run."""
    manner = rng.choice(("", "", "createFirst", "twoHop", "deleteFirst"))
    lifecycle: Json = {"replace": manner} if manner else {}
    if manner == "twoHop" and rng.random() < 0.5:
        block["physicalName"] = name
    if manner in ("", "createFirst") and made.get("jobDefinitions") and rng.random() < 0.25:
        lifecycle["canary"] = {"jobDefinition": rng.choice(sorted(made["jobDefinitions"])), "timeout": "10m"}
    if lifecycle:
        block["lifecycle"] = lifecycle


def _policy(rng: random.Random) -> Json:
    share = {"shareIdentifier": "a", "weightFactor": 1.0}
    return {"fairsharePolicy": {"shareDecaySeconds": rng.choice((600, 900)), "shareDistribution": [share]}}


def _queue(rng: random.Random, made: Json) -> Json:
    names = sorted(made["computeEnvironments"])
    order = rng.sample(names, rng.randint(1, len(names)))
    block: Json = {"priority": rng.randint(1, 9), "computeEnvironmentOrder": order}
    if "schedulingPolicies" in made and rng.random() < 0.5:
        block["schedulingPolicyArn"] = "fair"
    if rng.random() < 0.5:
        block["drain"] = {"mode": rng.choice(_MODES)}
    return block


def _definition(rng: random.Random, made: Json, machines: bool) -> Json:
    needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}]
    container: Json = {"image": "work:1", "resourceRequirements": needs}
    block: Json = {"type": "container", "containerProperties": container}
    if not machines:
        block["platformCapabilities"] = ["FARGATE"]
        container["executionRoleArn"] = f"{_ROLE}runs-tasks"
    if "consumableResources" in made and rng.random() < 0.5:
        block["consumableResourceProperties"] = {
            "consumableResourceList": [{"consumableResource": "gold", "quantity": 1}]
        }
    if "schedulingPolicies" in made:
        block["schedulingPriority"] = 1
    block["rollout"] = {"keep": rng.randint(1, 3), "foreign": rng.choice(("refuse", "supersede", "keep"))}
    if rng.random() < 0.3:
        block["lifecycle"] = {"pinned": [1]}
    return block


def _tried(rng: random.Random, made: Json, block: Json) -> None:
    """Give the definition a canary, through any of the queues that take jobs; edits may have left none."""
    queues = [name for name, said in sorted(made["jobQueues"].items()) if "computeEnvironmentOrder" in said]
    if not queues:
        return
    queue = rng.choice(queues)
    canary: Json = {"queue": queue, "timeout": "10m"}
    if made["jobQueues"][queue].get("schedulingPolicyArn"):
        canary["shareIdentifier"] = "a"
    block["rollout"]["canary"] = canary


def _train(rng: random.Random, made: Json) -> None:
    """Add what trains models: an environment of the service, a queue at it, and a share of that."""
    shared = rng.random() < 0.6
    unit = "ml.m5.large" if shared else "NUM_INSTANCES"
    limits = [{"maxCapacity": rng.choice((4, 8)), "capacityUnit": unit}]
    made["serviceEnvironments"] = {"s1": {"serviceEnvironmentType": "SAGEMAKER_TRAINING", "capacityLimits": limits}}
    queue: Json = {"priority": 1, "serviceEnvironmentOrder": ["s1"]}
    made["jobQueues"]["t1"] = queue
    if shared:
        made.setdefault("schedulingPolicies", {})["shares"] = {
            "quotaSharePolicy": {"idleResourceAssignmentStrategy": "FIFO"}
        }
        queue["schedulingPolicyArn"] = "shares"
        made["quotaShares"] = {
            "red": {
                "jobQueue": "t1",
                "capacityLimits": [{"maxCapacity": 2, "capacityUnit": "ml.m5.large"}],
                "resourceSharingConfiguration": {"strategy": "LEND_AND_BORROW"},
                "preemptionConfiguration": {"inSharePreemption": "ENABLED"},
            }
        }


# Edits. Each leaves a manifest that says something else, if it finds what it is about.


def edited(rng: random.Random, made: Json) -> Json:
    """The manifest after 1 to 4 edits of any sort."""
    after = copy.deepcopy(made)
    for edit in rng.choices([edit for edit, _ in EDITS], [weight for _, weight in EDITS], k=rng.randint(1, 4)):
        edit(rng, after)
    return after


def _one(rng: random.Random, made: Json, block: str) -> tuple[str, Json] | None:
    names = sorted(made.get(block, ()))
    if not names:
        return None
    name = rng.choice(names)
    return name, made[block][name]


def _renew(rng: random.Random, made: Json) -> None:
    """What a new environment alone can have: another fleet role, or the other sort of Fargate."""
    found = _one(rng, made, "computeEnvironments")
    assert found is not None
    resources = found[1]["computeResources"]
    match resources["type"]:
        case "SPOT":
            resources["spotIamFleetRole"] = f"{_ROLE}fleet-{rng.randint(2, 3)}"
        case "EC2":
            found[1]["serviceRole"] = f"{_ROLE}service-role/Batch"
        case "FARGATE":
            resources["type"] = "FARGATE_SPOT"
        case _:
            resources["type"] = "FARGATE"


def _scale(rng: random.Random, made: Json) -> None:
    found = _one(rng, made, "computeEnvironments")
    assert found is not None
    found[1]["computeResources"]["maxvCpus"] = rng.choice((8, 32, 64))


def _recycle(rng: random.Random, made: Json) -> None:
    found = _one(rng, made, "computeEnvironments")
    assert found is not None
    found[1]["computeResources"]["securityGroupIds"] = [f"sg-{rng.randint(2, 3)}"]


def _switch(rng: random.Random, made: Json) -> None:
    found = _one(rng, made, rng.choice(("computeEnvironments", "jobQueues")))
    assert found is not None
    found[1]["state"] = rng.choice(("DISABLED", "ENABLED"))


def _retag(rng: random.Random, made: Json) -> None:
    found = _one(rng, made, rng.choice(("computeEnvironments", "jobQueues", "jobDefinitions")))
    if rng.random() < 0.3:
        made["tags"] = {"team": rng.choice(("red", "blue"))}
    elif found is not None:
        found[1]["tags"] = {"cost": rng.choice(("1", "2"))}


def _release(rng: random.Random, made: Json) -> None:
    found = _one(rng, made, "jobDefinitions")
    if found is not None:
        found[1]["containerProperties"]["image"] = f"work:{rng.randint(2, 3)}"


def _try(rng: random.Random, made: Json) -> None:
    found = _one(rng, made, "jobDefinitions")
    if found is not None:
        _tried(rng, made, found[1])
        _release(rng, made)


def _reorder(rng: random.Random, made: Json) -> None:
    found = _one(rng, made, "jobQueues")
    if found is not None and "computeEnvironmentOrder" in found[1]:
        names = sorted(made["computeEnvironments"])
        found[1]["computeEnvironmentOrder"] = rng.sample(names, rng.randint(1, len(names)))


def _priority(rng: random.Random, made: Json) -> None:
    found = _one(rng, made, "jobQueues")
    if found is not None:
        found[1]["priority"] = rng.randint(1, 9)


def _small(rng: random.Random, made: Json) -> None:
    """A change of what is neither environment, queue nor definition."""
    for policy in made.get("schedulingPolicies", {}).values():
        if "fairsharePolicy" in policy:
            policy["fairsharePolicy"]["shareDecaySeconds"] = rng.choice((1200, 1800))
    for supply in made.get("consumableResources", {}).values():
        supply["totalQuantity"] = rng.randint(1, 9)
    for share in made.get("quotaShares", {}).values():
        share["capacityLimits"][0]["maxCapacity"] = rng.randint(1, 4)
    for environment in made.get("serviceEnvironments", {}).values():
        environment["capacityLimits"][0]["maxCapacity"] = rng.choice((4, 8, 12))


def _add(rng: random.Random, made: Json) -> None:
    """One more environment, and perhaps a queue at it."""
    machines = "FARGATE" not in next(iter(made["computeEnvironments"].values()))["computeResources"]["type"]
    made["computeEnvironments"]["new"] = _environment(rng, machines)
    if rng.random() < 0.5:
        made["jobQueues"]["q9"] = _queue(rng, made)


def _drop_queue(rng: random.Random, made: Json) -> None:
    found = _one(rng, made, "jobQueues")
    if found is None or len(made["jobQueues"]) < 2:
        return
    name = found[0]
    if name.endswith("x"):
        return
    users = [
        block.get("rollout", {}).get("canary", {}).get("queue") for block in made.get("jobDefinitions", {}).values()
    ]
    if name not in users:
        made["jobQueues"].pop(name)
        made["quotaShares"] = {
            key: share for key, share in made.get("quotaShares", {}).items() if share["jobQueue"] != name
        }


def _drop_environment(rng: random.Random, made: Json) -> None:
    found = _one(rng, made, "computeEnvironments")
    if found is None or len(made["computeEnvironments"]) < 2 or found[0].endswith("x"):
        return
    made["computeEnvironments"].pop(found[0])
    left = sorted(made["computeEnvironments"])
    for queue in made["jobQueues"].values():
        if "computeEnvironmentOrder" in queue:
            order = [name for name in queue["computeEnvironmentOrder"] if name != found[0]]
            queue["computeEnvironmentOrder"] = order or [rng.choice(left)]


def _drop_definition(rng: random.Random, made: Json) -> None:
    found = _one(rng, made, "jobDefinitions")
    if found is not None and not found[0].endswith("x"):
        made["jobDefinitions"].pop(found[0])
        for block in made["computeEnvironments"].values():
            if block.get("lifecycle", {}).get("canary", {}).get("jobDefinition") == found[0]:
                del block["lifecycle"]["canary"]


def _rename(rng: random.Random, made: Json) -> None:
    """Another name for a block, whose object stays."""
    block = rng.choice(sorted(_REFERENCES))
    found = _one(rng, made, block)
    if found is None or "x" in found[0] or made.get("moved"):
        return
    name, new = found[0], f"{found[0]}x"
    renamed = {new if key == name else key: value for key, value in made[block].items()}
    said = _renamed({**made, block: renamed}, name, new)
    made.clear()
    made.update(said)
    made["moved"] = [{"from": f"{_REFERENCES[block]}.{name}", "to": f"{_REFERENCES[block]}.{new}"}]


_NAMING = ("computeEnvironmentOrder", "jobDefinition", "queue", "jobQueue")


def _renamed(value: Any, name: str, new: str, key: str = "") -> Any:
    match value:
        case dict():
            return {each: _renamed(item, name, new, each) for each, item in value.items()}
        case list():
            return [_renamed(item, name, new, key) for item in value]
        case _:
            return new if key in _NAMING and value == name else value


def _forget(rng: random.Random, made: Json) -> None:
    """A queue that is not ours any more, and stays."""
    before = sorted(made["jobQueues"])
    _drop_queue(rng, made)
    gone = [name for name in before if name not in made["jobQueues"]]
    made["removed"] = [*made.get("removed", ()), *(f"job_queue.{name}" for name in gone)]


def _adopt(_rng: random.Random, made: Json) -> None:
    made["policy"] = {**made["policy"], "adopt": True}


EDITS: Sequence[tuple[Edit, int]] = (
    (_renew, 8),
    (_scale, 2),
    (_recycle, 2),
    (_switch, 1),
    (_retag, 2),
    (_release, 4),
    (_try, 2),
    (_reorder, 3),
    (_priority, 2),
    (_small, 2),
    (_add, 2),
    (_drop_queue, 5),
    (_drop_environment, 4),
    (_drop_definition, 1),
    (_rename, 1),
    (_forget, 1),
    (_adopt, 1),
)
