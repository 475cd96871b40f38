"""What whoever runs this asks for beside the manifest, for this once."""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from providers.errors import InputError
from providers.kinds import Kinds
from providers.resources import Address, Resource


def _names(given: Iterable[str]) -> frozenset[str]:
    return frozenset(given)


def _addresses(given: Iterable[Address]) -> frozenset[Address]:
    return frozenset(given)


_CHOOSE = "choose it too, with --only %s, or ask in a run of its own"


@attrs.frozen
class Asked:
    """What is asked for this once; nothing, unless it is said.

    `only`: nothing but these and what depends on them, all where empty; nothing is deleted then. `replace`: a new
    object takes the place of each of these. `repair`: what AWS calls INVALID is sent once more what AWS complains of.
    `update_image`: these environments take the newest image. `set_quantity`: the total of these consumable resources
    is set although jobs use it up. `move_references`: queues of others, by name, that are moved along with what is
    replaced under them.
    """

    only: frozenset[Address] = attrs.field(default=frozenset(), converter=_addresses)
    replace: frozenset[Address] = attrs.field(default=frozenset(), converter=_addresses)
    repair: bool = False
    update_image: frozenset[Address] = attrs.field(default=frozenset(), converter=_addresses)
    set_quantity: frozenset[Address] = attrs.field(default=frozenset(), converter=_addresses)
    move_references: frozenset[str] = attrs.field(default=frozenset(), converter=_names)

    def afterwards(self) -> "Asked":
        """What is still asked once it was done: where to look, and nothing to do."""
        return Asked(only=self.only, move_references=self.move_references)

    def check(self, blocks: Mapping[Address, Resource], kinds: Kinds) -> None:
        """Raise InputError for an address of which a manifest has no block, for which this cannot be asked, or that is
        not chosen."""
        for addresses, kind, told in (
            (self.replace, None, "an object is replaced at KIND.NAME"),
            (self.set_quantity, "consumable_resource", "a quantity is set of consumable_resource.NAME"),
            (self.update_image, "compute_environment", "an image is updated of compute_environment.NAME"),
        ):
            for address in sorted(addresses):
                if kind is None and address in blocks and kinds[address.kind].facts.revisions:
                    raise InputError(f"{address} is not replaced: it changes by new revisions", hint=told)
                if kind not in (None, address.kind) or address not in blocks:
                    what = f"{kinds[kind].title} {address}" if kind else str(address)
                    raise InputError(f"the manifest has no {what}", hint=told)
                if self.only and address not in self.only:
                    raise InputError(
                        f"something is asked of {address}, which --only leaves out", hint=_CHOOSE % address
                    )

    def to_json(self) -> Mapping[str, Any]:
        """Its fields as JSON, addresses as text and in order."""
        return {
            name: value if isinstance(value, bool) else sorted(map(str, value))
            for name, value in attrs.asdict(self, recurse=False).items()
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Asked":
        """Read what `to_json` wrote; raises LookupError, TypeError or ValueError where it did not."""
        return cls(
            **{
                name: map(Address.parse, document[name]) for name in ("only", "replace", "update_image", "set_quantity")
            },
            repair=bool(document["repair"]),
            move_references=document["move_references"],
        )


NOTHING = Asked()
