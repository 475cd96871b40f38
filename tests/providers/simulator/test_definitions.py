"""Families of job definitions: revisions, lookups, refusals, and what describe makes of what was sent."""

import base64
from typing import Any

import pytest

from tests.providers.simulator.lab import Lab, container, refusal

_LISTS = ("command", "volumes", "environment", "mountPoints", "ulimits", "resourceRequirements", "secrets")


def _names(lab: Lab, **question: Any) -> list[str]:
    found = lab.batch.describe_job_definitions(**question)["jobDefinitions"]
    return [f"{it['jobDefinitionName']}:{it['revision']}" for it in found]


def test_every_registration_is_a_new_revision(lab: Lab) -> None:
    """Equal content makes a new revision too; families count apart; numbers are never used again."""
    assert lab.definition("d")["revision"] == 1
    assert lab.definition("d")["revision"] == 2
    assert lab.definition("e")["revision"] == 1
    lab.batch.deregister_job_definition(jobDefinition="d:1")
    lab.batch.deregister_job_definition(jobDefinition="d:2")
    assert lab.definition("d")["revision"] == 3
    lab.clock.sleep(200 * 86400)
    assert _names(lab) == ["e:1", "d:3"]
    assert lab.definition("d")["revision"] == 4


def test_nothing_is_inherited_from_the_revision_before(lab: Lab) -> None:
    """A revision has what was sent with it, tags included."""
    lab.definition(
        "d", tags={"a": "b"}, parameters={"x": "y"}, schedulingPriority=3, timeout={"attemptDurationSeconds": 60}
    )
    second = lab.definition("d")
    assert (second["tags"], second["parameters"]) == ({}, {})
    assert not {"schedulingPriority", "timeout"} & set(second)


def test_what_is_left_unsaid_is_shown_so(lab: Lab) -> None:
    """Empty lists are added, tags are not propagated, and platform, retry, timeout and priority stay absent."""
    seen = lab.definition("d", containerProperties={"image": "i", "vcpus": 1, "memory": 512})
    assert seen == {
        "jobDefinitionName": "d",
        "jobDefinitionArn": "arn:aws:batch:eu-west-1:123456789012:job-definition/d:1",
        "revision": 1,
        "status": "ACTIVE",
        "type": "container",
        "parameters": {},
        "tags": {},
        "propagateTags": False,
        "containerOrchestrationType": "ECS",
        "containerProperties": {"image": "i", "vcpus": 1, "memory": 512, **{key: [] for key in _LISTS}},
    }


def test_empty_structures_are_not_returned(lab: Lab) -> None:
    """A timeout without members is not shown."""
    assert "timeout" not in lab.definition("d", timeout={})


def test_words_change_case(lab: Lab) -> None:
    """The type and the action of a retry condition come back in lower case, whatever was sent."""
    retry = {
        "attempts": 2,
        "evaluateOnExit": [{"onExitCode": "1", "action": "RETRY"}, {"onReason": "*", "action": "exit"}],
    }
    seen = lab.definition("d", type="Container", retryStrategy=retry)
    assert seen["type"] == "container"
    assert [rule["action"] for rule in seen["retryStrategy"]["evaluateOnExit"]] == ["retry", "exit"]


def test_empty_variables_are_dropped(lab: Lab) -> None:
    """Environment variables with an empty value, or none, are not kept."""
    given = [{"name": "A", "value": ""}, {"name": "B", "value": "b"}, {"name": "C"}]
    seen = lab.definition("d", containerProperties=container(environment=given))
    assert seen["containerProperties"]["environment"] == [{"name": "B", "value": "b"}]


def test_nested_lists_are_filled(lab: Lab) -> None:
    """Log configuration and Linux parameters show their empty lists and maps."""
    linux = {"devices": [{"hostPath": "/dev/a"}], "tmpfs": [{"containerPath": "/t", "size": 1}]}
    given = container(logConfiguration={"logDriver": "awslogs"}, linuxParameters=linux)
    seen = lab.definition("d", containerProperties=given)["containerProperties"]
    assert seen["logConfiguration"] == {"logDriver": "awslogs", "options": {}, "secretOptions": []}
    assert seen["linuxParameters"] == {
        "devices": [{"hostPath": "/dev/a", "permissions": []}],
        "tmpfs": [{"containerPath": "/t", "size": 1, "mountOptions": []}],
    }


