"""Plans over random wishes and worlds: nothing where nothing differs, and nothing after it was carried out."""

import random
from typing import Any

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from plans.change import Action, Change
from plans.demands import DEMANDS
from plans.manifest import Manifest
from plans.normalise import digest
from plans.plan import Plan
from plans.policy import Policy
from providers.kinds import Kind
from providers.resources import DIGEST_TAG, Address, Document, Live, Resource, Rollout
from tests.plans.core import KINDS, NOW, STACK, arn, ids, plan, tags
from tests.plans.manifest_strategies import documents
from tests.properties.obedient import after
from tests.properties.spellings import bounded, respelt

pytestmark = pytest.mark.unmeasured

ALL = [pytest.param(kind, id=kind.name) for kind in KINDS]
POLICY = Policy(max_impact="outage", max_deletes=100)
rngs = st.integers(0, 2**32).map(random.Random)
keys = st.sampled_from(["team", "stage", "cost"])
tag_sets = st.dictionaries(keys, st.sampled_from(["a", "b", ""]), max_size=3)
DEMANDED = {"out-of-reach", *(demand.name for demands in DEMANDS.values() for demand in demands)}
# No rule is known of what only these environments have, so nothing is known of what an update of it does.
UNKNOWN = ("managedInstancesProvider", "capacityTags")


def wishes(kind: Kind) -> st.SearchStrategy[dict[str, Any]]:
    return documents(kind.name).map(lambda document: known(document, kind))


def known(document: dict[str, Any], kind: Kind) -> dict[str, Any]:
    """The document, of an environment one that changes in place: machines, and the service-linked role."""
    if kind.name != "compute_environment":
        return document
    machines = {"type": "EC2", "allocationStrategy": "BEST_FIT_PROGRESSIVE", "instanceTypes": ["m6i"], "maxvCpus": 4}
    said = {key: value for key, value in document.get("computeResources", {}).items() if key not in UNKNOWN}
    kept = {key: value for key, value in document.items() if key not in ("serviceRole", "eksConfiguration")}
    return {**kept, "type": "MANAGED", "computeResources": {**said, **machines, "instanceRole": "role"}}


def wish(kind: Kind, spec: Document, own_tags: dict[str, str], rollout: Rollout | None = None) -> Manifest:
    address = Address(kind.name, "it")
    resource = Resource(address, "it", spec, own_tags, rollout=rollout or Rollout())
    return Manifest(STACK, {address: resource})


def shown(kind: Kind, spec: Document, own_tags: dict[str, str]) -> Live:
    """The same, live and ours."""
    made = Live(kind.name, "it", arn(kind.name, "it"), spec, tags(f"{kind.name}.it", **own_tags))
    if not kind.facts.revisions:
        return attrs.evolve(made, status="VALID" if kind.facts.settles else None)
    sealed = {**made.tags, DIGEST_TAG: digest(spec, kind)}
    return attrs.evolve(made, arn=f"{made.arn}:1", tags=sealed, status="ACTIVE", revision=1)


@pytest.mark.parametrize("kind", ALL)
@bounded
@given(data=st.data(), rng=rngs)
def test_another_spelling_plans_to_nothing(kind: Kind, data: st.DataObject, rng: random.Random) -> None:
    """Whichever of the two is in the manifest."""
    spec = data.draw(documents(kind.name))
    own = data.draw(tag_sets)
    other = respelt(spec, kind, rng)
    for wanted, live in ((spec, other), (other, spec)):
        made = plan(wish(kind, wanted, own), shown(kind, live, own), policy=POLICY)
        assert made.steps == ()
        assert [change.action for change in made.changes] == [Action.NOOP]


@pytest.mark.parametrize("kind", ALL)
@bounded
@given(data=st.data())
def test_what_was_made_needs_no_change(kind: Kind, data: st.DataObject) -> None:
    """After a creation the plan is empty."""
    wanted = wish(kind, data.draw(wishes(kind)), data.draw(tag_sets))
    made = plan(wanted, policy=POLICY)
    assume(demands_aside(made))
    assert plan(wanted, *after(made, ()), policy=POLICY).empty


@pytest.mark.parametrize("kind", ALL)
@bounded
@given(data=st.data())
def test_what_was_changed_needs_no_change(kind: Kind, data: st.DataObject) -> None:
    """After an update or a registration the plan is empty, whatever was there; and it was made as it was shown."""
    wanted, there = data.draw(wishes(kind)), data.draw(wishes(kind))
    live = shown(kind, mixed(wanted, there, kind, data), data.draw(tag_sets))
    manifest = wish(kind, wanted, data.draw(tag_sets), Rollout(keep=data.draw(st.integers(1, 2))))
    made = plan(manifest, live, policy=POLICY)
    (change,) = made.changes
    assume(demands_aside(made) and not unsets(made, change))
    assert (change.action is Action.NOOP) is (made.steps == ())
    assert plan(manifest, *after(made, [live]), policy=POLICY).steps == ()


def demands_aside(made: Plan) -> bool:
    """Whether nothing is refused but what AWS would not take: the world here takes everything."""
    return all(refusal.code in DEMANDED for refusal in made.refusals)


def unsets(made: Plan, change: Change) -> bool:
    """Whether a plan would take away what AWS asks for, and what no update could take away."""
    gone = [row.path for row in change.differences if row.after is None]
    return not made.steps and any(refusal.message.startswith(f"{path}: ") for refusal in made.refusals for path in gone)


def mixed(one: Document, other: Document, kind: Kind, data: st.DataObject) -> dict[str, Any]:
    """A document of the members of both; of those that only a creation takes always the first's."""
    fixed = {path.partition(".")[0] for path in kind.create_only if "." not in path}
    made: dict[str, Any] = {}
    for name in sorted({*one, *other}):
        source = one if name in fixed or data.draw(st.booleans()) else other
        if name in source:
            made[name] = source[name]
    if "computeResources" in one and "computeResources" in made:
        given, theirs = one["computeResources"], other["computeResources"]
        made["computeResources"] = {**theirs, **{key: given[key] for key in given if data.draw(st.booleans())}}
    return made


@bounded
@given(data=st.data(), rng=rngs)
def test_a_plan_is_the_same_in_whatever_order_the_world_is_told(data: st.DataObject, rng: random.Random) -> None:
    """Twice the same id and the same steps, whenever, and whoever comes first."""
    resources, lives = {}, []
    for kind in KINDS:
        for name in data.draw(st.lists(st.sampled_from("abc"), unique=True, max_size=2)):
            address = Address(kind.name, name)
            resources[address] = Resource(address, name, data.draw(wishes(kind)))
        for name in data.draw(st.lists(st.sampled_from("abcd"), unique=True, max_size=2)):
            live = shown(kind, data.draw(wishes(kind)), {})
            number = ":1" if kind.facts.revisions else ""
            own = {**live.tags, **tags(f"{kind.name}.{name}")}
            lives.append(attrs.evolve(live, name=name, arn=arn(kind.name, name) + number, tags=own))
    made = plan(Manifest(STACK, resources), *lives, policy=POLICY)
    others, shuffled = list(resources.items()), list(lives)
    rng.shuffle(others)
    rng.shuffle(shuffled)
    again = plan(Manifest(STACK, dict(others)), *shuffled, policy=POLICY, now=NOW + 1e6)
    assert (again.id, again.steps, again.changes) == (made.id, made.steps, made.changes)
    places = {name: place for place, name in enumerate(ids(made))}
    assert all(places[name] < places[step.id] for step in made.steps for name in step.after)
