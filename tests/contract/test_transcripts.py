"""Transcripts: a life of each kind is recorded in one simulated account and replayed in another."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from providers.clock import ManualClock
from providers.errors import CallError
from tests.contract import transcripts, worlds
from tests.contract.transcripts import Replay
from tests.contract.worlds import World
from tests.kit import ACCOUNT, REGION

RECORDED = sorted((Path(__file__).parent.parent / "data" / "transcripts").glob("*.jsonl"))
KINDS = (
    "compute_environment",
    "job_queue",
    "job_definition",
    "scheduling_policy",
    "service_environment",
    "quota_share",
    "consumable_resource",
)


def _live(world: World) -> None:
    """A life of each kind, with refusals, pages and a job."""
    for kind in KINDS:
        said = world.arguments(kind)
        arn = world.create(kind, "one", said, team="blue").arn
        if kind != "job_definition":
            with pytest.raises(CallError):
                world.create(kind, "one", said)
        world.provider.call("TagResource", {"resourceArn": arn, "tags": {"cost": "017"}})
        assert world.see(kind, arn).tags["cost"] == "017"
        world.clear()
        world.made.clear()
    said = dict(world.waiting_job())
    jobs = [world.provider.call("SubmitJob", said)["jobId"] for _ in range(3)]
    world.job(jobs[0], "RUNNABLE")
    asked = {"jobQueue": said["jobQueue"], "jobStatus": "RUNNABLE", "maxResults": 2}
    token = world.provider.call("ListJobs", asked)["nextToken"]
    assert len(world.provider.call("ListJobs", {**asked, "nextToken": token})["jobSummaryList"]) == 1
    world.provider.call("CancelJob", {"jobId": jobs[0], "reason": "not wanted"})
    world.job(jobs[0], "FAILED")


def _elsewhere() -> Replay:
    return Replay("ap-southeast-2", "999988887777", ManualClock(1_900_000_000.0))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("transcripts") / "lives.jsonl"
    with worlds.simulated(file) as world:
        _live(world)
    return file


def test_a_life_is_answered_alike_elsewhere(file: Path) -> None:
    """What was recorded in one account, region and time is answered alike in another."""
    (transcript,) = transcripts.read(file)
    operations = {call["operation"] for call in transcript.calls}
    assert {"CreateQuotaShare", "RegisterJobDefinition", "SubmitJob", "DeleteJobQueue", "TagResource"} <= operations
    assert any("error" in call for call in transcript.calls)
    assert _elsewhere().differences(transcript) == []


def _first(calls: list[dict[str, Any]], operation: str, key: str) -> dict[str, Any]:
    return next(call for call in calls if call["operation"] == operation and key in call)


CHANGES: dict[str, Callable[[list[dict[str, Any]]], object]] = {
    "a value": lambda calls: _first(calls, "CreateJobQueue", "answer")["answer"].update(jobQueueName="other"),
    "a member more": lambda calls: _first(calls, "CreateJobQueue", "answer")["answer"].update(more="yes"),
    "a member less": lambda calls: _first(calls, "CreateJobQueue", "answer")["answer"].pop("jobQueueArn"),
    "the account": lambda calls: _first(calls, "CreateJobQueue", "answer")["answer"].update(
        jobQueueArn="arn:aws:batch:eu-west-1:111111111111:job-queue/contract-one"
    ),
    "a refusal's words": lambda calls: _first(calls, "CreateJobQueue", "error")["error"].update(message="No"),
    "a refusal's status": lambda calls: _first(calls, "CreateJobQueue", "error").update(status=400),
    "whether it was refused": lambda calls: _first(calls, "CancelJob", "answer").update(status=400),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_answer_is_found(file: Path, change: str) -> None:
    """A recording that differs in one answer from what the simulator says is told, at that call, and no other is."""
    (transcript,) = transcripts.read(file)
    before = json.dumps(transcript.calls)
    CHANGES[change](transcript.calls)
    (changed,) = (
        number
        for number, (one, other) in enumerate(zip(json.loads(before), transcript.calls, strict=True))
        if one != other
    )
    found = _elsewhere().differences(transcript)
    assert {each.partition(",")[0] for each in found} == {f"call {changed}"}


def test_nothing_of_the_account_is_written(tmp_path: Path) -> None:
    """Account numbers, users and tokens of requests are scrubbed, and times are told from the beginning."""
    file, clock = tmp_path / "one.jsonl", ManualClock(1_800_000_000.0)
    recorder = transcripts.Recorder.open(file, "one", REGION, clock)
    written = recorder._scrubbed(
        {
            "jobArn": "arn:aws:batch:eu-west-1:210987654321:job/0b1f6a3e-0000-4000-8000-210987654321",
            "createdAt": 1_800_000_004_500,
            "message": "User: arn:aws:sts::210987654321:assumed-role/Admin/bob@example.com is not authorized",
        }
    )
    assert written == {
        "jobArn": f"arn:aws:batch:eu-west-1:{ACCOUNT}:job/0b1f6a3e-0000-4000-8000-{ACCOUNT}",
        "createdAt": 4.5,
        "message": f"User: arn:aws:sts::{ACCOUNT}:assumed-role/somebody is not authorized",
    }


# While nobody has recorded an account, a test of recordings would be one that cannot fail.
if RECORDED:

    @pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
    def test_what_was_recorded_is_answered_alike(path: Path) -> None:
        """Every transcript that is kept is answered in the simulator as it was recorded."""
        for transcript in transcripts.read(path):
            assert _elsewhere().differences(transcript) == [], transcript.title
