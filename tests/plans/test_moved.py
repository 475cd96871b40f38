"""What the manifest says of hands that change, and the plans of what moved: a new address, another stack."""

from typing import Any

import attrs
import pytest

from plans.document import from_document, to_document
from providers.resources import ADDRESS_TAG, DIGEST_TAG, STACK_TAG, Address
from tests.plans import core
from tests.plans.core import actions, change, codes, definition, environment, environments, ids, queue, queues, step
from tests.plans.manifests import fault, faults, parsed, stack

ONE, OLD = "compute_environment.one", "compute_environment.old"
MOVED = f"moved: [{{from: {OLD}, to: {ONE}}}]\n"
BLOCKS = stack(
    """
    computeEnvironments:
      one: {type: UNMANAGED, serviceRole: r}
      two: {type: UNMANAGED, serviceRole: r}
    jobQueues:
      high: {priority: 1, computeEnvironmentOrder: [one]}
    """
)


def rows(*texts: str, removed: str = "") -> str:
    """The blocks with these rows of `moved`, each in a line of its own, from line 7 on."""
    listed = "".join(f"- {text}\n" for text in texts)
    return BLOCKS + (f"moved:\n{listed}" if texts else "") + (f"removed: {removed}\n" if removed else "")


@pytest.mark.parametrize(
    ("text", "path", "said", "hint"),
    [
        ("{from: old, to: compute_environment.one}", "from", "'old' is not an address", "KIND.NAME"),
        ("{from: queue.old, to: job_queue.high}", "from", "no kind 'queue'", "job_queue.old"),
        ("{from: compute_environment.old, to: x.one}", "to", "no kind 'x'", "one of"),
        ("{from: job_queue.high, to: job_queue.high}", "to", "cannot move to itself", None),
        (
            "{from: job_queue.old, to: compute_environment.one}",
            "to",
            "a job queue cannot become a compute",
            "job queue",
        ),
        ("{from: compute_environment.two, to: compute_environment.one}", "from", "still a block", "take its block out"),
        ("{from: compute_environment.old, to: compute_environment.onne}", "to", "no block", "compute_environment.one?"),
        ("{from: compute_environment.old, to: compute_environment.zzzzz}", "to", "no block", "needs a block"),
        ("{from: compute_environment.old}", "", "either `from` and `to`, or `stack`", "from: KIND.OLD"),
        ("{from: compute_environment.old, to: compute_environment.one, stack: x}", "", "either", None),
        ("{}", "", "either `from` and `to`, or `stack`", None),
        ("{stack: s}", "stack", "'s' is this stack itself", "whose objects"),
        ("{stack: 'a b'}", "stack", "'a b' is not a name of a stack", "letters"),
    ],
)
def test_a_wrong_move_is_told_with_its_place(text: str, path: str, said: str, hint: str | None) -> None:
    """File, line, column, path, what is wrong, and what would be right."""
    found = [each for each in faults(rows(text)) if said in each.message]
    assert [(each.file, each.line, each.path) for each in found] == [("a.yaml", 8, f"moved[0]{path and '.'}{path}")]
    assert found[0].column >= 3
    assert hint is None or hint in str(found[0].hint)


def test_all_wrong_moves_are_told_at_once() -> None:
    """One fault hides no other."""
    found = faults(
        rows(
            "{from: compute_environment.a, to: compute_environment.one}",
            "{from: compute_environment.a, to: compute_environment.two}",
            "{from: compute_environment.b, to: compute_environment.one}",
            "{stack: other}",
            "{stack: other}",
            "{form: job_queue.a, to: job_queue.high}",
            "[x]",
            "{from: [x], to: job_queue.high}",
            removed="[job_queue.high, job_queue.x, job_queue.x, compute_environment.a, old, {}]",
        )
    )
    assert [(each.path, each.message.partition(" ")[2][:14]) for each in found] == [
        ("moved[1].from", "moves already"),
        ("moved[2].to", "moves to compu"),
        ("moved[4].stack", "moves here alr"),
        ("moved[5].form", "is no key 'for"),
        ("moved[6]", "a map, not a l"),
        ("moved[7].from", "a text, not a "),
        ("removed[0]", "is still a blo"),
        ("removed[2]", "is removed alr"),
        ("removed[3]", "is moved too, "),
        ("removed[4]", "is not an addr"),
        ("removed[5]", "a text, not a "),
    ]
    assert "first at a.yaml:8" in [each.hint for each in found]


