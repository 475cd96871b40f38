"""The words and forms that the views share, and what a reader needs to see."""

from typing import Any

import attrs
import pytest

from plans.change import Action, Change, Difference
from plans.plan import NOW, Estimate, Goal, Step
from plans.report import Outcome, Report, Status
from plans.views import markdown, page, terminal, values, wording
from plans.views.values import Line
from providers.resources import Address, Elsewhere, Ref
from tests.plans.views.examples import DONE, FIRST, HIGH, MIXED, NO_CHANGES, NOT_CONVERGED, plan_of

QUEUE = Change(HIGH, "high", Action.UPDATE)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *((0, "0s"), (0.42, "0.4s"), (9.96, "10s"), (12, "12s"), (59.6, "1m"), (60, "1m"), (250, "4m 10s")),
        *((7200, "2h"), (7500, "2h 5m"), (3601, "1h")),
    ],
)
def test_spans(seconds: float, words: str) -> None:
    """Times are told in the two largest units that say something."""
    assert wording.span(seconds) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "unset"),
        (True, "true"),
        (2, "2"),
        ("2", '"2"'),
        (0.25, "0.25"),
        ('a"b\\c\n', r'"a\"b\\c\n"'),
        (Ref(HIGH), "(the arn of job_queue.high)"),
        (Elsewhere("compute_environment", "shared", "spot"), "(compute_environment spot of stack shared)"),
        (NOW, "(the time of the call)"),
        ({"a": [1, {}], "b": False}, "{a: [1, {}], b: false}"),
        ([], "[]"),
    ],
    ids=str,
)
def test_values_in_one_line(value: Any, words: str) -> None:
    """A value is told from every other, its type included."""
    assert values.inline(value) == words


@pytest.mark.parametrize("width", [3, 4, 10, 11])
def test_cutting_keeps_both_ends(width: int) -> None:
    """A long text is cut in the middle to exactly the width that there is."""
    text = wording.cut("abcdefghijkl", width)
    assert len(text) == width
    assert text.startswith("a")
    assert text.endswith("l")
    assert "…" in text
    assert wording.cut("abc", 3) == "abc"


def test_lines_of_two_values_leave_out_what_is_far_from_a_change() -> None:
    """Of long values only what differs is shown, with its neighbours and the gaps between."""
    before = [f"subnet-{number:02}" * 9 for number in range(12)]
    after = ["new", *before[1:11], "newer"]
    assert [line.sign for line in values.lines(before, after)] == ["-", "+", " ", "…", " ", "-", "+"]


def test_lines_of_one_value_are_all_of_it() -> None:
    """With nothing on one side all of the other is shown."""
    assert list(values.lines(None, {"a": 1})) == [Line("+", "a: 1")]
    assert list(values.lines({"a": 1}, None)) == [Line("-", "a: 1")]


def test_values_beyond_measure_are_not_compared_line_by_line() -> None:
    """Very long values are shown one after the other, since comparing them takes too long."""
    lines = list(values.lines([f"x{number}" for number in range(1000)], ["x1"]))
    assert [line.sign for line in lines] == ["-"] * 1000 + ["+"]


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (plan_of(), "No changes. There is nothing to do: nothing of this is live."),
        (plan_of(changes=(Change(HIGH, "high", Action.NOOP),)), "No changes. 1 resource is as the manifest says."),
        (NO_CHANGES, "No changes. 3 resources are as the manifest says."),
        (FIRST, "Plan: 3 to create; 3 calls, about 1m 35s (11 calls with all looks)."),
        (
            plan_of(steps=(Step("w", "job_queue.high", None, goal=Goal("job_queue", "high", "settled")),)),
            "Plan: nothing to change; 0 calls.",
        ),
        (
            attrs.evolve(FIRST, steps=FIRST.steps[:1], estimate=Estimate(2, 9)),
            "Plan: 3 to create; 1 call, about 9s (2 calls with all looks).",
        ),
    ],
)
def test_summaries(plan: Any, words: str) -> None:
    """The last line says what would be done, in grammatical English."""
    assert wording.summary(plan) == words
    assert terminal.render(plan).endswith(f"\n{words}\n")


def test_drift_has_its_own_words() -> None:
    """A plan without differences is no drift; one with differences says how many of how many."""
    assert wording.drift_summary(NO_CHANGES) == "No drift. 3 resources are as the manifest says."
    assert wording.drift_summary(attrs.evolve(NO_CHANGES, changes=NO_CHANGES.changes[:1])) == (
        "No drift. 1 resource is as the manifest says."
    )
    words = "Drift: 5 of 6 resources not as the manifest says: 4 changed, 1 not in the manifest."
    assert wording.drift_summary(MIXED) == words
    verbose = terminal.render_drift(MIXED, verbose=True)
    assert "no drift" in verbose
    assert "impact" not in verbose
    assert "missing" in terminal.render_drift(FIRST)


