"""References by ARN: whether they lead to something that AWS takes."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from plans.change import Refusal
from plans.decision import Decision
from plans.world import World
from providers.kinds import Kind
from providers.lives import referred
from providers.resources import Document

_ARN = re.compile(r"arn:[\w-]+:batch:(?P<region>[^:]*):(?P<account>[^:]*):(?P<resource>[^/]+)/.+")
_PARTITIONS: Mapping[str, str] = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
    "eusc-": "aws-eusc",
}
"""How the regions of each partition but `aws` begin (`endpoints.json` of botocore)."""


def partition(region: str) -> str:
    """The partition of AWS in which a region lies."""
    return next((name for start, name in _PARTITIONS.items() if region.startswith(start)), "aws")


def refusals(decision: Decision, world: World) -> Iterator[Refusal]:
    """A queue or quota share names what is there, in its own account and region (CreateJobQueue, CreateQuotaShare).

    A registration looks nothing up.
    """
    kind = world.kinds[decision.change.kind]
    if decision.resource is None or kind.facts.revisions or not decision.spec:
        return
    known = {str(found) for found in _references(decision.live.spec, kind)} if decision.live is not None else set()
    for path, target in kind.references.items():
        for reference in referred(decision.spec, kind, target) if "[]" in path or "." not in path else ():
            if isinstance(reference, str) and reference not in known:
                told = _astray(reference, world.kinds[target], world)
                if told is not None:
                    hint = _by_name(reference, target, world)
                    yield Refusal(str(decision.change.address), "out-of-reach", f"{path}: {reference} {told}", hint)


def _by_name(arn: str, target: str, world: World) -> str:
    """What to say in place of an ARN that leads nowhere: of what this plan makes, its name in the manifest."""
    kind, region, account = world.kinds[target], world.snapshot.region, world.snapshot.account or ""
    for address, name in world.names.items():
        if address.kind == target and arn == kind.arn(name, partition(region), region, account):
            return f"this plan makes it: say its name in the manifest, {address.name}, so that it is made first"
    return f"name a {kind.title} of this account and region"


def _references(document: Document, kind: Kind) -> Iterator[Any]:
    for target in kind.targets:
        yield from referred(document, kind, target)


def _astray(arn: str, kind: Kind, world: World) -> str | None:
    """Why an ARN leads to nothing that AWS takes for this kind; None where it leads to something, or may do so."""
    found = _ARN.fullmatch(arn)
    resource = kind.facts.arn.partition("/")[0]
    if found is None or found["resource"] != resource:
        return f"is not the ARN of a {kind.title}"
    if found["region"] != world.snapshot.region:
        return f"is of region {found['region']}, not of {world.snapshot.region}"
    if world.snapshot.account not in (None, found["account"]):
        return f"is of account {found['account']}, not of {world.snapshot.account}"
    unknown = kind.name in {**world.snapshot.unobserved, **world.snapshot.unseen}
    return None if unknown or arn in world.by_arn else "is not there"
