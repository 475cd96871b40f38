"""From bytes to nodes: what is read, where it stands, and what is refused."""

import gc
import json
from typing import Any

import pytest
import yaml

from plans.nodes import Faults, Node, Source, plain
from plans.yamltext import DEEPEST, LARGEST, MOST_NODES, read
from providers.errors import Fault


@pytest.fixture(params=["libyaml", "pure Python"], autouse=True)
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test holds with libyaml and without it."""
    if request.param == "pure Python":
        monkeypatch.delattr(yaml, "CSafeLoader")


def node(content: str | bytes) -> Node:
    faults = Faults()
    found = read(Source("f", content if isinstance(content, bytes) else content.encode()), faults)
    assert not faults.found
    assert found is not None
    return found


def only(content: str | bytes) -> Fault:
    faults = Faults()
    read(Source("f", content if isinstance(content, bytes) else content.encode()), faults)
    assert len(faults.found) == 1, [str(fault) for fault in faults.found]
    return faults.found[0]


@pytest.mark.parametrize(
    "text", ["on", "017", "1e3", "12:30:45", "2026-01-01", "0.25", "=", "0x1f", ".inf", "yes", "1_000"]
)
def test_text_as_written(text: str) -> None:
    """A scalar keeps the text that was written, whatever YAML would make of it."""
    assert plain(node(f"a: {text}")) == {"a": text}


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL", "!!null x"])
def test_null(text: str) -> None:
    """An unquoted null, or nothing, is None."""
    assert plain(node(f"a: {text}")) == {"a": None}


@pytest.mark.parametrize("text", ["'null'", '"~"', "! ~", "!!str null", "'' "])
def test_quoted_null(text: str) -> None:
    """What is quoted or tagged as a text is a text."""
    assert isinstance(plain(node(f"a: {text}"))["a"], str)


def test_marks() -> None:
    """Every key and value knows its line and column, counted from 1."""
    root: Any = node("a:\n  - b: c\n")
    entry = root.value["a"].node.items[0].entries["b"]
    assert (entry.key.line, entry.key.column, entry.node.line, entry.node.column) == (2, 5, 2, 8)


def test_merge_keys() -> None:
    """What a map says wins over what `<<` brings, and of several merged maps the earlier one wins."""
    text = """
    one: &one {a: 1, b: 1}
    two: &two {b: 2, c: 2}
    both: {<<: [*one, *two], a: 0}
    chain: &chain {<<: *two, d: 4}
    end: {<<: *chain, c: 5}
    plain: {"<<": x}
    """
    found = plain(node(text))
    assert found["both"] == {"a": "0", "b": "1", "c": "2"}
    assert found["end"] == {"b": "2", "c": "5", "d": "4"}
    assert found["plain"] == {"<<": "x"}


def test_merge_of_no_map() -> None:
    """`<<` takes nothing but maps."""
    assert only("a: {<<: [x]}").message == "<< takes a map, or a list of maps, not 'x'"


def test_merge_of_a_refused_map() -> None:
    """What is refused already is not refused again."""
    assert only("a: {<<: !x {b: c}}").message == "the tag !x means nothing here"


@pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 3\n", '{"a": 1, "b": 2,\n\n"a": 3}'])
def test_duplicate_keys(text: str) -> None:
    """A key that stands twice is a fault at the second place, in YAML and in JSON."""
    found = only(text)
    assert (found.line, found.column, found.path) == (3, 1, "a")
    assert found.hint == "first at f:1"


def test_path_of_a_fault() -> None:
    """A fault of the text tells the path at which it stands."""
    assert only("a:\n  - x\n  - {b: !Ref c}\n").path == "a[1].b"


@pytest.mark.parametrize("tag", ["!Ref", "!!python/object/apply:os.system", "!!binary", "!!set", "!!timestamp", "!x!y"])
def test_unknown_tags(tag: str) -> None:
    """Tags other than those of text, numbers, lists and maps are refused, and nothing is made from them."""
    prefix = "%TAG !x! tag:x,2000:\n---\n" if tag == "!x!y" else ""
    found = only(f"{prefix}a: {tag} x")
    assert found.message.endswith("means nothing here")
    assert found.column == 4


def test_known_tags() -> None:
    """Tags that say what the model says anyway are harmless."""
    assert plain(node("a: !!int 4\nb: !!seq [!!str 5]\nc: !!map {}\nd: !!bool true\ne: !!float 1")) == {
        "a": "4",
        "b": ["5"],
        "c": {},
        "d": "true",
        "e": "1",
    }


@pytest.mark.parametrize("key", ["[a]", "{a: b}", "? [a]\n: b"])
def test_keys_are_texts(key: str) -> None:
    """A list or a map is no key."""
    content = key if key.startswith("?") else f"{key}: b"
    assert "a key is a text" in only(content).message


def test_alias() -> None:
    """An alias is what it repeats, also as a key."""
    assert plain(node("a: &x [1]\nb: *x\nc: &k d\n*k : e")) == {"a": ["1"], "b": ["1"], "c": "d", "d": "e"}


def test_alias_of_itself() -> None:
    """An alias within what it repeats is a fault."""
    found = only("a: &x\n  - *x")
    assert (found.line, found.column) == (2, 5)
    assert "inside what it repeats" in found.message


def test_alias_of_nothing() -> None:
    """An alias without an anchor is a fault."""
    assert "no such anchor" in only("a: *x").message


def test_alias_bomb() -> None:
    """Aliases of aliases are counted as what they amount to, before any memory is spent on them."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert f"more than {MOST_NODES:,} values" in only("\n".join(lines)).message


