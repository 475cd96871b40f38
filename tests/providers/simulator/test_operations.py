"""The tables of operations, against the model of the API itself."""

import json

import pytest
from botocore.loaders import Loader

from providers.simulator import service
from providers.simulator.operations import OPERATIONS
from providers.simulator.wire import from_url
from tests.providers.simulator.lab import Lab

_MODEL = Loader().load_service_model("batch", "service-2")["operations"]


def test_every_operation_of_the_model_is_answered() -> None:
    """There is no operation in botocore's model of Batch that is not answered, and none is answered that is not there.

    An operation that the model gains is answered as unknown until it stands in the table; then this names it.
    """
    assert sorted(set(_MODEL) - set(OPERATIONS)) == []
    assert sorted(set(OPERATIONS) - set(_MODEL)) == []


@pytest.mark.parametrize("operation", sorted(_MODEL))
def test_an_operation_that_is_not_in_the_table_is_unknown_by_its_name(
    lab: Lab, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the model knows and the simulator does not is answered with HTTP 404, and with the operation's name."""
    monkeypatch.setattr(service, "OPERATIONS", {name: it for name, it in OPERATIONS.items() if name != operation})
    http = _MODEL[operation]["http"]
    path = http["requestUri"].replace("{resourceArn}", "arn:aws:batch:eu-west-1:1:job-queue%2Fq")
    url = f"https://batch.eu-west-1.amazonaws.com{path}"
    response = lab.simulator.handle(from_url(http["method"], url, {}, b"{}"))
    assert response.status == 404
    assert operation in json.loads(response.body)["message"]
