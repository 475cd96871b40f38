"""What one plan takes: the calls of its steps, on the objects that it names."""

from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from plans.asked import Asked
from plans.jobs import emptying
from plans.manifest import Manifest
from plans.permissions.common import (
    CHANGING,
    CONTINGENT,
    DEFINITION,
    ENVIRONMENT,
    FINDING,
    JOBS,
    LISTED,
    QUEUE,
    READING,
    ROLES,
    Where,
    each,
    environments,
    families,
    linked,
    making,
    owned,
    passing,
    reading,
    revisions,
    templates,
)
from plans.permissions.grants import Grant, literal
from plans.plan import Plan, Step
from providers.kinds import Kind, Kinds
from providers.kinds.regimes import ordinary_role
from providers.lives import referred
from providers.resources import Document, Ref


def of_plan(plan: Plan, manifest: Manifest, asked: Asked, kinds: Kinds, where: Where) -> Iterator[Grant]:
    """What it takes to carry out a plan of this manifest, and to plan it once more before."""
    yield from reading(kinds)
    if any(_looks_at_jobs(step) for step in plan.steps):
        yield from each(READING, LISTED, "*")
    known = _Known.of(plan, kinds, where)
    for step in plan.steps:
        yield from known.step(step)
    yield from templates([spec for _, spec in environments(manifest)], images=bool(asked.update_image))
    yield Grant(FINDING, "tag:GetResources", "*")


def _looks_at_jobs(step: Step) -> bool:
    """Whether jobs are counted, waited for or looked for because of a step."""
    kind, call = step.address.partition(".")[0], step.call or ""
    disturbing = kind in (ENVIRONMENT, QUEUE, "quota_share", "service_environment")
    return (
        call in ("SubmitJob", "TerminateJob")
        or (disturbing and call.startswith(("Update", "Delete")))
        or (step.goal is not None and step.goal.until == "drained")
    )


