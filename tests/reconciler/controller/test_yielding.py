"""When a run gives way to what is newer."""

from plans.asked import Asked
from plans.change import Impact
from plans.plan import Plan
from plans.report import Event
from providers.resources import Address
from reconciler.controller.yielding import NEWER, Yielding, safe
from tests.kit import LAB, Stage, manifest


def _made(stage: Stage, wanted: str) -> Plan:
    plan = stage.plan(wanted)
    assert not plan.refusals
    return plan


def test_a_creation_may_be_left_at_any_time() -> None:
    """What is made stays, and the next run goes on from there."""
    plan = _made(Stage.new(), LAB)
    ids = [step.id for step in plan.steps]
    assert all(safe(plan, ids[: number + 1], ids[:number]) for number in range(len(ids)))


def test_a_queue_that_goes_is_not_left_disabled_before_its_jobs_were_counted() -> None:
    """Under `refuse` it is enabled again where jobs are found, which a run that has ended would not do."""
    stage = Stage.new()
    stage.apply(LAB)
    plan = stage.plan(manifest(LAB), destroying=True)
    disable = next(step for step in plan.steps if step.call == "UpdateJobQueue" and step.when == "ok")
    assert safe(plan, (), ())
    assert not safe(plan, {disable.id}, ())
    assert not safe(plan, {disable.id}, {disable.id})
    own = [step.id for step in plan.steps if step.address == disable.address]
    assert safe(plan, own, own)


def test_the_run_ends_where_it_may_once_it_was_asked() -> None:
    """What was called is done, nothing else is called, and the next run goes on."""
    stage = Stage.new()
    plan = _made(stage, LAB)
    yielding = Yielding(plan, stage.stopper())
    first = plan.steps[0].id

    def hear(event: Event) -> None:
        yielding.take(event)
        if event.event == "finished" and event.step == first:
            yielding.ask("a newer one")

    report = stage.apply(LAB, on_event=hear)
    assert report.interrupted_by == NEWER
    assert {outcome.step for outcome in report.outcomes if outcome.status == "done"} >= {first}
    stage.go_on()
    left = stage.plan(LAB)
    assert 0 < len(left.steps) < len(plan.steps)
    assert stage.apply(LAB).exit_code == 0


QUEUE = """
stack: kept
policy: {maxImpact: outage}
computeEnvironments:
  one:
    type: MANAGED
    computeResources: {type: FARGATE, maxvCpus: 16, subnets: [subnet-1], securityGroupIds: [sg-1]}
jobQueues:
  first: {priority: 1, computeEnvironmentOrder: [one], lifecycle: {replace: deleteFirst}}
"""


def test_a_queue_that_is_gone_is_made_anew_first() -> None:
    """A run that was asked once the old one is disabled goes on until the new one is there."""
    stage = Stage.new()
    stage.apply(QUEUE)
    asked = Asked(replace=[Address.parse("job_queue.first")])
    plan = stage.plan(QUEUE, asked=asked)
    assert [change.impact for change in plan.changes if change.kind == "job_queue"] == [Impact.OUTAGE]
    yielding = Yielding(plan, stage.stopper())

    def hear(event: Event) -> None:
        yielding.take(event)
        if event.event == "called" and event.detail["call"] == "UpdateJobQueue":
            yielding.ask("a newer one")

    stage.apply(QUEUE, asked=asked, on_event=hear)
    assert stage.queue("first")["state"] == "ENABLED"
    assert "CreateJobQueue" in stage.mutations
