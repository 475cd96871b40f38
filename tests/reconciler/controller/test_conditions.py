"""What the conditions of a stack say in each situation, all ten of them; that it is true is watched on the way."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from providers.simulator import Durations, Fault, Simulator
from providers.simulator import Settings as Simulated
from reconciler.controller.conditions import FAILURES, KINDS, Answer
from reconciler.controller.status import Status
from reconciler.outset import lock_of
from reconciler.settings import Settings
from tests.kit import LAB, Stage, client, edit
from tests.reconciler.controller.stages import USUAL, Room, room
from tests.reconciler.controller.test_loop import MANY, held_up

WIDER = edit(LAB, ("maxvCpus: 64", "maxvCpus: 128"))
LOW = "  low: {priority: 1, computeEnvironmentOrder: [ondemand]}\n"
WITHOUT = edit(LAB, (LOW, "")) + "\npolicy: {maxImpact: outage, drain: {mode: wait, timeout: 5m}}\n"
APPLY, HEAL = "mode: apply", "mode: apply-and-heal"


def drift(made: Room) -> None:
    made.stage.world.update_job_queue(jobQueue="lab-high", priority=77)


def applied(made: Room) -> None:
    made.write(LAB)
    made.until(lambda: made.answer("Ready") == ("True", "Succeeded"))


def nothing(_made: Room) -> None:
    """Nobody has come to lead yet."""


def leads(made: Room) -> None:
    made.loop._elect()


def written(made: Room) -> None:
    made.write(LAB)
    made.pass_time(20)


def invalid(made: Room) -> None:
    made.write("stack: lab\njobQueus: {}\n")
    made.pass_time(20)


def no_longer_valid(made: Room) -> None:
    applied(made)
    made.write("stack: lab\njobQueus: {}\n")
    made.until(lambda: made.answer("Stalled") == ("True", "ManifestInvalid"))


def suspended(made: Room) -> None:
    applied(made)
    made.front.suspend("lab", True, "ann")
    made.pass_time(400)


def suspended_behind(made: Room) -> None:
    suspended(made)
    made.write(WIDER)
    made.pass_time(400)


def resumed(made: Room) -> None:
    made.write(LAB)
    made.pass_time(20)
    made.front.suspend("lab", True, "ann")
    made.pass_time(20)
    made.front.suspend("lab", False, "ann")
    made.pass_time(0.001)


def locked(made: Room) -> None:
    made.write(LAB)
    with lock_of(made.stage.reconciler, "123456789012", "lab", "apply", lambda _event: None):
        made.pass_time(20)


def unlocked(made: Room) -> None:
    locked(made)
    made.until(lambda: made.answer("Ready") == ("True", "Succeeded"))


def draining(made: Room) -> None:
    applied(made)
    made.stage.world.submit_job(jobName="work", jobQueue="lab-low", jobDefinition="lab-align")
    made.write(WITHOUT)
    made.until(lambda: made.answer("Draining") == ("True", "Retiring"))


def drained(made: Room) -> None:
    draining(made)
    made.until(lambda: made.answer("Ready") == ("True", "Succeeded"), 9000)


def source_missing(made: Room) -> None:
    (made.folder / "stacks").rmdir()
    made.pass_time(20)


def source_gone(made: Room) -> None:
    applied(made)
    (made.folder / "stacks").rename(made.folder / "away")
    made.pass_time(700)


def source_gone_while_stuck(made: Room) -> None:
    invalid(made)
    (made.folder / "stacks").rename(made.folder / "away")
    made.pass_time(700)


def unreadable(made: Room) -> None:
    made.stage.simulator.inject(Fault("Describe*", "refused", times=None), Fault("List*", "refused", times=None))


def away(made: Room) -> None:
    unreadable(made)
    made.write(LAB)
    made.pass_time(20)


def gone_away(made: Room) -> None:
    applied(made)
    unreadable(made)
    made.pass_time(700)


def denied(made: Room) -> None:
    made.stage.simulator.inject(Fault("CreateJobQueue", "denied", times=None))
    made.write(LAB)
    made.until(lambda: made.answer("Stalled") == ("True", "AccessDenied"))


def drifted(made: Room) -> None:
    applied(made)
    drift(made)
    made.pass_time(700)


def ill(made: Room) -> None:
    made.stage.simulator.inject(Fault("*ComputeEnvironment", "invalid", times=None))
    made.write(LAB)
    made.until(lambda: made.answer("Stalled") == ("True", "Invalid"))


def fell_ill(made: Room) -> None:
    applied(made)
    stranger = Simulator(made.stage.simulator.store, made.stage.clock)
    stranger.inject(Fault("UpdateComputeEnvironment", "invalid"))
    client(stranger).update_compute_environment(computeEnvironment="lab-spot", state="ENABLED")
    made.pass_time(700)


def slow(made: Room) -> None:
    """A run that goes on for longer than it may; what comes of it is for the page of runs."""

    def wait(operation: str, _number: int) -> None:
        if operation == "CreateComputeEnvironment":
            made.stage.clock.sleep(70)
            made.loop._hurry()

    made.stage.simulator.before_call = wait
    made.write(LAB)
    made.until(lambda: made.run_of() is not None and made.run_of()["outcome"] is not None)


def overtaken(made: Room) -> None:
    """By a newer revision, during its run."""

    def newer(operation: str, _number: int) -> None:
        if operation == "CreateComputeEnvironment":
            made.stage.simulator.before_call = None
            run = made.loop.agenda.held["lab"].run
            assert run is not None
            run.yielding.ask("a newer one")

    made.stage.simulator.before_call = newer
    made.write(LAB)
    made.until(lambda: made.run_of() is not None and made.run_of()["outcome"] is not None)


def away_for_long(made: Room) -> None:
    away(made)
    made.until(lambda: (made.answer("Ready") or ("", ""))[0] == "False")


def drifted_in_part(made: Room) -> None:
    """One thing is brought back, another only reported: right after the run."""
    applied(made)
    drift(made)
    made.stage.world.update_compute_environment(computeEnvironment="lab-spot", computeResources={"maxvCpus": 99})
    made.until(lambda: len(made.front.runs("lab", 9)) == 2 and made.answer("Ready") == ("True", "Succeeded"))


def planned_then_changed(made: Room) -> None:
    """A new revision that was fetched and not looked at yet."""
    made.write(LAB)
    made.pass_time(20)
    made.loop.agenda._at_work["target"] = made.loop.configuration.workers
    made.write(WIDER)
    made.pass_time(120)


def foreign(made: Room) -> None:
    """A queue of that name is somebody else's."""
    made.write(edit(LAB, ("stack: lab", "stack: theirs")), "../theirs.yaml")
    made.stage.apply(edit(LAB, ("stack: lab", "stack: theirs")))
    made.write(LAB)
    made.pass_time(20)


