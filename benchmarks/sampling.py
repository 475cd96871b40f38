"""Looking every millisecond at what the main thread is doing; it imports next to nothing itself.

A moment belongs to the innermost function whose module is in `PARTS`; while something is imported, to what is imported.
Before the first moment Python itself starts. The sum is the time on the wall.
"""

import signal
import time
from collections.abc import Sequence
from types import FrameType

EVERY = 0.001
WAITING = "waiting for answers (HTTP, and botocore reading them in threads)"
# The longest prefix of a module's name says what it is part of; what is none, is part of whoever called it.
PARTS = {
    "yaml": "composing YAML",
    "json": "reading JSON, and writing it",
    "plans.manifest": "reading and checking the manifest",
    "plans.document": "reading and checking the manifest",
    "plans.check": "reading and checking the manifest",
    "plans.wanted": "reading and checking the manifest",
    "plans.spelling": "reading and checking the manifest",
    "plans.variables": "reading and checking the manifest",
    "plans.normalise": "bringing both sides to their normal form, and comparing",
    "plans.diff": "bringing both sides to their normal form, and comparing",
    "plans.graph": "the graph of resources",
    "networkx": "the graph of resources",
    "plans.views": "masking and showing the plan",
    "plans.masking": "masking and showing the plan",
    "plans": "planning, other",
    "providers.model": "the model of AWS Batch",
    "providers.kinds": "the model of AWS Batch",
    "providers.clients": "making the client",
    "botocore": "making the client",
    "boto3": "making the client",
    "providers.clock": WAITING,
    "providers": "reading the account, other",
    "reconciler.retry": WAITING,
    "reconciler.observe": "reading the account, other",
    "reconciler.cli": "the command line, other",
    "reconciler": "reading the account, other",
    "click": "the command line, other",
}
_IMPORTER = "importlib._bootstrap"
_GROUPS = {
    **dict.fromkeys(("boto3", "botocore", "urllib3", "s3transfer", "jmespath", "dateutil"), "boto3 and botocore"),
    **dict.fromkeys(("plans", "providers", "reconciler"), "Batchwright"),
    **dict.fromkeys(("attr", "attrs"), "attrs"),
    **{name: name for name in ("networkx", "click", "yaml", "rich", "deepdiff")},
}


def part(frame: FrameType | None) -> str:
    """What a moment belongs to."""
    stack: list[FrameType] = []
    while frame is not None:
        stack.append(frame)
        frame = frame.f_back
    for each in reversed(stack):
        if each.f_globals.get("__name__") == _IMPORTER and each.f_code.co_name == "_find_and_load":
            imported = [at for at in stack if at.f_code.co_name == "_find_and_load"]
            return f"importing {_group([str(at.f_locals.get('name')) for at in imported])}"
    return next((found for each in stack if (found := _part(str(each.f_globals.get("__name__"))))), "other")


def _part(module: str) -> str | None:
    while module:
        if module in PARTS:
            return PARTS[module]
        module = module.rpartition(".")[0]
    return None


def _group(names: Sequence[str]) -> str:
    """Whose import it is: of the innermost package that is known by name."""
    for name in names:
        top = name.partition(".")[0]
        if top in _GROUPS:
            return _GROUPS[top]
    return "the standard library"


def sampled(command: Sequence[str], began: float) -> dict[str, float]:
    """Run a command line in this process; the seconds of each part, from `began` (seconds of the epoch) on."""
    last = time.time()
    found = {"Python starts": last - began}

    def look(_signal: int, frame: FrameType | None) -> None:
        nonlocal last
        now = time.time()
        name = part(frame)
        found[name] = found.get(name, 0.0) + now - last
        last = now

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, EVERY, EVERY)
    from reconciler.cli import run

    code = run(command)
    signal.setitimer(signal.ITIMER_REAL, 0)
    assert code == 0, code
    return found
