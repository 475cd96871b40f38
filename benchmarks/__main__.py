"""Runs the measurements, each in a process of its own, and shows what they tell."""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs

from benchmarks import baseline, breakdown, plot, showing
from benchmarks.frame import PYTHON, ROOT, Row, Setting, Skipped, environ
from benchmarks.measure import MEASUREMENTS

_ABOUT = """Speed, memory and calls of Batchwright, each held against something in the same run. All of it takes
some ten minutes on two cores, --quick less than two. A life under Terraform with hashicorp/aws takes four
minutes more, and is lived where BATCHWRIGHT_BENCH_TERRAFORM_MIRROR names a folder that holds it; with --full it is one
of a full account, half an hour. Nothing of this fails: what is worse than benchmarks/baseline.json by more than 15 % is
told."""


def rows(names: Sequence[str], setting: Setting) -> Iterator[Row | Skipped]:
    """What the measurements of these names tell; one that breaks is told, and the others go on."""
    for name in names:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        given = json.dumps(attrs.asdict(setting) | {"folder": str(setting.folder)})
        done = subprocess.run(
            [PYTHON, "-m", "benchmarks.measure", name, given],
            cwd=ROOT,
            env=environ(setting.folder),
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        for line in done.stdout.splitlines():
            told: dict[str, Any] = json.loads(line)
            yield Skipped(**told) if "why" in told else Row.of_json(told)
        if done.returncode:
            yield Skipped(name, "it broke; see above")


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=_ABOUT)
    parser.add_argument("--only", nargs="+", choices=list(MEASUREMENTS), metavar="NAME", default=list(MEASUREMENTS),
                        help=f"some of {', '.join(MEASUREMENTS)}")  # fmt: skip
    parser.add_argument("--rounds", type=int, default=7, help="turns of each, of what is slow fewer (7)")
    parser.add_argument("--quick", action="store_true", help="smaller accounts and fewer turns, under two minutes")
    parser.add_argument("--full", action="store_true", help="a full account under Terraform too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the rows as JSON")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="the rows as one SVG")
    parser.add_argument("--page", type=Path, metavar="FILE", help="renew the tables between the markers of a page")
    parser.add_argument("--keep", action="store_true", help="keep the ratios as the baseline")
    options = parser.parse_args(given)
    if options.page and options.only != list(MEASUREMENTS):
        parser.error("a page takes all measurements")
    if options.quick and (options.page or options.keep):
        parser.error("a quick run is no measure for others")
    return options


def main(given: Sequence[str] | None = None) -> None:
    options = arguments(given)
    with tempfile.TemporaryDirectory() as name:
        setting = Setting(Path(name), options.rounds, options.quick, options.full)
        told = list(rows(options.only, setting))
        parts = breakdown.measure(setting) if options.page else []
    found = [row for row in told if isinstance(row, Row)]
    skipped = [row for row in told if isinstance(row, Skipped)]
    print(showing.table(found, skipped))
    for sentence in () if options.quick else baseline.worse(found):
        print(f"worse than the baseline: {sentence}")
    if options.json:
        machine = {"python": platform.python_version(), "system": platform.platform()}
        document = {
            **machine,
            "rows": [row.to_json() for row in found],
            "skipped": [attrs.asdict(row) for row in skipped],
        }
        options.json.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    if options.plot:
        options.plot.write_text(plot.svg(found), encoding="utf-8")
    if options.page:
        showing.renew(options.page, "figures", showing.markdown(found, skipped))
        showing.renew(options.page, "breakdown", breakdown.markdown(parts))
    if options.keep:
        baseline.keep(found)


if __name__ == "__main__":
    main()
