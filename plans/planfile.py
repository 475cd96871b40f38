"""Plans as JSON, and the plan file: a plan with the manifest it was made from, sealed by a digest.

A plan file comes from outside and may be anything, so reading one ends either in a plan or in a `PlanFileError`.
The digest tells an edit by accident or by hand; it is no signature, so whoever applies a file plans again from its
manifest and holds the outcome against it with `plans.promise.compare`.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, get_args

import attrs

from plans.change import Action, Change, Difference, Impact, Origin, Refusal
from plans.jsonform import AGAIN, Place, depth, encode, encode_members
from plans.plan import FORMAT, Estimate, Goal, Plan, Step, Until
from providers.errors import PlanFileError
from providers.resources import JobCount

MAX_CHARACTERS = 64 * 1024 * 1024
MAX_DEPTH = 64


def to_json(plan: Plan) -> dict[str, Any]:
    """The plan as JSON; its JSON Schema is published by `batchwright schema`."""
    return {
        "format": plan.format,
        "id": plan.id,
        "stack": plan.stack,
        "target": dict(plan.target),
        "account": plan.account,
        "region": plan.region,
        "versions": dict(plan.versions),
        "made_at": plan.made_at,
        "summary": dict(plan.summary),
        "changes": [_change_json(change) for change in plan.changes],
        "steps": [_step_json(step) for step in plan.steps],
        "refusals": [attrs.asdict(refusal) for refusal in plan.refusals],
        "warnings": list(plan.warnings),
        "unobserved": dict(plan.unobserved),
        "estimate": None if plan.estimate is None else attrs.asdict(plan.estimate),
    }


def from_json(document: Any) -> Plan:
    """Read what `to_json` wrote; raises PlanFileError naming the place. `summary` follows from the changes."""
    if (deep := depth(document)) > MAX_DEPTH:
        raise PlanFileError(f"the plan is nested {deep} deep; {MAX_DEPTH} is the most", hint=AGAIN)
    at = Place(document, "plan")
    _check_format(at["format"], _made_with(document))
    return Plan(
        id=at["id"].text(),
        stack=at["stack"].text(),
        target=at["target"].texts(),
        account=at["account"].maybe(Place.text),
        region=at["region"].text(),
        versions=at["versions"].texts(),
        made_at=at["made_at"].text(),
        changes=at["changes"].each(_read_change),
        steps=at["steps"].each(_read_step),
        refusals=at["refusals"].each(_read_refusal),
        warnings=at["warnings"].each(Place.text),
        unobserved=at["unobserved"].texts(),
        estimate=at["estimate"].maybe(_read_estimate),
    )


def dumps(plan: Plan, manifest_document: Mapping[str, Any]) -> str:
    """The text of a plan file: pretty, pure ASCII, the same for equal plans and manifests.

    `manifest_document` is the resolved manifest as JSON, which is not looked into.
    """
    rest = {"batchwright": "plan", "format": FORMAT, "manifest": dict(manifest_document), "plan": to_json(plan)}
    sealed = {"batchwright": "plan", "format": FORMAT, "digest": _digest(rest), **rest}
    return json.dumps(sealed, indent=1) + "\n"


def loads(text: str) -> tuple[Plan, Mapping[str, Any]]:
    """The plan and the manifest document of a plan file; raises PlanFileError."""
    if len(text) > MAX_CHARACTERS:
        raise PlanFileError(f"the plan file is longer than {MAX_CHARACTERS:,} characters", hint=AGAIN)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        words = "nested too deep" if isinstance(error, RecursionError) else str(error)
        raise PlanFileError(f"the plan file is damaged, it is not JSON: {words}", hint=AGAIN) from None
    if not isinstance(document, dict) or document.get("batchwright") != "plan":
        raise PlanFileError("this is JSON, but not a plan file", hint="`batchwright plan --out FILE` makes one")
    if (deep := depth(document)) > MAX_DEPTH:
        raise PlanFileError(f"the plan file is nested {deep} deep; {MAX_DEPTH} is the most", hint=AGAIN)
    at = Place(document, "")
    _check_format(at["format"], _made_with(document.get("plan")))
    rest = {key: value for key, value in document.items() if key != "digest"}
    if at["digest"].text() != _digest(rest):
        raise PlanFileError(
            "the plan file was changed after it was made: its digest does not match its content",
            hint=f"a plan is never edited; change the manifest and {AGAIN}",
        )
    return from_json(at["plan"].value), at["manifest"].mapping()


def _digest(rest: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(rest).encode("ascii")).hexdigest()


def _canonical(document: Any) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def _change_json(change: Change) -> dict[str, Any]:
    return {
        "address": str(change.address),
        "kind": change.kind,
        "name": change.name,
        "action": change.action.value,
        "impact": str(change.impact),
        "reason": change.reason,
        "jobs": None if change.jobs is None else _jobs_json(change.jobs),
        **_origin_json(change.origin),
        **({} if change.owner is None else {"owner": change.owner}),
        "differences": [
            {
                "path": difference.path,
                "before": encode(difference.before),
                "after": encode(difference.after),
                "rule": difference.rule,
                "why": difference.why,
                **_origin_json(difference.origin),
            }
            for difference in change.differences
        ],
    }


def _origin_json(origin: Origin | None) -> dict[str, str]:
    return {} if origin is None else {"origin": origin}


def _jobs_json(jobs: JobCount) -> dict[str, Any]:
    said = attrs.asdict(jobs)
    return said if said["children"] else {name: value for name, value in said.items() if name != "children"}


def _step_json(step: Step) -> dict[str, Any]:
    return {
        "id": step.id,
        "address": step.address,
        "call": step.call,
        "arguments": encode_members(step.arguments),
        "goal": None if step.goal is None else _goal_json(step.goal),
        "after": list(step.after),
        "when": step.when,
        "why": step.why,
    }


def _goal_json(goal: Goal) -> dict[str, Any]:
    return {
        "kind": goal.kind,
        "name": goal.name,
        "until": goal.until,
        "expect": encode_members(goal.expect),
        "deadline": goal.deadline,
    }


def _made_with(plan: Any) -> str:
    versions = plan.get("versions") if isinstance(plan, dict) else None
    version = versions.get("batchwright") if isinstance(versions, dict) else None
    return f" (made by Batchwright {version})" if isinstance(version, str) and version.isprintable() else ""


def _check_format(at: "Place", made_with: str) -> None:
    number = at.integer()
    if number != FORMAT:
        raise PlanFileError(
            f"the plan is of format {number}{made_with}; this Batchwright reads format {FORMAT}",
            hint=f"apply it with the Batchwright that made it, or {AGAIN}",
        )


def _read_change(at: Place) -> Change:
    return Change(
        address=at["address"].address(),
        name=at["name"].text(),
        action=Action(at["action"].word(tuple(action.value for action in Action))),
        impact=Impact.parse(at["impact"].word(tuple(str(impact) for impact in Impact))),
        reason=at["reason"].text(),
        differences=at["differences"].each(_read_difference),
        jobs=at["jobs"].maybe(_read_jobs),
        origin=_read_origin(at),
        owner=at["owner"].text() if "owner" in at.mapping() else None,
    )


def _read_difference(at: Place) -> Difference:
    return Difference(
        path=at["path"].text(),
        before=at["before"].document(),
        after=at["after"].document(),
        rule=at["rule"].text(),
        why=at["why"].text(),
        origin=_read_origin(at),
    )


def _read_origin(at: Place) -> Origin | None:
    origin: Origin | None = at["origin"].word(get_args(Origin)) if "origin" in at.mapping() else None
    return origin


def _read_jobs(at: Place) -> JobCount:
    counts = at["by_status"]
    return JobCount(
        by_status={status: counts[status].integer() for status in counts.mapping()},
        more=at["more"].flag(),
        longest=at["longest"].maybe(Place.number),
        fate=at["fate"].text(),
        children=at["children"].integer() if "children" in at.mapping() else 0,
    )


def _read_step(at: Place) -> Step:
    return Step(
        id=at["id"].text(),
        address=at["address"].text(),
        call=at["call"].maybe(Place.text),
        arguments=at["arguments"].members(),
        goal=at["goal"].maybe(_read_goal),
        after=at["after"].each(Place.text),
        when=at["when"].word(("ok", "failed", "always")),
        why=at["why"].text(),
    )


def _read_goal(at: Place) -> Goal:
    return Goal(
        kind=at["kind"].text(),
        name=at["name"].text(),
        until=at["until"].word(get_args(Until)),
        expect=at["expect"].members(),
        deadline=at["deadline"].number(),
    )


def _read_refusal(at: Place) -> Refusal:
    return Refusal(at["address"].text(), at["code"].text(), at["message"].text(), at["hint"].text())


def _read_estimate(at: Place) -> Estimate:
    return Estimate(at["api_calls"].integer(), at["seconds"].number())
