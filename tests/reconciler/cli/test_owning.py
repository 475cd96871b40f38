"""adopt and forget: what they show, ask and call, and how they end."""

from pathlib import Path

import jsonschema
import pytest

from plans.manifest import Manifest, Source, parse
from reconciler.cli.options import all_kinds
from tests.reconciler.cli.conftest import FAST, Cli, journal
from tests.reconciler.cli.test_applying import live
from tests.reconciler.cli.test_planning import edited, schema


def owned(cli: Cli, path: Path) -> dict[str, object]:
    said = cli("output", path, "--json", *FAST)
    found: dict[str, object] = said.json["objects"]
    return found


def forgotten(cli: Cli, *addresses: str) -> None:
    said = cli("forget", "--stack", "small", *addresses, "--auto-approve", *FAST)
    assert said.code == 0, said.err


def test_forget_lets_go_and_deletes_nothing(cli: Cli, applied: Path, home: Path) -> None:
    """It shows its plan, needs no manifest, and stands in the journal."""
    before = live(home)
    said = cli("forget", "--stack", "small", "job_queue.high", "job_definition.job", "--auto-approve", *FAST)
    assert said.code == 0
    assert "Plan: 2 to untag" in said.out
    assert "removed from the stack's care, not deleted" in said.out
    assert "called UntagResource" in said.err
    assert live(home) == before
    assert owned(cli, applied).keys() == {"compute_environment.fast"}
    assert journal(home).read_text().count("UntagResource") >= 2
    assert cli("plan", applied, *FAST).code == 3


def test_forget_asks_first(cli: Cli, applied: Path) -> None:
    """Without approval nothing is changed."""
    said = cli("forget", "--stack", "small", "job_queue.high", *FAST)
    assert said.code == 3
    assert "Plan: 1 to untag" in said.out
    assert "there is no terminal to ask on" in said.err
    assert len(owned(cli, applied)) == 3


@pytest.mark.usefixtures("applied")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--stack", "small", "job_queue.hihg"), "stack small owns nothing at job_queue.hihg"),
        (("--stack", "other", "job_queue.high"), "stack other owns nothing at job_queue.high"),
        (("--stack", "small", "high"), "'high' is not an address"),
        (("--stack", "small"), "Missing argument 'ADDRESS...'"),
        (("job_queue.high",), "Missing option '--stack'"),
    ],
)
def test_forget_knows_what_it_is_to_forget(cli: Cli, words: tuple[str, ...], told: str) -> None:
    """A stack and addresses that it has; anything else is wrong usage."""
    said = cli("forget", *words, "--auto-approve", *FAST)
    assert said.code == 1
    assert told in said.err


def test_adopt_takes_over(cli: Cli, applied: Path, home: Path) -> None:
    """What is nobody's becomes the stack's; what differs and what is missing is told and left to the next plan."""
    forgotten(cli, "job_queue.high", "job_definition.job", "compute_environment.fast")
    before = live(home)
    edited(applied, "priority: 5", "priority: 6")
    applied.write_text(applied.read_text() + "  other: {type: container, containerProperties: {image: x}}\n")
    asked = cli("adopt", applied, *FAST)
    assert asked.code == 3
    assert "Plan: 3 to adopt" in asked.out
    said = cli("adopt", applied, "--auto-approve", *FAST)
    assert said.code == 0, said.err
    assert "high differs in priority; the next plan shows it" in said.out
    assert "nothing called other is live, and adopt creates nothing" in said.out
    assert said.err.count("called TagResource") == 3
    assert live(home) == before
    assert len(owned(cli, applied)) == 3
    again = cli("adopt", applied, "--auto-approve", *FAST)
    assert (again.code, again.err) == (0, "")
    assert "Plan: 1 to create, 1 to update" in cli("plan", applied, *FAST).out


def test_adopt_takes_nothing_of_others(cli: Cli, applied: Path) -> None:
    """It is refused, with whose it is."""
    edited(applied, "stack: small", "stack: thief")
    said = cli("adopt", applied, "--auto-approve", *FAST)
    assert said.code == 3
    assert "belongs to stack small" in said.out


def test_both_speak_json(cli: Cli, applied: Path) -> None:
    """Lines of events and the report, as apply does."""
    known = schema(cli, "events")
    for words in (("forget", "--stack", "small", "job_queue.high"), ("adopt", applied)):
        said = cli(*words, "--json", "--auto-approve", *FAST)
        assert said.code == 0
        for line in said.lines:
            jsonschema.validate(line, known)
        assert said.lines[-1]["counts"] == {"done": 1}


def test_a_plan_file_carries_what_moves(cli: Cli, applied: Path) -> None:
    """A move that was planned is carried out from its file."""
    edited(applied, "  high: {", "  top: {physicalName: high, ")
    applied.write_text(applied.read_text() + "moved: [{from: job_queue.high, to: job_queue.top}]\n")
    assert cli("plan", applied, "--out", "moved.plan", *FAST).code == 0
    assert cli("apply", "moved.plan", "--auto-approve", *FAST).code == 0
    assert "job_queue.top" in owned(cli, applied)


def test_the_schema_knows_what_changes_hands(cli: Cli) -> None:
    """Editors complete `moved` and `removed`."""
    known = schema(cli, "manifest")
    text = "stack: s\nmoved: [{from: job_queue.a, to: job_queue.b}, {stack: old}]\nremoved: [job_queue.c]\n"
    good = {
        "stack": "s",
        "moved": [{"from": "job_queue.a", "to": "job_queue.b"}, {"stack": "old"}],
        "removed": ["job_queue.c"],
    }
    jsonschema.validate(good, known)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**good, "moved": [{"form": "job_queue.a"}]}, known)
    block = "jobQueues: {b: {priority: 1, computeEnvironmentOrder: [x]}}\n"
    made = parse([Source("a.yaml", (text + block).encode())], variables={}, kinds=all_kinds())
    assert isinstance(made, Manifest)
    assert made.ownership.stacks == ("old",)
