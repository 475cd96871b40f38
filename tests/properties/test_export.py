"""What is exported says what is live: its plan is empty, and made elsewhere it is the same."""

import random

import attrs
import hypothesis
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from plans.export import Export, Selection, export
from plans.manifest import Manifest
from plans.normalise import normalise
from plans.policy import Policy
from providers.errors import ManifestError, PlanRefused
from providers.kinds import Kind
from tests.kit import Stage, kinds, manifest
from tests.plans.core import STACK, plan, snapshot
from tests.plans.manifest_strategies import specs
from tests.properties.bases import BASES, Base
from tests.properties.spellings import bounded, respelt
from tests.properties.test_feasibility import first_damages, whole
from tests.properties.test_plans import ALL, rngs, shown, tag_sets

pytestmark = pytest.mark.unmeasured

PROPERTIES = {"containerProperties", "ecsProperties", "eksProperties", "nodeProperties"}
TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.lists(
        st.sampled_from(
            [
                *(
                    "$",
                    "${",
                    "var.",
                    "}",
                    "a",
                    " ",
                    "\n",
                    "\t",
                    "\r",
                    "|",
                    "-",
                    "#",
                    ":",
                    "'",
                    '"',
                    "<<",
                    "017",
                    "on",
                    "~",
                )
            ]
        ),
        max_size=6,
    ).map("".join),
)


def read(made: Export) -> Manifest:
    """What was exported, as it is read from YAML and from JSON."""
    assert made.lacking == ()
    assert manifest(made.yaml) == manifest(made.json)
    return manifest(made.yaml)


def judge(stage: Stage, wanted: Manifest) -> None:
    """Export what was made of a manifest, plan what was exported, make that elsewhere, and plan the manifest there."""
    exported = read(stage.reconciler.export(Selection(wanted.stack)))
    assert exported.resources.keys() == wanted.resources.keys()
    planned = stage.plan(exported)
    assert planned.empty, [row for change in planned.changes for row in change.differences] + [*planned.refusals]
    elsewhere = Stage.new()
    assert elsewhere.apply(exported).exit_code == 0
    assert elsewhere.plan(wanted).empty


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.name)
def test_what_is_exported_plans_to_nothing_and_is_the_same_elsewhere(base: Base) -> None:
    """For each kind and sort of object."""
    stage, wanted = Stage.new(), whole(base, base.block)
    assert stage.apply(wanted).exit_code == 0
    judge(stage, wanted)


@hypothesis.settings(max_examples=20)
@given(base=st.sampled_from(BASES), data=st.data())
def test_so_it_is_whatever_they_say(base: Base, data: st.DataObject) -> None:
    """For everything that the service takes, but for what it moves by itself, which is not exported."""
    mutation = data.draw(st.sampled_from(first_damages(base.name)))
    hypothesis.note(mutation.told)
    assume("desiredvCpus" not in mutation.told)
    stage = Stage.new()
    try:
        wanted = whole(base, mutation.make(base.block))
        done = stage.apply(wanted).exit_code == 0
    except (ManifestError, PlanRefused):
        done = False
    assume(done)
    judge(stage, wanted)


@pytest.mark.parametrize("kind", ALL)
@bounded
@given(data=st.data(), rng=rngs)
def test_whatever_is_live_reads_back(kind: Kind, data: st.DataObject, rng: random.Random) -> None:
    """However it is spelt: the plan is empty where the stack owns it, and tags where nobody does."""
    drawn, own = data.draw(specs(kind)), data.draw(tag_sets)
    assume(kind.name != "job_definition" or normalise(drawn, kind).keys() & PROPERTIES)
    spec = respelt(drawn, kind, rng)
    live = shown(kind, spec, own)
    made = plan(read(export(snapshot(live), kinds(), Selection(STACK))), live)
    assert made.steps == ()
    assert made.changes[0].differences == ()
    nobodys = attrs.evolve(live, tags=own)
    made = plan(read(export(snapshot(nobodys), kinds(), Selection(STACK, ""))), nobodys, policy=Policy(adopt=True))
    assert [step.call for step in made.steps] == ["TagResource"]


@bounded
@given(texts=st.dictionaries(TEXTS, TEXTS, max_size=4), words=st.lists(TEXTS, max_size=4))
def test_every_text_reads_back(texts: dict[str, str], words: list[str]) -> None:
    """What a reader could take for a variable, a number, a comment or a key of its own, and lines of a script."""
    container = {"image": "busybox", "command": words}
    spec = {"type": "container", "parameters": texts, "containerProperties": container}
    live = shown(kinds()["job_definition"], spec, {})
    (found,) = read(export(snapshot(live), kinds(), Selection(STACK))).resources.values()
    assert found.spec.get("parameters", {}) == texts
    assert found.spec["containerProperties"].get("command", []) == words
