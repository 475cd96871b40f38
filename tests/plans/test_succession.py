"""The steps of a replacement: who is moved where and when, and what stands in the way of it."""

import itertools
from functools import partial
from typing import Any

import attrs
import pytest

from plans.asked import Asked
from plans.change import Impact
from plans.plan import Plan
from plans.policy import Policy
from providers.resources import Address, Live, Ref
from tests.plans import core
from tests.plans.core import (
    MANAGED,
    actions,
    arn,
    before,
    change,
    codes,
    definition,
    environment,
    environments,
    fargate,
    ids,
    live,
    policy,
    queue,
    queues,
    revision,
    step,
    tags,
)

plan = partial(core.plan, policy=Policy(max_impact="outage"))
ADDRESS, HIGH, LOW = "compute_environment.one", "job_queue.high", "job_queue.low"
REF, TWO_REF = (Ref(Address("compute_environment", name)) for name in ("one", "two"))
ONE, TWO = arn("compute_environment", "one"), arn("compute_environment", "two")
GOING = ("unreferenced", "disable", "drain", "delete")


def anew(*names: str, how: str = "", of: str = "one", more: str = "") -> str:
    """Environments of which `of` needs a new object; `more` stands in its block."""
    block = "".join(MANAGED.format(name=name) for name in names or ("one",))
    head, found, rest = block.partition(f"  {of}:\n")
    assert found
    said = (f"    lifecycle: {{replace: {how}}}\n" if how else "") + more
    return f"\ncomputeEnvironments:{head}{found}{said}{rest.replace('BEST_FIT_PROGRESSIVE', 'BEST_FIT', 1)}"


def successor(text: str, *lives: Live) -> str:
    """The name that a replacement of the environment gives to the next object."""
    creation = next(each for each in plan(text, *lives).steps if each.call == "CreateComputeEnvironment")
    return str(creation.arguments["computeEnvironmentName"])


def carrier(name: str, **fields: Any) -> Live:
    return environment(name, allocationStrategy="BEST_FIT", fields={"tags": tags(ADDRESS), **fields})


def theirs(name: str = "theirs", *order: str, **fields: Any) -> Live:
    return queue(name, *order or ("one",), fields={"tags": tags(f"job_queue.{name}", "other"), **fields})


def told(made: Plan, name: str) -> list[Any]:
    """What the order of a step holds, from first to last."""
    order = step(made, name).arguments["computeEnvironmentOrder"]
    assert [entry["order"] for entry in order] == sorted(entry["order"] for entry in order)
    return [entry["computeEnvironment"] for entry in order]


def chained(made: Plan, *names: str) -> bool:
    """Whether these steps come one after the other."""
    return all(before(made, first, then) for first, then in itertools.pairwise(names))


def going(name: str) -> list[str]:
    return [f"{verb}:{ADDRESS}:{name}" for verb in GOING]


# A new one beside the old.


def test_a_new_one_is_made_the_queues_are_told_and_the_old_one_goes() -> None:
    """Each queue once and as a whole, at the same place; nothing is switched off before all have let go."""
    text = (
        anew("one", "two")
        + queues("high", order="[two, one]")
        + "  low: {priority: 1, computeEnvironmentOrder: [one]}\n"
    )
    made = plan(text, environment(), environment("two"), queue("high", "two", "one"), queue("low"))
    assert codes(made) == []
    assert ids(made) == [f"create:{ADDRESS}", f"update:{HIGH}", f"update:{LOW}", *going("one")]
    assert told(made, f"update:{HIGH}") == [TWO, REF]
    assert told(made, f"update:{LOW}") == [REF]
    assert step(made, f"update:{HIGH}").after == (f"create:{ADDRESS}",)
    assert set(step(made, f"unreferenced:{ADDRESS}:one").after) == {
        f"create:{ADDRESS}",
        f"update:{HIGH}",
        f"update:{LOW}",
    }
    assert chained(made, f"update:{LOW}", *going("one"))
    assert step(made, f"disable:{ADDRESS}:one").arguments == {"computeEnvironment": ONE, "state": "DISABLED"}
    assert {str(each.address): str(each.impact) for each in made.changes}[ADDRESS] == "replacement"


