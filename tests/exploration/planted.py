"""Bugs put into our own code, one at a time: exploration has to find each.

A bug is an exact text of a file and what stands in its place; no file is touched, the modules are compiled anew in a
process of its own. `--seeds` plays until each is found, and keeps the shrunk history that found it; `--kept` plays what
was kept, which must hold without the bug and break with it.
"""

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

import attrs

ROOT = Path(__file__).parent.parent.parent
KEPT = Path(__file__).parent / "kept" / "planted"
OURS = ("plans", "providers", "reconciler", "tests")


@attrs.frozen
class Change:
    """An exact text of a file, and what is put in its place."""

    file: str
    old: str
    new: str

    @property
    def module(self) -> str:
        return self.file.removesuffix(".py").replace("/", ".")


@attrs.frozen
class Bug:
    """A bug, and the promise that it breaks."""

    breaks: str
    changes: tuple[Change, ...]

    def source(self, module: str) -> str:
        """The source of a module with the bug; raises LookupError where an old text is not there, or not once."""
        changes = [change for change in self.changes if change.module == module]
        text = (ROOT / changes[0].file).read_text(encoding="utf-8")
        for change in changes:
            if text.count(change.old) != 1:
                raise LookupError(f"{change.file} holds {text.count(change.old)} times: {change.old}")
            text = text.replace(change.old, change.new)
        return text


def _bug(breaks: str, *changes: tuple[str, str, str]) -> Bug:
    return Bug(breaks, tuple(Change(*change) for change in changes))


_NO_LAST_LOOK = ("plans/removals.py", "        _unreferenced(decision, live, world.kinds, suffix),\n", "        [],\n")

BUGS: Mapping[str, Bug] = {
    "no-last-look": _bug("an environment is switched off only once no queue names it", _NO_LAST_LOOK),
    "register-blindly": _bug(
        "a registration whose answer was lost is looked for before it is sent again",
        ("reconciler/execute.py", "blind=not registers", "blind=True"),
    ),
    "delete-before-detach": _bug(
        "an environment goes after its queues have left it",
        _NO_LAST_LOOK,
        ("plans/succession.py", "retired.behind([*after, *freed])", "retired.behind([*after])"),
    ),
    "ignore-ownership": _bug(
        "what is not ours is not changed",
        ("plans/decide.py", "        if not (policy.adopt and nobodys(live, world)):\n", "        if False:\n"),
        ("plans/planner.py", "if policy.adopt or handing_over else", "if True else"),
    ),
    "stay-on-the-third": _bug(
        "what stands in for an environment goes, and its queues come back",
        (
            "plans/replacement.py",
            'if best.live is not None and manner == "twoHop" and best.live.name != fixed:',
            "if best.live is None:",
        ),
    ),
    "no-second-count": _bug(
        "jobs are counted once more when a queue is disabled, before it is deleted",
        ("reconciler/emptying.py", "JobsFound(held(own.goal.kind, own.goal.name, own.count))", "None"),
    ),
    "forget-the-successor": _bug(
        "a replacement that was cut short is gone on with",
        (
            "plans/decide.py",
            '[live for live in claimants if live.status != "DELETING"]',
            "[live for live in namesakes if live in claimants]",
        ),
    ),
    "submit-twice": _bug(
        "a trial whose answer was lost is looked for before it is sent again",
        (
            "reconciler/trial.py",
            "                self._list(trial, at=self._now() + STALENESS)\n                return []\n",
            "                return self._submit(trial)\n",
        ),
    ),
    "deregister-the-pinned": _bug(
        "a pinned revision stays",
        ("plans/arrivals.py", "[live for live in decision.ours if live.revision not in pinned]", "[*decision.ours]"),
    ),
    "leave-it-closed": _bug(
        "a queue that stays for its jobs takes jobs again",
        ("plans/removals.py", "    return [emptied, enable]\n", "    return [emptied]\n"),
    ),
    "no-lock": _bug(
        "one run at a time",
        ("reconciler/keeping.py", 'case "file" if self.folder is not None:', 'case "file" if not "locked":'),
    ),
    "terminate-for-cancel": _bug(
        "what runs is ended only where the manifest says terminate",
        ("plans/removals.py", '    "cancel": ("CancelJob",', '    "cancel": ("TerminateJob",'),
    ),
    "no-drain": _bug(
        "jobs that run on an environment finish before it goes",
        ("plans/removals.py", "jobs = _drain(decision, live, kind, suffix)", "jobs = []"),
    ),
    "let-go-too-early": _bug(
        "what is let go of is not changed any more",
        ("plans/handover.py", "if each.call and live.arn in each.arguments.values()", "if not each"),
    ),
}


