"""Who uses what goes: whether their own changes let go of it, and what stands in the way where they do not."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import attrs

from plans.chains import Lowered
from plans.change import Action, Refusal
from plans.decision import Decision
from plans.world import World
from providers.kinds import Kind
from providers.lives import referred
from providers.resources import Address, Live


@attrs.frozen
class Users:
    """All changes with their steps, by address; `by_arn` finds the change of a live object."""

    world: World
    lowered: Mapping[Address, Lowered]
    decisions: Mapping[Address, Decision]
    by_arn: Mapping[str, Decision]

    @classmethod
    def of(cls, decisions: Sequence[Decision], lowered: Mapping[Address, Lowered], world: World) -> "Users":
        return cls(
            world,
            lowered,
            {decision.change.address: decision for decision in decisions},
            {
                live.arn: decision
                for decision in decisions
                for live in (*decision.superseded, *decision.ours, *([decision.live] if decision.live else ()))
            },
        )

    def gone(self, decision: Decision) -> tuple[list[str], list[Refusal]]:
        """The steps after which nothing refers any more to what is to go, and what stands in their way."""
        before: list[str] = []
        refused = list(self.unseen(decision))
        users = {user.arn: user for live in decision.ours for user in self.world.users(live)}
        for user in users.values():
            last = self.letting_go(user, [live.arn for live in decision.ours], decision)
            if last is not None:
                before += last
            elif user.status != "DELETING":
                refused.append(self.in_use(decision, user, "let its user go first, or put it back into the manifest"))
        return before, refused

    def unseen(self, decision: Decision) -> Iterable[Refusal]:
        """What cannot be read here may use what is to go."""
        for kind in self.world.kinds:
            reason = self.world.snapshot.unobserved.get(kind.name)
            if reason is not None and decision.leaving and decision.change.kind in kind.references.values():
                message = f"whether a {kind.title} uses {decision.leaving[-1].name} cannot be told: {reason}"
                kept = ", or keep it with policy.prune: false" if decision.resource is None else ""
                yield Refusal(str(decision.change.address), "in-use-unknown", message, f"allow the reading{kept}")

    def letting_go(self, user: Live, arns: Collection[str], decision: Decision) -> tuple[str, ...] | None:
        """The steps after which a user is gone, or refers to none of these any more; None where it still would."""
        own = self.by_arn.get(user.arn)
        if own is None:
            return None
        if own.resource is None:
            return self.lowered[own.change.address].last if user in own.ours else None
        kind = self.world.kinds[own.change.kind]
        kept = {str(arn) for arn in referred(own.spec, kind, decision.change.kind)}
        said = [*members(kind, decision.change.kind)]
        anew = own.change.action in (Action.CREATE, Action.REGISTER)
        changed = anew or any(unit.partition(".")[0] in said for unit in own.units)
        return self.lowered[own.change.address].last if changed and not kept & set(arns) else None

    def in_use(self, decision: Decision, user: Live, hint: str) -> Refusal:
        owner = f"of stack {user.owner}" if user.owner else "of no stack"
        used = next((live for live in decision.leaving if user in self.world.users(live)), None)
        name = used.name if used is not None else decision.change.name
        message = f"{name} is used by the {self.world.kinds[user.kind].title} {user.name} {owner}"
        return Refusal(str(decision.change.address), "in-use", message, hint)


def members(kind: Kind, target: str) -> Iterable[str]:
    """The top-level members in which documents of a kind refer to another."""
    return dict.fromkeys(
        path.partition(".")[0].removesuffix("[]") for path, name in kind.references.items() if name == target
    )
