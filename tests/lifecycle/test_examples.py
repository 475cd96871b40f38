"""The examples, from an empty account to an empty account."""

from collections import Counter

import pytest

from tests.kit import Stage, example

EXAMPLES = {"genomics": "eu-west-1", "fargate": "eu-central-1", "training": "us-east-1"}


@pytest.mark.parametrize(("name", "region"), EXAMPLES.items())
def test_an_example_is_made_stays_and_goes(name: str, region: str) -> None:
    """Plan, apply, plan again: empty; destroy: nothing is left; twice with the same events and calls."""
    traces = []
    for _ in range(2):
        stage, wanted = Stage.new(region=region), example(name)
        planned = stage.plan(wanted)
        assert stage.mutations == []
        assert planned.summary == {"create": len(wanted.resources)}
        assert not planned.refusals

        made = stage.apply(wanted)
        assert made.exit_code == 0
        assert len(stage.all) == len(wanted.resources)
        assert sorted(stage.mutations) == sorted(step.call for step in planned.steps if step.call)
        assert made.calls == stage.calls

        assert stage.plan(wanted).empty
        assert stage.apply(wanted).exit_code == 0
        assert stage.mutations == []

        gone = stage.destroy(wanted)
        assert gone.exit_code == 0
        assert gone.calls == stage.calls
        assert stage.all == []
        assert stage.destroy(wanted).exit_code == 0
        assert stage.mutations == []
        traces.append(stage.trace)
    assert traces[0] == traces[1]


@pytest.mark.parametrize(("name", "region"), EXAMPLES.items())
def test_every_step_is_told_from_start_to_end(name: str, region: str) -> None:
    """Each step is told as started, then called and polled, then finished once, under its own step and address."""
    stage, wanted = Stage.new(region=region), example(name)
    steps = {step.id: step for step in stage.plan(wanted).steps}
    stage.apply(wanted)
    told: dict[str, list[str]] = {}
    for event in stage.events[:-1]:
        assert event.address == steps[event.step].address
        told.setdefault(event.step, []).append(event.event)
    assert told.keys() == steps.keys()
    for name_of_step, events in told.items():
        assert Counter(events) | Counter(["started", "finished"]) == Counter(events)
        assert [events[0], events[-1]] == ["started", "finished"]
        assert ("called" in events) == (steps[name_of_step].call is not None)
        assert ("polled" in events) == (steps[name_of_step].goal is not None)
    assert [stage.events[-1].event, stage.events[-1].detail] == ["ended", {"exit_code": 0}]
    assert [event.at for event in stage.events] == sorted(event.at for event in stage.events)


@pytest.mark.parametrize(("name", "region"), EXAMPLES.items())
def test_what_is_made_is_reported(name: str, region: str) -> None:
    """The report maps each address to the ARN that was made, and after a destroy none."""
    stage, wanted = Stage.new(region=region), example(name)
    made = stage.apply(wanted)
    assert sorted(made.produced.values()) == stage.all
    assert made.produced.keys() == {str(address) for address in wanted.resources}
    assert made.produced == {name: row["arn"] for name, row in stage.reconciler.output(wanted).items()}
    assert stage.destroy(wanted).produced == {}