def test_moves_may_follow_one_another() -> None:
    """Each former address leads to the block at the end; in a circle there is none."""
    made = parsed(
        rows("{from: job_queue.a, to: job_queue.b}", "{from: job_queue.b, to: job_queue.high}", "{stack: other}")
    )
    high = Address("job_queue", "high")
    assert made.ownership.moved == {Address("job_queue", "a"): high, Address("job_queue", "b"): high}
    assert made.ownership.stacks == ("other",)
    circle = fault(rows("{from: job_queue.a, to: job_queue.b}", "{from: job_queue.b, to: job_queue.a}"))
    assert (circle.path, circle.line) == ("moved[0].to", 8)
    assert "job_queue.a -> job_queue.b -> job_queue.a" in circle.message


def test_a_plan_file_keeps_what_changes_hands() -> None:
    """The manifest in it is the manifest that was planned."""
    made = parsed(rows("{from: job_queue.a, to: job_queue.high}", "{stack: other}", removed="[job_queue.x]"))
    assert made.ownership.removed == (Address("job_queue", "x"),)
    assert from_document(to_document(made)) == made


def test_what_moved_is_retagged_in_place() -> None:
    """It keeps its name: nothing is made, replaced or deleted."""
    made = core.plan(environments() + MOVED, environment("old"))
    assert actions(made) == {ONE: "tag"}
    assert codes(made) == []
    assert ids(made) == [f"tag:{ONE}"]
    assert step(made, f"tag:{ONE}").arguments == {
        "resourceArn": core.arn("compute_environment", "old"),
        "tags": {ADDRESS_TAG: ONE},
    }
    (row,) = change(made, ONE).differences
    assert (row.path, row.before, row.after) == (f"tags[{ADDRESS_TAG}]", OLD, ONE)


def test_the_old_name_is_good_while_the_move_is_told() -> None:
    """Without the row the new address would need the new name."""
    settled = environment("old", fields={"tags": core.tags(ONE)})
    assert core.plan(environments() + MOVED, settled).empty
    assert actions(core.plan(environments(), settled)) == {ONE: "replace"}
    fixed = environments() + "    physicalName: other\n" + MOVED
    assert actions(core.plan(fixed, environment("old"))) == {ONE: "replace"}
    assert core.plan(environments() + "    physicalName: old\n", settled).empty


def test_a_prefix_is_part_of_the_old_name() -> None:
    """The name that belongs to the old address, not any name."""
    said = "namePrefix: p-\n" + environments() + MOVED
    assert core.plan(said, environment("p-old", fields={"tags": core.tags(ONE)})).empty
    assert actions(core.plan(said, environment("old", fields={"tags": core.tags(ONE)}))) == {ONE: "replace"}


def test_a_move_of_what_is_not_there_asks_nothing() -> None:
    """In an account where nothing moved the block is made under its own name."""
    made = core.plan(environments() + MOVED)
    assert (actions(made), change(made, ONE).name) == ({ONE: "create"}, "one")
    assert core.plan(environments() + MOVED, environment()).empty


def test_what_moved_is_changed_too() -> None:
    """First it is ours under the new address, then it is as the manifest says."""
    made = core.plan(environments() + MOVED, environment("old", maxvCpus=99))
    assert ids(made) == [f"tag:{ONE}", f"update:{ONE}"]
    assert step(made, f"update:{ONE}").after == (f"tag:{ONE}",)


def test_references_follow_what_moved() -> None:
    """A queue that names the block under its new address is as it was."""
    made = core.plan(environments() + queues() + MOVED, environment("old"), queue("high", "old"))
    assert actions(made) == {ONE: "tag", "job_queue.high": "noop"}


def test_two_objects_of_one_address_are_not_merged_by_a_move() -> None:
    """What was made under the new name since keeps the old one from being taken for it."""
    made = core.plan(environments() + MOVED, environment("old"), environment("one"))
    assert codes(made) == [(ONE, "claimed-twice")]
    assert made.steps == ()


FAMILY, WAS = "job_definition.align", "job_definition.sort"
MOVED_FAMILY = f"moved: [{{from: {WAS}, to: {FAMILY}}}]\n"


def revision(number: int, **given: Any) -> Any:
    return core.revision(number, **{"name": "sort", **given})


