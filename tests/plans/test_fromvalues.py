"""A manifest that a program makes: it means what the same JSON means, and its faults name paths."""

import enum
import json
from collections import UserDict
from types import MappingProxyType
from typing import Any

import attrs
import pytest

from plans import fromvalues
from plans.document import to_document
from plans.manifest import Source, build, parse
from plans.yamltext import DEEPEST
from providers.errors import ManifestError
from reconciler import build as built
from reconciler import load
from tests.kit import EXAMPLES, address, kinds


class Word(str, enum.Enum):  # noqa: UP042 (of which str() is the name)
    ENABLED = "ENABLED"


SMALL: dict[str, Any] = {
    "stack": "small",
    "variables": {"rate": {"default": 5}},
    "computeEnvironments": {"fast": {"type": "UNMANAGED", "serviceRole": "batch", "state": "ENABLED"}},
    "jobQueues": {"high": {"priority": "${var.rate}", "computeEnvironmentOrder": ["fast"]}},
}


def faults(document: Any, **variables: Any) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        build(document, variables=variables, kinds=kinds())
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize("name", ["genomics", "fargate", "training"])
def test_a_document_means_what_its_json_means(name: str) -> None:
    """The examples, read as YAML, are the same from Python's own values."""
    import yaml

    document = yaml.safe_load((EXAMPLES / name / "batchwright.yaml").read_text())
    variables = {"image": "1"} if "image" in document.get("variables", {}) else {}
    made = build(document, variables=variables, kinds=kinds())
    again = parse([Source("it.json", json.dumps(document).encode())], variables=variables, kinds=kinds())
    assert to_document(made) == to_document(again)
    assert not variables or to_document(load([EXAMPLES / name], variables=variables)) == to_document(made)


def test_values_of_many_types_are_taken() -> None:
    """Any mapping, a tuple for a list, a number for a text, a member of an enumeration of texts."""
    given = {
        **SMALL,
        "tags": UserDict({"ratio": 0.25, "count": 7, "on": True}),
        "computeEnvironments": MappingProxyType(
            {"fast": {"type": "UNMANAGED", "serviceRole": "batch", "state": Word.ENABLED}}
        ),
        "jobQueues": {"high": {"priority": 5, "computeEnvironmentOrder": ("fast",)}},
    }
    made = built(given)
    assert made.tags == {"ratio": "0.25", "count": "7", "on": "true"}
    assert {str(address): resource.spec for address, resource in made.resources.items()} == {
        str(address): resource.spec for address, resource in built(SMALL).resources.items()
    }


def test_variables_are_given() -> None:
    """As for a file."""
    assert built(SMALL, variables={"rate": 9}).resources[address("job_queue.high")].spec["priority"] == 9


NO_PLACE = (
    "a value of type set has no place in a manifest (give text, a number, a truth value, None, a list or a mapping)"
)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({1, 2}, NO_PLACE),
        (float("nan"), "nan is no number that JSON can say"),
        (10**5000, "a whole number of 16,610 bits has no place in a manifest"),
    ],
    ids=["set", "nan", "huge"],
)
def test_a_variable_is_no_more_than_what_json_can_say(value: Any, says: str) -> None:
    """As any value of a document: text made of a set is nobody's wish."""
    assert faults(SMALL, rate=value) == [f"the document: variables.rate: {says}"]


class Unspeakable:
    """A key of which no text can be made."""

    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize("key", [10**5000, Unspeakable()], ids=["huge", "unspeakable"])
def test_a_key_is_never_looked_into(key: Any) -> None:
    """It is told by its type, since Python makes no text of some."""
    (told,) = faults({**SMALL, "tags": {key: "x"}})
    assert told == f"the document: tags: a key of type {type(key).__name__} has no place in a manifest (keys are text)"


def test_every_fault_is_told_by_its_path() -> None:
    """All at once, and without a line and a column, which there are none."""
    broken = {
        **SMALL,
        "tags": {"day": b"x"},
        "jobQueues": {
            "high": {"priority": {1, 2}, "stat": 1, "computeEnvironmentOrder": ["fast", float("nan")], 7: 1},
            "half": {"priority": "\ud800", "computeEnvironmentOrder": ["fast"]},
        },
    }
    assert faults(broken) == [
        "the document: jobQueues.half.priority: half a character (a lone surrogate) cannot be sent",
        "the document: jobQueues.high: a key of type int has no place in a manifest (keys are text)",
        "the document: jobQueues.high.computeEnvironmentOrder[1]: nan is no number that JSON can say",
        "the document: jobQueues.high.priority: a value of type set has no place in a manifest"
        " (give text, a number, a truth value, None, a list or a mapping)",
        "the document: jobQueues.high.stat: there is no key 'stat' here (did you mean state?)",
        "the document: tags.day: a value of type bytes has no place in a manifest"
        " (give text, a number, a truth value, None, a list or a mapping)",
    ]


def test_places_that_are_named_are_no_lines() -> None:
    """Of two blocks with one name the other is told by the document's name alone."""
    twice = {"fast": {"type": "UNMANAGED", "physicalName": "one"}, "slow": {"type": "UNMANAGED", "physicalName": "one"}}
    told = " ".join(faults({"stack": "small", "computeEnvironments": twice}))
    assert "the document" in told
    assert ":0" not in told


@pytest.mark.parametrize("document", [[1], "stack: small", None, 3])
def test_a_manifest_is_a_mapping(document: Any) -> None:
    """Anything else is a fault, and no traceback."""
    assert "a manifest is a map of keys" in faults(document)[0]


def test_what_holds_itself_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document in a circle is nested too deep, and one that holds itself many times over has too many values."""
    monkeypatch.setattr(fromvalues, "MOST_NODES", 1000)
    circle: dict[str, Any] = {"stack": "small"}
    circle["tags"] = circle
    assert any(f"is nested deeper than {DEEPEST} levels" in fault for fault in faults(circle))
    bomb: Any = ["x"] * 10
    for _ in range(6):
        bomb = [bomb] * 10
    told = faults({**SMALL, "tags": {"a": bomb}})
    assert any("comes after 1,000 values" in fault for fault in told)
    assert len(told) < 3
    many = {f"k{number}": "x" for number in range(2000)}
    assert [fault for fault in faults({**SMALL, "tags": many}) if "comes after 1,000 values" in fault]


def test_a_manifest_that_was_built_is_as_any() -> None:
    """It has the places of its blocks, which equal those of no file."""
    resource = next(iter(built(SMALL).resources.values()))
    assert resource.mark is not None
    assert attrs.astuple(resource.mark) == ("the document", 0, 0)
