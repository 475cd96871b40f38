"""SubmitJob: what it refuses, and what a job shows that has come in."""

import json
from typing import Any

import pytest

from providers.simulator import Quotas, Settings
from tests.providers.simulator.lab import Lab, container, fargate, refusal

_SPACE = {"eksClusterArn": "arn:aws:eks:eu-west-1:123456789012:cluster/c", "kubernetesNamespace": "jobs"}
_NOTHING_NEEDED = {"consumableResourceList": [{"consumableResource": "c", "quantity": 0}]}


def _refused(lab: Lab, **changes: Any) -> str:
    request = {"jobName": "j", "jobQueue": "q", "jobDefinition": "d", **changes}
    status, code, message = refusal(lab.batch.submit_job, **request)
    assert (status, code) == (400, "ClientException")
    return message


def test_a_job_shows_what_was_asked_and_what_its_definition_says(lab: Lab) -> None:
    """Queue and definition are ARNs, the retry strategy is told, and nothing has begun."""
    lab.ground()
    job = lab.submit(tags={"a": "1"}, parameters={"x": "y"}, timeout={"attemptDurationSeconds": 60})
    shown = lab.see_job(job)
    prefix = "arn:aws:batch:eu-west-1:123456789012:"
    assert shown.pop("container")["image"] == "busybox"
    assert shown == {
        "jobArn": f"{prefix}job/{job}",
        "jobId": job,
        "jobName": "j",
        "jobQueue": f"{prefix}job-queue/q",
        "jobDefinition": f"{prefix}job-definition/d:1",
        "status": "SUBMITTED",
        "createdAt": round(lab.clock.now() * 1000),
        "attempts": [],
        "dependsOn": [],
        "isCancelled": False,
        "isTerminated": False,
        "parameters": {"x": "y"},
        "platformCapabilities": [],
        "propagateTags": False,
        "retryStrategy": {"attempts": 1, "evaluateOnExit": []},
        "tags": {"a": "1"},
        "timeout": {"attemptDurationSeconds": 60},
    }


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"jobName": "-j"}, "Job name should match valid pattern"),
        ({"jobName": "j" * 129}, "Job name should match valid pattern"),
        ({"jobQueue": "none"}, "JobQueue none not found."),
        ({"tags": {"aws:x": "1"}}, "aws:"),
        ({"arrayProperties": {"size": 1}}, "Array size must be between 2 and 10000"),
        ({"arrayProperties": {"size": 10_001}}, "Array size must be between 2 and 10000"),
        ({"retryStrategy": {"attempts": 0}}, "attempts must be between 1 and 10"),
        ({"retryStrategy": {"attempts": 11}}, "attempts must be between 1 and 10"),
        ({"timeout": {"attemptDurationSeconds": 59}}, "at least 60"),
        ({"shareIdentifier": "s"}, "fair share scheduling policy"),
        ({"schedulingPriorityOverride": 1}, "fair share scheduling policy"),
        ({"schedulingPriorityOverride": 10_000}, "schedulingPriorityOverride must be between 0 and 9999"),
        ({"consumableResourcePropertiesOverride": _NOTHING_NEEDED}, "at least 1"),
        ({"nodeOverrides": {"numNodes": 1001}}, "numNodes must be at most 1000"),
        ({"parameters": {"p": "x" * 30 * 1024}}, "payload"),
    ],
)
def test_a_submission_is_refused(lab: Lab, changes: dict[str, Any], says: str) -> None:
    """What stands in a request must make sense; nothing is left behind of a job that is refused."""
    lab.ground()
    assert says in _refused(lab, **changes)
    assert lab.batch.list_jobs(jobQueue="q", jobStatus="SUBMITTED")["jobSummaryList"] == []


def test_the_payload_of_a_job_may_just_fit(lab: Lab) -> None:
    """30 KiB are taken, one byte more is not."""
    lab.ground()
    request: dict[str, Any] = {"jobName": "j", "jobQueue": "q", "jobDefinition": "d", "parameters": {"p": ""}}
    room = 30 * 1024 - len(json.dumps(request, separators=(",", ":")))
    lab.batch.submit_job(**{**request, "parameters": {"p": "x" * room}})
    assert "payload" in _refused(lab, parameters={"p": "x" * (room + 1)})


def test_a_disabled_queue_takes_no_jobs_but_finishes_those_it_has(lab: Lab) -> None:
    """DISABLED closes the door of a queue only; a queue that is still made is closed as well."""
    lab.ground()
    job = lab.submit()
    lab.disable_queue("q")
    assert lab.statuses(job) == ["SUCCEEDED"]
    assert "ENABLED" in _refused(lab)
    lab.queue("new", "a", wait=1)
    assert "ENABLED" in _refused(lab, jobQueue="new")


