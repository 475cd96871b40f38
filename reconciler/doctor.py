"""What a diagnosis reads: queues, their environments and jobs, and what those hang on; nothing is changed.

It goes in waves, each of as few calls as there are things to ask for, all through one `Caller`: the queues; what they
list; snapshots, environments and policies; the jobs that stand in front; and what those depend on. Whatever one answer
lacks, a hypothesis may be wanting but none is wrong: it is said to be unread, and the rest goes on.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import attrs

from plans.diagnosis import Diagnosis, Front, Scene, diagnose, supplies
from plans.roles import named
from providers import surroundings
from providers.clients import Connection
from providers.errors import (
    AccessDenied,
    BatchwrightError,
    CredentialsExpired,
    CredentialsMissing,
    InputError,
)
from providers.kinds.regimes import ordinary_role
from providers.provider import PAGE, Provider
from providers.resources import ADDRESS_TAG, EMPTY, STACK_TAG, Document, Role, Unread
from reconciler.observe import answers
from reconciler.retry import Caller
from reconciler.surroundings import ask_roles

_FRONT = 20
"""So many jobs are looked at from the front of a queue, and of those that wait as PENDING."""

_IN_DETAIL = 10
"""Service jobs are described one by one, so that no more of them are."""

_WAITING = ("RUNNABLE", "PENDING")
_OTHERS = ("SUBMITTED", "STARTING", "RUNNING")
_IN_TRAINING = ("SUBMITTED", "SCHEDULED", "STARTING", "RUNNING")


@attrs.frozen
class _Listed:
    """One page of the jobs of a queue in a status; not `read` where they could not be listed."""

    jobs: tuple[Document, ...] = ()
    more: bool = False
    read: bool = False


@attrs.define
class Doctor:
    """Reads what speaks for and against every hypothesis, and says why jobs do not run."""

    provider: Provider
    connection: Connection
    caller: Caller
    _unread: dict[str, dict[str, str]] = attrs.field(factory=dict, init=False)
    _general: dict[str, str] = attrs.field(factory=dict, init=False)

    def diagnose(self, asked: str | None = None, stack: str | None = None) -> tuple[Diagnosis, ...]:
        """Of one queue, by its name, its ARN or its address; of none, of all in which jobs wait.

        Raises InputError where there is no such queue or a stack has none, and a CallError where queues cannot be read.
        """
        queues = self._queues()
        chosen = _chosen(queues, asked, stack, self.connection)
        listed = self._listed([(it, status) for it in chosen for status in _WAITING])
        if asked is None:
            # Where jobs could not be listed, it is said so.
            chosen = [
                it
                for it in chosen
                if it["jobQueueArn"] in self._unread
                or any(listed[it["jobQueueArn"], status].jobs for status in _WAITING)
            ]
        rest = [(it, status) for it in chosen for status in (_IN_TRAINING if _trains(it) else _OTHERS)]
        listed |= self._listed(rest)
        around = self._around(queues, chosen)
        fronts = self._fronts(chosen, around)
        jobs = self._jobs(chosen, listed, fronts)
        needed = self._needed([job for some in jobs.values() for job in some], around)
        return tuple(diagnose(self._scene(it, listed, fronts, jobs, around | needed)) for it in chosen)

    # Waves.

    def _queues(self) -> list[Document]:
        found: list[Document] = []
        token = None
        while True:
            arguments = {"maxResults": PAGE} | ({"nextToken": token} if token else {})
            self.caller.submit("queues", "DescribeJobQueues", partial(self._call, "DescribeJobQueues", arguments))
            (done,) = answers(self.caller)
            if done.error is not None:
                raise done.error
            found += [it for it in done.result.get("jobQueues", ()) if it.get("status") != "DELETED"]
            token = done.result.get("nextToken")
            if not token:
                return sorted(found, key=lambda it: str(it["jobQueueName"]))

    def _listed(self, asked: Iterable[tuple[Document, str]]) -> dict[tuple[str, str], _Listed]:
        """The first page of the jobs of queues, by ARN and status."""
        calls = {
            (it["jobQueueArn"], status): (
                "ListServiceJobs" if _trains(it) else "ListJobs",
                {"jobQueue": it["jobQueueArn"], "jobStatus": status, "maxResults": PAGE},
            )
            for it, status in asked
            if not (_trains(it) and status == "PENDING")
        }
        told = self._ask(calls, lambda key: (key[0], f"{key[1]} jobs"))
        found = {(it["jobQueueArn"], status): _Listed() for it, status in asked}
        for key, answer in told.items():
            found[key] = _Listed(tuple(answer.get("jobSummaryList", ())), bool(answer.get("nextToken")), True)
        return found

    def _around(self, queues: Sequence[Document], chosen: Sequence[Document]) -> dict[str, Any]:
        """Environments, policies and quota shares of the queues, by ARN or name."""
        environments = sorted({arn for it in chosen for arn in _environments(it)})
        services = sorted({arn for it in chosen for arn in _services(it)})
        policies = sorted({str(it["schedulingPolicyArn"]) for it in chosen if it.get("schedulingPolicyArn")})
        calls: dict[tuple[str, int], tuple[str, Document]] = {
            (what, number): (operation, {member: some})
            for what, operation, member, names in (
                ("environments", "DescribeComputeEnvironments", "computeEnvironments", environments),
                ("environments", "DescribeServiceEnvironments", "serviceEnvironments", services),
                ("scheduling policies", "DescribeSchedulingPolicies", "arns", policies),
            )
            for number, some in enumerate(_groups(names), 1000 if names is services else 0)
        }
        found: dict[str, Any] = {}
        for answer in self._ask(calls, lambda key: ("", key[0])).values():
            for member, key in (
                ("computeEnvironments", "computeEnvironmentArn"),
                ("serviceEnvironments", "serviceEnvironmentArn"),
                ("schedulingPolicies", "arn"),
            ):
                there = [it for it in answer.get(member, ()) if it.get("status") != "DELETED"]
                found |= {it[key]: it for it in there}
                # Endpoints other than AWS's may show a queue's environments by their names, as they were sent.
                found |= {name: it for it in there if (name := it.get("computeEnvironmentName")) in environments}
        shared = {
            it["jobQueueArn"]: ("ListQuotaShares", {"jobQueue": it["jobQueueArn"]})
            for it in chosen
            if "quotaSharePolicy" in found.get(str(it.get("schedulingPolicyArn")), EMPTY)
        }
        for arn, answer in self._ask(shared, lambda key: (key, "quota shares")).items():
            found[f"shares of {arn}"] = {it["quotaShareName"]: it for it in answer.get("quotaShares", ())}
        for it in chosen:
            own = set(_environments(it))
            found[f"neighbours of {it['jobQueueArn']}"] = [
                other
                for other in queues
                if other["jobQueueArn"] != it["jobQueueArn"] and own & set(_environments(other))
            ]
        return found

    def _fronts(self, chosen: Sequence[Document], around: Mapping[str, Any]) -> dict[str, Front]:
        """The snapshots of the queues, and of those that share environments with them."""
        arns = {it["jobQueueArn"] for it in chosen}
        arns |= {it["jobQueueArn"] for own in chosen for it in around.get(f"neighbours of {own['jobQueueArn']}", ())}
        calls = {arn: ("GetJobQueueSnapshot", {"jobQueue": arn}) for arn in sorted(arns)}
        return {arn: _front(answer) for arn, answer in self._ask(calls, lambda key: (key, "snapshot")).items()}

    def _jobs(
        self,
        chosen: Sequence[Document],
        listed: Mapping[tuple[str, str], _Listed],
        fronts: Mapping[str, Front],
    ) -> dict[str, tuple[Document, ...]]:
        """The jobs that are looked at, described, by the ARN of their queue: in the order in which they are in line."""
        wanted: dict[str, list[str]] = {}
        for it in chosen:
            arn = it["jobQueueArn"]
            front = fronts[arn].order[:_FRONT] if arn in fronts else ()
            runnable, pending = (_oldest(listed[arn, status].jobs) for status in _WAITING)
            wanted[arn] = [*dict.fromkeys((*front, *runnable, *pending))]
        compute = [it for it in chosen if not _trains(it)]
        described = self._described([name for it in compute for name in wanted[it["jobQueueArn"]]])
        arrays = {
            (it["jobQueueArn"], name): ("ListJobs", {"arrayJobId": name, "jobStatus": "RUNNABLE", "maxResults": PAGE})
            for it in compute
            if it["jobQueueArn"] not in fronts
            for name in wanted[it["jobQueueArn"]]
            if (described.get(name, EMPTY).get("arrayProperties") or EMPTY).get("statusSummary", EMPTY).get("RUNNABLE")
        }
        children: dict[str, list[str]] = {}
        for (arn, _), answer in self._ask(arrays, lambda key: (key[0], "children of arrays")).items():
            children.setdefault(arn, []).extend(_oldest(answer.get("jobSummaryList", ())))
        described |= self._described([name for some in children.values() for name in some])
        trained = [name for it in chosen if _trains(it) for name in wanted[it["jobQueueArn"]][:_IN_DETAIL]]
        services = {name: ("DescribeServiceJob", {"jobId": name}) for name in trained}
        described |= self._ask(services, lambda _: ("", "service jobs"))
        return {
            arn: tuple(
                described[name]
                for name in (*children.get(arn, ()), *names)
                if described.get(name, EMPTY).get("status") in (*_WAITING, "SUBMITTED")
            )
            for arn, names in wanted.items()
        }

    def _described(self, names: Sequence[str]) -> dict[str, Document]:
        """Jobs by their ids; those that are not there are left out."""
        calls = {n: ("DescribeJobs", {"jobs": some}) for n, some in enumerate(_groups(list(dict.fromkeys(names))))}
        told = self._ask(calls, lambda _: ("", "jobs"))
        return {job["jobId"]: job for answer in told.values() for job in answer.get("jobs", ())}

    def _needed(self, jobs: Sequence[Document], around: Mapping[str, Any]) -> dict[str, Any]:
        """What jobs hang on: the jobs they depend on, consumable resources; and the subnets of the environments."""
        pending = [job for job in jobs if job["status"] == "PENDING"]
        others = self._described(
            [_id(it["jobId"]) for job in pending for it in job.get("dependsOn") or () if "jobId" in it]
        )
        names = sorted({name for job in jobs if job["status"] == "RUNNABLE" for name in supplies(job)})
        calls = {name: ("DescribeConsumableResource", {"consumableResource": name}) for name in names}
        told = self._ask(calls, lambda key: ("", f"consumable resource {key}"))
        return {"others": others, "supplies": told, "subnets": self._subnets(around), "roles": self._roles(around)}

    def _roles(self, around: Mapping[str, Any]) -> Mapping[str, Role | Unread | None]:
        """The service roles of the environments but for service-linked ones, which AWS makes by itself."""
        names = {named(it) for it in around.values() if isinstance(it, Mapping) and ordinary_role(it)}
        found = ask_roles(self.connection, self.caller, names)
        unread = {name: it.reason for name, it in found.items() if isinstance(it, Unread) and it.reason}
        self._general |= {f"role {name}": reason for name, reason in unread.items()}
        return found

    def _subnets(self, around: Mapping[str, Any]) -> Mapping[str, int]:
        """How many addresses the subnets of the environments have left."""
        names = sorted(
            {
                name
                for it in around.values()
                if isinstance(it, Mapping)
                for name in (it.get("computeResources") or EMPTY).get("subnets") or ()
            }
        )
        if not names:
            return {}
        ec2 = surroundings.client(self.connection, "ec2")
        if isinstance(ec2, surroundings.Unread):
            if ec2.reason:
                self._general["subnets"] = ec2.reason
            return {}
        self.caller.submit("subnets", "DescribeSubnets", partial(surroundings.addresses, ec2, names))
        (done,) = answers(self.caller)
        if done.error is not None:
            self._note("", "subnets", done.error)
            return {}
        if isinstance(done.result, surroundings.Unread):
            self._general["subnets"] = done.result.reason
            return {}
        found: Mapping[str, int] = done.result
        return found

    # What came of them.

    def _scene(
        self,
        queue: Document,
        listed: Mapping[tuple[str, str], _Listed],
        fronts: Mapping[str, Front],
        jobs: Mapping[str, tuple[Document, ...]],
        around: Mapping[str, Any],
    ) -> Scene:
        arn = queue["jobQueueArn"]
        own = {status: page for (of, status), page in listed.items() if of == arn}
        neighbours = around[f"neighbours of {arn}"]
        sharing = [arn, *(it["jobQueueArn"] for it in neighbours)]
        known = all(it in fronts for it in sharing) and not _trains(queue)
        return Scene(
            queue,
            self.connection.clock.now(),
            tuple(around[it] for it in _environments(queue) if it in around),
            tuple(around[it] for it in _services(queue) if it in around),
            around.get(str(queue.get("schedulingPolicyArn")), EMPTY),
            jobs[arn],
            {status: len(page.jobs) for status, page in own.items() if page.read},
            frozenset(status for status, page in own.items() if page.more),
            fronts.get(arn),
            tuple(str(it["jobQueueName"]) for it in neighbours),
            sum(sum(fronts[it].used.values()) for it in sharing) if known else None,
            any(set(_environments(it)) - set(_environments(queue)) for it in neighbours),
            around["others"],
            around["supplies"],
            around.get(f"shares of {arn}", EMPTY),
            around["subnets"],
            around["roles"],
            {**self._general, **self._unread.get(arn, {})},
        )

    def _ask(self, calls: Mapping[Any, tuple[str, Document]], what: Callable[[Any], tuple[str, str]]) -> dict[Any, Any]:
        """The answers to some calls, by their keys; of one that failed, `what` tells the queue and the thing."""
        for key, (operation, arguments) in calls.items():
            self.caller.submit(key, operation, partial(self._call, operation, arguments))
        found: dict[Any, Any] = {}
        for done in answers(self.caller):
            if done.error is None:
                found[done.key] = done.result
            else:
                arn, unread = what(done.key)
                self._note(arn, unread, done.error)
        return found

    def _note(self, arn: str, what: str, error: BatchwrightError) -> None:
        """Remember what could not be read; raise what would hinder everything else too."""
        if isinstance(error, CredentialsExpired | CredentialsMissing):
            raise error
        permit = f"; the IAM policy must allow batch:{error.operation}" if isinstance(error, AccessDenied) else ""
        words = f"{error.message}{permit}"
        (self._unread.setdefault(arn, {}) if arn else self._general)[what] = words

    def _call(self, operation: str, arguments: Document) -> Mapping[str, Any]:
        return self.provider.call(operation, arguments)


def _chosen(queues: Sequence[Document], asked: str | None, stack: str | None, here: Connection) -> list[Document]:
    """The queues that are meant; raises InputError where that is none, or not to be told."""
    own = [it for it in queues if stack is None or _stack(it) == stack]
    if stack is not None and not own:
        stacks = ", ".join(sorted({_stack(it) for it in queues} - {""})[:10]) or "none"
        raise InputError(f"stack {stack} has no job queue in {here.place}", hint=f"stacks that have some: {stacks}")
    if asked is None:
        return own
    if asked.startswith("arn:") and (region := asked.split(":")[3:4]) not in ([], [here.region]):
        raise InputError(f"{asked} is in {region[0]}, and this is {here.place}", hint=f"give --region {region[0]}")
    if "." in asked and ":" not in asked:
        found = [it for it in own if _tags(it).get(ADDRESS_TAG) == asked]
        if len(found) > 1:
            stacks = ", ".join(sorted(map(_stack, found)))
            raise InputError(f"{asked} is a queue of several stacks: {stacks}", hint="name one with --stack")
    else:
        found = [it for it in own if asked in (it["jobQueueName"], it["jobQueueArn"])]
    if not found:
        of = f" of stack {stack}" if stack else ""
        names = ", ".join(str(it["jobQueueName"]) for it in own[:10]) or "none"
        raise InputError(f"there is no queue {asked}{of} in {here.place}", hint=f"queues that there are: {names}")
    return found


def _stack(queue: Document) -> str:
    return _tags(queue).get(STACK_TAG, "")


def _tags(queue: Document) -> Mapping[str, str]:
    return queue.get("tags") or {}


def _trains(queue: Document) -> bool:
    return bool(queue.get("serviceEnvironmentOrder"))


def _environments(queue: Document) -> list[str]:
    order = sorted(queue.get("computeEnvironmentOrder") or (), key=lambda it: int(it.get("order", 0)))
    return [str(it["computeEnvironment"]) for it in order]


def _services(queue: Document) -> list[str]:
    order = sorted(queue.get("serviceEnvironmentOrder") or (), key=lambda it: int(it.get("order", 0)))
    return [str(it["serviceEnvironment"]) for it in order]


def _oldest(jobs: Iterable[Document]) -> list[str]:
    found = sorted(jobs, key=lambda job: job.get("createdAt") or 0)[:_FRONT]
    return [job["jobId"] for job in found]


def _front(answer: Mapping[str, Any]) -> Front:
    entries = (answer.get("frontOfQueue") or {}).get("jobs") or ()
    use = answer.get("queueUtilization") or {}
    since = next((it.get("earliestTimeAtPosition") for it in entries), None)
    shares = [
        (row.get("shareIdentifier") or row.get("quotaShareName"), row.get("capacityUsage") or ())
        for of in ("fairshareUtilization", "quotaShareUtilization")
        for row in (use.get(of) or {}).get("topCapacityUtilization") or ()
    ]
    return Front(
        tuple(_id(it["jobArn"]) for it in entries),
        since / 1000 if since else None,
        {it["capacityUnit"]: float(it["quantity"]) for it in use.get("totalCapacityUsage") or ()},
        {str(name): sum(float(it["quantity"]) for it in usage) for name, usage in shares},
    )


def _id(reference: str) -> str:
    return str(reference).rpartition("/")[2]


def _groups(names: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), PAGE):
        yield [*names[start : start + PAGE]]
