"""Every error of the house, drawn as one tree.

BatchwrightError
├── InputError            what the user gave is wrong (exit 1)
│   ├── ManifestError         faults of a manifest, all at once
│   ├── PlanFileError         a plan file that is damaged, edited or of another format
│   ├── StoreError            a journal, lock, simulator file or store that cannot be read
│   │   └── UnknownRun            the controller's store has no run of that id
│   ├── UnknownStack          the controller has no stack of that name
│   └── TargetUnusable        a target of the controller that cannot be called as it is said
├── RefusedError          nothing was done, on purpose (exit 3)
│   ├── PlanRefused           the plan holds refusals
│   ├── StalePlan             the world, the rules or the policy moved since the plan was made
│   ├── LockHeld              another run holds the lock
│   └── NotConfirmed          the prompt was declined, or there was no terminal to ask on
├── CallError             a call to AWS did not do what was asked
│   ├── Throttled             429: slow down, then again
│   ├── ServerFault           5xx: again
│   ├── Unreachable           no connection was made: nothing was done, again
│   ├── AnswerLost            sent, but no answer: it may have been done
│   ├── InTransition          "resource is being modified": again, later
│   ├── StillReferenced       "existing JobQueue relationship": again, later
│   ├── AlreadyExists         the name is taken
│   ├── NotFound              there is no such object
│   ├── AccessDenied          the caller may not do this
│   ├── CredentialsMissing    no credentials, or no region, to call with
│   ├── CredentialsExpired    they ended on the way (exit 4: run the same command again)
│   ├── UnknownOperation      this endpoint does not know the operation
│   └── Rejected              anything else that AWS refuses
├── WaitError             a call was accepted and its goal was not reached
│   ├── BecameInvalid         AWS settled on INVALID
│   ├── DeadlinePassed        the goal was not reached in time
│   ├── JobsFound             a queue that is to be deleted holds unfinished jobs
│   ├── TrialFailed           a trial job failed
│   └── Retiring              jobs still run on an environment that is to go (exit 4: run the same command again)
├── SourceError           what a controller keeps did not come
│   ├── SourceAway            it cannot be reached, or not in time: again, later
│   └── SourceRefused         it came, and is not taken: unsigned, too large, of a foreign protocol, leaving its tree
├── LockLost              the lock is another's now, or could not be renewed: nothing more was changed (exit 4)
├── ChangedMeanwhile      somebody else changed what was to be changed, so that it was not (exit 4)
├── NotConverged          after an apply the world still differs (exit 4)
└── Interrupted           a signal ended the run before anything was done (exit 130 or 143)

Each leaf answers two questions for its handlers: may the same call be sent again (`retryable`), and with which
code does a command end because of it (`exit_code`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import attrs


@attrs.frozen
class Fault:
    """One thing wrong in a file: where it stands, what is wrong, and what to do.

    `line` and `column` count from 1; both are 0 where the place is not known.
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        path = f" {self.path}:" if self.path else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}:{path} {self.message}{hint}"


@attrs.frozen
class BatchwrightError(Exception):
    """What was attempted and what happened; on which address; what the reader can do."""

    message: str
    address: str | None = None
    hint: str | None = None

    _ends_with: ClassVar[int] = 1
    retryable: ClassVar[bool] = False

    @property
    def exit_code(self) -> int:
        """The code with which a command ends because of it; of a signal 128 and its number."""
        return self._ends_with

    def __str__(self) -> str:
        return f"{self.address}: {self.message}" if self.address else self.message


@attrs.frozen
class InputError(BatchwrightError):
    """What the user gave is wrong."""


@attrs.frozen
class ManifestError(InputError):
    """A manifest with faults; all of them, in the order of files and lines."""

    faults: Sequence[Fault] = ()

    def __str__(self) -> str:
        return "\n".join([self.message, *(str(fault) for fault in self.faults)])


@attrs.frozen
class PlanFileError(InputError):
    """A plan file that is damaged, edited by hand, or of another format."""


@attrs.frozen
class StoreError(InputError):
    """A journal, lock, simulator file or store of a controller that cannot be read or written."""


@attrs.frozen
class UnknownRun(StoreError):
    """The store of a controller has no run of that id, as one that ended long ago."""


@attrs.frozen
class UnknownStack(InputError):
    """The controller has no stack of that name."""


@attrs.frozen
class TargetUnusable(InputError):
    """A target of the controller that cannot be called as it is said."""


@attrs.frozen
class RefusedError(BatchwrightError):
    """Nothing was done, on purpose."""

    _ends_with: ClassVar[int] = 3


@attrs.frozen
class PlanRefused(RefusedError):
    """The plan holds refusals; `plan` is that plan."""

    plan: object = None


