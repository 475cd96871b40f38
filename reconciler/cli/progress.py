"""What a run shows while it goes: a table that redraws itself on a terminal, else one line an event; JSON lines under
`--json`."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import attrs

from plans.plan import Plan
from plans.printable import plain
from plans.report import Event, event_json
from plans.views import wording
from reconciler.cli.terminal import Terminal

if TYPE_CHECKING:
    from rich.console import Console, Group

Listener = Callable[[Event], None]


@contextmanager
def progress(terminal: Terminal, seen: list[Plan], now: Callable[[], float]) -> Iterator[Listener]:
    """A listener for the events of one apply; `seen` holds the plan as soon as there is one, `now` is the run's time.

    Times are those of the clock on which the run waits: of the simulator, simulated ones.
    """
    if terminal.json:
        yield lambda event: terminal.record(event_json(event))
    elif terminal.live:
        with _live(terminal, seen, now) as listener:
            yield listener
    else:
        yield _lines(terminal)


_STILL = 300.0
"""After so many seconds a count of jobs is told again though it is the same."""


def _lines(terminal: Terminal) -> Listener:
    """A line an event; of looks at what drains one whenever there are fewer jobs, and every few minutes, without -v
    too."""
    told: dict[str, tuple[int, float]] = {}

    def listen(event: Event) -> None:
        jobs, (before, at) = event.detail.get("jobs"), told.get(event.step, (None, 0.0))
        news = jobs != before or event.at - at >= _STILL
        if jobs is not None and news:
            told[event.step] = (jobs, event.at)
        _line(terminal, event, news=news)

    return listen


def asides(terminal: Terminal) -> Listener:
    """A listener for a run that only reads: tells the first failure that is waited out, and with -v all of them."""
    told: set[str] = set()

    def listen(event: Event) -> None:
        if terminal.verbose or event.event not in told:
            told.add(event.event)
            _line(terminal, event)

    return listen


_SAID = {
    "started": "starts",
    "called": "called",
    "retried": "will be tried again",
    "finished": "done",
    "failed": "failed",
    "retiring": "goes on retiring",
    "skipped": "skipped",
    "interrupted": "interrupted: calls in flight finish, nothing new begins",
    "lock": "the lock",
}


def _line(terminal: Terminal, event: Event, *, news: bool = False) -> None:
    """One plain line, for logs; of a look with -v, or where it shows `news`."""
    said = _SAID.get(event.event)
    if said is None and not (event.event == "polled" and (terminal.verbose or (news and "jobs" in event.detail))):
        return
    at = datetime.fromtimestamp(event.at, UTC).strftime("%H:%M:%S")
    what = event.step or event.detail.get("name") or event.detail.get("operation", "")
    terminal.note(" ".join(part for part in (at, what, _told(event, said or "is")) if part))


def _told(event: Event, said: str) -> str:
    detail = event.detail
    match event.event:
        case "called":
            ended = f"for {wording.many(detail['ended'], 'job')}" if "ended" in detail else ""
            return " ".join(part for part in (said, detail["call"], detail.get("job"), ended) if part)
        case "retried":
            return f"{said} in {detail['seconds']} s: {detail['error']}"
        case "failed" | "retiring":
            return f"{said}: {detail['error']}"
        case "lock":
            return f"{said} {detail['message']}"
        case "skipped":
            return f"{said}, {_behind(event)}"
        case "polled" if "jobs" in detail:
            return _status(event)
        case "polled":
            return f"{said} {_status(event)}"
        case _:
            return said


def _status(event: Event) -> str:
    if "jobs" in event.detail:
        verb = "runs" if event.detail["kind"] == "compute_environment" else "holds"
        return f"{verb} {wording.many(event.detail['jobs'], 'job')}"
    return " ".join(str(event.detail[key]) for key in ("status", "state") if event.detail.get(key))


def _behind(event: Event) -> str:
    how = "has not ended yet" if event.detail.get("retiring") else "failed"
    return f"because {event.detail['because']} {how}"


How = Literal["running", "finished", "failed", "retiring", "skipped"]

_STYLES: dict[How, tuple[str, str]] = {
    "running": ("", "cyan"),
    "finished": ("✓", "green"),
    "failed": ("✗", "bold red"),
    "retiring": ("…", "yellow"),
    "skipped": ("·", "dim"),
}
_COUNTED: dict[How, str] = {
    "finished": "done",
    "failed": "failed",
    "retiring": "retiring",
    "skipped": "skipped",
    "running": "running",
}


@attrs.frozen
class Row:
    """One step that has begun, or was skipped: what AWS says of it, and since when."""

    began: float
    says: str = ""
    how: How = "running"
    ended: float | None = None


@attrs.define
class Progress:
    """The steps of a plan as far as its events have told of them; draws itself as a table of bounded height."""

    plan: Plan
    now: Callable[[], float]
    rows: dict[str, Row] = attrs.field(factory=dict, init=False)
    names: dict[tuple[str, str], list[str]] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        for step in self.plan.steps:
            if step.goal is not None:
                self.names.setdefault((step.goal.kind, step.goal.name), []).append(step.id)

    def take(self, event: Event) -> None:
        detail = event.detail
        match event.event:
            case "started":
                self.rows[event.step] = Row(event.at)
            case "called":
                self._says(event.step, detail["call"])
            case "polled" if status := _status(event):
                for step in self.names.get((detail["kind"], detail["name"]), ()):
                    self._says(step, status)
            case "retried":
                self._says(event.step, f"again in {detail['seconds']} s: {detail['error']}")
            case "failed" | "retiring":
                self._ended(event, event.event, detail["error"])
            case "skipped":
                self._ended(event, "skipped", _behind(event))
            case "finished":
                self._ended(event, "finished", None)

    def _says(self, step: str, words: str) -> None:
        row = self.rows.get(step)
        if row is not None and row.ended is None:
            self.rows[step] = attrs.evolve(row, says=words)

    def _ended(self, event: Event, how: How, words: str | None) -> None:
        row = self.rows.get(event.step, Row(event.at))
        self.rows[event.step] = attrs.evolve(row, how=how, ended=event.at, says=row.says if words is None else words)

    def drawn(self, height: int, turning: Any) -> "Group":
        """At most `height` lines: all steps if they fit, else those under way, and always how many there are of each.

        `turning` stands before what is under way. May be called from another thread than `take`.
        """
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        rows = dict(self.rows)
        shown = list(rows.items())
        if len(shown) > height - 1:
            shown = [(step, row) for step, row in shown if row.how == "running"][: height - 1]
        table = Table.grid(padding=(0, 2))
        table.add_column()
        table.add_column(no_wrap=True, overflow="ellipsis")
        table.add_column(no_wrap=True, overflow="ellipsis")
        table.add_column(no_wrap=True, justify="right")
        now = self.now()
        for step, row in shown:
            took = wording.span(max(0, round((now if row.ended is None else row.ended) - row.began)))
            symbol, style = _STYLES[row.how]
            says = Text(plain(row.says.split("\n")[0]), style=style)
            table.add_row(Text(symbol, style) if symbol else turning, Text(plain(step)), says, Text(took, "dim"))
        # Outside the table, whose columns it would widen.
        return Group(table, Text(f"   {self._counted(rows)}", "dim"))

    def _counted(self, rows: dict[str, Row]) -> str:
        counts = Counter(row.how for row in rows.values())
        parts = [f"{counts[how]} {word}" for how, word in _COUNTED.items() if counts[how]]
        return " · ".join([*parts, f"{len(self.plan.steps)} in all"])


@contextmanager
def _live(terminal: Terminal, seen: list[Plan], now: Callable[[], float]) -> Iterator[Listener]:
    """Lines until the plan begins, then a table that redraws itself and leaves the field to the report."""
    begun: list[Progress] = []

    def listen(event: Event) -> None:
        if not begun and seen and event.event == "started":
            begun.append(Progress(seen[0], now))
            stack.enter_context(_drawing(_console(terminal), begun[0]))
        if begun:
            begun[0].take(event)
        if not begun or event.event == "lock":
            _line(terminal, event)

    with ExitStack() as stack:
        yield listen


def _console(terminal: Terminal) -> "Console":
    from rich.console import Console

    return Console(stderr=True, no_color=not terminal.color)


def _drawing(console: "Console", begun: Progress) -> Any:
    from rich.live import Live
    from rich.spinner import Spinner

    # One for all rows and all drawings, since each begins with its first picture.
    turning = Spinner("dots", style="cyan")
    # Two lines less than there are: one for the cursor, one that keeps a terminal from scrolling.
    return Live(
        console=console,
        get_renderable=lambda: begun.drawn(max(3, console.size.height - 2), turning),
        refresh_per_second=8,
        transient=True,
    )
