"""A plan: every change, and the steps that carry them out, in order."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

import attrs

from plans.change import Action, Change, Refusal
from providers.resources import EMPTY, Address, Document

FORMAT = 1

When = Literal["ok", "failed", "always"]
Until = Literal["settled", "disabled", "gone", "unreferenced", "drained", "succeeded", "seen"]


@attrs.frozen
class Now:
    """Stands in arguments for the time of the call (ISO 8601, UTC), so that a plan's id does not hang on the clock."""


NOW = Now()


@attrs.frozen
class Token:
    """Stands in arguments for a client token, drawn once for a call: its repeats are then the same request to AWS."""


TOKEN = Token()


@attrs.frozen
class Goal:
    """What a wait waits for.

    `expect` maps paths of the normal form to the values that must be seen there, None for a path that must be unset;
    `tags[KEY]` stands for a tag. `deadline` is in seconds from the call; of a queue, or a quota share, that is to be
    `drained` none means that there must be no jobs already.
    """

    kind: str
    name: str
    until: Until
    expect: Mapping[str, Any] = EMPTY
    deadline: float = 600.0


@attrs.frozen
class Step:
    """One call and the wait for what it brings about, or a wait alone (`call` None).

    `call` is the API operation as botocore spells it; `arguments` may hold `Ref`s to what an earlier step makes,
    `NOW` and `TOKEN`. `after` names the steps that come before. `when`: `ok` runs after success, `failed` only if a
    step of `after` failed, `always` in either case.

    Where a queue, or a quota share, is to be `drained`, `arguments` are those of the listing of its jobs, with the
    `reason` for which `call` ends them, if that is not the listing itself. Several jobs are ended in one call where the
    service has one for that.

    Where a job is to be `gone`, `arguments` tell it from others, as those of the SubmitJob that made it did, with the
    `reason` for which `call` ends it.
    """

    id: str
    address: str
    call: str | None
    arguments: Document = EMPTY
    goal: Goal | None = None
    after: tuple[str, ...] = ()
    when: When = "ok"
    why: str = ""


@attrs.frozen
class Estimate:
    """What carrying a plan out should come to: how many calls, those that only look included, and how many seconds."""

    api_calls: int
    seconds: float


@attrs.frozen
class Form:
    """What one object is to be: its name, its document and its tags."""

    name: str
    spec: Document
    tags: Mapping[str, str]


@attrs.frozen
class Plan:
    """A promise: these steps and no others.

    `id` is a digest of target, stack and steps: the same wish against the same world has the same id. `account` is
    None where nothing told it. `made_at` is UTC in ISO 8601. `target` says how the account was reached: `provider`,
    `endpointUrl`, `profile`, `roleArn`, `regionSource`, each only where given. `wanted` holds secrets, and stands in no
    file and no view; `secrets` are texts that no view shows.
    """

    id: str
    stack: str
    target: Mapping[str, str]
    account: str | None
    region: str
    versions: Mapping[str, str]
    made_at: str
    changes: tuple[Change, ...] = ()
    steps: tuple[Step, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    warnings: tuple[str, ...] = ()
    unobserved: Mapping[str, str] = EMPTY
    estimate: Estimate | None = None
    format: int = FORMAT
    wanted: Mapping[Address, Form] = attrs.field(factory=dict, eq=False, repr=False)
    secrets: tuple[str, ...] = attrs.field(default=(), eq=False, repr=False)

    @property
    def empty(self) -> bool:
        """No steps and no refusals: the world is as the manifest says."""
        return not self.steps and not self.refusals

    @property
    def summary(self) -> Mapping[str, int]:
        """How many changes of each action, in the order of actions; those that do not occur are left out."""
        counted = Counter(change.action for change in self.changes)
        return {action.value: counted[action] for action in Action if counted[action]}
