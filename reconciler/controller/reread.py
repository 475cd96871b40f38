"""A small file whose meaning is renewed when its bytes change."""

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import attrs

from providers.errors import InputError

T = TypeVar("T")
_LARGEST = 1024 * 1024


@attrs.define
class Reread(Generic[T]):
    """What `parse` makes of a file, which is read at each look and parsed anew when its bytes are others.

    The bytes are compared, not the time of the file, which may stay the same over two writes. A file that cannot be
    read or parsed (`InputError`) means None until it can be again, so that what was taken out of it is out at once:
    `tell` hears why, once for each reason.
    """

    path: Path
    parse: Callable[[bytes], T]
    tell: Callable[[InputError], None]
    _seen: bytes | None = attrs.field(init=False, default=None)
    _value: T | None = attrs.field(init=False, default=None)
    _told: str = attrs.field(init=False, default="")

    def value(self) -> T | None:
        try:
            content = _read(self.path)
        except InputError as error:
            self._lose(None, error)
            return None
        if content == self._seen:
            return self._value
        try:
            self._value = self.parse(content)
        except InputError as error:
            self._lose(content, error)
            return None
        self._seen, self._told = content, ""
        return self._value

    def _lose(self, content: bytes | None, error: InputError) -> None:
        self._seen, self._value = content, None
        if str(error) != self._told:
            self._told = str(error)
            self.tell(error)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", hint="is the path right?") from error
    if len(content) > _LARGEST:
        raise InputError(f"{path} has more than 1 MiB", hint="is it the right file?")
    return content
