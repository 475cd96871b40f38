"""The plan for a terminal: plain text, coloured by a small table of ANSI codes where asked.

account 111122223333 · region eu-west-1 (from the manifest) · stack genomics

  ~ job_queue.high  update  impact: scaling
      priority  10 → 20
        a priority changes in place [job_queue.priority]

Plan: 1 to update; 1 call.
"""

import re
import textwrap
from collections.abc import Iterator, Mapping
from itertools import groupby

import attrs

from plans.change import ABSENT, Action, Change, Difference, Impact
from plans.plan import Plan
from plans.printable import plain
from plans.report import Outcome, Report, Status
from plans.views import values, wording
from plans.views.story import story

_RESET = "\x1b[0m"
_CODES: Mapping[str, str] = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
    "alarm": "1;31",
}
_ACTIONS: Mapping[Action, str] = {
    Action.NOOP: "dim",
    Action.ADOPT: "blue",
    Action.TAG: "blue",
    Action.UNTAG: "blue",
    Action.CREATE: "green",
    Action.UPDATE: "yellow",
    Action.REGISTER: "cyan",
    Action.REPLACE: "magenta",
    Action.DELETE: "red",
}
_WORDS: Mapping[Action, str] = {action: action.value for action in Action} | {Action.NOOP: "no change"}
_SIGNS: Mapping[str, str] = {"+": "green", "-": "red", " ": "", "…": "dim"}
_ENDS: Mapping[Status, tuple[str, str]] = {
    "done": ("✓", "green"),
    "failed": ("✗", "alarm"),
    "retiring": ("…", "yellow"),
    "skipped": ("·", "dim"),
    "interrupted": ("!", "yellow"),
}

_NARROWEST = 40
_BLOCK = 40
"""Lines of one value that are shown unless all are asked for."""

_ARN = re.compile(r"\[arn:[^\]]*/([^\]/]+)\]")
"""An entry of a path that is told by an ARN, which ends in a name."""

_PROSE = 2000
"""Characters of one message that are shown."""


def render(
    plan: Plan, report: Report | None = None, *, color: bool = False, width: int = 100, verbose: bool = False
) -> str:
    """The plan, or with a report how its apply ended; ends in a newline.

    What is new is shown in a line a field. `verbose` shows it whole, as all long values, lists what stays as it is too,
    and adds the steps in order.
    """
    page = _Page(color, max(width, _NARROWEST), verbose)
    lines = page.plan(plan) if report is None else page.report(plan, report)
    return "\n".join(lines) + "\n"


def render_drift(plan: Plan, *, color: bool = False, width: int = 100, verbose: bool = False) -> str:
    """The differences of a plan, read as what moved away from the manifest: live on the left, manifest on the right."""
    return "\n".join(_Page(color, max(width, _NARROWEST), verbose).drift(plan)) + "\n"


