"""What the blocks of a manifest are called, of which account and region they are, and what refers to them."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

import attrs

from providers.errors import InputError
from reconciler.adapters.terraform.resources import TYPES, name_of
from reconciler.adapters.terraform.state import Resource, without_keys

_ARN = re.compile(r"arn:[^:]+:batch:([^:]+):(\d+):.+")
_STEP = re.compile(r'module\.([^.\[]+)(?:\[(-?\d+|"(?:[^"\\]|\\.)*")\])?')
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST = 128


@attrs.frozen(order=True)
class Where:
    """An account and a region; "" where an ARN is not known yet."""

    region: str = ""
    account: str = ""

    def __str__(self) -> str:
        return f"account {self.account or 'unknown'}, {self.region or 'unknown region'}"


def where(resource: Resource) -> Where:
    """The account and the region that the ARN of a resource names; without one the region alone, which version 6 of the
    provider says, or else the configuration of the provider."""
    found = _ARN.fullmatch(str(resource.values.get("arn")))
    if found:
        return Where(found[1], found[2])
    region = resource.values.get("region")
    return Where(region if isinstance(region, str) else resource.region)


def chosen(resources: Iterable[Resource], region: str | None, account: str | None) -> Where:
    """Where the manifest is for; raises InputError where that is not one region of one account."""
    rows = Counter(map(where, resources))
    fitting = {
        each: count
        for each, count in rows.items()
        if each.region in ("", region or each.region) and each.account in ("", account or each.account)
    }
    wholes = [each for each in fitting if each.account]
    regions = {each.region for each in wholes}
    wholes += [each for each in fitting if not each.account and each.region and each.region not in regions]
    if len(wholes) > 1:
        counted = ", ".join(f"{fitting[each]} in {each}" for each in sorted(wholes))
        several = "region" if len({each.region for each in wholes}) > 1 else "account"
        hint = f"a manifest is for one: convert each by itself, with --{several} and --stack of its own"
        raise InputError(f"the resources are of several regions or accounts: {counted}", hint=hint)
    if not fitting and rows:
        counted = ", ".join(f"{count} in {each}" for each, count in sorted(rows.items()))
        raise InputError(f"no resource of AWS Batch is there: {counted}", hint="is it the right region and account?")
    found = wholes[0] if wholes else Where()
    return Where(found.region or region or "", found.account or account or "")


def named(resources: Iterable[Resource]) -> Mapping[str, str]:
    """The names of blocks by the address of the resource: modules, name and key, joined; a number tells those apart
    that would be called alike."""
    taken: set[tuple[str, str]] = set()
    names: dict[str, str] = {}
    for resource in resources:
        base = _base(resource)
        name, number = base, 1
        while (resource.type, name) in taken:
            number += 1
            name = f"{base[: _LONGEST - 8]}-{number}"
        taken.add((resource.type, name))
        names[resource.address] = name
    return names


def _base(resource: Resource) -> str:
    parts = [part for step in _STEP.finditer(resource.module) for part in step.groups() if part is not None]
    parts += [resource.name, *([] if resource.index is None else [str(resource.index)])]
    name = "-".join(filter(None, (_UNFIT.sub("-", part).strip("-") for part in parts)))[:_LONGEST]
    return name if name[:1].isalnum() else f"x{name}"[:_LONGEST]


@attrs.frozen
class References:
    """Blocks by what names them elsewhere: ARNs and names of AWS, and addresses of Terraform."""

    names: Mapping[str, str]
    live: Mapping[tuple[str, str], str]
    configured: Mapping[tuple[str, str], tuple[str, ...]]

    @classmethod
    def of(cls, resources: Iterable[Resource], names: Mapping[str, str]) -> "References":
        live: dict[tuple[str, str], str] = {}
        configured: dict[tuple[str, str], tuple[str, ...]] = {}
        for resource in resources:
            kind, name = TYPES[resource.type], names[resource.address]
            for key in (resource.values.get("arn"), name_of(resource)):
                if isinstance(key, str) and key:
                    live.setdefault((kind, key), name)
            for address in {resource.address, resource.configured}:
                configured[kind, address] = (*configured.get((kind, address), ()), name)
        return cls(names, live, configured)

    def refer(self, kind: str, reference: str) -> str:
        """The name of the block that a reference means; itself where it means none."""
        return self.live.get((kind, reference), reference)

    def planned(self, kind: str, module: str, reference: str) -> str | None:
        """The name of the one block that an attribute of Terraform is of, such as `aws_batch_job_queue.high.arn`."""
        address = re.sub(r"\.(arn|id|name|compute_environment_name)$", "", reference)
        whole = f"{module}.{address}" if module else address
        found = self.configured.get((kind, whole)) or self.configured.get((kind, without_keys(whole)), ())
        return found[0] if len(found) == 1 else None
