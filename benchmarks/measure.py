"""The measurements there are. `python -m benchmarks.measure NAME SETTING` runs one and prints a row a line."""

import json
import sys
from importlib import import_module
from pathlib import Path

import attrs

from benchmarks.frame import Row, Rows, Setting

# By name, the function that measures.
MEASUREMENTS = {
    "help": "starting:helps",
    "three": "starting:three",
    "nochange": "nochange:measure",
    "terraform": "terraform:measure",
    "ansible": "ansible:measure",
    "lives": "lives:measure",
    "makespan": "makespan:measure",
    "calls": "calls:measure",
    "growth": "growth:measure",
    "simulator": "simulating:measure",
    "emptying": "simulating:emptying",
}


def measured(name: str, setting: Setting) -> Rows:
    """The rows of one measurement, in this process."""
    module, _, function = MEASUREMENTS[name].partition(":")
    rows: Rows = getattr(import_module(f"benchmarks.{module}"), function)(setting)
    return rows


def main() -> None:
    name, told = sys.argv[1:]
    given = json.loads(told)
    for row in measured(name, Setting(**given | {"folder": Path(given["folder"])})):
        said = row.to_json() if isinstance(row, Row) else attrs.asdict(row)
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
