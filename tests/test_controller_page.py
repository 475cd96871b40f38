"""What docs/controller.md says, and what `deploy` and `examples` have for a controller, is so."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from configparser import RawConfigParser
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from plans.nodes import Source
from providers.resources import Field
from reconciler.controller import hooks, web
from reconciler.controller.conditions import ALLOWED, FAILURES, KINDS, REASONS, STANDS, Answer, Reason
from reconciler.controller.configuration import Configuration
from reconciler.controller.openapi import OPERATIONS
from reconciler.controller.reading import FIELD, read
from reconciler.controller.tokens import ROLES
from reconciler.store import Ending
from tests import programs
from tests.kit import kinds
from tests.test_documentation import CONTROLLER, ROOT, blocks, environment, serving, workplace

__all__ = ["workplace"]

UNIT = ROOT / "deploy/batchwright-controller.service"
CONTAINER = ROOT / "deploy/Containerfile"
PAGE = (ROOT / CONTROLLER).read_text(encoding="utf-8")


def tables(title: str) -> list[list[list[str]]]:
    """The tables of a section, without their heads: rows of cells."""
    (text,) = re.findall(rf"^#+ {title}\n(.*?)(?=^#+ |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    found = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    return [[[_plain(cell) for cell in line[1:-1].split("|")] for line in each.splitlines()[2:]] for each in found]


def _plain(cell: str) -> str:
    """What a cell says, without the marks of code where it is one word of it."""
    return re.sub(r"^`([^`]*)`$", r"\1", cell.strip())


def table(title: str) -> list[list[str]]:
    (found,) = tables(title)
    return found


def member(*path: str) -> Field:
    found = FIELD.at(path)
    assert found is not None
    return found


SECTIONS: Mapping[str, tuple[str, ...]] = {
    "The controller itself": (),
    "Targets": ("targets", "x"),
    "Sources": ("sources", "x"),
    "Stacks": ("stacks", "x"),
    "Drift": ("stacks", "x", "drift", "0"),
    "Approvals": ("stacks", "x", "approval"),
    "Windows": ("stacks", "x", "windows", "0"),
    "Webhooks": ("hooks", "x"),
}


@pytest.mark.parametrize("title", SECTIONS)
def test_every_key_is_on_the_page(title: str) -> None:
    """The table of a section has each of its keys once, and says which of them are needed and what they may say."""
    said = {row[0]: row for row in table(title)}
    field = member(*SECTIONS[title])
    assert list(said) == [*dict.fromkeys(row[0] for row in table(title))]
    assert said.keys() == field.members.keys()
    for key in field.required:
        assert said[key][-1].endswith("needed")
    for key, inner in field.members.items():
        assert all(f"`{value}`" in " ".join(said[key]) or value == said[key][1] for value in inner.enum), key


def test_no_section_of_the_file_is_left_out() -> None:
    """Whatever holds keys has a table, but a policy, which the page of the manifest tells, and what stacks take."""
    told = {_path(path) for path in SECTIONS.values()}
    holding = {path for path, field in FIELD.paths() if field.members and field.type == "structure"}
    assert {path for path in holding if not path.startswith("defaults") and ".policy" not in path} == told - {""}
    left = member("stacks", "x").members.keys() - member("defaults").members.keys()
    assert {"paths", "dependsOn"} == left


def _path(path: tuple[str, ...]) -> str:
    made = ".".join("[]" if segment in ("x", "0") else segment for segment in path)
    return made.replace(".[]", "[]")


def _read(text: str) -> Configuration:
    return read(Source("controller.yaml", text.encode()), folder=Path("/etc/batchwright"), kinds=kinds())


def test_the_defaults_on_the_page_are_those_that_count() -> None:
    """A file that says all defaults of the page says the same as one that says none."""

    def defaults(title: str) -> dict[str, Any]:
        rows = [row for row in table(title) if row[1] and row[0] not in ("targets", "sources", "stacks", "hooks")]
        return {row[0]: "*" if row[1] == "*" else yaml.safe_load(row[1]) for row in rows}

    drift, window = {"kind": "job_queue"}, {"allow": "0 8 * * *", "for": "1h"}
    sparse: dict[str, Any] = {
        "targets": {"t": {"region": "eu-west-1"}},
        "sources": {"s": {"git": "https://example.org/x.git"}},
        "stacks": {"x": {"source": "s", "target": "t", "drift": [{}, drift], "windows": [window]}},
    }
    stack = {**defaults("Stacks"), **sparse["stacks"]["x"], "approval": defaults("Approvals")}
    full = {
        **defaults("The controller itself"),
        "targets": {"t": {**defaults("Targets"), "region": "eu-west-1"}},
        "sources": {"s": {**defaults("Sources"), "git": "https://example.org/x.git"}},
        "stacks": {
            "x": {
                **stack,
                "drift": [defaults("Drift"), {**defaults("Drift"), **drift}],
                "windows": [{**defaults("Windows"), **window}],
            }
        },
    }
    assert len(defaults("Stacks")) >= 8
    assert _read(yaml.safe_dump(full)) == _read(yaml.safe_dump(sparse))


def reasons_of(reasons: tuple[Reason, ...]) -> str:
    """The reasons of a cell, of which all with which something may fail are told in one word."""
    failing = set(FAILURES) <= set(reasons)
    told = [f"`{reason}`" for reason in reasons if not (failing and reason in FAILURES)]
    return ", ".join([*told, "a failure"] if failing else told)


def test_conditions_reasons_endpoints_and_roles_on_the_page_are_those_that_there_are() -> None:
    """The page names every condition, the reasons that it may have, every reason with how a stack stands with it, every
    end of a run, every endpoint and every role."""
    conditions, allowed, reasons, outcomes = tables("What is known of a stack")
    assert [row[0] for row in conditions] == list(KINDS)
    assert allowed == [
        [kind, *(_plain(reasons_of(answers[each])) for each in get_args(Answer))] for kind, answers in ALLOWED.items()
    ]
    assert f"A failure is one of {', '.join(f'`{reason}`' for reason in FAILURES)}." in PAGE
    said = {row[0]: row[1] for row in reasons}
    assert said == STANDS
    assert said.keys() == set(REASONS)
    assert [row[0] for row in outcomes] == list(get_args(Ending))
    assert [row[0] for row in table("Tokens and roles")] == list(ROLES)
    (endpoints,) = tables("The API")
    assert endpoints == [[f"{it.method} {it.path}", it.says, it.role or ""] for it in OPERATIONS]


def test_the_limits_on_the_page_are_those_that_hold() -> None:
    """Rates, sizes and times of the page are those of the code."""
    limits = web.Limits()
    assert f"A token may ask {limits.asks.often:.0f} times a second, and {limits.asks.burst:.0f} times at once" in PAGE
    assert f"heeded {limits.good.often:.0f} times a second, and {limits.good.burst:.0f} times at once" in PAGE
    assert f"has {hooks.MOST_SECRETS} lines at most" in PAGE
    assert hooks.LARGEST == 256 * 1024
    assert hooks.WINDOW == 300.0


def _configurations() -> Iterator[tuple[str, str]]:
    yield from ((f"{CONTROLLER} {number}", text) for number, text in enumerate(blocks(CONTROLLER, "yaml")))
    for name in ("examples/controller/controller.yaml", "deploy/controller.yaml"):
        yield name, (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "text"), list(_configurations()), ids=lambda value: value if len(value) < 60 else "")
def test_configurations_that_are_shown_are_right(name: str, text: str) -> None:
    """A configuration that a page, an example or `deploy` shows has no faults, and keeps something."""
    assert _read(text).stacks, name


@pytest.mark.needs("curl", "openssl")
def test_what_the_page_asks_of_a_controller_is_answered(workplace: Path) -> None:
    """The page's shell commands make a token and a secret, ask for the stacks and send a webhook, and are answered."""
    script = "\n".join(blocks(CONTROLLER, "sh"))
    with serving(["batchwright", "controller", "run", "--config", "controller.yaml"], workplace) as line:
        done = subprocess.run(
            ["sh", "-e", "-c", script.replace("http://127.0.0.1:8700", line.strip())],
            cwd=workplace,
            env=environment(workplace),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert '"stack": "genomics"' in done.stdout
    assert '{"stack": "genomics", "asked": "reconcile"}' in done.stdout
    assert '{"hook": "pushed"}' in done.stdout


def test_the_demo_fails_where_something_does_not_happen(tmp_path: Path) -> None:
    """Without git there is no repository: it says so, and ends with 1."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples/controller/demo.py"), "--folder", str(tmp_path / "demo")],
        cwd=tmp_path,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "This did not happen: " in done.stdout
    assert "'git'" in done.stdout


def _unit() -> Mapping[str, list[str]]:
    """The settings of the service, each with all its values."""
    found: dict[str, list[str]] = {}
    section = UNIT.read_text(encoding="utf-8").partition("[Service]")[2].partition("[Install]")[0]
    for line in section.splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def test_the_unit_runs_what_there_is_in_a_house_of_its_own() -> None:
    """The unit checks and runs the controller with a configuration whose store and cache lie in the only folder that it
    may write to."""
    unit = _unit()
    assert unit["ExecStart"] == [
        "/opt/batchwright/bin/batchwright controller run --config /etc/batchwright/controller.yaml"
    ]
    assert unit["ExecStartPre"] == [unit["ExecStart"][0].replace("run", "check")]
    assert unit["ExecReload"] == [*unit["ExecStartPre"], "kill -HUP $MAINPID"]
    state = f"/var/lib/{unit['StateDirectory'][0]}"
    said = _read((ROOT / "deploy/controller.yaml").read_text(encoding="utf-8"))
    assert said.store == f"sqlite:///{state}/controller.db"
    assert said.cache.parent == Path(state)
    hardened = {"DynamicUser": "yes", "ProtectSystem": "strict", "NoNewPrivileges": "yes", "PrivateTmp": "yes"}
    assert {key: unit[key][0] for key in hardened} == hardened
    assert (unit["KillSignal"], unit["Type"]) == (["SIGTERM"], ["exec"])
    assert unit["SystemCallFilter"][0] == "@system-service"


@pytest.mark.needs("systemd-analyze")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """systemd finds nothing wrong with the unit, where the program is there."""
    text = UNIT.read_text(encoding="utf-8").replace("/opt/batchwright/bin/batchwright", str(shutil.which("true")))
    (tmp_path / UNIT.name).write_text(text)
    done = subprocess.run(
        [programs.path("systemd-analyze"), "verify", str(tmp_path / UNIT.name)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def _instructions() -> list[list[str]]:
    text = CONTAINER.read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.split() for line in text.splitlines() if line and not line.startswith("#")]


def test_the_containerfile_copies_what_there_is_and_runs_as_nobody_special() -> None:
    """What is copied exists; images have a tag; git and ssh are installed; the extras are those of the package; the
    user is not root; the health check asks an endpoint that there is."""
    found = _instructions()
    copied = [
        word for first, *words in found if first == "COPY" and not words[0].startswith("--") for word in words[:-1]
    ]
    assert {"plans", "providers", "reconciler", "setup.cfg", "constraints.txt"} <= set(copied)
    assert all((ROOT / name).exists() for name in copied)
    assert all(re.fullmatch(r"\S+/python:3\.11-slim\S*", words[0]) for first, *words in found if first == "FROM")
    run = " ".join(" ".join(words) for first, *words in found if first == "RUN")
    assert {"git", "openssh-client"} <= set(run.split())
    setup = RawConfigParser()
    setup.read(ROOT / "setup.cfg")
    (extras,) = re.findall(r"\[([a-z,]+)\]", run)
    assert all(setup.has_option("options.extras_require", extra) for extra in extras.split(","))
    assert [words for first, *words in found if first == "USER"][-1] == ["10001:10001"]
    (health,) = (" ".join(words) for first, *words in found if first == "HEALTHCHECK")
    assert any(f":8700{operation.path}'" in health for operation in OPERATIONS)
    assert Configuration("", Path()).port == 8700
