"""Whose an object is: adoption, clashes of names, copied tags, protection, what left the manifest."""

from typing import Any

import attrs
import pytest

from plans.change import Impact
from plans.policy import Policy
from providers.resources import ADDRESS_TAG, PROTECT_TAG, STACK_TAG, Drain, JobCount
from tests.plans.core import (
    actions,
    arn,
    before,
    change,
    codes,
    environment,
    environments,
    ids,
    live,
    plan,
    policy,
    queue,
    queues,
    revision,
    step,
    tags,
)

ADDRESS = "compute_environment.one"
ADOPT = Policy(adopt=True)
GOING = ["unreferenced", "disable", "drain", "delete"]


def shown(own: Any, **given: Any) -> Any:
    return environment(fields={"tags": own}, **given)


def test_what_is_nobodys_is_not_touched() -> None:
    """Without our tag nothing is updated; the refusal tells how to adopt it."""
    made = plan(environments(), shown({}, maxvCpus=99))
    assert codes(made) == [(ADDRESS, "name-taken")]
    assert "adopt" in made.refusals[0].hint
    assert made.steps == ()


@pytest.mark.parametrize("own", [{}, {"team": "x"}, {ADDRESS_TAG: "anything"}, {STACK_TAG: "lab"}])
def test_what_is_nobodys_is_adopted_where_the_policy_says_so(own: dict[str, str]) -> None:
    """By our tags; one of the two alone makes nobody its owner."""
    made = plan(environments(), shown(own), policy=ADOPT)
    assert actions(made) == {ADDRESS: "adopt"}
    sent = step(made, f"tag:{ADDRESS}").arguments["tags"]
    assert {**own, **sent}[STACK_TAG] == "lab"
    assert {**own, **sent}[ADDRESS_TAG] == ADDRESS


def test_what_is_adopted_is_ours_before_it_is_changed() -> None:
    """The tags come first, so that nothing without our tag is ever changed."""
    made = plan(environments(), shown({}, maxvCpus=99), policy=ADOPT)
    assert actions(made) == {ADDRESS: "update"}
    assert ids(made) == [f"tag:{ADDRESS}", f"update:{ADDRESS}"]
    assert step(made, f"update:{ADDRESS}").after == (f"tag:{ADDRESS}",)
    owned = plan(environments(), shown(tags(ADDRESS, old="x"), maxvCpus=99))
    assert ids(owned) == [f"update:{ADDRESS}", f"untag:{ADDRESS}"]


@pytest.mark.parametrize("adopt", [Policy(), ADOPT])
def test_what_is_another_stacks_is_never_taken(adopt: Policy) -> None:
    """Whatever the policy says."""
    made = plan(environments(), shown(tags(ADDRESS, "other")), policy=adopt)
    assert codes(made) == [(ADDRESS, "owned-by-another")]
    assert "belongs to stack other" in made.refusals[0].message


def test_a_renamed_block_meets_its_own_object() -> None:
    """The refusal says whose it is, and what a rename would need."""
    made = plan(environments(), shown(tags("compute_environment.old")))
    (refusal, *_) = made.refusals
    assert (refusal.address, refusal.code) == (ADDRESS, "owned-by-another")
    assert "is compute_environment.old of this stack" in refusal.message
    assert "renamed" in refusal.hint


def test_an_address_on_two_objects_is_refused() -> None:
    """Both names are told, and neither is touched."""
    made = plan(environments(), environment("one"), environment("two", fields={"tags": tags(ADDRESS)}))
    assert codes(made) == [(ADDRESS, "claimed-twice")]
    assert "one, two" in made.refusals[0].message
    assert made.steps == ()


def test_one_that_is_being_deleted_claims_nothing() -> None:
    """The old object of an address may still be on its way out."""
    leaving = environment("two", fields={"tags": tags(ADDRESS), "status": "DELETING"})
    assert codes(plan(environments(), environment("one"), leaving)) == []