def test_a_queue_that_is_edited_too_is_told_all_at_once() -> None:
    """Its own update has the new environment, another one, and the new priority."""
    text = anew("one", "two") + queues(order="[two, one]").replace("priority: 1", "priority: 7")
    made = plan(text, environment(), environment("two"), queue())
    assert told(made, f"update:{HIGH}") == [TWO, REF]
    assert step(made, f"update:{HIGH}").arguments["priority"] == 7
    assert [each.call for each in made.steps].count("UpdateJobQueue") == 1


def test_several_that_are_replaced_in_one_queue_are_one_update() -> None:
    """It waits for all new ones, and all old ones wait for it."""
    text = anew("one", "two").replace("BEST_FIT_PROGRESSIVE", "BEST_FIT") + queues(order="[two, one]")
    made = plan(text, environment(), environment("two"), queue("high", "two", "one"))
    assert codes(made) == []
    assert told(made, f"update:{HIGH}") == [TWO_REF, REF]
    assert [each.call for each in made.steps].count("UpdateJobQueue") == 1
    for name in ("one", "two"):
        address = f"compute_environment.{name}"
        assert chained(made, f"create:{address}", f"update:{HIGH}", f"unreferenced:{address}:{name}")


def test_a_queue_whose_order_is_ignored_is_moved_all_the_same() -> None:
    """Nobody who ignores an order wants what is not there any more in it."""
    text = anew() + queues(more=", lifecycle: {ignore: [computeEnvironmentOrder]}")
    made = plan(text, environment(), environment("other", fields={"tags": {}}), queue("high", "other", "one"))
    assert codes(made) == []
    assert told(made, f"move:{ADDRESS}:high") == [arn("compute_environment", "other"), REF]
    assert chained(made, f"create:{ADDRESS}", f"move:{ADDRESS}:high", *going("one"))
    goal = step(made, f"move:{ADDRESS}:high").goal
    assert goal is not None
    assert (goal.name, goal.until, [*goal.expect]) == ("high", "settled", ["computeEnvironmentOrder"])


def test_what_two_of_an_address_carry_in_one_list_is_there_once() -> None:
    """A list that holds both the old one and its successor is left with the one that is kept."""
    text = environments() + queues(more=", lifecycle: {ignore: [computeEnvironmentOrder]}")
    second = environment("one-00000002", fields={"tags": tags(ADDRESS)})
    third = environment("one-00000003", fields={"tags": tags(ADDRESS)})
    made = plan(
        text,
        environment(),
        second,
        third,
        queue("high", "one-00000002", "one"),
        queue("low", "one-00000003", "one-00000002", fields={"tags": tags("job_queue.low")}),
    )
    (move,) = [each for each in made.steps if each.id.startswith(f"move:{ADDRESS}:high")]
    assert [entry["computeEnvironment"] for entry in move.arguments["computeEnvironmentOrder"]] == [second.arn]
    assert chained(made, move.id, *going("one"))
    assert before(made, f"delete:{LOW}", f"unreferenced:{ADDRESS}:one-00000003")
    assert change(made, ADDRESS).name == second.name


def test_a_policy_is_replaced_under_its_queues() -> None:
    """By one update each; what has no state is deleted at once then."""
    text = "\nschedulingPolicies:\n  fair: {quotaSharePolicy: {idleResourceAssignmentStrategy: FIFO}}\n"
    shown = queue("theirs", schedulingPolicyArn=arn("scheduling_policy", "fair"), fields={"tags": {}})
    made = plan(text, policy(), shown, environment(fields={"tags": {}}), asked=Asked(move_references=["theirs"]))
    fair = "scheduling_policy.fair"
    assert codes(made) == []
    assert ids(made) == [f"create:{fair}", f"move:{fair}:theirs", f"delete:{fair}:fair"]
    move = step(made, f"move:{fair}:theirs")
    assert move.arguments["schedulingPolicyArn"] == Ref(Address("scheduling_policy", "fair"))
    assert chained(made, *ids(made))


def test_a_policy_that_goes_first_would_leave_its_queue_without() -> None:
    """And that is told of the policy, and not of environments."""
    text = "\nschedulingPolicies:\n  fair: {lifecycle: {replace: deleteFirst}, quotaSharePolicy: "
    text += "{idleResourceAssignmentStrategy: FIFO}}\n"
    shown = queue("theirs", schedulingPolicyArn=arn("scheduling_policy", "fair"), fields={"tags": {}})
    made = plan(text, policy(), shown, environment(fields={"tags": {}}), asked=Asked(move_references=["theirs"]))
    assert codes(made) == [("scheduling_policy.fair", "nothing-left")]
    assert made.refusals[0].message == "the job queue theirs has no other scheduling policy, and cannot be without"