USUALLY = (
    "NothingToDo: -Planned; AsApplied: -DriftDetected; AllValid: +Healthy; NothingDrains: -Draining; "
    "NotAwaited: -AwaitingApproval; NotHeld: -Locked; NotSuspended: -Suspended"
)
"""What is said of a stack where its scene does not say otherwise: + true, - false, ? unknown."""
SIGNS: Mapping[str, Answer] = {"+": "True", "-": "False", "?": "Unknown"}
WELL, GOING, STUCK = "+Ready -Reconciling -Stalled", "-Ready +Reconciling -Stalled", "-Ready -Reconciling +Stalled"
UNSEEN = "?Planned ?DriftDetected ?Healthy ?AwaitingApproval"
NEW = "NeverApplied: ?DriftDetected ?Healthy"
NO_RUN = "NotLookedYet: ?Draining ?Locked"
SCENES = [
    (
        HEAL,
        nothing,
        f"NotLookedYet: ?Ready ?Reconciling ?Stalled {UNSEEN} ?Draining ?Locked ?Suspended",
    ),
    (
        HEAL,
        leads,
        f"NotLookedYet: ?Ready ?Reconciling ?Stalled {UNSEEN} ?Draining ?Locked",
    ),
    (
        HEAL,
        written,
        f"NewRevision: -Ready -Stalled; Progressing: +Reconciling; PlanMade: +Planned; {NEW}; NotLookedYet: ?Locked",
    ),
    (HEAL, applied, f"Succeeded: {WELL}"),
    (HEAL, invalid, f"ManifestInvalid: {STUCK} {UNSEEN}; {NO_RUN}"),
    (HEAL, no_longer_valid, f"ManifestInvalid: {STUCK} {UNSEEN}"),
    (
        HEAL + ", approval: {by: api}",
        written,
        f"WaitsForApproval: {STUCK} +AwaitingApproval; PlanMade: +Planned; {NEW}; NotTried: ?Locked",
    ),
    (HEAL, suspended, f"Succeeded: +Ready; SaidSo: -Reconciling -Stalled {UNSEEN} +Suspended"),
    (HEAL, suspended_behind, f"SaidSo: -Ready -Reconciling -Stalled {UNSEEN} +Suspended"),
    (HEAL, resumed, f"AsApplied: {WELL}"),
    (HEAL, locked, f"HeldByAnother: {GOING} +Locked; PlanMade: +Planned; {NEW}"),
    (HEAL, unlocked, f"Succeeded: {WELL}"),
    (APPLY + ", prune: true", draining, f"Retiring: {GOING} +Draining; PlanMade: +Planned"),
    (APPLY + ", prune: true", drained, f"Succeeded: {WELL}"),
    (
        APPLY + ', windows: [{allow: "0 3 1 1 *", for: 1h}]',
        written,
        f"WaitsForWindow: {GOING}; PlanMade: +Planned; {NEW}; NotTried: ?Locked",
    ),
    (HEAL, source_missing, f"SourceFailed: {GOING} {UNSEEN}; {NO_RUN}"),
    (HEAL, source_gone, "AsApplied: +Ready -Stalled; SourceFailed: +Reconciling"),
    (HEAL, source_gone_while_stuck, f"ManifestInvalid: -Ready +Stalled {UNSEEN}; SourceFailed: -Reconciling; {NO_RUN}"),
    (HEAL, away_for_long, f"a failure: {GOING} {UNSEEN}; {NO_RUN}"),
    (HEAL, gone_away, f"a failure: {GOING} {UNSEEN}"),
    (HEAL, denied, f"AccessDenied: {STUCK}; PlanMade: +Planned; {NEW}"),
    (APPLY, drifted, f"Drifted: {WELL} +DriftDetected; PlanMade: +Planned"),
    (HEAL, drifted, f"AsApplied: {WELL}"),
    (
        HEAL + ", drift: [{kind: job_queue, do: report}]",
        drifted_in_part,
        f"Succeeded: {WELL}; Drifted: +DriftDetected; NotLookedYet: ?Planned",
    ),
    (HEAL + ", drift: [{do: ignore}]", drifted, f"AsApplied: {WELL}"),
    (HEAL, ill, f"Invalid: {STUCK} -Healthy; PlanMade: +Planned; NeverApplied: ?DriftDetected"),
    (APPLY, fell_ill, f"Refused: {STUCK} -Planned; Invalid: -Healthy"),
    (HEAL + ", timeout: 1m", slow, f"a failure: {GOING}; PlanMade: +Planned; {NEW}"),
    (HEAL, overtaken, f"Interrupted: {GOING}; PlanMade: +Planned; {NEW}"),
    ("mode: plan", written, f"PlanMade: {WELL} +Planned; {NEW}; NotTried: ?Locked"),
    ("mode: plan", planned_then_changed, f"NewRevision: {GOING} ?Planned ?AwaitingApproval; {NEW}; NotTried: ?Locked"),
    ("mode: observe", written, f"ObservesOnly: {WELL}; PlanMade: +Planned; {NEW}; NotTried: ?Locked"),
    (HEAL, foreign, f"Refused: {STUCK} -Planned; {NEW}; NotTried: ?Draining ?Locked"),
]


