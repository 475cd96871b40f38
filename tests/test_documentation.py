"""What README and docs say is run here: every command, every line of output, every block of code."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import attrs
import pytest

from plans.manifest import Source, parse
from providers import model
from providers.kinds import bind
from providers.resources import SIMULATOR_FILE
from providers.simulator import Durations, Quotas, Settings, rules
from providers.simulator.faults import KINDS
from providers.simulator.operations import OPERATIONS
from reconciler import scenario
from tests.reconciler.adapters.terraform import recorded

ROOT = Path(__file__).parent.parent
SIMULATOR = "docs/simulator.md"
FIELDS = "docs/fields.md"
CONTROLLER = "docs/controller.md"
MIGRATING = "docs/migrating.md"
PAGES = (
    "README.md",
    "docs/manifest.md",
    "docs/operating.md",
    "docs/replacing.md",
    "docs/rehearsing.md",
    "docs/doctor.md",
    MIGRATING,
    "docs/library.md",
    "docs/machine.md",
    CONTROLLER,
    SIMULATOR,
    FIELDS,
)
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_VARYING = re.compile(r"\d+(\.\d+)?")
_FORETOLD = ("Plan: ", "Rehearsed", "Calls: ")
"""How the lines begin whose figures come from a model, and are the same in every run."""


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
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "scenario.yaml").write_text(scenario_on_the_page())
    (tmp_path / "controller.yaml").write_text(next(blocks(CONTROLLER, "yaml")).replace(":8700", ":0"))
    return tmp_path


def migrated(workplace: Path) -> None:
    """Put what other tools say of an account there, and the account as they made it."""
    for name in ("state.json", "plan.json"):
        shutil.copy2(recorded.DATA / name, workplace)
    recorded.kept_in(workplace / SIMULATOR_FILE)


def deployed(workplace: Path) -> None:
    """Put the template of the page there and what is known beside it, and what CloudFormation made of the two."""
    template, context = blocks(MIGRATING, "yaml")
    (workplace / "lab.template.yaml").write_text(template)
    (workplace / "context.yaml").write_text(context)
    words = "lab.template.yaml --context context.yaml --var Token=t0ps3cret --auto-approve"
    run(Command(f"batchwright apply {words}", ()), workplace)
    owned = "compute_environment.prod-fast job_queue.prod-line job_definition.Align"
    run(Command(f"batchwright forget --stack lab {owned} --region eu-west-1 --auto-approve", ()), workplace)


def scenario_on_the_page() -> str:
    (text,) = blocks(SIMULATOR, "yaml")
    return text


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
            for stamp in ("made", "run", "controller"):
                (seen / stamp).touch()
            words = [
                "make",
                target,
                f"VENV={sys.prefix}",
                "SIMULATED=--simulator-file demo.db --speed 3000",
                "SPEED=400",
            ]
        case ["python3", "-m", "pip", "install", *_]:
            offline = ["--no-deps", "--no-build-isolation", "--quiet", "--target", str(workplace / "site")]
            words = [sys.executable, *words[1:], *offline]
        case ["batchwright", "simulator", "serve", *_]:
            return served([*words, "--port", "0"], workplace)
        case ["batchwright", "controller", "run", *_]:
            return served(words, workplace)
        case ["batchwright", ("plan" | "apply" | "destroy" | "drift" | "rehearse"), *_]:
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
    found = 2 if words[1] == "doctor" and "1. likely" in done.stdout else 0
    if words[1] == "convert" and " is not known: " in done.stdout:
        found = 4
    assert done.returncode == found, f"{command.line}\n{done.stdout}"
    return done.stdout


def served(words: list[str], workplace: Path) -> str:
    with serving(words, workplace) as line:
        return line


@contextmanager
def serving(words: list[str], workplace: Path) -> Iterator[str]:
    """A server that runs meanwhile, which says where it is, and ends well."""
    with (
        (workplace / "told.log").open("w") as told,
        subprocess.Popen(
            words, cwd=workplace, env=environment(workplace), stdout=subprocess.PIPE, stderr=told, text=True
        ) as server,
    ):
        assert server.stdout is not None
        line = server.stdout.readline()
        try:
            assert line.startswith("http://127.0.0.1:")
            yield line
        finally:
            server.send_signal(signal.SIGINT)
            ended = server.wait(20)
        assert ended == 0


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=pytest.mark.needs("git") if page == CONTROLLER else ()) for page in PAGES]
)
def test_commands_do_what_the_page_says(page: str, workplace: Path) -> None:
    """Every command of a page works, in the order of the page, and prints the lines that stand under it; what is
    foretold there is what is foretold today."""
    told = list(commands(page))
    assert told
    if page == MIGRATING:
        migrated(workplace)
        deployed(workplace)
    for command in told:
        printed = run(command, workplace)
        output = shown(printed)
        if command.line == "make test":
            continue
        for line in command.printed:
            wanted = shown(line)[0]
            assert any(found.startswith(wanted) for found in output), f"{command.line} does not print {line!r}"
            if line.startswith(_FORETOLD):
                figures = [found for found in printed.splitlines() if found.startswith(_FORETOLD)]
                assert any(found.startswith(line) for found in figures), f"{line!r} is now one of {figures}"


@pytest.mark.parametrize("page", ["README.md", "docs/replacing.md"])
def test_the_manifests_on_a_page_are_valid(page: str) -> None:
    """A manifest that a page shows has no faults."""
    kinds = bind(model.load())
    for text in blocks(page, "yaml"):
        assert parse([Source(page, text.encode())], variables={}, kinds=kinds).resources


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


def section(title: str) -> str:
    """What stands on the page of the simulator from a heading to the next."""
    page = (ROOT / SIMULATOR).read_text(encoding="utf-8")
    (found,) = re.findall(rf"^#+ {title}\n(.*?)(?=^#+ |\Z)", page, re.DOTALL | re.MULTILINE)
    return str(found)


def rows(title: str) -> list[list[str]]:
    """The cells of the table of a section, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")][2:]
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]


