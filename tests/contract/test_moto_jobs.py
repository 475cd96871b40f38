"""Jobs in moto's simple Batch, which ends each as it is submitted: requests that others than us understand."""

import pytest
from moto.core.config import default_user_config

from plans.change import Action
from providers.provider import Provider
from providers.resources import JobList
from tests.contract.test_moto import STACK, Lab, lab
from tests.kit import edit, kinds

__all__ = ["lab"]

LINE = '  sort: {<<: *definition, containerProperties: {<<: *container, image: "sort:1"}}\n'
TRIED = """  sort:
    <<: *definition
    rollout: {canary: {queue: low, timeout: 5m}}
    containerProperties: {<<: *container, image: "sort:2"}
"""


@pytest.fixture(autouse=True)
def simple(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(default_user_config["batch"], "use_docker", False)


def test_jobs_are_submitted_listed_described_and_tagged(lab: Lab) -> None:
    """By the calls that trials and drains make."""
    lab.apply()
    provider = Provider(lab.account.moto.client(), kinds())
    sent = {"jobName": "work", "jobQueue": "lab-low", "jobDefinition": "lab-sort", "tags": {"a": "b"}}
    made = provider.call("SubmitJob", sent)
    (live,) = provider.describe_jobs([made["jobId"]])
    assert (live.arn, live.status, live.tags) == (made["jobArn"], "SUCCEEDED", {"a": "b"})
    found, token = provider.jobs(JobList("ListJobs", {"jobQueue": "lab-low"}), "SUCCEEDED")
    assert ([job["jobId"] for job in found], token) == ([made["jobId"]], None)
    provider.call("TagResource", {"resourceArn": made["jobArn"], "tags": {"c": "d"}})
    assert provider.describe_jobs([made["jobId"]])[0].tags == {"a": "b", "c": "d"}


@pytest.mark.parametrize(("fails", "exit_code"), [(False, 0), (True, 4)])
def test_a_definition_is_tried_before_it_is_registered(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, fails: bool, exit_code: int
) -> None:
    """A job of the shadow is submitted; only where it succeeds has the real name another revision."""
    lab.apply()
    if fails:
        monkeypatch.setenv("MOTO_SIMPLE_BATCH_FAIL_AFTER", "0")
    wanted = lab.manifest(edit(STACK, (LINE, TRIED)))
    (change,) = [each for each in lab.reconciler.plan(wanted).changes if each.action is not Action.NOOP]
    assert change.name == "lab-sort"
    assert lab.reconciler.apply(wanted).exit_code == exit_code
    found = lab.account.batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
    assert len([each for each in found if each["jobDefinitionName"] == "lab-sort"]) == (1 if fails else 2)
    assert [each for each in found if each["jobDefinitionName"] == "lab-sort--canary"] == []