# Users that are not ours, that go, or that cannot be seen.


@pytest.mark.parametrize("own", [{}, tags("job_queue.theirs", "other")])
@pytest.mark.parametrize("how", ["", "deleteFirst", "twoHop"])
def test_a_queue_of_others_bars_the_way(how: str, own: dict[str, str]) -> None:
    """It is named, with its owner and with the two ways on."""
    made = plan(
        anew(how=how),
        environment(),
        environment("other", fields={"tags": {}}),
        queue("theirs", "one", "other", fields={"tags": own}),
    )
    assert codes(made) == [(ADDRESS, "in-use")]
    (refusal,) = made.refusals
    assert "one is used by the job queue theirs of" in refusal.message
    assert ("of stack other" in refusal.message) is bool(own)
    assert "--move-foreign-references theirs" in refusal.hint
    assert not any(each.call == "UpdateJobQueue" for each in made.steps)


def test_a_queue_of_others_is_moved_where_it_is_named() -> None:
    """That one and no other, and nothing but its list."""
    lives = [environment(), environment("other", fields={"tags": {}}), theirs("theirs", "other", "one"), theirs("more")]
    asked = Asked(move_references=["theirs", "more"])
    made = plan(anew(), *lives, asked=asked)
    assert codes(made) == []
    assert told(made, f"move:{ADDRESS}:theirs") == [arn("compute_environment", "other"), REF]
    assert told(made, f"move:{ADDRESS}:more") == [REF]
    assert {*step(made, f"move:{ADDRESS}:theirs").arguments} == {"jobQueue", "computeEnvironmentOrder"}
    assert {f"move:{ADDRESS}:theirs", f"move:{ADDRESS}:more"} <= {*step(made, f"unreferenced:{ADDRESS}:one").after}
    assert codes(plan(anew(), *lives, asked=Asked(move_references=["theirs"]))) == [(ADDRESS, "in-use")]


def test_a_queue_that_names_it_by_name_is_moved_too() -> None:
    """As endpoints show it that are not AWS's; a number is no name."""
    entries = [{"order": place, "computeEnvironment": name} for place, name in enumerate(("other", "1"), 1)]
    shown = theirs(status="VALID")
    shown = attrs.evolve(shown, spec={**shown.spec, "computeEnvironmentOrder": entries})
    text = anew("one", of="one").replace("one:", '"1":')
    lives = [environment("1"), environment("other", fields={"tags": {}}), shown]
    made = plan(text, *lives, asked=Asked(move_references=["theirs"]))
    assert codes(made) == []
    assert told(made, "move:compute_environment.1:theirs") == ["other", Ref(Address("compute_environment", "1"))]


def test_two_replaced_under_a_queue_of_others_are_two_moves() -> None:
    """One after the other, the second with what the first has told."""
    text = anew("one", "two").replace("BEST_FIT_PROGRESSIVE", "BEST_FIT")
    asked = Asked(move_references=["theirs"])
    made = plan(text, environment(), environment("two"), theirs("theirs", "two", "one"), asked=asked)
    assert codes(made) == []
    first, second = (f"move:{address}:theirs" for address in (ADDRESS, "compute_environment.two"))
    assert told(made, first) == [TWO, REF]
    assert told(made, second) == [TWO_REF, REF]
    assert step(made, second).after == ("create:compute_environment.two", first)
    assert before(made, first, f"unreferenced:{ADDRESS}:one")
    assert before(made, second, "unreferenced:compute_environment.two:two")
    assert codes(plan(text, environment(), environment("two"), theirs("theirs", "two", "one"))) == [
        (ADDRESS, "in-use"),
        ("compute_environment.two", "in-use"),
    ]


@pytest.mark.parametrize("how", ["", "deleteFirst", "twoHop"])
def test_a_queue_that_is_being_deleted_is_left_alone(how: str) -> None:
    """It lets go by itself."""
    made = plan(anew(how=how), environment(), theirs(status="DELETING"))
    assert codes(made) == []
    assert not any(each.call == "UpdateJobQueue" for each in made.steps)


