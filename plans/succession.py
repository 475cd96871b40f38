"""The steps of a replacement, around those that make the new object.

Whatever uses the old one is moved by one update of the whole list each, at the same place in the order, so that at no
moment a queue is without what it had; then the old one is retired. A queue whose own change says the list anyway is
moved by that. Under a name that stays there is a moment without: `twoHop` has a third object carry the users
meanwhile, `deleteFirst` takes the old one out of their lists.

Sources: the ask of a decade, hashicorp/terraform-provider-aws#2044; UpdateJobQueue of the AWS Batch API reference, for
the list that is sent whole.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import attrs

from plans import paths
from plans.arrivals import make
from plans.chains import SETTLED, Lowered, chain, settle, step
from plans.change import Action, Refusal
from plans.decision import Decision
from plans.graph import dependencies
from plans.naming import successor
from plans.normalise import normalise
from plans.plan import Goal, Step
from plans.removals import retire
from plans.replacement import heir, works
from plans.users import Users, members
from plans.world import World
from providers.kinds import Kind
from providers.lives import referred
from providers.resources import Address, Live, Ref

Rewrite = Callable[[Any], Any]


@attrs.define
class Succession:
    """Replacements on their way to steps.

    `said` is what each list of a user will hold by then, and the step that says it; `moves` counts those steps.
    `over` are the changes that have all their steps, `back` those of them that delete first. `outages` are those that
    leave a user for a while without anything that works.
    """

    world: World
    users: Users
    refusals: list[Refusal] = attrs.field(factory=list)
    said: dict[tuple[str, str], tuple[Any, str]] = attrs.field(factory=dict)
    moves: Counter[tuple[Address, str]] = attrs.field(factory=Counter)
    back: set[Address] = attrs.field(factory=set)
    over: set[Address] = attrs.field(factory=set)
    outages: set[Address] = attrs.field(factory=set)

    def carried_out(self, decision: Decision, before: Sequence[str]) -> Iterable[Step]:
        """All steps of a change to what is wanted, behind these steps of others."""
        steps = tuple(self._carried_out(decision, before))
        self.over.add(decision.change.address)
        return steps

    def _carried_out(self, decision: Decision, before: Sequence[str]) -> Iterable[Step]:
        own = self.users.lowered[decision.change.address]
        if not decision.superseded or decision.refusals or decision.manner == "refuse":
            return own.behind(before)
        self.refusals += self.users.unseen(decision)
        match decision.manner:
            case "twoHop":
                return self.two_hops(decision, before)
            case "deleteFirst":
                return self.delete_first(decision, before)
            case _:
                taken_over = self.taken_over(decision, decision.superseded, heir(decision), own.last or before)
                return [*own.behind(before), *taken_over.steps]

    def taken_over(
        self,
        decision: Decision,
        lives: Sequence[Live],
        to: str | Ref | None,
        after: Sequence[str],
        *,
        first: bool = False,
    ) -> Lowered:
        """The users of these objects moved to another, and then the objects retired; `first` as in `moved`."""
        steps: list[Step] = []
        last: list[str] = []
        arns = _told(lives)
        for live in lives:
            moves, freed = self.moved(decision, live, arns, lambda value: _swapped(value, arns, to), after, first=first)
            retired = retire(decision, live, self.world, f":{live.name}")
            steps += [*moves, *retired.behind([*after, *freed])]
            last += retired.last
        return Lowered(tuple(steps), tuple(last))

    def two_hops(self, decision: Decision, before: Sequence[str]) -> Iterable[Step]:
        """The users move to a third object, the old one is made anew under its name, and they move back."""
        address, kind = decision.change.address, self.world.kinds[decision.change.kind]
        old = next((live for live in decision.superseded if live.name == decision.change.name), None)
        others = [live for live in decision.superseded if live is not old]
        made = self.users.lowered[address]
        if old is None:
            return [
                *made.behind(before),
                *self.taken_over(decision, others, Ref(address), made.last).steps,
            ]
        carrier = next((live for live in others if carries(live)), None)
        hop = Lowered()
        if carrier is not None:
            hop = chain(settle(decision, carrier, kind, f":{carrier.name}"))
            others = [attrs.evolve(live, status="VALID") if live is carrier else live for live in others]
        if carrier is None and old.status != "DELETING":
            carrier = self.third(decision, old, kind)
            hop = make(attrs.evolve(decision, spec=carrier.spec), kind, carrier.name)
            others = [*others, carrier]
        if carrier is None:
            away = retire(decision, old, self.world, f":{old.name}")
        else:
            away = self.taken_over(decision, [old], carrier.arn, hop.last or before, first=True)
        back = self.taken_over(decision, others, old.arn, made.last)
        return [*hop.behind(before), *away.steps, *made.behind([*before, *away.last]), *back.steps]

    def third(self, decision: Decision, old: Live, kind: Kind) -> Live:
        """The object that carries the users of an old one while that is made anew, as it will be."""
        wanted = normalise(decision.spec, kind, lambda _kind, reference: str(reference))
        name = successor(decision.change.name, wanted, old.name, lambda made: bool(self.world.at_name(kind.name, made)))
        arn = old.arn.removesuffix(old.name) + name
        return Live(kind.name, name, arn, {**decision.spec, "state": "ENABLED"}, decision.tags, "VALID")

    def delete_first(self, decision: Decision, before: Sequence[str]) -> Iterable[Step]:
        """The old object is taken out of the lists of its users, deleted, made anew, and put back."""
        address = decision.change.address
        arns = _told(decision.superseded)
        steps: list[Step] = []
        gone: list[str] = []
        moved: dict[str, Live] = {}
        for live in decision.superseded:
            moves, freed = self.moved(
                decision, live, arns, lambda value: _without(value, arns), before, first=True, emptied=True
            )
            moved |= {user.arn: user for user in self.world.users(live)}
            retired = retire(decision, live, self.world, f":{live.name}")
            steps += [*moves, *retired.behind([*before, *freed])]
            gone += retired.last
        made = self.users.lowered[address]
        steps += made.behind([*before, *gone])
        same = heir(decision)
        for user in moved.values():
            kind = self.world.kinds[user.kind]
            for member in members(kind, decision.change.kind):
                if (user.arn, member) in self.said and not self.says(user, member):
                    value = _swapped(user.spec.get(member), arns, same)
                    steps.append(self.move(decision, user, kind, member, value, made.last))
        self.back.add(address)
        return steps

    def moved(
        self,
        decision: Decision,
        live: Live,
        arns: Collection[str],
        rewrite: Rewrite,
        after: Sequence[str],
        *,
        first: bool = False,
        emptied: bool = False,
    ) -> tuple[list[Step], list[str]]:
        """The steps that make the users of an object let go of it, and the last steps of all that do.

        `first`: before the new one is made, and so before whatever waits for that. `emptied`: what is left of a list
        after it may be nothing, which AWS takes of no queue.
        """
        steps: list[Step] = []
        freed: list[str] = []
        carried = [arn for (arn, _), (value, _) in self.said.items() if paths.mentions(value, [live.arn])]
        users = {user.arn: user for user in (*self.world.users(live), *(self.world.by_arn[arn] for arn in carried))}
        for user in users.values():
            kind = self.world.kinds[user.kind]
            own = self.users.letting_go(user, arns, decision)
            if own is not None and not (first and self.waits(user, decision)):
                freed += own
            elif user.status == "DELETING":
                continue
            elif not self.movable(user, kind, decision.change.kind):
                hint = "let it go first"
                if self.takes_another(kind, decision.change.kind):
                    hint += f", or move it along with --move-foreign-references {user.name}"
                self.refusals.append(self.users.in_use(decision, user, hint))
            else:
                for member in members(kind, decision.change.kind):
                    value, last = self.said.get((user.arn, member), (user.spec.get(member), ""))
                    if paths.mentions(value, arns):
                        there = rewrite(value)
                        behind, anew = after, False
                        if emptied and there in ([], None):
                            there, behind = self.instead(decision, user, member, arns)
                            anew = True
                        if emptied and not self.serves(there, kind, member, decision.change.kind, anew=anew):
                            self.outages.add(decision.change.address)
                        if emptied and not there:
                            self.refusals.append(_nothing_left(decision, user, self.world))
                            continue
                        steps.append(self.move(decision, user, kind, member, there, [*after, *behind]))
                        last = steps[-1].id
                    freed += [last] if last else []
        return steps, freed

    def instead(
        self, decision: Decision, user: Live, member: str, arns: Collection[str]
    ) -> tuple[list[Any], Sequence[str]]:
        """What a list can hold that has nothing else, as a run leaves it that was cut short: what its own change adds,
        which is there or made without waiting for this in turn; and the steps after which it is."""
        own = self.users.by_arn.get(user.arn)
        added = own.spec.get(member) if own is not None and own.resource is not None else None
        if not isinstance(added, list | tuple):
            return [], ()
        for address, other in self.users.decisions.items():
            made = self.users.lowered[address]
            idle = address in self.back or not any(self.world.users(live) for live in other.superseded)
            if other is decision or other.resource is None or other.refusals or not idle:
                continue
            known = [str(Ref(address)), *(live.arn for live in (other.live, other.namesake) if live is not None)]
            anew = other.manner is not None or other.change.action is Action.CREATE
            if not anew and other.live is not None and not carries(other.live):
                continue
            there = [item for item in added if paths.mentions(item, known)]
            if there and not paths.mentions(there, arns):
                return there, made.last
        return [], ()

    def serves(self, value: Any, kind: Kind, member: str, target: str, *, anew: bool) -> bool:
        """Whether anything works that a list of a user names by then; `anew`: what it names is made before."""
        for reference in referred({member: value}, kind, target):
            live = self.world.by_arn.get(str(self.world.shown(target, reference)))
            own = self.users.by_arn.get(live.arn) if live is not None else None
            if isinstance(reference, Ref):
                live, own = None, self.users.decisions.get(reference.address)
            made = live is None or anew or (own is not None and (own.units or own.change.address in self.over))
            if own is not None and own.resource is not None and made:
                serving = own.spec.get("state") != "DISABLED"
            else:
                serving = live is not None and works(live)
            if serving:
                return True
        return False

    def waits(self, user: Live, decision: Decision) -> bool:
        """Whether a user's own change comes after another change, by what it needs."""
        waiting, seen = [self.users.by_arn[user.arn].change.address], set[Address]()
        while waiting:
            own = self.users.decisions.get(waiting.pop())
            if own is not None and own.resource is not None and own.change.address not in seen:
                seen.add(own.change.address)
                waiting += dependencies(own.resource, self.world.kinds)
        return decision.change.address in seen

    def says(self, user: Live, member: str) -> bool:
        """Whether a user's own change says this member anyway."""
        own = self.users.by_arn.get(user.arn)
        return own is not None and own.resource is not None and member in own.units

    def movable(self, user: Live, kind: Kind, target: str) -> bool:
        """Whether a user may be moved: ours, or named by whoever runs this, and of a kind that takes another."""
        ours = user.owner == self.world.stack or user.name in self.world.asked.move_references
        return ours and self.takes_another(kind, target)

    def takes_another(self, kind: Kind, target: str) -> bool:
        """Whether an update of what is of one kind takes another reference to what is of a second."""
        said = members(kind, target)
        return kind.facts.update is not None and any(member in kind.update_spec.members for member in said)

    def move(self, decision: Decision, user: Live, kind: Kind, member: str, value: Any, after: Sequence[str]) -> Step:
        """One update of a whole list, behind what was said of it before."""
        before = self.said.get((user.arn, member), (None, ""))[1]
        times = self.moves[decision.change.address, user.arn]
        self.moves[decision.change.address, user.arn] += 1
        suffix = f":{user.name}" + (f":{times}" if times else "")
        made = step(
            "move",
            decision,
            kind.facts.update,
            arguments={kind.update_key: user.arn, member: value},
            goal=Goal(kind.name, user.name, "settled", {member: value}, SETTLED),
            why=f"the {kind.title} {user.name} has to let go of what is replaced",
            after=tuple(sorted({*after, *filter(None, [before]), *self.settled(decision, user, value)})),
            suffix=suffix,
        )
        self.said[user.arn, member] = (value, made.id)
        return made

    def settled(self, decision: Decision, user: Live, value: Any) -> Iterable[str]:
        """The steps after which all that a list names is VALID, as AWS demands of every entry; what never will be is
        refused."""
        for live in self.world.by_arn.values():
            if live in decision.leaving or not paths.mentions(value, [live.arn]):
                continue
            own = self.users.by_arn.get(live.arn)
            if own is not None and own.manner is None and own.units:
                yield from self.users.lowered[own.change.address].last
            elif live.status == "INVALID" and (own is None or own.manner is None):
                message = f"{live.name}, which {user.name} names too, is INVALID ({live.status_reason})"
                hint = "AWS takes only VALID entries: repair it, or take it out of that list"
                self.refusals.append(Refusal(str(decision.change.address), "invalid-environment", message, hint))


