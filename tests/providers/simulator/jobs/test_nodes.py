"""Multi-node parallel jobs."""

from typing import Any

import pytest

from providers.simulator import Outcome, Settings
from tests.providers.simulator.lab import Lab, container, ec2, refusal

_RANGES = [
    {"targetNodes": "0:", "container": container(image="wide")},
    {"targetNodes": "1:2", "container": container(image="nested")},
]


def _ready(lab: Lab, **changes: Any) -> None:
    lab.ground(**changes)
    nodes = {"numNodes": 4, "mainNode": 1, "nodeRangeProperties": _RANGES}
    lab.batch.register_job_definition(jobDefinitionName="n", type="multinode", nodeProperties=nodes)


def _nodes(lab: Lab, job: str, status: str = "RUNNING") -> list[tuple[str, dict[str, Any]]]:
    listed = lab.batch.list_jobs(multiNodeJobId=job, jobStatus=status)["jobSummaryList"]
    return [(it["jobId"], it["nodeProperties"]) for it in listed]


def test_nodes_are_described_one_by_one(lab: Lab) -> None:
    """ID#INDEX is a node, with the container of its range and a task of its own; the main node starts first."""
    _ready(lab)
    job = lab.submit(jobDefinition="n", wait=2)
    assert lab.statuses(job, f"{job}#0", f"{job}#1", f"{job}#2") == ["STARTING", "RUNNABLE", "STARTING", "RUNNABLE"]
    lab.clock.sleep(10)
    nodes = [lab.see_job(f"{job}#{index}") for index in range(4)]
    assert [it["container"]["image"] for it in nodes] == ["wide", "nested", "nested", "wide"]
    assert [it["nodeDetails"] for it in nodes] == [{"nodeIndex": n, "isMainNode": n == 1} for n in range(4)]
    assert [it["jobId"] for it in nodes] == [f"{job}#{index}" for index in range(4)]
    assert {it["status"] for it in nodes} == {"RUNNING"}
    cluster = lab.see_environment("a")["ecsClusterArn"].rpartition("/")[2]
    tasks = [it["container"]["taskArn"] for it in nodes]
    assert len(set(tasks)) == 4
    assert {it.split("/")[1] for it in tasks} == {cluster}
    assert len({it["container"]["logStreamName"] for it in nodes}) == 4
    interfaces = [it["container"]["networkInterfaces"] for it in nodes]
    assert len({it["privateIpv4Address"] for (it,) in interfaces}) == 4
    assert lab.see_job(f"{job}#4") == {}
    assert lab.see_job(f"{lab.submit()}#0") == {}
    shown = lab.see_job(job)
    assert (shown["nodeProperties"]["numNodes"], "container" in shown) == (4, False)


def test_nodes_are_listed_page_by_page(lab: Lab) -> None:
    """A list of nodes tells index and main node; the list of the queue tells how many there are."""
    _ready(lab)
    job = lab.submit(jobDefinition="n", wait=2)
    assert [name for name, _ in _nodes(lab, job, "STARTING")] == [f"{job}#1"]
    lab.clock.sleep(10)
    assert _nodes(lab, job) == [(f"{job}#{n}", {"isMainNode": n == 1, "nodeIndex": n}) for n in range(4)]
    page = lab.batch.list_jobs(multiNodeJobId=job, maxResults=3)
    rest = lab.batch.list_jobs(multiNodeJobId=job, maxResults=3, nextToken=page["nextToken"])
    assert [len(it["jobSummaryList"]) for it in (page, rest)] == [3, 1]
    (summary,) = lab.batch.list_jobs(jobQueue="q")["jobSummaryList"]
    assert summary["nodeProperties"] == {"numNodes": 4}


def test_a_multi_node_job_needs_all_its_nodes_at_once(lab: Lab) -> None:
    """Room for three of four nodes is not enough."""
    _ready(lab, maxvCpus=4)
    single = lab.submit(wait=2)
    job = lab.submit(jobDefinition="n", wait=2)
    assert lab.statuses(single, job) == ["STARTING", "RUNNABLE"]
    lab.clock.sleep(70)
    assert lab.statuses(job) == ["STARTING"]
    assert lab.see_environment("a")["computeResources"]["desiredvCpus"] == 4


def test_the_main_node_decides() -> None:
    """A failure is that of the main node, is tried again, and stands at the job and at that node."""
    lab = Lab.new(settings=Settings(outcomes=(Outcome(image="nested", attempts=1, exit_code=3, reason="why"),)))
    _ready(lab)
    job = lab.submit(jobDefinition="n", wait=100)
    shown = lab.see_job(job)
    assert (shown["status"], shown["attempts"][0]["container"]["exitCode"]) == ("FAILED", 3)
    main, other = lab.see_job(f"{job}#1"), lab.see_job(f"{job}#0")
    assert (main["container"]["exitCode"], main["container"]["reason"]) == (3, "why")
    assert "exitCode" not in other["container"]
    again = lab.submit(jobDefinition="n", wait=200, retryStrategy={"attempts": 2})
    assert (lab.statuses(again), len(lab.see_job(again)["attempts"])) == (["SUCCEEDED"], 2)


