"""What an apply shows while it goes: a table that redraws itself on a terminal, else one line an event; JSON lines
under `--json`."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click

from plans.plan import Plan
from plans.printable import plain
from plans.report import Event, event_json
from reconciler.cli.terminal import Terminal

Listener = Callable[[Event], None]


@contextmanager
def progress(terminal: Terminal, seen: list[Plan]) -> Iterator[Listener]:
    """A listener for the events of one apply; `seen` holds the plan as soon as there is one."""
    if terminal.json:
        yield lambda event: click.echo(json.dumps(event_json(event)))
    elif terminal.live:
        with _Table(terminal, seen) as table:
            yield table.listen
    else:
        yield lambda event: _line(terminal, event)


_SAID = {
    "started": "starts",
    "called": "called",
    "retried": "will be tried again",
    "finished": "done",
    "failed": "failed",
    "skipped": "skipped",
    "interrupted": "interrupted: calls in flight finish, nothing new begins",
}


def _line(terminal: Terminal, event: Event) -> None:
    """One plain line, for logs."""
    said = _SAID.get(event.event)
    if said is None and not (event.event == "polled" and terminal.verbose):
        return
    at = datetime.fromtimestamp(event.at, UTC).strftime("%H:%M:%S")
    terminal.note(f"{at} {event.step or event.detail.get('name', '')} {_told(event, said or 'is')}".rstrip())


def _told(event: Event, said: str) -> str:
    detail = event.detail
    match event.event:
        case "called":
            return f"{said} {detail['call']}"
        case "retried":
            return f"{said} in {detail['seconds']} s: {detail['error']}"
        case "failed":
            return f"{said}: {detail['error']}"
        case "skipped":
            return f"{said}, because {detail['because']} failed"
        case "polled":
            return " ".join(str(detail[key]) for key in ("status", "state") if key in detail)
        case _:
            return said


class _Table:
    """One row a step that has begun: its symbol, what AWS says of it, how long it has taken."""

    def __init__(self, terminal: Terminal, seen: list[Plan]) -> None:
        self.terminal = terminal
        self.seen = seen
        self.rows: dict[str, dict[str, Any]] = {}
        self.names: dict[tuple[str, str], set[str]] = {}
        self.live: Any = None
        self.now = 0.0

    def __enter__(self) -> "_Table":
        return self

    def __exit__(self, *_: object) -> None:
        if self.live is not None:
            self.live.update(self.table(), refresh=True)
            self.live.stop()

    def listen(self, event: Event) -> None:
        self.now = max(self.now, event.at)
        if event.event == "started" and self.live is None:
            self.start()
        self.note(event)
        if self.live is not None:
            self.live.update(self.table())

    def start(self) -> None:
        from rich.console import Console
        from rich.live import Live

        for plan in self.seen:
            for step in plan.steps:
                if step.goal is not None:
                    self.names.setdefault((step.goal.kind, step.goal.name), set()).add(step.id)
        console = Console(stderr=True, no_color=not self.terminal.color)
        self.live = Live(console=console, refresh_per_second=8, transient=False)
        self.live.start()

    def note(self, event: Event) -> None:
        match event.event:
            case "started":
                self.rows[event.step] = {"began": event.at, "says": "", "ended": None, "how": "running"}
            case "called":
                self.rows[event.step]["says"] = event.detail["call"]
            case "polled":
                status = " ".join(str(event.detail[key]) for key in ("status", "state") if event.detail.get(key))
                for step in self.names.get((event.detail["kind"], event.detail["name"]), ()):
                    if step in self.rows and self.rows[step]["ended"] is None and status:
                        self.rows[step]["says"] = status
            case "retried" if event.step in self.rows:
                self.rows[event.step]["says"] = f"again in {event.detail['seconds']} s: {event.detail['error']}"
            case "finished" | "failed" | "skipped":
                row = self.rows.setdefault(event.step, {"began": event.at, "says": ""})
                row |= {"ended": event.at, "how": event.event}
                if event.event == "failed":
                    row["says"] = event.detail["error"]
                if event.event == "skipped":
                    row["says"] = f"because {event.detail['because']} failed"

    def table(self) -> Any:
        from rich.spinner import Spinner
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        for name, row in self.rows.items():
            took = (row["ended"] if row["ended"] is not None else self.now) - row["began"]
            symbol, style = _STYLES[row["how"]]
            first = Spinner("dots", style="cyan") if row["how"] == "running" else Text(symbol, style=style)
            table.add_row(first, Text(plain(name)), Text(plain(row["says"]), style=style), Text(f"{took:.0f} s", "dim"))
        return table


_STYLES = {
    "running": ("", "cyan"),
    "finished": ("✓", "green"),
    "failed": ("✗", "bold red"),
    "skipped": ("·", "dim"),
}
