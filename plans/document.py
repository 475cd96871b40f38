"""A resolved manifest as JSON and back, for plan files: variables replaced, names and references settled.

Places in files are not kept: equal wishes are equal wherever they are written. Unlike the views, the document holds the
values of the environment as they are.
"""

from collections.abc import Mapping
from typing import Any, get_args

import attrs

from plans.jsonform import Place, encode, encode_members
from plans.manifest import Manifest
from plans.ownership import Ownership
from plans.policy import IMPACTS, Policy
from providers.kinds.house import DEFINITION, DRAIN, RESOURCE
from providers.resources import Canary, DefinitionCanary, Drain, Lifecycle, Resource, Rollout, Target

_MODES = DRAIN.members["mode"].enum
_REPLACE = RESOURCE["lifecycle"].members["replace"].enum
_FOREIGN = DEFINITION["rollout"].members["foreign"].enum


def to_document(manifest: Manifest) -> dict[str, Any]:
    """JSON-able: references are `{"$ref": "ADDRESS#arn"}` and `{"$elsewhere": {"kind", "stack", "name"}}`."""
    return {
        "stack": manifest.stack,
        "name_prefix": manifest.name_prefix,
        "target": attrs.asdict(manifest.target),
        "tags": dict(manifest.tags),
        "policy": {**attrs.asdict(manifest.policy), **_lists(manifest.policy)},
        "resources": [_resource_json(resource) for resource in manifest.resources.values()],
        "ownership": _ownership_json(manifest.ownership),
        **({"secrets": [*manifest.secrets]} if manifest.secrets else {}),
    }


def from_document(document: Any) -> Manifest:
    """Read what `to_document` wrote, which may be anything by now; raises PlanFileError naming the place."""
    at = Place(document, "manifest")
    resources = at["resources"].each(_resource)
    return Manifest(
        stack=at["stack"].text(),
        resources={resource.address: resource for resource in resources},
        name_prefix=at["name_prefix"].text(),
        target=_target(at["target"]),
        tags=at["tags"].texts(),
        policy=_policy(at["policy"]),
        ownership=_ownership(at["ownership"]),
        secrets=at["secrets"].each(Place.text) if "secrets" in at.mapping() else (),
    )


def _lists(policy: Policy) -> dict[str, list[str]]:
    return {"ignore": [*policy.ignore], "ignore_tags": [*policy.ignore_tags], "said": sorted(policy.said)}


def _ownership_json(ownership: Ownership) -> dict[str, Any]:
    return {
        "moved": [{"from": str(before), "to": str(now)} for before, now in ownership.moved.items()],
        "stacks": [*ownership.stacks],
        "removed": [str(address) for address in ownership.removed],
    }


def _ownership(at: Place) -> Ownership:
    moved = at["moved"].each(lambda row: (row["from"].address(), row["to"].address()))
    return Ownership(dict(moved), at["stacks"].each(Place.text), at["removed"].each(Place.address))


def _resource_json(resource: Resource) -> dict[str, Any]:
    return {
        "address": str(resource.address),
        "physical_name": resource.physical_name,
        "spec": encode_members(resource.spec),
        "tags": dict(resource.tags),
        "lifecycle": {
            **attrs.asdict(resource.lifecycle, recurse=False),
            "canary": _canary_json(resource.lifecycle.canary),
            "ignore": [*resource.lifecycle.ignore],
            "pinned": [*resource.lifecycle.pinned],
        },
        "drain": attrs.asdict(resource.drain) if resource.drain else None,
        "rollout": {
            **attrs.asdict(resource.rollout, recurse=False),
            "canary": _definition_canary_json(resource.rollout.canary),
        },
        "depends_on": [str(address) for address in resource.depends_on],
        "fixed_name": resource.fixed_name,
    }


def _resource(at: Place) -> Resource:
    return Resource(
        address=at["address"].address(),
        physical_name=at["physical_name"].text(),
        spec=at["spec"].members(),
        tags=at["tags"].texts(),
        lifecycle=_lifecycle(at["lifecycle"]),
        drain=at["drain"].maybe(_drain),
        rollout=_rollout(at["rollout"]),
        depends_on=at["depends_on"].each(Place.address),
        fixed_name=at["fixed_name"].flag(),
    )


def _lifecycle(at: Place) -> Lifecycle:
    replace = at["replace"].maybe(lambda place: place.word(_REPLACE))
    protect, ignore = at["protect"].maybe(Place.flag), at["ignore"].each(Place.text)
    pinned, follow = at["pinned"].each(Place.integer), at["follow_launch_template"].flag()
    return Lifecycle(replace, protect, ignore, pinned, follow, at["canary"].maybe(_canary))


def _canary(at: Place) -> Canary:
    return Canary(at["job_definition"].document(), at["timeout"].number())


def _canary_json(canary: Canary | None) -> Mapping[str, Any] | None:
    if canary is None:
        return None
    return {"job_definition": encode(canary.job_definition), "timeout": canary.timeout}


def _definition_canary(at: Place) -> DefinitionCanary:
    return DefinitionCanary(at["queue"].document(), at["timeout"].number(), at["request"].members())


def _definition_canary_json(canary: DefinitionCanary | None) -> Mapping[str, Any] | None:
    if canary is None:
        return None
    return {"queue": encode(canary.queue), "timeout": canary.timeout, "request": encode_members(canary.request)}


def _drain(at: Place) -> Drain:
    return Drain(at["mode"].word(_MODES), at["timeout"].maybe(Place.number))


def _rollout(at: Place) -> Rollout:
    keep_for, foreign = at["keep_for"].maybe(Place.number), at["foreign"].word(_FOREIGN)
    canary = at["canary"].maybe(_definition_canary)
    return Rollout(at["keep"].integer(), keep_for, foreign, at["migrate"].flag(), canary)


def _policy(at: Place) -> Policy:
    return Policy(
        prune=at["prune"].flag(),
        adopt=at["adopt"].flag(),
        max_impact=at["max_impact"].word(IMPACTS),
        max_deletes=at["max_deletes"].integer(),
        ignore=at["ignore"].each(Place.text),
        ignore_tags=at["ignore_tags"].each(Place.text),
        drain=_drain(at["drain"]),
        said=frozenset(at["said"].each(Place.text)),
    )


def _target(at: Place) -> Target:
    return Target(
        provider=at["provider"].word(get_args(Target.__annotations__["provider"])),
        region_source=at["region_source"].text(),
        speed=at["speed"].maybe(Place.number),
        **{name: at[name].maybe(Place.text) for name in _TEXTS},
    )


_TEXTS = ("region", "account_id", "profile", "role_arn", "external_id", "endpoint_url", "simulator_file")
