"""Canaries of definitions: what is planned, and what is refused before anything is tried."""

from collections.abc import Mapping
from typing import Any

import pytest

from plans.change import Action
from plans.document import from_document, to_document
from plans.policy import Policy
from plans.views.markdown import render as to_markdown
from plans.views.page import render as to_page
from plans.views.terminal import render as to_terminal
from providers.errors import ManifestError
from providers.resources import Address, DefinitionCanary, Elsewhere, Ref
from tests.plans.core import (
    REGION,
    actions,
    arn,
    before,
    codes,
    definition,
    environment,
    environments,
    ids,
    live,
    manifest,
    plan,
    queue,
    queues,
    revision,
    step,
    tags,
)

STACK = environments() + queues()
WORLD = (environment(), queue())
OTHER = (revision(image="old"),)


def tried(canary: str = "{queue: high, timeout: 5m}", name: str = "align", more: str = "") -> str:
    return definition(name, more=f"rollout: {{canary: {canary}}}\n    {more}")


def shadow(number: int = 1, **given: Any) -> Any:
    return revision(number, "align--canary", address="job_definition.align@canary", **given)


@pytest.mark.parametrize("lives", [(), OTHER], ids=["first", "further"])
def test_the_steps(lives: tuple[Any, ...]) -> None:
    """The shadow is registered, its job succeeds, then comes the real name; the shadow goes in any case, at the end."""
    made = plan(STACK + tried(), *WORLD, *lives)
    assert codes(made) == []
    assert ids(made) == [
        "register:job_definition.align@canary",
        "canary:job_definition.align",
        "register:job_definition.align",
        "deregister:job_definition.align@canary",
    ]
    real, over = step(made, ids(made)[2]), step(made, ids(made)[3])
    first, job = step(made, ids(made)[0]), step(made, ids(made)[1])
    same = {"jobDefinitionName": "", "tags": {}}
    assert {**first.arguments, **same} == {**real.arguments, **same}
    assert first.arguments["jobDefinitionName"] == "align--canary"
    assert first.arguments["tags"]["batchwright:digest"] == real.arguments["tags"]["batchwright:digest"]
    assert job.arguments["jobDefinition"] == Ref(Address("job_definition", "align@canary"))
    assert job.arguments["jobQueue"] == arn("job_queue", "high")
    assert job.goal is not None
    assert (job.goal.until, job.goal.deadline) == ("succeeded", 300.0)
    assert (over.when, over.arguments) == ("always", {"jobDefinition": job.arguments["jobDefinition"]})
    assert before(made, job.id, real.id)
    assert before(made, real.id, over.id)
    assert "SubmitJob  job_definition.align" in to_terminal(made, verbose=True)
    assert "a job in the queue high has to succeed first" in to_markdown(made)


def test_a_plan_says_that_a_job_comes_first() -> None:
    """Whoever reads it, also of a stack of which nothing is there yet; where no queue is found the refusal tells."""
    words = "a job in the queue high has to succeed first"
    for lives in ((), WORLD):
        made = plan(STACK + tried(), *lives)
        for shown in (to_terminal(made), to_markdown(made), to_page(made)):
            assert words in shown
    assert "nothing of that name is live" not in to_terminal(plan(STACK + tried()))
    made = plan(STACK + tried("{queue: nope}"), *WORLD, *OTHER)
    assert codes(made) == [("job_definition.align", "canary-queue")]
    for shown in (to_terminal(made), to_markdown(made), to_page(made)):
        assert "Unresolved" not in shown
        assert "has to succeed first" not in shown


@pytest.mark.parametrize(
    ("named", "message", "hint"),
    [
        ("job_queue.high", "job_queue.high is no job queue of this stack, nor live", "did you mean high?"),
        ("hihg", "hihg is no job queue of this stack, nor live", "did you mean high?"),
        ("nope", "nope is no job queue of this stack, nor live", "name a job queue of this stack"),
        (
            '"arn:aws:batch:us-east-2:123456789012:job-queue/high"',
            f"the job queue high is one of us-east-2, and this plan is of {REGION}",
            "name a job queue of this stack",
        ),
        (f'"{arn("job_queue", "theirs")}"', "there is no job queue theirs here", "name a job queue of this stack"),
    ],
)
def test_a_queue_that_is_not_there_is_told_apart(named: str, message: str, hint: str) -> None:
    """A slip of the pen, a queue of nobody, and one that is elsewhere."""
    (refusal,) = plan(STACK + tried(f"{{queue: {named}}}"), *WORLD).refusals
    assert message in refusal.message
    assert hint in refusal.hint


