"""Rules of your own, which every plan must keep: they see it first, and what they refuse is not carried out."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from plans import Plan, Refusal
from providers import PlanRefused, Target
from reconciler import Reconciler, load


def no_fridays(plan: Plan, *, today: Callable[[], datetime]) -> Iterator[Refusal]:
    """Nothing is changed on a Friday. A plan that does nothing may be looked at on any day."""
    if plan.steps and today().strftime("%A") == "Friday":
        yield Refusal("", "acme-friday", "nothing is changed on a Friday", "come back on Monday")


def bounded(plan: Plan, *, most: int) -> Iterator[Refusal]:
    """No environment may grow beyond so many vCPUs."""
    for step in plan.steps:
        asked = step.arguments.get("computeResources", {}).get("maxvCpus", 0)
        if asked > most:
            yield Refusal(step.address, "acme-vcpus", f"{asked} vCPUs are more than {most}", "ask the platform team")


def connected(day: datetime, most: int) -> Reconciler:
    rules = [partial(no_fridays, today=lambda: day), partial(bounded, most=most)]
    return Reconciler.connect(Target(provider="simulator", region="eu-west-1", speed=1000), on_plan=rules)


manifest = load([Path(__file__).parent.parent / "genomics"])
friday, monday = datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC)

for refusal in connected(friday, most=100).plan(manifest).refusals:
    print(f"{refusal.address or 'the plan'}: {refusal.message} [{refusal.code}]")
try:
    connected(friday, most=100_000).apply(manifest)
except PlanRefused as refused:
    print(f"not applied: {refused}")
assert connected(monday, most=100_000).apply(manifest).exit_code == 0
assert connected(friday, most=100_000).plan(manifest).empty
