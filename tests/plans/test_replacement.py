"""Which of the objects of an address is kept, and in which manner something new takes the place of what."""

from typing import Any

import pytest

from plans.asked import Asked
from plans.change import Impact
from plans.naming import alike
from plans.plan import Plan
from plans.policy import Policy
from providers.resources import PROTECT_TAG, Address, Live
from tests.plans.core import (
    ORDINARY,
    actions,
    arn,
    before,
    change,
    codes,
    definition,
    differing,
    environment,
    environments,
    ids,
    plan,
    policy,
    queue,
    queues,
    revision,
    step,
    tags,
)

ADDRESS = "compute_environment.one"
ANEW = environments().replace("BEST_FIT_PROGRESSIVE", "BEST_FIT")
"""What only a new environment can have, if that there is the usual one."""
SECOND, THIRD = "one-00000002", "one-00000003"
FAIR = "\nschedulingPolicies:\n  fair: {%squotaSharePolicy: {idleResourceAssignmentStrategy: FIFO}}\n"


def another(name: str = SECOND, given: str | None = "BEST_FIT_PROGRESSIVE", **fields: Any) -> Live:
    """One more object of the address, under a name that a replacement of it may have."""
    fields.setdefault("tags", tags(ADDRESS))
    return environment(name, allocationStrategy=given, fields=fields)


def retired(made: Plan) -> set[str]:
    """The names of what is deleted, or waited for until it is gone."""
    return {each.goal.name for each in made.steps if each.goal is not None and each.goal.until == "gone"}


def held(how: str = "", name: str = "", text: str = ANEW) -> str:
    """The manifest with a manner and a name of its own, where they are given."""
    lines = [f"    lifecycle: {{replace: {how}}}\n" if how else "", f"    physicalName: {name}\n" if name else ""]
    return text + "".join(lines)


@pytest.mark.parametrize(
    ("lives", "kept"),
    [
        ([environment(fields={"status": "INVALID"}), another()], SECOND),
        ([environment(), another(status="INVALID")], "one"),
        ([environment(allocationStrategy="BEST_FIT"), another()], SECOND),
        ([environment(securityGroupIds=["sg-2"]), another()], SECOND),
        ([environment(subnets=["subnet-2"]), environment(SECOND, maxvCpus=8, fields={"tags": tags(ADDRESS)})], SECOND),
        ([environment(), another(), queue("theirs", SECOND, fields={"tags": {}})], SECOND),
        ([environment(), another()], "one"),
        ([another(THIRD), another()], SECOND),
        (
            [environment(maxvCpus=8, fields={"status": "INVALID"}), another(THIRD, status="UPDATING")],
            THIRD,
        ),
    ],
    ids=[
        "VALID before INVALID",
        "INVALID after VALID",
        "what need not be replaced",
        "what need not be recycled",
        "the least impact",
        "the most users",
        "the name",
        "the lesser name",
        "UPDATING before INVALID",
    ],
)
def test_one_is_kept_and_the_others_go(lives: list[Live], kept: str) -> None:
    """What is not INVALID, then what takes least, then what most others use, then by name."""
    users = [live for live in lives if live.kind == "job_queue"]
    made = plan(environments(), *lives, asked=Asked(move_references=[live.name for live in users]))
    assert codes(made) == []
    assert change(made, ADDRESS).name == kept
    left = Impact.REPLACEMENT if any(each.call == "UpdateJobQueue" for each in made.steps) else Impact.INFRASTRUCTURE
    assert change(made, ADDRESS).impact == left
    assert actions(made) == {ADDRESS: "replace"}
    names = {live.name for live in lives if live.kind == "compute_environment"}
    assert retired(made) == names - {kept}
    reason = change(made, ADDRESS).reason
    assert reason.startswith(f"{kept} stays; ")
    assert all(f"{name}, left of a replacement, is retired" in reason or users for name in names - {kept})
    assert not any(each.call == "CreateComputeEnvironment" for each in made.steps)


def test_what_is_kept_is_changed_before_the_others_go() -> None:
    """And what refers to the address is told the one that is kept."""
    made = plan(
        environments() + queues(),
        environment(SECOND, maxvCpus=8, fields={"tags": tags(ADDRESS)}),
        another(THIRD, None),
        queue("high", THIRD),
    )
    assert codes(made) == []
    assert step(made, f"update:{ADDRESS}").arguments["computeResources"] == {"maxvCpus": 16}
    (entry,) = step(made, "update:job_queue.high").arguments["computeEnvironmentOrder"]
    assert entry["computeEnvironment"] == arn("compute_environment", SECOND)
    assert before(made, f"update:{ADDRESS}", "update:job_queue.high")
    assert before(made, "update:job_queue.high", f"unreferenced:{ADDRESS}:{THIRD}")