@pytest.mark.parametrize("kind", ["SPOT", "UNMANAGED"])
def test_nodes_run_on_demand_in_managed_environments(lab: Lab, kind: str) -> None:
    """Neither Spot instances nor UNMANAGED environments take multi-node jobs."""
    _ready(lab)
    if kind == "SPOT":
        spot = ec2(type="SPOT", allocationStrategy="SPOT_CAPACITY_OPTIMIZED")
        lab.environment("other", computeResources=spot)
    else:
        role = "arn:aws:iam::123456789012:role/r"
        lab.batch.create_compute_environment(computeEnvironmentName="other", type="UNMANAGED", serviceRole=role)
        lab.clock.sleep(3600)
    lab.queue("p", "other")
    single, job = lab.submit(jobQueue="p"), lab.submit(jobQueue="p", jobDefinition="n")
    lab.clock.sleep(100)
    assert lab.statuses(single, job) == ["SUCCEEDED", "RUNNABLE"]
    assert lab.see_job(job)["statusReason"].startswith("UNDETERMINED - ")


def test_nodes_may_be_tasks(lab: Lab) -> None:
    """Ranges of ECS properties count and are overridden as such, and have no container."""
    lab.ground(maxvCpus=4)
    needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}]
    tasks = [{"containers": [{"name": "x", "image": "i", "resourceRequirements": needs}]}]
    nodes = {
        "numNodes": 2,
        "mainNode": 0,
        "nodeRangeProperties": [{"targetNodes": "0:1", "ecsProperties": {"taskProperties": tasks}}],
    }
    lab.batch.register_job_definition(jobDefinitionName="t", type="multinode", nodeProperties=nodes)
    more = [{"name": "x", "resourceRequirements": [{"type": "VCPU", "value": "2"}]}]
    licence = {"consumableResourceList": [{"consumableResource": "licence", "quantity": 1}]}
    told = {
        "targetNodes": "0:1",
        "ecsPropertiesOverride": {"taskProperties": [{"containers": more}]},
        "consumableResourcePropertiesOverride": licence,
    }
    job = lab.submit(jobDefinition="t", nodeOverrides={"nodePropertyOverrides": [told]}, wait=2)
    assert lab.statuses(job) == ["RUNNABLE"]
    lab.batch.create_consumable_resource(consumableResourceName="licence", totalQuantity=2)
    assert (lab.statuses(job), lab.see_environment("a")["computeResources"]["desiredvCpus"]) == (["STARTING"], 4)
    node = lab.see_job(f"{job}#1")
    assert (node["status"], "container" in node) == ("RUNNABLE", False)


def test_a_node_that_waits_is_nowhere(lab: Lab) -> None:
    """Before it is placed a node has neither task nor network interface."""
    _ready(lab, maxvCpus=1)
    container = lab.see_job(f"{lab.submit(jobDefinition='n', wait=2)}#0")["container"]
    assert (container["networkInterfaces"], "taskArn" in container) == ([], False)


def test_nodes_may_be_pods(lab: Lab) -> None:
    """Ranges of EKS properties run on EKS, and are overridden as pods are."""
    space = {"eksClusterArn": "arn:aws:eks:eu-west-1:123456789012:cluster/c", "kubernetesNamespace": "jobs"}
    lab.environment("k", eksConfiguration=space, computeResources=ec2(maxvCpus=4))
    lab.queue("q", "k")
    pod = {"containers": [{"name": "x", "image": "i", "resources": {"limits": {"cpu": "1", "memory": "512Mi"}}}]}
    ranges = [{"targetNodes": "0:", "eksProperties": {"podProperties": pod}}]
    nodes = {"numNodes": 2, "mainNode": 0, "nodeRangeProperties": ranges}
    lab.batch.register_job_definition(jobDefinitionName="p", type="multinode", nodeProperties=nodes)
    told = {"podProperties": {"containers": [{"name": "x", "image": "other"}]}}
    override = {"nodePropertyOverrides": [{"targetNodes": "0:", "eksPropertiesOverride": told}]}
    job = lab.submit(jobDefinition="p", nodeOverrides=override, wait=100)
    shown = lab.see_job(job)
    (given,) = shown["nodeProperties"]["nodeRangeProperties"]
    assert given["eksProperties"]["podProperties"]["containers"][0]["image"] == "other"
    assert (shown["status"], len(shown["eksAttempts"])) == ("SUCCEEDED", 1)


def test_a_job_has_up_to_a_thousand_nodes(lab: Lab) -> None:
    """So many are counted, range by range, and not one more can be asked for; a node is named by a plain number."""
    needs = [{"type": "VCPU", "value": "2"}, {"type": "MEMORY", "value": "512"}]
    lab.ground(maxvCpus=2000, instanceTypes=["optimal"])
    ranges = [
        {"targetNodes": "0:", "container": container()},
        {"targetNodes": "1:2", "container": container(resourceRequirements=needs)},
    ]
    nodes = {"numNodes": 3, "mainNode": 0, "nodeRangeProperties": ranges}
    lab.batch.register_job_definition(jobDefinitionName="n", type="multinode", nodeProperties=nodes)
    job = lab.submit(jobDefinition="n", nodeOverrides={"numNodes": 1000}, wait=5)
    assert lab.see_environment("a")["computeResources"]["desiredvCpus"] == 1002
    assert "at most 1000" in refusal(lab.submit, jobDefinition="n", nodeOverrides={"numNodes": 1001})[2]
    assert lab.see_job(f"{job}#999")["nodeDetails"]["nodeIndex"] == 999
    for index in ("1000", "\u00b2", "9" * 5000, "-1", "1_0", ""):
        assert lab.see_job(f"{job}#{index}") == {}


def test_there_are_no_arrays_of_multi_node_jobs(lab: Lab) -> None:
    """A submission of one is refused."""
    _ready(lab)
    says = refusal(lab.submit, jobDefinition="n", arrayProperties={"size": 2})[2]
    assert says == "arrayProperties should not be set for multi-node parallel jobs."