@pytest.mark.parametrize("reference", ["none", "d:9", "d:1", "d:3"])
def test_a_job_names_an_active_definition(lab: Lab, reference: str) -> None:
    """A family, by name or ARN, means its newest ACTIVE revision; an INACTIVE or unknown one is refused."""
    lab.ground()
    lab.definition("d")
    family = lab.definition("d")["jobDefinitionArn"].rpartition(":")[0]
    lab.batch.deregister_job_definition(jobDefinition="d:1")
    lab.batch.deregister_job_definition(jobDefinition="d:3")
    for name in ("d", family, "d:2", f"{family}:2"):
        assert lab.see_job(lab.submit(jobDefinition=name))["jobDefinition"].endswith("d:2")
    assert "ACTIVE" in _refused(lab, jobDefinition=reference)


def test_a_queue_takes_jobs_that_its_environments_can_run(lab: Lab) -> None:
    """EC2, Fargate and EKS queues take definitions for EC2, Fargate and EKS; nodes need EC2."""
    lab.ground()
    lab.environment("f", computeResources=fargate())
    lab.queue("fargate", "f")
    lab.environment("k", eksConfiguration=_SPACE)
    lab.queue("eks", "k")
    needs = [{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "512"}]
    role = "arn:aws:iam::123456789012:role/r"
    small = container(resourceRequirements=needs, executionRoleArn=role)
    lab.definition("on-fargate", containerProperties=small, platformCapabilities=["FARGATE"])
    pod = {"containers": [{"image": "i", "resources": {"limits": {"cpu": "1", "memory": "512Mi"}}}]}
    lab.batch.register_job_definition(jobDefinitionName="pod", type="container", eksProperties={"podProperties": pod})
    ranges = [{"targetNodes": "0:", "container": container()}]
    nodes = {"numNodes": 2, "mainNode": 0, "nodeRangeProperties": ranges}
    lab.batch.register_job_definition(jobDefinitionName="nodes", type="multinode", nodeProperties=nodes)
    fitting = {"q": {"d", "nodes"}, "fargate": {"on-fargate"}, "eks": {"pod"}}
    for queue, definitions in fitting.items():
        for name, capability in {"d": "EC2", "on-fargate": "FARGATE", "pod": "EKS", "nodes": "EC2"}.items():
            if name in definitions:
                lab.submit(jobQueue=queue, jobDefinition=name)
            else:
                assert f"capability {capability}." in _refused(lab, jobQueue=queue, jobDefinition=name)


def test_service_queues_take_no_such_jobs(lab: Lab) -> None:
    """A queue of service environments refuses SubmitJob."""
    lab.service_environment("s")
    lab.training_queue("t", "s")
    lab.definition("d")
    assert "SubmitServiceJob" in _refused(lab, jobQueue="t")


def test_fair_share_queues_ask_for_share_and_priority(lab: Lab) -> None:
    """A share goes with a fair-share queue; a priority comes from the job or its definition, 0 included."""
    lab.ground()
    lab.queue("fair", "a", schedulingPolicyArn=lab.batch.create_scheduling_policy(name="p")["arn"])
    lab.definition("ranked", schedulingPriority=0)
    assert "shareIdentifier" in _refused(lab, jobQueue="fair", schedulingPriorityOverride=1)
    for share in ("a-b", "a" * 256, "*"):
        assert "shareIdentifier" in _refused(lab, jobQueue="fair", shareIdentifier=share, schedulingPriorityOverride=1)
    assert "schedulingPriority" in _refused(lab, jobQueue="fair", shareIdentifier="s")
    for priority in (-1, 10_000):
        fair = {"jobQueue": "fair", "shareIdentifier": "s", "schedulingPriorityOverride": priority}
        assert "between 0 and 9999" in _refused(lab, **fair)
    job = lab.submit(jobQueue="fair", shareIdentifier="s", schedulingPriorityOverride=0)
    other = lab.submit(jobQueue="fair", shareIdentifier="a" * 255 + "*", jobDefinition="ranked")
    assert [lab.see_job(it)["schedulingPriority"] for it in (job, other)] == [0, 0]
    assert lab.see_job(job)["shareIdentifier"] == "s"


def test_a_submission_speaks_before_its_definition(lab: Lab) -> None:
    """Retry strategy, timeout and propagation of tags come from the job, or else from the definition."""
    lab.ground()
    said: dict[str, Any] = {
        "retryStrategy": {"attempts": 3, "evaluateOnExit": []},
        "timeout": {"attemptDurationSeconds": 70},
        "propagateTags": True,
    }
    own: dict[str, Any] = {
        "retryStrategy": {"attempts": 2, "evaluateOnExit": []},
        "timeout": {"attemptDurationSeconds": 80},
        "propagateTags": False,
    }
    lab.definition("e", **said)
    for changes, wanted in (({}, said), (own, own)):
        shown = lab.see_job(lab.submit(jobDefinition="e", **changes))
        assert {key: shown[key] for key in wanted} == wanted