def test_all_revisions_of_a_definition_move() -> None:
    """The family keeps its name; every revision of ours gets the new address, and is shown."""
    made = core.plan(definition() + MOVED_FAMILY, revision(1), revision(2), revision(3))
    assert (actions(made), change(made, FAMILY).name) == ({FAMILY: "tag"}, "sort")
    assert {each.arguments["resourceArn"].rpartition(":")[2] for each in made.steps} == {"1", "2", "3"}
    assert {each.call for each in made.steps} == {"TagResource"}
    assert [dict(each.arguments["tags"]) for each in made.steps] == [{ADDRESS_TAG: FAMILY}] * 3
    assert {row.path for row in change(made, FAMILY).differences} == {
        f"tags[{ADDRESS_TAG}]",
        "revisions[1]",
        "revisions[2]",
    }


def test_older_revisions_move_after_the_newest_has() -> None:
    """As after a run that died in between."""
    newest = revision(2, address=FAMILY)
    made = core.plan(definition() + MOVED_FAMILY, revision(1), newest)
    assert (actions(made), ids(made)) == ({FAMILY: "tag"}, [f"tag:{FAMILY}:1"])
    assert core.plan(definition() + MOVED_FAMILY, revision(1, address=FAMILY), newest).empty


def test_a_definition_that_moved_changes_by_a_new_revision_of_its_family() -> None:
    """What stays is retagged, what goes is not."""
    said = definition(container="command: [x]", more="rollout: {keep: 2}") + MOVED_FAMILY
    made = core.plan(said, revision(1), revision(2), revision(3))
    assert sorted(ids(made)) == [
        f"deregister:{FAMILY}:1",
        f"deregister:{FAMILY}:2",
        f"register:{FAMILY}",
        f"tag:{FAMILY}:3",
    ]
    assert step(made, f"register:{FAMILY}").arguments["jobDefinitionName"] == "sort"


def test_revisions_of_a_refused_definition_stay_as_they_are() -> None:
    """A refused change does nothing."""
    made = core.plan(definition(container="command: [x]") + MOVED_FAMILY, revision(1), revision(2, stack=None))
    assert codes(made) == [(FAMILY, "foreign-revision")]
    assert made.steps == ()


TAKING = "moved: [{stack: other}]\n"


def owned(live: Any, **more: str) -> Any:
    return attrs.evolve(live, tags={**live.tags, STACK_TAG: "other"} | more)


def test_another_stacks_objects_become_ours() -> None:
    """Where this manifest has their block; what it has not stays the other's, whatever prune says."""
    shown = (owned(environment()), owned(environment("two")), owned(queue()))
    made = core.plan(environments() + queues() + TAKING, *shown)
    assert actions(made) == {ONE: "tag", "job_queue.high": "tag"}
    assert [dict(each.arguments["tags"]) for each in made.steps] == [{STACK_TAG: core.STACK}] * 2
    assert codes(core.plan(environments() + queues(), *shown))[0] == (ONE, "owned-by-another")


def test_a_stack_and_an_address_move_at_once() -> None:
    """The old address of the other stack counts."""
    made = core.plan(
        environments() + f"moved: [{{stack: other}}, {{from: {OLD}, to: {ONE}}}]\n", owned(environment("old"))
    )
    assert step(made, f"tag:{ONE}").arguments["tags"] == {STACK_TAG: core.STACK, ADDRESS_TAG: ONE}


def test_all_revisions_of_another_stack_move() -> None:
    """Not only the newest."""
    shown = [owned(core.revision(number)) for number in (1, 2)]
    made = core.plan(definition() + TAKING, *shown)
    assert [dict(each.arguments["tags"]) for each in made.steps] == [{STACK_TAG: core.STACK}] * 2
    assert all(DIGEST_TAG in live.tags for live in shown)


def test_a_stack_that_goes_takes_nothing_of_another_along() -> None:
    """What was not retagged yet is the other's."""
    made = core.plan(environments() + TAKING, owned(environment()), destroying=True)
    assert made.empty


def test_a_renamed_block_is_told_what_to_write() -> None:
    """The refusal holds the row that moves it."""
    said = environments() + "    physicalName: old\n"
    (refusal, *_) = core.plan(said, environment("old")).refusals
    assert (refusal.address, refusal.code) == (ONE, "owned-by-another")
    assert f"moved: [{{from: {OLD}, to: {ONE}}}]" in refusal.hint
    assert actions(core.plan(said + MOVED, environment("old"))) == {ONE: "tag"}
