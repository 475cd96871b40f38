"""What is shown while a run goes on."""

import io
from collections.abc import Sequence

import pytest
from rich.console import Console
from rich.text import Text

from plans.plan import Goal, Plan, Step
from plans.report import Event
from reconciler.cli.progress import Progress, asides, progress
from reconciler.cli.terminal import Terminal

GOAL = Goal("job_queue", "q", "settled")


def step(name: str, goal: Goal | None = None) -> Step:
    return Step(name, f"job_queue.{name}", "CreateJobQueue", goal=goal)


def plan(*steps: Step) -> Plan:
    return Plan("id", "s", {}, None, "eu-west-1", {}, "2026-01-01T00:00:00+00:00", steps=steps)


def drawn(made: Progress, height: int = 24, width: int = 80) -> list[str]:
    """The lines of the table, without the blanks at their ends."""
    console = Console(file=io.StringIO(), width=width, height=height)
    with console.capture() as shown:
        console.print(made.drawn(height, Text("*")))
    return [line.rstrip() for line in shown.get().splitlines()]


def test_a_step_from_its_beginning_to_its_end() -> None:
    """A row shows the call, then what AWS says of the object, then the sign of its end; time is the run's."""
    made = Progress(plan(step("a", GOAL), step("b")), lambda: 100.0)
    made.take(Event("started", 90.0, "a"))
    assert drawn(made) == ["*  a    10s", "   1 running · 2 in all"]
    made.take(Event("called", 91.0, "a", detail={"call": "CreateJobQueue"}))
    assert drawn(made)[0] == "*  a  CreateJobQueue  10s"
    made.take(
        Event("polled", 92.0, detail={"kind": "job_queue", "name": "q", "status": "CREATING", "state": "ENABLED"})
    )
    assert "CREATING ENABLED" in drawn(made)[0]
    made.take(Event("polled", 93.0, detail={"kind": "job_queue", "name": "other", "status": "DELETING"}))
    made.take(Event("polled", 93.0, detail={"kind": "job_queue", "name": "q"}))
    assert "CREATING ENABLED" in drawn(made)[0]
    made.take(Event("finished", 165.0, "a"))
    assert drawn(made)[0].startswith("✓  a")
    assert drawn(made)[0].endswith("1m 15s")
    assert drawn(made)[-1].strip() == "1 done · 2 in all"
    made.take(Event("polled", 166.0, detail={"kind": "job_queue", "name": "q", "status": "DELETING"}))
    assert "CREATING ENABLED" in drawn(made)[0]


def test_a_trial_job_shows_its_status() -> None:
    """Between its call and its end a row shows how far the job got."""
    goal = Goal("job", "canary-a", "succeeded")
    made = Progress(plan(Step("canary", "compute_environment.a", "SubmitJob", goal=goal)), lambda: 10.0)
    made.take(Event("started", 0.0, "canary"))
    made.take(Event("called", 1.0, "canary", detail={"call": "SubmitJob", "job": "id-1"}))
    assert drawn(made)[0] == "*  canary  SubmitJob  10s"
    seen = {"kind": "job", "name": "canary-a", "job": "id-1"}
    made.take(Event("polled", 2.0, "canary", detail={**seen, "status": "RUNNABLE"}))
    assert drawn(made)[0] == "*  canary  RUNNABLE  10s"


def test_failures_and_what_they_keep_from_happening() -> None:
    """A failed step shows its error in one line, a repeated one when it is due, a skipped one because of what."""
    made = Progress(plan(step("a"), step("b"), step("c")), lambda: 0.0)
    made.take(Event("started", 0.0, "a"))
    made.take(Event("retried", 0.0, "a", detail={"seconds": 3.2, "error": "slow\ndown"}))
    assert "again in 3.2 s: slow" in drawn(made)[0]
    made.take(Event("failed", 1.0, "a", detail={"error": "no\x1b[2J\nwhy", "hint": None}))
    made.take(Event("skipped", 1.0, "b", detail={"because": "a"}))
    lines = drawn(made)
    assert lines[0].startswith("✗  a  no\\x1b[2J")
    assert lines[1].startswith("·  b  because a failed")
    assert lines[2].strip() == "1 failed · 1 skipped · 3 in all"
    made.take(Event("retried", 1.0, "", detail={"seconds": 3.2, "error": "a look"}))
    assert drawn(made) == lines


def test_more_steps_than_lines() -> None:
    """Where not all steps fit, those under way are shown, and how many there are of each."""
    steps = [step(f"s{number:03}") for number in range(300)]
    made = Progress(plan(*steps), lambda: 5.0)
    for number in range(250):
        made.take(Event("started", 0.0, f"s{number:03}"))
    for number in range(246):
        made.take(Event("finished", 1.0, f"s{number:03}"))
    lines = drawn(made, 10)
    assert [line.split()[1] for line in lines[:-1]] == ["s246", "s247", "s248", "s249"]
    assert lines[-1].strip() == "246 done · 4 running · 300 in all"
    for number in range(250, 300):
        made.take(Event("started", 0.0, f"s{number:03}"))
    assert len(drawn(made, 10)) == 10
    assert len(drawn(made, 400)) == 301


def test_a_narrow_terminal() -> None:
    """A row stays one line, whatever it has to say."""
    made = Progress(plan(step("a" * 50)), lambda: 5.0)
    made.take(Event("started", 0.0, "a" * 50))
    made.take(Event("failed", 1.0, "a" * 50, detail={"error": "word " * 50}))
    assert len(drawn(made, width=40)) == 2


