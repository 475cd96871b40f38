"""The plan as one HTML file that needs nothing else: no script, no font, no picture, nothing from any network.

A content security policy forbids all of that too, so that even a mistake in quoting would load and run nothing.
"""

import html
from collections.abc import Iterable, Iterator
from itertools import groupby

from plans.change import Action, Change, Impact
from plans.plan import Plan
from plans.printable import plain
from plans.report import Report
from plans.views import values, wording
from plans.views.story import story

_CUT = 4000

OURS = '<meta name="generator" content="batchwright">'
"""By this a page of ours is told from other files, within its first 200 characters."""

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --paper: #ffffff; --soft: #60646c; --line: #d9d9e0; --wash: #f4f4f6;
  --green: #18794e; --red: #c22e28; --yellow: #8f6400; --magenta: #8e37b8; --blue: #0b68cb; --cyan: #0d7490; }
@media (prefers-color-scheme: dark) { :root { --ink: #edeef0; --paper: #111113; --soft: #a3a7ae; --line: #363a3f;
  --wash: #1b1c1f; --green: #4cc38a; --red: #ff8b82; --yellow: #f5d90a; --magenta: #d19dff; --blue: #70b8ff;
  --cyan: #5bc8db; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 64rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
code, pre { font: .875rem/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { background: var(--wash); border-radius: 6px; padding: .5rem .75rem; margin: .25rem 0; white-space: pre-wrap; }
.soft { color: var(--soft); } .result { font-size: 1.1rem; font-weight: 600; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .4rem 0; padding: .4rem .75rem; }
summary { cursor: pointer; } summary code { font-weight: 600; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem .3rem 0; vertical-align: top; }
.box { border-left: 4px solid var(--red); background: var(--wash); padding: .5rem .75rem; margin: .4rem 0; }
.box.warning { border-color: var(--yellow); }
.create, .added, .done { color: var(--green); } .update, .interrupted, .retiring { color: var(--yellow); }
.register { color: var(--cyan); } .replace { color: var(--magenta); } .adopt, .tag, .untag { color: var(--blue); }
.delete, .removed, .failed, .alarm { color: var(--red); } .noop, .gap, .skipped { color: var(--soft); }
"""

_SIGNS = {"+": "added", "-": "removed", " ": "common", "…": "gap"}


def render(plan: Plan, report: Report | None = None) -> str:
    """The plan, or with a report how its apply ended; ends in a newline."""
    title = f"Batchwright {'plan' if report is None else 'apply'}: {plain(plan.stack)}"
    body = [
        *_head(plan, report, title),
        *(_refusals(plan) if report is None else ()),
        *_notes(plan),
        *_outcomes(plan, report),
        *_changes(plan, "Changes"),
        *(_residue(report) if report is not None else ()),
        *_steps(plan),
        *_unchanged(plan),
        *_foot(plan),
    ]
    return document(title, body)


def document(title: str, body: Iterable[str], style: str = "") -> str:
    """A whole file around the lines of a body, which are markup; `style` is more of it."""
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        OURS,
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{escaped(title)}</title>",
        f"<style>{_STYLE}{style}</style>",
        "</head>",
        "<body>",
        *body,
        "</body>",
        "</html>",
    ]
    return "\n".join(parts) + "\n"


def _head(plan: Plan, report: Report | None, title: str) -> Iterator[str]:
    yield f"<h1>{escaped(title)}</h1>"
    yield f'<p class="soft">{escaped(" · ".join(wording.place(plan)))}</p>'
    failed = bool(plan.refusals) if report is None else report.exit_code != 0
    words = wording.summary(plan) if report is None else wording.closing(report)
    yield f'<p class="result{" alarm" if failed else ""}">{escaped(words)}</p>'
    if report is not None and wording.advice(report):
        yield f"<p>{escaped(wording.advice(report))}</p>"
    elif report is None and wording.first_time(plan):
        yield "<p>Nothing of this stack is in this account and region yet.</p>"


def _refusals(plan: Plan) -> Iterator[str]:
    if plan.refusals:
        yield "<h2>Refused</h2>"
    for refusal in plan.refusals:
        where = f"{coded(refusal.address)} " if refusal.address else ""
        hint = f"<br>→ {escaped(refusal.hint)}" if refusal.hint else ""
        code = f'<span class="soft">[{escaped(refusal.code)}]</span>'
        yield f'<div class="box">{where}{escaped(refusal.message)} {code}{hint}</div>'


def _notes(plan: Plan) -> Iterator[str]:
    for warning in plan.warnings:
        yield f'<div class="box warning">{escaped(warning)}</div>'
    for kind, reason in sorted(plan.unobserved.items()):
        yield f'<p class="soft">Could not be read: {coded(kind)} ({escaped(reason)})</p>'


def _outcomes(plan: Plan, report: Report | None) -> Iterator[str]:
    if report is None or not report.outcomes:
        return
    steps, names = {step.id: step for step in plan.steps}, wording.named(plan)
    yield "<h2>How it went</h2>"
    yield from table_head("Resource", "Step", "Ended", "Time")
    for outcome in report.outcomes:
        because = wording.behind(outcome, report)
        words = [because, outcome.error or "", f"→ {outcome.hint}" if outcome.hint else ""]
        more = "".join(f"<br>{escaped(text)}" for text in words if text)
        yield (
            f"<tr><td>{coded(outcome.address)}</td><td>{coded(wording.ended(outcome, steps, names))}{more}</td>"
            f'<td class="{outcome.status}">{outcome.status}</td><td>{wording.span(outcome.seconds)}</td></tr>'
        )
    yield "</table>"


def _changes(plan: Plan, heading: str) -> Iterator[str]:
    changes = [change for change in plan.changes if change.action is not Action.NOOP]
    if changes:
        yield f"<h2>{heading}</h2>"
    for change in changes:
        yield from _change(plan, change)


def _change(plan: Plan, change: Change) -> Iterator[str]:
    action = change.action.value
    impact = "" if change.impact is Impact.NONE else f' <span class="alarm">impact: {change.impact}</span>'
    name = f' <span class="soft">named {escaped(wording.title(change))}</span>' if wording.title(change) else ""
    whose = f' <span class="alarm">{escaped(wording.whose(change))}</span>' if wording.whose(change) else ""
    yield "<details open>"
    yield (
        f'<summary><span class="{action}">{change.action.symbol}</span> {coded(str(change.address))} '
        f'<span class="{action}">{action}</span>{impact}{name}{whose}</summary>'
    )
    if change.reason:
        yield f"<p>{escaped(change.reason)}</p>"
    told = [f"<li>{escaped(text)}</li>" for text in story(plan, change)]
    if told:
        yield f"<ol>{''.join(told)}</ol>"
    if risk := wording.jobs_at_risk(change):
        yield f'<p class="alarm">{escaped(risk)}</p>'
    differences = wording.differences(plan, change)
    for (why, rule), group in groupby(differences, lambda difference: wording.because(change, difference)):
        yield _block(line for difference in group for line in values.listing(difference))
        if why or rule:
            yield f'<p class="soft">{escaped(why)} {coded(rule) if rule else ""}</p>'
    yield "</details>"


def _block(lines: Iterable[values.Line]) -> str:
    body = "\n".join(
        f'<span class="{_SIGNS[line.sign]}">{line.sign} {escaped(line.text).rstrip()}</span>' for line in lines
    )
    return f"<pre>{body}</pre>"


def _residue(report: Report) -> Iterator[str]:
    if report.residue is not None and not report.residue.empty:
        yield from _refusals(report.residue)
        yield from _changes(report.residue, "Not converged: looked at again, this still differs")


def _steps(plan: Plan) -> Iterator[str]:
    if not plan.steps:
        return
    numbers = {step.id: number for number, step in enumerate(plan.steps, 1)}
    names = wording.named(plan)
    yield "<h2>Steps in order</h2>"
    yield from table_head("", "Step", "Resource", "After", "Why")
    for number, step in enumerate(plan.steps, 1):
        after = ", ".join(str(numbers.get(other, other)) for other in step.after)
        when = f' <span class="soft">({wording.when(step)})</span>' if wording.when(step) else ""
        yield (
            f"<tr><td>{number}</td><td>{coded(wording.what(step, names))}{when}</td><td>{coded(step.address)}</td>"
            f"<td>{escaped(after)}</td><td>{escaped(step.why)}</td></tr>"
        )
    yield "</table>"


def _unchanged(plan: Plan) -> Iterator[str]:
    same = [change for change in plan.changes if change.action is Action.NOOP]
    if same:
        yield f"<details><summary>{wording.many(len(same), 'resource')} as the manifest says</summary>"
        yield f"<p>{', '.join(coded(str(change.address)) for change in same)}</p></details>"


def _foot(plan: Plan) -> Iterator[str]:
    tools = ", ".join(f"{tool} {version}" for tool, version in plan.versions.items())
    made = f", made at {plan.made_at}{f' with {tools}' if tools else ''}"
    yield f'<p class="soft">Plan {coded(plan.id)}{escaped(made)}</p>'


def table_head(*titles: str) -> Iterator[str]:
    """How a table begins; the titles are markup."""
    yield f"<table><tr>{''.join(f'<th>{title}</th>' for title in titles)}</tr>"


def coded(text: str) -> str:
    """Markup that shows a text from outside as code."""
    return f"<code>{escaped(text)}</code>"


def escaped(text: str) -> str:
    """A text from outside as markup that shows it, cut where it is very long."""
    return html.escape(plain(wording.cut(text, _CUT)))
