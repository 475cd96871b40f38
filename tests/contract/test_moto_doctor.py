"""The doctor against moto's Batch, which lists and describes jobs, and knows neither snapshots nor reasons.

Moto runs jobs by Docker, in threads of their own; here they stand still where a test puts them.
"""

from typing import Any

import pytest
from moto.backends import get_backend
from moto.batch.models import Job

from plans.diagnosis import Diagnosis
from tests.contract.test_moto import Lab, lab

__all__ = ["lab"]


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs of moto's do not begin."""
    monkeypatch.setattr(Job, "start", lambda _job: None)


def submit(lab: Lab, status: str, vcpus: str = "1", **more: Any) -> str:
    """Submit a job over the wire, and let it stand in a status."""
    needs = [{"type": "VCPU", "value": vcpus}, {"type": "MEMORY", "value": "512"}]
    container = {"image": "work:1", "resourceRequirements": needs}
    batch = lab.account.batch
    batch.register_job_definition(jobDefinitionName="work", type="container", containerProperties=container)
    job: str = batch.submit_job(jobName="work", jobQueue="lab-low", jobDefinition="work", **more)["jobId"]
    backends: Any = get_backend("batch").iter_backends()
    for _, _, backend in backends:
        if job in backend._jobs:
            backend._jobs[job].status = status
    return job


def look(lab: Lab) -> Diagnosis:
    (told,) = lab.reconciler.doctor("lab-low")
    assert told.unread["snapshot"] == "the endpoint does not know GetJobQueueSnapshot"
    return told


def test_a_disabled_environment(lab: Lab) -> None:
    """The environment is read as AWS's is."""
    lab.account.batch.update_compute_environment(computeEnvironment="lab-spot", state="DISABLED")
    job = submit(lab, "RUNNABLE")
    (finding,) = look(lab).findings
    assert (finding.code, finding.found.jobs) == ("environments-disabled", (job,))


def test_a_request_that_is_larger_than_the_maximum(lab: Lab) -> None:
    """What a job needs is read from what DescribeJobs shows of it; without a snapshot the oldest job is the first."""
    submit(lab, "RUNNABLE", "65")
    told = look(lab)
    assert told.counts["RUNNABLE"] == 1
    assert [it.code for it in told.findings] == ["max-vcpus"]
    assert [it.queue for it in lab.reconciler.doctor()] == ["lab-low"]


def test_a_dependency(lab: Lab) -> None:
    """A PENDING job is told what it waits for."""
    other = submit(lab, "RUNNING")
    job = submit(lab, "PENDING", dependsOn=[{"jobId": other}])
    (finding,) = look(lab).findings
    assert (finding.code, finding.found.jobs) == ("dependency", (job,))
    assert finding.found.evidence[1].startswith(f"it depends on work ({other}): RUNNING")


def test_nothing_waits(lab: Lab) -> None:
    """Nothing is found."""
    assert look(lab).findings == ()
    assert lab.reconciler.doctor() == ()