@attrs.frozen
class _Known:
    """What a plan tells of the names of things; `made` are the ARNs of what it makes, by address."""

    plan: Plan
    kinds: Kinds
    where: Where
    made: dict[str, list[str]]

    @classmethod
    def of(cls, plan: Plan, kinds: Kinds, where: Where) -> "_Known":
        known = cls(plan, kinds, where, {})
        for step in plan.steps:
            kind = known.kind(step)
            if step.call == kind.facts.create:
                (own,) = known.own(step, kind)
                known.made.setdefault(step.address, []).append(revisions(kind, own))
        return known

    def kind(self, step: Step) -> Kind:
        """The kind that a call is about, which need not be that of the address: a replacement moves queues."""
        own = self.kinds[step.address.partition(".")[0]]
        found = (kind for kind in self.kinds if step.call in (kind.facts.create, kind.facts.update, kind.facts.delete))
        return own if step.call is None else next(found, own)

    def step(self, step: Step) -> Iterator[Grant]:
        """What the call of a step takes."""
        kind, said = self.kind(step), step.arguments
        match step.call:
            case None | "ListJobs" | "ListServiceJobs":
                pass
            case "TagResource" | "UntagResource":
                yield from each(CHANGING, (f"batch:{step.call}",), *self.arns(said["resourceArn"], kind))
            case "SubmitJob":
                yield from self.submitted(said)
            case "TerminateJob" if emptying(step) is None:
                jobs = self.where.arn("job/*")
                yield Grant(JOBS, "batch:TerminateJob", jobs, owned((self.plan.stack,)))
            case "CancelJob" | "TerminateJob":
                yield Grant(JOBS, f"batch:{step.call}", self.where.arn("job/*"))
            case "TerminateServiceJob":
                yield Grant(JOBS, f"batch:{step.call}", self.where.arn("service-job/*"))
            case kind.facts.create:
                yield from self.created(step, kind)
            case kind.facts.update:
                yield from self.told(step.call, kind, self.arns(said[kind.update_key], kind), said)
            case kind.facts.delete:
                yield from each(CHANGING, (f"batch:{step.call}",), *self.arns(said[kind.delete_key], kind))
        yield from self.looked_at(step, kind)

    def created(self, step: Step, kind: Kind) -> Iterator[Grant]:
        own, said = self.own(step, kind), step.arguments
        yield from self.told(kind.facts.create, kind, own, said)
        yield from each(CHANGING, ("batch:TagResource",), *(revisions(kind, arn) for arn in own))
        yield from linked(kind, said, self.where)
        if kind.name == ENVIRONMENT and ordinary_role(said) and kind.facts.update is not None:
            # A role that was made a moment ago may not be there for AWS yet, and is then sent once more.
            yield from each(CONTINGENT, (f"batch:{kind.facts.update}",), *own)

    def told(self, call: str, kind: Kind, own: Iterable[str], said: Document) -> Iterator[Grant]:
        """A call of its own to a kind, with what it names and passes."""
        yield from each(CHANGING, (f"batch:{call}",), *own, *self.referred(kind, said))
        yield from passing(kind, said, self.where)
        if (said.get("computeResources") or {}).get("capacityTags"):
            yield from each(CHANGING, ("batch:SetCapacityTags",), *own)

    def submitted(self, said: Document) -> Iterator[Grant]:
        """A trial: where it is late it is ended, and the line of its queue is looked at."""
        queues = self.arns(said["jobQueue"], self.kinds[QUEUE])
        definition = said["jobDefinition"]
        definitions = self.arns(definition, self.kinds[DEFINITION])
        if isinstance(definition, str) and definition.startswith("arn:"):
            definitions = [*families(self.kinds[DEFINITION], literal(definition))]
        jobs = self.where.arn("job/*")
        yield from each(JOBS, ("batch:SubmitJob",), *queues, *definitions, jobs)
        yield Grant(JOBS, "batch:TagResource", jobs, making(self.plan.stack))
        yield Grant(CONTINGENT, "batch:TerminateJob", jobs, owned((self.plan.stack,)))
        yield from each(CONTINGENT, ("batch:GetJobQueueSnapshot",), *queues)

    def looked_at(self, step: Step, kind: Kind) -> Iterator[Grant]:
        """The roles that are looked at; of an environment that ends only AWS knows which it has."""
        said = step.arguments
        if kind.name != ENVIRONMENT or step.call is None:
            return
        if step.call == kind.facts.delete or said.get("state") == "DISABLED":
            yield Grant(ROLES, "iam:GetRole", self.where.role("*"))
        elif ordinary_role(said) and step.call in (kind.facts.create, kind.facts.update):
            yield Grant(ROLES, "iam:GetRole", self.where.role(literal(str(said["serviceRole"]))))

    def own(self, step: Step, kind: Kind) -> list[str]:
        """The ARN of what a step makes; of a definition, that of its family."""
        name = literal(step.arguments[kind.name_member])
        if not kind.facts.lookup.per:
            return [self.where.of(kind, name)]
        queues = self.arns(step.arguments["jobQueue"], self.kinds[kind.facts.lookup.per])
        return [self.where.of(kind, name, queue.rpartition("/")[2]) for queue in queues]

    def referred(self, kind: Kind, said: Document) -> Iterator[str]:
        for target in kind.targets:
            for reference in referred(said, kind, target):
                yield from self.arns(reference, self.kinds[target])

    def arns(self, reference: Any, kind: Kind) -> list[str]:
        """The ARNs that a reference may come to, with all revisions where it names none."""
        match reference:
            case Ref(address=address):
                found = self.made.get(str(address), [])
                names = [change.name for change in self.plan.changes if change.address == address]
                return found or [revisions(kind, self.where.of(kind, name)) for name in names]
            case str() if reference.startswith("arn:"):
                return [revisions(kind, literal(reference))]
            case _:
                return [revisions(kind, self.where.of(kind, literal(str(reference))))]
