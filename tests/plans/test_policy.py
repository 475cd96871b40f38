"""What a plan may do, and who decides it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plans.change import Impact
from plans.manifest import Policy, parse_policy, strictest
from plans.policy import IMPACTS
from providers.errors import ManifestError
from providers.resources import Drain
from tests.plans.manifests import parsed, sources, stack

MODES = ("refuse", "wait", "cancel", "terminate")
drains = st.builds(Drain, st.sampled_from(MODES), st.none() | st.floats(0, 100))
words = st.lists(st.sampled_from("abc"), max_size=3).map(tuple)
said = st.frozensets(
    st.sampled_from(("prune", "adopt", "max_impact", "max_deletes", "ignore", "ignore_tags", "drain")), max_size=7
)
policies = st.builds(
    Policy,
    prune=st.booleans(),
    adopt=st.booleans(),
    max_impact=st.sampled_from(IMPACTS),
    max_deletes=st.integers(0, 9),
    ignore=words,
    ignore_tags=words,
    drain=drains,
    said=said,
)


def test_words_of_impact() -> None:
    """The impacts that a policy names are those of a plan, in their order."""
    assert tuple(map(str, Impact)) == IMPACTS


def test_file() -> None:
    """A file of policy has the keys of a manifest's policy."""
    policy = parse_policy(sources("prune: false\nmaxDeletes: 50\nignoreTags: [a]\ndrain: {timeout: 1m}"))
    assert policy == Policy(prune=False, max_deletes=50, ignore_tags=("a",), drain=Drain("refuse", 60))
    assert policy.said == {"prune", "max_deletes", "ignore_tags", "drain"}


def test_files() -> None:
    """Of several files the strictest wins."""
    assert parse_policy(sources("maxDeletes: 50", "maxDeletes: 7\nmaxImpact: outage")) == Policy(
        max_deletes=7, max_impact="outage"
    )
    assert parse_policy([]) == Policy()


@pytest.mark.parametrize("text", ["maxDeletes: x", "[a]", "policy: {}", "prun: true", "", "a: [", "ignore: x"])
def test_faults(text: str) -> None:
    """A file of policy is checked as a manifest is."""
    with pytest.raises(ManifestError) as caught:
        parse_policy(sources(text, "maxDeletes: y"))
    assert [fault.file for fault in caught.value.faults] == ["a.yaml", "b.yaml"]


def test_unsaid_gives_way() -> None:
    """What only one says holds, be it laxer than the default: a default is nobody's choice."""
    manifest = parsed(stack("policy: {prune: false}")).policy
    assert strictest(manifest, Policy(max_deletes=50, adopt=True)) == Policy(prune=False, max_deletes=50, adopt=True)


def test_said_default_binds() -> None:
    """Who says the default has chosen it."""
    manifest = parsed(stack("policy: {maxDeletes: 50, maxImpact: outage}")).policy
    operator = parse_policy(sources("maxDeletes: 5\nmaxImpact: replacement"))
    assert strictest(manifest, operator) == Policy()


@pytest.mark.parametrize(
    ("one", "other", "winner"),
    [
        ("prune: true", "prune: false", "prune: false"),
        ("adopt: true", "adopt: false", "adopt: false"),
        ("maxImpact: scaling", "maxImpact: outage", "maxImpact: scaling"),
        ("maxDeletes: 0", "maxDeletes: 5", "maxDeletes: 0"),
        ("drain: {mode: refuse}", "drain: {mode: wait}", "drain: {mode: refuse}"),
        ("drain: {mode: terminate}", "drain: {mode: cancel}", "drain: {mode: cancel}"),
        ("drain: {mode: wait, timeout: 1h}", "drain: {mode: wait}", "drain: {mode: wait, timeout: 1h}"),
        ("ignore: [state, priority]", "ignore: [priority]", "ignore: [priority]"),
        ("ignoreTags: [a]", "ignoreTags: [b]", "ignoreTags: []"),
    ],
)
def test_strictest(one: str, other: str, winner: str) -> None:
    """Each field has its own stricter side, whoever says it; what is ignored must be ignored by all."""
    first, second = parse_policy(sources(one)), parse_policy(sources(other))
    assert strictest(first, second) == strictest(second, first) == parse_policy(sources(winner))


@given(policies, policies, policies)
def test_laws(a: Policy, b: Policy, c: Policy) -> None:
    """It matters neither in which order nor in which groups policies are joined, nor how often one of them is."""

    def same(one: Policy, other: Policy) -> bool:
        fields = ("prune", "adopt", "max_impact", "max_deletes", "drain")
        return all(getattr(one, field) == getattr(other, field) for field in fields) and (
            (set(one.ignore), set(one.ignore_tags)) == (set(other.ignore), set(other.ignore_tags))
        )

    assert same(strictest(a, b), strictest(b, a))
    assert same(strictest(a, strictest(b, c)), strictest(strictest(a, b), c))
    assert same(strictest(a, a), a)
    assert same(strictest(a, Policy()), a)
