"""What is let go of and what is taken over, by tags alone: `removed`, `forget`, `adopt`."""

from collections.abc import Mapping

import attrs
import pytest

from plans.change import Impact
from plans.graph import build
from plans.handover import adopting, check_held, forgetting
from plans.manifest import Manifest
from plans.plan import Plan
from plans.planner import make_plan
from plans.policy import Policy
from providers.errors import InputError
from providers.resources import (
    ADDRESS_TAG,
    DIGEST_TAG,
    PROTECT_TAG,
    REGISTERED_TAG,
    STACK_TAG,
    Address,
    Live,
)
from tests.plans import core
from tests.plans.core import (
    KINDS,
    NOW,
    actions,
    change,
    codes,
    definition,
    environment,
    environments,
    ids,
    queue,
    queues,
    revision,
    snapshot,
    step,
    tags,
)

ONE, GONE, FAMILY = "compute_environment.one", "compute_environment.gone", "job_definition.align"
REMOVED = f"removed: [{GONE}, {FAMILY}]\n"
OURS = [STACK_TAG, ADDRESS_TAG]


def handed(wanted: Manifest, *lives: Live, unobserved: Mapping[str, str] | None = None) -> Plan:
    """The plan that only tags."""
    return make_plan(
        wanted,
        build(wanted, kinds=KINDS),
        snapshot(*lives, unobserved=unobserved or {}),
        policy=wanted.policy,
        kinds=KINDS,
        now=NOW,
        versions={},
        handing_over=True,
    )


def adopted(text: str, *lives: Live, unobserved: Mapping[str, str] | None = None) -> Plan:
    return handed(adopting(core.manifest(text)), *lives, unobserved=unobserved)


def forgotten(*addresses: str) -> Manifest:
    return forgetting(core.STACK, [Address.parse(text) for text in addresses])


def nobodys(live: Live, **own: str) -> Live:
    return attrs.evolve(live, tags=own)


@pytest.mark.parametrize("prune", [True, False])
def test_what_is_removed_loses_our_tags_and_stays(prune: bool) -> None:
    """Whatever the policy says of what left the manifest; other tags stay too."""
    own = tags(GONE, team="blue", **{PROTECT_TAG: "true"})
    gone = environment("gone", fields={"tags": own})
    made = core.plan(environments() + REMOVED, environment(), gone, policy=Policy(prune=prune))
    assert (actions(made), codes(made)) == ({ONE: "noop", GONE: "untag"}, [])
    assert ids(made) == [f"untag:{GONE}"]
    untag = step(made, f"untag:{GONE}")
    assert untag.call == "UntagResource"
    assert untag.arguments == {"resourceArn": gone.arn, "tagKeys": [*OURS, PROTECT_TAG]}
    assert untag.goal is not None
    assert untag.goal.expect == {f"tags[{key}]": None for key in (*OURS, PROTECT_TAG)}
    told = change(made, GONE)
    assert (told.impact, told.reason) == (Impact.NONE, "removed from the stack's care, not deleted")


def test_all_revisions_are_let_go_of() -> None:
    """Also one that does not hold what was registered, since it carries our tags."""
    shown = [revision(1, registered="x"), revision(2, sealed=False), revision(3)]
    made = core.plan(environments() + REMOVED, environment(), *shown)
    assert ids(made) == [f"untag:{FAMILY}:{number}" for number in (1, 2, 3)]
    assert step(made, f"untag:{FAMILY}:1").arguments["tagKeys"] == [*OURS, DIGEST_TAG, REGISTERED_TAG]
    assert step(made, f"untag:{FAMILY}:3").arguments["tagKeys"] == [*OURS, DIGEST_TAG]
    assert [row.path for row in change(made, FAMILY).differences][-2:] == ["revisions[1]", "revisions[2]"]


def test_nothing_is_let_go_of_where_nothing_is() -> None:
    """Neither is what is on its way out, nor what another stack has."""
    leaving = environment("gone", fields={"status": "DELETING"})
    theirs = revision(stack="other")
    assert core.plan(environments() + REMOVED, environment()).empty
    assert core.plan(environments() + REMOVED, environment(), leaving, theirs).empty


