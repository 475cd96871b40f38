"""Runs under a lock in S3 or DynamoDB: whom it keeps out, for how long, and what a run does that has lost it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

from plans.plan import Plan
from plans.report import Event, Report
from plans.retention import Retention
from providers.errors import InputError, LockHeld, NotFound, Unreachable
from providers.resources import Address
from providers.simulator import Durations, Fault
from providers.simulator import Settings as Simulated
from reconciler.engine import Reconciler
from reconciler.lock import Lock
from reconciler.outset import lock_of
from reconciler.retry import READS
from tests.kit import LAB, Stage, edit, manifest
from tests.lifecycle.leased import Line, Vault, reconciler, vaults

WANTED = manifest(LAB)
NEXT = manifest(edit(LAB, ("priority: 10", "priority: 11"), ("vCpus: 64", "vCpus: 65"), ("align:1", "align:2")))
PLACE = pytest.mark.parametrize("service", ["s3", "dynamodb"])


@pytest.fixture(scope="module")
def make() -> Iterator[Callable[[str], Vault]]:
    with vaults() as made:
        yield made


@attrs.define
class Machines:
    """A stage with the stack `lab`, and one machine (`one`) that locks; `line` is its way to the service."""

    stage: Stage
    vault: Vault
    line: Line
    one: Reconciler

    @classmethod
    def new(cls, vault: Vault, simulated: Simulated | None = None, **settings: object) -> "Machines":
        stage, line = Stage.new(simulated=simulated), Line()
        stage.settings(**settings)
        return cls(stage, vault, line, reconciler(stage, vault, line=line))

    def another(self, seed: int = 2) -> Reconciler:
        return reconciler(self.stage, self.vault, seed)

    def lock(self, seed: int = 2) -> Lock:
        """The lock of another machine."""
        return lock_of(self.another(seed), "123456789012", "lab", "apply", lambda _event: None)

    def mutations(self) -> list[str]:
        return [call.operation for call in self.stage.simulator.calls if not call.operation.startswith(READS)]


@PLACE
def test_a_run_takes_the_lock_and_lets_it_go(make: Callable[[str], Vault], service: str) -> None:
    """It costs AWS Batch no call; the record of the last one stays, with its number."""
    machines = Machines.new(make(service))
    held: list[tuple[str, bool]] = []

    def heard(event: Event) -> None:
        if event.event in ("finished", "ended"):
            record = machines.vault.record
            held.append((record["doing"], record["released"]))

    assert machines.one.apply(WANTED, on_event=heard).exit_code == 0
    mutations = machines.mutations()
    operations = {call.operation for call in machines.stage.simulator.calls}
    assert set(held[:-1]) == {("apply", False)}
    assert held[-1] == ("apply", True)
    assert machines.one.destroy(WANTED).exit_code == 0
    record = machines.vault.record
    assert (record["number"], record["released"], record["doing"]) == (2, True, "destroy")
    plain = Stage.new()
    plain.apply(LAB)
    assert mutations == plain.mutations
    assert operations == {*plain.calls}


@PLACE
def test_whoever_comes_second_is_refused(make: Callable[[str], Vault], service: str) -> None:
    """Every verb that changes something, at once, by name, and nothing is changed; one that reads is not."""
    machines = Machines.new(make(service))
    machines.one.apply(WANTED)
    other, address = machines.another(), Address("job_definition", "align")
    before = machines.stage.all
    verbs: list[Callable[[], object]] = [
        lambda: other.apply(NEXT),
        lambda: other.destroy(WANTED),
        lambda: other.adopt(WANTED),
        lambda: other.forget("lab", [Address("job_queue", "high")]),
        lambda: other.prune_revisions(WANTED, Retention(1), approve=lambda _made: True),
    ]
    with machines.lock(3):
        machines.stage.simulator.calls.clear()
        for verb in verbs:
            with pytest.raises(LockHeld, match=r"another run holds the lock: process \d+ on .* \(apply\), since 20"):
                verb()
        assert other.plan(NEXT).steps
        assert machines.mutations() == []
        assert machines.stage.all == before
        machines.stage.world.register_job_definition(
            jobDefinitionName="lab-align", type="container", containerProperties={"image": "x", "vcpus": 1, "memory": 4}
        )
        with pytest.raises(LockHeld):
            other.rollback(WANTED, address, 1)
    assert other.destroy(WANTED).exit_code == 0


@PLACE
def test_it_is_held_through_long_waits(make: Callable[[str], Vault], service: str) -> None:
    """A job that runs for long holds up a deletion: all that time nobody else gets in, and renewals are not hasty."""
    machines = Machines.new(make(service), Simulated(durations=Durations(job_running=1200)))
    machines.one.apply(WANTED)
    drained = edit(LAB, ("  low: {priority: 1, computeEnvironmentOrder: [ondemand]}\n", ""))
    wanted = manifest(edit(drained, ("jobQueues:", "policy: {drain: {mode: wait}}\njobQueues:")))
    machines.stage.world.submit_job(jobName="long", jobQueue="lab-low", jobDefinition="lab-align")
    machines.stage.clock.sleep(300)
    began = machines.stage.clock.now()
    seen, looked = list[float](), [0.0]

    def heard(event: Event) -> None:
        if machines.stage.clock.now() - looked[-1] > 15:
            looked.append(event.at)
            with pytest.raises(LockHeld):
                machines.lock().__enter__()
            seen.append(machines.vault.record["renewed"])

    report = machines.one.apply(wanted, on_event=heard)
    assert report.exit_code == 0, report.failures
    took = machines.stage.clock.now() - began
    assert took > 300
    assert len({*seen}) <= took / 40 + 1


def take_over(machines: Machines, at: Callable[[Event], bool]) -> tuple[Report, int, Lock]:
    """Apply; when `at` says so we hang, until another has taken the lock over: the report, the mutations until then."""
    held: list[tuple[int, Lock]] = []

    def heard(event: Event) -> None:
        if not held and at(event):
            machines.stage.clock.sleep(121)
            other = machines.lock()
            other.__enter__()
            held.append((len(machines.mutations()), other))

    machines.stage.simulator.calls.clear()
    report = machines.one.apply(NEXT, on_event=heard)
    ((mutations, other),) = held
    return report, mutations, other


@PLACE
@pytest.mark.parametrize("at", range(12))
def test_a_run_that_lost_its_lock_changes_nothing_any_more(make: Callable[[str], Vault], service: str, at: int) -> None:
    """It hangs at any point of its run, and another takes over: from then on no call goes out that changes anything,
    what is in flight finishes, the report says so, and the same command again goes on."""
    machines = Machines.new(make(service))
    machines.one.apply(WANTED)
    numbers = iter(range(10_000))
    report, until, other = take_over(machines, lambda event: event.event != "lock" and next(numbers) == at)
    assert len(machines.mutations()) == until
    assert machines.vault.record["number"] == 2 + 1
    assert not machines.vault.record["released"]
    assert report.exit_code == 4
    lost = [outcome for outcome in report.failures if "the lock was taken over by process" in str(outcome.error)]
    assert lost
    assert lost == [*report.failures]
    assert {outcome.status for outcome in report.outcomes} <= {"done", "failed", "skipped"}
    other.__exit__(None, None, None)
    assert machines.one.apply(NEXT).exit_code == 0
    assert machines.one.plan(NEXT).empty
    assert machines.vault.record["released"]


def test_the_journal_tells_that_the_lock_was_lost(make: Callable[[str], Vault], tmp_path: Path) -> None:
    """What was about to go out stands there as unsent, and why."""
    machines = Machines.new(make("s3"), state=tmp_path)
    machines.one.apply(WANTED)
    take_over(machines, lambda event: event.event == "started")
    run = machines.one.history("lab").runs[-1]
    assert run.exit_code == 4
    lost = [call for call in run.calls if "taken over" in str(call.error)]
    assert lost
    assert {call.status for call in lost} == {"unsent"}


def test_a_lock_that_cannot_be_renewed_ends_the_run(make: Callable[[str], Vault]) -> None:
    """The service is gone for good in mid-run: what goes out goes out within the term, and the report tells why the
    rest does not."""
    machines = Machines.new(make("s3"))
    machines.one.apply(WANTED)
    told: list[str] = []

    def heard(event: Event) -> None:
        if event.event == "started":
            machines.line.down = True
            machines.stage.clock.sleep(81)
        if event.event == "lock":
            told.append(event.detail["message"])

    machines.stage.simulator.calls.clear()
    report = machines.one.apply(NEXT, on_event=heard)
    assert machines.mutations() == []
    assert report.exit_code == 4
    assert all("could not be renewed in time" in str(outcome.error) for outcome in report.failures)
    assert told[-1].startswith("lost: ")
    machines.line.down = False
    machines.stage.clock.sleep(121)
    assert machines.one.apply(NEXT).exit_code == 0


def test_a_service_that_is_away_for_a_minute_is_outlived(make: Callable[[str], Vault]) -> None:
    """Within the term a renewal may fail: the run goes on, and holds the lock in the end."""
    machines = Machines.new(make("dynamodb"))
    machines.one.apply(WANTED)
    began = machines.stage.clock.now()

    def heard(_event: Event) -> None:
        machines.line.down = began + 45 < machines.stage.clock.now() < began + 70

    assert machines.one.apply(NEXT, on_event=heard).exit_code == 0
    assert machines.vault.record["released"]


def test_who_thinks_long_keeps_the_lock_unless_another_takes_it(make: Callable[[str], Vault]) -> None:
    """While a user is asked nothing is renewed: another may take over, and then nothing is changed."""
    machines = Machines.new(make("s3"))

    def slow(_plan: Plan) -> bool:
        machines.stage.clock.sleep(3600)
        return True

    assert machines.one.apply(WANTED, approve=slow).exit_code == 0
    other = machines.lock()

    def overtaken(_plan: Plan) -> bool:
        machines.stage.clock.sleep(121)
        other.__enter__()
        return True

    machines.stage.simulator.calls.clear()
    with pytest.raises(LockHeld, match=r"taken over by .*; nothing was changed"):
        machines.one.apply(NEXT, approve=overtaken)
    assert machines.mutations() == []
    assert not machines.vault.record["released"]


def test_what_a_dead_run_left_is_taken_over_with_a_word(make: Callable[[str], Vault]) -> None:
    """Two minutes later anybody may; the event names whom it was taken from."""
    machines = Machines.new(make("s3"))
    machines.lock(3).__enter__()
    with pytest.raises(LockHeld):
        machines.one.apply(WANTED)
    machines.stage.clock.sleep(120)
    events: list[Event] = []
    assert machines.one.apply(WANTED, on_event=events.append).exit_code == 0
    (told,) = [event.detail["message"] for event in events if event.event == "lock"]
    assert told.startswith("taken over from process ")


@PLACE
def test_unlock_removes_what_is_dead_and_nothing_else(make: Callable[[str], Vault], service: str) -> None:
    """A holder is alive until its term is over."""
    machines = Machines.new(make(service))
    assert machines.one.unlock("lab").holder is None
    machines.lock().__enter__()
    with pytest.raises(LockHeld):
        machines.one.unlock("lab")
    machines.stage.clock.sleep(120)
    holder = machines.one.unlock("lab").holder
    assert holder is not None
    assert holder.doing == "apply"
    assert machines.vault.record["released"]
    assert machines.one.unlock("lab").holder is None


def test_what_stood_in_for_the_lock_of_an_account_is_given_back_at_once(make: Callable[[str], Vault]) -> None:
    """Where STS tells nothing a lock without an account is held until the world tells it, and then that of the account
    alone: nobody renews the first, and nobody is told that it was lost."""
    machines = Machines.new(make("s3"))
    machines.stage.apply(LAB)
    machines.stage.simulator.inject(Fault("GetCallerIdentity", "refused", times=None))
    events: list[Event] = []

    def approve(_plan: Plan) -> bool:
        with lock_of(machines.another(2), None, "lab", "apply", lambda _event: None), pytest.raises(LockHeld):
            machines.lock(3).__enter__()
        return True

    assert machines.one.apply(NEXT, approve=approve, on_event=events.append).exit_code == 0
    assert [event for event in events if event.event == "lock"] == []
    assert machines.vault.record["released"] is True


def test_unlock_finds_the_lock_of_an_account_that_sts_does_not_tell(make: Callable[[str], Vault]) -> None:
    """What is there tells the account, as it does to the runs."""
    machines = Machines.new(make("s3"))
    machines.stage.apply(LAB)
    machines.stage.simulator.inject(Fault("GetCallerIdentity", "refused", times=None))
    with machines.lock(), pytest.raises(LockHeld):
        machines.one.unlock("lab")


def test_stacks_do_not_lock_each_other(make: Callable[[str], Vault]) -> None:
    """One bucket serves them all."""
    machines = Machines.new(make("s3"))
    with machines.lock():
        assert machines.one.apply(manifest(edit(LAB, ("stack: lab", "stack: other")))).exit_code == 0


@PLACE
def test_a_place_that_is_not_there_ends_a_run_before_it_begins(make: Callable[[str], Vault], service: str) -> None:
    """Nothing is changed, and the hint says what to make."""
    machines = Machines.new(make(service))
    one = attrs.evolve(machines.one, settings=attrs.evolve(machines.one.settings, lock=f"{service}://nowhere-yet/lab"))
    with pytest.raises(NotFound) as caught:
        one.apply(WANTED)
    assert "first" in str(caught.value.hint)
    assert machines.stage.all == []


def test_beside_the_simulator_there_is_no_s3_unless_it_is_named(make: Callable[[str], Vault]) -> None:
    """Told in words, with what to set."""
    machines = Machines.new(make("s3"))

    def alone(_service: str) -> object:
        raise Unreachable("")

    one = attrs.evolve(machines.one, connection=attrs.evolve(machines.one.connection, other=alone))
    with pytest.raises(InputError, match="the simulator has AWS Batch only") as caught:
        one.apply(WANTED)
    assert "AWS_ENDPOINT_URL_S3" in str(caught.value.hint)


def test_there_is_nothing_to_unlock_without_locks() -> None:
    """Whoever says none to unlock has misunderstood."""
    stage = Stage.new()
    stage.settings(lock="none")
    with pytest.raises(InputError):
        stage.reconciler.unlock("lab")