def test_an_invalid_successor_is_not_kept() -> None:
    """The old one works until there is another; that gets a name which the broken one has not."""
    old = environment()
    first = change(plan(ANEW, old), ADDRESS).name
    broken = another(first, "BEST_FIT", status="INVALID")
    made = plan(ANEW, old, broken)
    assert codes(made) == []
    second = change(made, ADDRESS).name
    assert alike(second, "one")
    assert second not in ("one", first)
    assert retired(made) == {"one", first}
    assert step(made, f"create:{ADDRESS}").arguments["computeEnvironmentName"] == second
    assert before(made, f"create:{ADDRESS}", f"disable:{ADDRESS}:one")
    assert before(made, f"create:{ADDRESS}", f"disable:{ADDRESS}:{first}")


def test_a_successor_under_way_is_found_again() -> None:
    """The next plan makes no third one, whoever uses which; edited back, it keeps the old one."""
    old = environment()
    name = change(plan(ANEW + queues(), old, queue()), ADDRESS).name
    made = plan(ANEW + queues(), old, another(name, "BEST_FIT", status="CREATING"), queue())
    assert (codes(made), change(made, ADDRESS).name) == ([], name)
    assert ids(made)[:2] == [f"wait:{ADDRESS}", "update:job_queue.high"]
    assert retired(made) == {"one"}
    back = plan(environments() + queues(), old, another(name, "BEST_FIT"), queue("high", name))
    assert (codes(back), change(back, ADDRESS).name, retired(back)) == ([], "one", {name})


@pytest.mark.parametrize("stranger", ["two", "one-2", "one-000000002"])
@pytest.mark.parametrize("how", ["", "createFirst", "deleteFirst", "twoHop"])
def test_a_strangers_name_is_a_copied_tag(stranger: str, how: str) -> None:
    """No replacement has such a name, so nobody can tell which is meant."""
    for shown in ([environment(), another(stranger)], [another(), another(stranger)]):
        made = plan(held(how, text=environments()), *shown)
        assert codes(made) == [(ADDRESS, "claimed-twice")]
        assert stranger in made.refusals[0].message
        assert made.steps == ()


def test_a_replacement_that_left_the_manifest_goes_as_a_whole() -> None:
    """Two of one base are no copied tags; the same with a stranger's name are."""
    made = plan("\nschedulingPolicies:\n  fair: {}\n", policy(), environment(), another())
    assert codes(made) == []
    assert retired(made) == {"one", SECOND}
    assert len(set(ids(made))) == len(made.steps)


@pytest.mark.parametrize(
    ("text", "lives", "manner"),
    [
        (ANEW, [environment()], "createFirst"),
        (held("createFirst"), [environment()], "createFirst"),
        (held(name="one"), [environment()], "refuse"),
        (held("refuse"), [environment()], "refuse"),
        (held("deleteFirst"), [environment()], "deleteFirst"),
        (held("deleteFirst", "one"), [environment()], "deleteFirst"),
        (held("twoHop"), [environment()], "twoHop"),
        (held("twoHop", "one"), [environment()], "twoHop"),
        (FAIR % "", [policy("fair")], "createFirst"),
        (FAIR % "physicalName: fair, ", [policy("fair")], "refuse"),
        (FAIR % "lifecycle: {replace: deleteFirst}, ", [policy("fair")], "deleteFirst"),
        (environments() + queues(more=", jobQueueType: EKS"), [environment(), queue()], "refuse"),
    ],
)
def test_the_manifest_or_the_kind_says_the_manner(text: str, lives: list[Live], manner: str) -> None:
    """Unsaid, what has its name from the manifest is not replaced, nor is a kind whose name others use."""
    made = plan(text, *lives)
    ((address, name),) = [(str(each.address), each.name) for each in made.changes if each.action.value == "replace"]
    old = lives[-1].name
    assert (name != old) is (manner == "createFirst")
    assert ((address, "replacement") in codes(made)) is (manner == "refuse")
    if manner == "refuse":
        assert [each for each in made.steps if each.address == address] == []
        return
    creations = [each.id for each in made.steps if each.id.startswith("create:")]
    deletion = f"delete:{address}:{old}"
    assert before(made, creations[0], deletion) is (manner != "deleteFirst")
    assert before(made, deletion, creations[-1]) is (manner != "createFirst")
    assert len(creations) == (2 if manner == "twoHop" else 1)


