"""Situations in which verbs print JSON, played on the simulator; `python -m tests.machine_samples` records them anew.

What was recorded is never taken away: a consumer has read it, and reads it again.
"""

import contextlib
import io
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from plans.contract import file_name
from reconciler.cli import run
from tests import machine

FAST = ("--provider", "simulator", "--speed", "1000", "--json")
YES = "--auto-approve"

FIRST = """\
stack: small
computeEnvironments:
  fast: {type: UNMANAGED, serviceRole: batch}
jobQueues:
  high: {priority: 5, computeEnvironmentOrder: [fast]}
jobDefinitions:
  job:
    type: container
    containerProperties: {image: "busybox:1", vcpus: 1, memory: 512, environment: [{name: DB_PASSWORD, value: hidden}]}
"""
FILES: Mapping[str, str] = {
    "first.yaml": FIRST,
    "second.yaml": FIRST.replace("busybox:1", "busybox:2").replace("priority: 5", "priority: 6"),
    "careful.yaml": FIRST.replace("high: {", "low: {") + "policy: {maxDeletes: 0}\n",
    "broken.yaml": FIRST.replace("priority", "priorty") + "tags: [a]\n",
    "stranger.yaml": FIRST.replace("stack: small", "stack: other"),
    "damaged.plan": '{"batchwright": "plan", "format": 1}',
}

SITUATIONS: Sequence[tuple[str, ...]] = (
    ("plan", "first.yaml"),
    ("plan", "nothing.yaml"),
    ("plan", "broken.yaml"),
    ("plan", "first.yaml", "--nonsense"),
    ("plan", "first.yaml", "--only", "job_queue.nobody"),
    ("drift", "first.yaml"),
    ("rehearse", "first.yaml", "--runs", "5", "--faults", "heavy"),
    ("output", "first.yaml"),
    ("apply", "first.yaml"),
    ("apply", "first.yaml", YES),
    ("apply", "first.yaml", YES),
    ("plan", "first.yaml"),
    ("output", "first.yaml"),
    ("plan", "second.yaml", "--out", "held.plan"),
    ("show", "held.plan"),
    ("show", "damaged.plan"),
    ("drift", "second.yaml"),
    ("apply", "careful.yaml", YES),
    ("plan", "careful.yaml"),
    ("apply", "stranger.yaml", YES),
    ("apply", "held.plan", YES),
    ("apply", "held.plan", YES),
    ("rollback", "job_definition.job", "--stack", "small", "--dry-run"),
    ("rollback", "job_definition.job", "--stack", "small", "--to", "2", "--dry-run"),
    ("rollback", "job_definition.job", "--stack", "small", YES),
    ("rollback", "job_definition.nobody", "--stack", "small", YES),
    ("apply", "held.plan", YES),
    ("doctor",),
    ("doctor", "high"),
    ("doctor", "nobody"),
    ("forget", "--stack", "small", "job_queue.high", YES),
    ("adopt", "first.yaml", YES),
    ("apply", "second.yaml", YES, "--region", "eu-west-1"),
    ("destroy", "first.yaml"),
    ("destroy", "first.yaml", YES),
    ("destroy", "first.yaml", YES),
    ("output", "first.yaml"),
    ("unlock", "--stack", "small", "--lock", "none"),
    ("history", "--stack", "small", "first.yaml"),
)
"""Command lines, one after the other in one world."""


def play(folder: Path) -> Iterator[tuple[tuple[str, ...], int, str]]:
    """Run all situations in a folder, which is the current one and whose world is new: each with its exit code and
    what it printed."""
    for name, text in FILES.items():
        (folder / name).write_text(text)
    for words in SITUATIONS:
        given = (*words, *(("--json",) if words[0] == "show" else FAST))
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            code = run(given)
        yield given, code, out.getvalue()


def recorded(name: str) -> list[Any]:
    """What lies there of a schema."""
    file = machine.SAMPLES / f"{file_name(name).removesuffix('.json')}.jsonl"
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def record(played: Callable[[Path], Iterator[tuple[tuple[str, ...], int, str]]] = play) -> None:
    """Add what is printed today to the samples; of the events of all runs one of each kind."""
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ |= {"HOME": folder, "XDG_STATE_HOME": f"{folder}/state"}
        for words, _, out in played(Path(folder)):
            for name, document in machine.documents(words, out):
                kind = document.get("event", "error")
                key = f"{kind}/{len(found.get(name, {}))}" if kind == "report" or name != "events" else kind
                found.setdefault(name, {}).setdefault(key, document)
    for name, rows in found.items():
        file = machine.SAMPLES / f"{file_name(name).removesuffix('.json')}.jsonl"
        with file.open("a", encoding="utf-8") as lines:
            lines.writelines(json.dumps(document, sort_keys=True) + "\n" for document in rows.values())


if __name__ == "__main__":
    record()
    sys.exit(0)