def test_the_scenario_on_the_page_of_the_simulator() -> None:
    """The scenario that the page shows has no faults, and speaks of every thing that a scenario may say on top."""
    text = scenario_on_the_page()
    read = scenario.read(Source(SIMULATOR, text.encode()))
    assert read.settings != Settings()
    assert set(re.findall(r"^(\w+):", text, re.MULTILINE)) == scenario.FIELD.members.keys() - {"account", "region"}


def test_the_page_of_the_simulator_names_every_key_of_a_scenario() -> None:
    """The tables of faults, durations and quotas are whole, their defaults true, and no key is left unsaid."""
    assert [kind for kind, _ in rows("Faults")] == list(KINDS)
    for title, made in (("Durations", Durations()), ("Quotas", Quotas())):
        values = list(map(str, attrs.astuple(made)))
        assert rows(title) == [
            [*row] for row in zip(scenario.FIELD.members[title.lower()].members, values, strict=True)
        ]
    said = section("Scenarios") + section("Faults")
    for path, _ in scenario.FIELD.paths():
        parent, _, key = path.removesuffix("[]").rpartition(".")
        assert parent in ("durations", "quotas") or f"`{key}`" in said or f"`{key}: " in said, path


def test_the_page_of_the_simulator_names_what_is_not_modelled() -> None:
    """Every operation of the API is modelled, or said not to be."""
    said = re.findall(r"Not modelled: ([^.]*)\.", section("What it does not do"))
    assert set(re.findall(r"`(\w+)`", "".join(said))) == model.load().operations.keys() - OPERATIONS.keys()


def renewed(page: str, workplace: Path) -> str:
    """A page as `make docs` leaves it."""
    shutil.copytree(ROOT / "docs", workplace / "docs")
    run(Command("make docs", ()), workplace)
    return (workplace / page).read_text(encoding="utf-8")


def test_the_rules_on_the_page_of_the_simulator_are_those_of_today(workplace: Path) -> None:
    """`make docs` leaves the page as it is, with the rules that the simulator keeps now."""
    page = renewed(SIMULATOR, workplace)
    assert page == (ROOT / SIMULATOR).read_text(encoding="utf-8")
    assert all(f"\n| `{rule.name.partition('.')[2]}` |" in page for rule in rules())


def test_the_fields_on_their_page_are_those_of_today(workplace: Path) -> None:
    """`make docs` leaves the page as it is, with the fields of the botocore that the constraints pin."""
    page = renewed(FIELDS, workplace)
    assert "\n| `computeResources.maxvCpus` |" in page
    pinned = f"botocore=={version('botocore')}\n" in (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert page == (ROOT / FIELDS).read_text(encoding="utf-8") or not pinned
