"""Totals of consumable resources: one token a wish, and what jobs use up is set only where somebody says so."""

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from plans.asked import Asked
from plans.plan import TOKEN, Plan
from plans.planfile import from_json, to_json
from providers.errors import InputError
from providers.simulator import Fault
from reconciler.journal import History, read
from reconciler.settings import Settings
from tests.kit import Died, Stage, address, edit, manifest

LICENCES = "stack: lab\nconsumableResources:\n  licences: {totalQuantity: 5}\n"
MORE = edit(LICENCES, ("5", "9"))
USED_UP = "stack: lab\nconsumableResources:\n  coins: {totalQuantity: 5, resourceType: NON_REPLENISHABLE}\n"
TOPPED_UP = edit(USED_UP, ("5", "9"))
COINS = (address("consumable_resource.coins"),)


@attrs.define
class Counter:
    """A stage that keeps journals, and the client tokens of all updates that went out of it."""

    stage: Stage
    folder: Path
    tokens: list[str] = attrs.field(factory=list)

    @property
    def journal(self) -> History:
        (file,) = self.folder.glob("*.jsonl")
        return read(file)

    def note(self, params: dict[str, Any], **_: Any) -> None:
        self.tokens.append(json.loads(params["body"])["clientToken"])

    def total(self, name: str) -> int:
        found: int = self.stage.world.describe_consumable_resource(consumableResource=name)["totalQuantity"]
        return found


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    made = Counter(Stage.new(settings=Settings(state=tmp_path)), tmp_path)
    made.stage.batch.meta.events.register("before-call.batch.UpdateConsumableResource", made.note)
    return made


def arguments(made: Plan) -> dict[str, Any]:
    (step,) = made.steps
    return dict(step.arguments)


def test_a_plan_holds_a_place_for_the_token(counter: Counter) -> None:
    """So two plans of one wish have one id; in JSON the place stays one."""
    counter.stage.apply(LICENCES)
    first, second = counter.stage.plan(MORE), counter.stage.plan(MORE)
    assert arguments(first)["clientToken"] == TOKEN
    assert first.id == second.id
    assert from_json(to_json(first)).steps == first.steps


def test_each_wish_has_a_token_of_its_own_that_stands_in_the_journal(counter: Counter) -> None:
    """Back and forth between two totals are four wishes, and each is done."""
    counter.stage.apply(LICENCES)
    for wanted, quantity in ((MORE, 9), (LICENCES, 5), (MORE, 9), (LICENCES, 5)):
        assert counter.stage.apply(wanted).exit_code == 0
        assert counter.total("licences") == quantity
    assert len(set(counter.tokens)) == 4
    assert [call.token for run in counter.journal.runs for call in run.calls if call.token] == counter.tokens


def test_a_lost_answer_is_asked_for_by_the_same_request(counter: Counter) -> None:
    """The repeat carries the token of the first attempt."""
    counter.stage.apply(LICENCES)
    counter.stage.simulator.inject(Fault("UpdateConsumableResource", "lost", times=2))
    assert counter.stage.apply(MORE).exit_code == 0
    assert len(counter.tokens) == 3
    assert len(set(counter.tokens)) == 1
    assert counter.total("licences") == 9