def _ended(address: str, status: Status) -> Outcome:
    return Outcome(address, address, "SubmitJob", status)


@pytest.mark.parametrize(
    ("report", "words", "advised"),
    [
        (Report("p"), "Applied: nothing to do; 0 API calls in 0s.", False),
        (DONE, "Applied and checked: 3 done; 7 API calls in 31s.", False),
        (NOT_CONVERGED, "Applied, but not converged: 1 done; 4 API calls in 1m 4s.", True),
        (Report("p", interrupted_by=2), "Interrupted: nothing to do; 0 API calls in 0s.", True),
        (
            Report("p", (Outcome("s", "a.b", "CreateJobQueue", "failed"),), {"CreateJobQueue": 1}, 1, 2.0),
            "Failed: 1 failed; 1 API call (1 throttled) in 2s.",
            False,
        ),
        (
            Report("p", (_ended("a.b@canary", "done"), _ended("a.b", "failed"), _ended("a.b@canary", "done"))),
            "Failed: 2 done, 1 failed; 0 API calls in 0s.",
            True,
        ),
        (
            Report("p", (_ended("a.b@canary", "done"), _ended("a.b", "failed"), _ended("a.c", "done"))),
            "Applied in part: 2 done, 1 failed; 0 API calls in 0s.",
            True,
        ),
    ],
)
def test_endings(report: Report, words: str, advised: bool) -> None:
    """The closing line says how it went and at what cost; advice follows where something is left to do."""
    assert wording.closing(report) == words
    assert bool(wording.advice(report)) is advised


def test_a_canary_that_fails_alone_has_changed_nothing() -> None:
    """It is told, in place of that what is done is done."""
    report = Report("p", (_ended("a.b@canary", "done"), _ended("a.b", "failed")))
    assert wording.advice(report).startswith("Only a canary was tried: nothing that anybody uses was changed.")


def test_a_report_lists_calls_where_asked() -> None:
    """Verbose counts calls by operation."""
    assert "Calls: CreateComputeEnvironment 1, CreateJobQueue 1" in terminal.render(FIRST, DONE, verbose=True)


def test_where_the_plan_works_is_said_first() -> None:
    """Account, region and its source, stack, and whatever else decides where calls go."""
    target = {"provider": "simulator", "profile": "ci", "roleArn": "arn:aws:iam::1:role/r", "endpointUrl": "http://x"}
    plan = attrs.evolve(NO_CHANGES, target=target, account=None)
    assert wording.place(plan) == [
        *("account unknown", "region eu-west-1", "stack genomics", "simulator"),
        *("profile ci", "role arn:aws:iam::1:role/r", "endpoint http://x"),
    ]
    assert terminal.render(MIXED).startswith(
        "account 111122223333 · region eu-west-1 (from the manifest) · stack genomics\n"
    )


def test_a_first_plan_says_so() -> None:
    """That the account holds nothing of the stack yet is told, since it may be the wrong account."""
    words = "Nothing of this stack is in this account and region yet."
    assert words in terminal.render(FIRST)
    assert words in page.render(FIRST)
    assert words not in terminal.render(MIXED)
    assert words not in terminal.render(plan_of())


def test_differences_of_something_new_are_what_its_call_says() -> None:
    """What is created shows the arguments of its call, our own tags and its name left out."""
    shown = {difference.path: difference.after for difference in wording.differences(FIRST, FIRST.changes[1])}
    assert list(shown) == ["priority", "computeEnvironmentOrder"]
    assert wording.differences(plan_of(), FIRST.changes[1]) == ()
    own = Change(HIGH, "dev-high", Action.CREATE, differences=(Difference("priority", None, 10, "create"),))
    assert wording.differences(FIRST, own) == own.differences
    assert wording.differences(FIRST, attrs.evolve(own, action=Action.UPDATE, differences=())) == ()


def test_a_job_that_tries_something_new_is_no_part_of_it() -> None:
    """The arguments of a trial job are not those of what it tries, though they stand at its address."""
    goal = Goal("job", "canary-high", "succeeded")
    said = {"jobName": "canary-high", "jobQueue": "dev-high", "jobDefinition": "probe"}
    trial = Step("canary", str(FIRST.changes[1].address), "SubmitJob", said, goal)
    tried = attrs.evolve(FIRST, steps=(*FIRST.steps, trial))
    assert wording.differences(tried, FIRST.changes[1]) == wording.differences(FIRST, FIRST.changes[1])


