"""The plan file: nothing is lost on the way, and nothing but a plan comes out."""

import hashlib
import json
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from plans.change import Action
from plans.plan import NOW, Plan, Step
from plans.planfile import MAX_CHARACTERS, dumps, from_json, loads, to_json
from plans.schema import plan_schema
from providers.errors import PlanFileError
from providers.resources import Address, Elsewhere, Ref
from tests.plans.strategies import plans
from tests.plans.views.examples import FIRST, MIXED, plan_of

_PUBLISHED = Draft202012Validator(plan_schema())

MANIFEST = {"stack": "genomics", "jobQueues": {"high": {"priority": 10}}}


def sealed(document: dict[str, Any]) -> str:
    """The file that somebody would write who knows how the digest is made."""
    rest = {key: value for key, value in document.items() if key != "digest"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return json.dumps({**rest, "digest": hashlib.sha256(canonical.encode()).hexdigest()})


def file_of(plan: Any, **top: Any) -> str:
    return sealed({"batchwright": "plan", "format": 1, "manifest": MANIFEST, "plan": plan, **top})


def changed(plan: Plan, path: list[str | int], value: Any) -> Any:
    """The JSON of a plan with one value put in its place."""
    document: Any = json.loads(json.dumps(to_json(plan)))
    inner = document
    for segment in path[:-1]:
        inner = inner[segment]
    inner[path[-1]] = value
    return document


@pytest.mark.unmeasured
@given(plans)
def test_loads_undoes_dumps(plan: Plan) -> None:
    """Whatever a plan holds, its file gives it back, and the manifest with it."""
    text = dumps(plan, MANIFEST)
    assert text.isascii()
    assert loads(text) == (plan, MANIFEST)


@pytest.mark.unmeasured
@given(plans)
def test_from_json_undoes_to_json(plan: Plan) -> None:
    """The plan's JSON is what the published schema says, and gives the plan back."""
    document = json.loads(json.dumps(to_json(plan)))
    _PUBLISHED.validate(document)
    assert from_json(document) == plan


def test_the_plan_json_is_the_published_one() -> None:
    """The members of the plan JSON are a contract with whoever reads it."""
    document = to_json(MIXED)
    assert list(document) == [
        *("format", "id", "stack", "target", "account", "region", "versions", "made_at", "summary"),
        *("changes", "steps", "refusals", "warnings", "unobserved", "estimate"),
    ]
    assert document["summary"] == {"noop": 1, "update": 2, "register": 1, "replace": 1, "delete": 1}
    assert document["changes"][-1] == {
        "address": "job_queue.old",
        "kind": "job_queue",
        "name": "dev-old",
        "action": "delete",
        "impact": "outage",
        "reason": "left the manifest",
        "jobs": {
            "by_status": {"RUNNABLE": 12, "RUNNING": 2},
            "more": False,
            "longest": 4000.0,
            "fate": "they would end with it, so the plan is refused",
        },
        "differences": [],
    }
    assert set(document["changes"][1]["differences"][0]) == {"path", "before", "after", "rule", "why"}
    assert document["steps"][3] == {
        "id": "compute_environment.big/unreferenced",
        "address": "compute_environment.big",
        "call": None,
        "arguments": {},
        "goal": {
            "kind": "compute_environment",
            "name": "dev-big",
            "until": "unreferenced",
            "expect": {},
            "deadline": 600.0,
        },
        "after": ["job_queue.high/update"],
        "when": "ok",
        "why": "",
    }
    assert set(document["refusals"][0]) == {"address", "code", "message", "hint"}
    assert document["estimate"] == {"api_calls": 40, "seconds": 750.0}


def test_placeholders_have_a_form_of_their_own() -> None:
    """References, the time of the call, and a user's map that looks like one of them are told apart."""
    arguments = {
        "a": Ref(Address("compute_environment", "spot")),
        "b": NOW,
        "c": Elsewhere("job_queue", "other", "high"),
        "d": {"$ref": "compute_environment.spot#arn"},
    }
    plan = plan_of(steps=(Step("s", "job_queue.high", "UpdateJobQueue", arguments),))
    assert to_json(plan)["steps"][0]["arguments"] == {
        "a": {"$ref": "compute_environment.spot#arn"},
        "b": {"$now": True},
        "c": {"$elsewhere": {"kind": "job_queue", "stack": "other", "name": "high"}},
        "d": {"$literal": {"$ref": "compute_environment.spot#arn"}},
    }
    assert loads(dumps(plan, {}))[0] == plan


def test_what_is_no_document_is_a_mistake_of_ours() -> None:
    """A value without a JSON form is refused when the plan is written, not when it is read."""
    plan = plan_of(steps=(Step("s", "job_queue.high", "UpdateJobQueue", {"a": object()}),))
    with pytest.raises(TypeError, match="no place in a document"):
        dumps(plan, {})


def test_equal_plans_have_equal_files() -> None:
    """The order in which arguments were put together does not show in the file."""
    one = plan_of(steps=(Step("s", "job_queue.high", "UpdateJobQueue", {"a": 1, "b": 2}),))
    two = plan_of(steps=(Step("s", "job_queue.high", "UpdateJobQueue", {"b": 2, "a": 1}),))
    assert dumps(one, MANIFEST) == dumps(two, MANIFEST)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "nested too deep"),
        ('{"a": ' + "9" * 5000 + "}", "not JSON"),
        ("[]", "not a plan file"),
        ('{"stack": "genomics"}', "not a plan file"),
        ('{"batchwright": "plan"}', "'format'"),
        ('{"batchwright": "plan", "format": "1"}', "a whole number"),
        ('{"batchwright": "plan", "format": true}', "a whole number"),
        ('{"batchwright": "plan", "format": 1}', "'digest'"),
        ('{"batchwright": "plan", "format": 1, "digest": 7}', "text"),
        ('{"batchwright": "plan", "format": 1, "digest": "7"}', "was changed after it was made"),
        ('{"batchwright": "plan", "x": ' + "[" * 80 + "]" * 80 + "}", "nested 81 deep"),
        (sealed({"batchwright": "plan", "format": 1}), "'plan'"),
        (file_of(None), "'format'"),
        (file_of(to_json(MIXED), manifest=[]), "an object"),
        (" " * (MAX_CHARACTERS + 1), "longer than"),
    ],
    ids=lambda text: str(text)[:40],
)
def test_what_is_no_plan_file_is_refused(text: str, words: str) -> None:
    """Each way in which a file is none is told in its own words, with what to do."""
    with pytest.raises(PlanFileError) as caught:
        loads(text)
    assert words in caught.value.message
    assert caught.value.hint
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("edit", [('"priority": 10', '"priority": 11'), ("dev-old", "dev-new"), ("0.1.0", "0.1.1")])
def test_an_edit_is_noticed(edit: tuple[str, str]) -> None:
    """A plan file whose plan or manifest was edited is refused."""
    text = dumps(MIXED, MANIFEST)
    assert edit[0] in text
    with pytest.raises(PlanFileError, match="was changed after it was made"):
        loads(text.replace(*edit))


