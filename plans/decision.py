"""A change with what is needed to carry it out."""

from collections.abc import Mapping

import attrs

from plans.change import Change, Refusal
from providers.resources import EMPTY, Document, Live, Manner, Resource


@attrs.frozen
class Decision:
    """A change, and what is needed to carry it out.

    `spec` is what is wanted, with live values where the manifest leaves them alone and references resolved. `live` is
    the object that the change starts from; of a definition, its newest revision; of a creation, one that still leaves.
    `ours` are the revisions of a definition that this stack registered, from old to new, the older ones only where any
    may go; of an orphan, the objects to delete. `units` are the paths that an update sends. `superseded` are the
    objects that leave in favour of the one that is kept, or that is made as `manner` says; `manner` is None where
    nothing is made in place of something.
    """

    change: Change
    resource: Resource | None = None
    live: Live | None = None
    spec: Document = EMPTY
    tags: Mapping[str, str] = EMPTY
    ours: tuple[Live, ...] = ()
    units: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    warnings: tuple[str, ...] = ()
    superseded: tuple[Live, ...] = ()
    manner: Manner | None = None

    @property
    def namesake(self) -> Live | None:
        """The live object of the name, and so of the ARN, that the wanted one has or will have."""
        lives = (self.live, *self.superseded)
        return next((live for live in lives if live is not None and live.name == self.change.name), None)

    @property
    def leaving(self) -> tuple[Live, ...]:
        """The objects that are there no more after the change, revisions of a wanted definition aside."""
        return self.ours if self.resource is None else self.superseded