@pytest.mark.parametrize("how", ["", "deleteFirst", "twoHop"])
def test_a_queue_that_leaves_the_manifest_is_not_moved(how: str) -> None:
    """What is replaced waits until it is gone."""
    made = plan(anew(how=how), environment(), queue("high", "one"))
    assert codes(made) == []
    assert actions(made) == {ADDRESS: "replace", HIGH: "delete"}
    assert before(made, f"delete:{HIGH}", f"unreferenced:{ADDRESS}:one")
    assert [each.call for each in made.steps].count("UpdateJobQueue") == 2
    assert not any(each.id.startswith("move:") for each in made.steps)


@pytest.mark.parametrize("how", ["", "deleteFirst", "twoHop"])
def test_an_unseen_queue_may_use_it(how: str) -> None:
    """Nothing is replaced under queues that cannot be read."""
    made = plan(anew(how=how), environment(), unobserved={"job_queue": "AccessDenied"})
    assert codes(made) == [(ADDRESS, "in-use-unknown")]
    assert made.refusals[0].hint == "allow the reading"


def test_a_reference_to_another_stack_follows_the_one_that_works() -> None:
    """The old one while that carries its queues, then the new one; an INVALID or disabled one never."""
    text = queues(order="[{stack: other, name: one}]")
    own = tags(ADDRESS, "other")
    old, new = environment(fields={"tags": own}), environment("one-00000002", fields={"tags": own})
    moved = arn("compute_environment", "one-00000002")
    assert plan(text, old, new, queue(), theirs()).empty
    assert plan(text, old, new, queue()).empty
    after = plan(text, old, new, queue(), theirs("theirs", "one-00000002"), theirs("more", "one-00000002"))
    assert (ids(after), told(after, f"update:{HIGH}")) == ([f"update:{HIGH}"], [moved])
    for broken in ({"status": "INVALID"}, {"status": "DELETING"}, {"spec": {"state": "DISABLED"}}):
        made = plan(text, environment(fields={"tags": own, **broken}), new, queue())
        assert told(made, f"update:{HIGH}") == [moved]


LICENCE = """
consumableResources:
  licence: {totalQuantity: 4, resourceType: NON_REPLENISHABLE, lifecycle: {replace: deleteFirst}}
"""
LIVE_LICENCE = live("consumable_resource", "licence", {"resourceType": "REPLENISHABLE", "totalQuantity": 4})
NAMED = {"consumableResourceProperties": {"consumableResourceList": [{"consumableResource": "licence", "quantity": 1}]}}


def test_what_cannot_be_moved_bars_the_way() -> None:
    """No update gives a definition another resource, so none is offered; what nothing names is replaced."""
    licence = "consumable_resource.licence"
    made = plan(LICENCE, LIVE_LICENCE, revision(1, "theirs", stack=None, top=NAMED))
    assert codes(made) == [(licence, "in-use")]
    assert made.refusals[0].hint == "let it go first"
    free = plan(LICENCE, LIVE_LICENCE)
    assert (codes(free), ids(free)) == ([], [f"delete:{licence}:licence", f"create:{licence}"])
    assert chained(free, *ids(free))
    without = plan(LICENCE + definition(), LIVE_LICENCE, revision(top=NAMED))
    assert codes(without) == []
    assert before(without, "register:job_definition.align", f"delete:{licence}:licence")


# The old one first.


def test_the_old_one_is_taken_out_deleted_made_anew_and_put_back() -> None:
    """At the place that it had, in every list that has another one left."""
    text = anew("one", "two", how="deleteFirst") + queues("high", "low", order="[one, two]")
    made = plan(text, environment(), environment("two"), queue("high", "one", "two"), queue("low", "one", "two"))
    assert codes(made) == []
    out, back = (f"move:{ADDRESS}:high{suffix}" for suffix in ("", ":1"))
    assert told(made, out) == [TWO]
    assert told(made, back) == [ONE, TWO]
    assert chained(made, out, *going("one"), f"create:{ADDRESS}", back)
    assert before(made, f"move:{ADDRESS}:low", f"unreferenced:{ADDRESS}:one")
    assert told(made, f"move:{ADDRESS}:low:1") == [ONE, TWO]
    assert change(made, ADDRESS).name == "one"
    assert actions(made) == {ADDRESS: "replace", "compute_environment.two": "noop", HIGH: "noop", LOW: "noop"}


