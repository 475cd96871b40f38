"""Tags of every kind, by ARN. They live in the object's document, and go with it."""

import re

from providers.simulator.catalogue import KINDS
from providers.simulator.lifecycle import API, Handler, Json, Thing, World
from providers.simulator.rules import Refused, documented

_ARN = re.compile(r"arn:[\w-]+:batch:[^:]+:[^:]+:([^/]+)/.+")


def tag(world: World, request: Json) -> Json:
    thing = _tagged(world, request["resourceArn"])
    merged = {**thing.shown.get("tags", {}), **request["tags"]}
    check(world, merged, request["tags"])
    thing.shown["tags"] = merged
    world.save(thing)
    return {}


def untag(world: World, request: Json) -> Json:
    thing = _tagged(world, request["resourceArn"])
    check(world, {}, request["tagKeys"])
    thing.shown["tags"] = {k: v for k, v in thing.shown.get("tags", {}).items() if k not in request["tagKeys"]}
    world.save(thing)
    return {}


def show(world: World, request: Json) -> Json:
    return {"tags": _tagged(world, request["resourceArn"]).shown.get("tags", {})}


OPERATIONS: dict[str, Handler] = {"TagResource": tag, "UntagResource": untag, "ListTagsForResource": show}


@documented("https://docs.aws.amazon.com/batch/latest/userguide/using-tags.html")
def check(world: World, held: Json, given: list[str] | Json) -> None:
    """An object holds up to 50 tags; keys that begin with `aws:`, in any case, are AWS's own and do not count."""
    if any(_is_reserved(key) for key in given):
        raise Refused("aws: prefixed tag key names are not allowed for external use.")
    if sum(not _is_reserved(key) for key in held) > world.settings.quotas.tags:
        raise Refused(f"Number of tags must be less than or equal to {world.settings.quotas.tags}.")


def _is_reserved(key: str) -> bool:
    return key.lower().startswith("aws:")


@documented(API + "API_TagResource.html")
def _tagged(world: World, arn: str) -> Thing:
    """What is tagged is named by its ARN and is there; a job definition by the ARN of one revision."""
    match = _ARN.fullmatch(arn)
    kind = next((kind for kind in KINDS if match and kind.resource == match[1]), None)
    if kind is None:
        raise Refused(f"Invalid resourceArn: {arn}")
    return world.find(kind, arn)
