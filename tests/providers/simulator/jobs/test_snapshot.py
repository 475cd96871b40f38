"""GetJobQueueSnapshot: who is next in a queue, and what its jobs take."""

import json
from typing import Any

from tests.providers.simulator.lab import Lab, container, ec2, refusal

_BIG = [{"type": "VCPU", "value": "2"}, {"type": "MEMORY", "value": "512"}]


def _see(lab: Lab, queue: str = "q") -> dict[str, Any]:
    answer: dict[str, Any] = lab.batch.get_job_queue_snapshot(jobQueue=queue)
    del answer["ResponseMetadata"]
    return answer


def _next(lab: Lab) -> list[str]:
    return [it["jobArn"].rpartition("/")[2] for it in _see(lab)["frontOfQueue"]["jobs"]]


def _ready(lab: Lab, vcpus: int = 2, **queue: Any) -> None:
    lab.environment("e", computeResources=ec2(maxvCpus=vcpus))
    lab.queue("q", "e", **queue)
    lab.definition("d", **({"schedulingPriority": 1} if queue else {}))


def _submit(lab: Lab, **changes: Any) -> str:
    job: str = lab.batch.submit_job(**{"jobName": "j", "jobQueue": "q", "jobDefinition": "d", **changes})["jobId"]
    return job


def _train(lab: Lab, count: int = 1, **changes: Any) -> str:
    config = {"InstanceType": "ml.m5.large", "InstanceCount": count}
    request = {
        "jobName": "j",
        "jobQueue": "q",
        "serviceJobType": "SAGEMAKER_TRAINING",
        "serviceRequestPayload": json.dumps({"ResourceConfig": config}),
        **changes,
    }
    job: str = lab.batch.submit_service_job(**request)["jobId"]
    return job


def _fair(lab: Lab) -> str:
    arn: str = lab.batch.create_scheduling_policy(name="fair", fairsharePolicy={"shareDistribution": []})["arn"]
    return arn


def test_a_queue_without_jobs_shows_none(lab: Lab) -> None:
    """Nobody waits and nothing is used, as of now; a queue without a policy has no shares to show."""
    _ready(lab)
    now = round(lab.clock.now() * 1000)
    empty = {"jobs": [], "lastUpdatedAt": now}
    assert _see(lab) == {
        "frontOfQueue": empty,
        "queueUtilization": {"totalCapacityUsage": [], "lastUpdatedAt": now},
    }
    assert "does not exist" in refusal(lab.batch.get_job_queue_snapshot, jobQueue="none")[2]


def test_jobs_are_shown_in_the_order_in_which_they_will_start(lab: Lab) -> None:
    """Only RUNNABLE ones, each with the time since when it is where it is; what runs counts as vCPUs."""
    _ready(lab)
    running = [_submit(lab), _submit(lab)]
    lab.clock.sleep(5)
    waiting = [_submit(lab) for _ in range(3)]
    came = round(lab.clock.now() * 1000) + 1000
    assert _next(lab) == []
    lab.clock.sleep(5)
    shown = _see(lab)
    arns = [f"arn:aws:batch:eu-west-1:123456789012:job/{job}" for job in waiting]
    assert shown["frontOfQueue"]["jobs"] == [{"jobArn": arn, "earliestTimeAtPosition": came} for arn in arns]
    assert shown["queueUtilization"]["totalCapacityUsage"] == [{"capacityUnit": "VCPU", "quantity": 2.0}]
    lab.batch.cancel_job(jobId=waiting[0], reason="r")
    assert _next(lab) == waiting[1:]
    assert lab.batch.describe_jobs(jobs=running[:1])["jobs"][0]["status"] == "STARTING"


def test_a_snapshot_shows_a_hundred_jobs_at_most(lab: Lab) -> None:
    """Of more jobs the first hundred are listed, children of arrays among them."""
    _ready(lab, vcpus=1)
    first = _submit(lab)
    lab.clock.sleep(5)
    array = _submit(lab, arrayProperties={"size": 105})
    lab.clock.sleep(5)
    assert _next(lab) == [f"{array}:{index}" for index in range(100)]
    lab.batch.terminate_job(jobId=first, reason="r")
    assert _next(lab) == [f"{array}:{index}" for index in range(1, 101)]


def test_a_snapshot_shows_a_hundred_service_jobs_at_most(lab: Lab) -> None:
    """Service jobs are no more than a hundred either."""
    lab.service_environment("e")
    lab.training_queue("q", "e")
    jobs = [_train(lab, 10) for _ in range(102)]
    lab.clock.sleep(2)
    assert _next(lab) == jobs[1:101]


def test_a_disabled_queue_shows_what_is_in_it(lab: Lab) -> None:
    """Jobs in a DISABLED queue go on, and are shown."""
    _ready(lab, vcpus=1)
    _submit(lab)
    lab.clock.sleep(5)
    waiting = _submit(lab)
    lab.clock.sleep(5)
    lab.disable_queue("q", wait=5)
    assert _next(lab) == [waiting]
    assert _see(lab)["queueUtilization"]["totalCapacityUsage"] == [{"capacityUnit": "VCPU", "quantity": 1.0}]


def test_on_eks_the_unit_is_cpu(lab: Lab) -> None:
    """Jobs on EKS use cpu."""
    cluster = {"eksClusterArn": "arn:aws:eks:eu-west-1:123456789012:cluster/c", "kubernetesNamespace": "n"}
    resources = ec2(maxvCpus=4)
    lab.environment("e", eksConfiguration=cluster, computeResources=resources)
    lab.queue("q", "e")
    limits = {"cpu": "1", "memory": "512Mi"}
    pod = {"containers": [{"image": "busybox", "resources": {"limits": limits, "requests": limits}}]}
    lab.batch.register_job_definition(jobDefinitionName="d", type="container", eksProperties={"podProperties": pod})
    _submit(lab)
    lab.clock.sleep(5)
    assert _see(lab)["queueUtilization"]["totalCapacityUsage"] == [{"capacityUnit": "cpu", "quantity": 1.0}]


