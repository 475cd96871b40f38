"""AWS's own examples of its API, as botocore ships them (examples-1.json of AWS Batch), replayed in the simulator.

Each is asked in an account in which there is what it presupposes; the answer must have the members that AWS published,
with the same values where they are not ids, times or where AWS has changed its mind since.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from providers.clock import ManualClock
from providers.simulator import Settings, Simulator, Store
from tests.contract.published import EXAMPLES, NUMBER, OUTDATED, PRESUPPOSED, Account, differences
from tests.kit import client

BY_ID: Mapping[str, tuple[str, dict[str, Any]]] = {
    example["id"]: (operation, example) for operation, examples in EXAMPLES.items() for example in examples
}


@pytest.fixture
def account() -> Iterator[Account]:
    clock, store = ManualClock(), Store.open(None, now=0.0)
    simulator = Simulator(store, clock, settings=Settings(account=NUMBER))
    yield Account(client(simulator, region="us-east-1"), clock)
    store.close()


@pytest.mark.parametrize("name", BY_ID)
def test_an_example_is_answered_as_published(account: Account, name: str) -> None:
    """An example's request is answered with the members, and the values, that AWS published."""
    operation, example = BY_ID[name]
    asked = f"list-jobs-in-{example['input'].get('jobStatus')}"
    account.prepare(*PRESUPPOSED.get(asked, PRESUPPOSED[operation]))
    if operation in OUTDATED:
        with pytest.raises(ClientError):
            account.call(operation, example["input"])
        return
    assert [*differences(example["output"], account.call(operation, example["input"]))] == []


def test_every_operation_with_an_example_is_known() -> None:
    """There is no example for which nothing is presupposed by name."""
    assert EXAMPLES.keys() <= PRESUPPOSED.keys()
    assert OUTDATED.keys() <= EXAMPLES.keys()
