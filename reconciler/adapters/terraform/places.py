"""JSON of another tool as Python reads it, and where in the text a value stands, looked for only where it is at fault.

A state may be many times as large as a manifest, which `plans.yamltext` would take too long for.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import attrs

from plans.jsonform import depth
from plans.nodes import Source
from providers.errors import Fault, ManifestError

LARGEST = 64 * 1024 * 1024
"""Bytes in a file."""
DEEPEST = 100
"""Levels of nesting."""

Path = tuple[str | int, ...]

_SPACE = re.compile(r"[ \t\r\n]*")
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""Half of a letter, as JSON may write it; two of them are one."""
_DECODER = json.JSONDecoder()


def parsed(text: str) -> Any:
    """The value of a text of JSON; raises ValueError or RecursionError where it is none, or no encoding can hold it."""
    root = json.loads(text)
    if _HALF.search(text):
        json.dumps(root, ensure_ascii=False).encode()
    return root


@attrs.frozen
class Text:
    """A file that is JSON; each reader gives what stands at a path as the type that it is for, or raises ManifestError
    with file, line and column."""

    name: str
    content: str
    root: Any

    @classmethod
    def read(cls, source: Source) -> "Text":
        """Raises ManifestError where it is no JSON."""
        if len(source.content) > LARGEST:
            raise _fault(source.name, 0, 0, "", f"the file has {len(source.content)} bytes, more than 64 MiB", None)
        try:
            content = source.content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise _fault(source.name, 0, 0, "", "the file is not UTF-8", None) from error
        try:
            root = parsed(content)
        except json.JSONDecodeError as error:
            message = f"not JSON: {error.msg}"
            raise _fault(source.name, error.lineno, error.colno, "", message, "is the file whole?") from error
        except (ValueError, RecursionError) as error:
            raise _fault(source.name, 0, 0, "", "not JSON that anything of Terraform writes", None) from error
        if depth(root) > DEEPEST:
            raise _fault(source.name, 0, 0, "", f"nested more than {DEEPEST} levels deep", None)
        return cls(source.name, content, root)

    def fault(self, path: Path, message: str, hint: str | None = None) -> ManifestError:
        line, column = self._place(path)
        return _fault(self.name, line, column, _told(path), message, hint)

    def map(self, value: Any, path: Path) -> Mapping[str, Any]:
        """A map; nothing at all is an empty one."""
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.fault(path, "should be a map")
        return value

    def items(self, value: Any, path: Path) -> list[Any]:
        """A list; nothing at all is an empty one."""
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.fault(path, "should be a list")
        return value

    def text(self, holder: Mapping[str, Any], key: str, path: Path, otherwise: str | None = None) -> str:
        value = holder.get(key, otherwise)
        if not isinstance(value, str):
            raise self.fault((*path, key) if key in holder else path, f"{key} should be a text")
        return value

    def _place(self, path: Path) -> tuple[int, int]:
        """Line and column of the value at a path, or of the last on the way to it that is there."""
        at = self._after(0)
        for step in path:
            found = self._inner(at, step)
            if found is None:
                break
            at = found
        return self.content.count("\n", 0, at) + 1, at - self.content.rfind("\n", 0, at)

    def _inner(self, at: int, step: str | int) -> int | None:
        """Where a member or an element of the value begins that begins here."""
        opening, text = self.content[at], self.content
        if opening not in "{[" or (opening == "{") != isinstance(step, str):
            return None
        at, number = self._after(at + 1), 0
        while text[at] not in "}]":
            key: str | int = number
            if opening == "{":
                key, end = _DECODER.raw_decode(text, at)
                at = self._after(self._after(end) + 1)
            if key == step:
                return at
            _, end = _DECODER.raw_decode(text, at)
            at, number = self._after(end), number + 1
            if text[at] == ",":
                at = self._after(at + 1)
        return None

    def _after(self, at: int) -> int:
        found = _SPACE.match(self.content, at)
        assert found is not None
        return found.end()


def _told(path: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def _fault(name: str, line: int, column: int, path: str, message: str, hint: str | None) -> ManifestError:
    return ManifestError(f"{name} cannot be converted", faults=(Fault(name, line, column, path, message, hint),))


def refused(source: Source, message: str, hint: str | None) -> ManifestError:
    """A file that is something else altogether."""
    return _fault(source.name, 0, 0, "", message, hint)
