"""Manifests on disk: a file, several files, or the files of a folder make one stack."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from plans import manifest
from plans.manifest import Manifest, Source, parse
from providers import model
from providers.errors import InputError
from providers.kinds import Kinds, bind

SUFFIXES = (".yaml", ".yml", ".json")


def load(
    paths: Iterable[str | Path], *, variables: Mapping[str, Any] | None = None, kinds: Kinds | None = None
) -> Manifest:
    """Read the manifest of one stack: of a file, of several, or of the files of a folder.

    `variables` are values of variables that it declares. `kinds` are those of a Reconciler, where one is at hand: to
    read them anew takes some 30 ms. Raises ManifestError with all faults, InputError for a path that is none.
    """
    return parse(sources(paths), variables=variables or {}, kinds=kinds or bind(model.load()))


def build(
    document: Mapping[str, Any], *, variables: Mapping[str, Any] | None = None, kinds: Kinds | None = None
) -> Manifest:
    """The manifest that a document says: mappings, lists, texts, numbers, truth values and None, as JSON has them.

    `variables` and `kinds` are as for `load`. Raises ManifestError with all faults, each with its path.
    """
    return manifest.build(document, variables=variables or {}, kinds=kinds or bind(model.load()))


def sources(paths: Iterable[str | Path]) -> list[Source]:
    """The files of these paths, in order; of a folder, its own YAML and JSON files by name."""
    return [source(path) for given in paths for path in _files(Path(given))]


def source(path: str | Path) -> Source:
    try:
        return Source(str(path), Path(path).read_bytes())
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", hint="is the path right?") from error


def _files(path: Path) -> Sequence[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(inner for inner in path.iterdir() if inner.suffix in SUFFIXES and inner.is_file())
    if not found:
        raise InputError(f"{path} holds no manifest", hint=f"a manifest ends in {', '.join(SUFFIXES)}")
    return found
