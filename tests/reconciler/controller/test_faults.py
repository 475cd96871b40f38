"""What a controller lives through: sources that go away, deaths, stacks that fail, and repositories that mean harm."""

from collections import Counter
from collections.abc import Callable, Collection
from concurrent.futures import Future
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import attrs
import pytest
from botocore.exceptions import ClientError

from providers.clock import Clock
from providers.errors import SourceAway, StoreError
from reconciler.controller.leader import leader
from reconciler.controller.sources import Fetcher, Revision
from reconciler.retry import InlinePool
from reconciler.store import Store
from tests.kit import LAB, Died, Stage, edit
from tests.reconciler.controller.sources.repositories import Repo
from tests.reconciler.controller.stages import USUAL, Room, mutations, of_one_apply, room, room_of

P = ParamSpec("P")
T = TypeVar("T")
WIDER = edit(LAB, ("maxvCpus: 64", "maxvCpus: 128"))


class Hanging(Exception):
    """What is done by this worker goes on and on, until it is given up."""


@attrs.define(eq=False)
class Slow(InlinePool):
    """Workers, of which those that hang are at it for a minute, while time goes on for the others."""

    clock: Clock
    hanging: list[tuple[float, Future[Any]]] = attrs.field(factory=list)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        found = super().submit(fn, *args, **kwargs)
        if not isinstance(found.exception(), Hanging):
            return found
        future: Future[T] = Future()
        self.hanging.append((self.clock.now() + 60.0, future))
        return future

    def end(self) -> None:
        """Give up what has hung for long enough."""
        for row in [row for row in self.hanging if row[0] <= self.clock.now()]:
            self.hanging.remove(row)
            row[1].set_exception(SourceAway("no answer in time"))


@attrs.define(eq=False)
class Watched:
    """A fetcher that counts, and can be made to hang."""

    inner: Fetcher
    hangs: bool = False
    tries: int = 0

    def fetch(self, last: Revision | None) -> Revision:
        self.tries += 1
        if self.hangs:
            raise Hanging
        return self.inner.fetch(last)

    def tidy(self, kept: Collection[Revision]) -> None:
        self.inner.tidy(kept)


def watched(made: Room, source: str) -> Watched:
    found = Watched(made.loop.agenda.sources[source].fetcher)
    made.loop.agenda.sources[source].fetcher = found
    return found


def ready(made: Room, stack: str = "lab") -> None:
    made.until(lambda: made.status(stack).ready and made.answer("Reconciling", stack) == ("False", "Succeeded"))


@pytest.mark.needs("git")
def test_a_git_server_is_away_for_an_hour(tmp_path: Path) -> None:
    """The last revision is kept and drift healed, tries get rarer, and what came meanwhile is made once it is back."""
    repo = Repo.new(tmp_path / "repo")
    repo.put({"lab.yaml": LAB})
    with room(tmp_path, edit(USUAL, ("{folder: stacks, interval: 1m}", "{git: repo, interval: 3m}"))) as made:
        ready(made)
        fetcher = watched(made, "here")
        repo.put({"lab.yaml": WIDER})
        repo.folder.rename(tmp_path / "away")
        made.pass_time(1800)
        made.stage.world.update_job_queue(jobQueue="lab-high", priority=77)
        made.pass_time(1800)
        assert made.stage.plan(LAB).empty
        assert made.status().ready
        assert 4 <= fetcher.tries <= 9
        (tmp_path / "away").rename(repo.folder)
        made.until(lambda: made.stage.plan(WIDER).empty, 1000)
        made.until(lambda: made.status().ready)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", [3, 13, 14, 16, 18, 19, 20, 22, 27])
def test_a_controller_that_dies_is_gone_on_with(tmp_path: Path, at: int, when: str) -> None:
    """Whichever call of a first apply it dies at: the next one makes the rest, nothing twice, and the run is marked."""
    with room(tmp_path) as made:
        made.write(LAB)
        made.stage.kill(at, when)
        with pytest.raises(Died):
            made.pass_time(600)
        made.stage.revive()
        began = made.store.unended()
        made.loop.leader.release()
        again = room_of(
            made.loop.configuration, tmp_path, made.stage, made.store, leader(made.store, clock=made.stage.clock), 8
        )
        again.until(lambda: again.status().ready)
        assert mutations(made) == of_one_apply()
        assert made.store.unended() == ()
        outcomes = {run["id"]: run["outcome"] for run in again.front.runs("lab", 10)}
        assert [outcomes[run.id] for run in began] == ["lost"] * len(began)
        assert made.stage.plan(LAB).empty
        again.loop.leader.release()


def refuse(stage: Stage, prefix: str) -> None:
    """Let no queue be made whose name begins so."""

    def answer(params: dict[str, Any], **_: Any) -> None:
        if params["jobQueueName"].startswith(prefix):
            raise ClientError({"Error": {"Code": "ClientException", "Message": "no more queues"}}, "CreateJobQueue")

    stage.batch.meta.events.register("provide-client-params.batch.CreateJobQueue", answer)


SEVERAL = """
workers: 2
sources:
  good: {folder: stacks, interval: 1m}
  bad: {folder: bad, interval: 1m}
targets:
  lab: {region: eu-west-1}
defaults: {mode: apply-and-heal}
stacks:
  lab: {source: good, target: lab, paths: [lab.yaml]}
  failing: {source: good, target: lab, paths: [failing.yaml]}
  hanging: {source: bad, target: lab}
"""