def test_a_queue_without_another_bars_it() -> None:
    """AWS takes no empty order; the ways out are told."""
    text = (
        anew("one", "two", how="deleteFirst")
        + queues("high")
        + "  low: {priority: 1, computeEnvironmentOrder: [one, two]}\n"
    )
    made = plan(text, environment(), environment("two"), queue(), queue("low", "one", "two"))
    assert codes(made) == [(ADDRESS, "nothing-left")]
    assert "the job queue high has no other compute environment" in made.refusals[0].message
    assert "twoHop" in made.refusals[0].hint


@pytest.mark.parametrize(("more", "impact"), [("", Impact.REPLACEMENT), ("state: DISABLED", Impact.OUTAGE)])
def test_it_is_an_outage_where_the_other_is_switched_off_meanwhile(more: str, impact: Impact) -> None:
    """What counts is what its queues are left with while it is gone, not what they have now."""
    text = anew("one", "two", how="deleteFirst") + queues(order="[one, two]")
    text = text.replace("two:\n", f"two:\n    {more}\n", 1)
    made = plan(text, environment(), environment("two"), queue("high", "one", "two"))
    assert codes(made) == []
    assert change(made, ADDRESS).impact is impact


def test_the_second_of_two_that_delete_first_waits_for_the_first() -> None:
    """The queue of a run that was cut short is at one of them alone, and goes to the other once that is there again."""
    text = anew("one", "two", how="deleteFirst", of="two") + queues(order="[one, two]")
    made = plan(text, environment("two", fields={"tags": tags("compute_environment.two")}), queue("high", "two"))
    second = "compute_environment.two"
    assert codes(made) == []
    assert chained(made, f"create:{ADDRESS}", f"move:{second}:high", f"delete:{second}:two")
    assert told(made, f"move:{second}:high") == [REF]
    assert change(made, second).impact is Impact.REPLACEMENT


def test_a_queue_that_is_edited_too_is_put_back_by_its_own_change() -> None:
    """That comes after the new one anyway, and says the whole list."""
    text = anew("one", "two", how="deleteFirst") + queues(order="[two, one]")
    made = plan(text, environment(), environment("two"), queue("high", "one", "two"))
    assert codes(made) == []
    assert told(made, f"move:{ADDRESS}:high") == [TWO]
    assert told(made, f"update:{HIGH}") == [TWO, ONE]
    assert chained(made, f"move:{ADDRESS}:high", *going("one"), f"create:{ADDRESS}", f"update:{HIGH}")
    assert [each.call for each in made.steps].count("UpdateJobQueue") == 2


def test_a_queue_that_does_without_it_lets_go_by_its_own_change() -> None:
    """Before the old one goes, and it is not put back."""
    text = anew("one", "two", how="deleteFirst") + queues(order="[two]")
    made = plan(text, environment(), environment("two"), queue("high", "one", "two"))
    assert (codes(made), [each.call for each in made.steps].count("UpdateJobQueue")) == ([], 1)
    assert chained(made, f"update:{HIGH}", *going("one"), f"create:{ADDRESS}")


@pytest.mark.parametrize("how", ["deleteFirst", "twoHop"])
def test_what_waits_for_the_new_one_cannot_let_go_before(how: str) -> None:
    """A queue that depends on it, however far, is moved apart from its own change."""
    text = anew("one", "two", "three", how=how).rstrip() + "\n    dependsOn: [compute_environment.one]\n"
    made = plan(text + queues(order="[three, two]"), environment(), environment("two"), queue("high", "one", "two"))
    assert codes(made) == []
    out = f"move:{ADDRESS}:high"
    assert chained(made, out, *going("one"), f"create:{ADDRESS}", "create:compute_environment.three", f"update:{HIGH}")
    assert told(made, f"update:{HIGH}") == [Ref(Address("compute_environment", "three")), TWO]


