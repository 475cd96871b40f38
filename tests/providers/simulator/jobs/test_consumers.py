"""ListJobsByConsumableResource: which jobs need a consumable resource."""

from typing import Any

import pytest

from providers.simulator import Settings
from tests.providers.simulator.lab import Lab, refusal


def _ready(lab: Lab) -> str:
    """Two queues, and a resource r of ten; return its ARN."""
    lab.environment("e")
    lab.queue("q", "e")
    lab.queue("other", "e")
    lab.definition("d")
    answer = lab.batch.create_consumable_resource(consumableResourceName="r", totalQuantity=10)
    lab.batch.create_consumable_resource(consumableResourceName="rest", totalQuantity=10)
    arn: str = answer["consumableResourceArn"]
    return arn


def _submit(lab: Lab, resource: str | None, name: str = "j", queue: str = "q") -> str:
    needs = [{"consumableResource": resource, "quantity": 2}] if resource else []
    override = {"consumableResourcePropertiesOverride": {"consumableResourceList": needs}} if needs else {}
    job: str = lab.batch.submit_job(jobName=name, jobQueue=queue, jobDefinition="d", **override)["jobArn"]
    return job


def _listed(lab: Lab, **question: Any) -> list[str]:
    answer = lab.batch.list_jobs_by_consumable_resource(**{"consumableResource": "r", **question})
    return [it["jobArn"] for it in answer["jobs"]]


def test_jobs_that_need_a_resource_are_listed(lab: Lab) -> None:
    """Those of all queues and statuses that name it, or its ARN; none that need something else, or nothing."""
    arn = _ready(lab)
    jobs = [_submit(lab, "r"), _submit(lab, arn, queue="other")]
    lab.clock.sleep(3600)
    jobs.append(_submit(lab, "r"))
    _submit(lab, "rest")
    _submit(lab, None)
    assert _listed(lab) == _listed(lab, consumableResource=arn) == jobs
    first = lab.batch.list_jobs_by_consumable_resource(consumableResource="r", maxResults=2)
    rest = lab.batch.list_jobs_by_consumable_resource(
        consumableResource="r", maxResults=2, nextToken=first["nextToken"]
    )
    assert [it["jobArn"] for it in first["jobs"] + rest["jobs"]] == jobs
    assert "does not exist" in refusal(lab.batch.list_jobs_by_consumable_resource, consumableResource="none")[2]


def test_a_list_tells_what_a_job_needs_and_what_there_is(lab: Lab) -> None:
    """Beside the job stand what is available of the resource, when it was created, and what the job needs."""
    _ready(lab)
    made = lab.batch.describe_consumable_resource(consumableResource="r")["createdAt"]
    lab.clock.sleep(10)
    job = _submit(lab, "r")
    lab.clock.sleep(30)
    (found,) = lab.batch.list_jobs_by_consumable_resource(consumableResource="r")["jobs"]
    (shown,) = lab.batch.describe_jobs(jobs=[job])["jobs"]
    assert found == {
        "jobArn": job,
        "jobQueueArn": lab.see_queue("q")["jobQueueArn"],
        "jobName": "j",
        "jobDefinitionArn": lab.see_definition("d:1")["jobDefinitionArn"],
        "jobStatus": "RUNNING",
        "quantity": 8,
        "createdAt": made,
        "startedAt": shown["startedAt"],
        "consumableResourceProperties": {"consumableResourceList": [{"consumableResource": "r", "quantity": 2}]},
    }


def test_jobs_are_filtered_by_status_and_name(lab: Lab) -> None:
    """Any of the values fits, names in any case or by their beginning; several filters must all fit."""
    _ready(lab)
    old = [_submit(lab, "r", name) for name in ("Test1", "other")]
    lab.clock.sleep(3600)
    new = _submit(lab, "r", "test2")

    def found(*filters: tuple[str, list[str]]) -> list[str]:
        return _listed(lab, filters=[{"name": name, "values": values} for name, values in filters])

    assert found(("JOB_STATUS", ["SUCCEEDED"])) == old
    assert found(("JOB_STATUS", ["SUBMITTED", "SUCCEEDED"])) == [*old, new]
    assert found(("JOB_NAME", ["TEST*"])) == [old[0], new]
    assert found(("JOB_NAME", ["test1"])) == old[:1]
    assert found(("JOB_NAME", ["test"])) == []
    assert found(("JOB_NAME", ["test*"]), ("JOB_STATUS", ["SUBMITTED"])) == [new]


@pytest.mark.parametrize("name", ["job_name", "JOB_QUEUE", "CONSUMABLE_RESOURCE_NAME"])
def test_a_filter_of_another_name_is_refused(lab: Lab, name: str) -> None:
    """There are two filters, in capital letters."""
    _ready(lab)
    filters = [{"name": name, "values": ["x"]}]
    call = lab.batch.list_jobs_by_consumable_resource
    assert f"Invalid filter name: {name}" in refusal(call, consumableResource="r", filters=filters)[2]


def test_a_stale_list_shows_jobs_as_they_were() -> None:
    """A list lags as a describe does."""
    lab = Lab.new(settings=Settings(stale_reads=30))
    _ready(lab)
    job = _submit(lab, "r")
    assert _listed(lab) == []
    lab.clock.sleep(30)
    assert _listed(lab) == [job]
