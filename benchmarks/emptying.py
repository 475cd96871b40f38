"""Ending the jobs of a full queue: what the memory of that hangs on.

50,000 jobs, of which a listing shows a thousand a page, are ended by `TerminateJobs`, fifty a call. The service is a
stub that keeps no more than which of them are left, under a real client. Run as a process of its own, so that its
memory is nobody else's; prints one JSON object: `seconds`, `calls` and `peak_mib`.
"""

import json
import random
import time
from typing import Any

import attrs
import boto3
from botocore.config import Config

from benchmarks.peak import peak_mib
from plans.plan import Goal, Plan, Step
from providers import model
from providers.clock import ManualClock
from providers.kinds import bind
from providers.provider import Provider
from providers.simulator import Request, Response
from providers.simulator.wire import answer_botocore
from reconciler.execute import execute
from reconciler.journal import Journal
from reconciler.pace import Pace
from reconciler.retry import Caller, InlinePool
from reconciler.waiter import Waiter

JOBS = 50_000
QUEUE = "arn:aws:batch:eu-west-1:123456789012:job-queue/full"
ADDRESS = "job_queue.full"


@attrs.define
class Service:
    """A queue of jobs that wait, numbered; those below `ended` have ended."""

    jobs: int
    ended: int = 0

    def handle(self, request: Request) -> Response:
        asked = json.loads(request.body)
        answer = self.listed(asked) if request.path == "/v1/listjobs" else self.told_to_end(asked["jobs"])
        return Response(200, {"Content-Type": "application/json"}, json.dumps(answer).encode())

    def listed(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked.get("jobStatus", "RUNNABLE") != "RUNNABLE":
            return {"jobSummaryList": []}
        begin = max(int(asked.get("nextToken", 0)), self.ended)
        end = min(begin + asked["maxResults"], self.jobs)
        more = {"nextToken": str(end)} if end < self.jobs else {}
        return {"jobSummaryList": [_summary(number) for number in range(begin, end)], **more}

    def told_to_end(self, jobs: list[str]) -> dict[str, Any]:
        self.ended += len(jobs)
        return {"successful": jobs, "errors": []}


def _summary(number: int) -> dict[str, Any]:
    job = f"{number:08x}-0000-4000-8000-000000000000"
    return {
        "jobArn": f"arn:aws:batch:eu-west-1:123456789012:job/{job}",
        "jobId": job,
        "jobName": f"a-job-of-usual-length-{number}",
        "createdAt": 1_700_000_000_000 + number,
        "status": "RUNNABLE",
        "jobDefinition": "arn:aws:batch:eu-west-1:123456789012:job-definition/align:1",
    }


def drain(jobs: int) -> tuple[Service, int]:
    """End so many jobs by one step; the service afterwards, and how many calls that took."""
    service, clock, kinds = Service(jobs), ManualClock(), bind(model.load())
    make: Any = boto3.Session(aws_access_key_id="bench", aws_secret_access_key="bench").client
    client = make("batch", region_name="eu-west-1", config=Config(retries={"total_max_attempts": 1}))
    client.meta.events.register("before-send", lambda request, **_: answer_botocore(service.handle, request))
    arguments = {"jobQueue": QUEUE, "reason": "batchwright: full is deleted"}
    goal = Goal("job_queue", "full", "drained", deadline=3600.0)
    step = Step(f"drain:{ADDRESS}", ADDRESS, "TerminateJob", arguments, goal)
    rng = random.Random(1)
    caller = Caller(pool=InlinePool(), clock=clock, rng=rng, pace=Pace(1e6))
    report = execute(
        Plan("id", "bench", {}, None, "eu-west-1", {}, "", steps=(step,)),
        Provider(client, kinds),
        waiter=Waiter(rng, lambda _goal, _live: (), {}),
        journal=Journal(lambda _line: None),
        caller=caller,
        run="bench",
        on_event=lambda _event: None,
    )
    assert report.exit_code == 0, report.outcomes
    return service, sum(report.calls.values())


def main() -> None:
    began = time.perf_counter()
    service, calls = drain(JOBS)
    assert service.ended == JOBS
    print(json.dumps({"seconds": time.perf_counter() - began, "calls": calls, "peak_mib": peak_mib()}))


if __name__ == "__main__":
    main()
