"""A rehearsal as text and as a page."""

import attrs
import pytest

from plans.printable import plain
from plans.rehearsal import Deed, Interval, Picture, Queue, Rehearsal, Run, Span, Trouble, worst
from plans.views import rehearsal as view
from plans.views import rehearsal_page
from tests.plans.views.conftest import Golden
from tests.plans.views.examples import FIRST, HOSTILE, HOSTILE_PLAN, NO_CHANGES
from tests.plans.views.test_safety import read

TOLD = Rehearsal(
    plan=FIRST,
    seed=7,
    faults="heavy",
    runs=(
        Run(1, "usual", 116.0, 0, 52),
        Run(2, "longest", 700.0, 0, 90, waiting={"dev-high": 30.0}),
        Run(3, "drawn", 20.0, 4, 30, faults={"denied CreateJobQueue": 1, "throttle DescribeJobQueues": 3}),
    ),
    trace=(
        Deed("CreateComputeEnvironment", "compute_environment.spot", 0.0),
        Deed("TerminateJob", "job_queue.old", 40.2, 12),
        Deed("CreateJobQueue", "job_queue.high", 92.4),
    ),
    calls={"CreateComputeEnvironment": 1, "CreateJobQueue": 1, "TerminateJob": 12, "DescribeJobQueues": 38},
    queues=(
        Queue(
            "dev-high", (Interval(0, 92.4, "absent"), Interval(92.4, 107, "closed", 1), Interval(107, 116, "runs", 1))
        ),
        Queue("dev-old", (Interval(0, 40, "runs", 2), Interval(40, 80, "waits"), Interval(80, 116, "absent"))),
    ),
    worst=Picture(
        3, (Queue("dev-high", (Interval(0, 5, "absent"), Interval(5, 17, "waits"), Interval(17, 20, "runs", 1))),)
    ),
    troubles=(
        Trouble("c", "job_queue.high", "CreateJobQueue", "not authorized", 3, {"denied CreateJobQueue": 1}),
        Trouble("w", "job_queue.high", None, "it took too long", 3),
    ),
    jobs_ended={"dev-old": 12},
    table=(Span("create_queue", 3, 12.5, 60, "your journal", 4), Span("deleted", 0, 0, 0, "assumed")),
    low=16.0,
    high=840.0,
)
HOSTILE_ONE = attrs.evolve(
    TOLD,
    plan=HOSTILE_PLAN,
    trace=(Deed(HOSTILE, HOSTILE, 1.0),),
    runs=(Run(1, HOSTILE, 1.0, 0, 1, faults={HOSTILE: 2}),),
    queues=(Queue(HOSTILE, (Interval(0, 1, "runs", 1),)),),
    worst=None,
    troubles=(Trouble(HOSTILE, HOSTILE, HOSTILE, HOSTILE, 1, {HOSTILE: 1}),),
    jobs_ended={HOSTILE: 1},
    table=(Span(HOSTILE, 0, 0, 0, HOSTILE),),
)


def text(told: Rehearsal, *, verbose: bool = False) -> str:
    return "".join(f"{plain(line)}\n" for line in view.lines(told, width=100, verbose=verbose))


def test_text(golden: Golden) -> None:
    """Calls in order, a row of blocks for each queue, what failed under what, and how long it takes."""
    golden("rehearsal.txt", text(TOLD))
    golden("rehearsal_verbose.txt", text(TOLD, verbose=True))


def test_page(golden: Golden) -> None:
    """The same with a picture, in one file."""
    golden("rehearsal.html", rehearsal_page.render(TOLD))


def test_nothing_to_rehearse() -> None:
    """An empty plan is said to be one, and no figures are shown."""
    empty = Rehearsal(NO_CHANGES, 0, "none")
    assert text(empty).splitlines()[-1] == "There is nothing to rehearse: the plan is empty."
    assert "<svg" not in rehearsal_page.render(empty)
    assert "There is nothing to rehearse" in rehearsal_page.render(empty)


