"""A plan refuses exactly what the simulated AWS would refuse, found by damaging manifests that it takes."""

import json
import re
from functools import cache
from typing import Any

import hypothesis
import pytest
from botocore.exceptions import ClientError, ParamValidationError
from hypothesis import given
from hypothesis import strategies as st

from plans.manifest import Manifest
from plans.plan import NOW, Plan
from providers.errors import ManifestError, PlanRefused
from tests.kit import Stage, kinds, manifest
from tests.plans.demands import test_compute_environment as of_environments
from tests.plans.demands import test_job_definition as of_definitions
from tests.plans.demands import test_small_kinds as of_small_kinds
from tests.plans.demands.table import Row
from tests.properties.bases import BASES, Base
from tests.properties.mutations import Mutation, mutations

pytestmark = pytest.mark.unmeasured

EXAMPLES = 80
BY_NAME = {base.name: base for base in BASES}
STRICTER = {
    "quantity-unsaid": "what AWS makes of it is not documented",
    "empty-role": "AWS would take the service-linked role, which the manifest does not say",
    "no-update-policy": "at its default a policy is not sent, and refused all the same",
    "not-on-fargate": "an empty list is not refused by AWS",
    "consumable-twice": "what AWS makes of it is not documented, and one of the two may be a mistake",
}
"""Refusals of ours that AWS does not need, and why they stand."""
STRICTER_IN_UPDATES = {
    "launch-template-name": "a template without a name is a removal, which a manifest says by leaving it out",
    "machines-of-provider": "the same, of a launch template beside managed instances",
    "subnets": "AWS takes them from machines that exist, and none is created without",
    "security-groups": "the same",
}
OTHERS = {
    *("replacement", "cannot-unset", "reference", "max-impact", "jobs", "quota", "invalid"),
    *("owned-by-another", "name-taken"),
}
"""Refusals that are not about what AWS takes."""


def whole(base: Base, block: Any) -> Manifest:
    """The manifest of a base with this block; raises ManifestError where it is none."""
    sections: dict[str, Any] = {section: dict(blocks) for section, blocks in base.ground.items()}
    if block is not None:
        sections.setdefault(kinds()[base.kind].section, {})["it"] = block
    top = {"stack": "lab", "policy": {"maxImpact": "outage"}}
    return manifest(json.dumps({**top, **sections}))


def damages(base: Base, block: Any) -> list[Mutation]:
    return list(mutations(kinds()[base.kind].spec, block))


@cache
def first_damages(name: str) -> list[Mutation]:
    base = BY_NAME[name]
    return damages(base, base.block)


@cache
def grounded(name: str, live: bool) -> Stage:
    """A stage with the ground of a base, and it itself too where `live`; others begin as its twins."""
    stage, base = Stage.new(), BY_NAME[name]
    if live or base.ground:
        assert stage.apply(whole(base, base.block if live else None)).exit_code == 0
    return stage


def refused(stage: Stage, plan: Plan, address: str) -> bool:
    """Whether the simulated AWS refuses what the plan would have done to one object, or leaves it INVALID."""
    for step in plan.steps:
        if step.address != address or not step.call or step.call.startswith(("Describe", "List")):
            continue
        try:
            getattr(stage.world, _snake(step.call))(**_filled(step.arguments))
        except (ClientError, ParamValidationError):
            return True
        stage.settle()
    return stage.environment("it").get("status") == "INVALID"


def _snake(operation: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(item) for item in value]
    return "2027-01-15T08:00:00.000+00:00" if value is NOW else value


def judge(base: Base, block: Any, *, live: bool) -> str | None:
    """What is wrong about the plan of a block, made where its ground is there, and it itself too where `live`."""
    try:
        wanted = whole(base, block)
    except ManifestError:
        return None
    stage = grounded(base.name, live).twin()
    try:
        report = stage.apply(wanted)
    except PlanRefused as error:
        plan = error.plan
        assert isinstance(plan, Plan)
        codes = {refusal.code for refusal in plan.refusals}
        aside = OTHERS | STRICTER.keys() | (STRICTER_IN_UPDATES.keys() if live else set())
        if codes & aside or refused(stage, plan, f"{base.kind}.it"):
            return None
        return f"refused for nothing: {[(refusal.code, refusal.message) for refusal in plan.refusals]}"
    if any(row.error for row in report.outcomes):
        return f"not foretold: {[row.error for row in report.outcomes if row.error]}"
    rest = report.residue
    if report.exit_code != 0 or rest is None or not rest.empty:
        rows = (
            [(row.path, row.before, row.after) for change in rest.changes for row in change.differences] if rest else 0
        )
        return f"never at rest: {rows} {[refusal.message for refusal in rest.refusals] if rest else 0}"
    return None


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.name)
def test_what_is_damaged_is_taken(base: Base) -> None:
    """Every base is made and then at rest."""
    assert judge(base, base.block, live=False) is None
    assert judge(base, base.block, live=True) is None


@hypothesis.settings(max_examples=EXAMPLES)
@given(base=st.sampled_from(BASES), data=st.data(), live=st.booleans())
def test_what_a_plan_lets_through_is_taken_and_what_it_refuses_is_not(
    base: Base, data: st.DataObject, live: bool
) -> None:
    """Whatever was damaged, in a manifest of something new or of something that is there; then the world is at rest."""
    block: Any = base.block
    for turn in range(data.draw(st.sampled_from([1, 1, 2]))):
        mutation = data.draw(st.sampled_from(damages(base, block) if turn else first_damages(base.name)))
        hypothesis.note(mutation.told)
        block = mutation.make(block)
    assert judge(base, block, live=live) is None


ROWS = [row for row in (*of_environments.ROWS, *of_definitions.ROWS, *of_small_kinds.ROWS) if row.kind != "quota_share"]
UNASKED = STRICTER.keys() | {
    "update-policy",
    "update-policy-under-best-fit",
    "linked-role-path",
}
"""Demands that a creation alone does not show: of updates, and of what comes after it."""


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_aws_refuses_the_bad_document_of_a_row_and_takes_the_good_one(row: Row) -> None:
    """Sent as it stands, without a plan."""
    stage, kind = Stage.new(), kinds()[row.kind]
    operation = getattr(stage.world, _snake(kind.facts.create))

    def taken(value: Any, name: str) -> bool:
        deferred = {path.partition(".")[0] for path in kind.update_only}
        said = {name: item for name, item in row.document(value).items() if name not in deferred}
        try:
            operation(**{kind.name_member: name, **said})
        except (ClientError, ParamValidationError):
            return False
        return True

    assert taken(row.good, "good")
    assert taken(row.bad, "bad") is (row.demand in UNASKED)
