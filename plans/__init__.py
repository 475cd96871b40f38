"""The thinking: manifest, graph, normal form, difference, change, plan, plan file, views.

Pure: no file, no clock, no network, no terminal. Time, ids, randomness and the API model come in as arguments. From
`providers` it takes only the facts: `errors`, `resources`, `kinds`.

    manifest ─parse─▶ desired ─┐
                               ├─normalise─▶ differences ─decide─▶ changes ─lower─▶ steps of a plan ─▶ views
    snapshot of the world ─────┘

The names of `__all__` are for other tools, and are imported when they are first used; the rest is private.
"""

from typing import TYPE_CHECKING

from plans.lazily import lazily

if TYPE_CHECKING:
    from plans.asked import Asked
    from plans.change import Action, Change, Difference, Impact, Refusal
    from plans.diagnosis import Diagnosis
    from plans.export import Export, Selection
    from plans.failure import error_json
    from plans.manifest import Manifest, parse
    from plans.masking import mask_plan
    from plans.nodes import Source
    from plans.outputs import outputs_json
    from plans.plan import Estimate, Goal, Plan, Step
    from plans.planfile import to_json as plan_json
    from plans.policy import Policy, parse_policy
    from plans.rehearsal import Rehearsal
    from plans.report import Departure, Event, Outcome, Report, event_json, report_json
    from plans.retention import Retention
    from plans.rollback import Rollback
    from plans.views.terminal import render
    from plans.wish import Wish, dumps, loads

__all__ = [
    "Action",
    "Asked",
    "Change",
    "Departure",
    "Diagnosis",
    "Difference",
    "Estimate",
    "Event",
    "Export",
    "Goal",
    "Impact",
    "Manifest",
    "Outcome",
    "Plan",
    "Policy",
    "Refusal",
    "Rehearsal",
    "Report",
    "Retention",
    "Rollback",
    "Selection",
    "Source",
    "Step",
    "Wish",
    "dumps",
    "error_json",
    "event_json",
    "loads",
    "mask_plan",
    "outputs_json",
    "parse",
    "parse_policy",
    "plan_json",
    "render",
    "report_json",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "asked": ("Asked",),
        "change": ("Action", "Change", "Difference", "Impact", "Refusal"),
        "diagnosis": ("Diagnosis",),
        "export": ("Export", "Selection"),
        "failure": ("error_json",),
        "manifest": ("Manifest", "parse"),
        "masking": ("mask_plan",),
        "nodes": ("Source",),
        "outputs": ("outputs_json",),
        "plan": ("Estimate", "Goal", "Plan", "Step"),
        "planfile": ("to_json:plan_json",),
        "policy": ("Policy", "parse_policy"),
        "rehearsal": ("Rehearsal",),
        "report": ("Departure", "Event", "Outcome", "Report", "event_json", "report_json"),
        "retention": ("Retention",),
        "rollback": ("Rollback",),
        "views.terminal": ("render",),
        "wish": ("Wish", "dumps", "loads"),
    },
)
