"""Which revisions of definitions go when old ones are cleared away.

A revision goes where every rule that is asked for lets it. Whatever is asked for, there stay: the newest of a family
and the newest of ours, what the manifest pins, every family in which another stack has a revision, and what is
nobody's unless it was asked for.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby

import attrs

from plans.manifest import Manifest
from plans.normalise import matches_digest
from plans.revisions import not_pinned
from providers.kinds import Kind
from providers.lives import address_of
from providers.resources import EMPTY, REGISTERED_TAG, Live, Resource, Rollout


@attrs.frozen
class Retention:
    """What may go. `keep` counts the revisions of a family that stay beside those that are pinned, the newest included;
    None is 1, and as many and as young ones of ours as the block of the manifest keeps.
    `older_than` is in seconds: a revision of unknown age counts as young. `unused`: only what no unfinished job uses.
    `foreign`: also what is nobody's, in the stack's families and in those of `names`. `names`: only these families.
    """

    keep: int | None = attrs.field(default=None, validator=attrs.validators.optional(attrs.validators.ge(1)))
    older_than: float | None = None
    unused: bool = False
    foreign: bool = False
    names: tuple[str, ...] = ()


@attrs.frozen
class Revision:
    """What is remembered of an ACTIVE revision, of which there may be tens of thousands.

    `genuine`: it carries a stack's tags and still says what it was registered with. `registered` is in seconds since
    the epoch, None where nobody knows.
    """

    name: str
    number: int
    arn: str
    owner: str | None
    address: str | None
    genuine: bool
    registered: float | None

    @classmethod
    def of(cls, live: Live, kind: Kind) -> "Revision":
        address = address_of(live)
        return cls(
            live.name,
            live.revision or 0,
            live.arn,
            live.owner,
            None if address is None else str(address),
            live.owner is not None and address is not None and matches_digest(live, kind),
            registered(live),
        )


def registered(live: Live) -> float | None:
    """When a revision was registered, in seconds since the epoch; of one that does not tell it in UTC nobody knows."""
    try:
        told = datetime.fromisoformat(live.tags.get(REGISTERED_TAG, ""))
    except ValueError:
        return None
    return None if told.tzinfo is None else told.timestamp()


def registered_before(live: Live, moment: float) -> bool:
    """Whether a revision was registered by then; one of unknown age was not."""
    at = registered(live)
    return at is not None and at <= moment


@attrs.frozen
class Family:
    """A family of which revisions go, from old to new; `stay` are how many ACTIVE ones do not, `pinned` and `used` how
    many of them for that alone. `address` is None where it is nobody's."""

    name: str
    address: str | None
    going: tuple[Revision, ...]
    stay: int
    pinned: int = 0
    used: int = 0


@attrs.frozen
class Choice:
    """What goes, by family, and how many families were looked at. `spared` has the families that were named and are
    left alone, with the reason, `warnings` the pins that hold nothing."""

    families: tuple[Family, ...]
    looked_at: int
    spared: Mapping[str, str]
    warnings: tuple[str, ...] = ()

    @property
    def going(self) -> Iterator[Revision]:
        return (revision for family in self.families for revision in family.going)

    @property
    def count(self) -> int:
        return sum(len(family.going) for family in self.families)

    def both(self, other: "Choice") -> "Choice":
        """What goes by this choice and by a later one."""
        later = {revision.arn for revision in other.going}
        return attrs.evolve(
            self,
            families=tuple(
                attrs.evolve(family, going=going, stay=family.stay + len(family.going) - len(going))
                for family in self.families
                if (going := tuple(revision for revision in family.going if revision.arn in later))
            ),
        )


Pins = Mapping[str, frozenset[int]]
"""The numbers that are pinned, by the name of a family and by address."""


Floors = Mapping[str, tuple[Rollout, ...]]
"""What is to be kept of ours, by the name of a family and by address."""


def pins_of(manifest: Manifest) -> Pins:
    """What a manifest pins, under every name and address by which the family may be known."""
    made: dict[str, frozenset[int]] = {}
    for known, resource in _definitions(manifest):
        if resource.lifecycle.pinned:
            made[known] = made.get(known, frozenset()) | {*resource.lifecycle.pinned}
    return made


def floors_of(manifest: Manifest) -> Floors:
    """What the blocks of a manifest keep, under every name and address by which the family may be known."""
    made: dict[str, tuple[Rollout, ...]] = {}
    for known, resource in _definitions(manifest):
        made[known] = (*made.get(known, ()), resource.rollout)
    return made


