"""Manifests on disk: a file, several files, or the files of a folder make one stack."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

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
    """Read and parse a manifest; raises ManifestError with all its faults, InputError for a path that is none."""
    return parse(sources(paths), variables=variables or {}, kinds=kinds or bind(model.load()))


def sources(paths: Iterable[str | Path]) -> list[Source]:
    """The files of these paths, in order; of a folder, its own YAML and JSON files by name."""
    return [source(path) for given in paths for path in _files(Path(given))]


def source(path: str | Path) -> Source:
    try:
        return Source(str(path), Path(path).read_bytes())
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", hint="is the path right?") from error


def may_be_template(source: Source) -> bool:
    """Whether a file is worth being read as a template of CloudFormation."""
    return _TEMPLATE.search(source.content) is not None


def _files(path: Path) -> Sequence[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(inner for inner in path.iterdir() if inner.suffix in SUFFIXES and inner.is_file())
    if not found:
        raise InputError(f"{path} holds no manifest", hint=f"a manifest ends in {', '.join(SUFFIXES)}")
    return found