def test_another_name_is_put_into_the_lists() -> None:
    """Of our queues by their own changes, which wait for it; of others by a second move."""
    text = environments("one", "two").replace(
        "one:\n", "one:\n    physicalName: new\n    lifecycle: {replace: deleteFirst}\n", 1
    )
    lives = [environment(), environment("two"), queue("high", "one", "two"), theirs("theirs", "two", "one")]
    made = plan(text + queues(order="[one, two]"), *lives, asked=Asked(move_references=["theirs"]))
    assert codes(made) == []
    assert told(made, f"move:{ADDRESS}:high") == [TWO]
    assert told(made, f"update:{HIGH}") == [REF, TWO]
    assert told(made, f"move:{ADDRESS}:theirs") == [TWO]
    assert told(made, f"move:{ADDRESS}:theirs:1") == [TWO, REF]
    for out, back in (
        (f"move:{ADDRESS}:high", f"update:{HIGH}"),
        (f"move:{ADDRESS}:theirs", f"move:{ADDRESS}:theirs:1"),
    ):
        assert chained(made, out, *going("one"), f"create:{ADDRESS}", back)


def test_of_several_all_go_before_the_name_is_had_again() -> None:
    """And what carried any of them is put back once."""
    text = anew("one", "two", how="deleteFirst") + queues(order="[one, two]")
    second = environment("one-00000002", fields={"tags": tags(ADDRESS)})
    made = plan(
        text,
        environment(),
        second,
        environment("two"),
        queue("high", "one", "two"),
        theirs("theirs", "one-00000002", "one", "two"),
        asked=Asked(move_references=["theirs"]),
    )
    assert codes(made) == []
    assert step(made, f"create:{ADDRESS}").after == (f"delete:{ADDRESS}:one", f"delete:{ADDRESS}:one-00000002")
    assert told(made, f"move:{ADDRESS}:high:1") == [ONE, TWO]
    assert told(made, f"move:{ADDRESS}:theirs") == [TWO]
    assert told(made, f"move:{ADDRESS}:theirs:1") == [ONE, TWO]
    for name in ("one", "one-00000002"):
        assert before(made, f"move:{ADDRESS}:theirs", f"unreferenced:{ADDRESS}:{name}")


# By way of a third.

HOP = anew(how="twoHop") + queues()


def test_a_third_one_carries_the_queues_while_the_old_one_is_made_anew() -> None:
    """They move to it and back, one update each, and no list is ever empty."""
    made = plan(HOP, environment(), queue())
    third = successor(HOP, environment(), queue())
    assert codes(made) == []
    assert third != "one"
    out, back = f"move:{ADDRESS}:high", f"move:{ADDRESS}:high:1"
    create = f"create:{ADDRESS}:{third}"
    assert ids(made) == [create, out, *going("one"), f"create:{ADDRESS}", back, *going(third)]
    assert chained(made, *ids(made))
    assert told(made, out) == [arn("compute_environment", third)]
    assert told(made, back) == [ONE]
    assert (change(made, ADDRESS).name, change(made, ADDRESS).impact) == ("one", Impact.REPLACEMENT)


@pytest.mark.parametrize("status", ["CREATING", "VALID", "UPDATING"])
def test_the_third_one_is_there_already(status: str) -> None:
    """It is waited for where it is on its way, and none is made beside it."""
    third = successor(HOP, environment(), queue())
    made = plan(HOP, environment(), carrier(third, status=status), queue())
    wait = [] if status == "VALID" else [f"wait:{ADDRESS}:{third}"]
    assert codes(made) == []
    rest = [f"move:{ADDRESS}:high", *going("one"), f"create:{ADDRESS}", f"move:{ADDRESS}:high:1", *going(third)]
    assert ids(made) == [*wait, *rest]
    assert chained(made, *ids(made))


def test_the_queues_are_at_the_third_one_already() -> None:
    """The old one goes, and they move back once it is made anew."""
    third = successor(HOP, environment(), queue())
    made = plan(HOP, environment(), carrier(third), queue("high", third))
    assert codes(made) == []
    assert [name for name in ids(made) if name.startswith("create")] == [f"create:{ADDRESS}"]
    assert chained(made, *going("one"), f"create:{ADDRESS}", f"unreferenced:{ADDRESS}:{third}")
    (back,) = [each for each in made.steps if each.call == "UpdateJobQueue"]
    assert told(made, back.id)[0] in (ONE, REF)
    assert chained(made, f"create:{ADDRESS}", back.id, *going(third))


def test_the_old_one_is_on_its_way_out() -> None:
    """It is waited for, since its name is taken until it is gone."""
    third = successor(HOP, environment(), queue())
    made = plan(HOP, environment(fields={"status": "DELETING"}), carrier(third), queue("high", third))
    assert codes(made) == []
    assert chained(made, f"wait:{ADDRESS}:one", f"create:{ADDRESS}", *going(third))
    assert f"delete:{ADDRESS}:one" not in ids(made)