def test_the_token_is_on_the_disk_before_the_call_goes_out_and_outlives_a_crash(counter: Counter) -> None:
    """The next process sends the same request again; once its end is known, the same wish is another request."""
    counter.stage.apply(LICENCES)
    calls = 0

    def die(**_: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise Died

    counter.stage.batch.meta.events.register("before-call.batch.UpdateConsumableResource", die)
    with pytest.raises(Died):
        counter.stage.apply(MORE)
    (open_token,) = counter.journal.tokens.values()
    assert counter.stage.apply(MORE).exit_code == 0
    assert counter.tokens == [open_token, open_token]
    assert counter.journal.tokens == {}
    counter.stage.world.update_consumable_resource(consumableResource="licences", operation="SET", quantity=5)
    assert counter.stage.apply(MORE).exit_code == 0
    assert counter.total("licences") == 9
    assert len(set(counter.tokens)) == 2


def test_a_token_is_of_the_last_request_of_its_step(counter: Counter) -> None:
    """After another wish was carried out, the wish of the crash is a new one: AWS would answer its token unread."""
    nine, seven = MORE, edit(LICENCES, ("5", "7"))
    counter.stage.apply(LICENCES)
    counter.stage.batch.meta.events.register("after-call.batch.UpdateConsumableResource", _die, unique_id="die")
    with pytest.raises(Died):
        counter.stage.apply(nine)
    counter.stage.batch.meta.events.unregister("after-call.batch.UpdateConsumableResource", unique_id="die")
    assert [counter.stage.apply(wish).exit_code for wish in (seven, nine)] == [0, 0]
    assert counter.total("licences") == 9


def _die(**_: Any) -> None:
    raise Died


def test_another_wish_after_a_crash_is_another_request(counter: Counter) -> None:
    """A token goes with the arguments it was sent with."""
    counter.stage.apply(LICENCES)
    counter.stage.kill(8, "before")
    with pytest.raises(Died):
        counter.stage.apply(MORE)
    counter.stage.revive()
    open_tokens = set(counter.journal.tokens.values())
    assert open_tokens
    assert counter.stage.apply(edit(LICENCES, ("5", "7"))).exit_code == 0
    assert counter.total("licences") == 7
    assert open_tokens.isdisjoint(counter.tokens[-1:])


def test_what_jobs_use_up_is_left_alone_with_a_warning(counter: Counter) -> None:
    """Setting the total again would give back what they used."""
    counter.stage.apply(USED_UP)
    made = counter.stage.plan(TOPPED_UP)
    assert made.empty
    assert any("consumable_resource.coins: totalQuantity differs and is left alone" in row for row in made.warnings)


def test_what_jobs_use_up_is_set_where_somebody_says_so(counter: Counter) -> None:
    """By an update in place; the next run leaves it alone again."""
    counter.stage.apply(USED_UP)
    made = counter.stage.plan(TOPPED_UP, asked=Asked(set_quantity=COINS))
    assert arguments(made) | {"clientToken": TOKEN, "operation": "SET", "quantity": 9} == arguments(made)
    assert counter.stage.apply(TOPPED_UP, asked=Asked(set_quantity=COINS)).exit_code == 0
    assert counter.total("coins") == 9
    counter.stage.world.update_consumable_resource(consumableResource="coins", operation="REMOVE", quantity=2)
    assert counter.stage.apply(TOPPED_UP).exit_code == 0
    assert counter.total("coins") == 7


def test_jobs_that_use_it_up_at_once_do_not_fail_the_run(counter: Counter) -> None:
    """What was set need not be seen: it moves on."""
    counter.stage.apply(USED_UP)

    def use(**_: Any) -> None:
        counter.stage.world.update_consumable_resource(consumableResource="coins", operation="REMOVE", quantity=1)

    counter.stage.batch.meta.events.register("after-call.batch.UpdateConsumableResource", use)
    report = counter.stage.apply(TOPPED_UP, asked=Asked(set_quantity=COINS))
    assert report.exit_code == 0
    assert counter.total("coins") == 8


def test_a_plan_that_was_shown_without_it_does_not_allow_it(counter: Counter) -> None:
    """What is set is a step like any other."""
    counter.stage.apply(USED_UP)
    held = counter.stage.plan(TOPPED_UP, asked=Asked(set_quantity=COINS))
    assert counter.stage.apply(TOPPED_UP, held=held, asked=Asked(set_quantity=COINS)).exit_code == 0
    assert counter.total("coins") == 9


@pytest.mark.parametrize("other", ["consumable_resource.notes", "job_queue.coins"])
def test_only_a_consumable_resource_of_the_manifest_has_a_quantity(counter: Counter, other: str) -> None:
    """An address that is something else is told."""
    with pytest.raises(InputError, match=other):
        counter.stage.reconciler.plan(manifest(USED_UP), asked=Asked(set_quantity=[address(other)]))
