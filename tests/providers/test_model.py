"""The API model, read from botocore's data file without botocore."""

import gzip
import json
from pathlib import Path

import pytest

from providers import model
from providers.errors import InputError

DOCUMENT = {
    "metadata": {"apiVersion": "2016-08-10"},
    "operations": {
        "Do": {"name": "Do", "input": {"shape": "Request"}, "output": {"shape": "Answer"}},
        "DoNothing": {"name": "DoNothing"},
    },
    "shapes": {
        "Request": {
            "type": "structure",
            "required": ["name"],
            "members": {"name": {"shape": "Name", "documentation": "its name"}, "list": {"shape": "List"}},
        },
        "Answer": {"type": "structure", "members": {"map": {"shape": "Map"}, "word": {"shape": "Word"}}},
        "Name": {"type": "string", "min": 1, "max": 9, "documentation": "a name"},
        "List": {"type": "list", "member": {"shape": "Name"}},
        "Map": {"type": "map", "key": {"shape": "Name"}, "value": {"shape": "Word"}},
        "Word": {"type": "string", "enum": ["A", "B"]},
    },
}


def test_shapes_become_trees() -> None:
    """With types, required members, bounds, enums, and the documentation of the member before that of the shape."""
    made = model.parse(DOCUMENT)
    assert made.api_version == "2016-08-10"
    request = made.operations["Do"].input
    assert request.required == {"name"}
    name = request.members["name"]
    assert (name.type, name.shape, name.minimum, name.maximum, name.documentation) == (
        "string",
        "Name",
        1,
        9,
        "its name",
    )
    assert [(path, field.documentation) for path, field in request.paths()] == [
        ("name", "its name"),
        ("list", ""),
        ("list[]", "a name"),
    ]
    word = made.operations["Do"].output.at(["map", "any"])
    assert word is not None
    assert word.enum == ("A", "B")
    assert made.operations["DoNothing"].output.members == {}


@pytest.mark.parametrize("packed", [True, False])
def test_the_file_may_be_packed(tmp_path: Path, packed: bool) -> None:
    """botocore ships it packed, older ones did not."""
    raw = json.dumps(DOCUMENT).encode()
    path = tmp_path / ("service-2.json.gz" if packed else "service-2.json")
    path.write_bytes(gzip.compress(raw) if packed else raw)
    assert set(model.load(path).operations) == {"Do", "DoNothing"}


def test_the_installed_model_is_found() -> None:
    """It is that of AWS Batch."""
    assert "CreateComputeEnvironment" in model.load().operations
    assert model.find().name.startswith("service-2.json")


def test_without_botocore_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """That tells what to install."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(InputError) as caught:
        model.find()
    assert caught.value.hint == "pip install boto3"
