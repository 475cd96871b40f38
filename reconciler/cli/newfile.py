"""A file that a verb makes, and never one that is there already."""

import os

from providers.errors import InputError


def free(path: str) -> None:
    """Raise InputError where something has this name already."""
    if os.path.lexists(path):
        raise _taken(path)


def write(path: str, text: str) -> None:
    """Write a new file that only its owner may read."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise _taken(path) from error
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}", hint="give another file") from error


def _taken(path: str) -> InputError:
    return InputError(f"{path} exists already", hint="give a new file, or remove that one")