def test_a_reformatted_file_is_the_same_file() -> None:
    """The digest is over what is said, not over spaces and the order of members."""
    document = json.loads(dumps(MIXED, MANIFEST))
    assert loads(json.dumps(document, sort_keys=True, separators=(",", ":"))) == (MIXED, MANIFEST)


@pytest.mark.parametrize("where", ["file", "plan"])
def test_another_format_is_told_by_number_and_maker(where: str) -> None:
    """A file of a later format says which, who made it, and what to do."""
    plan = changed(MIXED, ["format"], 2) if where == "plan" else to_json(MIXED)
    with pytest.raises(PlanFileError) as caught:
        loads(file_of(plan, format=2 if where == "file" else 1))
    assert "of format 2 (made by Batchwright 0.1.0)" in caught.value.message
    assert "reads format 1" in caught.value.message
    assert caught.value.hint is not None
    assert "the Batchwright that made it" in caught.value.hint


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (["id"], 7, "plan.id there should be text"),
        (["account"], 7, "plan.account"),
        (["target"], [], "plan.target there should be an object"),
        (["target", "region\x1b"], 7, r"plan.target.region\x1b there should be text"),
        (["changes"], {}, "plan.changes there should be a list"),
        (["changes", 0], 7, "plan.changes[0] there should be an object with 'address'"),
        (["changes", 0, "address"], "nowhere", "an address"),
        (["changes", 0, "action"], "explode", "one of noop, adopt"),
        (["changes", 0, "action"], [], "one of noop, adopt"),
        (["changes", 0, "impact"], 3, "one of none, scaling"),
        (["changes", 5, "jobs"], {"by_status": {"RUNNING": "2"}, "more": False}, "jobs.by_status.RUNNING"),
        (["changes", 5, "jobs"], {"by_status": {}, "more": 0}, "true or false"),
        (["changes", 1, "differences", 0, "after"], {"$ref": 1}, "text"),
        (["changes", 1, "differences", 0, "after"], {"$ref": "spot"}, "a reference"),
        (["changes", 1, "differences", 0, "after"], {"$ref": "spot#arn"}, "an address"),
        (["changes", 1, "differences", 0, "after"], {"$elsewhere": {"kind": "job_queue"}}, "'stack'"),
        (["changes", 1, "differences", 0, "after"], {"$literal": 5}, "an object"),
        (["steps", 0, "when"], "never", "one of ok, failed, always"),
        (["steps", 0, "call"], 7, "plan.steps[0].call"),
        (["steps", 0, "arguments"], None, "plan.steps[0].arguments"),
        (["steps", 3, "goal", "until"], "tomorrow", "one of settled"),
        (["steps", 3, "goal", "deadline"], "soon", "a number"),
        (["steps", 3, "goal", "deadline"], True, "a number"),
        (["estimate"], {"api_calls": 1.5, "seconds": 2}, "a whole number"),
        (["warnings"], [None], "plan.warnings[0]"),
    ],
)
def test_a_damaged_plan_is_told_by_its_place(path: list[str | int], value: Any, words: str) -> None:
    """With a right digest too, a plan of the wrong shape is refused, and the place is named."""
    with pytest.raises(PlanFileError) as caught:
        loads(file_of(changed(MIXED, path, value)))
    assert words in caught.value.message


