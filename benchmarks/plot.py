"""Rows as one picture: how each stands to its goal, or to what it is held against, on a scale of logarithms.

One SVG that needs nothing else. A bar to the left of the line is better than that; its ends show the spread.
"""

import math
from collections.abc import Callable, Sequence
from xml.sax.saxutils import escape

from benchmarks.frame import Row
from benchmarks.showing import amount

LEFT, WIDE, RIGHT, STEP, TOP = 380, 460, 120, 22, 46
_COLOURS = {True: "#2a7f4f", False: "#b5482a", None: "#5b6f8f"}
_STYLE = "text{font:12px sans-serif;fill:#222}.n{fill:#666}rect.back{fill:#fff}"
_TITLE = "each figure over its goal (green met, red not), or over what it is held against (grey)"


def standing(row: Row) -> float | None:
    """The figure as a share of its goal, or else of what it is held against; None where there is neither."""
    share = row.ratio if row.target is None else row.figure / row.target
    return share if share is not None and share > 0 else None


def svg(rows: Sequence[Row]) -> str:
    shown = [(row, share) for row in rows if (share := standing(row)) is not None]
    reach = max([1.0, *(abs(math.log10(share)) for _, share in shown)])
    height = TOP + STEP * len(shown) + 16
    width = LEFT + WIDE + RIGHT

    def across(share: float) -> float:
        return LEFT + WIDE / 2 * (1 + math.log10(share) / reach)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f"<title>{_TITLE}</title><style>{_STYLE}</style>",
        f'<rect class="back" width="{width}" height="{height}"/>',
    ]
    parts += [_scale(across(10.0**power), 10.0**power, height) for power in range(-int(reach), int(reach) + 1)]
    for place, (row, share) in enumerate(shown):
        parts.append(_bar(row, share, TOP + STEP * place, across))
    return "\n".join([*parts, "</svg>\n"])


def _scale(x: float, value: float, height: int) -> str:
    colour = "#222" if value == 1 else "#ddd"
    line = f'<line x1="{x:.1f}" y1="30" x2="{x:.1f}" y2="{height - 8}" stroke="{colour}"/>'
    return f'{line}<text class="n" x="{x:.1f}" y="22" text-anchor="middle">{value:g}</text>'


def _bar(row: Row, share: float, y: float, across: Callable[[float], float]) -> str:
    begin, end = sorted((across(1.0), across(share)))
    spread = min(row.spread or 0.0, 0.9)
    low, high = across(share * (1 - spread)), across(share * (1 + spread))
    middle = y + STEP / 2 - 4
    told = amount(row.figure, row.unit if row.ratio is None else "")
    return (
        f'<text x="{LEFT - 8}" y="{middle + 4:.1f}" text-anchor="end">{escape(row.name)}</text>'
        f'<rect x="{begin:.1f}" y="{y + 2}" width="{max(1.0, end - begin):.1f}" height="{STEP - 12}"'
        f' fill="{_COLOURS[row.met]}"/>'
        f'<line x1="{low:.1f}" y1="{middle - 1:.1f}" x2="{high:.1f}" y2="{middle - 1:.1f}" stroke="#222"/>'
        f'<text class="n" x="{LEFT + WIDE + 8}" y="{middle + 4:.1f}">{escape(told)}</text>'
    )
