"""The file of a controller, `controller.yaml`, read with all its faults at once.

Its keys are the attributes of the types in `configuration`, and of `Target`, in camel case.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import attrs

from plans.check import Checker
from plans.nodes import Faults, Source
from plans.policy import policy_of
from plans.yamltext import read as read_nodes
from providers import model
from providers.kinds import Kinds, bind
from providers.kinds.house import POLICY, of, structure, text
from providers.resources import EMPTY, Field, Target
from reconciler.controller.checking import LISTENING, PREFIX, check, is_remote, normal
from reconciler.controller.configuration import (
    Configuration,
    Folder,
    Git,
    Hook,
    Origin,
    Place,
    Prefix,
    Stack,
    Window,
)
from reconciler.shapes import POSITIVE, Shapes

_PATIENCE = Field("duration", minimum=1)
_SHAPES = Shapes(
    {
        "interval": _PATIENCE,
        "retry_interval": _PATIENCE,
        "timeout": _PATIENCE,
        "keep": POSITIVE,
        "workers": POSITIVE,
        "parallelism": POSITIVE,
        "max_bytes": Field("long", minimum=1),
        "max_files": POSITIVE,
        "max_api_rate": Field("double", minimum=0.1),
        "speed": Field("double", minimum=0),
        "policy": POLICY,
        "windows": of(
            structure(
                "A time in which an apply may begin, or may not.",
                frozenset({"for"}),
                allow=text("A cron: from each of its moments on it may."),
                deny=text("A cron: from each of its moments on it may not."),
                **{"for": _PATIENCE},
                zone=text("By the clock of which time zone; UTC."),
            )
        ),
    }
)
_ORIGINS: Mapping[str, type[Git | Folder | Prefix]] = {"git": Git, "folder": Folder, "s3": Prefix}
_OWN = ("url", "path", "bucket", "prefix")
"""What the three keys of a source say themselves."""
GOES_WITH: Mapping[str, frozenset[str]] = {
    key: frozenset(_SHAPES.members(made, _OWN)) for key, made in _ORIGINS.items()
}
"""The keys of a source that mean something beside each of the three."""
_WINDOWS: tuple[Literal["allow", "deny"], ...] = ("allow", "deny")
_NOT_BY_DEFAULT = ("name", "paths", "depends_on")


def _map(*shown: Mapping[str, Field]) -> Field:
    members = {key: field for each in shown for key, field in each.items()}
    return of(structure("", frozenset(), **members), kind="map")


def _tree() -> Field:
    own = ("host", "port", "targets", "sources", "stacks", "hooks")
    shapes = _SHAPES
    hook = structure("", frozenset({"kind", "source", "secrets"}), **shapes.members(Hook, ["name"]))
    return structure(
        "",
        frozenset(),
        **shapes.members(Configuration, own),
        listen=text("HOST:PORT"),
        targets=_map(shapes.members(Target, ["region_source"]), shapes.members(Place, ["target"])),
        sources=_map({key: text("") for key in _ORIGINS}, *(shapes.members(made, _OWN) for made in _ORIGINS.values())),
        defaults=structure("", frozenset(), **shapes.members(Stack, _NOT_BY_DEFAULT)),
        stacks=_map(shapes.members(Stack, ["name"])),
        hooks=of(hook, kind="map"),
    )


FIELD = _tree()
"""The tree of fields of a controller's file."""


def read(source: Source, *, folder: Path, kinds: Kinds | None = None) -> Configuration:
    """Read a controller's file, paths in it being relative to `folder`.

    Raises ManifestError with all its faults, by line and column.
    """
    faults = Faults()
    root = read_nodes(source, faults)
    if root is not None and not isinstance(root.value, Mapping):
        faults.add(root, "", f"a configuration is a map of keys such as `stacks`, not {root.told()}")
        root = None
    if root is None:
        faults.end("the configuration")
    assert root is not None
    said = Checker(Kinds(EMPTY, FIELD), None, EMPTY, faults).check(root, FIELD, "")
    check(root, said, faults, kinds or bind(model.load()), GOES_WITH)
    faults.end("the configuration")
    return _made(said, folder.absolute())


def _made(said: Mapping[str, Any], folder: Path) -> Configuration:
    shapes = attrs.evolve(_SHAPES, folder=folder)
    listening = LISTENING.fullmatch(said.get("listen") or "127.0.0.1:8700")
    assert listening is not None
    defaults = said.get("defaults") or {}
    return shapes.made(
        Configuration,
        said,
        store=_store(said.get("store") or "sqlite:///controller.db", folder),
        cache=folder / (said.get("cache") or "cache"),
        host=listening["host"].strip("[]"),
        port=int(listening["port"]),
        targets={name: _place(block, shapes) for name, block in _blocks(said, "targets")},
        sources={name: _origin(block, shapes) for name, block in _blocks(said, "sources")},
        stacks={name: _stack(name, {**defaults, **block}, shapes) for name, block in _blocks(said, "stacks")},
        hooks={name: shapes.made(Hook, block, name=name) for name, block in _blocks(said, "hooks")},
    )


def _blocks(said: Mapping[str, Any], section: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The blocks of a section without what is null."""
    for name, block in (said.get(section) or {}).items():
        yield name, {key: value for key, value in block.items() if value is not None}


def _place(block: dict[str, Any], shapes: Shapes) -> Place:
    if "simulatorFile" in block:
        block["simulatorFile"] = str(shapes.folder / block["simulatorFile"])
    source = "the configuration" if "region" in block else ""
    target = shapes.made(Target, block, region_source=source)
    return shapes.made(Place, block, target=target, policy=policy_of(block.get("policy", EMPTY)))


def _origin(block: Mapping[str, Any], shapes: Shapes) -> Origin:
    if "git" in block:
        url = block["git"]
        return shapes.made(Git, block, url=url if is_remote(url) else str(shapes.folder / url))
    if "folder" in block:
        return shapes.made(Folder, block, path=shapes.folder / block["folder"])
    found = PREFIX.fullmatch(block["s3"])
    assert found is not None
    return shapes.made(Prefix, block, bucket=found["bucket"], prefix=(found["prefix"] or "").strip("/"))


def _stack(name: str, block: Mapping[str, Any], shapes: Shapes) -> Stack:
    windows = tuple(
        Window(kind, row[kind], row["for"], row.get("zone") or "UTC")
        for row in block.get("windows", ())
        for kind in _WINDOWS
        if row.get(kind) is not None
    )
    paths = tuple(normal(path) for path in block.get("paths", ()))
    return shapes.made(Stack, block, name=name, windows=windows, paths=paths)


def _store(url: str, folder: Path) -> str:
    """The URL of a store, that of a file with its whole path."""
    scheme, slashes, path = url.partition(":///")
    return f"{scheme}{slashes}{folder / path}" if scheme == "sqlite" else url
