"""What a diagnosis looks at: everything that was read about one queue, as AWS shows it, and what was found in it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

import attrs

from providers.resources import EMPTY, Document, Role, Unread

Likelihood = Literal["likely", "possible"]


@attrs.frozen
class Front:
    """GetJobQueueSnapshot: the ids of the RUNNABLE jobs in the order of dispatch, and what the queue's jobs take.

    `since` is when the first in line came there, in seconds of the epoch; `used` is what is taken by capacity unit,
    `shares` by share and unit.
    """

    order: tuple[str, ...] = ()
    since: float | None = None
    used: Mapping[str, float] = EMPTY
    shares: Mapping[str, float] = EMPTY


@attrs.frozen
class Scene:
    """One queue and what was read around it; documents are those of the API's describes.

    `environments` and `services` stand in the order of the queue. `waiting` are the jobs that were looked at, the
    first in line first, the PENDING ones last; `counts` are jobs by status, as far as they could be listed, of which
    there are more where `more` names the status. `front` is None where the snapshot could not be read. `neighbours`
    are the names of queues that share environments with this one, `taken` the vCPUs that the jobs of all of them
    take, None where that is not known; `elsewhere` says that some of them have other environments too, where a part
    of it may be. `others` are jobs that are depended upon, by id, `supplies` consumable resources by name, `subnets`
    the free addresses of subnets, `roles` those service roles that are not service-linked. `unread` says of
    what could not be read why.
    """

    queue: Document
    now: float
    environments: tuple[Document, ...] = ()
    services: tuple[Document, ...] = ()
    policy: Document = EMPTY
    waiting: tuple[Document, ...] = ()
    counts: Mapping[str, int] = EMPTY
    more: frozenset[str] = frozenset()
    front: Front | None = None
    neighbours: tuple[str, ...] = ()
    taken: float | None = None
    elsewhere: bool = False
    others: Mapping[str, Document] = EMPTY
    supplies: Mapping[str, Document] = EMPTY
    quota_shares: Mapping[str, Document] = EMPTY
    subnets: Mapping[str, int] = EMPTY
    roles: Mapping[str, Role | Unread | None] = EMPTY
    unread: Mapping[str, str] = EMPTY

    @property
    def name(self) -> str:
        return str(self.queue["jobQueueName"])

    @property
    def in_line(self) -> tuple[Document, ...]:
        """The RUNNABLE jobs that were looked at, the first in line first."""
        return tuple(job for job in self.waiting if job["status"] == "RUNNABLE")

    @property
    def first(self) -> Document | None:
        """The job that is, as far as is known, the first in line."""
        return next(iter(self.in_line), None)

    @property
    def open(self) -> tuple[Document, ...]:
        """The environments, of either sort, that take jobs."""
        return tuple(it for it in (*self.environments, *self.services) if takes_jobs(it))


@attrs.frozen
class Found:
    """What a check found. `evidence` are AWS's words and figures, `mend` the field or the command that would mend it.

    `urgent`: it holds up the first in line, or the whole queue; else it concerns jobs that wait behind, or what would
    matter later.
    """

    says: str
    evidence: tuple[str, ...]
    mend: str
    likelihood: Likelihood = "likely"
    jobs: tuple[str, ...] = ()
    urgent: bool = True


@attrs.frozen
class Finding:
    """A hypothesis: what a check found, under the check's code and with the public page it goes by."""

    code: str
    source: str
    found: Found


@attrs.frozen
class Diagnosis:
    """What is said of one queue: its hypotheses, the likeliest first, and what could not be read.

    `looked_at` is how many of the jobs that wait were looked at.
    """

    queue: str
    arn: str
    counts: Mapping[str, int]
    more: frozenset[str]
    oldest: float | None
    findings: tuple[Finding, ...]
    unread: Mapping[str, str] = EMPTY
    looked_at: int = 0


@attrs.frozen
class Check:
    """One question under its code, and the public page it goes by."""

    code: str
    ask: Callable[[Scene], Iterator[Found]]
    source: str


def takes_jobs(environment: Document) -> bool:
    """Whether jobs are placed in an environment: it is ENABLED, and VALID or being updated."""
    return environment.get("state", "ENABLED") == "ENABLED" and environment.get("status") in ("VALID", "UPDATING")


def ids(jobs: Sequence[Document]) -> tuple[str, ...]:
    return tuple(job["jobId"] for job in jobs)


def named(environment: Document) -> str:
    return str(environment.get("computeEnvironmentName") or environment.get("serviceEnvironmentName"))


def told(job: Document) -> str:
    """A job by its name and its id."""
    return f"{job.get('jobName', 'a job')} ({job['jobId']})"


def listed(names: Sequence[str], most: int = 3) -> str:
    """Some names, and how many there are beyond."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def figure(number: float) -> str:
    return f"{number:,.2f}".rstrip("0").rstrip(".")


def ago(seconds: float) -> str:
    """A length of time in its largest unit: `40 s`, `12 min`, `5 h`, `3 d`."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"
