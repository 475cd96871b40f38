"""Stores on either database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.postgres import Cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """To be asked for by tests that carry `postgres.NEEDS`."""
    with postgres.running() as made:
        yield made


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=postgres.NEEDS)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where nothing is yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.fresh()
