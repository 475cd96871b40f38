"""The ratios of an earlier run, kept in the repository: what got worse is told, and is no failure."""

import json
from collections.abc import Iterable
from pathlib import Path

from benchmarks.frame import Row

FILE = Path(__file__).with_name("baseline.json")
TOLERANCE = 1.15


def worse(rows: Iterable[Row], file: Path = FILE) -> list[str]:
    """A sentence for each ratio, or figure that has a goal, that is more than 15 % above what it was."""
    kept: dict[str, float] = json.loads(file.read_text()) if file.exists() else {}
    return [
        f"{row.name}: {row.figure:.3g}, and it was {kept[row.name]:.3g}"
        for row in rows
        if _compared(row) and row.name in kept and row.figure > max(kept[row.name], 0.0) * TOLERANCE
    ]


def keep(rows: Iterable[Row], file: Path = FILE) -> None:
    """Put these in the place of those of the same names."""
    kept = json.loads(file.read_text()) if file.exists() else {}
    told = {row.name: float(f"{row.figure:.4g}") for row in rows if _compared(row)}
    file.write_text(json.dumps(dict(sorted((kept | told).items())), indent=1, ensure_ascii=False) + "\n")


def _compared(row: Row) -> bool:
    return row.ratio is not None or (row.target is not None and row.unit != "s")
