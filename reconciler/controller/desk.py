"""What those who come in by HTTP may know of the loop, and ask of it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from reconciler.controller.status import Status


class Desk(Protocol):
    """All methods may be called from any thread, and are quick.

    `who` is the name of the token that asked, for the record. A stack that there is none of is `UnknownStack` where it
    is not None. `alive`, `ready` and `hint` are answered from memory, since nothing else is answered meanwhile.
    """

    def statuses(self) -> Sequence[Status]:
        """Of every stack, by name."""

    def status(self, stack: str) -> Status | None: ...

    def runs(self, stack: str, limit: int) -> Sequence[Mapping[str, Any]]:
        """The last runs, each with the attributes of a `Run` of the store, the newest first."""

    def plan(self, stack: str) -> Mapping[str, Any] | None:
        """The plan at hand as `plan --json` prints it, masked; None where there is none."""

    def approve(self, stack: str, plan: str, who: str) -> None:
        """Let the plan of this id be carried out; `StalePlan` where it is not the one at hand.

        Here and below: `LockHeld` where another controller leads, `StoreError` where the store does not answer.
        """

    def look(self, stack: str, who: str) -> None:
        """Reconcile as soon as may be."""

    def suspend(self, stack: str, suspended: bool, who: str) -> None: ...

    def override(self, stack: str, plan: str, who: str) -> None:
        """Let the plan of this id begin outside the windows, within a day; `StalePlan` where it is not the one at
        hand."""

    def hint(self, source: str) -> None:
        """Fetch that source soon: a webhook came. Many hints before the fetch are one."""

    def alive(self) -> str | None:
        """What is wrong such that a restart may mend it, or None."""

    def ready(self) -> str | None:
        """Why nothing can be asked yet (it does not lead, nothing was fetched yet), or None."""
