"""What it takes to go back to an older revision."""

from typing import Any

import attrs
import pytest

from plans.manifest import Manifest
from plans.normalise import DIGEST_RULES, digest
from plans.policy import Policy
from plans.rollback import Rollback, earlier, family_of, rolled_back
from providers.errors import InputError, RefusedError
from providers.resources import ADDRESS_TAG, DIGEST_TAG, STACK_TAG, Address, Live
from tests.kit import kinds

ALIGN = Address("job_definition", "align")
HERE = "region eu-west-1"
KIND = kinds()["job_definition"]
WANTED = Manifest("lab", {}, policy=Policy(max_impact="revision", ignore_tags=("map-*",), ignore=("timeout",)))


def live(number: int, image: str, owner: str | None = "lab", name: str = "align", **more: Any) -> Live:
    """A revision with our tags, or without any."""
    spec = {"type": "container", "containerProperties": {"image": image, "vcpus": 1, "memory": 4}}
    ours = {STACK_TAG: owner or "", ADDRESS_TAG: str(ALIGN), DIGEST_TAG: digest(spec, KIND)}
    tags = {**(ours if owner else {}), "team": "blue", "aws:cloudformation:stack-name": "x"}
    return Live("job_definition", name, f"arn:{name}:{number}", spec, tags, "ACTIVE", revision=number, **more)


def back(newest: Live, older: Live) -> Rollback:
    return rolled_back(WANTED, ALIGN, newest, older, KIND)


def test_a_manifest_of_one_block() -> None:
    """It keeps every revision, prunes nothing, ignores no path, and has the user's own tags alone."""
    made = back(live(2, "b"), live(1, "a")).manifest
    assert made is not None
    (block,) = made.resources.values()
    assert (block.physical_name, block.fixed_name, block.tags) == ("align", True, {"team": "blue"})
    assert (block.rollout.keep > 10**6, block.rollout.foreign, block.rollout.migrate) == (True, "supersede", True)
    assert (made.policy.prune, made.policy.adopt, made.policy.ignore) == (False, False, ())
    assert {"prune", "adopt", "ignore"} <= made.policy.said
    assert (made.policy.max_impact, made.policy.ignore_tags) == ("revision", ("map-*",))


def test_the_same_content_is_nothing_to_do() -> None:
    """Whatever the tags say."""
    assert back(live(2, "a"), live(1, "a", None)).manifest is None


def test_what_botocore_drops_is_named_and_refused() -> None:
    """Unless it says nothing, or both revisions say it."""
    newest, odd = live(2, "b"), {"containerProperties.novel": 1, "other": []}
    with pytest.raises(RefusedError, match=r"containerProperties\.novel: ") as refused:
        back(newest, live(1, "a", unknown=odd))
    assert "other" not in refused.value.message
    assert back(newest, live(1, "a", unknown={"other": []})).manifest is not None
    assert back(live(2, "a", unknown=odd), live(1, "a", unknown=odd)).manifest is None
    with pytest.raises(RefusedError, match="novel"):
        back(live(2, "a", unknown=odd), live(1, "a"))
    assert back(live(2, "b", unknown=odd), live(1, "a")).manifest is not None


def test_the_one_before_is_ours_genuine_and_different() -> None:
    """Whatever else stands in between is passed over."""
    false = attrs.evolve(live(3, "c"), tags={**live(3, "c").tags, DIGEST_TAG: f"{DIGEST_RULES}-0"})
    family = [live(1, "a"), live(2, "b", "other"), false, live(4, "d", None), live(5, "e"), live(6, "e")]
    assert earlier("lab", family, KIND).revision == 1
    with pytest.raises(InputError, match="before 6"):
        earlier("nobody", family, KIND)


def test_a_family_is_told_by_its_address() -> None:
    """It is one, of which a revision is genuine."""
    assert family_of("lab", ALIGN, [live(1, "a"), live(2, "b")], KIND, HERE) == "align"
    with pytest.raises(RefusedError, match="align, other all carry"):
        family_of("lab", ALIGN, [live(1, "a"), live(2, "b", name="other")], KIND, HERE)
    false = attrs.evolve(live(3, "c"), tags={**live(3, "c").tags, DIGEST_TAG: f"{DIGEST_RULES}-0"})
    with pytest.raises(InputError, match=f"no ACTIVE revision at {ALIGN} in {HERE}") as told:
        family_of("lab", ALIGN, [false], KIND, HERE)
    assert told.value.hint == "it has job_definition.align"
    with pytest.raises(InputError) as told:
        family_of("lab", ALIGN, [live(1, "a", None)], KIND, HERE)
    assert told.value.hint == "it has no job definition there"