def carries(live: Live) -> bool:
    """Whether the users of another can be at this object for a while."""
    return live.status in ("VALID", "CREATING", "UPDATING") and live.state != "DISABLED"


def _nothing_left(decision: Decision, user: Live, world: World) -> Refusal:
    title, used = world.kinds[user.kind].title, world.kinds[decision.change.kind].title
    message = f"the {title} {user.name} has no other {used}, and cannot be without"
    hint = "say lifecycle.replace: twoHop, or createFirst without a physicalName, or give it another first"
    return Refusal(str(decision.change.address), "nothing-left", message, hint)


def _told(lives: Iterable[Live]) -> list[str]:
    """How users may name these objects: AWS shows ARNs, other endpoints names."""
    return [told for live in lives for told in (live.arn, live.name)]


def _swapped(value: Any, arns: Collection[str], to: Any) -> Any:
    """A value in which references to some objects are references to another; what is then there twice is there once."""
    arns = [arn for arn in arns if arn != to]
    match value:
        case dict():
            return {key: _swapped(item, arns, to) for key, item in value.items()}
        case list() | tuple():
            made: list[Any] = []
            there = any(paths.mentions(item, [str(to)]) for item in value)
            for item in value:
                if paths.mentions(item, arns):
                    if not there:
                        made.append(_swapped(item, arns, to))
                    there = True
                else:
                    made.append(item)
            return made
        case _:
            return to if paths.mentions(value, arns) else value


def _without(value: Any, arns: Collection[str]) -> Any:
    return [item for item in value if not paths.mentions(item, arns)] if isinstance(value, list | tuple) else None
