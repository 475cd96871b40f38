"""What any plan of a manifest takes: the kinds and names of its stack, and the tag that tells whose an object is."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import attrs

from plans.manifest import Manifest
from plans.naming import passages, shadowing, successors
from plans.ownership import watched
from plans.permissions.common import (
    CHANGING,
    DEFINITION,
    ENVIRONMENT,
    FINDING,
    JOBS,
    LISTED,
    MAKING,
    QUEUE,
    READING,
    ROLES,
    USING,
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
from providers.kinds import Kind, Kinds
from providers.lives import referred
from providers.resources import STACK_TAG, Elsewhere, Ref, Resource

_ENDING = {"cancel": ("batch:CancelJob",), "terminate": ("batch:TerminateJob",)}


def of_stack(manifest: Manifest, kinds: Kinds, where: Where) -> Iterator[Grant]:
    """What it takes to carry out any plan of this manifest, as it is or with other values, and to destroy its stack."""
    yield from reading(kinds)
    yield from each(READING, (*LISTED, "batch:GetJobQueueSnapshot"), "*")
    stack = _Stack(manifest, kinds, where)
    yield from stack.made()
    yield from stack.changed()
    yield from stack.named()
    yield from stack.jobs()
    yield from stack.passed()
    yield from templates([spec for _, spec in environments(manifest)], images=True)
    yield Grant(FINDING, "tag:GetResources", "*")


@attrs.define(slots=False)
class _Stack:
    """A stack, and how the objects that it has or may come to have are called."""

    manifest: Manifest
    kinds: Kinds
    where: Where

    @cached_property
    def blocks(self) -> dict[str, list[Resource]]:
        """The blocks of each kind, with what stays though it has none."""
        found: dict[str, list[Resource]] = {}
        manifest = self.manifest
        for resource in watched(manifest.ownership, manifest.resources, manifest.name_prefix).values():
            found.setdefault(resource.address.kind, []).append(resource)
        return found

    @cached_property
    def stacks(self) -> tuple[str, ...]:
        """Those whose objects are this stack's, or become so."""
        return (self.manifest.stack, *self.manifest.ownership.stacks)

    def made(self) -> Iterator[Grant]:
        """What is made is tagged as this stack's by the call that makes it; what is nobody's may be tagged so too."""
        kinds = [self.kinds[name] for name in self.kinds_made]
        actions = ["batch:TagResource", *(f"batch:{kind.facts.create}" for kind in kinds)]
        if any((spec.get("computeResources") or {}).get("capacityTags") for _, spec in environments(self.manifest)):
            yield from each(USING, ("batch:SetCapacityTags",), *self.makes(self.kinds[ENVIRONMENT]))
        arns = {arn for kind in kinds for own in self.makes(kind) for arn in (own, revisions(kind, own))}
        nobodys = ("StringEqualsIfExists", f"aws:ResourceTag/{STACK_TAG}", self.stacks)
        yield from each(MAKING, actions, *arns, conditions=(*making(self.manifest.stack), nobodys))

    def changed(self) -> Iterator[Grant]:
        """What is changed or goes carries this stack's tag."""
        kinds = [kind for kind in self.kinds if self.manifest.policy.prune or kind.name in self.kinds_made]
        calls = [call for kind in kinds for call in (kind.facts.update, kind.facts.delete) if call is not None]
        actions = sorted({"batch:TagResource", "batch:UntagResource", *(f"batch:{call}" for call in calls)})
        arns = [revisions(kind, arn) for kind in kinds for arn in self.holds(kind)]
        yield from each(CHANGING, actions, *arns, conditions=owned(self.stacks))

    def named(self) -> Iterator[Grant]:
        """What queues, quota shares and definitions name is a resource of their calls too, whosoever it is."""
        for kind in self.kinds:
            if kind.name not in self.kinds_made:
                continue
            arns = {
                arn
                for target in kind.targets
                for block in self.blocks.get(kind.name, ())
                for reference in referred(block.spec, kind, target)
                for arn in self.arns(reference, self.kinds[target])
            }
            if kind.name == QUEUE and self.tried:
                arns.update(self.makes(self.kinds[ENVIRONMENT]))
            told, create, update = sorted(arns), kind.facts.create, kind.facts.update
            yield from each(USING, (f"batch:{create}",), *told, conditions=making(self.manifest.stack))
            # An update of a quota share names no queue, and the pattern of a queue's name would be that of its shares.
            if update is not None and not kind.facts.lookup.per:
                yield from each(USING, (f"batch:{update}",), *told)

    def jobs(self) -> Iterator[Grant]:
        """Trials, and the jobs of queues that go; a trial's is ended though nothing is tried any more."""
        own, jobs = owned((self.manifest.stack,)), self.where.arn("job/*")
        if DEFINITION in self.kinds_made or self.tried:
            yield Grant(JOBS, "batch:TerminateJob", jobs, own)
        arns = {jobs, *self.tested()}
        if len(arns) > 1:
            told = making(self.manifest.stack)
            yield from each(JOBS, ("batch:SubmitJob",), *sorted(arns), conditions=told)
            yield Grant(JOBS, "batch:TagResource", jobs, told)
        policy = self.manifest.policy
        blocks = [block for kind in (QUEUE, "quota_share") for block in self.blocks.get(kind, ())]
        modes = {policy.drain.mode, *(block.drain.mode for block in blocks if block.drain is not None)}
        for mode in sorted(modes & _ENDING.keys()) if policy.prune or blocks else ():
            yield from each(JOBS, _ENDING[mode], jobs)
        if "terminate" in modes and (policy.prune or blocks):
            yield Grant(JOBS, "batch:TerminateServiceJob", self.where.arn("service-job/*"))

    def tested(self) -> Iterator[str]:
        """The queues and definitions of trials."""
        queue, definition = self.kinds[QUEUE], self.kinds[DEFINITION]
        for block in self.blocks.get(DEFINITION, ()):
            if block.rollout.canary is not None:
                yield from self.arns(block.rollout.canary.queue, queue)
                yield revisions(definition, self.where.of(definition, shadowing(block.physical_name)))
        for block in self.tried:
            assert block.lifecycle.canary is not None
            for arn in self.arns(block.lifecycle.canary.job_definition, definition):
                yield from families(definition, arn)
        if self.tried:
            yield from self.makes(queue)

    def passed(self) -> Iterator[Grant]:
        for name, blocks in self.blocks.items():
            kind = self.kinds[name]
            for block in blocks:
                yield from passing(kind, block.spec, self.where)
                yield from linked(kind, block.spec, self.where)
        if self.manifest.policy.prune or ENVIRONMENT in self.kinds_made:
            yield Grant(ROLES, "iam:GetRole", self.where.role("*"))

    # Names.

    @cached_property
    def tried(self) -> list[Resource]:
        """The environments that are tried, each through a queue of its own."""
        return [block for block in self.blocks.get(ENVIRONMENT, ()) if block.lifecycle.canary is not None]

    @cached_property
    def kinds_made(self) -> list[str]:
        return [kind.name for kind in self.kinds if self.blocks.get(kind.name) or (kind.name == QUEUE and self.tried)]

    def makes(self, kind: Kind) -> list[str]:
        """What the objects of a kind may be called that are made."""
        prefix = self.manifest.name_prefix
        names = {
            name
            for block in self.blocks.get(kind.name, ())
            for name in (
                [f"{prefix}*"] if prefix and block.physical_name.startswith(prefix) else self.alone(kind, block)
            )
        }
        if kind.name == QUEUE:
            names |= {passages(name) for block in self.tried for name in self.alone(self.kinds[ENVIRONMENT], block)}
        return [self.where.of(kind, name) for name in sorted(names)]

    def alone(self, kind: Kind, block: Resource) -> list[str]:
        """What the object of one block may be called."""
        name = block.physical_name
        if not kind.facts.revisions:
            return [name, successors(name)]
        return [name] if block.rollout.canary is None else [name, shadowing(name)]

    def holds(self, kind: Kind) -> list[str]:
        """What the objects of a kind may be called that the stack has; of those that left the manifest the prefix is
        known, and without one nothing."""
        prefix, prune = self.manifest.name_prefix, self.manifest.policy.prune
        return [*self.makes(kind), *([self.where.of(kind, f"{prefix}*")] if prune else [])]

    def arns(self, reference: Any, kind: Kind) -> list[str]:
        """The ARNs that a reference may come to; another stack's object may be called anything."""
        match reference:
            case Ref():
                return self.makes(kind)
            case Elsewhere():
                return [self.where.of(kind, "*")]
            case str() if reference.startswith("arn:"):
                return [literal(reference)]
            case _:
                return [self.where.of(kind, literal(str(reference)))]
