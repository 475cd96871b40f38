"""Tags of every kind, by ARN. They live in the object's document, and go with it."""

import re
import unicodedata
from collections.abc import Callable

from providers.simulator.catalogue import KINDS, QUOTA_SHARE
from providers.simulator.lifecycle import API, Handler, Json, Kind, Thing, World, must_exist
from providers.simulator.rules import Refused, assumed, documented

USING_TAGS = "https://docs.aws.amazon.com/batch/latest/userguide/using-tags.html"
_ARN = re.compile(r"arn:[\w-]+:batch:[^:]+:[^:]+:([^/]+)/[^/]+(/quota-share/.+)?")


def tag(world: World, request: Json) -> Json:
    thing = _changed(world, request["resourceArn"])
    merged = {**thing.shown.get("tags", {}), **request["tags"]}
    check(world, merged, request["tags"])
    thing.shown["tags"] = merged
    world.save(thing)
    return {}


def untag(world: World, request: Json) -> Json:
    thing = _changed(world, request["resourceArn"])
    check(world, {}, request["tagKeys"])
    thing.shown["tags"] = {k: v for k, v in thing.shown.get("tags", {}).items() if k not in request["tagKeys"]}
    world.save(thing)
    return {}


def show(world: World, request: Json) -> Json:
    arn = request["resourceArn"]
    return {"tags": _tagged(arn, world.look).shown.get("tags", {})}


OPERATIONS: dict[str, Handler] = {"TagResource": tag, "UntagResource": untag, "ListTagsForResource": show}


def check(world: World, held: Json, given: list[str] | Json) -> None:
    """Refuse what a call that gives tags, or takes away those of some keys, leaves an object with."""
    _reserved_keys_are_awss(given)
    _keys_and_values_are_spelt(given)
    _keys_and_values_are_short(given)
    _objects_hold_so_many(world, held)


@documented(USING_TAGS)
def _reserved_keys_are_awss(given: list[str] | Json) -> None:
    """Keys that begin with `aws:`, in any case, are AWS's own: nobody else sets or removes them."""
    if any(_is_reserved(key) for key in given):
        raise Refused("aws: prefixed tag key names are not allowed for external use.")


@documented(USING_TAGS)
def _keys_and_values_are_spelt(given: list[str] | Json) -> None:
    """Keys and values are of letters, digits and blanks of any script, and of + - = . _ : / @."""
    words = [*given, *(given.values() if isinstance(given, dict) else ())]
    for word in words:
        if any(unicodedata.category(sign)[0] not in "LNZ" and sign not in "+-=._:/@" for sign in word):
            raise Refused(
                f"Tag keys and values can only have letters, numbers, spaces and + - = . _ : / @: {word[:60]}"
            )


@documented(USING_TAGS)
def _keys_and_values_are_short(given: list[str] | Json) -> None:
    """A key has 1 to 128 characters, and a value up to 256, those of the tags of machines too."""
    values = given.values() if isinstance(given, dict) else ()
    if any(not 1 <= len(key) <= 128 for key in given) or any(len(value) > 256 for value in values):
        raise Refused("Tag keys have 1 to 128 characters, and tag values up to 256")


@documented(USING_TAGS)
def _objects_hold_so_many(world: World, held: Json) -> None:
    """An object holds up to 50 tags; those of AWS do not count."""
    if sum(not _is_reserved(key) for key in held) > world.settings.quotas.tags:
        raise Refused(f"Number of tags must be less than or equal to {world.settings.quotas.tags}.")


def _is_reserved(key: str) -> bool:
    return key.lower().startswith("aws:")


def _changed(world: World, arn: str) -> Thing:
    thing = _tagged(arn, world.read)
    _is_not_going(thing)
    return thing


@assumed("an object in DELETING is neither updated nor deleted again, whereas one in CREATING or UPDATING is tagged")
def _is_not_going(thing: Thing) -> None:
    """An object in deletion is neither tagged nor untagged."""
    if thing.shown.get("status") == "DELETING":
        raise Refused("Cannot tag or untag, resource is being deleted")


@documented(API + "API_TagResource.html")
def _tagged(arn: str, read: Callable[[Kind, str], Thing | None]) -> Thing:
    """What is tagged is named by its ARN and is there; a job definition by the ARN of one revision."""
    match = _ARN.fullmatch(arn)
    kind = next((kind for kind in KINDS if match and kind.resource == match[1]), None)
    if match and match[2]:
        kind = QUOTA_SHARE
    if kind is None:
        raise Refused(f"Invalid resourceArn: {arn}")
    return must_exist(arn, read(kind, arn))