def meant(text: str) -> dict[str, tuple[Answer, str]]:
    """The answer and the reason of each condition that is told so."""
    groups = [group.split(": ") for group in text.split("; ")]
    return {sign[1:]: (SIGNS[sign[0]], reason) for reason, signs in groups for sign in signs.split()}


@pytest.mark.parametrize(
    ("said", "scene", "expected"), SCENES, ids=[f"{scene.__name__} {said}" for said, scene, _ in SCENES]
)
def test_scenes(tmp_path: Path, said: str, scene: Callable[[Room], None], expected: str) -> None:
    """All ten conditions with their reasons, in each situation."""
    simulated = Simulated(durations=Durations(job_running=1800))
    stage = Stage.new(settings=Settings(state=tmp_path / "state"), simulated=simulated)
    with room(tmp_path, edit(USUAL, (HEAL, said)), stage=stage) as made:
        scene(made)
        conditions = made.status().conditions
        failing = conditions["Ready"].reason if "a failure: " in expected else ""
        assert not failing or failing in FAILURES
        assert {
            kind: (each.status, each.reason.replace(failing, "a failure") if failing else each.reason)
            for kind, each in conditions.items()
        } == {**meant(USUALLY), **meant(expected)}
        assert tuple(conditions) == KINDS


def test_while_it_is_healed(tmp_path: Path) -> None:
    """A stack whose drift is brought back is ready meanwhile, and at it."""
    heard: list[Status] = []
    with room(tmp_path) as made:
        applied(made)
        drift(made)
        made.stage.simulator.before_call = lambda operation, _number: (
            heard.append(made.status()) if operation == "UpdateJobQueue" else None
        )
        made.pass_time(700)
        (during,) = heard
        sums = "Drifted: +Ready +DriftDetected; Progressing: +Reconciling -Stalled; PlanMade: +Planned"
        assert {kind: (each.status, each.reason) for kind, each in during.conditions.items()} == {
            **meant(USUALLY),
            **meant(sums),
        }
        assert made.answer("DriftDetected") == ("False", "AsApplied")


