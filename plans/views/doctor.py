"""A diagnosis as lines of text."""

from collections.abc import Iterator, Sequence

from plans.diagnosis import Diagnosis, Finding
from plans.views.wording import span

_SHOWN = 3


def lines(diagnoses: Sequence[Diagnosis], *, verbose: bool = False) -> Iterator[str]:
    """What is said of some queues, queue by queue; `verbose` tells all that was found, and its sources.

    The lines hold words of AWS as they are: whoever prints them escapes them (`plans.printable.plain`).
    """
    for number, one in enumerate(diagnoses):
        if number:
            yield ""
        yield from _of(one, verbose=verbose)


def _of(one: Diagnosis, *, verbose: bool) -> Iterator[str]:
    counts = [f"{count:,}{'+' if status in one.more else ''} {status}" for status, count in one.counts.items() if count]
    age = "" if one.oldest is None else f"; the oldest RUNNABLE job looked at is {span(one.oldest)} old"
    none = (
        "its jobs could not be listed" if any(what.endswith(" jobs") for what in one.unread) else "no jobs wait or run"
    )
    yield f"Queue {one.queue}: {', '.join(counts) or none}{age}"
    shown = one.findings if verbose else one.findings[:_SHOWN]
    for number, finding in enumerate(shown, 1):
        yield from _finding(number, finding, one.looked_at, verbose=verbose)
    if len(shown) < len(one.findings):
        yield f"  {len(one.findings) - len(shown)} more with -v"
    if not one.findings:
        where = " in what could be read" if one.unread else ""
        yield f"  Nothing was found{where} that would keep jobs from running."
    for what, why in one.unread.items():
        yield f"  Not read: {what} ({why})"


def _finding(number: int, finding: Finding, looked_at: int, *, verbose: bool) -> Iterator[str]:
    found = finding.found
    jobs = f" ({len(found.jobs)} of the {looked_at} jobs looked at)" if len(found.jobs) > 1 else ""
    yield f"  {number}. {found.likelihood}: {found.says}{jobs} [{finding.code}]"
    yield from (f"       {text}" for text in found.evidence)
    yield f"     → {found.mend}"
    if verbose:
        yield f"       {finding.source}"
