"""JSON read quickly is what it is when it is read as YAML, place of blocks included, or is left to that."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plans import jsontext, yamltext
from plans.manifest import Source, parse
from plans.nodes import Faults, Node, plain
from providers.errors import ManifestError
from providers.resources import Mark
from tests.plans.manifests import KINDS

_PIECES = (
    '"a"',
    '"b"',
    '"<<"',
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    " ",
    "\n",
    "\t",
    "\r\n",
    "1e3",
    "-0",
    "null",
    "true",
    "NaN",
)
_MORE = (
    '"\\ud83d\\ude00"',
    '"\\ud83d"',
    '"\\u0000"',
    '"\\/\\"\\u2028"',
    '"\x85"',
    "'c'",
    "d",
    "#",
    "&x",
    "*x",
    "---",
    "",
)


def slowly(text: str) -> tuple[Node | None, Faults]:
    faults = Faults()
    return yamltext.read(Source("m.json", text.encode("utf-8", "surrogatepass")), faults), faults


def quickly(text: str) -> Node | None:
    return jsontext.read(Source("m.json", text.encode("utf-8", "surrogatepass")))


def marks(root: Node) -> list[Any]:
    """The places of the keys on top, and of those of the blocks."""
    return [
        (name, entry.key.mark, [(inner, block.key.mark) for inner, block in entry.node.entries.items()])
        for name, entry in root.entries.items()
    ]


def same(text: str) -> bool:
    """Whether it was read quickly; if it was, then as YAML is."""
    quick = quickly(text)
    if quick is None:
        return False
    slow, faults = slowly(text)
    assert not faults.found, text
    assert slow is not None
    assert plain(quick) == plain(slow), text
    assert marks(quick) == marks(slow), text
    return True


_TEXTS = st.text(max_size=12) | st.text(' "\\/u{}[]:,#\n\t\x7f\x85\u2028\ud83d', max_size=6)
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS
_VALUES = st.recursive(_SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3))


@given(
    st.dictionaries(_TEXTS, st.dictionaries(_TEXTS, _VALUES, max_size=3) | _VALUES, max_size=3),
    st.sampled_from((None, 0, 1, 3)),
    st.booleans(),
    st.sampled_from(((",", ":"), (", ", ": "), (" ,", " : "))),
)
@example({"a": {"b": {"c": ["x" * 2000]}}}, 1, True, (", ", ": "))
def test_every_document_is_read_as_it_is_by_yaml(
    document: Any, indent: int | None, escaped: bool, separators: tuple[str, str]
) -> None:
    """However it is spaced, and whichever of its characters are escaped; what is not the same is left to YAML."""
    text = json.dumps(document, indent=indent, ensure_ascii=escaped, separators=separators)
    same(text)
    same(f"\ufeff {text}\r\n")


@given(st.lists(st.sampled_from((*_PIECES, *_MORE)), max_size=14).map("".join))
@example('{"a"\n:1}')
@example('{"a":{"b"\n:1}}')
@example('{"a\\\\"\n:1}')
@example('{"a":\r1}')
@example('{"a":1,"a":2}')
@example('{"a":{"b":{"c":1,"c":2}}}')
@example('{"' + 1100 * "k" + '":1}')
@example('{"' + 700 * 'k\\"' + '":1}')
@example('{"a": {"b": ' + 99 * "[" + 99 * "]" + "}}")
def test_what_is_hardly_json_is_read_as_it_is_by_yaml(text: str) -> None:
    """Two keys alike, tabs, line breaks, words that only one of the two knows, or no end."""
    same(f"{{{text}}}")
    same(text)


@pytest.mark.parametrize(
    "text",
    ['{"a": {"b": {"c": [1, -0, 1e3, true, null, "null", "\\u00e4\\n"]}}, "d": "x"}', '{\n "a": {}\n}\n', "{}"],
)
def test_plain_json_is_read_quickly(text: str) -> None:
    """Else nothing would be gained."""
    assert same(text)


def test_limits_are_those_of_yaml() -> None:
    """Levels and values are bounded, and so is the file."""
    assert same('{"a": {"b": ' + 97 * "[" + 97 * "]" + "}}")
    assert not same('{"a": {"b": ' + 100 * "[" + 100 * "]" + "}}")
    assert not same('{"a": {"b": ' + 100_000 * "[" + 100_000 * "]" + "}}")
    assert quickly('{"a": [' + "1," * 1_000_000 + "1]}") is None
    assert quickly('{"a": "' + 11 * 1024 * 1024 * "b" + '"}') is None


_FAULTY = """{"stack": "s", "jobQueues": {
  "low": {"priority": "x"},
 "low": {"priorty": 1}, "b": 3}, "policy": {"prune": 7}}"""


def test_faults_have_their_places() -> None:
    """All of them at once, as in YAML, though the file was read quickly first."""
    told = []
    for text in (_FAULTY, _FAULTY.replace('"low": {"priorty"', '"other": {"priorty"')):
        with pytest.raises(ManifestError) as raised:
            parse([Source("m.json", text.encode())], variables={}, kinds=KINDS)
        told.append([(fault.line, fault.column, fault.path) for fault in raised.value.faults])
    assert (3, 2, "jobQueues.low") in told[0]
    assert {(2, 23, "jobQueues.low.priority"), (3, 12, "jobQueues.other.priorty")} <= set(told[1])
    assert all(line and column for line, column, _ in told[1])


def test_json_and_yaml_make_one_manifest() -> None:
    """Each file is read in its own way, and faults of the one are told though the other has none."""
    one = Source("one.json", b'{"stack": "s", "schedulingPolicies": {"a": {}}}')
    manifest = parse([one, Source("two.yaml", b"schedulingPolicies: {b: {}}")], variables={}, kinds=KINDS)
    assert {str(address): made.mark for address, made in manifest.resources.items()} == {
        "scheduling_policy.a": Mark("one.json", 1, 39),
        "scheduling_policy.b": Mark("two.yaml", 1, 22),
    }
    with pytest.raises(ManifestError) as raised:
        parse([one, Source("two.yaml", b"schedulingPolicies: {a: {}}")], variables={}, kinds=KINDS)
    assert raised.value.faults[0].hint is not None
    assert "one.json:1" in str(raised.value.faults[0])