def test_a_deep_plan_is_refused() -> None:
    """A document nested beyond all measure is refused before it is walked, alone or in a file."""
    deep: Any = "x"
    for _ in range(900):
        deep = [deep]
    plan = changed(MIXED, ["steps", 0, "arguments"], {"a": deep})
    with pytest.raises(PlanFileError, match="deep"):
        from_json(plan)
    with pytest.raises(PlanFileError, match="deep"):
        loads(file_of(plan))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


def places(document: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


_PLACES = [place for place in places(to_json(MIXED)) if place]


@pytest.mark.unmeasured
@given(st.sampled_from(_PLACES), json_values)
@settings(max_examples=200)
def test_any_value_in_any_place_is_read_or_refused(place: tuple[str | int, ...], value: Any) -> None:
    """Whatever stands wherever in a plan, reading ends in a plan or in a PlanFileError."""
    try:
        plan = from_json(changed(MIXED, list(place), value))
    except PlanFileError:
        return
    assert from_json(to_json(plan)) == plan


@given(json_values | st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_any_text_is_read_or_refused(value: Any) -> None:
    """Whatever a file holds, reading it ends in a PlanFileError or a plan."""
    with pytest.raises(PlanFileError):
        loads(value if isinstance(value, str) else json.dumps(value))


def test_a_large_plan_is_read_back_quickly_enough_to_be_read_twice() -> None:
    """A plan of 600 changes is a file of a few megabytes at most."""
    changes = tuple(
        attrs.evolve(change, address=Address("job_queue", f"q{number}"), action=Action.CREATE)
        for number, change in enumerate(FIRST.changes * 200)
    )
    plan = attrs.evolve(FIRST, changes=changes)
    text = dumps(plan, {})
    assert len(text) < 4_000_000
    assert loads(text)[0] == plan
