"""What holds for every manifest, and for every file that is none."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from plans.document import from_document, to_document
from plans.manifest import Source, parse, parse_policy, parse_variables
from plans.manifest_schema import manifest_schema
from providers.errors import Fault, ManifestError
from tests.plans.manifest_strategies import manifests, texts
from tests.plans.manifests import KINDS, parsed

pytestmark = pytest.mark.unmeasured

GENOMICS = (Path(__file__).parents[2] / "examples" / "genomics" / "batchwright.yaml").read_bytes()
SCHEMA = Draft202012Validator(manifest_schema(KINDS))
slow = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


def as_json(document: Any) -> bytes:
    return json.dumps(document).encode()


@slow
@given(manifests())
def test_specs_are_what_was_written(document: dict[str, Any]) -> None:
    """Where no reference is meant, a spec is the block as written, type for type, and the schema agrees."""
    manifest = parsed(as_json(document))
    for kind in KINDS:
        for name, block in document.get(kind.section, {}).items():
            (made,) = (
                one for address, one in manifest.resources.items() if (address.kind, address.name) == (kind.name, name)
            )
            assert json.dumps(made.spec) == json.dumps({key: value for key, value in block.items() if key != "tags"})
            assert made.tags == {**document["tags"], **block["tags"]}
    SCHEMA.validate(document)


@slow
@given(manifests(), st.booleans())
def test_yaml_and_json_say_the_same(document: dict[str, Any], flow: bool) -> None:
    """A manifest is the same in YAML, in whatever style, and in JSON."""
    text = yaml.safe_dump(document, default_flow_style=flow, allow_unicode=flow, sort_keys=False)
    assert parsed(text.encode()) == parsed(as_json(document))


@slow
@given(manifests())
def test_round_trip(document: dict[str, Any]) -> None:
    """A manifest is the same after a plan file."""
    manifest = parsed(as_json(document))
    assert from_document(json.loads(json.dumps(to_document(manifest)))) == manifest


@slow
@given(manifests(), st.data())
def test_splitting(document: dict[str, Any], data: st.DataObject) -> None:
    """A manifest split into files is the same manifest."""
    files: list[dict[str, Any]] = [{"stack": document["stack"]}, {"tags": document["tags"]}, {}]
    for kind in KINDS:
        for name, block in document.get(kind.section, {}).items():
            data.draw(st.sampled_from(files)).setdefault(kind.section, {})[name] = block
    whole = parsed(as_json(document))
    split = parsed(*(as_json(file) for file in files))
    assert split == whole
    kinds = [address.kind for address in split.resources]
    assert kinds == [address.kind for address in whole.resources]


def faults_of(read: Callable[[], object]) -> Sequence[Fault]:
    """The faults that are found; none where there are none. Any other error is an error of the test."""
    try:
        read()
    except ManifestError as error:
        return error.faults or pytest.fail("a manifest is refused without a fault")
    return ()


def everything(content: bytes) -> None:
    source = Source("f", content)
    assert all(map(str, faults_of(lambda: parse([source], variables={}, kinds=KINDS))))
    assert all(map(str, faults_of(lambda: parse([source], variables={"image": {"a": [None]}}, kinds=KINDS))))
    assert all(map(str, faults_of(lambda: parse_policy([source]))))
    assert all(map(str, faults_of(lambda: parse_variables(source))))


YAMLISH = st.lists(
    st.sampled_from(
        [
            *("stack", "variables", "policy", "jobQueues", "tags", "default", "ignore", "lifecycle", "target"),
            *(": ", "- ", "? ", "\n", "\n  ", "[", "]", "{", "}", ", ", "&a ", "*a", "<<", "!x ", "!!int ", "|", ">"),
            *(
                "'",
                '"',
                "\\",
                "#",
                "%",
                "@",
                "---\n",
                "...\n",
                "\t",
                "~",
                "1",
                "${var.a}",
                "${var.",
                "\ufeff",
                "\x00",
                "ü",
            ),
        ]
    ),
    max_size=30,
).map("".join)


@given(st.one_of(st.binary(max_size=60), YAMLISH.map(str.encode)))
@settings(max_examples=300)
def test_arbitrary_bytes(content: bytes) -> None:
    """Whatever a file holds, the answer is a manifest or faults."""
    everything(content)


@given(st.one_of(st.binary(max_size=60), YAMLISH.map(str.encode)))
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arbitrary_bytes_without_libyaml(content: bytes) -> None:
    """So it is with the parser that is written in Python."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(yaml, "CSafeLoader")
        everything(content)


@given(st.integers(0, len(GENOMICS) - 1), st.integers(0, 40), st.binary(max_size=4))
@settings(max_examples=100, deadline=None)
def test_damaged_example(start: int, length: int, instead: bytes) -> None:
    """A real manifest with a hole in it is a manifest or faults."""
    everything(GENOMICS[:start] + instead + GENOMICS[start + length :])


def _keys(depth: int = 3) -> list[str]:
    return sorted(
        {path.rpartition(".")[2].removesuffix("[]") for path, _ in KINDS.document.paths() if path.count(".") < depth}
    )


anything: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from(_keys()), inner, max_size=3),
        st.fixed_dictionaries({"stack": inner, "name": inner}),
    ),
    max_leaves=8,
)
blocks = st.dictionaries(
    st.sampled_from([*KINDS.document.members]),
    st.one_of(
        anything,
        *(
            st.dictionaries(
                texts, st.dictionaries(st.sampled_from([*kind.block.members]), anything, max_size=4), max_size=2
            )
            for kind in KINDS
        ),
    ),
    max_size=4,
)


@given(blocks)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_anything_anywhere(document: dict[str, Any]) -> None:
    """Any value under any key is a manifest or faults, each with a place."""
    found = faults_of(lambda: parsed(as_json(document)))
    assert all(fault.file and fault.line and fault.column for fault in found)
