import pytest

from tests.providers.simulator.lab import Lab


@pytest.fixture
def lab() -> Lab:
    return Lab.new()