def test_fargate_shows_its_platform(lab: Lab) -> None:
    """On Fargate the platform version is LATEST, and an empty runtime platform is Linux on x86-64."""
    needs = [{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "512"}]
    given = container(executionRoleArn="r", runtimePlatform={}, resourceRequirements=needs)
    seen = lab.definition("d", platformCapabilities=["FARGATE"], containerProperties=given)
    assert seen["platformCapabilities"] == ["FARGATE"]
    assert seen["containerProperties"]["fargatePlatformConfiguration"] == {"platformVersion": "LATEST"}
    assert seen["containerProperties"]["runtimePlatform"] == {
        "operatingSystemFamily": "LINUX",
        "cpuArchitecture": "X86_64",
    }
    del given["runtimePlatform"]
    plain = lab.definition("d", platformCapabilities=["FARGATE"], containerProperties=given)
    assert "runtimePlatform" not in plain["containerProperties"]
    given["fargatePlatformConfiguration"] = {"platformVersion": "1.4.0"}
    given["runtimePlatform"] = {"cpuArchitecture": "ARM64"}
    told = lab.definition("d", platformCapabilities=["FARGATE"], containerProperties=given)["containerProperties"]
    assert told["fargatePlatformConfiguration"] == {"platformVersion": "1.4.0"}
    assert told["runtimePlatform"] == {"operatingSystemFamily": "LINUX", "cpuArchitecture": "ARM64"}


def test_an_ecs_task_is_filled(lab: Lab) -> None:
    """A task shows platform version and volumes; its containers are essential and show their lists."""
    log = {"logDriver": "awslogs"}
    sidecar = {
        "name": "s",
        "image": "i",
        "essential": False,
        "environment": [{"name": "A", "value": ""}],
        "logConfiguration": log,
    }
    task = {"containers": [{"name": "m", "image": "i"}, sidecar]}
    lab.batch.register_job_definition(jobDefinitionName="d", type="container", ecsProperties={"taskProperties": [task]})
    (seen,) = lab.see_definition("d:1")["ecsProperties"]["taskProperties"]
    lists: dict[str, Any] = {
        key: [] for key in ("command", "dependsOn", "environment", "mountPoints", "secrets", "ulimits")
    }
    assert (seen["platformVersion"], seen["volumes"]) == ("LATEST", [])
    assert seen["containers"] == [
        {"name": "m", "image": "i", "essential": True, **lists},
        {"name": "s", "image": "i", "essential": False, **lists, "logConfiguration": {**log, "secretOptions": []}},
    ]


def test_a_pod_is_filled(lab: Lab) -> None:
    """A pod and its containers show their lists; an unnamed container is Default; nothing else is made up."""
    lab.batch.register_job_definition(
        jobDefinitionName="d", type="container", eksProperties={"podProperties": {"containers": [{"image": "i"}]}}
    )
    seen = lab.see_definition("d:1")
    lists: dict[str, Any] = {key: [] for key in ("args", "command", "env", "volumeMounts")}
    assert seen["containerOrchestrationType"] == "EKS"
    assert "propagateTags" not in seen
    assert seen["eksProperties"]["podProperties"] == {
        "containers": [{"name": "Default", "image": "i", **lists}],
        "initContainers": [],
        "volumes": [],
        "imagePullSecrets": [],
    }


def test_what_has_no_inside_stays_empty(lab: Lab) -> None:
    """EKS properties without a pod, a retry strategy without conditions, and ECS nodes are shown as sent."""
    lab.batch.register_job_definition(
        jobDefinitionName="k", type="container", eksProperties={}, retryStrategy={"attempts": 2}
    )
    seen = lab.see_definition("k:1")
    assert (seen["eksProperties"], seen["retryStrategy"]) == ({}, {"attempts": 2})
    task = {"containers": [{"name": "m", "image": "i"}]}
    node = {"targetNodes": "0:1", "ecsProperties": {"taskProperties": [task]}}
    nodes = {"numNodes": 2, "mainNode": 0, "nodeRangeProperties": [node]}
    lab.batch.register_job_definition(jobDefinitionName="n", type="multinode", nodeProperties=nodes)
    (seen,) = lab.see_definition("n:1")["nodeProperties"]["nodeRangeProperties"]
    assert "container" not in seen
    assert seen["ecsProperties"]["taskProperties"][0]["platformVersion"] == "LATEST"


