from collections.abc import Iterator

import pytest

from tests import servers
from tests.contract.account import Account


@pytest.fixture(scope="session")
def furnished() -> Iterator[Account]:
    """An account in moto's server with a network and roles, made once: they take longer than most tests."""
    with servers.moto() as moto:
        yield Account.new(moto)


@pytest.fixture
def account(furnished: Account) -> Account:
    """That account with nothing in AWS Batch."""
    furnished.moto.forget_batch()
    return furnished
