"""JSON that nothing of Terraform writes is told to be that, and not followed to where it ends."""

from typing import Any

import pytest

from plans.manifest import Source
from providers.errors import ManifestError
from reconciler.adapters.terraform import convert
from tests.kit import kinds
from tests.reconciler.adapters.terraform.recorded import SHOP, converted, document, text


def with_container(said: str) -> Any:
    """The state in which a definition has this for its container."""
    made = document("state")
    rows = (row for row in made["resources"] if (row["type"], row["name"]) == ("aws_batch_job_definition", "container"))
    next(rows)["instances"][0]["attributes"]["container_properties"] = said
    return made


@pytest.mark.parametrize(
    "said",
    [
        '{"image": "x", "logConfiguration": {"logDriver": "awslogs", "options": {"a": %s}}}'
        % ('{"a": ' * 900 + "1" + "}" * 900),
        '{"image": "x", "vcpus": NaN}',
        '{"image": "x", "vcpus": -1e999}',
        '{"image": "x", "vcpus": %s}' % ("1" * 5000),
        '{"image": "\\ud800"}',
        "[" * 100_000,
    ],
    ids=["deep", "no number", "no end", "long", "half a letter", "deeper"],
)
def test_a_text_of_json_that_no_provider_writes(said: str) -> None:
    """It is a fault at its attribute."""
    with pytest.raises(ManifestError) as caught:
        converted(with_container(said))
    (fault,) = caught.value.faults
    assert "container_properties" in fault.message
    assert fault.message.endswith("of aws_batch_job_definition.container is not what the provider writes")


def test_a_file_that_no_encoding_can_hold() -> None:
    """Half of a letter is in no file of Terraform; two halves are a letter."""
    assert converted(document("state"))
    whole = text("state").replace('"shop-listed"', '"shop-\\ud83d\\ude00"', 1)
    convert(Source("state.json", whole.encode()), kinds(), SHOP)
    with pytest.raises(ManifestError, match="not JSON that anything of Terraform writes"):
        convert(Source("state.json", whole.replace("\\ude00", "").encode()), kinds(), SHOP)


def test_a_sensitive_tag_that_all_have_is_not_told() -> None:
    """Where tags stand on top of the manifest, a fault of one has no address of a resource."""
    made = document("state")
    for row in made["resources"]:
        for instance in row["instances"] if row["type"].startswith("aws_batch") else ():
            instance["attributes"]["tags_all"] = {"k": "hunter2\x07"}
            instance["attributes"]["tags"] = None
            instance["sensitive_attributes"] = [[{"type": "get_attr", "value": "tags_all"}]]
    found = converted(made)
    assert "tags[k] is not as the API takes it; its value is sensitive in Terraform" in found.lacking
    assert "hunter2" not in "".join([*found.lacking, *found.notes])
