"""Manifests on disk: a file, several files, or the files of a folder make one stack."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from plans import manifest
from plans.manifest import Manifest, Source, parse
from providers import model
from providers.errors import InputError
from providers.kinds import Kinds, bind

SUFFIXES = (".yaml", ".yml", ".json")
_TEMPLATE = re.compile(rb"(?<![A-Za-z])(?:Resources|TemplateBody)[\"']?\s*:")
"""What every template of CloudFormation says, and no manifest does."""


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


def sources(paths: Iterable[str | Path], within: Path | None = None) -> list[Source]:
    """The files of these paths, in order; of a folder, its own YAML and JSON files by name.

    `within`: paths, which all lie in this folder, are told as seen from there.
    """
    return [source(path, within) for given in paths for path in _files(Path(given), within)]


def source(path: str | Path, within: Path | None = None) -> Source:
    told = _told(path, within)
    try:
        return Source(told, Path(path).read_bytes())
    except OSError as error:
        raise InputError(f"{told} cannot be read: {error.strerror}", hint="is the path right?") from error


def may_be_template(source: Source) -> bool:
    """Whether a file is worth being read as a template of CloudFormation."""
    return _TEMPLATE.search(source.content) is not None


def _files(path: Path, within: Path | None) -> Sequence[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(inner for inner in path.iterdir() if inner.suffix in SUFFIXES and inner.is_file())
    if not found:
        hint = f"a manifest ends in {', '.join(SUFFIXES)}"
        raise InputError(f"{_told(path, within)} holds no manifest", hint=hint)
    return found


def _told(path: str | Path, within: Path | None) -> str:
    if within is None:
        return str(path)
    return "the top" if Path(path) == within else str(Path(path).relative_to(within))