def test_a_table_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal there are lines until a plan is carried out, then a table, which goes when the run ends."""
    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    seen: list[Plan] = []
    with progress(Terminal(), seen, lambda: 0.0) as listener:
        listener(EVENTS[3])
        assert "DescribeJobQueues will be tried again" in screen.getvalue()
        seen.append(plan(step("a"), step("b")))
        for event in EVENTS:
            listener(event)
    assert "2 in all" in screen.getvalue()
    assert "a called" not in screen.getvalue()
    assert screen.getvalue().endswith("\x1b[2K")


def test_a_terminal_that_cannot_redraw(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dumb terminal gets lines, and so does anything that is no terminal; JSON is never a table."""
    assert not Terminal().live
    monkeypatch.setattr("sys.stderr", Screen())
    monkeypatch.setenv("TERM", "xterm")
    assert Terminal().live
    assert not Terminal(json=True).live
    monkeypatch.setenv("TERM", "dumb")
    assert not Terminal().live


class Screen(io.StringIO):
    """What says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def lines(capsys: pytest.CaptureFixture[str], events: Sequence[Event], *, verbose: bool = False) -> list[str]:
    with progress(Terminal(verbose=verbose), [], lambda: 0.0) as listener:
        for event in events:
            listener(event)
    out, err = capsys.readouterr()
    assert out == ""
    return [line.partition(" ")[2] for line in err.splitlines()]


EVENTS = (
    Event("started", 0.0, "a"),
    Event("called", 1.0, "a", detail={"call": "CreateJobQueue"}),
    Event("polled", 2.0, detail={"kind": "job_queue", "name": "q", "status": "VALID", "state": "ENABLED"}),
    Event("retried", 3.0, "", detail={"operation": "DescribeJobQueues", "seconds": 1.0, "error": "slow down"}),
    Event("failed", 4.0, "a", detail={"error": "no"}),
    Event("skipped", 5.0, "b", detail={"because": "a"}),
    Event("interrupted", 6.0, detail={"signal": 2}),
    Event("ended", 7.0, detail={"exit_code": 4}),
)


def test_lines_for_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal each event that matters is one line on stderr, with the time of the run."""
    assert lines(capsys, EVENTS) == [
        "a starts",
        "a called CreateJobQueue",
        "DescribeJobQueues will be tried again in 1.0 s: slow down",
        "a failed: no",
        "b skipped, because a failed",
        "interrupted: calls in flight finish, nothing new begins",
    ]
    assert "q is VALID ENABLED" in lines(capsys, EVENTS, verbose=True)


def test_the_line_of_a_submission_names_the_job(capsys: pytest.CaptureFixture[str]) -> None:
    """So that it can be looked up while it runs."""
    submitted = Event("called", 1.0, "a", detail={"call": "SubmitJob", "job": "id-1"})
    assert lines(capsys, [submitted]) == ["a called SubmitJob id-1"]


def test_reads_tell_once(capsys: pytest.CaptureFixture[str]) -> None:
    """A run that only reads tells once that calls are repeated, and each time with -v."""
    for verbose, expected in ((False, 1), (True, 3)):
        listener = asides(Terminal(verbose=verbose))
        for _ in range(3):
            listener(EVENTS[3])
        assert len(capsys.readouterr().err.splitlines()) == expected


DRAINING = (
    Event("started", 0.0, "d"),
    *(
        Event("polled", at, "d", detail={"kind": "compute_environment", "name": "spot", "jobs": jobs})
        for at, jobs in ((1.0, 12), (2.0, 12), (3.0, 1), (4.0, 1))
    ),
    Event("retiring", 5.0, "d", detail={"error": "spot still runs 1 job after 5 s", "hint": "again"}),
    Event("skipped", 6.0, "e", detail={"because": "d", "retiring": True}),
)


def test_the_falling_count_of_jobs_is_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    """In a log without -v too, but only where it has changed; and what is not over is not told as failed."""
    assert lines(capsys, DRAINING) == [
        "d starts",
        "d runs 12 jobs",
        "d runs 1 job",
        "d goes on retiring: spot still runs 1 job after 5 s",
        "e skipped, because d has not ended yet",
    ]
    assert lines(capsys, DRAINING, verbose=True).count("d runs 12 jobs") == 2


def test_a_count_that_stays_is_told_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    """An hour without a line would look as if nothing were going on."""
    events = [
        Event("polled", at, "d", detail={"kind": "job_queue", "name": "q", "jobs": 7})
        for at in (0.0, 10.0, 200.0, 300.0, 310.0, 599.0, 630.0)
    ]
    assert lines(capsys, events) == ["d holds 7 jobs"] * 3


def test_a_queue_holds_jobs(capsys: pytest.CaptureFixture[str]) -> None:
    """And an environment runs them; how many were ended in one go is told."""
    events = (
        Event("called", 1.0, "d", detail={"call": "TerminateJob", "ended": 12}),
        Event("polled", 2.0, "d", detail={"kind": "job_queue", "name": "q", "jobs": 12}),
    )
    assert lines(capsys, events) == ["d called TerminateJob for 12 jobs", "d holds 12 jobs"]


def test_the_falling_count_of_jobs_stands_in_the_table() -> None:
    """As what the service says of the step."""
    draining = Step("d", "compute_environment.spot", None, goal=Goal("compute_environment", "spot", "drained"))
    made = Progress(plan(draining, step("e")), lambda: 10.0)
    for event in DRAINING[:2]:
        made.take(event)
    assert made.rows["d"].says == "runs 12 jobs"
    for event in DRAINING[2:]:
        made.take(event)
    assert (made.rows["d"].how, made.rows["d"].says) == ("retiring", "spot still runs 1 job after 5 s")
    assert made.rows["e"].says == "because d has not ended yet"
