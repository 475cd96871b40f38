"""From one manifest to another, whatever they are: refused and nothing done, or done and nothing left to do."""

import json
from typing import Any

import hypothesis
import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from plans.export import Selection
from plans.manifest import Manifest
from plans.policy import Policy
from providers.errors import ManifestError, PlanRefused
from tests.kit import Stage, kinds, manifest
from tests.plans.core import plan
from tests.plans.manifest_strategies import manifests
from tests.properties.bases import BASES, Base
from tests.properties.mutations import mutations
from tests.properties.spellings import bounded
from tests.properties.test_feasibility import BY_NAME, first_damages

pytestmark = pytest.mark.unmeasured

OURS = ("batchwright:stack", "batchwright:address", "batchwright:digest", "batchwright:registered")
FEW = hypothesis.settings(max_examples=20, suppress_health_check=[*hypothesis.HealthCheck])
NAMES = ("it", "other-one")
TAGS = st.dictionaries(st.sampled_from(["team", "stage"]), st.sampled_from(["a", "b"]), max_size=2)
REPLACES = st.sampled_from([None, "createFirst", "deleteFirst", "twoHop"])

Document = dict[str, Any]


@st.composite
def blocks(draw: st.DrawFn, base: Base) -> Any:
    """The block of a base with up to two edits, and how it is to be replaced."""
    block = base.block
    for turn in range(draw(st.integers(0, 2))):
        damages = list(mutations(kinds()[base.kind].spec, block)) if turn else first_damages(base.name)
        block = draw(st.sampled_from(damages)).make(block)
    replace = draw(REPLACES)
    if replace is None or base.kind in ("job_definition", "quota_share"):
        return block
    return {**block, "lifecycle": {"replace": replace}}


@st.composite
def wishes(draw: st.DrawFn, names: tuple[str, ...] = tuple(BY_NAME)) -> Document:
    """Manifests of a few blocks, and of what these refer to; each may be none."""
    made: Document = {"stack": "lab", "tags": draw(TAGS), "policy": {"maxImpact": "outage", "maxDeletes": 100}}
    for name in draw(st.lists(st.sampled_from(names), min_size=1, max_size=3)):
        base = BY_NAME[name]
        for section, ground in base.ground.items():
            made.setdefault(section, {}).update(ground)
        made.setdefault(kinds()[base.kind].section, {})[draw(st.sampled_from(NAMES))] = draw(blocks(base))
    return made


def read(document: Document) -> Manifest:
    """The manifest; an example that is none is passed over."""
    try:
        return manifest(json.dumps(document))
    except ManifestError:
        hypothesis.reject()


def applied(stage: Stage, wanted: Manifest) -> bool:
    """Apply a manifest: it is refused and nothing is done, or done and nothing is left to do."""
    first, second = stage.plan(wanted), stage.plan(wanted)
    assert (first.id, first.steps) == (second.id, second.steps)
    before = stage.all
    try:
        report = stage.apply(wanted)
    except PlanRefused:
        assert first.refusals
        assert (stage.mutations, stage.all) == ([], before)
        return False
    assert report.exit_code == 0, [outcome.error for outcome in report.failures]
    assert stage.plan(wanted).empty
    return True


@FEW
@given(one=wishes(), other=wishes())
def test_every_edit_converges_or_is_refused(one: Document, other: Document) -> None:
    """There, and back to where it came from."""
    first, second, stage = read(one), read(other), Stage.new()
    if applied(stage, first) and applied(stage, second):
        applied(stage, first)


@pytest.mark.parametrize("kind", ["compute_environment", "job_queue", "job_definition"])
@FEW
@given(data=st.data())
def test_every_edit_of_one_block_converges_or_is_refused(kind: str, data: st.DataObject) -> None:
    """Whatever sort of object it was and is to be."""
    stage, names = Stage.new(), tuple(base.name for base in BASES if base.kind == kind)
    first, second = (read(data.draw(wishes(names))) for _ in range(2))
    if applied(stage, first):
        applied(stage, second)


@FEW
@given(wanted=wishes())
def test_what_is_exported_and_adopted_plans_to_nothing(wanted: Document) -> None:
    """Made by a stranger, exported, and taken over: by tags alone, and then there is nothing to do."""
    stage = Stage.new()
    assume(applied(stage, read(wanted)))
    for arn in owned(stage):
        stage.world.untag_resource(resourceArn=arn, tagKeys=[*OURS])
    exported = manifest(stage.reconciler.export(Selection("heir", "")).yaml)
    before = stage.all
    assert stage._run(stage.reconciler.adopt, exported, {}).exit_code == 0
    assert set(stage.mutations) == {"TagResource"}
    assert stage.all == before
    assert stage.plan(exported).empty


def owned(stage: Stage) -> list[str]:
    """The ARNs of all that there is, quota shares too."""
    queues = [one for one in stage.world.describe_job_queues()["jobQueues"] if one.get("schedulingPolicyArn")]
    shares = [
        share["quotaShareArn"]
        for queue in queues
        if queue.get("jobQueueType") == "SAGEMAKER_TRAINING"
        for share in stage.world.list_quota_shares(jobQueue=queue["jobQueueArn"])["quotaShares"]
    ]
    return [*stage.all, *shares]


@bounded
@given(document=manifests())
def test_a_plan_hangs_on_what_is_said_and_not_on_how(document: dict[str, Any]) -> None:
    """The same manifest, in YAML and in JSON, twice, makes plans of one id; another stack makes another."""
    texts = (json.dumps(document), yaml.safe_dump(document, sort_keys=False), json.dumps(document, indent=1))
    policy = Policy(max_impact="outage")
    made = [plan(manifest(text), policy=policy) for text in texts]
    assert len({one.id for one in made}) == 1
    assert made[0].steps == made[1].steps == made[2].steps
