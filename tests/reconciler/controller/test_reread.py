"""A file that means what it says now."""

import os
from pathlib import Path

from providers.errors import InputError
from reconciler.controller.reread import Reread


def test_it_is_renewed_with_the_file_and_lost_with_it(tmp_path: Path) -> None:
    """Each look sees the file as it is, even where its time and size stay; what cannot be read is told once."""
    path, told = tmp_path / "file", list[str]()
    parsed: list[bytes] = []

    def parse(content: bytes) -> bytes:
        parsed.append(content)
        if content == b"bad":
            raise InputError("it is bad")
        return content.upper()

    file = Reread(path, parse, lambda error: told.append(str(error)))
    assert [file.value(), file.value()] == [None, None]
    assert told == [f"{path} cannot be read: No such file or directory"]
    path.write_bytes(b"one")
    os.utime(path, (1, 1))
    assert [file.value(), file.value()] == [b"ONE", b"ONE"]
    path.write_bytes(b"two")
    os.utime(path, (1, 1))
    assert file.value() == b"TWO"
    path.write_bytes(b"bad")
    assert [file.value(), file.value()] == [None, None]
    assert parsed == [b"one", b"two", b"bad"]
    path.write_bytes(b"two")
    assert file.value() == b"TWO"
    path.write_bytes(b"bad")
    assert file.value() is None
    assert told[1:] == ["it is bad", "it is bad"]
    path.write_bytes(b"x" * (1024 * 1024 + 1))
    assert file.value() is None
    assert told[3:] == [f"{path} has more than 1 MiB"]