def idle_pins(manifest: Manifest, revisions: Collection[Revision], names: Collection[str]) -> tuple[str, ...]:
    """The pins of a manifest that hold nothing, of the families of these names, or of all."""
    held: dict[str, set[int]] = {}
    for revision in revisions:
        if _ours(revision, manifest.stack):
            held.setdefault(str(revision.address), set()).add(revision.number)
    return tuple(
        told
        for address, resource in manifest.resources.items()
        if not names or resource.physical_name in names
        for told in not_pinned(
            resource, set().union(*(held.get(str(each), ()) for each in (address, *manifest.ownership.former(address))))
        )
    )


def _definitions(manifest: Manifest) -> Iterator[tuple[str, Resource]]:
    """The definitions, by every name and address by which the family may be known."""
    for address, resource in manifest.resources.items():
        if address.kind == "job_definition":
            former = [*manifest.ownership.former(address)]
            names = (*(manifest.name_prefix + each.name for each in former), resource.physical_name)
            for known in (*names, *map(str, (*former, address))):
                yield known, resource


def choose(
    revisions: Iterable[Revision],
    retention: Retention,
    *,
    stack: str,
    pins: Pins,
    used: Collection[str],
    now: float,
    floors: Floors = EMPTY,
) -> Choice:
    """What goes of all ACTIVE revisions of the families at hand.

    `stack` is empty where no stack is meant. `used` are the definitions of unfinished jobs, as NAME:REVISION, or NAME
    where a job does not tell which. `now` is in seconds since the epoch. `floors` count where no number is asked for.
    """
    families: list[Family] = []
    spared: dict[str, str] = {}
    looked_at = 0
    ordered = sorted(revisions, key=lambda revision: (revision.name, revision.number))
    for name, found in groupby(ordered, lambda revision: revision.name):
        family = tuple(found)
        reason = _left_alone(name, family, retention, stack)
        if reason is not None:
            if name in retention.names:
                spared[name] = reason
            continue
        looked_at += 1
        made = _family(family, retention, stack, pins, used, now, floors if retention.keep is None else EMPTY)
        if made.going:
            families.append(made)
    return Choice(tuple(families), looked_at, spared)


def ranges(revisions: Iterable[Revision]) -> str:
    """The numbers of revisions from old to new, such as `1-4, 7`."""
    rows: list[list[int]] = []
    for revision in revisions:
        if rows and rows[-1][1] + 1 == revision.number:
            rows[-1][1] = revision.number
        else:
            rows.append([revision.number, revision.number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in rows)


def _left_alone(name: str, family: Collection[Revision], retention: Retention, stack: str) -> str | None:
    """Why nothing of a family may go; None where something may."""
    if retention.names and name not in retention.names:
        return "it was not named"
    others = sorted({revision.owner for revision in family if revision.owner not in (None, stack)}, key=str)
    if others:
        return f"it belongs to stack {others[0]}"
    if any(_ours(revision, stack) for revision in family):
        return None
    if retention.foreign and name in retention.names:
        return None
    return "it is nobody's: --foreign clears it too" if retention.names else "it is nobody's"


def _ours(revision: Revision, stack: str) -> bool:
    return bool(stack) and revision.owner == stack and revision.genuine


def _family(
    family: tuple[Revision, ...],
    retention: Retention,
    stack: str,
    pins: Pins,
    used: Collection[str],
    now: float,
    floors: Floors,
) -> Family:
    """What goes of a family, given from old to new."""
    ours = [revision for revision in family if _ours(revision, stack)]
    address = ours[-1].address if ours else None
    known = {family[0].name, *(revision.address for revision in family if revision.address is not None)}
    pinned = frozenset[int]().union(*(pins.get(key, ()) for key in known))
    candidates = family if retention.foreign else ours
    counted = [revision for revision in candidates if revision.number not in pinned]
    kept = {family[-1].arn, *(revision.arn for revision in ours[-1:])}
    for floor in (floor for key in known for floor in floors.get(key, ())):
        own = [revision for revision in ours if revision.number not in pinned]
        kept |= {revision.arn for revision in own[-floor.keep :]}
        if floor.keep_for is not None:
            kept |= {revision.arn for revision in own if not _registered_by(revision, now - floor.keep_for)}
    beyond = [
        revision for revision in counted[: max(0, len(counted) - (retention.keep or 1))] if revision.arn not in kept
    ]
    if retention.older_than is not None:
        beyond = [revision for revision in beyond if _registered_by(revision, now - retention.older_than)]
    in_use = [revision for revision in beyond if retention.unused and _used(revision, used)]
    going = tuple(revision for revision in beyond if revision not in in_use)
    return Family(
        family[0].name,
        address,
        going,
        len(family) - len(going),
        sum(revision.number in pinned for revision in candidates),
        len(in_use),
    )


def _registered_by(revision: Revision, moment: float) -> bool:
    return revision.registered is not None and revision.registered <= moment


def _used(revision: Revision, used: Collection[str]) -> bool:
    return revision.name in used or f"{revision.name}:{revision.number}" in used
