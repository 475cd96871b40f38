"""Tags: which an object is to carry, which are nobody's business, and where they differ."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

from plans import paths
from plans.change import Difference
from plans.policy import Policy
from providers.resources import (
    ADDRESS_TAG,
    DIGEST_TAG,
    HOUSE_TAG_PREFIX,
    LAUNCH_TAG,
    PROTECT_TAG,
    REGISTERED_TAG,
    STACK_TAG,
    Live,
    Resource,
)


def tags_of(resource: Resource, stack: str, live: Live | None = None) -> dict[str, str]:
    """The tags of an object: the manifest's and ours. Protection that the manifest does not speak of stays as it is.

    So does the version of the launch template that is followed, until another is known.
    """
    tags = {**resource.tags, STACK_TAG: stack, ADDRESS_TAG: str(resource.address)}
    match resource.lifecycle.protect:
        case True:
            tags[PROTECT_TAG] = "true"
        case None if live is not None and PROTECT_TAG in live.tags:
            tags[PROTECT_TAG] = live.tags[PROTECT_TAG]
    if resource.lifecycle.follow_launch_template and live is not None and LAUNCH_TAG in live.tags:
        tags[LAUNCH_TAG] = live.tags[LAUNCH_TAG]
    return tags


def _ignored(key: str, policy: Policy) -> bool:
    """Whether a tag is nobody's business: AWS's own, or one that the policy ignores.

    Source: tags that start with `aws:` are reserved and cannot be edited ("Tag your AWS Batch resources").
    """
    if key.lower().startswith("aws:"):
        return True
    return not key.startswith(HOUSE_TAG_PREFIX) and any(fnmatchcase(key, row) for row in policy.ignore_tags)


def differences_of_tags(tags: Mapping[str, str], live: Live, policy: Policy) -> tuple[Difference, ...]:
    """Where the tags differ; what ours say about a revision is its own."""
    return tuple(
        Difference(paths.tag(key), live.tags.get(key), tags.get(key), "tags", "tags are edited in place")
        for key in sorted({*tags, *live.tags})
        if live.tags.get(key) != tags.get(key)
        and not (key in (REGISTERED_TAG, DIGEST_TAG) and key not in tags)
        and not _ignored(key, policy)
    )


def ignored_tags(live: Live, policy: Policy) -> Mapping[str, str]:
    """The ignored tags of a revision, which the next one takes over; AWS takes none of its own from us."""
    return {
        key: value for key, value in live.tags.items() if not key.lower().startswith("aws:") and _ignored(key, policy)
    }
