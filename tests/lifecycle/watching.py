"""Somebody who looks at the account after every call of ours, and somebody who submits jobs all the while."""

from collections.abc import Iterator
from typing import Any

import attrs

from providers.resources import ADDRESS_TAG, CANARY, STACK_TAG
from tests.kit import READS, Stage

WORKS = ("VALID", "UPDATING")
_MOVING = ("status", "statusReason", "inUseQuantity", "availableQuantity", "ResponseMetadata")


@attrs.define(eq=False)
class Watcher:
    """Looks at the account around each call of a stage's reconciler that changes something, and asserts what must
    never be.

    No call takes an enabled queue from at least one ENABLED environment that is VALID or UPDATING to none, unless
    `outage` says that it may; no object of another stack, or of none, is made, changed or deleted, but for the queues
    `allowed` by name; no job ends but by itself: one that is FAILED has an exit code, and nobody cancelled or
    terminated it. Ours is the stack `own`; the only one that
    there is when it begins to look, where that is not said.
    """

    stage: Stage
    rate: float = 0.0
    queues: tuple[str, ...] = ()
    definition: str = ""
    allowed: tuple[str, ...] = ()
    outage: bool = False
    own: str = ""
    _served: dict[str, bool] = attrs.field(factory=dict)
    _others: dict[str, Any] = attrs.field(factory=dict)
    _failed: set[str] = attrs.field(factory=set)
    _submitted: float = 0.0
    jobs: list[str] = attrs.field(factory=list)
    looks: int = 0

    def attend(self) -> None:
        """Begin to look, and to submit `rate` jobs a second to `queues` in turn."""
        self._submitted = self.stage.clock.now()
        if not self.own:
            (self.own,) = {stack for each in self._everything() if (stack := each["tags"].get(STACK_TAG))}
        self._failed = {job["jobId"] for job in self._jobs_that_failed()}
        events = self.stage.batch.meta.events
        events.register("before-call", self._before, unique_id="watch-before")
        events.register("after-call", self._after, unique_id="watch-after")

    def leave(self) -> None:
        """Look at the jobs for the last time."""
        self._look_at_jobs("the end")
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

    def _before(self, model: Any, **_: Any) -> None:
        if self.rate:
            due = int((self.stage.clock.now() - self._submitted) * self.rate)
            self._submitted += due / self.rate
            self.submit(due)
        if not model.name.startswith(READS):
            self._served = self._queues_served()
            self._others = self._of_others()

    def _after(self, model: Any, **_: Any) -> None:
        if model.name.startswith(READS):
            return
        self.looks += 1
        served = self._queues_served()
        lost = [name for name, well in self._served.items() if well and not served.get(name, True)]
        assert self.outage or not lost, (model.name, lost)
        assert self._of_others() == self._others, model.name
        self._look_at_jobs(model.name)

    def _look_at_jobs(self, when: str) -> None:
        found = [job["jobId"] for job in self._jobs_that_failed() if job["jobId"] not in self._failed]
        for start in range(0, len(found), 100):
            for job in self.stage.world.describe_jobs(jobs=found[start : start + 100])["jobs"]:
                ended = job.get("isCancelled") or job.get("isTerminated") or job["container"].get("exitCode") is None
                assert not ended, (when, job["jobName"], job.get("statusReason"))
        self._failed |= {*found}

    def _jobs_that_failed(self) -> Iterator[dict[str, Any]]:
        """The jobs of all queues but those of canaries, whose jobs are ours."""
        for queue in self.stage.world.describe_job_queues()["jobQueues"]:
            if not queue.get("tags", {}).get(ADDRESS_TAG, "").endswith(CANARY):
                yield from self.stage._pages(
                    "list_jobs", "jobSummaryList", jobQueue=queue["jobQueueArn"], jobStatus="FAILED"
                )

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
        """All that is not ours, without what changes by itself."""
        return {
            each["arn"]: each
            for each in self._everything()
            if each["tags"].get(STACK_TAG) != self.own and each["arn"].rpartition("/")[2] not in self.allowed
        }

    def _everything(self) -> Iterator[dict[str, Any]]:
        """Every object of the account with its ARN and tags; of definitions the ACTIVE revisions."""
        world = self.stage.world
        environments = self.stage._environments()
        queues = self.stage._pages("describe_job_queues", "jobQueues")
        definitions = self.stage._pages("describe_job_definitions", "jobDefinitions", status="ACTIVE")
        services = self.stage._pages("describe_service_environments", "serviceEnvironments")
        policies = [one["arn"] for one in self.stage._pages("list_scheduling_policies", "schedulingPolicies")]
        consumables = self.stage._pages("list_consumable_resources", "consumableResources")
        for listed, arn in (
            (environments, "computeEnvironmentArn"),
            (queues, "jobQueueArn"),
            (definitions, "jobDefinitionArn"),
            (services, "serviceEnvironmentArn"),
            (world.describe_scheduling_policies(arns=policies)["schedulingPolicies"] if policies else (), "arn"),
            (
                [
                    world.describe_consumable_resource(consumableResource=one["consumableResourceArn"])
                    for one in consumables
                ],
                "consumableResourceArn",
            ),
        ):
            for one in listed:
                kept = {member: value for member, value in one.items() if member not in _MOVING}
                if "computeResources" in kept:
                    kept["computeResources"] = {**kept["computeResources"], "desiredvCpus": None}
                yield {**kept, "arn": one[arn], "tags": one.get("tags", {})}
