"""The reconciler as other tools get it: connected, settled, and callable from Python."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs
import pytest

from plans.asked import Asked
from plans.plan import Plan
from providers.clock import ManualClock
from providers.errors import CredentialsMissing, InputError, StalePlan, StoreError
from providers.resources import Address, Target
from providers.simulator import Fault
from reconciler import Reconciler, Settings, load
from reconciler.engine import Settings as Own
from tests.kit import EXAMPLES, LAB, Stage, edit, kinds, manifest


def test_a_reconciler_of_the_simulator_makes_an_example(tmp_path: Path) -> None:
    """Three lines of Python: load, connect, apply; with threads and a clock that runs."""
    target = Target(provider="simulator", region="eu-central-1", simulator_file=str(tmp_path / "sim.db"), speed=1e6)
    wanted = load([EXAMPLES / "fargate"])
    environ = {"XDG_STATE_HOME": str(tmp_path / "state")}
    reconciler = Reconciler.connect(target, environ=environ, settings=None)
    assert reconciler.settings == Settings(state=tmp_path / "state" / "batchwright")
    report = reconciler.apply(wanted)
    assert report.exit_code == 0
    assert reconciler.plan(wanted).empty
    assert reconciler.drift(wanted).empty
    assert [run.exit_code for run in reconciler.history(wanted.stack).runs] == [0]
    assert reconciler.output(wanted)["job_queue.urgent"]["name"] == "exports-urgent"
    assert reconciler.destroy(wanted).exit_code == 0


def test_a_reconciler_says_where_it_works(tmp_path: Path) -> None:
    """The target of its plans names the region and where that came from."""
    target = Target(provider="simulator", simulator_file=str(tmp_path / "sim.db"))
    reconciler = Reconciler.connect(
        target, environ={"AWS_REGION": "eu-west-3"}, settings=Settings(state=tmp_path), kinds=kinds()
    )
    plan = reconciler.plan(manifest(LAB))
    assert plan.region == "eu-west-3"
    assert plan.target == {"provider": "simulator", "regionSource": "AWS_REGION"}
    assert plan.account == "123456789012"


def test_without_a_home_there_is_no_place_for_state(tmp_path: Path) -> None:
    """Settings that are not given need a folder for journals and locks."""
    target = Target(provider="simulator", simulator_file=str(tmp_path / "sim.db"))
    with pytest.raises(StoreError, match="no folder for journals and locks"):
        Reconciler.connect(target, environ={})


def test_settings_that_say_no_folder_keep_the_usual_one(tmp_path: Path) -> None:
    """Who sets another bound has not asked to go without lock and journal; who says None has."""
    target = Target(provider="simulator", simulator_file=str(tmp_path / "sim.db"))
    environ = {"XDG_STATE_HOME": str(tmp_path / "state")}

    def state(settings: Settings) -> object:
        return Reconciler.connect(target, environ=environ, settings=settings, kinds=kinds()).settings.state

    assert state(Settings(parallelism=2)) == tmp_path / "state" / "batchwright"
    assert state(Settings(parallelism=2, state=None)) is None
    assert state(Settings(state=tmp_path / "own")) == tmp_path / "own"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"parallelism": 0}, "`parallelism` is 0, and is at least 1"),
        ({"max_api_rate": 0.0}, "`max_api_rate` is 0.0, and is more than 0"),
        ({"timeout": -5.0}, "`timeout` is -5.0, and is more than 0"),
        ({"state": "/tmp/locks"}, "`state` is '/tmp/locks', and is a Path, None or 'usual'"),
    ],
)
def test_settings_that_no_run_can_keep_are_told(settings: dict[str, Any], says: str) -> None:
    """Where they are made, rather than in the middle of a run."""
    with pytest.raises(InputError, match=re.escape(says)):
        Settings(**settings)


def test_a_profile_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any call."""
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with pytest.raises(CredentialsMissing, match="nobody"):
        Reconciler.connect(Target(profile="nobody", region="eu-west-1"), environ={}, settings=Settings(state=None))


def test_a_reconciler_prints_as_its_target_and_settings(tmp_path: Path) -> None:
    """Neither the model of AWS Batch nor the environment of the process is in it."""
    target = Target(provider="simulator", simulator_file=str(tmp_path / "sim.db"))
    environ = {"XDG_STATE_HOME": str(tmp_path), "AWS_SECRET_ACCESS_KEY": "hidden"}
    shown = repr(Reconciler.connect(target, environ=environ, kinds=kinds()))
    assert "simulator" in shown
    assert "hidden" not in shown
    assert len(shown) < 1500


def test_a_target_is_of_a_provider_that_there_is() -> None:
    """Another word is told at once."""
    nope: Any = "nope"
    with pytest.raises(ValueError, match="provider"):
        Target(provider=nope)


