"""Plan files on disk: written for their owner alone, and told from manifests."""

import os
import stat
from collections.abc import Iterable

from plans import planfile
from plans.manifest import Source
from plans.plan import Plan
from plans.wish import Wish, loads
from providers.errors import InputError, StalePlan
from reconciler.files import SUFFIXES

_HEAD = 200
"""In so many characters a plan file, or a page, says that it is one."""


def held(path: str) -> Wish | None:
    """The wish of a plan file; None where the path is something else, such as a manifest.

    A pipe is none: it can be read once only, and by whoever reads manifests.
    """
    text = read(path) if os.path.isfile(path) else None
    return None if text is None else loads(text)


def same_provider(held: Plan | None, provider: str) -> None:
    """A plan for the simulator must not call AWS, even to find that it was made for something else."""
    made_for = held.target.get("provider") if held is not None else None
    if made_for not in (None, provider):
        told = f"the plan was made for provider {made_for}, and this is {provider}"
        raise StalePlan(told, hint=f"give --provider {made_for}")


def read(path: str) -> str | None:
    """The text of a plan file; None where the path is something else."""
    if os.path.isdir(path):
        return None
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(planfile.MAX_CHARACTERS + 1)
    except UnicodeDecodeError:
        return None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", hint="is the path right?") from error
    return text if _is_plan(text[:_HEAD]) else None


def _is_plan(head: str) -> bool:
    bare = "".join(head.split())
    return bare.startswith("{") and '"batchwright":"plan"' in bare


def none_of(sources: Iterable[Source]) -> None:
    """Raise InputError where a plan file is among those that are to be read as manifests."""
    for source in sources:
        if _is_plan(source.content[:_HEAD].decode(errors="replace")):
            hint = "give paths of manifests; apply, rehearse and show take one plan file, alone"
            raise InputError(f"{source.name} is a plan file, and no manifest", hint=hint)


def free(path: str, manifest: tuple[str, ...]) -> None:
    """Raise InputError where a plan file may not be put: over another file, or among those of its manifest."""
    if os.path.isfile(path) and os.path.getsize(path) and read(path) is None:
        raise InputError(f"{path} exists and is not a plan file", hint="give another file, or remove that one")
    _apart(path, manifest)


def free_page(path: str, manifest: tuple[str, ...], out: str | None = None) -> None:
    """Raise InputError where a page may not be put: over a file that is none of ours, where the plan file `out` goes,
    or among those of the manifest."""
    if os.path.isfile(path) and os.path.getsize(path) and not _is_page(path):
        raise InputError(
            f"{path} exists and is not a page of batchwright", hint="give another file, or remove that one"
        )
    if out is not None and os.path.realpath(path) == os.path.realpath(out):
        raise InputError(f"--out and --html both say {path}", hint="give each its own file")
    _apart(path, manifest)


def _is_page(path: str) -> bool:
    from plans.views.page import OURS

    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return OURS in file.read(_HEAD)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", hint="is the path right?") from error


def _apart(path: str, manifest: tuple[str, ...]) -> None:
    folder = os.path.realpath(os.path.dirname(path) or ".")
    if path.endswith(SUFFIXES) and folder in map(os.path.realpath, manifest):
        raise InputError(f"{path} would be read as a part of the manifest", hint="give a file elsewhere")


def keep(path: str, text: str) -> None:
    """Write a file that only its owner may read, also where there was one that others could."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            # A device or a pipe is not ours to close to others: think of /dev/null.
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.fchmod(descriptor, 0o600)
            file.write(text)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}", hint="give another file") from error
