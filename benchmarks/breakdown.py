"""Where each millisecond of a no-change plan goes: `python -m benchmarks.breakdown`.

The command line runs on a full account while `sampling` looks at it every millisecond.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import attrs

from benchmarks.account import as_yaml
from benchmarks.frame import PYTHON, Setting, spend
from benchmarks.serving import FULL, SMALL, serving

_RUN = """
import sys
from benchmarks.sampling import sampled
began, *command = sys.argv[1:]
found = sampled(command, float(began))
import json
print(json.dumps(found))
"""


@attrs.frozen
class Part:
    """What a share of the time goes to, in seconds on the wall."""

    name: str
    seconds: float


def measure(setting: Setting) -> list[Part]:
    """The parts, the largest first; each is the median of some runs."""
    holding, folder = (SMALL if setting.quick else FULL), setting.folder
    (folder / "broken.yaml").write_text(as_yaml(holding.manifest()))
    runs: list[dict[str, float]] = []
    with serving(folder, holding, frozen=True) as endpoint:
        command = ["plan", "broken.yaml", "--endpoint-url", endpoint, "--max-api-rate", "200", "--parallelism", "16"]
        for _ in range(setting.rounds + 1):
            spent = spend(folder, PYTHON, "-c", _RUN, repr(time.time()), *command)
            found = json.loads(spent.printed.splitlines()[-1])
            runs.append(found | {"Python ends": spent.wall - sum(found.values())})
    names = {name for run in runs for name in run}
    parts = [Part(name, statistics.median(run.get(name, 0.0) for run in runs[1:])) for name in names]
    return sorted(parts, key=lambda each: -each.seconds)


def markdown(parts: Sequence[Part]) -> str:
    whole = sum(each.seconds for each in parts)
    rows = [f"| {each.name} | {each.seconds * 1000:,.0f} | {each.seconds / whole * 100:.0f} % |" for each in parts]
    shown = [row for row, each in zip(rows, parts, strict=True) if each.seconds >= 0.0005]
    return "\n".join(["| | ms | |", "| --- | ---: | ---: |", *shown, f"| all | {whole * 1000:,.0f} | |"])


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        print(markdown(measure(Setting(Path(name), rounds=5))))


if __name__ == "__main__":
    main()
