"""Service roles: whether those that a plan leans on are there, and let AWS Batch in.

AWS Batch takes an environment with a role that is not there, and makes it INVALID; without its role it cannot take an
environment down either, which then hangs in DELETING (ekristen/aws-nuke#674, aws/containers-roadmap#2032,
aws/aws-cdk#20727). The service-linked role it makes by itself when it makes an environment.
"""

from collections.abc import Iterable, Iterator, Mapping

import attrs

from plans.change import Refusal
from plans.plan import Step
from providers.kinds import Kind
from providers.kinds.regimes import SERVICE_LINKED_ROLE, ordinary_role
from providers.resources import Live, Role, Surroundings, Unread

TRUST = "a trust policy for batch.amazonaws.com"
_LINKED = "aws iam create-service-linked-role --aws-service-name batch.amazonaws.com"


@attrs.frozen
class _Leaning:
    """An environment that needs its service role: to be made or updated with it, or, where `ending`, to be ended."""

    address: str
    name: str
    linked: bool
    ending: bool


def asked(steps: Iterable[Step], lives: Iterable[Live], kind: Kind, stack: str) -> frozenset[str]:
    """The names of the roles that a plan should know of: those its steps lean on, and those of INVALID environments.

    `lives` are the environments; nothing is asked where AWS makes the service-linked role.
    """
    environments = tuple(lives)
    leaning = {row.name for row in _leaning(steps, environments, kind)}
    return frozenset(leaning | {named(live.spec) for live in environments if _broken(live, stack)})


def refusals(steps: Iterable[Step], lives: Iterable[Live], kind: Kind, surroundings: Surroundings) -> Iterator[Refusal]:
    """What cannot end well without its role; of a role that was not asked for, or not read, nothing is said."""
    for row in dict.fromkeys(_leaning(steps, tuple(lives), kind)):
        amiss = wrong(surroundings.roles, row.name, linked=row.linked)
        if amiss and row.ending:
            mended = f"make it again ({_LINKED})" if row.linked else f"make it again, with {TRUST},"
            yield Refusal(
                row.address,
                "role-gone",
                f"the service role {row.name} {amiss}: without it AWS Batch would hang in DELETING",
                f"{mended} and then run this again",
            )
        elif amiss:
            message = f"the service role {row.name} {amiss}: the environment would become INVALID"
            yield Refusal(row.address, "role-missing", message, f"make it, with {TRUST}, or name another")


def warnings(lives: Iterable[Live], stack: str, surroundings: Surroundings) -> Iterator[str]:
    """Of INVALID environments, what is wrong with their roles."""
    for live in lives:
        if _broken(live, stack):
            name = named(live.spec)
            amiss = wrong(surroundings.roles, name, linked=not ordinary_role(live.spec))
            if amiss:
                yield f"{live.address}: {live.name} is INVALID, and its service role {name} {amiss}"


def _broken(live: Live, stack: str) -> bool:
    return live.owner == stack and live.status == "INVALID"


def wrong(roles: Mapping[str, Role | Unread | None], name: str, *, linked: bool) -> str:
    """What is wrong with a role of this name; nothing where that is not known."""
    found = roles.get(name, Unread(""))
    if found is None:
        return "is not there"
    if isinstance(found, Role) and not found.trusting and not linked:
        return "does not let AWS Batch in"
    return ""


def named(spec: Mapping[str, object]) -> str:
    """The name of the service role of an environment."""
    return str(spec.get("serviceRole")).rpartition("/")[2] if ordinary_role(spec) else SERVICE_LINKED_ROLE


def _leaning(steps: Iterable[Step], lives: Iterable[Live], kind: Kind) -> Iterator[_Leaning]:
    """What each step needs; a role that an earlier step sets is the one that a later step of that object needs."""
    roles: dict[object, Mapping[str, object]] = {live.arn: live.spec for live in lives}
    for step in steps:
        said = step.arguments
        if step.call == kind.facts.create:
            if ordinary_role(said):
                yield _lean(step, said, ending=False)
        elif step.call == kind.facts.update:
            target = said.get(kind.update_key)
            if said.get("serviceRole"):
                roles[target] = said
                yield _lean(step, said, ending=False)
            if said.get("state") == "DISABLED" and target in roles:
                yield _lean(step, roles[target], ending=True)
        elif step.call == kind.facts.delete and said.get(kind.delete_key) in roles:
            yield _lean(step, roles[said.get(kind.delete_key)], ending=True)


def _lean(step: Step, spec: Mapping[str, object], *, ending: bool) -> _Leaning:
    return _Leaning(step.address, named(spec), not ordinary_role(spec), ending)
