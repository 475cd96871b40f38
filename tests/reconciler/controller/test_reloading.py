"""A configuration that is read anew while a controller runs."""

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import attrs
import pytest

from plans.nodes import Faults, Node
from providers.errors import InputError, LockHeld, StoreError
from reconciler.controller.configuration import Configuration
from reconciler.controller.reloading import Reloading
from tests.reconciler.controller.stages import Heard

OLD, NEW, NEWEST = (Configuration("sqlite:///c.db", Path("cache"), workers=workers) for workers in (1, 2, 3))


@attrs.define(eq=False)
class Stand:
    """A controller that does in each of its lives what it is told to, and then goes on until it is to end."""

    lives: list[Callable[["Stand"], object]]
    said: Any = OLD
    """What the file says: a configuration, or an error."""
    stop: Future[int] = attrs.field(factory=Future)
    ran: list[Configuration] = attrs.field(factory=list)
    told: list[tuple[str, Any]] = attrs.field(factory=list)
    reloading: Reloading = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.reloading = Reloading(self.read, self.begin, self.stop, Heard(self.told))

    def read(self) -> Configuration:
        if isinstance(self.said, Exception):
            raise self.said
        assert isinstance(self.said, Configuration)
        return self.said

    def begin(self, configuration: Configuration, ending: "Future[int]", began: Callable[[], None]) -> None:
        self.ran.append(configuration)
        act = self.lives.pop(0)
        if act not in (refuse, refuse_late):
            began()
        act(self)
        assert ending.done()

    def asked(self, said: Any) -> None:
        """The file says this now, and is to be read."""
        self.said = said
        self.reloading.ask()

    @property
    def events(self) -> list[str]:
        return [event for event, _ in self.told]


def end(stand: Stand) -> None:
    stand.stop.set_result(15)


def refuse(_stand: Stand) -> None:
    raise InputError("127.0.0.1:80 cannot be listened on")


def refuse_late(stand: Stand) -> None:
    stand.asked(NEWEST)
    refuse(stand)


def test_a_new_configuration_takes_the_place_of_the_old() -> None:
    """The controller ends where it may and begins anew; of several the newest counts, and a stop ends it for good."""

    def twice(stand: Stand) -> None:
        stand.asked(NEW)
        stand.asked(NEWEST)

    stand = Stand([twice, end])
    stand.reloading.run(OLD)
    assert stand.ran == [OLD, NEWEST]
    assert stand.events.count("configuration read") == 2


def test_one_with_faults_is_not_taken() -> None:
    """All its faults are told, and the old one goes on."""
    faults = Faults()
    for line in (1, 2):
        faults.add(Node("", "controller.yaml", line, 1), "", "is wrong")
    with pytest.raises(InputError) as caught:
        faults.end("the configuration")

    def ask(stand: Stand) -> None:
        stand.asked(caught.value)
        assert stand.events == ["configuration not taken"]
        stand.asked(OLD)
        stand.asked(InputError("controller.yaml cannot be read"))
        end(stand)

    stand = Stand([ask])
    stand.reloading.run(OLD)
    assert stand.ran == [OLD]
    assert stand.told[0][1]["error"].splitlines()[1:] == [
        "controller.yaml:1:1: is wrong",
        "controller.yaml:2:1: is wrong",
    ]
    assert stand.events == ["configuration not taken", "configuration unchanged", "configuration not taken"]


def test_one_that_cannot_be_begun_with_gives_way_to_the_one_before() -> None:
    """What a file cannot know, such as a port that is taken, ends no controller that ran well."""
    stand = Stand([lambda stand: stand.asked(NEW), refuse, lambda stand: stand.asked(NEWEST), end])
    stand.reloading.run(OLD)
    assert stand.ran == [OLD, NEW, OLD, NEWEST]
    assert stand.events == ["configuration read", "configuration not begun with", "configuration read"]


def test_the_one_before_is_gone_back_to_after_several() -> None:
    """Where another one was read while the first could not be begun with, and is no better."""
    stand = Stand([lambda stand: stand.asked(NEW), refuse_late, refuse, end])
    stand.reloading.run(OLD)
    assert stand.ran == [OLD, NEW, NEWEST, OLD]


def test_a_fault_of_our_own_ends_nothing() -> None:
    """It is told, and whoever hears the signal hears the next one."""

    def ask(stand: Stand) -> None:
        stand.asked(RecursionError("too deep"))
        stand.asked(NEW)

    stand = Stand([ask, end])
    stand.reloading.run(OLD)
    assert stand.ran == [OLD, NEW]
    assert stand.events == ["configuration not taken", "configuration read"]


def test_what_ends_the_first_ends_all() -> None:
    """Where nothing ran before, and where it had begun already, an error is an error."""
    for error in (StoreError("the store is away"), LockHeld("another controller")):

        def fail(_stand: Stand, error: Exception = error) -> None:
            raise error

        with pytest.raises(type(error)):
            Stand([fail]).reloading.run(OLD)
        with pytest.raises(type(error)):
            Stand([lambda stand: stand.asked(NEW), fail]).reloading.run(OLD)
    with pytest.raises(InputError):
        Stand([refuse]).reloading.run(OLD)
    with pytest.raises(InputError):
        Stand([lambda stand: stand.asked(NEW), refuse, refuse]).reloading.run(OLD)


def test_a_stop_before_a_beginning_ends_it() -> None:
    """Nothing is begun that is to end at once."""

    def both(stand: Stand) -> None:
        stand.asked(NEW)
        end(stand)

    stand = Stand([both])
    stand.reloading.run(OLD)
    assert stand.ran == [OLD]
