"""The verb that explains fields: one of them at length, all of them as tables, or as a page."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import click

from plans.fields import BLOCK, MANIFEST, FieldRow, Ruling, Said, find, nearest, rows
from providers.errors import InputError
from providers.kinds import Kinds
from providers.kinds.facts import INFERRED
from reconciler.cli.options import Given, all_kinds, given, json_output

_VERDICTS: Mapping[str, str] = {
    "update": "in place",
    "scaling": "scaling update",
    "infrastructure": "infrastructure update",
    "revision": "new revision",
    "replace": "replacement",
    "leave": "left alone",
    "refuse": "refused",
}
_OWNERS: Mapping[str, str] = {
    "user": "the manifest",
    "service": "the manifest, or AWS where it is unsaid",
    "read-only": "AWS",
    "house": "the manifest, for Batchwright alone",
}
_THREAD = re.compile(r"([\w.-]+/[\w.-]+)#([0-9]+)")
_MARGIN = 12
_WIDEST = 60


@click.command()
@click.argument("path", required=False)
@json_output
@click.option("--markdown", "as_markdown", is_flag=True, help="The tables as sections of a page.")
@given()
def explain(options: Given, path: str | None, as_json: bool, as_markdown: bool) -> int:
    """Tell what a field is, and what a change of it does.

    It shows its type, who says it, its default, and each verdict with its source. PATH is written as in a manifest:
    computeResources.type, or with its kind, jobQueues.priority. Without PATH all fields are listed.
    """
    kinds, terminal = all_kinds(), options.terminal
    every = rows(kinds)
    told = every if path is None else find(path, every)
    if not told:
        near = nearest(str(path), every)
        hint = f"did you mean {near}?" if near else "`batchwright explain` lists all that are known"
        raise InputError(f"no manifest has a field {path}", hint=hint)
    if as_json:
        terminal.document([_plain(attrs.asdict(row)) for row in told])
    elif as_markdown:
        terminal.result(markdown(told, kinds))
    elif path is None:
        terminal.result(tables(told, kinds))
    else:
        terminal.result("\n".join(at_length(row, terminal.width) for row in told))
    return 0


def at_length(row: FieldRow, width: int) -> str:
    """Everything about one field, for a terminal of this width."""
    lines = [row.name if row.section else f"{row.path} ({'on top' if row.kind == MANIFEST else 'in every block'})"]
    for label, text in _facts(row):
        wrapped = textwrap.wrap(text, max(40, width - _MARGIN - 2), break_long_words=False, break_on_hyphens=False)
        lines += [f"  {label if place == 0 else '':{_MARGIN}}{line}" for place, line in enumerate(wrapped)]
    return "\n".join(lines) + "\n"


def _facts(row: FieldRow) -> Iterator[tuple[str, str]]:
    if row.says:
        yield "says", f"{row.says}{'' if row.says.endswith('.') else '.'}"
    yield "takes", _takes(row)
    yield "said by", _OWNERS[row.owner]
    for said in row.defaults:
        yield "default", f"{_value(said)} ({said.source})"
    for ruling in row.rulings:
        yield "on change", f"{_on_change(ruling)} [{ruling.rule}] ({ruling.source})"
    for said in row.resets:
        yield "when unset", f"an update sends {_value(said)} ({said.source})"
    if row.ordered:
        yield "order", "counts"
    for note in row.notes:
        yield "note", f"{note.says} ({note.source})"


def _takes(row: FieldRow) -> str:
    words = f"{row.type}: {', '.join(row.enum)}" if row.enum else row.type
    return f"{words}; required" if row.required else words


def _on_change(ruling: Ruling) -> str:
    """Where, what and why; what the reason says itself is not said twice."""
    verdict = _VERDICTS[ruling.verdict]
    return ": ".join(filter(None, (ruling.condition, verdict if verdict not in ruling.why else "", ruling.why)))


def _value(said: Said) -> str:
    return f"{_written(said.value)}, {said.condition}" if said.condition else _written(said.value)


def _written(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case Mapping():
            return "{" + ", ".join(f"{key}: {_written(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_written, value)) + "]"
    return '""' if value == "" else str(value)


def _plain(value: Any) -> Any:
    match value:
        case Mapping():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
    return value


def tables(told: Iterable[FieldRow], kinds: Kinds) -> str:
    """A line a field under the title of each kind: what it takes, its default, and what a change may be."""
    made = []
    for kind, of_it in _by_kind(told).items():
        widest = min(_WIDEST, max(len(row.path) for row in of_it))
        lines = [f"  {row.path:{widest}}  {_in_short(row)}" for row in of_it]
        made.append("\n".join([_title(kind, kinds), *lines]) + "\n")
    return "\n".join(made)


def _in_short(row: FieldRow) -> str:
    verdicts = dict.fromkeys(_VERDICTS[ruling.verdict] for ruling in row.rulings)
    parts = [row.type, " or ".join(verdicts), *(f"default {_value(said)}" for said in row.defaults[:1])]
    return "; ".join(filter(None, parts))


def _by_kind(told: Iterable[FieldRow]) -> Mapping[str, Sequence[FieldRow]]:
    found: dict[str, list[FieldRow]] = {}
    for row in told:
        found.setdefault(row.kind, []).append(row)
    return found


def _title(kind: str, kinds: Kinds) -> str:
    titles = {MANIFEST: "On top of a manifest", BLOCK: "In every block"}
    return titles.get(kind) or f"{kinds[kind].title.capitalize()} ({kinds[kind].section})"


def markdown(told: Iterable[FieldRow], kinds: Kinds) -> str:
    """A section for each kind: the table of its rules, and that of its fields, which names them.

    The members of a shape that a kind has shown already are not repeated.
    """
    return "\n".join(_section(kind, of_it, kinds) for kind, of_it in _by_kind(told).items())


def _section(kind: str, of_it: Sequence[FieldRow], kinds: Kinds) -> str:
    rulings = {ruling.rule: ruling for row in of_it for ruling in row.rulings}
    title = _title(kind, kinds)
    if not rulings:
        return f"## {title}\n\n" + _table(
            ("key", "takes", "means"), ((f"`{row.path}`", _takes(row), row.says) for row in of_it)
        )
    shown, like = _once(of_it)
    rules = _table(
        ("rule", "where", "a change is", "because", "from"),
        (
            (f"`{name}`", ruling.condition, _VERDICTS[ruling.verdict], ruling.why, _linked(ruling.source))
            for name, ruling in rulings.items()
        ),
    )
    fields = _table(
        ("field", "takes", "unsaid", "rules", "beside that"),
        (
            (
                f"`{row.path}`",
                _takes(row) + (f", as `{like[row.path]}`" if row.path in like else ""),
                _unsaid(row),
                ", ".join(f"`{ruling.rule}`" for ruling in row.rulings),
                _beside(row),
            )
            for row in shown
        ),
    )
    return f"## {title}\n\n{rules}\n{fields}"


def _once(of_it: Iterable[FieldRow]) -> tuple[Sequence[FieldRow], Mapping[str, str]]:
    """The rows whose place in the model comes first, and for a path whose members are told elsewhere, where."""
    shown: list[FieldRow] = []
    first: dict[str, str] = {}
    like: dict[str, str] = {}
    for row in of_it:
        elsewhere = first.setdefault(row.label, row.path) if row.label else row.path
        if elsewhere == row.path:
            shown.append(row)
        else:
            like.setdefault(_holder(row.path), _holder(elsewhere))
    return shown, like


def _holder(path: str) -> str:
    return path.rpartition(".")[0].removesuffix("[]")


def _unsaid(row: FieldRow) -> str:
    defaults = [f"{_value(said)} ({_linked(said.source)})" for said in row.defaults]
    resets = [f"sent: {_value(said)} ({_linked(said.source)})" for said in row.resets]
    return "; ".join([*defaults, *resets])


def _beside(row: FieldRow) -> str:
    order = ["its order counts"] if row.ordered else []
    owner = [f"said by {_OWNERS[row.owner]}"] if row.owner != "user" and row.rulings else []
    own = [row.says] if row.owner == "house" else []
    return "; ".join([*own, *owner, *order, *(f"{note.says} ({_linked(note.source)})" for note in row.notes)])


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    written = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in written)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _linked(source: str) -> str:
    """The sources of a row as links: pages by their name, issues by their number."""
    return ", ".join(_link(part) for part in source.split("; "))


def _link(source: str) -> str:
    said, marked, page = source.rpartition(INFERRED)
    if marked:
        return f"{said}{marked}{_link(page)}"
    if thread := _THREAD.fullmatch(source):
        return f"[{source}](https://github.com/{thread[1]}/issues/{thread[2]})"
    name = source.partition("#")[0].rstrip("/").rpartition("/")[2].removesuffix(".html").removeprefix("API_")
    return f"[{name}]({source})"
