"""The contract with machines: what is printed under `--json` is what is published, and what was published stays."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pytest
from jsonschema import Draft202012Validator

from plans.contract import SCHEMAS, file_name, opened, schema
from reconciler.cli import batchwright
from tests import machine, machine_samples
from tests.kit import kinds

RELEASED = machine.SAMPLES / "released"
PRINTED = [name for name, row in SCHEMAS.items() if row.make]


def breaches(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """What of a published schema another one of its format takes back; a member that may be there is no breach."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        if isinstance(old, list) and isinstance(new, list) and len(old) == len(new) and "anyOf" in path[-8:]:
            for index, (before, now) in enumerate(zip(old, new, strict=True)):
                yield from breaches(before, now, f"{path}[{index}]")
        elif old != new:
            yield f"{path}: {old} is now {new}"
        return
    for key in sorted({*old, *new} - {"properties", "required", "examples", "description", "title"}):
        if key not in old or key not in new:
            yield f"{path}: {key} {'came' if key in new else 'went'}"
        else:
            yield from breaches(old[key], new[key], f"{path}/{key}")
    if {*old.get("required", ())} != {*new.get("required", ())}:
        yield f"{path}: required was {old.get('required')} and is {new.get('required')}"
    if not {*old.get("examples", ())} <= {*new.get("examples", ())}:
        yield f"{path}: a word went"
    before, now = old.get("properties", {}), new.get("properties", {})
    for name in before:
        if name not in now:
            yield f"{path}: {name} went"
        else:
            yield from breaches(before[name], now[name], f"{path}/{name}")