@pytest.mark.parametrize("kind", ["compute_environment", "scheduling_policy", "job_queue"])
def test_a_refusal_tells_the_ways_out(kind: str) -> None:
    """Those of the kind: the manners that it has, or another block for what others name."""
    text = {
        "compute_environment": held(name="one"),
        "scheduling_policy": FAIR % "physicalName: fair, ",
        "job_queue": environments() + queues(more=", jobQueueType: EKS"),
    }[kind]
    made = plan(text, environment(), policy("fair"), queue(), policy=Policy(prune=False))
    (refusal,) = [each for each in made.refusals if each.code == "replacement"]
    assert refusal.address.startswith(f"{kind}.")
    assert change(made, refusal.address).reason in refusal.message
    assert "deleteFirst" in refusal.hint
    assert ("twoHop" in refusal.hint) is (kind == "compute_environment")
    assert ("whoever submits" in refusal.hint) is (kind == "job_queue")


@pytest.mark.parametrize("how", ["createFirst", "deleteFirst", "twoHop"])
def test_what_is_asked_for_is_replaced_though_nothing_differs(how: str) -> None:
    """Others are left as they are; what an earlier one left behind under some other name does not count for it."""
    asked = Asked(replace=[Address.parse(ADDRESS)])
    text = held(how, text=environments("two", "one"))
    shown = [environment(), environment("two")]
    made = plan(text, *shown, asked=asked)
    assert codes(made) == []
    assert actions(made) == {ADDRESS: "replace", "compute_environment.two": "noop"}
    assert change(made, ADDRESS).reason == "it was said to be replaced"
    assert differing(made, ADDRESS) == ()
    assert any(each.call == "CreateComputeEnvironment" for each in made.steps)
    beside = plan(text, *shown, another(), asked=asked)
    assert change(beside, ADDRESS).reason == "it was said to be replaced"


def test_what_was_asked_for_is_not_begun_again() -> None:
    """The new object is told by its name: it is kept, though nothing uses it yet, and the old one goes."""
    asked = Asked(replace=[Address.parse(ADDRESS)])
    name = change(plan(environments(), environment(), asked=asked), ADDRESS).name
    made = plan(environments(), environment(), another(name), queue("high", "one"), asked=asked)
    assert change(made, ADDRESS).name == name
    assert not any(each.call == "CreateComputeEnvironment" for each in made.steps)
    assert f"delete:{ADDRESS}:one" in ids(made)


def test_a_forced_replacement_is_refused_where_replacements_are() -> None:
    """To ask for it says nothing of how."""
    made = plan(held(name="one", text=environments()), environment(), asked=Asked(replace=[Address.parse(ADDRESS)]))
    assert (codes(made), made.steps) == ([(ADDRESS, "replacement")], ())


@pytest.mark.parametrize("name", ["new", "one-2"])
@pytest.mark.parametrize("how", ["", "twoHop", "refuse", "deleteFirst"])
def test_another_name_is_had_only_once_the_old_one_is_gone(how: str, name: str) -> None:
    """Beside it the old one's name would tell nobody that it is ours."""
    made = plan(held(how, name, environments()), environment())
    assert actions(made) == {ADDRESS: "replace"}
    assert [(row.path, row.before, row.after) for row in change(made, ADDRESS).differences] == [("name", "one", name)]
    if how != "deleteFirst":
        assert (codes(made), made.steps) == ([(ADDRESS, "replacement")], ())
        return
    assert codes(made) == []
    create = step(made, f"create:{ADDRESS}")
    assert create.arguments["computeEnvironmentName"] == name
    assert create.after == (f"delete:{ADDRESS}:one",)


@pytest.mark.parametrize("own", [{}, tags(ADDRESS, "other"), tags("compute_environment.two")])
def test_a_name_that_is_not_free_is_told(own: dict[str, str]) -> None:
    """Before the old one goes: a new name, and one that a third object keeps free."""
    text = held("deleteFirst", "new", environments()) + "policy: {prune: false}\n"
    made = plan(text, environment(), environment("new", fields={"tags": own}))
    assert (codes(made), made.steps) == ([(ADDRESS, "name-taken")], ())
    text = held("twoHop", text=environments()) + "policy: {prune: false}\n"
    made = plan(text, environment(fields={"tags": own}), another())
    assert (codes(made), made.steps) == ([(ADDRESS, "name-taken")], ())


