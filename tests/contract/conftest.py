import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests import servers
from tests.contract.account import Account
from tests.servers import KEYS, REGION, Moto


@pytest.fixture(scope="session")
def moto_server() -> Iterator[Moto]:
    with servers.moto() as moto:
        yield moto


@pytest.fixture
def moto(moto_server: Moto) -> Moto:
    """Moto's server with nothing in it."""
    moto_server.reset()
    return moto_server


@pytest.fixture
def account(moto: Moto) -> Account:
    return Account.new(moto)