def test_a_fair_share_queue_shows_what_its_shares_use(lab: Lab) -> None:
    """Shares that use capacity are counted, and listed by what they use, the most first, up to twenty."""
    _ready(lab, vcpus=64, schedulingPolicyArn=_fair(lab))
    lab.definition("big", schedulingPriority=1, containerProperties=container(resourceRequirements=_BIG))
    for number in range(21):
        _submit(lab, shareIdentifier=f"s{number}")
    _submit(lab, shareIdentifier="most", jobDefinition="big")
    lab.clock.sleep(5)
    shown = _see(lab)["queueUtilization"]
    fair = shown["fairshareUtilization"]
    assert shown["totalCapacityUsage"] == [{"capacityUnit": "VCPU", "quantity": 23.0}]
    assert (fair["activeShareCount"], len(fair["topCapacityUtilization"])) == (22, 20)
    top = {"shareIdentifier": "most", "capacityUsage": [{"capacityUnit": "VCPU", "quantity": 2.0}]}
    assert fair["topCapacityUtilization"][0] == top
    assert "quotaShareUtilization" not in shown


def test_service_jobs_use_instances(lab: Lab) -> None:
    """A queue of a service environment shows what its jobs use by instance type, from SCHEDULED on."""
    lab.service_environment("e")
    lab.training_queue("q", "e")
    _train(lab, 9)
    lab.clock.sleep(2)
    waiting = [_train(lab, 2), _train(lab)]
    lab.clock.sleep(2)
    usage = {"totalCapacityUsage": [{"capacityUnit": "ml.m5.large", "quantity": 9.0}]}
    shown = _see(lab)
    assert shown["queueUtilization"] == {**usage, "lastUpdatedAt": round(lab.clock.now() * 1000)}
    arns = [f"arn:aws:batch:eu-west-1:123456789012:service-job/{job}" for job in waiting]
    assert [it["jobArn"] for it in shown["frontOfQueue"]["jobs"]] == arns
    lab.clock.sleep(60)
    assert _see(lab)["queueUtilization"]["totalCapacityUsage"] == usage["totalCapacityUsage"]


def test_a_queue_of_quota_shares_shows_the_first_of_each(lab: Lab) -> None:
    """The first RUNNABLE job of each share, and what each share uses; shares take turns in the queue's own order."""
    lab.quota_queue("q")
    for name in ("a", "b", "c"):
        lab.quota_share(name, "q")
    assert "quotaShareUtilization" in _see(lab)["queueUtilization"]
    _train(lab, quotaShareName="b")
    _train(lab, 2, quotaShareName="a")
    lab.clock.sleep(2)
    waiting = [_train(lab, 2, quotaShareName=share) for share in ("a", "a", "b", "b")]
    urgent = _train(lab, 2, quotaShareName="b", schedulingPriority=1)
    came = round(lab.clock.now() * 1000) + 1000
    lab.clock.sleep(2)
    shown = _see(lab)
    shares = shown["frontOfQuotaShares"]["quotaShares"]
    prefix = "arn:aws:batch:eu-west-1:123456789012:service-job/"
    assert shares == {
        "a": [{"jobArn": prefix + waiting[0], "earliestTimeAtPosition": came}],
        "b": [{"jobArn": prefix + urgent, "earliestTimeAtPosition": came}],
        "c": [],
    }
    assert _next(lab) == [waiting[0], urgent, waiting[1], waiting[2], waiting[3]]
    used = shown["queueUtilization"]["quotaShareUtilization"]["topCapacityUtilization"]
    assert used == [
        {"quotaShareName": "a", "capacityUsage": [{"capacityUnit": "ml.m5.large", "quantity": 2.0}]},
        {"quotaShareName": "b", "capacityUsage": [{"capacityUnit": "ml.m5.large", "quantity": 1.0}]},
    ]
    assert "fairshareUtilization" not in shown["queueUtilization"]


def test_a_job_is_at_its_position_since_it_came_there(lab: Lab) -> None:
    """Neither a tag nor somebody behind it moves that; the first in line is there since it is first."""
    _ready(lab, vcpus=1)
    lab.definition("big", containerProperties=container(resourceRequirements=_BIG))
    limits = [{"reason": "MISCONFIGURATION", "state": "RUNNABLE", "maxTimeSeconds": 6000, "action": "CANCEL"}]
    lab.batch.update_job_queue(jobQueue="q", jobStateTimeLimitActions=limits)
    lab.clock.sleep(10)
    first, second = _submit(lab), _submit(lab, jobDefinition="big")
    lab.clock.sleep(1)
    came = round(lab.clock.now() * 1000)

    def since() -> list[int]:
        return [it["earliestTimeAtPosition"] for it in _see(lab)["frontOfQueue"]["jobs"]]

    assert since() == [came]
    lab.clock.sleep(20)
    lab.batch.tag_resource(resourceArn=lab.see_job(second)["jobArn"], tags={"a": "b"})
    _submit(lab)
    lab.clock.sleep(20)
    assert since() == [came, came + 21_000]
    lab.batch.terminate_job(jobId=second, reason="r")
    assert since() == [came + 40_000]
    assert lab.statuses(first) == ["RUNNING"]
