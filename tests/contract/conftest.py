from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests import programs, servers
from tests.contract import cli
from tests.contract.account import Account
from tests.contract.terraform.life import Json, Life


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "rows(row, ...): the kinds, or members of kinds, that a test of a world is for")


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


def _judges_terraform(item: pytest.Item) -> bool:
    return "terraform" in getattr(item, "fixturenames", ())


def _turn(item: pytest.Item) -> int:
    if _judges_terraform(item):
        return 3
    folder = Path(__file__).parent
    return 0 if folder in item.path.parents else 1 if item.path.parent == folder.parent else 2


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of this folder first, so that Terraform's life begins, and those that wait for its end last.

    Those of the documentation follow at once: some take ten seconds, which at the end the other worker would wait.
    """
    items.sort(key=_turn)


@pytest.fixture(scope="session", autouse=True)
def living(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Future[Json] | None]:
    """Terraform's life, begun before the first test of this folder if any test is to judge it."""
    session = request.session
    if not any(map(_judges_terraform, session.items)) or programs.absent(programs.TERRAFORM):
        yield None
        return
    folder = tmp_path_factory.getbasetemp()
    # Workers have a folder each in the one of the whole run.
    life = Life((folder.parent if hasattr(session.config, "workerinput") else folder) / "terraform")
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(life.lived)
        if session.shouldfail or session.shouldstop or session.exitstatus == pytest.ExitCode.INTERRUPTED:
            life.stop()


@pytest.fixture
def terraform(living: Future[Json] | None) -> Json:
    """The record of Terraform's life, once it is over."""
    assert living is not None
    return living.result()


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    """The AWS CLI within this process."""
    with cli.driver() as driver:
        yield driver