def test_the_old_one_is_gone() -> None:
    """The real one is made, the queues move, the third goes."""
    third = successor(HOP, environment(), queue())
    made = plan(HOP, carrier(third), queue("high", third))
    assert codes(made) == []
    assert ids(made) == [f"create:{ADDRESS}", f"update:{HIGH}", *going(third)]
    assert told(made, f"update:{HIGH}") == [REF]
    assert chained(made, *ids(made))
    assert change(made, ADDRESS).reason == f"{third} stands in for one"


@pytest.mark.parametrize("status", ["CREATING", "VALID"])
def test_the_real_one_is_there_again(status: str) -> None:
    """Nothing is made, the queues move, the third goes."""
    third = successor(HOP, environment(), queue())
    made = plan(
        HOP, environment(allocationStrategy="BEST_FIT", fields={"status": status}), carrier(third), queue("high", third)
    )
    wait = [] if status == "VALID" else [f"wait:{ADDRESS}"]
    assert codes(made) == []
    assert ids(made) == [*wait, f"update:{HIGH}", *going(third)]
    assert told(made, f"update:{HIGH}") == [ONE]
    assert chained(made, *ids(made))
    assert plan(HOP, environment(allocationStrategy="BEST_FIT"), queue()).empty


@pytest.mark.parametrize("broken", [{"status": "INVALID"}, {"spec": {"state": "DISABLED"}}])
def test_what_carries_nothing_is_no_third(broken: dict[str, Any]) -> None:
    """A new one is made, and the broken one goes with it in the end."""
    name = successor(HOP, environment(), queue())
    made = plan(HOP, environment(), carrier(name, **broken), queue())
    third = successor(HOP, environment(), carrier(name, **broken), queue())
    assert codes(made) == []
    assert third not in ("one", name)
    assert chained(made, f"create:{ADDRESS}:{third}", f"move:{ADDRESS}:high", *going("one"), f"create:{ADDRESS}")
    for other in (name, third):
        assert before(made, f"create:{ADDRESS}", f"delete:{ADDRESS}:{other}")


def test_with_nothing_left_to_carry_the_name_is_waited_for() -> None:
    """The old one is being deleted and the third is broken: the real one is made as soon as it can be."""
    third = successor(HOP, environment(), queue())
    made = plan(HOP, environment(fields={"status": "DELETING"}), carrier(third, status="INVALID"), queue("high", third))
    assert codes(made) == []
    assert [name for name in ids(made) if name.startswith("create")] == [f"create:{ADDRESS}"]
    assert chained(made, f"wait:{ADDRESS}:one", f"create:{ADDRESS}", *going(third)[:1])


def test_a_queue_of_others_hops_too() -> None:
    """Where it is named: to the third and back."""
    made = plan(HOP, environment(), queue(), theirs(), asked=Asked(move_references=["theirs"]))
    assert codes(made) == []
    assert told(made, f"move:{ADDRESS}:theirs") == told(made, f"move:{ADDRESS}:high")
    assert told(made, f"move:{ADDRESS}:theirs:1") == [ONE]


# What AWS has no room for, or does not take.

MANY = [environment(f"other{number}", fields={"tags": {}}) for number in range(60)]


@pytest.mark.parametrize(
    ("how", "there", "refused"),
    [("", 49, True), ("", 48, False), ("twoHop", 49, True), ("twoHop", 48, False), ("deleteFirst", 49, False)],
)
def test_fifty_environments_have_no_room_for_one_more(how: str, there: int, refused: bool) -> None:
    """The figure is told, with the choices; what deletes first needs no room."""
    made = plan(anew(how=how), environment(), *MANY[:there])
    assert codes(made) == ([("", "quota")] if refused else [])
    for refusal in made.refusals:
        assert refusal.message == "50 compute environments are there and 1 would be made; AWS allows 50"
        assert "--only" in refusal.hint
        assert "deleteFirst" in refusal.hint
        assert "delete what is not used" in refusal.hint