def test_a_job_fails_that_propagates_more_tags_than_a_task_has(lab: Lab) -> None:
    """Together with those of the definition there are up to 50; without propagation nobody counts."""
    lab.ground()
    tags = {f"d{number}": "1" for number in range(26)}
    lab.definition("e", tags=tags)
    own = {f"j{number}": "1" for number in range(25)}
    failing = lab.submit(jobDefinition="e", tags=own, propagateTags=True)
    fine = [lab.submit(jobDefinition="e", tags=own)]
    fine.append(lab.submit(jobDefinition="e", tags={"d0": "2", **dict(list(own.items())[1:])}, propagateTags=True))
    lab.clock.sleep(100)
    assert lab.statuses(failing, *fine) == ["FAILED", "SUCCEEDED", "SUCCEEDED"]
    assert "50" in lab.see_job(failing)["statusReason"]


def test_a_job_fails_whose_overrides_are_too_long_for_ecs(lab: Lab) -> None:
    """Container overrides have up to 8192 characters."""
    lab.ground()
    job = lab.submit(wait=100, containerOverrides={"command": ["x" * 8200]})
    shown = lab.see_job(job)
    assert (shown["status"], shown["statusReason"]) == ("FAILED", "Container Overrides length must be at most 8192")
    assert lab.statuses(lab.submit(wait=100, containerOverrides={"command": ["x" * 8000]})) == ["SUCCEEDED"]


def test_a_hundred_jobs_a_second_have_ids_of_their_own() -> None:
    """The same calls give the same ids; no two jobs share one."""

    def ids() -> list[str]:
        lab = Lab.new(settings=Settings())
        lab.ground()
        return [lab.submit() for _ in range(100)]

    first = ids()
    assert len(set(first)) == 100
    assert ids() == first


def test_a_fair_share_queue_has_so_many_active_shares() -> None:
    """A job that would add a share is refused; a share that is there goes on, and one whose jobs have ended is free."""
    lab = Lab.new(settings=Settings(quotas=Quotas(shares_a_queue=2)))
    lab.ground()
    for name in ("one", "two"):
        lab.queue(name, "a", schedulingPolicyArn=lab.batch.create_scheduling_policy(name=name)["arn"])
    fair: dict[str, Any] = {"jobQueue": "one", "schedulingPriorityOverride": 1}
    for share in ("s", "t", "s"):
        last = lab.submit(**fair, shareIdentifier=share)
    lab.submit(**{**fair, "jobQueue": "two"}, shareIdentifier="u")
    for _ in range(2):
        assert "Limit of 2 active share identifiers" in _refused(lab, **fair, shareIdentifier="u")
        lab.clock.sleep(10)
    lab.submit(wait=600, **fair, shareIdentifier="t")
    assert lab.see_job(last)["status"] == "SUCCEEDED"
    for share in ("u", "v"):
        lab.submit(**fair, shareIdentifier=share)
    assert "Limit of 2" in _refused(lab, **fair, shareIdentifier="s")


def test_what_is_empty_is_as_if_it_were_not_sent(lab: Lab) -> None:
    """Array properties, parameters and tags with nothing in them, as some clients send them with every job."""
    lab.ground()
    job = lab.submit(arrayProperties={}, parameters={}, tags={}, wait=100)
    shown = lab.see_job(job)
    assert (shown["status"], shown["tags"], shown["parameters"]) == ("SUCCEEDED", {}, {})
    assert "arrayProperties" not in shown


def test_a_definition_or_queue_that_is_not_there_is_told_as_it_was_asked_for(lab: Lab) -> None:
    """A name or an ARN of a definition, one that is there no more, and a queue that was deleted a moment ago."""
    lab.ground()
    arn = "arn:aws:batch:eu-west-1:123456789012:job-definition/none:1"
    assert _refused(lab, jobDefinition="none") == ("JobDefinition name none does not exist or is not in ACTIVE status")
    assert _refused(lab, jobDefinition=arn) == f"JobDefinition {arn} not found."
    lab.batch.deregister_job_definition(jobDefinition="d:1")
    assert _refused(lab, jobDefinition="d:1") == "JobDefinition d:1 is not in ACTIVE status"
    lab.simulator.set_status("queue", "q", "DELETED", region="eu-west-1")
    assert _refused(lab) == "JobQueue q not found."
