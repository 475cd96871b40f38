"""From the attributes of a resource of Terraform to the members of the AWS Batch API.

An attribute is called as the member, in another spelling (`max_vcpus`, `maxvCpus`), but for the few in the tables. A
structure is a list of one block, or JSON in a text. Where Terraform writes that nothing was said (null, and in blocks
"", 0, [] and {}, as helper/schema of its plugin SDK does) nothing is said.

Source: https://github.com/hashicorp/terraform-provider-aws/tree/main/internal/service/batch: what its functions
`expand…` send. They send no zero, but those of `_SENT` and those of the members that the API demands.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from providers.kinds import Kind
from providers.resources import Field
from reconciler.adapters.terraform.places import Path, parsed
from reconciler.adapters.terraform.state import UNSET, Resource

TYPES: Mapping[str, str] = MappingProxyType(
    {
        "aws_batch_scheduling_policy": "scheduling_policy",
        "aws_batch_compute_environment": "compute_environment",
        "aws_batch_job_queue": "job_queue",
        "aws_batch_job_definition": "job_definition",
    }
)
"""The kinds of what is converted."""
OURS = re.compile(r"aws(cc)?_batch_")
"""How the types of AWS Batch begin, those of the provider for Cloud Control among them."""

_NAMES = ("name", "compute_environment_name")
"""The second is what the first was called before version 6 of the provider."""
_PREFIXES = ("name_prefix", "compute_environment_name_prefix")
_APART = frozenset(
    {
        *_NAMES,
        *_PREFIXES,
        "arn",
        "arn_prefix",
        "compute_environments",
        "deregister_on_new_revision",
        "ecs_cluster_arn",
        "id",
        "region",
        "revision",
        "status",
        "status_reason",
        "tags",
        "tags_all",
        "timeouts",
    }
)
"""Attributes that say nothing that is wanted of an object itself, or are read elsewhere."""
COMPUTED = frozenset(
    {"desired_vcpus", "ec2_configuration", "image_id_override", "service_role", "update_policy", "version"}
)
"""Attributes that the provider fills itself where nothing is said ("Optional: true, Computed: true")."""
_RENAMED: Mapping[str, str] = MappingProxyType(
    {
        "image_pull_secret": "imagePullSecrets",
        "instance_type": "instanceTypes",
        "job_state_time_limit_action": "jobStateTimeLimitActions",
    }
)
_SENT = frozenset(
    {
        "EksContainerEnvironmentVariable.value",
        "EksContainerSecurityContext.runAsGroup",
        "EksContainerSecurityContext.runAsUser",
    }
)

Hold = Callable[[Field, Path], Any]
"""Given a field and the path of its attribute, what stands for a value that a plan does not know; None for nothing."""
Tell = Callable[[str], None]


def name_of(resource: Resource) -> str | None:
    """The name in AWS; None where a plan does not know it."""
    return next((name for key in _NAMES if isinstance(name := resource.values.get(key), str) and name), None)


def prefix_of(resource: Resource) -> str:
    """What the provider makes up a name from; empty where it is given."""
    found = (resource.values.get(key) for key in _PREFIXES)
    return next((prefix for prefix in found if isinstance(prefix, str) and prefix), "")


def tags_of(resource: Resource) -> Mapping[str, str]:
    """The tags that are live: with those that the provider gives to all (`default_tags`)."""
    own, every = (resource.values.get(key) for key in ("tags", "tags_all"))
    found = {**(own if isinstance(own, dict) else {}), **(every if isinstance(every, dict) else {})}
    return {key: value for key, value in found.items() if isinstance(value, str)}


def document(resource: Resource, kind: Kind, hold: Hold, tell: Tell) -> dict[str, Any]:
    """The members that the attributes say, defaults included.

    `tell` is told of what has no member. Raises ValueError, with the path of the attribute, where an attribute is not
    formed as its member, or its JSON is none.
    """
    made = _Maker(hold, tell)
    said = {key: value for key, value in resource.values.items() if key not in _APART}
    found = made.members(kind.spec, said, (), written=False)
    listed = resource.values.get("compute_environments")
    if kind.name == "job_queue" and listed and "computeEnvironmentOrder" not in found:
        found["computeEnvironmentOrder"] = made.listed(kind.spec.members["computeEnvironmentOrder"], listed)
    return found


@attrs.frozen
class _Maker:
    hold: Hold
    tell: Tell

    def listed(self, field: Field, names: Any) -> list[Any]:
        """The older form of the order of a queue, which the provider counts from 0."""
        entry = field.element
        assert entry is not None
        if not isinstance(names, list):
            raise ValueError("compute_environments")
        member = entry.members["computeEnvironment"]
        values = (
            self.value(member, name, ("compute_environments", at), written=False) for at, name in enumerate(names)
        )
        return [{"order": at, "computeEnvironment": value} for at, value in enumerate(values)]

    def members(self, field: Field, said: Mapping[str, Any], path: Path, *, written: bool) -> dict[str, Any]:
        """The members of a structure; `written` where somebody wrote it as JSON, in which nothing is filled."""
        folded = {name.lower(): name for name in field.members}
        found: dict[str, Any] = {}
        for key, value in said.items():
            name = folded.get((key if written else _RENAMED.get(key, key.replace("_", ""))).lower())
            at = (*path, key)
            if name is None:
                if not _nothing(value) and value is not UNSET:
                    self.tell(told(at))
                continue
            made = self.value(field.members[name], value, at, written=written)
            if made is None:
                continue
            demanded = written or name in field.required or f"{field.shape}.{name}" in _SENT
            if demanded or made is False or made == {} or not _nothing(made):
                found[name] = made
        return found

    def value(self, field: Field, value: Any, path: Path, *, written: bool) -> Any:
        if value is None:
            return None
        if value is UNSET:
            return self.hold(field, path)
        match field.type:
            case "structure":
                return self.structure(field, value, path, written=written)
            case "list":
                if not isinstance(value, list):
                    raise ValueError(told(path))
                element = field.element
                assert element is not None
                made = (self.value(element, one, (*path, at), written=written) for at, one in enumerate(value))
                found = [one for one in made if one is not None]
                short = field.shorthand
                if short is not None and not all(short.member in one and short.position in one for one in found):
                    raise ValueError(told(path))
                return found
            case "map":
                if not isinstance(value, dict):
                    raise ValueError(told(path))
                element = field.element
                assert element is not None
                within = {key: self.value(element, one, (*path, key), written=written) for key, one in value.items()}
                return {key: one for key, one in within.items() if one is not None} or None
        return _scalar(field, value, path)

    def structure(self, field: Field, value: Any, path: Path, *, written: bool) -> Any:
        if isinstance(value, str) and not written:
            return self.json(field, value, path) if value else None
        if isinstance(value, list) and not written:
            if len(value) > 1:
                raise ValueError(told(path))
            if not value:
                return None
            # A block in which nothing is said.
            value, path = {} if value[0] is None else value[0], (*path, 0)
            if value is UNSET:
                return self.hold(field, path)
        if not isinstance(value, dict):
            raise ValueError(told(path))
        return self.members(field, value, path, written=written)

    def json(self, field: Field, text: str, path: Path) -> Any:
        try:
            value = parsed(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(told(path)) from error
        return None if value is None else self.structure(field, value, path, written=True)


def _scalar(field: Field, value: Any, path: Path) -> Any:
    """A scalar as the type of its member; JSON that somebody wrote may say a number where a text is due."""
    if isinstance(value, dict | list):
        raise ValueError(told(path))
    match field.type:
        case "string":
            return value if isinstance(value, str) else json.dumps(value)
        case "boolean" if not isinstance(value, bool):
            raise ValueError(told(path))
        case "integer" | "long" | "float" | "double" if isinstance(value, bool | str):
            raise ValueError(told(path))
        case _ if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(told(path))
    return value


def told(path: Path) -> str:
    """A path of attributes, for a message."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def _nothing(value: Any) -> bool:
    return value is None or value is False or value in ("", 0, [], {})
