"""A rehearsal as one HTML file that needs nothing else, with a picture of the queues over time."""

from collections.abc import Iterator

from plans.printable import plain
from plans.rehearsal import Picture, Queue, Rehearsal, State
from plans.views import rehearsal as told
from plans.views.page import coded, document, escaped, table_head
from plans.views.wording import many, place, span

_STYLE = """
svg { width: 100%; height: auto; } svg text { fill: var(--ink); font: 12px ui-monospace, monospace; }
.runs { fill: var(--green); } .waits { fill: var(--red); } .closed { fill: var(--yellow); }
.absent { fill: var(--wash); }
.key { display: inline-block; width: .8em; height: .8em; border-radius: 2px; }
.key.runs { background: var(--green); } .key.waits { background: var(--red); }
.key.closed { background: var(--yellow); } .key.absent { background: var(--line); }
"""
_NAMES, _BARS, _ROW = 240, 720, 26
_STATES: tuple[State, ...] = ("runs", "waits", "closed", "absent")


def render(rehearsal: Rehearsal) -> str:
    """The page; ends in a newline."""
    title = f"Batchwright rehearsal: {plain(rehearsal.plan.stack)}"
    return document(title, _body(rehearsal, title), _STYLE)


def _body(rehearsal: Rehearsal, title: str) -> Iterator[str]:
    yield f"<h1>{escaped(title)}</h1>"
    yield f'<p class="soft">{escaped(" · ".join(place(rehearsal.plan)))}</p>'
    if not rehearsal.runs:
        yield "<p>There is nothing to rehearse: the plan is empty.</p>"
        return
    yield f"<p>{escaped(told.how(rehearsal))}</p>"
    ill = any(run.exit_code for run in rehearsal.runs)
    yield f'<p class="result{" alarm" if ill else ""}">{escaped(told.result(rehearsal))}</p>'
    for note in told.notes(rehearsal):
        yield f"<p>{escaped(note)}</p>"
    yield from _queues(rehearsal)
    yield from _troubles(rehearsal)
    yield from _trace(rehearsal)
    yield from _runs(rehearsal)
    yield from _table(rehearsal)
    yield f'<p class="soft">Plan {coded(rehearsal.plan.id)}</p>'


def _queues(rehearsal: Rehearsal) -> Iterator[str]:
    if not rehearsal.pictures:
        return
    yield "<h2>Queues over time</h2>"
    keys = (f'<span class="key {state}"></span> {escaped(told.WORDS[state])}' for state in _STATES)
    yield f"<p>{' &nbsp; '.join(keys)}</p>"
    for picture in rehearsal.pictures:
        yield from _picture(picture, told.which(rehearsal.runs[picture.run - 1]))


def _picture(picture: Picture, which: str) -> Iterator[str]:
    queues = [queue for queue in picture.queues if queue.intervals]
    end = max(queue.intervals[-1].ends for queue in queues) or 1.0
    height, what = _ROW * (len(queues) + 1), f"What each queue can do over time in run {picture.run}"
    yield f"<p>{escaped(which)}</p>"
    yield f'<svg viewBox="0 0 {_NAMES + _BARS} {height}" role="img" aria-label="{what}">'
    for number, queue in enumerate(queues):
        yield from _row(queue, number * _ROW, end)
    for part in range(5):
        x = _NAMES + _BARS * part / 4
        anchor = "start" if part == 0 else "end" if part == 4 else "middle"
        yield f'<text x="{x:g}" y="{height - 8}" text-anchor="{anchor}">{span(end * part / 4)}</text>'
    yield "</svg>"


def _row(queue: Queue, y: int, end: float) -> Iterator[str]:
    yield f'<text x="0" y="{y + 16}">{escaped(queue.name[:32])}</text>'
    for part in queue.intervals:
        x, wide = _NAMES + _BARS * part.begins / end, _BARS * (part.ends - part.begins) / end
        when = f"{span(part.begins)} to {span(part.ends)}"
        works = f", {many(part.working, 'environment')} at work" if part.state == "runs" else ""
        says = f"{queue.name} {told.WORDS[part.state]}: {when}{works}"
        yield (
            f'<rect class="{part.state}" x="{x:.2f}" y="{y + 3}" width="{max(wide, 0.5):.2f}" height="{_ROW - 8}">'
            f"<title>{escaped(says)}</title></rect>"
        )


def _troubles(rehearsal: Rehearsal) -> Iterator[str]:
    if not rehearsal.troubles:
        return
    yield "<h2>What failed</h2>"
    yield from table_head("Run", "Resource", "Call", "Error", "Under")
    for trouble in rehearsal.troubles:
        yield (
            f"<tr><td>{trouble.run}</td><td>{coded(trouble.address)}</td><td>{coded(trouble.call or 'wait')}</td>"
            f"<td>{escaped(trouble.error)}</td><td>{escaped(told.met(trouble))}</td></tr>"
        )
    yield "</table>"


def _trace(rehearsal: Rehearsal) -> Iterator[str]:
    yield "<h2>Calls that change something, in order</h2>"
    yield from table_head("After", "Resource", "Call")
    for deed in rehearsal.trace:
        jobs = f" for {many(deed.jobs, 'job')}" if deed.jobs else ""
        yield (
            f"<tr><td>{span(round(deed.at))}</td><td>{coded(deed.address)}</td><td>{coded(deed.call)}{jobs}</td></tr>"
        )
    yield "</table>"


def _runs(rehearsal: Rehearsal) -> Iterator[str]:
    yield "<h2>Runs</h2>"
    yield from table_head("", "Durations", "Took", "Calls", "Exit code", "Faults met")
    for run in rehearsal.runs:
        cells = (run.number, run.manner, span(run.seconds), run.calls, run.exit_code, told.hits(run.faults))
        yield f"<tr>{''.join(f'<td>{escaped(str(cell))}</td>' for cell in cells)}</tr>"
    yield "</table>"


def _table(rehearsal: Rehearsal) -> Iterator[str]:
    yield "<details><summary>How long things were taken to last, in seconds</summary>"
    yield from table_head("", "Low", "Usual", "High", "On whose word", "Your waits")
    for row in rehearsal.table:
        cells = (row.name, f"{row.low:g}", f"{row.usual:g}", f"{row.high:g}", row.source, row.observations or "")
        yield f"<tr>{''.join(f'<td>{escaped(str(cell))}</td>' for cell in cells)}</tr>"
    yield "</table></details>"