def test_who_always_fails_or_hangs_slows_nobody(tmp_path: Path) -> None:
    """Of two workers one is kept by a fetch that hangs, over and over; others are looked at as often as ever."""
    with room(tmp_path, SEVERAL) as made:
        (tmp_path / "bad").mkdir()
        made.write(LAB)
        made.write(
            edit(LAB, ("stack: lab", "stack: failing"), ("namePrefix: lab-", "namePrefix: not-")), "failing.yaml"
        )
        refuse(made.stage, "not-")
        fetcher = watched(made, "bad")
        fetcher.hangs = True
        made.loop.flight.pool = pool = Slow(made.stage.clock)

        def within(seconds: float, there: Callable[[], bool]) -> None:
            until = made.now + seconds
            while not there():
                assert made.now < until, made.told()
                made.loop.turn()
                made.stage.clock.sleep(2.0)
                pool.end()

        def brought_back() -> bool:
            return bool(made.stage.queue("lab-high")["priority"] == 10)

        within(200, lambda: made.status().ready)
        for _ in range(4):
            made.stage.world.update_job_queue(jobQueue="lab-high", priority=77)
            within(340, brought_back)
        made.write(WIDER)
        within(200, lambda: made.stage.environment("lab-spot")["computeResources"]["maxvCpus"] == 128)
        assert made.status("failing").failures > 2
        assert {run["outcome"] for run in made.front.runs("failing", 10)} == {"failed"}
        assert fetcher.tries > 3
        assert made.answer("Ready", "hanging") == ("False", "SourceFailed")


HOSTILE = """
sources:
  good: {folder: stacks, interval: 1m}
  link: {folder: link, interval: 1m}
  huge: {folder: huge, interval: 1m}
  bomb: {folder: bomb, interval: 1m}
  role: {folder: role, interval: 1m}
  stack: {folder: stack, interval: 1m}
targets:
  lab: {region: eu-west-1}
defaults: {mode: apply-and-heal}
stacks:
  lab: {source: good, target: lab}
  link: {source: link, target: lab}
  huge: {source: huge, target: lab}
  bomb: {source: bomb, target: lab}
  role: {source: role, target: lab}
  stack: {source: stack, target: lab}
"""
BOMB = "stack: bomb\na0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)
"""Nine to the twelfth of something, in a few lines."""
TOLD = {
    "link": ("Refused", "leaves the tree"),
    "huge": ("Refused", "bytes"),
    "bomb": ("ManifestInvalid", "alias"),
    "role": ("Refused", "claims roleArn"),
    "stack": ("Refused", "is of the stack 'lab'"),
}


def test_hostile_sources_are_told_and_harm_nobody(tmp_path: Path) -> None:
    """A link that leaves, a file too large, a bomb of aliases, another's role, another's stack: each is refused with
    its reason, again and again, while a stack beside them is made and kept."""
    with room(tmp_path, HOSTILE) as made:
        for name, text in {
            "bomb": BOMB,
            "role": edit(LAB, ("stack: lab", "stack: role\ntarget: {roleArn: 'arn:aws:iam::123456789012:role/admin'}")),
            "stack": edit(LAB, ("maxvCpus: 64", "maxvCpus: 1")),
        }.items():
            made.write(text, f"../{name}/a.yaml")
        for name in ("link", "huge"):
            (tmp_path / name).mkdir()
        (tmp_path / "link" / "a.yaml").symlink_to("../stacks/lab.yaml")
        with open(tmp_path / "huge" / "a.yaml", "w") as file:
            file.truncate(65 * 1024 * 1024)
        made.write(LAB)
        made.until(lambda: made.status().ready, 300)
        made.stage.world.update_job_queue(jobQueue="lab-high", priority=77)
        made.pass_time(600)
        assert made.status().ready
        assert made.stage.queue("lab-high")["priority"] == 10
        assert mutations(made) == of_one_apply() + Counter(["UpdateJobQueue"])
        for name, (reason, words) in TOLD.items():
            ready = made.status(name).conditions["Ready"]
            assert (ready.status, ready.reason) == ("False", reason)
            assert words in ready.message
        assert made.stage.plan(LAB).empty


def test_a_damaged_status_is_made_anew(tmp_path: Path) -> None:
    """Whoever comes to lead reads what it can of what is kept, and looks for the rest."""
    with room(tmp_path) as made:
        made.write(LAB)
        made.store.put_status("lab", {"stack": 5}, made.now)
        made.until(lambda: made.status().ready)
        assert made.store.statuses()["lab"]["stack"] == "lab"


def test_a_store_that_fails_in_the_middle_of_taking_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is taken over again from the beginning, and what was under way at a failure is not held to be so for ever."""
    with room(tmp_path) as made:
        made.write(LAB)
        for name in ("unended", "put_status", "begin", "end"):
            fails_once(monkeypatch, name)
        made.until(lambda: made.status().ready)
        assert mutations(made) == of_one_apply()
        made.pass_time(10)
        assert made.store.unended() == ()
        assert made.stage.plan(LAB).empty


def fails_once(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let an action of the store fail when it is asked for first."""
    well = getattr(Store, name)
    failures = iter([StoreError("the store is away")])

    def failing(store: Store, *asked: Any, **named: Any) -> Any:
        error = next(failures, None)
        if error is not None:
            raise error
        return well(store, *asked, **named)

    monkeypatch.setattr(Store, name, failing)