@pytest.mark.parametrize("moved", [False, True])
def test_a_plan_that_was_thought_about_is_made_again(moved: bool) -> None:
    """Whoever takes minutes to approve has the world read again, and is refused what was not shown."""
    stage, wall = Stage.new(), ManualClock()
    stage.reconciler = attrs.evolve(stage.reconciler, wall=wall)
    stage.apply(LAB)
    changed = edit(LAB, ("priority: 10", "priority: 11"))

    def approve(_plan: Plan) -> bool:
        if moved:
            stage.world.update_job_queue(jobQueue="lab-high", priority=50)
        stage.settle(300)
        wall.sleep(300)
        return True

    if moved:
        with pytest.raises(StalePlan, match="priority is now 50"):
            stage.apply(changed, approve=approve)
        assert stage.queue("lab-high")["priority"] == 50
    else:
        assert stage.apply(changed, approve=approve).exit_code == 0


def test_settings_have_the_documented_defaults() -> None:
    """Eight calls at a time, ten a second, waits as long as it takes, a lock in a file, the usual folder, no fence."""
    assert Settings is Own
    assert attrs.asdict(Settings()) == {
        "parallelism": 8,
        "max_api_rate": 10.0,
        "timeout": None,
        "lock": {"service": "file", "container": "", "key": ""},
        "state": "usual",
        "counting": True,
        "estimating": True,
        "fence": None,
    }


def test_threads_and_one_thread_make_the_same_world() -> None:
    """A pool only makes calls: whatever their order, the same objects stand at the end, and no call is doubled."""
    inline, threaded = Stage.new(), Stage.new(pool=ThreadPoolExecutor)
    changed = edit(LAB, ("align:1", "align:2"), ("priority: 10", "priority: 11"), ("team: blue", "team: red"))
    for stage in (inline, threaded):
        assert stage.apply(LAB).exit_code == 0
        assert stage.apply(changed).exit_code == 0
    assert threaded.all == inline.all
    assert sorted(threaded.mutations) == sorted(inline.mutations)
    assert threaded.destroy(LAB).exit_code == 0
    assert threaded.all == []


def test_calls_keep_to_the_rate(tmp_path: Path) -> None:
    """At one call a second nothing overtakes the clock, the first burst aside."""
    stage = Stage.new(settings=Settings(max_api_rate=1.0, state=tmp_path))
    report = stage.apply(LAB)
    times = [call.time for call in stage.simulator.calls]
    assert times[-1] - times[0] >= len(times) - 2
    assert report.exit_code == 0


def test_the_stricter_of_two_policies_rules() -> None:
    """The operator's policy binds every plan beside the manifest's own."""
    from plans.policy import Policy

    stage = Stage.new(policies=(Policy(adopt=False, said=frozenset({"adopt"})),))
    stage.world.create_scheduling_policy(
        name="lab-fair",
        fairsharePolicy={
            "shareDecaySeconds": 600,
            "shareDistribution": [{"shareIdentifier": "a", "weightFactor": 1.0}],
        },
    )
    text = f"{LAB}policy: {{adopt: true}}\n"
    assert [refusal.code for refusal in stage.plan(text).refusals] == ["name-taken"]
    assert Stage.new().plan(text).refusals == ()


def test_one_look_serves_the_plans_of_many_stacks() -> None:
    """What is read once for all of them is what each would have read: the plans are the same, and make no call."""
    stage = Stage.new()
    own = edit(LAB, ("stack: lab", "stack: another"), ("namePrefix: lab-", "namePrefix: b-"))
    stacks = [manifest(LAB), manifest(own)]
    stage.apply(stacks[0])
    alone = [stage.plan(stack) for stack in stacks]
    world = stage.reconciler.look(stacks)
    stage.simulator.calls.clear()
    together = [stage.reconciler.plan(stack, world=world) for stack in stacks]
    assert [plan.id for plan in together] == [plan.id for plan in alone]
    assert together[0].empty
    assert not together[1].empty
    assert [call.operation for call in stage.simulator.calls if call.operation.startswith(("Describe", "List"))] == []


@pytest.mark.parametrize("lifecycle", ["", "    lifecycle: {replace: refuse}\n"])
@pytest.mark.parametrize(
    ("reason", "repaired"),
    [
        ("CLIENT_ERROR - something that no row knows", False),
        ("INTERNAL_ERROR - The subnet ID 'subnet-1' does not exist", True),
    ],
)
def test_what_is_advised_after_invalid_is_not_refused(reason: str, repaired: bool, lifecycle: str) -> None:
    """A creation that ends INVALID is told what the next plan tells: --repair only where that sends something, and
    --replace only where a new one may be made."""
    stage = Stage.new()
    stage.simulator.inject(Fault("CreateComputeEnvironment", "invalid", reason=reason))
    text = edit(LAB, ("  spot: &environment\n", f"  spot: &environment\n{lifecycle}"))
    (failed,) = [outcome for outcome in stage.apply(text).outcomes if outcome.status == "failed"]
    assert failed.error == reason
    assert failed.hint is not None
    assert failed.address is not None
    (refused,) = [row for row in stage.plan(text).refusals if row.code == "invalid"]
    assert failed.hint == refused.hint
    assert ("--repair" in failed.hint) == repaired
    assert (f"--replace {failed.address}" in failed.hint) == (not lifecycle)
    stage.settle(300)
    if repaired:
        assert stage.plan(text, asked=Asked(repair=True)).refusals == ()
    if not lifecycle:
        assert stage.plan(text, asked=Asked(replace=[Address.parse(failed.address)])).refusals == ()
