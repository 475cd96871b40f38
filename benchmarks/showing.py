"""Rows as people read them: a table on the terminal, and one in Markdown between the markers of a page."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.frame import Row, Skipped

HEAD = ("", "ours", "theirs", "ratio", "spread", "goal", "met", "held against")


def amount(value: float | None, unit: str) -> str:
    """A figure with its unit; seconds that are few are milliseconds."""
    match unit:
        case _ if value is None:
            return ""
        case "s" if abs(value) < 0.01:
            return f"{value * 1000:.3g} ms"
        case "s" if abs(value) < 10:
            return f"{value * 1000:,.0f} ms"
        case "s" | "MiB":
            return f"{value:,.0f} {unit}"
        case "calls":
            return f"{value:,.0f}"
        case _:
            return f"{value:.2f}"


def cells(row: Row) -> tuple[str, ...]:
    """What stands under each head."""
    target = row.target
    goal = "" if target is None else f"≤ {amount(target, row.unit) if row.ratio is None else f'{target:.3g}'}"
    return (
        row.name,
        amount(row.ours, row.unit),
        amount(row.theirs, row.unit),
        "" if row.ratio is None else f"{row.ratio:.3g}",
        "" if row.spread is None else f"± {row.spread * 100:.0f} %",
        goal,
        {None: "", True: "yes", False: "no"}[row.met],
        row.against or ("" if row.unit in ("s", "MiB", "calls") else row.unit),
    )


def table(rows: Sequence[Row], skipped: Iterable[Skipped] = ()) -> str:
    """The rows in columns, what was left out below them."""
    lines = [HEAD, *(cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    made = [_line(line, widths) for line in lines]
    return "\n".join([*made, *(f"not measured: {each.name}: {each.why}" for each in skipped)])


def _line(line: Sequence[str], widths: Sequence[int]) -> str:
    first, *middle, last = line
    numbers = [cell.rjust(width) for cell, width in zip(middle, widths[1:-1], strict=True)]
    return "  ".join([first.ljust(widths[0]), *numbers, last]).rstrip()


def markdown(rows: Sequence[Row], skipped: Iterable[Skipped] = ()) -> str:
    """The same for a page, with what there is to say of a row below."""
    lines = [HEAD, ("---", *["---:"] * 5, "---", "---"), *(cells(row) for row in rows)]
    made = [f"| {' | '.join(line)} |" for line in lines]
    notes = [f"- {row.name}: {row.note}" for row in rows if row.note]
    notes += [f"- not measured: {each.name}: {each.why}" for each in skipped]
    return "\n".join([*made, *(["", *notes] if notes else [])])


def renew(page: Path, name: str, text: str) -> None:
    """Put a text between the two markers of its name on a page, which must have them."""
    begins, ends = f"<!-- {name}: ", f"<!-- end of {name} -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(begins)
    comment, _, rest = rest.partition("\n")
    _, ended, after = rest.partition(ends)
    assert ended, f"{page} has no place for {name}"
    page.write_text(f"{before}{begins}{comment}\n\n{text}\n\n{ends}{after}", encoding="utf-8")
