"""Runs that IAM watches: each call is held against the policy of the stack, and against that of the plan."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import attrs
from botocore.exceptions import ClientError

from plans.asked import NOTHING
from plans.manifest import Manifest
from plans.permissions import Where, document, of_plan, of_stack
from plans.plan import Plan
from reconciler.engine import Reconciler
from tests.kit import ACCOUNT, Stage, kinds
from tests.permissions.judge import Account, Ask, Tags, granting

VERBS = ("apply", "adopt", "prune_revisions")


@attrs.define(eq=False)
class Guard:
    """Watches the calls of a stage. `denied` are those that a policy does not allow. While there is a `plan`, `asked`
    has what its calls ask for, those before it that read included, and `used` the ids of the statements that allow it,
    with the actions and the resources."""

    stage: Stage
    account: Account = attrs.field(init=False)
    stack: Mapping[str, Any] = attrs.field(factory=dict)
    plan: Mapping[str, Any] = attrs.field(factory=dict)
    denied: list[str] = attrs.field(factory=list)
    reads: list[Ask] = attrs.field(factory=list)
    asked: list[Ask] = attrs.field(factory=list)
    used: set[tuple[str, str, str]] = attrs.field(factory=set)

    def __attrs_post_init__(self) -> None:
        self.account = Account(self.stage.region, ACCOUNT, self.tags)
        self.stage.batch.meta.events.register("provide-client-params.batch.*", self.called)

    def tags(self, arn: str) -> Tags:
        """The tags of something, as they are right before a call."""
        resource = arn.partition(f"{ACCOUNT}:")[2]
        try:
            if resource.startswith("job/"):
                shown = self.stage.world.describe_jobs(jobs=[resource.removeprefix("job/")])["jobs"]
                return dict(shown[0].get("tags") or {}) if shown else {}
            return dict(self.stage.world.list_tags_for_resource(resourceArn=arn).get("tags") or {})
        except ClientError:
            return {}

    def called(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        for ask in self.account.asks(model.name, params):
            if self.stack and not granting(self.stack, ask):
                self.denied.append(f"stack: {ask.action} {ask.resource} {dict(ask.keys)}")
            if self.plan:
                self.hold(ask)
            else:
                self.reads.append(ask)

    def hold(self, ask: Ask) -> None:
        """Hold a call against the policy of the plan."""
        self.asked.append(ask)
        by = granting(self.plan, ask)
        if not by:
            self.denied.append(f"plan: {ask.action} {ask.resource} {dict(ask.keys)}")
        self.used |= {(sid, ask.action, resource) for sid, resource in by}

    def begin(self, manifest: Manifest) -> None:
        self.stack = document(of_stack(manifest, kinds(), self.where))
        self.plan = {}
        self.reads.clear()

    def approved(self, plan: Plan, manifest: Manifest, given: Mapping[str, Any]) -> None:
        self.plan = document(of_plan(plan, manifest, given.get("asked", NOTHING), kinds(), self.where))
        for ask in self.reads:
            self.hold(ask)
        self.reads.clear()

    @property
    def where(self) -> Where:
        return Where(self.stage.region, ACCOUNT)

    @property
    def granted(self) -> set[tuple[str, str, str]]:
        """What the policy of the plan grants for changing, in the form of `used`."""
        return {
            (statement["Sid"], action, resource)
            for statement in self.plan.get("Statement", ())
            if statement["Sid"].startswith(("Change", "Jobs", "PassRoles"))
            for action in statement["Action"]
            for resource in statement["Resource"]
        }

    @property
    def unused(self) -> set[tuple[str, str, str]]:
        """What of that nothing needed."""
        return self.granted - self.used


def _wrapped(guard: Guard, verb: str, depth: list[str]) -> Callable[..., Any]:
    original = getattr(Reconciler, verb)

    def run(self: Reconciler, manifest: Any, *rest: Any, **given: Any) -> Any:
        if not depth:
            guard.begin(manifest)
        if verb == "apply":
            approve, held = given.pop("approve", lambda _plan: True), given.get("held")

            def approving(plan: Plan) -> bool:
                guard.approved(held or plan, manifest, given)
                return bool(approve(plan))

            given["approve"] = approving
        depth.append(verb)
        try:
            return original(self, manifest, *rest, **given)
        finally:
            depth.pop()

    return run


@contextmanager
def guarded(stage: Stage) -> Iterator[Guard]:
    """While it lasts, what the reconciler of a stage calls is held against policies."""
    guard, depth = Guard(stage), list[str]()
    with ExitStack() as patches:
        for verb in VERBS:
            patches.enter_context(patch.object(Reconciler, verb, _wrapped(guard, verb, depth)))
        yield guard