class _Planted(MetaPathFinder):
    """Finds the modules that hold a bug."""

    def __init__(self, bug: Bug) -> None:
        self.bug = bug
        self.files = {change.module: change.file for change in bug.changes}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        file = self.files.get(fullname)
        if file is None:
            return None
        return ModuleSpec(fullname, _Loader(fullname, str(ROOT / file), self.bug), origin=str(ROOT / file))


class _Loader(SourceFileLoader):
    """Compiles a module with a bug, whatever was compiled before."""

    def __init__(self, module: str, path: str, bug: Bug) -> None:
        super().__init__(module, path)
        self.bug = bug

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.bug.source(fullname), self.path, "exec")


def plant(bug: Bug) -> None:
    """Have this process import our code anew, with a bug."""
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Planted(bug))


def in_a_child(work: Callable[[], str]) -> str:
    """What `work` says, done in a process of its own."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        told = ""
        try:
            told = work()
        except BaseException:
            told = f"!{traceback.format_exc()}"
        finally:
            with open(writer, "w") as answer:
                answer.write(told)
            os._exit(0)
    os.close(writer)
    with open(reader) as answer:
        told = answer.read()
    os.wait()
    return told


def found(bug: Bug, seeds: int) -> str:
    """The first seed that finds a bug, the property, and the shrunk history, in lines; empty where none does."""

    def work() -> str:
        plant(bug)
        explored = importlib.import_module("tests.exploration.seeds")
        drawn = importlib.import_module("tests.exploration.draw")
        for seed in range(seeds):
            played = explored.play_seed(seed, "heavy")
            if played.breach:
                least = explored.least(drawn.history(seed, "heavy"), played.breach)
                return f"{seed}\n{played.breach}\n{least.to_json(found=bug.breaks)}"
        return ""

    return in_a_child(work)


def breach(bug: Bug | None, text: str) -> str:
    """The property that a kept history breaks, with a bug or as our code is; empty where it holds."""

    def work() -> str:
        if bug is not None:
            plant(bug)
        history = importlib.import_module("tests.exploration.history").History.from_json(text)
        wrong = importlib.import_module("tests.exploration.play").play(history).breach
        return "" if wrong is None else str(wrong.name)

    return work() if bug is None else in_a_child(work)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.exploration.planted", description=__doc__)
    parser.add_argument("bugs", nargs="*", help="their names; all where none is given")
    parser.add_argument("--seeds", type=int, default=500, help="so many are played for each")
    parser.add_argument("--kept", action="store_true", help="play what was kept")
    said = parser.parse_args(arguments)
    missed = []
    for name in said.bugs or BUGS:
        file = KEPT / f"{name}.json"
        if said.kept:
            text = file.read_text(encoding="utf-8")
            without, told = breach(None, text), breach(BUGS[name], text)
            ok, shown = not without and told and not told.startswith("!"), f"{told or 'NOT FOUND'} {without}"
        else:
            told = found(BUGS[name], said.seeds)
            ok = bool(told) and not told.startswith("!")
            seed, property_, history = told.split("\n", 2) if ok else ("", told or "NOT FOUND", "")
            shown = f"seed {seed}: {property_}" if ok else property_
            if ok and not breach(None, history):
                KEPT.mkdir(parents=True, exist_ok=True)
                file.write_text(history + "\n", encoding="utf-8")
        print(f"{name:24} {BUGS[name].breaks:80} {shown}", flush=True)
        missed += [] if ok else [name]
    print(f"{len(said.bugs or BUGS) - len(missed)} of {len(said.bugs or BUGS)} bugs are found.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