def test_nothing_is_tried_where_nothing_is_registered() -> None:
    """Tags alone, and what is as it should be, need no canary."""
    assert plan(STACK + tried(), *WORLD, revision()).empty
    made = plan(STACK + tried(more="tags: {a: b}"), *WORLD, revision())
    assert [one.call for one in made.steps] == ["TagResource"]


def test_other_content_has_a_job_of_another_name() -> None:
    """A job that is found by its name is one of the same content and the same request; no name is too long."""
    requests = ("{queue: high}", "{queue: high, parameters: {a: b}}", "{queue: high, parameters: {a: c}}")
    texts = [tried(request) for request in requests]
    texts += [texts[0].replace("busybox", "other"), tried(name="a" * 128), tried(name="a" * 127)]
    names = [
        one.arguments["jobName"]
        for text in texts
        for one in plan(STACK + text, *WORLD).steps
        if one.call == "SubmitJob"
    ]
    assert len(set(names)) == len(names) == len(texts)
    assert max(map(len, names)) == 128
    shadows = [
        one.arguments["jobDefinitionName"]
        for one in plan(STACK + texts[-1], *WORLD).steps
        if one.call == "RegisterJobDefinition"
    ]
    assert max(map(len, shadows)) == 128


def test_a_shadow_that_an_earlier_run_left_is_gone_on_with() -> None:
    """Of the same content and with the same job the newest is taken; others, and what was tampered with, go."""
    job = step(plan(STACK + tried(), *WORLD), "canary:job_definition.align").arguments
    more = {"batchwright:queue": job["jobQueue"], "batchwright:job": job["jobName"]}
    left = (
        shadow(1, more=more),
        shadow(2, more=more),
        shadow(3, more=more, image="older"),
        shadow(4, more=more, sealed=False),
        shadow(5, more={**more, "batchwright:queue": arn("job_queue", "low")}),
        shadow(6, more={**more, "batchwright:job": "another"}),
        shadow(7),
        shadow(8, more={**more, "batchwright:digest": job["tags"]["batchwright:digest"]}, image="tampered"),
    )
    made = plan(STACK + tried(), *WORLD, *left)
    assert codes(made) == []
    assert step(made, "canary:job_definition.align").arguments["jobDefinition"] == left[1].arn
    assert "register:job_definition.align@canary" not in ids(made)
    gone = [one.arguments["jobDefinition"] for one in made.steps if one.call == "DeregisterJobDefinition"]
    assert sorted(gone) == [each.arn for each in left if each not in (left[3], left[7])]
    ended = [one for one in made.steps if one.call == "TerminateJob"]
    assert [one.arguments["jobDefinition"] for one in ended] == [left[n].arn for n in (0, 2, 4, 5)]
    assert [one.arguments["jobName"] for one in ended] == [job["jobName"]] * 3 + ["another"]
    for one in ended:
        assert before(made, one.id, "canary:job_definition.align")
        assert before(made, one.id, next(it.id for it in made.steps if it.call == "DeregisterJobDefinition"))
    assert actions(made)["job_definition.align@canary"] == Action.DELETE.value


def test_what_is_left_is_cleared_away_by_any_plan_of_its_definition() -> None:
    """With `--only`, and whatever may be pruned or deleted; but not by a plan in which it has no canary to be of."""
    lives = (*WORLD, revision(), shadow())
    for text, choose in (
        ("policy: {prune: false, maxDeletes: 0}\n", ()),
        ("policy: {maxDeletes: 0}\n", ("job_definition.align",)),
    ):
        made = plan(text + STACK + tried(), *lives, choose=choose)
        assert codes(made) == []
        assert ids(made) == ["deregister:job_definition.align@canary:1"]
    assert plan("policy: {prune: false}\n" + STACK + definition(), *lives).empty
    assert plan(STACK + tried(), *lives, choose=("job_queue.high",)).empty
    assert "deregister:job_definition.align@canary:1" in ids(plan(STACK + tried(), *lives, destroying=True))


def test_the_queue_comes_first() -> None:
    """A queue that is made or changed by the same plan is waited for, also where it is named as what is live."""
    made = plan(STACK + tried())
    assert step(made, "canary:job_definition.align").arguments["jobQueue"] == Ref(Address("job_queue", "high"))
    assert before(made, "create:job_queue.high", "register:job_definition.align@canary")
    for named in ("high", arn("job_queue", "high")):
        made = plan(STACK + tried(f'{{queue: "{named}"}}'), environment(), queue(priority=2))
        assert before(made, "update:job_queue.high", "register:job_definition.align@canary")
        made = plan(STACK + tried(f'{{queue: "{named}"}}'), environment(), queue(priority=2), shadow())
        assert before(made, "update:job_queue.high", "canary:job_definition.align")


