"""Histories that once found something, and some that found nothing yet."""

import re
from pathlib import Path

import attrs
import pytest

from tests.exploration.draw import LEVELS, Level, history
from tests.exploration.end import CONVERGES
from tests.exploration.history import Event, History, Trouble
from tests.exploration.play import play
from tests.exploration.seeds import breaks, figures, play_seed
from tests.exploration.shrink import as_test, shrink

pytestmark = pytest.mark.unmeasured

KEPT = sorted((Path(__file__).parent / "kept").glob("*.json"))
SEEDS = range(300)
CHUNK = 25


@pytest.mark.parametrize("file", KEPT, ids=lambda file: file.stem)
def test_what_once_found_something_finds_nothing(file: Path) -> None:
    """Each kept history holds."""
    assert play(History.from_json(file.read_text(encoding="utf-8"))).breach is None


@pytest.mark.parametrize("first", SEEDS[::CHUNK])
def test_seeds_find_nothing(first: int) -> None:
    """Some histories with heavy faults, of the many that `make explore` plays."""
    found = [play_seed(seed, "heavy") for seed in SEEDS[first : first + CHUNK]]
    assert [(each.seed, each.told) for each in found if each.breach] == []


@pytest.mark.parametrize("level", LEVELS)
def test_a_seed_is_the_same_to_the_letter(level: Level) -> None:
    """Played twice, and once as its JSON says, all calls are the same at the same times."""
    for seed in (3, 11):
        drawn = history(seed, level)
        first, second = play(drawn), play(History.from_json(drawn.to_json()))
        assert (first.trace, first.digest) == (second.trace, second.digest)
        assert len(first.trace) > 50
    assert history(3, "light").manifests == history(3, "heavy").manifests


def test_what_fails_is_made_as_small_as_it_goes() -> None:
    """Of all that goes wrong and of both manifests only that is left without which it does not fail."""

    def fails(each: History) -> bool:
        dies = [event for event in each.events if event.does == "die-after" and event.call > 4]
        return bool(dies) and each.manifests[1].get("jobQueues", {}).get("q1", {}).get("priority") == 9

    environments = {"e1": {"type": "MANAGED"}, "e2": {"type": "MANAGED"}}
    queues = {"q1": {"priority": 9, "computeEnvironmentOrder": ["e1", "e2"]}, "q2": {"priority": 1}}
    first = {"stack": "farm", "computeEnvironments": environments, "jobQueues": queues}
    events = (Event(0, 9, "stop"), Event(1, 70, "die-after"), Event(1, 80, "second", dies=7))
    whole = History(5, (first, {**first, "tags": {"a": "b"}}), (Trouble(0, "*", "lost"),), events, 60.0, 8.0, False)
    assert fails(whole)
    small = shrink(whole, fails)
    wanted = {"stack": "farm", "jobQueues": {"q1": {"priority": 9}}}
    assert small == History(5, (wanted, wanted), (), (Event(1, 5, "die-after"),))
    assert "def test_seed_5() -> None:" in as_test(small, "it holds")
    assert repr(small.to_json(indent=None))[1:-1].replace('"', r"\"") in as_test(small, "it holds")


FARM = {
    "stack": "farm",
    "computeEnvironments": {
        "e1": {
            "type": "MANAGED",
            "computeResources": {
                "type": "FARGATE",
                "maxvCpus": 4,
                "subnets": ["subnet-1"],
                "securityGroupIds": ["sg-1"],
            },
        }
    },
    "jobQueues": {"q1": {"priority": 1, "computeEnvironmentOrder": ["e1"]}},
    "jobDefinitions": {
        "d1": {
            "type": "container",
            "platformCapabilities": ["FARGATE"],
            "containerProperties": {
                "image": "work:bad",
                "executionRoleArn": "arn:aws:iam::123456789012:role/runs-tasks",
                "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}],
            },
            "rollout": {"canary": {"queue": "q1", "timeout": "10m"}},
        }
    },
}
"""A stack of which the definition is tried, and does not run."""


def test_what_does_not_converge_is_told() -> None:
    """A command that never ends well is a breach, unless it does not without anything going wrong either."""
    calm = History(1, (FARM, FARM))
    breach = play(calm).breach
    assert breach is not None
    assert (breach.name, "exited with 3" in breach.what or "3" in breach.what) == (CONVERGES, True)
    assert breaks(CONVERGES, calm)
    faulty = attrs.evolve(calm, troubles=(Trouble(0, "Describe*", "server"),))
    assert play(faulty).breach is None
    assert not breaks(CONVERGES, faulty)
    assert not breaks(CONVERGES, attrs.evolve(calm, manifests=({"stack": "farm", "jobQueues": 1}, FARM)))


def test_figures_say_what_was_met() -> None:
    """Seeds, calls, deaths, faults by kind, and violations."""
    found = [play_seed(seed, "heavy") for seed in range(4)]
    told = figures(found, "heavy", 1.0)
    assert "4 with heavy faults" in told
    assert f"{sum(each.met['calls'] for each in found):,}" in told
    assert re.search(r"^violations +none$", told, re.M)
    broken = [attrs.evolve(found[0], breach="it converges")]
    assert re.search(r"^violations +it converges \(1\)$", figures(broken, "heavy", 1.0), re.M)