def test_a_family_keeps_its_name() -> None:
    """Its revisions cannot move to another."""
    text = definition(more="physicalName: new\n    lifecycle: {replace: deleteFirst}")
    made = plan(text, revision())
    assert codes(made) == [("job_definition.align", "replacement")]
    assert "a family keeps its name" in made.refusals[0].hint


@pytest.mark.parametrize(
    ("said", "tagged", "refused"),
    [(None, False, False), (None, True, True), (True, False, True), (True, True, True), (False, True, False)],
)
@pytest.mark.parametrize("other", [False, True])
def test_what_is_protected_is_not_replaced(said: bool | None, tagged: bool, refused: bool, other: bool) -> None:
    """By its tag while the manifest does not speak of it, or by the manifest; one of several is enough."""
    own = tags(ADDRESS, **({PROTECT_TAG: "true"} if tagged else {}))
    text = environments() if other else ANEW
    text += "" if said is None else f"    lifecycle: {{protect: {str(said).lower()}}}\n"
    lives = [environment(), another(tags=own)] if other else [environment(fields={"tags": own})]
    made = plan(text, *lives)
    assert actions(made) == {ADDRESS: "replace"}
    assert codes(made) == ([(ADDRESS, "protected")] if refused else [])
    assert not refused or "lifecycle.protect: false" in made.refusals[0].hint


def test_what_is_being_deleted_is_only_waited_for() -> None:
    """Beside the one that is kept, and beside one that is replaced; its name is not taken again."""
    leaving = another(status="DELETING")
    made = plan(environments(), environment(), leaving)
    assert (codes(made), ids(made)) == ([], [f"wait:{ADDRESS}:{SECOND}"])
    assert (actions(made), change(made, ADDRESS).name) == ({ADDRESS: "replace"}, "one")
    name = change(plan(ANEW, environment()), ADDRESS).name
    both = plan(ANEW, environment(), another(name, "BEST_FIT", status="DELETING"))
    assert codes(both) == []
    assert change(both, ADDRESS).name not in ("one", name)
    assert f"wait:{ADDRESS}:{name}" in ids(both)
    assert retired(both) == {"one", name}


def test_where_all_are_being_deleted_a_new_one_is_made() -> None:
    """At once, unless it is the name itself that is not free yet."""
    made = plan(environments(), another(status="DELETING"))
    assert ids(made) == [f"create:{ADDRESS}"]
    made = plan(environments(), another(status="DELETING"), environment(fields={"status": "DELETING"}))
    assert ids(made) == [f"wait:{ADDRESS}", f"create:{ADDRESS}"]


def test_a_new_object_is_as_it_was_said() -> None:
    """With our tags, and with those that are others' business; no call says what it was."""
    rules = Policy(ignore_tags=("map-*",))
    own = tags(ADDRESS, **{"map-1": "m", "old": "x"})
    made = plan(ANEW + "    tags: {team: b}\n", environment(role=ORDINARY, fields={"tags": own}), policy=rules)
    create = step(made, f"create:{ADDRESS}")
    assert create.arguments["tags"] == {**tags(ADDRESS), "team": "b", "map-1": "m"}
    assert create.arguments["computeEnvironmentName"] == change(made, ADDRESS).name
    assert [each.call for each in made.steps if each.id.startswith(("tag", "untag"))] == []


def test_a_refused_change_of_the_kept_one_keeps_the_others() -> None:
    """Nothing goes while nothing else can be done."""
    text = environments().replace(", instanceRole: ecsInstanceRole", "")
    made = plan(text, environment(), another())
    assert codes(made) == [(ADDRESS, "instance-role")]
    assert made.steps == ()


def test_a_plan_of_a_replacement_is_the_same_each_time() -> None:
    """Names and ids hang on nothing but the wish and the world."""
    lives = [environment(), another(status="INVALID"), queue("theirs", "one", fields={"tags": {}})]
    one, two = (plan(ANEW, *given) for given in (lives, lives[::-1]))
    assert (one.id, one.steps, one.changes, one.refusals) == (two.id, two.steps, two.changes, two.refusals)