LIVE: Mapping[str, tuple[str, tuple[Any, ...], str | None]] = {
    "of somebody else": ("theirs", (queue("theirs", fields={"tags": {}}),), None),
    "of another stack": (
        "{stack: other, name: far}",
        (queue("far", fields={"tags": tags("job_queue.far", "other")}),),
        None,
    ),
    "missing": ("theirs", (), "canary-queue"),
    "missing by ARN": (f'"{arn("job_queue", "theirs")}"', (), "canary-queue"),
    "missing in another stack": ("{stack: other, name: far}", (), "canary-queue"),
    "DISABLED": ("theirs", (queue("theirs", fields={"tags": {}}, state="DISABLED"),), "canary-queue"),
    "INVALID": ("theirs", (queue("theirs", fields={"tags": {}, "status": "INVALID"}),), "canary-queue"),
    "DELETING": (
        f'"{arn("job_queue", "theirs")}"',
        (queue("theirs", fields={"tags": {}, "status": "DELETING"}),),
        "canary-queue",
    ),
    "leaving": (f'"{arn("job_queue", "old")}"', (queue("old"),), "canary-queue"),
    "of shares": (
        "theirs",
        (queue("theirs", fields={"tags": {}}, schedulingPolicyArn=arn("scheduling_policy", "fair")),),
        "canary-share",
    ),
    "of shares, which are said": (
        "theirs, shareIdentifier: a",
        (queue("theirs", fields={"tags": {}}, schedulingPolicyArn=arn("scheduling_policy", "fair")),),
        None,
    ),
    "without shares": ("theirs, shareIdentifier: a", (queue("theirs", fields={"tags": {}}),), "canary-share"),
}


@pytest.mark.parametrize("case", LIVE)
def test_the_queue_must_take_the_job(case: str) -> None:
    """What would fail on the way is refused before anything is tried."""
    named, lives, code = LIVE[case]
    made = plan(STACK + tried(f"{{queue: {named}}}"), *WORLD, *lives)
    assert codes(made) == ([("job_definition.align", code)] if code else [])


def test_a_queue_that_is_to_be_disabled_takes_no_job() -> None:
    """What counts is what the manifest says of it, whatever it is now."""
    disabled = environments() + queues(more=", state: DISABLED")
    assert codes(plan(disabled + tried(), *WORLD)) == [("job_definition.align", "canary-queue")]
    assert codes(plan(STACK + tried(), environment(), queue(state="DISABLED"))) == []


def test_a_queue_whose_environments_are_to_be_disabled_runs_no_job() -> None:
    """It would wait for ever; one that is left ENABLED will do."""
    off, on = environments().replace("type: MANAGED", "state: DISABLED\n    type: MANAGED", 1), environments()
    made = plan(off + queues() + tried(), *WORLD, policy=Policy(max_impact="outage"))
    assert codes(made) == [("job_definition.align", "canary-queue")]
    assert made.refusals[0].message.endswith("every compute environment of its queue is to be DISABLED")
    assert "leave one of them ENABLED" in made.refusals[0].hint
    disabled = environment(fields={"spec": {"state": "DISABLED"}})
    assert codes(plan(on + queues() + tried(), disabled, queue())) == []
    theirs = queue("theirs", fields={"tags": {}})
    made = plan(tried("{queue: theirs}"), disabled, theirs, policy=Policy(prune=False))
    assert made.refusals[0].message.endswith("every compute environment of its queue is DISABLED")
    both = environments("one", "two").replace("type: MANAGED", "state: DISABLED\n    type: MANAGED", 1)
    assert codes(plan(both + queues(order="[one, two]") + tried(), *WORLD)) == []


def test_queues_that_cannot_be_read() -> None:
    """An ARN is taken at its word then."""
    text = environments() + tried(f'{{queue: "{arn("job_queue", "theirs")}"}}')
    assert codes(plan(text, environment(), unobserved={"job_queue": "denied"})) == []
    named = environments() + tried("{queue: theirs}")
    assert codes(plan(named, environment(), unobserved={"job_queue": "denied"})) == [
        ("job_definition.align", "canary-queue")
    ]


def test_only_the_definition() -> None:
    """A queue that is not there yet must be chosen too; one that is there is used as it is."""
    assert codes(plan(STACK + tried(), choose=("job_definition.align",))) == [("job_definition.align", "canary-queue")]
    assert codes(plan(STACK + tried(), *WORLD, choose=("job_definition.align",))) == []


