"""The tables themselves."""

import re

import pytest

from plans.demands import DEMANDS, Demand
from tests.plans.core import KINDS

ALL = [
    pytest.param(kind, demand, id=f"{demand.name}-{demand.member}") for kind, rows in DEMANDS.items() for demand in rows
]
PUBLIC = re.compile(r"https://(docs\.aws\.amazon\.com/(batch|AWSCloudFormation)/latest|repost\.aws|github\.com)/\S+")


@pytest.mark.parametrize(("kind", "demand"), ALL)
def test_a_demand_names_a_member_of_the_model_and_a_public_source(kind: str, demand: Demand) -> None:
    """A shape or member that botocore's model does not have would never be looked at."""
    spec = KINDS[kind].spec
    found = [(spec.shape, spec), *((field.shape, field) for _, field in spec.paths())]
    shape, _, member = demand.member.partition(".")
    assert any(shape == name and member in field.members for name, field in found)
    assert all(PUBLIC.fullmatch(source) for source in demand.source.split("; "))
    assert re.fullmatch(r"[a-z0-9-]+", demand.name)
    assert demand.hint
