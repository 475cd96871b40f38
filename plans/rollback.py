"""Going back: the content of an older revision of a definition, registered once more as the newest.

AWS starts jobs with the newest ACTIVE revision of a family, and no call makes an older one the newest. So what the
older one says becomes a manifest of one block, and goes the way of every manifest. Nothing is deregistered for it.
"""

import sys
from collections.abc import Mapping, Sequence

import attrs

from plans.manifest import Manifest
from plans.normalise import matches_digest, normalise
from plans.policy import Policy
from providers.errors import InputError, RefusedError
from providers.kinds import Kind
from providers.resources import EMPTY, HOUSE_TAG_PREFIX, Address, Document, Live, Resource, Rollout


@attrs.frozen
class Rollback:
    """From the content of the `newest` revision back to that of an `older` one.

    `manifest` has the one block that says so; it is None where both say the same already.
    """

    address: Address
    newest: Live
    older: Live
    manifest: Manifest | None


def family_of(stack: str, address: Address, definitions: Sequence[Live], kind: Kind, place: str) -> str:
    """The name of the family that a stack has at an address; `definitions` are the ACTIVE revisions of a `place`.

    Raises InputError where there is none, RefusedError where there are several.
    """
    names = {
        live.name
        for live in definitions
        if live.owner == stack and live.address == str(address) and matches_digest(live, kind)
    }
    if not names:
        known = sorted({str(live.address) for live in definitions if live.owner == stack and live.address is not None})
        hint = f"it has {', '.join(known[:5])}" if known else "it has no job definition there"
        raise InputError(f"stack {stack} has no ACTIVE revision at {address} in {place}", hint=hint)
    if len(names) > 1:
        told = f"{', '.join(sorted(names))} all carry the address {address} of stack {stack}"
        raise RefusedError(told, hint="apply its manifest first, which tells what becomes of them")
    return names.pop()


def earlier(stack: str, family: Sequence[Live], kind: Kind) -> Live:
    """Of the ACTIVE revisions of a family, from old to new, the last before the newest that this stack registered,
    that still says what it was registered with, and that says something else than the newest.

    Raises InputError where there is none.
    """
    newest = family[-1]
    for live in reversed(family[:-1]):
        if live.owner == stack and matches_digest(live, kind) and not _same(live, newest, kind):
            return live
    raise InputError(
        f"{newest.name} has no ACTIVE revision before {newest.revision} of this stack that says anything else",
        hint="--to takes the number of an INACTIVE one too; AWS keeps those for 180 days",
    )


def rolled_back(wanted: Manifest, address: Address, newest: Live, older: Live, kind: Kind) -> Rollback:
    """What it takes to go back; `wanted` gives the stack, the target and the policy.

    Raises RefusedError where the installed botocore dropped something that the older revision says.
    """
    if _same(older, newest, kind):
        return Rollback(address, newest, older, None)
    lost = _said(older.unknown) or (_said(newest.unknown) if _equal(older, newest, kind) else ())
    if lost:
        told = f"revision {older.revision} of {older.name} cannot be told from what it would be without"
        raise RefusedError(
            f"{told} {', '.join(lost)}: the installed botocore does not know that, and the new revision would lose it",
            hint="update boto3",
        )
    block = Resource(
        address,
        older.name,
        older.spec,
        _own_tags(older.tags),
        rollout=Rollout(keep=sys.maxsize, foreign="supersede", migrate=True),
        fixed_name=True,
    )
    made = Manifest(wanted.stack, {address: block}, target=wanted.target, policy=_nothing_but_this(wanted.policy))
    return Rollback(address, newest, older, made)


def _nothing_but_this(policy: Policy) -> Policy:
    """The policy of a manifest that is not all of its stack, and in which every path counts."""
    said = policy.said | {"prune", "adopt", "ignore"}
    return attrs.evolve(policy, prune=False, adopt=False, ignore=(), said=said)


def _equal(one: Live, other: Live, kind: Kind) -> bool:
    return normalise(one.spec, kind) == normalise(other.spec, kind)


def _same(one: Live, other: Live, kind: Kind) -> bool:
    """Whether two revisions say the same, as far as the installed botocore shows it and beyond."""
    return _equal(one, other, kind) and one.unknown == other.unknown


def _said(unknown: Document) -> tuple[str, ...]:
    """The paths of what is unknown, but for what says nothing."""
    return tuple(path for path, value in unknown.items() if value not in (None, "", [], {}))


def _own_tags(tags: Mapping[str, str]) -> Mapping[str, str]:
    """The tags that are neither ours nor AWS's."""
    own = {
        key: value
        for key, value in tags.items()
        if not key.startswith(HOUSE_TAG_PREFIX) and not key.lower().startswith("aws:")
    }
    return own or EMPTY