def test_a_chosen_few_let_go_of_nothing() -> None:
    """`--only` is about its addresses."""
    made = core.plan(environments() + REMOVED, environment(), environment("gone"), choose=(ONE,))
    assert made.empty


def test_a_stack_that_is_destroyed_lets_go_of_what_is_removed() -> None:
    """What was to stay is not deleted in the end."""
    made = core.plan(environments() + REMOVED, environment("gone"), destroying=True)
    assert ids(made) == [f"untag:{GONE}"]


def test_what_cannot_be_read_cannot_be_let_go_of() -> None:
    """It is refused, not passed over."""
    made = core.plan(environments() + REMOVED, environment(), unobserved={"job_definition": "denied"})
    assert codes(made) == [(FAMILY, "unobserved")]
    assert made.steps == ()


def test_copies_of_an_address_are_let_go_of_together() -> None:
    """Which is meant nobody can tell; each gets a step of its own."""
    both = [environment(name, fields={"tags": tags(GONE)}) for name in ("gone", "copy")]
    families = [revision(1), revision(1, "copy", address=FAMILY)]
    made = handed(forgotten(GONE, FAMILY), *both, *families)
    assert sorted(each.arguments["resourceArn"] for each in made.steps) == sorted(
        live.arn for live in (*both, *families)
    )
    assert len(set(ids(made))) == 4


def test_a_stack_forgets_without_a_manifest() -> None:
    """These addresses and no others; nothing is deleted, and no guard stands in the way."""
    made = handed(forgotten(GONE), environment("gone"), environment("other"), queue("high", "gone"), revision())
    assert (actions(made), codes(made)) == ({GONE: "untag"}, [])
    assert {each.call for each in made.steps} == {"UntagResource"}


def test_an_unknown_address_is_an_error() -> None:
    """It names what may have been meant, or what there is; what was forgotten before is known."""
    lives = snapshot(environment("gone"), nobodys(queue("p-high")))
    for text, hint in (
        ("compute_environment.gon", f"did you mean {GONE}"),
        ("job_definition.x", f"it owns {GONE}"),
    ):
        with pytest.raises(InputError, match="stack lab owns nothing at") as caught:
            check_held(forgotten(text), lives, KINDS)
        assert hint in str(caught.value.hint)
    with pytest.raises(InputError, match="no kind 'queue'"):
        check_held(forgotten("queue.high"), lives, KINDS)
    with pytest.raises(InputError) as caught:
        check_held(forgotten(GONE), snapshot(), KINDS)
    assert caught.value.hint == "it owns nothing here"
    check_held(forgotten(GONE, "job_queue.high"), lives, KINDS)
    again = handed(forgotten("job_queue.high"), nobodys(queue("p-high")))
    assert again.empty
    assert again.warnings == (
        "job_queue.high: nothing of stack lab is at this address, so there is nothing to let go of",
    )
    assert handed(forgotten(GONE), environment("gone")).warnings == ()


def test_many_owned_addresses_are_not_all_told() -> None:
    """A hint stays a hint."""
    many = snapshot(*(environment(f"e{number}") for number in range(8)))
    with pytest.raises(InputError) as caught:
        check_held(forgotten("job_queue.zzz"), many, KINDS)
    assert str(caught.value.hint).endswith("compute_environment.e4, and 3 more")


def test_what_is_nobodys_is_taken_over_as_it_is() -> None:
    """By our two tags, and of a definition by its digest; what else differs is told and left alone."""
    shown = nobodys(environment(maxvCpus=99), team="x")
    made = adopted(environments(), shown)
    assert actions(made) == {ONE: "adopt"}
    assert ids(made) == [f"tag:{ONE}"]
    assert step(made, f"tag:{ONE}").arguments == {
        "resourceArn": shown.arn,
        "tags": {STACK_TAG: core.STACK, ADDRESS_TAG: ONE},
    }
    (told,) = made.warnings
    assert told == f"{ONE}: one differs in computeResources.maxvCpus, tags[team]; the next plan shows it"


