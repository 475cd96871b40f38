"""Reading revisions of definitions, of which an account can have tens of thousands, and what of them jobs use.

Pages are taken one by one, and of each revision only what is asked for is kept.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import attrs

from plans.manifest import Manifest
from plans.plan import Plan, Step
from plans.report import Report
from plans.retention import Choice, Retention, Revision, choose, floors_of, idle_pins, pins_of
from plans.rollback import Rollback, earlier, family_of, rolled_back
from providers.errors import InputError, NotFound, RefusedError
from providers.kinds import Kind, Kinds
from providers.provider import UNFINISHED, Page, Provider
from providers.resources import EMPTY, Address, Document, Live
from reconciler.observe import answers
from reconciler.retry import Caller

KIND = "job_definition"
JOBS = 100_000
"""How many unfinished jobs are looked at; where there are more, nobody knows which revisions are unused."""

BATCH = 500
"""Deregistrations that stand in one plan: what a run has in hand, and in its journal, stays small."""

_PAGE = 1000  # what ListJobs takes where a status is asked for


@attrs.frozen
class Pruning:
    """What is to be deregistered and where, and with a `report` what became of it.

    `account` is None where nothing told it.
    """

    stack: str
    account: str | None
    region: str
    choice: Choice
    report: Report | None = None

    @property
    def exit_code(self) -> int:
        return 0 if self.report is None else self.report.exit_code

    def plans(self, kinds: Kinds, now: float) -> Iterator[Plan]:
        """The plans that do it, batch by batch; `now` is in seconds since the epoch."""
        kind, going = kinds[KIND], [*self.choice.going]
        made_at = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
        for start in range(0, len(going), BATCH):
            steps = tuple(_deregister(revision, kind) for revision in going[start : start + BATCH])
            told = json.dumps([self.account, self.region, self.stack, [step.id for step in steps]])
            name = hashlib.sha256(told.encode()).hexdigest()[:16]
            yield Plan(name, self.stack, EMPTY, self.account, self.region, EMPTY, made_at, steps=steps)


def step_back(
    provider: Provider, caller: Caller, wanted: Manifest, address: Address, number: int | None, place: str
) -> Rollback:
    """What it takes to go back to an older revision of what the stack of a manifest has at an address.

    To revision `number`, ACTIVE or not, whoever registered it; None is the last one of the stack before the newest
    that says something else; `place` is where that is, in words. Raises InputError where there is none, RefusedError
    where going back would lose something.
    """
    kind = provider.kinds[KIND]
    if address.kind != KIND:
        raise InputError(f"{address} is no job definition, and nothing else has revisions", hint=f"{KIND}.NAME")
    owned = [live for live in definitions(provider, caller) if live.owner == wanted.stack]
    name = family_of(wanted.stack, address, owned, kind, place)
    lives = family(provider, caller, name)
    if number is None:
        older = earlier(wanted.stack, lives, kind)
    else:
        told = revision(provider, caller, name, number)
        if told is None:
            hint = "AWS keeps an INACTIVE revision for 180 days"
            raise InputError(f"{name} has no revision {number}", hint=hint)
        older = told
    return rolled_back(wanted, address, lives[-1], older, kind)


def prunable(provider: Provider, caller: Caller, manifest: Manifest, retention: Retention) -> Choice:
    """What goes by these rules, by what the manifest pins and by what is there now.

    Raises InputError for a family that is not there, RefusedError where there are too many jobs to know.
    """
    kind = provider.kinds[KIND]
    found = [Revision.of(live, kind) for name in retention.names for live in family(provider, caller, name)]
    missing = {*retention.names} - {each.name for each in found}
    if missing:
        raise InputError(f"{', '.join(sorted(missing))}: there is no ACTIVE revision of that name")
    if not retention.names:
        found = [Revision.of(live, kind) for live in definitions(provider, caller)]
    made = choose(
        found,
        retention,
        stack=manifest.stack,
        pins=pins_of(manifest),
        used=in_use(provider, caller) if retention.unused else (),
        now=caller.clock.now(),
        floors=floors_of(manifest),
    )
    return attrs.evolve(made, warnings=idle_pins(manifest, found, retention.names))


def definitions(provider: Provider, caller: Caller) -> Iterator[Live]:
    """The ACTIVE revisions of all families."""
    listing = provider.kinds[KIND].facts.lookup.listing
    yield from _lives(caller, listing, partial(provider.list, KIND))


def family(provider: Provider, caller: Caller, name: str) -> list[Live]:
    """The ACTIVE revisions of one family, from old to new."""
    listing = provider.kinds[KIND].facts.lookup.listing
    found = _lives(caller, listing, partial(provider.revisions, KIND, name))
    return sorted(found, key=lambda live: live.revision or 0)


def revision(provider: Provider, caller: Caller, name: str, number: int) -> Live | None:
    """One revision of a family, ACTIVE or not; None where AWS has it no more."""
    lookup = provider.kinds[KIND].facts.lookup
    found: Sequence[Live] = _answer(caller, lookup.describe, partial(provider.describe, KIND, [f"{name}:{number}"]))
    return next((live for live in found if (live.name, live.revision) == (name, number)), None)


def in_use(provider: Provider, caller: Caller) -> set[str]:
    """The definitions of all unfinished jobs, as NAME:REVISION, or NAME where a job does not tell which.

    Jobs of SageMaker have none; children of arrays and nodes have that of their parents. One listing a queue and
    status: the filter by definition would take one a queue and family, and answers jobs of any status. Statuses are
    asked for in the order in which jobs go through them, so that none gets past. Raises RefusedError where there are
    more jobs than `JOBS`.
    """
    used: set[str] = set()
    untold: list[str] = []
    seen = 0
    queues = _lives(caller, provider.kinds["job_queue"].facts.lookup.listing, partial(provider.list, "job_queue"))
    for queue in [live.arn for live in queues if live.spec.get("jobQueueType") != "SAGEMAKER_TRAINING"]:
        for status in UNFINISHED:
            token: str | None = None
            while True:
                arguments = {"jobQueue": queue, "jobStatus": status, "maxResults": _PAGE}
                asked = arguments | ({"nextToken": token} if token else {})
                answer: Any = _answer(caller, "ListJobs", partial(_jobs, provider, asked))
                found = answer.get("jobSummaryList", ())
                used.update(_definition(job["jobDefinition"]) for job in found if job.get("jobDefinition"))
                untold += (job["jobId"] for job in found if not job.get("jobDefinition"))
                seen += len(found)
                token = answer.get("nextToken") or None
                if seen > JOBS or (seen == JOBS and token):
                    raise RefusedError(
                        f"there are more than {JOBS:,} unfinished jobs: which revisions none of them uses is not known",
                        hint="leave --unused out: a job that was submitted runs on after its revision is deregistered",
                    )
                if token is None:
                    break
    for start in range(0, len(untold), 100):
        batch = untold[start : start + 100]
        lives: Sequence[Live] = _answer(caller, "DescribeJobs", partial(provider.describe_jobs, batch))
        used.update(_definition(live.spec["jobDefinition"]) for live in lives)
    return used


def _deregister(revision: Revision, kind: Kind) -> Step:
    """Its id names no address: the journal knows of the newest revision what was applied, and that does not change."""
    return Step(
        f"deregister:{revision.name}:{revision.number}",
        f"{KIND}.{revision.name}",
        kind.facts.delete,
        {kind.delete_key: revision.arn},
        why="it is an old revision",
    )


def _jobs(provider: Provider, asked: Document) -> Mapping[str, Any]:
    """One page of jobs; none of a queue that has gone since it was listed."""
    try:
        return provider.call("ListJobs", asked)
    except NotFound:
        return EMPTY


def _definition(text: str) -> str:
    """NAME:REVISION of an ARN, or of what stands in its place."""
    return text.rpartition("/")[2]


def _lives(caller: Caller, listing: str, page: Callable[[str | None], Page]) -> Iterator[Live]:
    token: str | None = None
    while True:
        found: Page = _answer(caller, listing, partial(page, token))
        yield from found.lives
        token = found.token
        if token is None:
            return


def _answer(caller: Caller, operation: str, call: Callable[[], Any]) -> Any:
    """What one call answers; raises its error, or Interrupted where a signal comes."""
    caller.submit(operation, operation, call)
    (done,) = answers(caller)
    if done.error is not None:
        raise done.error
    return done.result