def released(name: str) -> Any:
    return json.loads((RELEASED / file_name(name)).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schemas_in_the_repository_are_those_of_today(name: str) -> None:
    """`make docs` leaves them as they are; that of the manifest, with the botocore that the constraints pin."""
    from importlib.metadata import version

    text = (machine.FOLDER / file_name(name)).read_text(encoding="utf-8")
    constraints = (machine.ROOT / "constraints.txt").read_text(encoding="utf-8")
    pinned = f"botocore=={version('botocore')}\n" in constraints
    assert text == json.dumps(schema(name, kinds()), indent=1) + "\n" or (name == "manifest" and not pinned)
    assert schema(name, kinds())["$id"] == f"urn:batchwright:{name}:{SCHEMAS[name].format}"
    Draft202012Validator.check_schema(json.loads(text))


def test_no_schema_lies_there_that_is_not_published() -> None:
    """A format that is no more goes with its file."""
    assert {path.name for path in machine.FOLDER.iterdir()} == {file_name(name) for name in SCHEMAS}


def test_the_page_tells_of_every_schema() -> None:
    """With its format, its file and the verbs that print it, as they are."""
    page = (machine.ROOT / "docs" / "machine.md").read_text(encoding="utf-8")
    for name, row in SCHEMAS.items():
        verbs = ", ".join(verb if verb == "all verbs" else f"`{verb}`" for verb in row.verbs)
        link = f"[{file_name(name)}](schemas/{file_name(name)})"
        assert f"| `{name}` | {row.format} | {link} | {verbs} |\n" in page


def speaking(verb: click.Command, name: str) -> Iterator[str]:
    """The verbs below one, itself included, that take `--json`."""
    if isinstance(verb, click.Group):
        for inner, each in ((each, verb.get_command(click.Context(verb), each)) for each in verb.commands):
            assert each is not None
            yield from speaking(each, f"{name} {inner}")
    elif any("--json" in parameter.opts for parameter in verb.params):
        yield name


def test_every_verb_that_speaks_json_is_told_of() -> None:
    """By the schema of what it prints, or among those that have none."""
    page = (machine.ROOT / "docs" / "machine.md").read_text(encoding="utf-8")
    without = {*re.findall("`([a-z-]+)`", page.partition("What other verbs print (")[2].partition(")")[0])}
    context = click.Context(batchwright)
    verbs = {name: batchwright.get_command(context, name) for name in batchwright.list_commands(context)}
    spoken = {told for name, verb in verbs.items() if verb is not None for told in speaking(verb, name)}
    schemed = {verb.removesuffix(" --dry-run") for row in SCHEMAS.values() for verb in row.verbs} - {"all verbs"}
    assert schemed <= spoken
    assert {name.split()[0] for name in spoken - schemed} == without


@pytest.mark.parametrize("name", PRINTED)
def test_a_format_only_gains_members_that_may_be_there(name: str) -> None:
    """Held against the schema as it was when the format came; that one changes with the number of the format alone."""
    assert list(breaches(released(name), json.loads((machine.FOLDER / file_name(name)).read_text()))) == []


@pytest.mark.parametrize("name", PRINTED)
def test_what_was_printed_once_is_still_read(name: str) -> None:
    """Every sample that was ever recorded keeps to the schema of today, and to the one it was recorded under."""
    samples = machine_samples.recorded(name)
    assert samples
    then = Draft202012Validator(released(name))
    for sample in samples:
        machine.published(name).validate(sample)
        then.validate(sample)


@pytest.mark.unmeasured
def test_every_situation_prints_what_is_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line that a verb prints keeps to the closed schema, to the published one, and to the one of its format's
    first day; what it exits with stands in it, and no secret does."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "BATCHWRIGHT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    seen: dict[str, int] = {}
    for words, code, out in machine_samples.play(tmp_path):
        machine.check(words, out)
        told = [*machine.documents(words, out)]
        for name, document in told:
            seen[name] = seen.get(name, 0) + 1
            machine.published(name).validate(document)
            Draft202012Validator(released(name)).validate(document)
        assert told[-1][1].get("exit_code", code) == code
        assert "hidden" not in out
    assert {*PRINTED} <= {*seen}


def test_an_older_reader_is_not_hurt_by_a_new_member() -> None:
    """Published schemas let pass what they do not know, at any depth, and events of names that they do not know."""
    (plan, *_) = [sample for sample in machine_samples.recorded("plan") if sample["steps"]]
    plan["steps"][0]["mood"] = plan["changes"][0]["mood"] = plan["mood"] = "good"
    machine.published("plan").validate(plan)
    assert not machine.closed("plan").is_valid(plan)
    event = {"format": 1, "event": "yawned", "at": 1.0, "step": "", "address": "", "wide": True}
    machine.published("events").validate(event)
    assert not machine.closed("events").is_valid(event)
    assert not machine.published("events").is_valid({**event, "format": 2})


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"enum": ["x"]}, "b": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
    "required": ["a"],
}


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({**SCHEMA, "properties": {"a": SCHEMA["properties"]["a"]}}, "b went"),
        ({**SCHEMA, "required": ["a", "b"]}, "required was"),
        ({**SCHEMA, "required": []}, "required was"),
        ({**SCHEMA, "type": "array"}, "type"),
        ({**SCHEMA, "additionalProperties": False}, "additionalProperties came"),
        ({**SCHEMA, "properties": {**SCHEMA["properties"], "a": {"enum": ["x", "y"]}}}, "/a/enum"),
        ({**SCHEMA, "properties": {**SCHEMA["properties"], "b": {"type": "string"}}}, "anyOf went"),
    ],
)
def test_what_is_taken_back_is_seen(changed: Mapping[str, Any], says: str) -> None:
    """Whatever a reader may have relied on, and whatever would not hold for what was printed before."""
    assert any(says in breach for breach in breaches(SCHEMA, changed)), [*breaches(SCHEMA, changed)]


def test_what_is_gained_is_no_breach() -> None:
    """A member that need not be there, and a word where there may be more of them."""
    properties: Any = SCHEMA["properties"]
    gained = {**SCHEMA, "properties": {**properties, "c": {"type": "string"}}}
    assert [*breaches(SCHEMA, gained)] == []
    word = {"type": "string", "examples": ["x"]}
    assert [*breaches(word, {**word, "examples": ["x", "y"]})] == []
    assert [*breaches(word, {**word, "examples": ["y"]})]
    assert opened(SCHEMA) == SCHEMA