@attrs.frozen
class _Page:
    color: bool
    width: int
    verbose: bool

    def paint(self, text: str, style: str) -> str:
        return f"\x1b[{_CODES[style]}m{text}{_RESET}" if self.color and style and text else text

    def plan(self, plan: Plan) -> Iterator[str]:
        yield from self.head(plan)
        if wording.first_time(plan):
            yield self.paint("Nothing of this stack is in this account and region yet.", "dim")
        if plan.refusals:
            yield from self.prose(f"{wording.refused(plan)} Why stands below the changes.", "", "alarm")
        yield ""
        yield from self.changes(plan, _WORDS)
        yield from self.steps(plan)
        yield from self.refusals(plan)
        yield from self.notes(plan)
        yield from self.prose(wording.summary(plan), "", "alarm" if plan.refusals else "bold")

    def drift(self, plan: Plan) -> Iterator[str]:
        yield from self.head(plan)
        yield self.paint("Live on the left, as the manifest says on the right.", "dim")
        yield ""
        seen = attrs.evolve(plan, changes=tuple(_without_remedy(change) for change in plan.changes), steps=())
        yield from self.changes(seen, {action: wording.drifted(action) for action in Action})
        yield from self.refusals(plan)
        yield from self.notes(plan)
        yield from self.prose(wording.drift_summary(plan), "", "bold")

    def report(self, plan: Plan, report: Report) -> Iterator[str]:
        yield from self.head(plan)
        yield ""
        yield from self.outcomes(plan, report)
        yield from self.departures(report)
        if report.residue is not None and not report.residue.empty:
            yield self.paint("Not converged: looked at again, this still differs", "alarm")
            yield ""
            yield from self.changes(report.residue, _WORDS)
            yield from self.refusals(report.residue)
        yield from self.prose(wording.closing(report), "", "alarm" if report.exit_code else "bold")
        yield from self.prose(wording.advice(report), "", "")
        if self.verbose and report.calls:
            calls = ", ".join(f"{plain(call)} {count}" for call, count in report.calls.items())
            yield from self.prose(f"Calls: {calls}", "", "dim")

    def head(self, plan: Plan) -> Iterator[str]:
        yield from self.prose(" · ".join(wording.place(plan)), "", "bold")

    def changes(self, plan: Plan, words: Mapping[Action, str]) -> Iterator[str]:
        first = wording.first_time(plan)
        same = [change for change in plan.changes if change.action is Action.NOOP]
        shown = [change for change in plan.changes if change.action is not Action.NOOP] + same * self.verbose
        column = max((min(len(str(change.address)), self.width // 2) for change in shown), default=0)
        for change in shown:
            yield self.heading(change, words[change.action], column)
            yield from self.prose("" if first and change.reason == ABSENT else change.reason, "      ", "dim")
            for number, told in enumerate(story(plan, change), 1):
                yield from self.prose(f"{number}. {told}", "      ", "", hanging="         ")
            yield from self.differences(wording.differences(plan, change), change)
            yield from self.prose(wording.jobs_at_risk(change), "      ", "red")
            if change.action is not Action.NOOP:
                yield ""
        if shown and shown[-1].action is Action.NOOP:
            yield ""

    def heading(self, change: Change, word: str, column: int) -> str:
        address = wording.cut(plain(str(change.address)), max(column, 20)).ljust(column)
        text = self.paint(f"{change.action.symbol} {address}  {word}", _ACTIONS[change.action])
        if change.impact is not Impact.NONE:
            style = "alarm" if change.impact >= Impact.REPLACEMENT else "yellow"
            text += self.paint(f"  impact: {change.impact}", style)
        if name := wording.title(change):
            text += self.paint(f"  named {wording.cut(name, self.width // 2)}", "dim")
        if whose := wording.whose(change):
            text += self.paint(f"  {whose}", "alarm")
        return f"  {text}"

    def differences(self, differences: tuple[Difference, ...], change: Change) -> Iterator[str]:
        lengths = [len(plain(difference.path)) for difference in differences]
        column = max((length for length in lengths if length <= self.width // 3), default=0)
        for (why, rule), group in groupby(differences, lambda difference: wording.because(change, difference)):
            for difference in group:
                yield from self.difference(difference, column)
            because = f"{why} [{rule}]".strip() if rule else why
            yield from self.prose(because, "        ", "dim")

    def difference(self, difference: Difference, column: int) -> Iterator[str]:
        whole = plain(difference.path)
        path = (whole if self.verbose else wording.cut(_ARN.sub(r"[\1]", whole), self.width - 20)).ljust(column)
        before, after = difference.before, difference.after
        if before is None and not difference.rule and not self.verbose:
            new = wording.begun(values.inline(after), self.width - len(path) - 8)
            yield f"      {path}  {self.paint(new, 'green')}"
            return
        if before is not None and before == after:
            if values.flat(after) and len(values.inline(after)) <= self.width - len(path) - 8:
                yield f"      {path}  {values.inline(after)}"
                return
            yield f"      {path.rstrip()}:"
            yield from self.block(list(values.lines(None, after)), marked=False)
            return
        if values.flat(before) and values.flat(after):
            old, new = values.inline(before), values.inline(after)
            room = self.width - len(path) - 8
            if before is None and len(new) <= room:
                yield f"      {path}  {self.paint(new, 'green')}"
                return
            if len(old) + len(new) + 3 <= room:
                yield f"      {path}  {self.paint(old, 'red')} → {self.paint(new, 'green')}"
                return
        yield f"      {path.rstrip()}:"
        yield from self.block(list(values.lines(before, after)), marked=before is not None)

    def block(self, lines: list[values.Line], *, marked: bool) -> Iterator[str]:
        """The lines of a value; `marked` with what is added and removed."""
        shown = lines if self.verbose else lines[:_BLOCK]
        for line in shown:
            text = line.text if self.verbose else wording.cut(line.text, self.width - 12)
            whole = (f"        {line.sign} {text}" if marked else f"        {text}").rstrip()
            yield self.paint(whole, _SIGNS[line.sign])
        if len(shown) < len(lines):
            yield self.paint(f"        … {wording.many(len(lines) - len(shown), 'more line')} (-v shows all)", "dim")

    def steps(self, plan: Plan) -> Iterator[str]:
        if not (self.verbose and plan.steps):
            return
        yield self.paint("Steps in order", "bold")
        numbers = {step.id: number for number, step in enumerate(plan.steps, 1)}
        names = wording.named(plan)
        for number, step in enumerate(plan.steps, 1):
            places = ", ".join(str(numbers.get(other, plain(other))) for other in step.after)
            after = f"  after {places}" if places else ""
            when = f" ({wording.when(step)})" if wording.when(step) else ""
            yield f"  {number:>3}  {wording.what(step, names)}  {plain(step.address)}{self.paint(after + when, 'dim')}"
            yield from self.prose(step.why, "       ", "dim")
        yield ""

    def refusals(self, plan: Plan) -> Iterator[str]:
        if not plan.refusals:
            return
        yield self.paint("Refused", "alarm")
        for refusal in plan.refusals:
            where = f"{plain(refusal.address)}: " if refusal.address else ""
            yield from self.prose(f"✗ {where}{refusal.message} [{refusal.code}]", "  ", "red", hanging="    ")
            yield from self.prose(f"→ {refusal.hint}" if refusal.hint else "", "    ", "", hanging="      ")
        yield ""

    def notes(self, plan: Plan) -> Iterator[str]:
        for warning in plan.warnings:
            yield from self.prose(f"Warning: {warning}", "", "yellow", hanging="  ")
        if plan.unobserved:
            reasons = "; ".join(f"{kind} ({reason})" for kind, reason in sorted(plan.unobserved.items()))
            told = reasons if self.verbose else f"{', '.join(sorted(plan.unobserved))} (-v says why)"
            yield from self.prose(f"Could not be read: {told}", "", "dim", hanging="  ")
        if plan.warnings or plan.unobserved:
            yield ""

    def outcomes(self, plan: Plan, report: Report) -> Iterator[str]:
        steps, names = {step.id: step for step in plan.steps}, wording.named(plan)
        column = max((min(len(plain(outcome.address)), self.width // 2) for outcome in report.outcomes), default=0)
        for outcome in report.outcomes:
            symbol, style = _ENDS[outcome.status]
            address = wording.cut(plain(outcome.address), max(column, 20)).ljust(column)
            took = self.paint(f"  {wording.span(outcome.seconds)}", "dim") if outcome.seconds else ""
            status = "" if outcome.status == "done" else f"  {outcome.status}"
            yield f"  {self.paint(f'{symbol} {address}  {wording.ended(outcome, steps, names)}{status}', style)}{took}"
            yield from self.ending(outcome, report)
        if report.outcomes:
            yield ""

    def departures(self, report: Report) -> Iterator[str]:
        if report.departures:
            yield self.paint("Not as rehearsed", "yellow")
            for departure in report.departures:
                yield from self.prose(f"{departure.address}: {departure.says}", "  ", "yellow", hanging="    ")
            yield ""

    def ending(self, outcome: Outcome, report: Report) -> Iterator[str]:
        yield from self.prose(wording.behind(outcome, report), "      ", "dim")
        yield from self.prose(outcome.error or "", "      ", "yellow" if outcome.status == "retiring" else "red")
        yield from self.prose(f"→ {outcome.hint}" if outcome.hint else "", "      ", "", hanging="        ")

    def prose(self, text: str, indent: str, style: str, *, hanging: str | None = None) -> Iterator[str]:
        """A message in as many lines as it takes; a line break in it stays one."""
        rest = indent if hanging is None else hanging
        for number, paragraph in enumerate(wording.cut(text, _PROSE).split("\n") if text else ()):
            first = rest if number else indent
            wrapped = textwrap.wrap(
                plain(paragraph), self.width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
            )
            for line in wrapped:
                body = line.lstrip(" ")
                yield line[: len(line) - len(body)] + self.paint(body, style)


def _without_remedy(change: Change) -> Change:
    """The change as what is to be seen now and why it differs, without what it would take to undo it."""
    bare = tuple(
        attrs.evolve(difference, rule="", why=wording.origin(difference.origin)) for difference in change.differences
    )
    still = change.reason if change.action is Action.REPLACE and not change.differences else ""
    reason = "; ".join(filter(None, (still, wording.origin(change.origin))))
    return attrs.evolve(change, impact=Impact.NONE, reason=reason, jobs=None, differences=bare)