@pytest.mark.parametrize(
    ("more", "lives"),
    [
        ("\n  align--canary: {type: container, containerProperties: {image: b, vcpus: 1, memory: 512}}\n", ()),
        ("", (revision(name="align--canary", stack=None),)),
    ],
    ids=["a block", "live"],
)
def test_the_name_of_what_is_tried_must_be_free(more: str, lives: tuple[Any, ...]) -> None:
    """The family of the shadow is nobody else's."""
    made = plan(STACK + tried() + more, *WORLD, *lives)
    assert ("job_definition.align", "name-taken") in codes(made)


FLEET = "arn:aws:iam::123456789012:role/fleet"
FAR = queue("far", "two", fields={"tags": {}})
CANARY = environments().replace(
    "    computeResources:", "    lifecycle: {canary: {jobDefinition: align}}\n    computeResources:"
)
AFTER = environments() + queues(more=", dependsOn: [job_definition.align]") + tried()
WAITS: Mapping[str, tuple[str, tuple[Any, ...], bool]] = {
    "said, and still": (AFTER, WORLD, False),
    "said": (AFTER, (environment(), queue(priority=2)), True),
    "by its environment": (CANARY + queues() + tried(), (environment(spotIamFleetRole=FLEET), queue()), True),
    "another queue": (
        CANARY + queues() + tried("{queue: far}"),
        (environment(spotIamFleetRole=FLEET), queue(), FAR),
        False,
    ),
}


@pytest.mark.parametrize("case", WAITS)
def test_a_canary_that_would_wait_for_itself(case: str) -> None:
    """It is refused where steps would wait for one another in a circle, and only there; one by one is a way out."""
    text, lives, refused = WAITS[case]
    made = plan(text, *lives, *OTHER)
    assert codes(made) == ([("job_definition.align", "canary-circle")] if refused else [])
    assert ("canary:job_definition.align" in ids(made)) is not refused
    if text is not AFTER:
        assert codes(plan(text, *lives, *OTHER, choose=("job_definition.align",))) == []


def test_what_a_manifest_says_of_it() -> None:
    """The queue is a reference, the time has a unit, everything else is SubmitJob's and checked by the API's model."""
    given = (
        "{queue: high, timeout: 90s, containerOverrides: {environment: [{name: A, value: 017}]}, shareIdentifier: b}"
    )
    made = manifest(STACK + tried(given))
    canary = made.resources[Address("job_definition", "align")].rollout.canary
    assert canary == DefinitionCanary(
        Ref(Address("job_queue", "high")),
        90.0,
        {"containerOverrides": {"environment": [{"name": "A", "value": "017"}]}, "shareIdentifier": "b"},
    )
    elsewhere = manifest(STACK + tried("{queue: {stack: other, name: far}, timeout: , parameters: }"))
    assert elsewhere.resources[Address("job_definition", "align")].rollout.canary == DefinitionCanary(
        Elsewhere("job_queue", "other", "far")
    )
    assert manifest(STACK + tried("")).resources[Address("job_definition", "align")].rollout.canary is None
    for wish in (made, elsewhere):
        assert from_document(to_document(wish)) == wish


@pytest.mark.parametrize(
    ("given", "path", "words"),
    [
        ("{}", "rollout.canary.queue", "queue is missing"),
        ("{queue: high, timeout: soon}", "rollout.canary.timeout", "duration"),
        ("{queue: high, jobName: x}", "rollout.canary", "jobName"),
        ("{queue: high, containerOverrides: {comand: [x]}}", "rollout.canary.containerOverrides", "comand"),
        (
            "{queue: high, eksPropertiesOverride: {podProperties: {}}}",
            "rollout.canary.eksPropertiesOverride",
            "overrides eksProperties, which this definition does not have",
        ),
        ("[high]", "rollout.canary", "takes a map"),
    ],
)
def test_what_a_manifest_may_not_say_of_it(given: str, path: str, words: str) -> None:
    """Each fault is told at its place."""
    with pytest.raises(ManifestError) as caught:
        manifest(STACK + tried(given))
    (fault,) = caught.value.faults
    assert fault.path.startswith(f"jobDefinitions.align.{path}")
    assert words in f"{fault.path} {fault.message}"


def test_shadows_of_names_that_are_cut() -> None:
    """Two long names may share the family of their shadows, which their addresses tell apart."""
    long = "a" * 127
    lives = live(
        "job_definition",
        "a" * 120 + "--canary",
        {},
        tags=tags(f"job_definition.{long}b@canary", "lab"),
        arn=arn("job_definition", "x:1"),
        revision=1,
    )
    made = plan(STACK + tried(name=f"{long}c"), *WORLD, lives)
    assert codes(made) == []