def test_another_name_is_a_replacement() -> None:
    """A name cannot change (hashicorp/terraform-provider-aws#18638); it is refused until it can be done right."""
    made = plan(environments() + "    physicalName: new\n", environment())
    assert actions(made) == {ADDRESS: "replace"}
    assert codes(made) == [(ADDRESS, "replacement")]
    (row,) = change(made, ADDRESS).differences
    assert (row.path, row.before, row.after) == ("name", "one", "new")


@pytest.mark.parametrize("own", [tags(ADDRESS), {}, tags(ADDRESS, "other")])
def test_a_name_that_is_being_deleted_is_waited_for(own: dict[str, str]) -> None:
    """Whosever it was: its name is taken until it is gone."""
    made = plan(environments(), environment(fields={"status": "DELETING", "tags": own}))
    assert ids(made) == [f"wait:{ADDRESS}", f"create:{ADDRESS}"]
    wait, create = made.steps
    assert wait.call is None
    assert wait.goal is not None
    assert wait.goal.until == "gone"
    assert create.after == (wait.id,)


@pytest.mark.parametrize("status", ["CREATING", "UPDATING"])
def test_what_has_not_settled_is_waited_for(status: str) -> None:
    """Before it is changed, and before anything that needs it."""
    moving = environment(fields={"status": status}, maxvCpus=8)
    made = plan(environments() + queues(), moving)
    assert ids(made) == [f"wait:{ADDRESS}", f"update:{ADDRESS}", "create:job_queue.high"]
    assert before(made, f"wait:{ADDRESS}", "create:job_queue.high")
    assert bool([told for told in made.warnings if "plan again" in told]) is (status == "UPDATING")
    calm = plan(environments(), attrs.evolve(moving, spec=environment().spec))
    assert ids(calm) == [f"wait:{ADDRESS}"]
    assert actions(calm) == {ADDRESS: "noop"}


def test_an_update_under_way_may_take_as_long_as_its_jobs() -> None:
    """The wait for it is that long; a creation is done sooner."""
    updates = {"spec": {"updatePolicy": {"jobExecutionTimeoutMinutes": 120}}}
    for status, seconds in (("UPDATING", 120 * 60 + 1800), ("CREATING", 1200)):
        made = plan(environments(), environment(fields={"status": status, **updates}))
        goal = step(made, f"wait:{ADDRESS}").goal
        assert goal is not None
        assert goal.deadline == seconds


def test_an_invalid_one_is_refused_with_awss_reason() -> None:
    """Unless something changes that may repair it."""
    broken = environment(fields={"status": "INVALID", "status_reason": "CLIENT_ERROR - no role"})
    made = plan(environments(), broken)
    assert codes(made) == [(ADDRESS, "invalid")]
    assert "CLIENT_ERROR - no role" in made.refusals[0].message
    assert "change the field that the reason names" in str(made.refusals[0].hint)
    repaired = plan(environments().replace("[sg-1]", "[sg-2]"), broken)
    assert (codes(repaired), ids(repaired)) == ([], [f"update:{ADDRESS}"])


def test_what_left_the_manifest_is_deleted() -> None:
    """What might use it is looked at, it is disabled, its jobs finish, and it is waited for until it is gone."""
    made = plan(environments(), environment(), environment("old"))
    assert actions(made)["compute_environment.old"] == "delete"
    assert ids(made) == [f"{verb}:compute_environment.old" for verb in GOING]
    goals = [each.goal.until for each in made.steps if each.goal is not None]
    assert goals == ["unreferenced", "disabled", "drained", "gone"]
    assert [each.after for each in made.steps] == [(), *((name,) for name in ids(made)[:-1])]
    assert [each.call for each in made.steps] == [None, "UpdateComputeEnvironment", None, "DeleteComputeEnvironment"]


