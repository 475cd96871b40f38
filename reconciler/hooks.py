"""What other tools may say of a plan before it is shown, approved or carried out.

A hook is asked for its refusals; it approves by having none. What it is given is a plan of its own, read back from
JSON, so that nothing it does to that changes what is carried out. One that fails refuses: whoever cannot judge a plan
has not let it pass.
"""

from collections.abc import Callable, Iterable, Sequence

import attrs

from plans.change import Refusal
from plans.plan import Plan
from plans.planfile import from_json, to_json

OnPlan = Callable[[Plan], Iterable[Refusal]]
"""Sees a plan, with all its values in the clear and before how long it takes is estimated; gives what it refuses."""

FAILED = "hook-failed"
"""The code of the refusal of a hook that raised, or gave what are no refusals."""


def judged(plan: Plan, hooks: Sequence[OnPlan]) -> Plan:
    """The plan with what each hook refuses of it, in their order, behind its own refusals."""
    if not hooks:
        return plan
    told = to_json(plan)
    refused = tuple(refusal for hook in hooks for refusal in _asked(hook, from_json(told)))
    return attrs.evolve(plan, refusals=(*plan.refusals, *refused))


def _asked(hook: OnPlan, plan: Plan) -> tuple[Refusal, ...]:
    try:
        found = tuple(hook(plan))
    except Exception as error:
        return (_failed(hook, f"{type(error).__name__}: {error}"),)
    strange = next((type(each).__name__ for each in found if not isinstance(each, Refusal)), None)
    if strange is not None:
        return (_failed(hook, f"it gave a {strange}, which is no refusal"),)
    for refusal in found:
        for name, value in attrs.asdict(refusal, recurse=False).items():
            if not isinstance(value, str):
                return (_failed(hook, f"the {name} of a refusal is no text"),)
    return found


def _failed(hook: OnPlan, why: str) -> Refusal:
    return Refusal("", FAILED, f"the hook {_name(hook)} failed: {why}", "mend the hook, or leave it out")


def _name(hook: object) -> str:
    """The module and the name of a function, behind however many partials; of anything else those of its class."""
    while (inner := getattr(hook, "func", None)) is not None:
        hook = inner
    named = hook if hasattr(hook, "__qualname__") else type(hook)
    return f"{named.__module__}.{getattr(named, '__qualname__', '')}"
