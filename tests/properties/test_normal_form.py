"""The normal form: two documents that mean the same are equal, and stay so."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plans.diff import compare
from plans.normalise import digest, normalise
from providers.kinds import Kind
from tests.plans.core import KINDS
from tests.plans.manifest_strategies import documents
from tests.properties.spellings import bounded, denormalised, respelt

pytestmark = pytest.mark.unmeasured

ALL = [pytest.param(kind, id=kind.name) for kind in KINDS]
rngs = st.integers(0, 2**32).map(random.Random)


@pytest.mark.parametrize("kind", ALL)
@bounded
@given(data=st.data(), rng=rngs)
def test_another_spelling_is_the_same(kind: Kind, data: st.DataObject, rng: random.Random) -> None:
    """Sets shuffled, defaults and empties spelt out, case changed: no difference, and one digest."""
    document = data.draw(documents(kind.name))
    other = respelt(document, kind, rng)
    assert normalise(other, kind) == normalise(document, kind)
    assert digest(other, kind) == digest(document, kind)


@pytest.mark.parametrize("kind", ALL)
@bounded
@given(data=st.data())
def test_the_normal_form_is_normal(kind: Kind, data: st.DataObject) -> None:
    """To normalise what is normal changes nothing, and nothing empty is left in it."""
    normal = normalise(data.draw(documents(kind.name)), kind)
    again = denormalised(kind.spec, normal)
    assert normalise(again, kind) == normal


@pytest.mark.parametrize("kind", ALL)
@bounded
@given(data=st.data())
def test_a_comparison_is_complete(kind: Kind, data: st.DataObject) -> None:
    """Where two documents differ something is told, each way round at the same paths, and what is told differs."""
    one, other = (normalise(data.draw(documents(kind.name)), kind) for _ in range(2))
    pairs = compare(one, other)
    assert bool(pairs) is (one != other)
    assert [(pair.segments, pair.after, pair.before) for pair in compare(other, one)] == [
        (pair.segments, pair.before, pair.after) for pair in pairs
    ]
    assert all(pair.before != pair.after for pair in pairs)