@pytest.mark.parametrize(
    ("fields", "verbs"),
    [
        ({"spec": {"state": "DISABLED"}}, ["unreferenced", "drain", "delete"]),
        ({"status": "DELETING"}, ["wait"]),
        ({"status": "INVALID"}, GOING),
        ({"status": "UPDATING"}, ["wait", *GOING]),
    ],
)
def test_a_deletion_starts_from_what_is_there(fields: dict[str, Any], verbs: list[str]) -> None:
    """Disabled already, being deleted already, or not settled yet."""
    made = plan(environments(), environment(), environment("old", fields=fields))
    steps = [f"{verb}:compute_environment.old" for verb in verbs]
    assert ids(made) == steps
    assert [each.after for each in made.steps] == [(), *((name,) for name in steps[:-1])]


def test_without_prune_nothing_is_deleted() -> None:
    """The policy keeps what left the manifest."""
    assert plan(environments(), environment(), environment("old"), policy=Policy(prune=False)).empty


@pytest.mark.parametrize(("destroying", "reason"), [(False, "it left the manifest"), (True, "the stack is destroyed")])
def test_why_something_goes(destroying: bool, reason: str) -> None:
    """What goes with its stack did not leave the manifest."""
    shown = (environment(), environment("old"), revision(1, "old"), revision(2, "old"))
    made = plan(environments(), *shown, destroying=destroying)
    old = [change(made, address) for address in ("compute_environment.old", "job_definition.old")]
    assert {it.reason for it in old} == {reason}
    gone = [step for step in made.steps if step.id.startswith(("delete:", "deregister:"))]
    assert {step.address for step in gone} >= {str(it.address) for it in old}
    assert {step.why for step in gone} == {reason}


def test_copied_tags_delete_nothing() -> None:
    """Of several objects that carry one address nobody can tell which is meant, in the manifest or no more in it."""
    address = "compute_environment.old"
    both = [environment(name, fields={"tags": tags(address)}) for name in ("old", "old-2")]
    made = plan(environments(), environment(), *both)
    assert codes(made) == [(address, "claimed-twice")]
    assert made.steps == ()


def test_copied_tags_of_a_family_deregister_nothing() -> None:
    """A family that carries the tags of another is somebody's copy."""
    made = plan(environments(), environment(), revision(), revision(name="theirs", address="job_definition.align"))
    assert codes(made) == [("job_definition.align", "claimed-twice")]


def test_only_what_is_ours_is_referred_to_by_its_block() -> None:
    """With `--only`, a block that was left out is not mistaken for what happens to have its name."""
    said = environments() + "jobQueues:\n  high: {priority: 1, computeEnvironmentOrder: [one]}\n"
    foreign = attrs.evolve(environment(), tags={})
    made = plan(said, foreign, choose=("job_queue.high",))
    assert ("job_queue.high", "left-out") in codes(made)


@pytest.mark.parametrize("address", [None, "old", "job_queue.high", "compute_environment."])
def test_a_stray_is_left_alone(address: str | None) -> None:
    """The stack's tag without an address of its kind makes nothing ours: it is told, not deleted."""
    stray = environment("old", fields={"tags": tags(address)})
    made = plan(environments(), environment(), stray)
    assert made.steps == ()
    assert any("old carries this stack's tag" in told for told in made.warnings)


def test_a_protected_object_is_not_deleted() -> None:
    """While its live tag says so, whatever the manifest says no more."""
    old = environment("old", fields={"tags": tags("compute_environment.old", **{PROTECT_TAG: "true"})})
    made = plan(environments(), environment(), old)
    assert codes(made) == [("compute_environment.old", "protected")]
    assert made.steps == ()


def test_a_protected_object_is_not_replaced() -> None:
    """It is told, with what else stands in the way."""
    protected = environment(fields={"tags": tags(ADDRESS, **{PROTECT_TAG: "true"})})
    text = environments().replace("BEST_FIT_PROGRESSIVE", "BEST_FIT")
    made = plan(text, protected)
    assert (actions(made), codes(made)) == ({ADDRESS: "replace"}, [(ADDRESS, "protected")])
    named = plan(text + "    physicalName: one\n", protected)
    assert [code for _, code in codes(named)] == ["protected", "replacement"]


