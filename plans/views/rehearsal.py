"""A rehearsal as lines of text."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from plans.rehearsal import LONG, Queue, Rehearsal, Run, State, Trouble
from plans.views.wording import cut, many, place, span

READS = ("Describe", "List", "Get")
WORDS: Mapping[State, str] = {
    "runs": "takes jobs and runs them",
    "waits": "takes jobs, and has no environment for them",
    "closed": "takes no jobs",
    "absent": "is not there",
}
"""What a queue can do in each state."""

_BLOCKS: Mapping[State, str] = {"runs": "█", "waits": "▒", "closed": "░", "absent": "·"}
_WORST: tuple[State, ...] = ("waits", "closed", "absent", "runs")
_SHOWN = 40


def lines(rehearsal: Rehearsal, *, width: int = 100, verbose: bool = False) -> Iterator[str]:
    """What a rehearsal showed; `verbose` tells all of it, and how long each thing was taken to last.

    The lines hold words of AWS as they are: whoever prints them escapes them (`plans.printable.plain`).
    """
    yield " · ".join(place(rehearsal.plan))
    if not rehearsal.runs:
        yield "There is nothing to rehearse: the plan is empty."
        return
    yield how(rehearsal)
    yield ""
    yield from _trace(rehearsal, verbose=verbose)
    yield from _queues(rehearsal, width)
    yield from _troubles(rehearsal, width, verbose=verbose)
    if verbose:
        yield from _runs(rehearsal)
        yield from _table(rehearsal)
    for note in notes(rehearsal):
        yield from _wrapped(note, width, "")
    yield from _wrapped(result(rehearsal), width, "")


def how(rehearsal: Rehearsal) -> str:
    """What was done, in a sentence."""
    faults = {"none": "no faults"}.get(rehearsal.faults, f"{rehearsal.faults} faults")
    times = "once" if len(rehearsal.runs) == 1 else f"{len(rehearsal.runs)} times"
    return f"Rehearsed {times} on a model of this account, with {faults}, seed {rehearsal.seed}; nothing was changed."


def notes(rehearsal: Rehearsal) -> Iterator[str]:
    """What is worth knowing beside the picture, a sentence each."""
    changing = {call: count for call, count in rehearsal.calls.items() if not call.startswith(READS)}
    counts = ", ".join(f"{call} {count}" for call, count in sorted(rehearsal.calls.items()))
    yield f"Calls: {sum(rehearsal.calls.values())}, of which {sum(changing.values())} change something: {counts}."
    if rehearsal.runs[0].seconds > LONG:
        yield f"Of a wait beyond {span(LONG)} an apply makes more looks: each minute, not at each hundredth of it."
    for name, count in sorted(rehearsal.jobs_ended.items()):
        yield f"Jobs that would end: {count} in {name}."
    for name, seconds in sorted(waiting(rehearsal).items()):
        yield f"Queue {name} would take jobs without an environment for them for up to {span(seconds)}."
    if rehearsal.observations:
        own = sum(1 for row in rehearsal.table if row.observations)
        waits = many(rehearsal.observations, "wait")
        yield f"Durations: {own} of {len(rehearsal.table)} rest on {waits} in the journal, the others on the table."


def waiting(rehearsal: Rehearsal) -> Mapping[str, float]:
    """For how many seconds a queue had no environment for the jobs that it took, in the worst of the runs."""
    found: dict[str, float] = {}
    for run in rehearsal.runs:
        for name, seconds in run.waiting.items():
            found[name] = max(seconds, found.get(name, 0.0))
    return found


def result(rehearsal: Rehearsal) -> str:
    """How it went, in one line."""
    ill = [run for run in rehearsal.runs if run.exit_code]
    went = "all went well" if not ill else f"{len(ill)} of {many(len(rehearsal.runs), 'run')} did not do all"
    whole, usual = len(rehearsal.whole), rehearsal.usual
    if not whole:
        return f"Rehearsed: {went}."
    about = [f"about {span(usual.seconds)}"] if usual else []
    median = [f"{span(rehearsal.median)} in the median of {whole} runs"] if whole > 1 else []
    times = ", ".join([*about, *median, f"between {span(rehearsal.low)} and {span(rehearsal.high)}"])
    return f"Rehearsed: {went}; it usually takes {times}."


def met(trouble: Trouble) -> str:
    """The faults that a run met which failed."""
    return hits(trouble.faults)


def hits(faults: Mapping[str, int]) -> str:
    """Faults by kind and operation, with how many there were of those that came more than once."""
    return ", ".join(f"{name}{'' if count == 1 else f' ({count} times)'}" for name, count in sorted(faults.items()))


def _trace(rehearsal: Rehearsal, *, verbose: bool) -> Iterator[str]:
    shown = rehearsal.trace if verbose else rehearsal.trace[:_SHOWN]
    column = max((len(deed.address) for deed in shown), default=0)
    for deed in shown:
        jobs = f" for {many(deed.jobs, 'job')}" if deed.jobs else ""
        yield f"  {span(round(deed.at)):>8}  {deed.address.ljust(column)}  {deed.call}{jobs}"
    if len(shown) < len(rehearsal.trace):
        yield f"            {len(rehearsal.trace) - len(shown)} more with -v"
    yield ""


def which(run: Run) -> str:
    """A run by its number, and what it was like."""
    under = f"under {hits(run.faults)}" if run.faults else "no faults"
    return f"run {run.number}: {run.manner} durations, {under}"


def _queues(rehearsal: Rehearsal, width: int) -> Iterator[str]:
    pictures = rehearsal.pictures
    if not pictures:
        return
    parts = [part for picture in pictures for queue in picture.queues for part in queue.intervals]
    there = {part.state for part in parts}
    yield "Queues: " + ", ".join(f"{block} {WORDS[state]}" for state, block in _BLOCKS.items() if state in there)
    for picture in pictures:
        yield from _wrapped(which(rehearsal.runs[picture.run - 1]), width, "  ")
        yield from _drawn(picture.queues, width)


def _drawn(queues: Sequence[Queue], width: int) -> Iterator[str]:
    end = max(interval.ends for queue in queues for interval in queue.intervals)
    column = min(max(len(queue.name) for queue in queues), width // 3)
    cells = max(width - column - 4, 10)
    for queue in queues:
        yield f"  {cut(queue.name, column).ljust(column)}  {blocks(queue, end, cells)}"
    yield f"  {' ' * column}  0s{span(end).rjust(cells - 2)}"
    yield ""


def blocks(queue: Queue, end: float, cells: int) -> str:
    """A queue over time in so many characters, each the worst of its part of the time."""
    drawn = []
    for cell in range(cells):
        begins, ends = end * cell / cells, end * (cell + 1) / cells
        states = {part.state for part in queue.intervals if part.begins < ends and part.ends > begins}
        drawn.append(_BLOCKS[next((state for state in _WORST if state in states), "absent")])
    return "".join(drawn)


def _troubles(rehearsal: Rehearsal, width: int, *, verbose: bool) -> Iterator[str]:
    shown = rehearsal.troubles if verbose else rehearsal.troubles[:_SHOWN]
    if shown:
        yield "Failed"
    for trouble in shown:
        says = f"run {trouble.run}: {trouble.address}: {trouble.call or 'wait'}: {trouble.error}"
        yield from _wrapped(says, width, "  ")
        if trouble.faults:
            yield from _wrapped(f"under {met(trouble)}", width, "    ")
    if shown:
        yield ""


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False)


def _runs(rehearsal: Rehearsal) -> Iterator[str]:
    yield "Runs"
    for run in rehearsal.runs:
        ended = "" if not run.exit_code else f"  exit {run.exit_code}"
        yield f"  {run.number:>3}  {run.manner:<8}  {span(run.seconds):>8}  {many(run.calls, 'call')}{ended}"
    yield ""


def _table(rehearsal: Rehearsal) -> Iterator[str]:
    yield "Durations in seconds: low, usual, high"
    for row in rehearsal.table:
        rests = f"{row.source}, {many(row.observations, 'wait')}" if row.observations else row.source
        yield f"  {row.name:<28}  {row.low:>7g}  {row.usual:>7g}  {row.high:>7g}  {rests}"
    yield ""
