"""What is INVALID: whether an update repairs it, and what a plan says where none does.

Source: "INVALID compute environment" and "Troubleshooting" of the AWS Batch user guide; the rows of the kinds.
"""

from collections.abc import Collection, Iterable, Sequence

from providers.kinds import Kind
from providers.resources import Document, Live


def repairs(units: Iterable[str], kind: Kind) -> bool:
    """Whether an update of these units makes AWS look again at what is wrong, so that it may become VALID."""
    return any(unit not in kind.facts.inert for unit in units)


def parked(live: Live, spec: Document, units: Iterable[str], kind: Kind) -> bool:
    """Whether it is to be DISABLED and stays INVALID, so that nothing but DISABLED can be waited for."""
    others = (unit for unit in units if unit != "state")
    return live.status == "INVALID" and spec.get("state") == "DISABLED" and not repairs(others, kind)


def stays(live: Live, units: Sequence[str]) -> str:
    """Why it is not VALID, and what of its change would not help."""
    told = f"it is INVALID: {reason(live)}"
    if not units:
        return told
    names = " and ".join(filter(None, (", ".join(units[:-1]), units[-1])))
    return f"{told}; {names} {'does' if len(units) == 1 else 'do'} not repair it"


def reason(live: Live) -> str:
    return live.status_reason or "AWS gives no reason"


def borne_with(live: Live, spec: Document, units: Collection[str], kind: Kind, *, tagged: bool) -> tuple[str, ...]:
    """What is said of one that stays INVALID, where that keeps nothing from being done."""
    if parked(live, spec, units, kind):
        return (f"{live.name} is INVALID, and stays so while it is DISABLED: {reason(live)}",)
    if live.status == "INVALID" and tagged and not units:
        return (f"{live.name} is INVALID, and tags do not repair it: {reason(live)}",)
    return ()