def test_protection_is_a_tag() -> None:
    """Set by `protect: true`, taken away by `false`, and left as it is by a manifest that does not speak of it."""
    said = environments() + "    lifecycle: {protect: true}\n"
    made = plan(said, environment())
    assert step(made, f"tag:{ADDRESS}").arguments["tags"] == {PROTECT_TAG: "true"}
    protected = environment(fields={"tags": tags(ADDRESS, **{PROTECT_TAG: "true"})})
    assert plan(said, protected).empty
    assert plan(environments(), protected).empty
    freed = environments() + "    lifecycle: {protect: false}\n"
    assert step(plan(freed, protected), f"untag:{ADDRESS}").arguments["tagKeys"] == [PROTECT_TAG]


def test_tags_are_added_and_removed_in_place() -> None:
    """Changed and new keys in one call, removed keys in one; AWS's own are nobody's business."""
    own = tags(ADDRESS, team="a", old="x", **{"aws:cloudformation:stack-name": "s", "AWS:x": "y"})
    made = plan(environments() + "    tags: {team: b, new: c}\n", shown(own))
    assert actions(made) == {ADDRESS: "tag"}
    assert step(made, f"tag:{ADDRESS}").arguments["tags"] == {"new": "c", "team": "b"}
    assert step(made, f"untag:{ADDRESS}").arguments["tagKeys"] == ["old"]
    goal = step(made, f"untag:{ADDRESS}").goal
    assert goal is not None
    assert goal.expect == {"tags[old]": None}
    assert actions(plan(environments(), shown(tags(ADDRESS, old="x")))) == {ADDRESS: "untag"}


def test_ignored_tags_are_never_changed() -> None:
    """Keys that a pattern of `ignoreTags` fits are other tools' business, in the manifest too."""
    own = tags(ADDRESS, **{"map-1": "m", "awsApplication": "a"})
    rules = Policy(ignore_tags=("map-*", "awsApplication"))
    assert plan(environments(), shown(own), policy=rules).empty
    assert plan(environments() + "    tags: {map-1: other}\n", shown(own), policy=rules).empty
    assert ids(plan(environments(), shown(own))) == [f"untag:{ADDRESS}"]


def test_our_own_tags_are_never_ignored() -> None:
    """A pattern for everything does not make us lose what is ours."""
    said = environments() + "    lifecycle: {protect: true}\n"
    assert ids(plan(said, environment(), policy=Policy(ignore_tags=("*",)))) == [f"tag:{ADDRESS}"]


@pytest.mark.parametrize(("live_tags", "refused"), [(47, False), (48, True)])
def test_tags_need_room_for_a_moment(live_tags: int, refused: bool) -> None:
    """They are added before others are removed, and AWS takes fifty."""
    own = tags(ADDRESS, **{f"t{number}": "x" for number in range(live_tags)})
    made = plan(environments() + "    tags: {new: c}\n", shown(own))
    assert codes(made) == ([(ADDRESS, "tags")] if refused else [])
    free = tags(ADDRESS, **{f"aws:{number}": "x" for number in range(live_tags)})
    assert codes(plan(environments() + "    tags: {new: c}\n", shown(free))) == []


JOBS = {arn("job_queue", "old"): JobCount({"RUNNING": 2, "RUNNABLE": 1})}


def test_a_queue_with_jobs_is_not_deleted() -> None:
    """The jobs are counted in the plan, and told."""
    made = plan(environments(), environment(), queue("old"), jobs=JOBS, policy=Policy(max_impact="outage"))
    assert codes(made) == [("job_queue.old", "jobs")]
    assert "3 unfinished jobs (2 RUNNING, 1 RUNNABLE)" in made.refusals[0].message
    assert change(made, "job_queue.old").impact is Impact.OUTAGE


