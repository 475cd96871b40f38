"""Somebody who looks at the account after every call of ours, and somebody who submits jobs all the while."""

from typing import Any

import attrs

from providers.resources import STACK_TAG
from tests.kit import READS, Stage

WORKS = ("VALID", "UPDATING")


@attrs.define(eq=False)
class Watcher:
    """Looks at the account after each call of a stage's reconciler, and asserts what must never be.

    No call takes an enabled queue from at least one ENABLED environment that is VALID or UPDATING to none; no object
    of somebody else changes; no job ends but by itself. `allowed` are names of others' queues that may be moved.
    """

    stage: Stage
    rate: float = 0.0
    queues: tuple[str, ...] = ()
    definition: str = ""
    allowed: tuple[str, ...] = ()
    outage: bool = False
    _served: dict[str, bool] = attrs.field(factory=dict)
    _others: dict[str, Any] = attrs.field(factory=dict)
    _submitted: float = 0.0
    jobs: list[str] = attrs.field(factory=list)
    looks: int = 0

    def attend(self) -> None:
        """Begin to look, and to submit `rate` jobs a second to `queues` in turn."""
        self._submitted = self.stage.clock.now()
        self._note()
        events = self.stage.batch.meta.events
        events.register("before-call", self._before, unique_id="watch-before")
        events.register("after-call", self._after, unique_id="watch-after")

    def leave(self) -> None:
        for event in ("before", "after"):
            self.stage.batch.meta.events.unregister(f"{event}-call", unique_id=f"watch-{event}")

    def submit(self, count: int) -> None:
        for _ in range(count):
            queue = self.queues[len(self.jobs) % len(self.queues)]
            made = self.stage.world.submit_job(
                jobName=f"job-{len(self.jobs)}", jobQueue=queue, jobDefinition=self.definition
            )
            self.jobs.append(made["jobId"])

    def statuses(self) -> dict[str, int]:
        """How many of the jobs have each status now."""
        found: dict[str, int] = {}
        for start in range(0, len(self.jobs), 100):
            for job in self.stage.world.describe_jobs(jobs=self.jobs[start : start + 100])["jobs"]:
                found[job["status"]] = found.get(job["status"], 0) + 1
        return found

    def _before(self, **_: Any) -> None:
        if self.rate:
            due = int((self.stage.clock.now() - self._submitted) * self.rate)
            self._submitted += due / self.rate
            self.submit(due)
        self._note()

    def _note(self) -> None:
        self._served = self._queues_served()
        self._others = self._of_others()

    def _after(self, model: Any, **_: Any) -> None:
        self.looks += 1
        if model.name.startswith(READS):
            return
        served = self._queues_served()
        lost = [name for name, well in self._served.items() if well and not served.get(name, True)]
        assert self.outage or not lost, (model.name, lost)
        assert self._of_others() == self._others, model.name

    def _queues_served(self) -> dict[str, bool]:
        """Whether each enabled queue has an environment to run jobs on."""
        works = {
            one["computeEnvironmentArn"]
            for one in self.stage.world.describe_compute_environments()["computeEnvironments"]
            if one["state"] == "ENABLED" and one["status"] in WORKS
        }
        return {
            queue["jobQueueName"]: any(
                entry["computeEnvironment"] in works for entry in queue["computeEnvironmentOrder"]
            )
            for queue in self.stage.world.describe_job_queues()["jobQueues"]
            if queue["state"] == "ENABLED"
        }

    def _of_others(self) -> dict[str, Any]:
        world = self.stage.world
        found: dict[str, Any] = {}
        for queue in world.describe_job_queues()["jobQueues"]:
            if STACK_TAG not in queue.get("tags", {}) and queue["jobQueueName"] not in self.allowed:
                found[queue["jobQueueArn"]] = (queue["state"], queue["computeEnvironmentOrder"], queue.get("tags"))
        for one in world.describe_compute_environments()["computeEnvironments"]:
            if STACK_TAG not in one.get("tags", {}):
                found[one["computeEnvironmentArn"]] = (one["state"], one.get("computeResources", {}).get("maxvCpus"))
        return found
