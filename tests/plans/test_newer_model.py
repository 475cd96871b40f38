"""Members that botocore has gained since the rules of the kinds were written."""

import gzip
import json
from collections.abc import Mapping
from typing import Any

import pytest

from plans.fields import find, rows
from plans.jsonform import encode_members
from providers import model
from providers.kinds import Kinds, bind
from tests.plans.core import ORDINARY, actions, change, codes, environment, environments, fargate, plan, policy, step
from tests.plans.test_environments import ON_FARGATE

ADDRESS = "compute_environment.one"
PATH = "computeResources.novel"
DOUBT = f"{ADDRESS}: no rule is known for {{}}; it counts as what stands beside it"


def newer(**members: str) -> Kinds:
    """The kinds of a model in which these shapes (`ComputeResource`, …) have gained a member `novel` of a shape."""
    path = model.find()
    document: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    shapes = document["shapes"]
    shapes["Novel"] = {"type": "structure", "members": {"inner": {"shape": "String"}}}
    for shape, of in members.items():
        shapes[shape]["members"]["novel"] = {"shape": of}
    return bind(model.parse(document))


CREATE_ONLY = newer(ComputeResource="String")
UPDATABLE = newer(ComputeResource="String", ComputeResourceUpdate="String")
TEXT = environments().replace("minvCpus: 0", "minvCpus: 0, novel: x")


def sent(made: Any, address: str = ADDRESS) -> Mapping[str, Any]:
    return {
        name: value for name, value in encode_members(step(made, f"update:{address}").arguments).items() if value != ""
    }


@pytest.mark.parametrize("shown", [{}, {"novel": "y"}, {"type": "SPOT"}, {"role": ORDINARY}])
def test_what_only_a_creation_takes_is_a_replacement(shown: dict[str, Any]) -> None:
    """However wide the row that would else decide, nothing is left out of an update in silence."""
    made = plan(TEXT, environment(**shown), kinds=CREATE_ONLY)
    assert actions(made) == {ADDRESS: "replace"}
    assert [each.call for each in made.steps if each.id == f"update:{ADDRESS}"] == []
    novel = next(each for each in change(made, ADDRESS).differences if each.path == PATH)
    assert novel.rule in ("create-only", "needs-service-linked-role")


def test_on_fargate_it_is_one_too() -> None:
    """There the wide row says so itself."""
    text = ON_FARGATE.replace("maxvCpus: 16", "maxvCpus: 16, novel: x")
    made = plan(text, fargate(), kinds=CREATE_ONLY)
    assert actions(made) == {ADDRESS: "replace"}


def test_a_structure_with_such_a_member_is_a_replacement() -> None:
    """Where it comes as a whole it holds the member."""
    kinds = newer(ComputeResource="Novel")
    text = TEXT.replace("novel: x", "novel: {inner: x}")
    assert actions(plan(text, environment(), kinds=kinds)) == {ADDRESS: "replace"}
    assert actions(plan(text, environment(novel={"inner": "x"}), kinds=kinds)) == {ADDRESS: "noop"}


@pytest.mark.parametrize(
    ("shown", "impact"),
    [({}, "infrastructure"), ({"novel": "y"}, "infrastructure"), ({"role": ORDINARY}, "replacement")],
)
def test_what_an_update_takes_counts_as_what_stands_beside_it(shown: dict[str, Any], impact: str) -> None:
    """And the plan says that this is not known."""
    made = plan(TEXT, environment(**shown), kinds=UPDATABLE)
    assert str(change(made, ADDRESS).impact) == impact
    assert made.warnings == (DOUBT.format(PATH),)
    if impact == "infrastructure":
        assert sent(made)["computeResources"] == {"novel": "x"}


def test_a_member_of_a_structure_that_is_sent_whole_is_told_too() -> None:
    """It is sent with the rest of it."""
    kinds = newer(FairsharePolicy="String")
    text = "schedulingPolicies: {fair: {fairsharePolicy: {shareDecaySeconds: 60, novel: x}}}"
    made = plan(text, policy(shareDecaySeconds=60), kinds=kinds)
    address = "scheduling_policy.fair"
    assert made.warnings == (DOUBT.replace(ADDRESS, address).format("fairsharePolicy.novel"),)
    assert sent(made, address)["fairsharePolicy"]["novel"] == "x"


@pytest.mark.parametrize(
    ("members", "action"),
    [
        ({"CreateComputeEnvironmentRequest": "String", "ComputeEnvironmentDetail": "String"}, "replace"),
        (
            {
                "CreateComputeEnvironmentRequest": "String",
                "ComputeEnvironmentDetail": "String",
                "UpdateComputeEnvironmentRequest": "String",
            },
            "update",
        ),
    ],
)
def test_what_no_row_covers_is_done_as_the_model_allows(members: dict[str, str], action: str) -> None:
    """A replacement, or an update with a warning."""
    made = plan(environments() + "    novel: x\n", environment(), kinds=newer(**members))
    assert actions(made) == {ADDRESS: action}
    told = f"{ADDRESS}: no rule is known for novel; it is updated as the API model allows"
    assert made.warnings == ((told,) if action == "update" else ())


def test_what_rules_were_written_for_needs_no_word() -> None:
    """The same plans, without the member, warn of nothing."""
    made = plan(environments().replace("[sg-1]", "[sg-2]"), environment(), kinds=UPDATABLE)
    assert (made.warnings, codes(made)) == ((), [])


@pytest.mark.parametrize(("kinds", "verdict"), [(CREATE_ONLY, "replace"), (UPDATABLE, "infrastructure")])
def test_it_is_explained_as_it_is_decided(kinds: Kinds, verdict: str) -> None:
    """The last row is that of an environment that could be updated."""
    (row,) = find(PATH, rows(kinds))
    assert row.rulings[-1].verdict == verdict