def test_two_replaced_need_room_for_two() -> None:
    """And one of them by `--only` for one."""
    text = anew("one", "two").replace("BEST_FIT_PROGRESSIVE", "BEST_FIT")
    lives = [environment(), environment("two"), *MANY[:47]]
    made = plan(text, *lives)
    assert codes(made) == [("", "quota")]
    assert "49 compute environments are there and 2 would be made" in made.refusals[0].message
    chosen = plan(text, *lives, choose=(ADDRESS,))
    assert (codes(chosen), actions(chosen)) == ([], {ADDRESS: "replace"})


def test_what_is_half_done_needs_no_more_room() -> None:
    """At the quota the same command goes on, whatever it had done."""
    for text in (anew() + queues(), HOP):
        second = successor(text, environment(), queue())
        full = MANY[:48]
        assert codes(plan(text, environment(), carrier(second), queue(), *full)) == []
        assert codes(plan(text, environment(), carrier(second), queue("high", second), *full)) == []
        leaving = environment(fields={"status": "DELETING"})
        assert codes(plan(text, leaving, carrier(second), queue("high", second), *full)) == []
    assert codes(plan(HOP, carrier(second), queue("high", second), *MANY[:49])) == [("", "quota")]


CLUSTER = {"eksClusterArn": "arn:aws:eks:eu-west-1:123456789012:cluster/it", "kubernetesNamespace": "batch"}


@pytest.mark.parametrize(("there", "refused"), [(4, True), (3, False)])
def test_a_cluster_has_room_for_five(there: int, refused: bool) -> None:
    """One that is made beside another counts."""
    said = f"    eksConfiguration: {{eksClusterArn: '{CLUSTER['eksClusterArn']}', kubernetesNamespace: other}}\n"
    fields = {"spec": {"eksConfiguration": CLUSTER}}
    others = [environment(f"other{number}", fields={"tags": {}, **fields}) for number in range(there)]
    made = plan(environments() + said, environment(fields=fields), *others)
    assert codes(made) == ([("", "quota")] if refused else [])
    assert not refused or "deleteFirst" in made.refusals[0].hint


ON_FARGATE = """
computeEnvironments:
  one:
    type: MANAGED
    lifecycle: {replace: %s}
    computeResources: {type: FARGATE, maxvCpus: 16, subnets: [subnet-1], securityGroupIds: [sg-1]}
"""


@pytest.mark.parametrize("how", ["createFirst", "twoHop", "deleteFirst"])
@pytest.mark.parametrize("whose", ["ours", "ours, ignored", "theirs"])
def test_a_queue_takes_one_sort_for_life(how: str, whose: str) -> None:
    """So no environment crosses between EC2 and Fargate under it; with no queue it does."""
    text = ON_FARGATE % how
    ours = {
        "ours": queues(order="[one]"),
        "ours, ignored": queues(more=", lifecycle: {ignore: [computeEnvironmentOrder]}"),
    }
    other = environment("other", fields={"tags": {}})
    asked = Asked(move_references=["theirs"] if whose == "theirs" else [])
    user = theirs("theirs", "one", "other") if whose == "theirs" else queue("high", "one", "other")
    made = plan(text + ours.get(whose, ""), environment(), other, user, asked=asked)
    assert "queue-type" in {code for _, code in codes(made)}
    assert {code for _, code in codes(made)} <= {"queue-type", "nothing-left"}
    assert codes(plan(text, environment(), other)) == []
    assert codes(plan(text, environment(), other, theirs(status="DELETING"))) == []
    assert codes(plan(anew(how=how), fargate())) == []


# One at a time.


def test_only_replaces_what_is_chosen_and_moves_what_uses_it() -> None:
    """The other goes on as it is, in the list too; and nothing is deleted that left the manifest."""
    text = anew("one", "two").replace("BEST_FIT_PROGRESSIVE", "BEST_FIT") + queues("high", order="[one, two]")
    text += "  low: {priority: 1, computeEnvironmentOrder: [two]}\n"
    lives = [environment(), environment("two"), environment("old"), queue("high", "one", "two"), queue("low", "two")]
    made = plan(text, *lives, choose=(ADDRESS,))
    assert codes(made) == []
    assert actions(made) == {ADDRESS: "replace", HIGH: "update"}
    assert told(made, f"update:{HIGH}") == [REF, TWO]
    assert {each.address for each in made.steps} == {ADDRESS, HIGH}
    assert actions(plan(text, *lives, choose=(HIGH,))) == {HIGH: "noop"}
