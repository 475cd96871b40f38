"""What README and docs say is run here: every command, every line of output, every block of code."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs
import pytest

from plans.manifest import Source, parse
from providers import model
from providers.kinds import bind

ROOT = Path(__file__).parent.parent
PAGES = ("README.md", "docs/manifest.md", "docs/operating.md")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_VARYING = re.compile(r"\d+(\.\d+)?")


@attrs.frozen
class Command:
    """A documented command and the lines that it is said to print."""

    line: str
    printed: tuple[str, ...]


def blocks(page: str, language: str) -> Iterator[str]:
    for found, text in _BLOCK.findall((ROOT / page).read_text(encoding="utf-8")):
        if found == language:
            yield text


def commands(page: str) -> Iterator[Command]:
    for block in blocks(page, "console"):
        for part in block.split("$ ")[1:]:
            line, *printed = part.splitlines()
            yield Command(line, tuple(filter(None, printed)))


def shown(text: str) -> list[str]:
    """Lines that can be compared: numbers and widths vary from run to run."""
    return [" ".join(_VARYING.sub("N", line).split()) for line in text.splitlines()]


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder that looks like a checkout, where the commands may leave what they like."""
    for name in ("examples", "Makefile", "constraints.txt"):
        (tmp_path / name).symlink_to(ROOT / name)
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, tmp_path)
    for name in ("plans", "providers", "reconciler"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def environment(workplace: Path) -> Mapping[str, str]:
    binaries = Path(sys.executable).parent
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "BATCHWRIGHT_"))},
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "BATCHWRIGHT_PROVIDER": "simulator",
        "XDG_STATE_HOME": str(workplace / "state"),
        "COLUMNS": "100",
    }


def run(command: Command, workplace: Path) -> str:
    """Run a documented command, made to fit a test: at a high speed, on free ports, without installing anything."""
    words = shlex.split(command.line)
    match words:
        case ["make", "test"]:
            words = ["make", "--dry-run", "test"]
        case ["make", target]:
            seen = Path(sys.prefix, ".seen")
            seen.mkdir(exist_ok=True)
            for stamp in ("made", "run"):
                (seen / stamp).touch()
            words = ["make", target, f"VENV={sys.prefix}", "SIMULATED=--simulator-file demo.db --speed 3000"]
        case ["python3", "-m", "pip", "install", *_]:
            offline = ["--no-deps", "--no-build-isolation", "--quiet", "--target", str(workplace / "site")]
            words = [sys.executable, *words[1:], *offline]
        case ["batchwright", "simulator", "serve", *_]:
            return served(workplace)
        case ["batchwright", ("plan" | "apply" | "destroy" | "drift"), *_]:
            words = [*words, "--speed", "3000"]
    done = subprocess.run(
        words,
        cwd=workplace,
        env=environment(workplace),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, f"{command.line}\n{done.stdout}"
    return done.stdout


def served(workplace: Path) -> str:
    words = ["batchwright", "simulator", "serve", "--port", "0"]
    with subprocess.Popen(
        words, cwd=workplace, env=environment(workplace), stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == 0
    assert line.startswith("http://127.0.0.1:")
    return line


@pytest.mark.parametrize("page", PAGES)
def test_commands_do_what_the_page_says(page: str, workplace: Path) -> None:
    """Every command of a page works, in the order of the page, and prints the lines that stand under it."""
    told = list(commands(page))
    assert told
    for command in told:
        output = shown(run(command, workplace))
        if command.line == "make test":
            continue
        for line in command.printed:
            wanted = shown(line)[0]
            assert any(found.startswith(wanted) for found in output), f"{command.line} does not print {line!r}"


def test_the_manifest_in_the_readme_is_valid() -> None:
    """A manifest that the README shows has no faults."""
    kinds = bind(model.load())
    for text in blocks("README.md", "yaml"):
        assert parse([Source("README.md", text.encode())], variables={}, kinds=kinds).resources


def test_the_program_in_the_readme_runs(workplace: Path) -> None:
    """The library is used as the README shows."""
    (program,) = blocks("README.md", "python")
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=workplace, env=environment(workplace), text=True, check=False, timeout=120
    )
    assert done.returncode == 0


def test_the_pages_name_no_file_that_is_not_there() -> None:
    """A link to a file of this repository leads to one."""
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text(encoding="utf-8")):
            assert ((ROOT / page).parent / target).exists(), f"{page} links to {target}"
