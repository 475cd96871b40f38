"""The examples of the library are run as they are, and are what its page shows."""

import asyncio
import base64
import gc
import importlib.util
import json
import os
import re
import runpy
import sys
import time
from contextlib import aclosing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from providers.clock import ScaledClock
from providers.simulator import Simulator, Store
from tests import servers

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples" / "library"
PAGE = ROOT / "docs" / "library.md"
PULUMI = importlib.util.find_spec("pulumi") is not None
SAYS = {
    "build_and_plan": "jobQueues.work.priority: takes a whole number, not 'high'\n",
    "apply_and_stop": "ended with 130: ",
    "drift_and_rehearse": "job_queue.high priority: 1 -> 100 (drift)\n",
    "refuse": "compute_environment.ondemand: 256 vCPUs are more than 100 [acme-vcpus]\n",
    "own_session": "in region eu-north-1 (from the session): CreateConsumableResource, ",
    "own_executor": "{'noop': 13}\n{'noop': 13}\n",
    "with_asyncio": "ended with 0: {'done': ",
}
"""Something that each of them prints."""


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty folder, and no settings."""
    for name in [name for name in os.environ if name.upper().endswith("_PROXY") or name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


def test_each_example_is_short_and_is_run_here() -> None:
    """Less than sixty lines, so that it can be read."""
    files = sorted(EXAMPLES.glob("*.py"))
    assert {path.stem for path in files} == {*SAYS, "pulumi_stack"}
    assert [path.name for path in files if len(path.read_text().splitlines()) >= 60] == []


def test_the_page_shows_the_examples() -> None:
    """Each block of Python on it is one of the files, whole, and all of them are there."""
    shown = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert sorted(shown) == sorted(path.read_text(encoding="utf-8") for path in EXAMPLES.glob("*.py"))
    for path in EXAMPLES.glob("*.py"):
        assert f"examples/library/{path.name}" in PAGE.read_text(encoding="utf-8")


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", [name for name in SAYS if name != "own_session"])
def test_an_example_runs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """To its end, with all that it asserts."""
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    assert SAYS[name] in capsys.readouterr().out


@pytest.mark.unmeasured
def test_the_example_of_a_session_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Against a simulator that is served."""
    now = time.time()
    simulated = Simulator(Store.open(None, now), ScaledClock(now, now, 1000))
    with servers.simulator(simulated) as (url, _):
        monkeypatch.setenv("BATCH_ENDPOINT", url)
        runpy.run_path(str(EXAMPLES / "own_session.py"), run_name="__main__")
    assert SAYS["own_session"] in capsys.readouterr().out


@pytest.mark.unmeasured
def test_who_stops_listening_stops_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The recipe for asyncio ends the run that it began: what was in flight is done, and the rest is not."""
    example = runpy.run_path(str(EXAMPLES / "with_asyncio.py"), run_name="__main__")
    capsys.readouterr()
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    reconciler = example["Reconciler"].connect(example["TARGET"])
    manifest = example["load"]([ROOT / "examples" / "genomics"])

    async def first() -> Any:
        async with aclosing(example["applying"](manifest)) as told:
            async for event in told:
                if event.event == "called":
                    return event
        return None

    assert asyncio.run(first()).event == "called"
    (run,) = [run for run in reconciler.history(manifest.stack).runs if run.exit_code != 0]
    assert run.exit_code == 130
    assert run.open == ()
    left = reconciler.plan(manifest)
    assert left.summary.get("create", 0)


@pytest.mark.unmeasured
def test_who_is_cancelled_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The recipe for asyncio, cancelled before anything was read: no task still waits, no exception is unheard."""
    example = runpy.run_path(str(EXAMPLES / "with_asyncio.py"), run_name="__main__")
    capsys.readouterr()
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    manifest = example["load"]([ROOT / "examples" / "genomics"])
    unheard: list[Any] = []

    async def listen() -> None:
        async with aclosing(example["applying"](manifest)) as told:
            async for _ in told:
                pass

    async def cancelled() -> set[asyncio.Task[Any]]:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: unheard.append(context["message"]))
        listening = asyncio.ensure_future(listen())
        await asyncio.sleep(0)
        listening.cancel()
        await asyncio.wait({listening})
        assert listening.cancelled()
        await asyncio.sleep(0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        gc.collect()
        return {task for task in left if task is not None}

    assert asyncio.run(cancelled()) == set()
    gc.collect()
    assert unheard == []


def _double() -> ModuleType:
    """Pulumi's classes, where Pulumi is not installed: they keep what they are given."""
    made = ModuleType("pulumi.dynamic")

    def result(*names: str, **defaults: Any) -> type:
        def begin(self: Any, *values: Any, **named: Any) -> None:
            vars(self).update({**defaults, **dict(zip(names, values, strict=False)), **named})

        return type("Result", (), {"__init__": begin})

    members = {
        "CheckFailure": result("property", "reason"),
        "CheckResult": result("inputs", "failures"),
        "CreateResult": result("id", "outs"),
        "DiffResult": result("changes", replaces=[]),
        "UpdateResult": result("outs"),
        "Resource": object,
        "ResourceProvider": object,
    }
    vars(made).update(members)
    return made


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The provider of the recipe; where Pulumi is installed, as it comes out of the pickle that Pulumi makes of it."""
    if not PULUMI:
        pulumi: Any = ModuleType("pulumi")
        pulumi.Input = pulumi.Output = list
        monkeypatch.setitem(sys.modules, "pulumi", pulumi)
        monkeypatch.setitem(sys.modules, "pulumi.dynamic", _double())
    example = runpy.run_path(str(EXAMPLES / "pulumi_stack.py"))
    made = example["StackProvider"]()
    if PULUMI:
        dynamic, dill = (importlib.import_module(name) for name in ("pulumi.dynamic.dynamic", "dill"))
        made = dill.loads(base64.b64decode(dynamic.serialize_provider(made)))
    return made


def props(total: int, stack: str = "hello", **more: Any) -> dict[str, Any]:
    document = {"stack": stack, "consumableResources": {"licences": {"totalQuantity": total}}, **more}
    return {"document": json.dumps(document)}


@pytest.mark.unmeasured
def test_the_recipe_for_pulumi(provider: Any) -> None:
    """A stack is made, changed, found as it is, and deleted; its faults are told before anything is done."""
    wrong = provider.check({}, props(5, jobQueues={"work": {"priority": "high"}}))
    assert {failure.property for failure in wrong.failures} == {"document"}
    assert any("jobQueues.work.priority" in failure.reason for failure in wrong.failures)
    assert [failure.property for failure in provider.check({}, {"document": "{"}).failures] == ["document"]
    assert list(provider.check({}, props(5)).failures) == []
    made = provider.create(props(5))
    assert made.id == "hello"
    assert json.loads(made.outs["objects"])["consumable_resource.licences"]["name"] == "licences"
    assert not provider.diff(made.id, made.outs, props(5)).changes
    assert provider.diff(made.id, made.outs, props(7)).changes
    changed = provider.update(made.id, made.outs, props(7))
    assert not provider.diff(made.id, changed.outs, props(7)).changes
    assert provider.diff(made.id, changed.outs, props(7, "other")).replaces == ["document"]
    provider.delete(made.id, changed.outs)
    assert provider.diff(made.id, changed.outs, props(7)).changes
