"""The edges between steps: what waits for what, and what stands in the way of a deletion."""

import attrs
import pytest

from plans.plan import Plan
from plans.policy import Policy
from tests.plans.core import (
    actions,
    arn,
    before,
    codes,
    definition,
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

OLD = "compute_environment.old"


def in_order(made: Plan) -> bool:
    """Whether every step stands behind what it comes after."""
    places = {each.id: place for place, each in enumerate(made.steps)}
    return all(places[name] < places[each.id] for each in made.steps for name in each.after)


def test_an_environment_leaves_its_queue_before_it_goes() -> None:
    """Out of the order and out of the manifest in one plan: the queue's update, then a look at all queues, disable, the
    end of its jobs, delete (hashicorp/terraform-provider-aws#13221)."""
    made = plan(environments() + queues(), environment(), environment("old"), queue("high", "old", "one"))
    assert codes(made) == []
    going = [f"{verb}:{OLD}" for verb in ("unreferenced", "disable", "drain", "delete")]
    assert ids(made) == ["update:job_queue.high", *going]
    assert [each.after for each in made.steps[1:]] == [(name,) for name in ids(made)[:-1]]


def test_an_environment_goes_after_the_queues_that_go() -> None:
    """Those of the same stack, whether both left or all is destroyed."""
    text = environments()
    made = plan(text, environment(), environment("old"), queue("high", "old"))
    assert codes(made) == []
    assert step(made, f"unreferenced:{OLD}").after == ("delete:job_queue.high",)
    assert step(made, f"disable:{OLD}").after == (f"unreferenced:{OLD}",)
    assert in_order(made)


@pytest.mark.parametrize("own", [{}, tags("job_queue.x", "other")])
def test_what_a_foreign_queue_uses_is_not_deleted(own: dict[str, str]) -> None:
    """It is refused before any call, and the queue is named."""
    theirs = queue("theirs", "old", fields={"tags": own})
    made = plan(environments(), environment(), environment("old"), theirs)
    assert codes(made) == [(OLD, "in-use")]
    assert "job queue theirs" in made.refusals[0].message


def test_what_a_foreign_queue_uses_by_name_is_in_use_too() -> None:
    """Describe shows ARNs, other endpoints names."""
    entry = {"order": 1, "computeEnvironment": "old"}
    theirs = queue("theirs", computeEnvironmentOrder=[entry], fields={"tags": {}})
    assert codes(plan(environments(), environment(), environment("old"), theirs)) == [(OLD, "in-use")]


def test_a_foreign_queue_that_is_being_deleted_lets_go() -> None:
    """The deletion is repeated until the relation is gone."""
    theirs = queue("theirs", "old", fields={"tags": {}, "status": "DELETING"})
    assert codes(plan(environments(), environment(), environment("old"), theirs)) == []


def test_what_an_ignored_order_keeps_is_in_use() -> None:
    """A queue whose order is ignored keeps its environments, so they cannot go."""
    text = environments() + queues(more=", lifecycle: {ignore: [computeEnvironmentOrder]}")
    made = plan(text, environment(), environment("old"), queue("high", "old"))
    assert codes(made) == [(OLD, "in-use")]


def test_a_policy_goes_after_its_queue_has_another() -> None:
    """A policy in use is not deleted."""
    text = "\nschedulingPolicies:\n  new: {}\n" + environments() + queues(more=", schedulingPolicyArn: new")
    shown = queue(schedulingPolicyArn=arn("scheduling_policy", "old"))
    made = plan(text, environment(), policy("old"), shown)
    assert ids(made) == ["create:scheduling_policy.new", "update:job_queue.high", "delete:scheduling_policy.old"]
    assert [each.after for each in made.steps] == [(), (made.steps[0].id,), (made.steps[1].id,)]


def test_an_update_waits_for_what_it_newly_needs() -> None:
    """And for the repair or change of what it needs already."""
    text = environments("one", "two").replace("[sg-1]", "[sg-2]", 1) + queues(order="[one, two]")
    made = plan(text, environment(), queue("high", "one"))
    assert step(made, "update:job_queue.high").after == (
        "create:compute_environment.two",
        "update:compute_environment.one",
    )


def test_depends_on_is_an_edge() -> None:
    """Without a reference, by the reader's word."""
    text = environments("one", "two").rstrip() + "\n    dependsOn: [compute_environment.one]\n"
    made = plan(text)
    assert step(made, "create:compute_environment.two").after == ("create:compute_environment.one",)


def test_a_queue_that_is_made_again_has_let_go() -> None:
    """Its old self is on its way out; the environment goes after the new one is there."""
    leaving = queue("high", "old", fields={"status": "DELETING"})
    made = plan(environments() + queues(), environment(), environment("old"), leaving)
    assert codes(made) == []
    assert step(made, f"unreferenced:{OLD}").after == ("create:job_queue.high",)
    assert step(made, f"disable:{OLD}").after == (f"unreferenced:{OLD}",)


LICENCE = live("consumable_resource", "licence", {"resourceType": "REPLENISHABLE", "totalQuantity": 4})
NAMED = {"consumableResourceProperties": {"consumableResourceList": [{"consumableResource": "licence", "quantity": 1}]}}


def test_a_consumable_goes_after_its_definition_does_without() -> None:
    """Revisions that a newer one took the place of do not hold it back."""
    made = plan(definition(), LICENCE, revision(1, top=NAMED), revision(2, top=NAMED))
    assert codes(made) == []
    assert ids(made) == ["register:job_definition.align", "delete:consumable_resource.licence"]
    assert made.steps[1].after == (made.steps[0].id,)
    assert codes(plan(definition(), LICENCE, revision(1, top=NAMED), revision(2))) == []


def test_a_consumable_of_a_foreign_definition_stays() -> None:
    """Its newest revision still names it."""
    made = plan(definition(), LICENCE, revision(), revision(1, "theirs", stack=None, top=NAMED))
    assert codes(made) == [("consumable_resource.licence", "in-use")]


def test_what_cannot_be_read_may_be_a_user() -> None:
    """Nothing goes that an unseen queue may need; what such a kind never refers to goes."""
    unread = {"job_queue": "AccessDenied"}
    made = plan(environments(), environment(), environment("old"), unobserved=unread)
    assert codes(made) == [(OLD, "in-use-unknown")]
    assert "policy.prune: false" in made.refusals[0].hint
    assert codes(plan(environments(), environment(), LICENCE, unobserved=unread)) == []


def test_a_revision_that_is_left_alone_keeps_its_consumable() -> None:
    """An orphan that is not what we registered is not deregistered, so it lets go of nothing."""
    made = plan(definition(), LICENCE, revision(), revision(1, "old", sealed=False, top=NAMED))
    assert codes(made) == [("consumable_resource.licence", "in-use")]


def test_shares_go_before_their_queue() -> None:
    """A quota share belongs to a queue, by its ARN."""
    share = live(
        "quota_share",
        "half",
        {"jobQueue": arn("job_queue", "high"), "state": "ENABLED"},
        status="VALID",
    )
    made = plan(environments(), environment(), queue(), share)
    assert codes(made) == []
    assert step(made, "disable:job_queue.high").after == ("delete:quota_share.half",)


def test_steps_stand_in_an_order_to_be_carried_out() -> None:
    """One after the other they would do."""
    text = environments("one", "two") + queues("high", "low", order="[two]") + definition()
    lives = [
        environment("one", maxvCpus=4),
        environment("old"),
        queue("high", "old"),
        queue("gone", "old", fields={"tags": tags("job_queue.gone")}),
        revision(image="other"),
    ]
    made = plan(text, *lives)
    assert codes(made) == []
    assert in_order(made)
    assert len(set(ids(made))) == len(made.steps)
    assert before(made, "update:job_queue.high", f"delete:{OLD}")
    assert before(made, "delete:job_queue.gone", f"delete:{OLD}")


ONLY = environments("one", "two") + queues("high", "low", order="[one]")


def test_only_is_closed_over_dependents() -> None:
    """What needs a chosen one is planned too; the rest is not, and nothing is deleted."""
    made = plan(ONLY, environment("old"), choose=("compute_environment.one",))
    assert set(actions(made)) == {"compute_environment.one", "job_queue.high", "job_queue.low"}
    assert codes(made) == []


def test_what_is_needed_and_left_out_is_refused() -> None:
    """By reference or by `dependsOn`, unless it is live."""
    made = plan(ONLY, choose=("job_queue.high",))
    assert codes(made) == [("job_queue.high", "left-out")]
    assert made.refusals[0].hint == "add --only compute_environment.one"
    assert codes(plan(ONLY, environment(), choose=("job_queue.high",))) == []
    text = environments("one", "two").rstrip() + "\n    dependsOn: [compute_environment.one]\n"
    assert codes(plan(text, choose=("compute_environment.two",))) == [("compute_environment.two", "left-out")]
    assert codes(plan(text, environment(), choose=("compute_environment.two",))) == []


def test_a_refused_change_has_no_steps() -> None:
    """And what would wait for it is not carried out either, since the plan is refused."""
    made = plan(ONLY, environment(fields={"tags": {}}))
    assert "create:compute_environment.one" not in ids(made)
    assert codes(made) == [("compute_environment.one", "name-taken")]


def test_an_update_of_both_is_not_a_circle() -> None:
    """An environment that is switched off comes behind a queue that is changed, which does not wait for it."""
    text = environments("one", "two").replace("type: MANAGED", "state: DISABLED\n    type: MANAGED")
    text += queues(order="[one, two]")
    shown = [environment("one"), environment("two"), queue("high", "two", "one")]
    made = plan(text, *shown, policy=Policy(max_impact="outage"))
    assert codes(made) == []
    assert in_order(made)
    last = {"update:compute_environment.one", "update:compute_environment.two"}
    assert {each.id for each in made.steps if each.after == ("update:job_queue.high",)} == last
    broken = attrs.evolve(shown[0], status="INVALID")
    assert in_order(plan(text, broken, *shown[1:]))