def test_depth_through_aliases() -> None:
    """Levels behind aliases count."""
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, DEEPEST + 1))]
    assert "levels deep" in only("\n".join(lines)).message


@pytest.mark.parametrize("text", ["[" * 300_000, "{a: " * 50_000, "- " * 5_000])
def test_depth(text: str) -> None:
    """A file of brackets is a fault, not the end of the process."""
    assert "levels deep" in only(text).message


def test_depth_allowed() -> None:
    """What is nested as deep as allowed is read."""
    assert node("[" * DEEPEST + "]" * DEEPEST).items


def test_too_large() -> None:
    """A file over 10 MiB is refused unread."""
    assert "10 MiB" in only(b"#" * (LARGEST + 1)).message


@pytest.mark.parametrize("content", [b"a: \xff", b"a: b\nc: \xc3\xa4\xe2\x28"])
def test_not_utf8(content: bytes) -> None:
    """A byte that is no UTF-8 is a fault where it stands."""
    found = only(content)
    line = content[: content.index(b"\xff" if b"\xff" in content else b"\xe2\x28")].decode().split("\n")
    assert (found.line, found.column) == (len(line), len(line[-1]) + 1)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32"])
def test_wide_encodings(encoding: str) -> None:
    """A file in UTF-16 or UTF-32 is refused by name, not as gibberish."""
    content = ("\ufeff" if encoding.endswith("be") else "") + "stack: s"
    found = only(content.encode(encoding))
    assert (found.line, found.column, found.hint) == (1, 1, "save it as UTF-8")


def test_byte_order_mark() -> None:
    """The mark that some editors put before UTF-8 is no part of the first key."""
    assert plain(node(b"\xef\xbb\xbfstack: s")) == {"stack": "s"}


def test_control_characters() -> None:
    """A character that may not stand in YAML is named with its place."""
    found = only("a: b\nc: \x01")
    assert (found.line, found.column) == (2, 4)
    assert "U+0001" in found.message


@pytest.mark.parametrize("content", ["", "# nothing\n", "---\n", "~", "\n\n"])
def test_empty(content: str) -> None:
    """An empty file says so."""
    assert only(content).message == "the file is empty"


def test_two_documents() -> None:
    """A file is one document; the fault stands where the second begins."""
    found = only("a: 1\n---\nb: 2\n")
    assert (found.line, found.column) == (2, 1)
    assert found.hint == "one document a file: split it"


@pytest.mark.parametrize(
    ("content", "line"), [("a:\n\tb: c\n", 2), ("a: [1,\n", 2), ("a: 'b\n", 2), ("a: b: c", 1), ("a: @x", 1)]
)
def test_syntax(content: str, line: int) -> None:
    """What is not YAML is a fault at the place that the parser names."""
    found = only(content)
    assert found.message.startswith("not YAML: ")
    assert found.line == line


def test_tabs() -> None:
    """Who indents with tabs is told so."""
    assert only("a:\n\tb: c\n").hint == "indent with spaces, not with tabs"


def test_huge_escape() -> None:
    """An escape for no character is a fault, in both parsers."""
    assert only('a: "\\UFFFFFFFF"').message.startswith("not YAML: ")


def test_json() -> None:
    """JSON is read as it is, escapes beyond U+FFFF included."""
    document = {"a": ["\U0001f600 \\ud83d\\ude00", "\u00e4", '"', "/"], "b": {"c": "x" * 2000}}
    assert plain(node(json.dumps(document))) == document
    assert plain(node(json.dumps(document, indent=2, ensure_ascii=False))) == document


@pytest.mark.parametrize("was_on", [True, False])
def test_collector(was_on: bool) -> None:
    """The cyclic collector is afterwards as it was before, also when a file is refused."""
    (gc.enable if was_on else gc.disable)()
    try:
        read(Source("f", b"a: 1"), Faults())
        assert gc.isenabled() is was_on
        read(Source("f", b"a: ["), Faults())
        assert gc.isenabled() is was_on
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ('{"stack": "s",\n "tags": {},      // none\n "jobQueues": {}}', "not JSON: Expecting property name", (2, 19)),
        ('{"stack": "s"\n "tags": {}}', "not JSON: Expecting ',' delimiter", (2, 2)),
        ('\ufeff{"stack": [', "not JSON: Expecting value", (1, 12)),
        ('\t{"stack": "s"}', "not YAML: ", (1, 1)),
    ],
)
def test_what_is_not_json(text: str, message: str, place: tuple[int, int]) -> None:
    """Of a file called .json Python's own parser tells what is wrong and where; of what is JSON and no YAML, YAML's
    does."""
    faults = Faults()
    assert read(Source("a.json", text.encode()), faults) is None
    (found,) = faults.found
    assert found.message.startswith(message)
    assert (found.line, found.column) == place
    again = Faults()
    read(Source("a.yaml", text.encode()), again)
    assert again.found[0].message.startswith("not YAML: ")