def test_nodes_are_filled(lab: Lab) -> None:
    """A range of nodes shows its instance types and its container's lists; target nodes stay as written."""
    nodes = {"numNodes": 2, "mainNode": 0, "nodeRangeProperties": [{"targetNodes": "0:", "container": container()}]}
    lab.batch.register_job_definition(jobDefinitionName="d", type="multinode", nodeProperties=nodes)
    (seen,) = lab.see_definition("d:1")["nodeProperties"]["nodeRangeProperties"]
    assert (seen["targetNodes"], seen["instanceTypes"]) == ("0:", [])
    assert all(key in seen["container"] for key in _LISTS)


def test_a_node_may_be_named_alone(lab: Lab) -> None:
    """`0` is the first node and no other."""
    ranges = [{"targetNodes": "0", "container": container()}, {"targetNodes": "1:", "container": container(image="b")}]
    nodes = {"numNodes": 3, "mainNode": 0, "nodeRangeProperties": ranges}
    lab.batch.register_job_definition(jobDefinitionName="d", type="multinode", nodeProperties=nodes)
    told = refusal(
        lab.batch.register_job_definition,
        jobDefinitionName="d",
        type="multinode",
        nodeProperties={**nodes, "nodeRangeProperties": ranges[:1]},
    )
    assert "account for all nodes" in told[2]


def test_nodes_of_kubernetes_are_filled(lab: Lab) -> None:
    """A definition whose nodes are pods is of EKS, without propagation of tags; its pods show their lists."""
    pod = {"containers": [{"image": "i", "resources": {"requests": {"memory": "1024Mi", "cpu": "1"}}}]}
    node = {"targetNodes": "0:", "eksProperties": {"podProperties": pod}}
    nodes = {"numNodes": 1, "mainNode": 0, "nodeRangeProperties": [node]}
    lab.batch.register_job_definition(jobDefinitionName="d", type="multinode", nodeProperties=nodes)
    seen = lab.see_definition("d:1")
    assert seen["containerOrchestrationType"] == "EKS"
    assert "propagateTags" not in seen
    (shown,) = seen["nodeProperties"]["nodeRangeProperties"]
    assert shown["instanceTypes"] == []
    assert shown["eksProperties"]["podProperties"]["initContainers"] == []
    assert not {"hostNetwork", "dnsPolicy"} & set(shown["eksProperties"]["podProperties"])


def test_consumable_resources_are_kept_as_named(lab: Lab) -> None:
    """A name stays a name and an ARN an ARN; without them nothing is shown."""
    arn = "arn:aws:batch:eu-west-1:123456789012:consumable-resource/r"
    wanted = {"consumableResourceList": [{"consumableResource": name, "quantity": 1} for name in ("r", arn)]}
    assert lab.definition("d", consumableResourceProperties=wanted)["consumableResourceProperties"] == wanted
    assert "consumableResourceProperties" not in lab.definition("d")


def test_a_priority_of_zero_is_not_none(lab: Lab) -> None:
    """0 is shown; a priority that was not sent is not."""
    assert lab.definition("d", schedulingPriority=0)["schedulingPriority"] == 0
    assert "schedulingPriority" not in lab.definition("d")


def test_tags_may_be_propagated(lab: Lab) -> None:
    """What was sent is shown."""
    assert lab.definition("d", propagateTags=True)["propagateTags"] is True