def test_no_queue_and_no_trouble() -> None:
    """What is not there takes no room."""
    told = attrs.evolve(
        TOLD, queues=(), worst=None, troubles=(), runs=TOLD.runs[:1], faults="none", jobs_ended={}, table=()
    )
    assert "\nQueues" not in text(told)
    assert "Failed" not in text(told)
    assert "Rehearsed once on a model of this account, with no faults" in text(told)
    assert text(told).endswith("Rehearsed: all went well; it usually takes about 1m 56s, between 16s and 14m.\n")
    assert "<svg" not in rehearsal_page.render(told)


def test_which_run_is_drawn() -> None:
    """A picture says which run it shows and what that met; the worst one is drawn where it went another way."""
    told = text(TOLD)
    assert "\n  run 1: usual durations, no faults\n  dev-high  ·" in told
    assert "\n  run 3: drawn durations, under denied CreateJobQueue, throttle DescribeJobQueues (3 times)\n" in told
    assert "run 3" not in text(attrs.evolve(TOLD, worst=None, troubles=()))
    assert rehearsal_page.render(TOLD).count("<svg ") == 2


def test_the_worst_run() -> None:
    """It is the one in which queues wait for longest that do not wait in the first, whatever those do that do."""

    def picture(number: int, **waits: float) -> Picture:
        queues = (Queue(name, (Interval(0, end, "waits"), Interval(end, 99, "runs", 1))) for name, end in waits.items())
        return Picture(number, tuple(queues))

    first = picture(1, a=10.0, b=0.0)
    assert worst([first]) is None
    assert worst([first, picture(2, a=90.0, b=0.0)]) is None
    assert worst([first, picture(2, b=1.0), picture(3, b=2.0, c=1.0), picture(4, a=90.0)]) == picture(3, b=2.0, c=1.0)


def test_usual_and_median_are_told_apart() -> None:
    """What plan calls about is the usual run; the median has its name."""
    last = "it usually takes about 1m 56s, 6m 48s in the median of 2 runs, between 16s and 14m."
    assert " ".join(text(TOLD).split()).endswith(last)


def test_no_time_is_told_of_what_no_run_did() -> None:
    """Of the usual run none where that failed and others did not; of a rehearsal whose runs all failed none at all."""
    failed = [attrs.evolve(run, exit_code=4) for run in TOLD.runs]
    others = attrs.evolve(TOLD, runs=(failed[0], *TOLD.runs[1:]))
    assert view.result(others) == "Rehearsed: 2 of 3 runs did not do all; it usually takes between 16s and 14m."
    none = attrs.evolve(TOLD, runs=tuple(failed))
    assert view.result(none) == "Rehearsed: 3 of 3 runs did not do all."


def test_looks_that_are_not_rehearsed_are_told() -> None:
    """A wait of days is looked at less often than an apply does."""
    assert "an apply makes more looks" not in text(TOLD)
    long = attrs.evolve(TOLD, runs=(attrs.evolve(TOLD.runs[0], seconds=90_000.0), *TOLD.runs[1:]))
    assert "Of a wait beyond 1h 40m an apply makes more looks" in text(long)


@pytest.mark.parametrize("cells", [1, 10, 100])
def test_blocks_show_the_worst_of_their_time(cells: int) -> None:
    """However short a gap is, it is seen."""
    queue = Queue("q", (Interval(0, 50, "runs", 1), Interval(50, 50.01, "waits"), Interval(50.01, 100, "runs", 1)))
    assert len(view.blocks(queue, 100, cells)) == cells
    assert view.blocks(queue, 100, cells).count("▒") == 1


def test_a_long_trace_is_cut() -> None:
    """Forty calls are shown, all of them with -v."""
    told = attrs.evolve(TOLD, trace=TOLD.trace * 20)
    assert "20 more with -v" in text(told)
    assert text(told, verbose=True).count("  CreateComputeEnvironment\n") == 20


def test_hostile_words() -> None:
    """Whatever AWS or a manifest says is text, in both forms."""
    assert all(line.isprintable() for line in text(HOSTILE_ONE, verbose=True).splitlines())
    parser = read(rehearsal_page.render(HOSTILE_ONE))
    assert {"svg", "rect"} <= parser.tags
    assert not parser.tags & {"script", "img", "a", "b", "iframe"}
    assert not {name for name in parser.attributes if name.startswith("on") or name in ("href", "src", "style")}