def test_a_long_value_is_shortened_unless_all_is_asked_for() -> None:
    """A value of many lines is cut after forty, and says how to see the rest."""
    change = attrs.evolve(QUEUE, differences=(Difference("x", None, [f"line {n} {'x' * 90}" for n in range(60)], "r"),))
    text = terminal.render(plan_of(changes=(change,)))
    assert "… 20 more lines (-v shows all)" in text
    assert "line 39" in text
    assert "line 40" not in text
    assert "line 59" in terminal.render(plan_of(changes=(change,)), verbose=True)
    assert max(map(len, text.splitlines())) <= 100


def test_a_script_is_shown_line_by_line() -> None:
    """A changed text of several lines shows the lines that changed."""
    change = attrs.evolve(QUEUE, differences=(Difference("x", "a\nb\nc\n", "a\nB\nc\n", "r"),))
    text = terminal.render(plan_of(changes=(change,)))
    assert "        - b\n        + B\n" in text


def test_a_message_of_several_lines_keeps_them() -> None:
    """AWS's words keep their line breaks, each line at the indentation of its message."""
    outcome = Outcome("s", "job_queue.high", "UpdateJobQueue", "failed", error="one\ntwo", hint="three")
    text = terminal.render(plan_of(), Report("p", (outcome,)))
    assert "      one\n      two\n      → three\n" in text


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome("w", "a.b", None, "done"), "wait until gone"),
        (Outcome("o", "a.b", None, "done"), "wait until gone c"),
        (Outcome("u", "a.b", None, "done"), "wait until unreferenced"),
        (Outcome("v", "a.b", None, "done"), "wait until unreferenced c"),
        (Outcome("m", "a.b", "UpdateJobQueue", "done"), "UpdateJobQueue b"),
        (Outcome("x", "a.b", None, "done"), "wait"),
        (Outcome("n", "a.b", None, "done"), "wait"),
        (Outcome("w", "a.b", "CreateJobQueue", "done"), "CreateJobQueue"),
    ],
)
def test_a_wait_is_told_by_its_goal(outcome: Outcome, words: str) -> None:
    """A step without a call is told by what it waits for, and by its object where that is not its address's."""
    goals = {
        "w": Goal("a", "b", "gone"),
        "o": Goal("a", "c", "gone"),
        "u": Goal("job_queue", "arn:aws:batch:eu-west-1:1:a/b", "unreferenced"),
        "v": Goal("job_queue", "arn:aws:batch:eu-west-1:1:a/c", "unreferenced"),
        "m": Goal("job_queue", "b", "settled"),
    }
    steps = {name: Step(name, "a.b", None, goal=goal) for name, goal in goals.items()} | {"n": Step("n", "a.b", None)}
    assert wording.ended(outcome, steps, {"a.b": "b"}) == words


def test_an_address_of_any_length_fits() -> None:
    """A very long address is cut in the middle, so that columns hold."""
    change = attrs.evolve(QUEUE, address=Address("job_queue", "x" * 300), name="y" * 300)
    assert max(map(len, terminal.render(plan_of(changes=(change,)), width=80).splitlines())) <= 110


def test_long_tables_are_cut_and_counted() -> None:
    """A comment lists two hundred steps of an apply and counts the others."""
    outcomes = tuple(Outcome(f"s{number}", "job_queue.high", "UpdateJobQueue", "done") for number in range(205))
    text = markdown.render(plan_of(), Report("p", outcomes))
    assert text.count("| done |") == 200
    assert "| … and 5 more |" in text


@pytest.mark.parametrize(
    ("call", "status", "words"),
    [
        ("TerminateJob", "done", "emptied"),
        ("CancelJob", "done", "emptied"),
        ("ListJobs", "done", "emptied"),
        ("TerminateJob", "retiring", "empty it"),
        ("ListJobs", "skipped", "empty it"),
    ],
)
def test_an_emptying_is_told_by_what_became_of_the_queue(call: str, status: Any, words: str) -> None:
    """There may have been nothing to end, so the call may not have been made."""
    step = Step("drain", str(HIGH), call, {"jobQueue": "q"}, Goal("job_queue", "high", "drained", deadline=60.0))
    outcome = Outcome("drain", str(HIGH), call, status)
    assert wording.ended(outcome, {"drain": step}, {str(HIGH): "high"}) == words
    bare = attrs.evolve(step, call="ListJobs", goal=Goal("job_queue", "high", "drained", deadline=0.0))
    assert wording.ended(attrs.evolve(outcome, call="ListJobs"), {"drain": bare}, {}) == "ListJobs high"