def test_the_newest_revision_is_taken_over() -> None:
    """With the digest of what it holds, so that it counts as ours."""
    shown = [attrs.evolve(revision(number), tags={}) for number in (1, 2)]
    made = adopted(definition(), *shown)
    (tag,) = made.steps
    assert tag.arguments["resourceArn"] == shown[1].arn
    ours = attrs.evolve(shown[1], tags=dict(tag.arguments["tags"]))
    assert ours.tags.keys() == {STACK_TAG, ADDRESS_TAG, DIGEST_TAG}
    assert core.plan(definition(), shown[0], ours).empty


def test_an_adoption_needs_nothing_else() -> None:
    """Not what its block refers to, nor that the rest could be applied; that is told."""
    made = adopted(queues(order="[missing]"), nobodys(queue()))
    assert (ids(made), codes(made)) == (["tag:job_queue.high"], [])
    assert any("the next plan is refused: missing is no compute environment" in told for told in made.warnings)


def test_what_is_not_there_is_named_and_not_made() -> None:
    """Adoption creates nothing."""
    made = adopted(environments() + queues(), nobodys(environment()))
    assert ids(made) == [f"tag:{ONE}"]
    assert "job_queue.high: nothing called high is live, and adopt creates nothing" in made.warnings
    leaving = attrs.evolve(nobodys(environment()), status="DELETING")
    assert adopted(environments(), leaving).empty


def test_what_is_ours_already_stays_as_it_is() -> None:
    """Even where it differs, and whatever left the manifest or is removed."""
    made = adopted(environments() + REMOVED, environment(maxvCpus=99), environment("gone"), environment("other"))
    assert made.empty
    assert made.warnings == ()


def test_another_stacks_object_is_not_taken_over() -> None:
    """Adoption is of what nobody owns; so it is with one revision of theirs."""
    theirs = environment(fields={"tags": tags(ONE, "other")})
    assert codes(adopted(environments(), theirs)) == [(ONE, "owned-by-another")]
    mixed = [revision(1, stack="other"), attrs.evolve(revision(2), tags={})]
    assert codes(adopted(definition(), *mixed)) == [(FAMILY, "owned-by-another")]
    renamed = adopted(environments(), environment(fields={"tags": tags(GONE)}))
    assert f"moved: [{{from: {GONE}, to: {ONE}}}]" in renamed.refusals[0].hint


def test_what_cannot_be_read_cannot_be_taken_over() -> None:
    """It is refused."""
    made = adopted(environments(), unobserved={"compute_environment": "denied"})
    assert codes(made) == [(ONE, "unobserved")]


@pytest.mark.parametrize(("own", "refused"), [(48, False), (49, True), (50, True)])
@pytest.mark.parametrize("how", ["adopt", "apply"])
def test_an_adoption_needs_room_for_our_tags(how: str, own: int, refused: bool) -> None:
    """AWS takes fifty tags, and two are ours."""
    labels = {f"t{number}": "x" for number in range(own)}
    said = environments() + f"    tags: {{{', '.join(f'{key}: x' for key in [*labels][:48])}}}\n"
    shown = nobodys(environment(), **labels)
    made = adopted(said, shown) if how == "adopt" else core.plan(said, shown, policy=Policy(adopt=True))
    assert codes(made) == ([(ONE, "tags")] if refused else [])


@pytest.mark.parametrize(("own", "refused"), [(47, False), (48, True)])
def test_a_definition_needs_room_for_its_digest(own: int, refused: bool) -> None:
    """Three tags of ours stand on a revision that is taken over."""
    shown = attrs.evolve(revision(), tags={f"t{number}": "x" for number in range(own)})
    made = adopted(definition(), shown)
    assert codes(made) == ([(FAMILY, "tags")] if refused else [])