@pytest.mark.parametrize("destroying", [False, True])
@pytest.mark.parametrize("mode", ["wait", "cancel", "terminate"])
def test_a_queue_with_jobs_is_drained_where_the_policy_says_so(mode: Any, destroying: bool) -> None:
    """Whatever the most is that a change may disturb: what becomes of jobs is for the drain to say."""
    rules = Policy(drain=Drain(mode), max_impact="infrastructure")
    made = plan(environments(), environment(), queue("old"), jobs=JOBS, policy=rules, destroying=destroying)
    assert codes(made) == []
    assert change(made, "job_queue.old").impact is (Impact.NONE if mode == "wait" else Impact.OUTAGE)
    assert [verb for verb in ids(made) if verb.endswith("job_queue.old")] == [
        f"{verb}:job_queue.old" for verb in ("disable", "drain", "delete")
    ]


def test_while_jobs_bar_a_deletion_no_other_policy_is_told() -> None:
    """To raise `maxImpact` would not help: without the jobs the deletion is no outage."""
    made = plan(environments(), environment(), queue("old"), jobs=JOBS)
    assert change(made, "job_queue.old").impact is Impact.OUTAGE
    assert codes(made) == [("job_queue.old", "jobs")]
    none = {arn("job_queue", "old"): JobCount({"RUNNING": 0})}
    assert codes(plan(environments(), environment(), queue("old"), jobs=none)) == []


def test_jobs_of_all_queues_of_an_address_count() -> None:
    """One queue without jobs does not hide another with."""
    address = "job_queue.old"
    both = [queue(name, fields={"tags": tags(address)}) for name in ("old", "old-0a1b2c3d")]
    made = plan(environments(), environment(), *both, jobs=JOBS, policy=Policy(max_impact="outage"))
    assert (address, "jobs") in codes(made)


def test_a_queue_is_counted_once_more_when_it_is_disabled() -> None:
    """So that no job arrives in between; where there are jobs it is enabled again."""
    made = plan(environments(), environment(), queue("old"))
    assert ids(made) == [f"{verb}:job_queue.old" for verb in ("disable", "jobs", "enable", "delete")]
    disable, jobs, enable, delete = made.steps
    assert jobs.after == (disable.id,)
    assert (enable.after, enable.when) == ((jobs.id,), "failed")
    assert (delete.after, delete.when) == ((jobs.id,), "ok")
    off = plan(environments(), environment(), queue("old", state="DISABLED"))
    assert ids(off) == ["jobs:job_queue.old", "delete:job_queue.old"]


def test_what_has_no_state_is_deleted_at_once() -> None:
    """Policies and consumables are not disabled first; a policy is named by its ARN."""
    licence = live("consumable_resource", "licence", {"totalQuantity": 1})
    made = plan(environments(), environment(), policy("old"), licence)
    assert ids(made) == ["delete:consumable_resource.licence", "delete:scheduling_policy.old"]
    assert made.steps[1].arguments == {"arn": arn("scheduling_policy", "old")}


def test_deleted_is_absent() -> None:
    """AWS shows DELETED for a while."""
    gone = environment(fields={"status": "DELETED"})
    assert ids(plan(environments(), gone)) == [f"create:{ADDRESS}"]
    assert plan(environments(), environment(), environment("old", fields={"status": "DELETED"})).empty


def test_a_queue_that_leaves_lets_go_first() -> None:
    """The plan of a whole stack that goes: queues, then environments and policies."""
    made = plan(
        environments() + queues(),
        environment(),
        policy(),
        queue(schedulingPolicyArn=arn("scheduling_policy", "fair")),
        destroying=True,
    )
    assert codes(made) == []
    for last in (f"unreferenced:{ADDRESS}", "delete:scheduling_policy.fair"):
        assert step(made, last).after == ("delete:job_queue.high",)
