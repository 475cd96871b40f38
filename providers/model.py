"""The Batch service model as trees of fields, read from botocore's own data file.

The file is read by its path, with gzip and json, since importing botocore for it costs several times as much as all
the rest of `batchwright validate`. So `AWS_DATA_PATH` and models that a user put under `~/.aws/models` are not seen.
"""

import gzip
import importlib.util
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs

from providers.errors import InputError
from providers.resources import Field


@attrs.frozen
class Operation:
    """One operation of the API; `output` is an empty structure where the answer has no body."""

    name: str
    input: Field
    output: Field


@attrs.frozen
class Model:
    """The operations of AWS Batch; `version` is that of the installed botocore's data, its API version."""

    api_version: str
    operations: Mapping[str, Operation]


def find() -> Path:
    """The data file of the installed botocore; raises InputError where there is none."""
    spec = importlib.util.find_spec("botocore")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    found = sorted(path for folder in folders for path in Path(folder).glob("data/batch/*/service-2.json*"))
    if not found:
        raise InputError("botocore's model of AWS Batch is not installed", hint="pip install boto3")
    return found[-1]


def load(path: Path | None = None) -> Model:
    """Read the model from `path`, or from the installed botocore."""
    path = path or find()
    raw = path.read_bytes()
    document = json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)
    return parse(document)


def parse(document: Mapping[str, Any]) -> Model:
    """Turn a `service-2.json` document into operations with their trees of fields."""
    shapes: Mapping[str, Mapping[str, Any]] = document["shapes"]
    # The fields of one shape differ in nothing but their documentation.
    made: dict[str, Callable[..., Field]] = {}

    def field(reference: Mapping[str, str]) -> Field:
        name = reference["shape"]
        shape = shapes[name]
        if name not in made:
            inner = shape.get("member") or shape.get("value")
            made[name] = partial(
                Field,
                type=shape["type"],
                shape=name,
                members=MappingProxyType({member: field(of) for member, of in shape.get("members", {}).items()}),
                required=frozenset(shape.get("required", ())),
                element=field(inner) if inner else None,
                enum=tuple(shape.get("enum", ())),
                minimum=shape.get("min"),
                maximum=shape.get("max"),
            )
        return made[name](documentation=reference.get("documentation") or shape.get("documentation", ""))

    nothing = Field("structure")
    operations = {
        name: Operation(
            name,
            field(operation["input"]) if "input" in operation else nothing,
            field(operation["output"]) if "output" in operation else nothing,
        )
        for name, operation in document["operations"].items()
    }
    return Model(document["metadata"]["apiVersion"], MappingProxyType(operations))