@attrs.frozen
class StalePlan(RefusedError):
    """The world, the rules or the policy moved since the plan was made."""


@attrs.frozen
class LockHeld(RefusedError):
    """Another run holds the lock of this account, region and stack."""


@attrs.frozen
class NotConfirmed(RefusedError):
    """The prompt was declined, or there was no terminal to ask on."""


@attrs.frozen
class CallError(BatchwrightError):
    """A call to AWS failed. `message` holds AWS's own words; `status` is the HTTP status, 0 where there was none."""

    operation: str = ""
    code: str = ""
    status: int = 0
    request_id: str = ""

    def __str__(self) -> str:
        where = f"{self.address}: " if self.address else ""
        code = f" ({self.code})" if self.code else ""
        request = f" [request {self.request_id}]" if self.request_id else ""
        attempted = f"{self.operation}: " if self.operation else ""
        return f"{where}{attempted}{self.message}{code}{request}"


@attrs.frozen
class Throttled(CallError):
    """HTTP 429, `TooManyRequestsException`."""

    retryable: ClassVar[bool] = True


@attrs.frozen
class ServerFault(CallError):
    """HTTP 5xx."""

    retryable: ClassVar[bool] = True


@attrs.frozen
class Unreachable(CallError):
    """No connection was made, so nothing was done."""

    retryable: ClassVar[bool] = True


@attrs.frozen
class AnswerLost(CallError):
    """The request went out and no answer came back: it may have been done."""

    retryable: ClassVar[bool] = True


@attrs.frozen
class InTransition(CallError):
    """`resource is being modified`: the object has not settled yet."""

    retryable: ClassVar[bool] = True


@attrs.frozen
class StillReferenced(CallError):
    """`found existing JobQueue relationship`: AWS's index of relations lags behind the queue's update."""

    retryable: ClassVar[bool] = True


@attrs.frozen
class AlreadyExists(CallError):
    """The name is taken (HTTP 409, or the words `already exists`)."""


@attrs.frozen
class NotFound(CallError):
    """There is no such object."""


@attrs.frozen
class AccessDenied(CallError):
    """The caller may not do this."""


@attrs.frozen
class CredentialsMissing(CallError):
    """There are no credentials, or there is no region, to call with."""


@attrs.frozen
class CredentialsExpired(CallError):
    """The credentials ended on the way."""

    _ends_with: ClassVar[int] = 4


@attrs.frozen
class UnknownOperation(CallError):
    """This endpoint does not know the operation."""


@attrs.frozen
class Rejected(CallError):
    """AWS refuses the request for any other reason."""


@attrs.frozen
class WaitError(BatchwrightError):
    """A call was accepted and its goal was not reached."""


@attrs.frozen
class BecameInvalid(WaitError):
    """AWS settled on INVALID; `message` holds its status reason."""


@attrs.frozen
class DeadlinePassed(WaitError):
    """The goal was not reached before its deadline."""


@attrs.frozen
class JobsFound(WaitError):
    """A queue that is to be deleted holds unfinished jobs."""


@attrs.frozen
class TrialFailed(WaitError):
    """A trial job failed; `message` holds what AWS tells of its last attempt."""


@attrs.frozen
class Retiring(WaitError):
    """Jobs have not ended on an environment, or in a queue, that was replaced or removed; it takes no more of them."""

    _ends_with: ClassVar[int] = 4


@attrs.frozen
class SourceError(BatchwrightError):
    """What a controller keeps did not come from where it lies; the last that came is still good."""


@attrs.frozen
class SourceAway(SourceError):
    """It cannot be reached, or not in time."""

    retryable: ClassVar[bool] = True


@attrs.frozen
class SourceRefused(SourceError):
    """What came, or where it was to come from, breaks a rule, and would break it again."""


@attrs.frozen
class LockLost(BatchwrightError):
    """The lock was lost in the middle of a run: nothing is changed from then on."""

    _ends_with: ClassVar[int] = 4


@attrs.frozen
class ChangedMeanwhile(BatchwrightError):
    """An object is not as it was when the plan was made: what was to be done with it was not done.

    `before` and `now` have by path what differs, None where nothing is said.
    """

    before: Mapping[str, Any] = attrs.field(factory=dict)
    now: Mapping[str, Any] = attrs.field(factory=dict)

    _ends_with: ClassVar[int] = 4


@attrs.frozen
class NotConverged(BatchwrightError):
    """After an apply the world still differs from the manifest; `message` names the paths."""

    _ends_with: ClassVar[int] = 4


@attrs.frozen
class Interrupted(BatchwrightError):
    """A signal ended the run before anything was changed; `signal` is its number."""

    signal: int = 2

    @property
    def exit_code(self) -> int:
        return 128 + self.signal
