"""Graphs as text that others draw: DOT for Graphviz, Mermaid for Markdown.

Nodes are (address, title) in order, edges are (from, to) between addresses, drawn from what comes first to what
depends on it if given so. An edge to an address that is no node is a KeyError.
"""

import html
import string
from collections.abc import Iterable

from plans.printable import plain

_SAFE = frozenset(string.ascii_letters + string.digits + " ._-:/")


def dot(nodes: Iterable[tuple[str, str]], edges: Iterable[tuple[str, str]]) -> str:
    """The graph in the DOT language; its grammar: https://graphviz.org/doc/info/lang.html."""
    listed = list(nodes)
    ids = _ids(listed)
    lines = ["digraph batchwright {", "  rankdir=LR;", '  node [shape=box, style=rounded, fontname="sans-serif"];']
    lines += [f'  {ids[address]} [label="{_dot(label)}"];' for address, label in _labels(listed)]
    lines += [f"  {ids[start]} -> {ids[end]};" for start, end in edges]
    return "\n".join([*lines, "}"]) + "\n"


def mermaid(nodes: Iterable[tuple[str, str]], edges: Iterable[tuple[str, str]]) -> str:
    """The graph as a Mermaid flowchart; entities as in https://mermaid.js.org/syntax/flowchart.html."""
    listed = list(nodes)
    ids = _ids(listed)
    lines = ["flowchart LR"]
    lines += [f'  {ids[address]}["{_mermaid(label)}"]' for address, label in _labels(listed)]
    lines += [f"  {ids[start]} --> {ids[end]}" for start, end in edges]
    return "\n".join(lines) + "\n"


def _ids(nodes: list[tuple[str, str]]) -> dict[str, str]:
    """Names of our own, since an address may hold anything."""
    return {address: f"n{number}" for number, (address, _title) in enumerate(nodes, 1)}


def _labels(nodes: list[tuple[str, str]]) -> Iterable[tuple[str, list[str]]]:
    """An address above its title, which is left out where it says nothing more."""
    for address, title in nodes:
        yield address, [plain(address), plain(title)] if title and title != address else [plain(address)]


def _dot(label: list[str]) -> str:
    return r"\n".join(html.escape(line, quote=False).replace("\\", "\\\\").replace('"', '\\"') for line in label)


def _mermaid(label: list[str]) -> str:
    return "<br/>".join("".join(letter if letter in _SAFE else f"#{ord(letter)};" for letter in line) for line in label)
