"""A manifest of sixty resources, edited in every way that AWS takes, in place or not, in one go."""

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest

from plans.change import Action
from plans.manifest import Manifest
from providers.errors import PlanRefused
from tests.kit import Stage, address, manifest
from tests.lifecycle.test_fields import VERDICTS, put
from tests.properties.bases import FAIR, QUOTA, ROLE, SHARED, SPOT, TEAMS, TRAINING
from tests.properties.bases import FARGATE as ON_FARGATE

DEFINITION = {
    "type": "container",
    "containerProperties": {
        "image": "busybox:1",
        "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}],
    },
}
FARGATE = {"type": "MANAGED", "computeResources": ON_FARGATE}
SHARE = {
    "jobQueue": "teams",
    "capacityLimits": [{"maxCapacity": 2, "capacityUnit": "ml.m5.large"}],
    "resourceSharingConfiguration": {"strategy": "LEND"},
    "preemptionConfiguration": {"inSharePreemption": "ENABLED"},
}


def many(name: str, number: int, block: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{name}{place}": copy.deepcopy(dict(block)) for place in range(number)}


STACK: Mapping[str, dict[str, Any]] = {
    "schedulingPolicies": {**many("fair", 4, FAIR), "quota": QUOTA},
    "computeEnvironments": {
        **many("spot", 10, SPOT),
        **many("fargate", 3, FARGATE),
        "unmanaged": {"type": "UNMANAGED", "serviceRole": ROLE, "unmanagedvCpus": 8},
    },
    "serviceEnvironments": {**many("train", 2, TRAINING), "shared": SHARED},
    "consumableResources": many("licences", 4, {"totalQuantity": 5}),
    "jobQueues": {
        **many(
            "queue", 9, {"priority": 1, "computeEnvironmentOrder": ["spot8", "spot9"], "schedulingPolicyArn": "fair0"}
        ),
        "teams": {**TEAMS},
    },
    "quotaShares": many("share", 3, SHARE),
    "jobDefinitions": many("step", 21, DEFINITION),
}
EDITS = (
    ("compute_environment.spot0", "tags", {"team": "red"}, "tag"),
    ("compute_environment.spot1", "state", "DISABLED", "update"),
    ("compute_environment.spot2", "updatePolicy", {"jobExecutionTimeoutMinutes": 90}, "update"),
    ("compute_environment.spot3", "computeResources.maxvCpus", 64, "scaling"),
    ("compute_environment.spot4", "computeResources.scalingPolicy", {"minScaleDownDelayMinutes": 30}, "scaling"),
    ("compute_environment.spot5", "computeResources.instanceTypes", ["m7i"], "infrastructure"),
    ("compute_environment.spot6", "computeResources.launchTemplate", {"launchTemplateName": "it"}, "infrastructure"),
    ("compute_environment.spot7", "computeResources.tags", {"Name": "it"}, "infrastructure"),
    ("compute_environment.fargate0", "computeResources.maxvCpus", 32, "scaling"),
    ("compute_environment.fargate1", "computeResources.subnets", ["subnet-2"], "scaling"),
    ("compute_environment.unmanaged", "unmanagedvCpus", 16, "update"),
    ("scheduling_policy.fair1", "fairsharePolicy.shareDecaySeconds", 60, "update"),
    ("scheduling_policy.fair2", "tags", {"team": "red"}, "tag"),
    ("service_environment.train0", "capacityLimits", [{"maxCapacity": 2, "capacityUnit": "NUM_INSTANCES"}], "update"),
    ("service_environment.train1", "state", "DISABLED", "update"),
    ("consumable_resource.licences0", "totalQuantity", 9, "update"),
    ("consumable_resource.licences1", "tags", {"team": "red"}, "tag"),
    ("job_queue.queue0", "priority", 2, "update"),
    ("job_queue.queue1", "computeEnvironmentOrder", ["spot9", "spot8"], "update"),
    ("job_queue.queue2", "schedulingPolicyArn", "fair3", "update"),
    ("job_queue.queue3", "tags", {"team": "red"}, "tag"),
    ("quota_share.share0", "capacityLimits", [{"maxCapacity": 3, "capacityUnit": "ml.m5.large"}], "update"),
    ("quota_share.share1", "resourceSharingConfiguration.strategy", "RESERVE", "update"),
    ("job_definition.step0", "containerProperties.image", "busybox:2", "revision"),
    ("job_definition.step1", "timeout.attemptDurationSeconds", 60, "revision"),
    ("job_definition.step2", "tags", {"team": "red"}, "tag"),
)
UNASKED = ("job_queue.queue0", "consumable_resource.licences0")
REPLACED = (
    ("compute_environment.spot0", "computeResources.allocationStrategy", "BEST_FIT"),
    ("compute_environment.spot0", "computeResources.spotIamFleetRole", ROLE),
    ("compute_environment.fargate0", "computeResources.type", "FARGATE_SPOT"),
    ("job_queue.queue0", "schedulingPolicyArn", None),
    ("consumable_resource.licences0", "resourceType", "NON_REPLENISHABLE"),
)


def written(edits: Mapping[tuple[str, str], Any]) -> Manifest:
    """The stack with these edits, each by address and path."""
    sections = copy.deepcopy(dict(STACK))
    for (name, path), value in edits.items():
        where = address(name)
        section = next(key for key in sections if where.name in sections[key])
        put(sections[section][where.name], path, value)
    return manifest(json.dumps({"stack": "lab", "policy": {"maxImpact": "outage"}, **sections}))


def test_sixty_resources_change_each_in_its_way() -> None:
    """Each edit is classed by its rule, all are done in one apply, and nothing else is touched."""
    stage, before = Stage.new(), written({})
    assert len(before.resources) == 60
    assert stage.apply(before).exit_code == 0
    wanted = written({(name, path): value for name, path, value, _ in EDITS})
    planned = stage.plan(wanted)
    assert planned.refusals == ()
    words = {
        str(change.address): VERDICTS.get((change.action, change.impact), change.action.value)
        for change in planned.changes
    }
    assert {name: word for name, word in words.items() if word != "noop"} == {name: word for name, _, _, word in EDITS}
    assert {
        str(change.address): row.path.partition("[")[0] for change in planned.changes for row in change.differences
    }.keys() == {name for name, *_ in EDITS}
    assert stage.apply(wanted).exit_code == 0
    assert len(stage.mutations) == len(EDITS)
    assert stage.plan(wanted).empty
    back = stage.apply(before)
    assert back.exit_code == 0
    assert stage.plan(before).empty


def test_where_a_replacement_is_refused_the_rest_is_with_it() -> None:
    """A queue and a consumable resource are not replaced unasked; a plan with such a one does nothing at all, not even
    what could be done in place."""
    stage, before = Stage.new(), written({})
    stage.apply(before)
    shape = stage.all
    wanted = written({(name, path): value for name, path, value in REPLACED} | {("job_queue.queue1", "priority"): 5})
    planned = stage.plan(wanted)
    assert {str(change.address) for change in planned.changes if change.action is Action.REPLACE} == {
        name for name, *_ in REPLACED
    }
    assert {(refusal.address, refusal.code) for refusal in planned.refusals} == {
        (name, "replacement") for name in UNASKED
    }
    with pytest.raises(PlanRefused):
        stage.apply(wanted)
    assert stage.mutations == []
    assert stage.all == shape
    assert stage.plan(before).empty


def test_what_only_a_new_object_can_have_is_made_anew_where_it_is_asked() -> None:
    """The new ones have what was said, the queue and the consumable resource under their old names; nothing is left of
    the old ones, and what was not edited is as it was."""
    stage, before = Stage.new(), written({})
    stage.apply(before)
    shape = stage.all
    asked: dict[tuple[str, str], Any] = {(name, "lifecycle"): {"replace": "deleteFirst"} for name in UNASKED}
    wanted = written({(name, path): value for name, path, value in REPLACED} | asked)
    planned = stage.plan(wanted)
    assert planned.refusals == ()
    names = {str(each.address): each.name for each in planned.changes if each.action is Action.REPLACE}
    assert names.keys() == {name for name, *_ in REPLACED}
    assert stage.apply(wanted).exit_code == 0
    assert stage.plan(wanted).empty
    gone = {arn.rpartition("/")[2] for arn in {*shape} - {*stage.all}}
    made = {arn.rpartition("/")[2] for arn in {*stage.all} - {*shape}}
    assert gone == {"spot0", "fargate0"}
    assert made == {names["compute_environment.spot0"], names["compute_environment.fargate0"]}
    spot = stage.environment(names["compute_environment.spot0"])["computeResources"]
    assert (spot["allocationStrategy"], spot["spotIamFleetRole"]) == ("BEST_FIT", ROLE)
    assert stage.environment(names["compute_environment.fargate0"])["computeResources"]["type"] == "FARGATE_SPOT"
    assert "schedulingPolicyArn" not in stage.queue("queue0")
    assert stage.queue("queue1")["schedulingPolicyArn"].endswith("/fair0")
    licences = stage.world.describe_consumable_resource(consumableResource="licences0")
    assert licences["resourceType"] == "NON_REPLENISHABLE"