def test_drift_that_awaits_approval_is_not_ready(tmp_path: Path) -> None:
    """Though what was applied is the newest revision: somebody has to say a word."""
    with room(tmp_path, edit(USUAL, (HEAL, HEAL + ", approval: {by: api}"))) as made:
        written(made)
        made.front.approve("lab", str(made.status().plan), "ann")
        made.until(lambda: made.answer("Ready") == ("True", "Succeeded"))
        drift(made)
        made.until(lambda: made.answer("AwaitingApproval") == ("True", "WaitsForApproval"))
        assert made.answer("Ready") == ("False", "WaitsForApproval")
        assert made.answer("DriftDetected") == ("True", "Drifted")


def test_who_waits_for_another(tmp_path: Path) -> None:
    """It is not looked at, and says so."""
    with room(tmp_path, MANY) as made:
        held_up(made)
        made.pass_time(120)
        conditions = made.status("second").conditions
        assert {kind: (each.status, each.reason) for kind, each in conditions.items()} == meant(
            "DependencyNotReady: -Ready +Reconciling -Stalled ?Planned ?DriftDetected ?Healthy ?AwaitingApproval; "
            "NotLookedYet: ?Draining ?Locked; NotSuspended: -Suspended"
        )
        assert made.status("second").looked_at is None


def test_a_store_that_is_away_when_a_run_is_to_begin(tmp_path: Path) -> None:
    """What was seen of the stack is known all the same."""
    with room(tmp_path) as made:
        made.shaky.away = ("begin",)
        written(made)
        assert made.answer("Ready") == ("False", "StoreFailed")
        assert made.answer("Planned") == ("True", "PlanMade")