def test_lookups_by_key(lab: Lab) -> None:
    """NAME:REVISION and ARN find one revision, INACTIVE too; a bare name finds nothing; a key stands alone."""
    arn = lab.definition("d")["jobDefinitionArn"]
    lab.definition("d")
    lab.batch.deregister_job_definition(jobDefinition=arn)
    assert _names(lab, jobDefinitions=["d:2", arn, "d", "d:9"]) == ["d:2", "d:1"]
    assert lab.see_definition("d:1")["status"] == "INACTIVE"
    both = {"jobDefinitions": ["d:1"], "status": "ACTIVE"}
    assert "cannot be combined" in refusal(lab.batch.describe_job_definitions, **both)[2]


def test_lists_by_family_and_status(lab: Lab) -> None:
    """A family, a status, or both narrow the list; INACTIVE revisions are listed where no status is asked."""
    for name in ("d", "d", "e"):
        lab.definition(name)
    lab.batch.deregister_job_definition(jobDefinition="d:1")
    assert _names(lab) == ["d:1", "d:2", "e:1"]
    assert _names(lab, jobDefinitionName="d") == ["d:1", "d:2"]
    assert _names(lab, jobDefinitionName="d", status="ACTIVE") == ["d:2"]
    assert _names(lab, status="INACTIVE") == ["d:1"]
    assert _names(lab, jobDefinitionName="none") == []


def test_pages_are_real(lab: Lab) -> None:
    """A page ends where asked, a token goes on from there, also past what was added or filtered meanwhile."""
    for _ in range(5):
        lab.definition("d")
    pages = lab.batch.get_paginator("describe_job_definitions").paginate(
        jobDefinitionName="d", status="ACTIVE", PaginationConfig={"PageSize": 2}
    )
    seen = []
    for page in pages:
        seen.append([it["revision"] for it in page["jobDefinitions"]])
        lab.batch.deregister_job_definition(jobDefinition="d:4")
    assert seen == [[1, 2], [3, 5]]


@pytest.mark.parametrize("size", [0, 101, -1])
def test_a_page_has_1_to_100_items(lab: Lab, size: int) -> None:
    """Another page size is refused."""
    assert "maxResults" in refusal(lab.batch.describe_job_definitions, maxResults=size)[2]


def test_a_token_is_for_one_question(lab: Lab) -> None:
    """A token that was not given, or was given for another question, is refused."""
    for _ in range(2):
        lab.definition("d")
    token = lab.batch.describe_job_definitions(maxResults=1)["nextToken"]
    assert _names(lab, nextToken=token) == ["d:2"]
    places = [b"9" * 20, b"-" + b"9" * 30, b"-1", b"0", b"true", b"1.5", b'"1"']
    crafted = [b"[" * 100_000, *(b'["jobDefinitions",{},' + place + b"]" for place in places)]
    for made in ("bad", "bm9wZQ==", *(base64.b64encode(text).decode() for text in crafted)):
        assert refusal(lab.batch.describe_job_definitions, nextToken=made)[2] == "Invalid nextToken"
    assert refusal(lab.batch.describe_job_definitions, nextToken=token, status="ACTIVE")[2] == "Invalid nextToken"
    assert refusal(lab.batch.list_scheduling_policies, nextToken=token)[2] == "Invalid nextToken"


def test_deregistration_names_one_revision(lab: Lab) -> None:
    """A family or an unknown revision is refused; a second time is allowed."""
    lab.definition("d")
    deregister = lab.batch.deregister_job_definition
    assert "NAME:REVISION" in refusal(deregister, jobDefinition="d")[2]
    assert "NAME:REVISION" in refusal(deregister, jobDefinition="d:one")[2]
    assert "does not exist" in refusal(deregister, jobDefinition="d:9")[2]
    for _ in range(2):
        deregister(jobDefinition="d:1")
    assert lab.see_definition("d:1")["status"] == "INACTIVE"


def test_an_inactive_revision_is_kept_180_days(lab: Lab) -> None:
    """INACTIVE revisions stay visible for 180 days, and go."""
    lab.definition("d")
    lab.batch.deregister_job_definition(jobDefinition="d:1")
    lab.clock.sleep(179 * 86400)
    lab.batch.deregister_job_definition(jobDefinition="d:1")
    assert lab.see_definition("d:1")["status"] == "INACTIVE"
    lab.clock.sleep(86400)
    assert lab.see_definition("d:1") == {}
