"""Pods of definitions that run on EKS."""

from typing import Any

import pytest

from tests.providers.simulator.lab import Lab


def _pod(**changes: Any) -> dict[str, Any]:
    return {"containers": [{"image": "i"}], **changes}


def _with(**changes: Any) -> dict[str, Any]:
    return _pod(containers=[{"image": "i", **changes}])


def _resources(**both: dict[str, str]) -> dict[str, Any]:
    return _with(resources=both)


def _register(lab: Lab, pod: dict[str, Any]) -> tuple[int, str]:
    request = {"jobDefinitionName": "d", "type": "container", "eksProperties": {"podProperties": pod}}
    answer = lab.post("RegisterJobDefinition", request)
    return answer.status, answer.body.decode()


@pytest.mark.parametrize(
    ("pod", "words"),
    [
        ({}, "between 1 and 10 containers"),
        (_pod(containers=[]), "between 1 and 10 containers"),
        (_pod(containers=[{"image": "i", "name": str(number)} for number in range(11)]), "between 1 and 10"),
        (_pod(initContainers=[{"image": "i", "name": str(number)} for number in range(11)]), "initContainers"),
        (_pod(containers=[{"image": "i"}, {"image": "i", "name": "Default"}]), "names must be unique"),
        (_pod(initContainers=[{"image": "i"}]), "names must be unique"),
        (_pod(dnsPolicy="None"), "dnsPolicy must be one of"),
        *(
            (_pod(metadata={"namespace": space}), "metadata.namespace is not valid")
            for space in ("default", "kube-x", "kubex", "A", "", "a" * 64)
        ),
        (_pod(volumes=[{"name": "A_b"}]), "Volume name must be a DNS subdomain name"),
        (_pod(volumes=[{"name": "a." * 127 + "a"}]), "Volume name"),
        (_with(image=""), "image"),
        (_with(imagePullPolicy="Sometimes"), "imagePullPolicy must be one of"),
        (_with(env=[{"name": "AWS_BATCH_X"}]), "cannot start with AWS_BATCH"),
        (_with(volumeMounts=[{"name": "v"}]), "volumeMounts: v is not a volume"),
        *(
            (_resources(limits={"memory": bad}), f"memory {bad} is not valid")
            for bad in ("3Mi", "1024", "1Gi", "1.5Mi", "nanMi")
        ),
        (_resources(requests={"memory": "x"}), "memory x is not valid"),
        *(
            (_resources(limits={"cpu": bad}), f"cpu {bad} is not valid")
            for bad in ("0", "0.3", "nan", "-1", "100m", "one")
        ),
        (_resources(limits={"nvidia.com/gpu": "0.5"}), "nvidia.com/gpu 0.5 is not valid"),
        (_resources(limits={"memory": "8Mi"}, requests={"memory": "4Mi"}), "memory in limits must be equal"),
        (
            _resources(limits={"nvidia.com/gpu": "1"}, requests={"nvidia.com/gpu": "2"}),
            "nvidia.com/gpu in limits must be equal",
        ),
        (_resources(limits={"cpu": "1"}, requests={"cpu": "2"}), "cpu in limits must be at least as large"),
    ],
)
def test_a_bad_pod_is_refused(lab: Lab, pod: dict[str, Any], words: str) -> None:
    """Each broken rule of a pod is refused."""
    status, body = _register(lab, pod)
    assert status == 400
    assert words in body


@pytest.mark.parametrize(
    "pod",
    [
        _pod(initContainers=[{"image": "i", "name": "first"}], dnsPolicy="ClusterFirst"),
        _pod(metadata={"namespace": "batch-1"}),
        _pod(volumes=[{"name": "a.b-c"}], containers=[{"image": "i", "volumeMounts": [{"name": "a.b-c"}]}]),
        _with(imagePullPolicy="Never", env=[{"name": "A"}]),
        _resources(limits={"cpu": "500m", "memory": "4Mi"}, requests={"cpu": "0.25", "memory": "4Mi"}),
        _resources(limits={"nvidia.com/gpu": "1"}),
    ],
)
def test_what_a_pod_may_say(lab: Lab, pod: dict[str, Any]) -> None:
    """Values that are documented are taken."""
    assert _register(lab, pod)[0] == 200


def test_init_containers_are_judged_too(lab: Lab) -> None:
    """What holds for containers holds for those that run before them."""
    bad = {"image": "i", "name": "first", "resources": {"limits": {"memory": "1Mi"}}}
    assert "memory 1Mi" in _register(lab, _pod(initContainers=[bad]))[1]
