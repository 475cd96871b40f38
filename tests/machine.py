"""What verbs print under `--json`, held against the schemas that say what they print."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from plans.contract import SCHEMAS, file_name

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "schemas"
SAMPLES = Path(__file__).parent / "data" / "machine"


@cache
def closed(name: str) -> Any:
    """What holds a document against all that is said of it: a member that no schema names is a fault."""
    make = SCHEMAS[name].make
    assert make is not None
    return Draft202012Validator(make())


@cache
def published(name: str) -> Any:
    """What holds a document against the schema that lies in the repository."""
    return Draft202012Validator(json.loads((FOLDER / file_name(name)).read_text(encoding="utf-8")))


def schema_of(words: Sequence[str]) -> str | None:
    """The schema of what a command line prints under `--json`; None where there is none but that of errors."""
    verb = f"{words[0]} --dry-run" if "--dry-run" in words else words[0]
    return next((name for name, row in SCHEMAS.items() if verb in row.verbs and row.make), None)


def documents(words: Sequence[str], out: str) -> Iterator[tuple[str, Any]]:
    """What a command line printed under `--json`, each with the name of its schema; nothing that has none."""
    name = schema_of(words)
    if name == "events":
        yield from ((name, json.loads(line)) for line in out.splitlines())
        return
    try:
        document = json.loads(out)
    except ValueError:
        # A verb without a schema may print other things.
        assert name is None, out
        return
    if isinstance(document, Mapping) and {"error", "exit_code"} <= document.keys():
        yield "error", document
    elif name is not None:
        yield name, document


def check(words: Sequence[str], out: str) -> None:
    """Raise where what a command line printed under `--json` is not what its schema says."""
    if "--json" in words and out.strip():
        for name, document in documents(words, out):
            closed(name).validate(document)
