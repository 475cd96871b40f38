"""The plan as Markdown, for a comment on a pull request (GitHub's dialect, which others read too).

Names stand in code spans and values in fences longer than any run of backticks in them; all other text is escaped, so
that it makes no markup, no link, no picture and mentions nobody.
"""

import html
import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from plans.change import Action, Change, Impact
from plans.plan import Plan
from plans.printable import plain
from plans.report import Report
from plans.views import values, wording
from plans.views.story import story

LIMIT = 60_000
"""Characters of a comment; GitHub takes 65,536."""

_CUT = 300
_ROWS = 200
_PUNCTUATION = re.compile(r"([\\`*_\[\]#~!])")


def render(plan: Plan, report: Report | None = None, *, limit: int = LIMIT) -> str:
    """The plan, or with a report how its apply ended; ends in a newline.

    What would go beyond `limit` characters is left out, details first, and it says so.
    """
    residue = None if report is None or report.residue is None or report.residue.empty else report.residue
    refusals = _refusals(plan) if report is None else ()
    head = [*_head(plan, report), *refusals, *_table(plan), *_notes(plan), *_outcomes(plan, report)]
    blocks = [*head, *(details for change in plan.changes if (details := "\n".join(_details(plan, change))))]
    if residue is not None:
        blocks += ["### Not converged", "", "Looked at again, this still differs:", ""]
        blocks += [*_refusals(residue), *_table(residue)]
        blocks += [details for change in residue.changes if (details := "\n".join(_details(residue, change)))]
    return _fitting(blocks, limit)


def _fitting(blocks: list[str], limit: int) -> str:
    """As many blocks as fit, from the first; each can stand last."""
    kept, left = [], limit - 100
    for number, block in enumerate(blocks):
        left -= len(block) + 1
        if left < 0:
            kept += ["", f"_{wording.many(len(blocks) - number, 'more part')} of this did not fit here._"]
            break
        kept.append(block)
    return "\n".join(kept).rstrip("\n") + "\n"


def _head(plan: Plan, report: Report | None) -> Iterator[str]:
    yield f"## Batchwright {'plan' if report is None else 'apply'}: {_code(plan.stack)}"
    yield ""
    yield " · ".join(_prose(part) for part in wording.place(plan))
    yield ""
    yield f"**{_prose(wording.summary(plan) if report is None else wording.closing(report))}**"
    if report is not None and wording.advice(report):
        yield ""
        yield _prose(wording.advice(report))
    elif report is None and wording.first_time(plan):
        yield ""
        yield "Nothing of this stack is in this account and region yet."
    yield ""


def _table(plan: Plan) -> Iterator[str]:
    changes = [change for change in plan.changes if change.action is not Action.NOOP]
    if not changes:
        return
    yield from _row("", "Resource", "Action", "Impact", "Reason")
    yield "|---|---|---|---|---|"
    for change in changes[:_ROWS]:
        impact = "" if change.impact is Impact.NONE else f"**{change.impact}**"
        reason = "; ".join(text for text in (change.reason, wording.jobs_at_risk(change)) if text)
        told = [f"{number}. {_prose(text)}" for number, text in enumerate(story(plan, change), 1)]
        address = " ".join(filter(None, (_code(str(change.address)), _prose(wording.whose(change)))))
        words = "<br>".join(filter(None, (_prose(reason), *told)))
        yield from _row(f"`{change.action.symbol}`", address, change.action.value, impact, words)
    if len(changes) > _ROWS:
        yield from _row("", f"… and {len(changes) - _ROWS} more", "", "", "")
    yield ""


def _refusals(plan: Plan) -> Iterator[str]:
    if not plan.refusals:
        return
    yield "### Refused"
    yield ""
    for refusal in plan.refusals:
        where = f"{_code(refusal.address)}: " if refusal.address else ""
        hint = f"<br>→ {_prose(refusal.hint)}" if refusal.hint else ""
        yield f"- ❌ {where}{_prose(refusal.message)} ({_code(refusal.code)}){hint}"
    yield ""


def _notes(plan: Plan) -> Iterator[str]:
    for warning in plan.warnings:
        yield f"- ⚠️ {_prose(warning)}"
    for kind, reason in sorted(plan.unobserved.items()):
        yield f"- Could not be read: {_code(kind)} ({_prose(reason)})"
    if plan.warnings or plan.unobserved:
        yield ""


def _outcomes(plan: Plan, report: Report | None) -> Iterator[str]:
    if report is None or not report.outcomes:
        return
    steps, names = {step.id: step for step in plan.steps}, wording.named(plan)
    yield from _row("Resource", "Step", "Ended", "Time", "")
    yield "|---|---|---|---|---|"
    for outcome in report.outcomes[:_ROWS]:
        because = wording.behind(outcome, report)
        words = [_prose(text) for text in (because, outcome.error, outcome.hint and f"→ {outcome.hint}") if text]
        time = wording.span(outcome.seconds) if outcome.seconds else ""
        call = _code(wording.ended(outcome, steps, names))
        yield from _row(_code(outcome.address), call, outcome.status, time, "<br>".join(words))
    if len(report.outcomes) > _ROWS:
        yield from _row(f"… and {len(report.outcomes) - _ROWS} more", "", "", "", "")
    yield ""


def _details(plan: Plan, change: Change) -> Iterator[str]:
    """What differs in one resource, or nothing."""
    differences = wording.differences(plan, change)
    if change.action is Action.NOOP or not differences:
        return
    name = f", named <code>{_html(wording.title(change))}</code>" if wording.title(change) else ""
    yield f"<details><summary><code>{_html(str(change.address))}</code> {change.action.value}{name}</summary>"
    yield ""
    for (why, rule), group in groupby(differences, lambda difference: wording.because(change, difference)):
        texts = [
            f"{line.sign} {wording.cut(line.text, _CUT)}".rstrip()
            for difference in group
            for line in values.listing(difference)
        ]
        yield from _fenced(texts)
        yield ""
        if why or rule:
            yield f"{_prose(why)} {_code(rule) if rule else ''}".strip()
            yield ""
    yield "</details>"
    yield ""


def _fenced(texts: Iterable[str]) -> Iterator[str]:
    body = list(texts)
    fence = "`" * max(3, 1 + _longest_run("\n".join(body)))
    yield f"{fence}diff"
    yield from body
    yield fence


def _row(*cells: str) -> Iterator[str]:
    yield f"| {' | '.join(cells)} |"


def _code(text: str) -> str:
    """A code span that also holds in a table, where a backtick or a pipe would end it."""
    shown = plain(text)
    return f"<code>{_html(shown)}</code>" if {"`", "|", "\\"} & set(shown) or not shown.strip() else f"`{shown}`"


def _html(text: str) -> str:
    """Text inside an HTML element that still is Markdown: whatever could be markup is an entity."""
    return re.sub(r"[^\w .,:/-]|_", lambda match: f"&#{ord(match[0])};", plain(text))


def _prose(text: str) -> str:
    escaped = html.escape(_PUNCTUATION.sub(r"\\\1", plain(wording.cut(text, 4 * _CUT))), quote=False)
    return escaped.replace("|", "&#124;").replace("@", "@<!-- -->")


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
