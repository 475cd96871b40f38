"""The rules of the simulator for readers: a table for a terminal, and a page."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping

from providers.simulator import Rule

_THREAD = re.compile(r"([\w.-]+/[\w.-]+)#([0-9]+)")
_LEAST = 40
"""Columns for a sentence, however narrow the terminal."""


def table(rules: Iterable[Rule], width: int) -> str:
    """The rules of each module under its name: what each is called and rests on, what it says, and where from."""
    return "\n".join(line for module, of_it in _by_module(rules).items() for line in _rows(module, of_it, width))


def markdown(rules: Iterable[Rule]) -> str:
    """The rules as sections of a page, a table for each module."""
    return "\n".join(_section(module, of_it) for module, of_it in _by_module(rules).items())


def _by_module(rules: Iterable[Rule]) -> Mapping[str, Mapping[str, Rule]]:
    found: dict[str, dict[str, Rule]] = {}
    for rule in rules:
        module, _, name = rule.name.partition(".")
        found.setdefault(module, {})[name] = rule
    return found


def _rows(module: str, rules: Mapping[str, Rule], width: int) -> Iterator[str]:
    names = max(map(len, rules))
    margin = " " * (2 + names + 2 + len("documented") + 2)
    room = max(_LEAST, width - len(margin))
    yield module
    for name, rule in rules.items():
        first, *others = [*_wrapped(rule.says, room), *_wrapped(rule.source, room)]
        yield f"  {name:{names}}  {rule.basis:10}  {first}"
        for line in others:
            yield margin + line
    yield ""


def _wrapped(text: str, room: int) -> list[str]:
    return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)


def _section(module: str, rules: Mapping[str, Rule]) -> str:
    title = module.replace("_", " ").capitalize()
    head = f"### {title}\n\n| rule | says | is |\n|---|---|---|\n"
    return head + "".join(
        f"| `{name}` | {_cell(rule.says)} | {rule.basis}{': ' if rule.source else ''}{_linked(rule.source)} |\n"
        for name, rule in rules.items()
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _linked(source: str) -> str:
    if thread := _THREAD.fullmatch(source):
        return f"[{source}](https://github.com/{thread[1]}/issues/{thread[2]})"
    if source.startswith("https://"):
        page = source.partition("#")[0].rstrip("/").rpartition("/")[2].removesuffix(".html")
        return f"[{_cell(page)}]({source})"
    return _cell(source)
