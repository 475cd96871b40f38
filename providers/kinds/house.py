"""The keys of a manifest that are ours, not the API's, as trees of fields.

So one checker and one schema writer serve the API's members and ours alike.
"""

from collections.abc import Mapping
from types import MappingProxyType

import attrs

from providers.resources import Field

_STRING = Field("string")
_BOOLEAN = Field("boolean")
_COUNT = Field("integer", minimum=0)
_DURATION = Field("duration")
_PATIENCE = Field("duration", minimum=1)
"""How long to wait for what takes a moment at the least."""


def structure(documentation: str = "", required: frozenset[str] = frozenset(), **members: Field) -> Field:
    return Field("structure", members=MappingProxyType(members), required=required, documentation=documentation)


def of(element: Field, documentation: str = "", kind: str = "list") -> Field:
    return Field(kind, element=element, documentation=documentation)


def text(documentation: str, *enum: str) -> Field:
    return Field("string", documentation=documentation, enum=enum)


def _said(field: Field, documentation: str) -> Field:
    return Field(field.type, minimum=field.minimum, element=field.element, documentation=documentation)


DRAIN = structure(
    "What to do with unfinished jobs when a queue goes.",
    mode=text(
        "What to do: refuse deletes no queue that has some; wait lets them finish, cancel ends those that have not"
        " started, terminate ends all; unsaid, it is refuse.",
        "refuse",
        "wait",
        "cancel",
        "terminate",
    ),
    timeout=_said(_DURATION, "How long to drain, such as 30m; unsaid, it is an hour."),
)

_LIFECYCLE = structure(
    "How this object may change.",
    replace=text(
        "How a replacement is done: createFirst makes the new object beside the old, under a name of its own;"
        " deleteFirst deletes the old one and makes it anew under its name; twoHop keeps the name too, while a third"
        " one carries what uses it; refuse makes none; unsaid, it is createFirst for compute environments and"
        " scheduling policies without physicalName, else refuse.",
        "createFirst",
        "deleteFirst",
        "twoHop",
        "refuse",
    ),
    protect=_said(_BOOLEAN, "Refuse deletion and replacement until an apply says false."),
    ignore=of(_STRING, "Paths never compared and never changed, such as computeResources.imageId."),
)
_PINNED = of(
    Field("integer", minimum=1),
    "Revisions that are never deregistered while the block is there, and do not count for rollout.keep.",
)

_FOLLOW = _said(
    _BOOLEAN,
    "Update when the launch template's $Latest or $Default becomes another version; instances recycle; false.",
)

_CANARY = structure(
    "A job that must succeed on a new environment before a replacement moves any queue to it.",
    frozenset({"jobDefinition"}),
    jobDefinition=attrs.evolve(
        text("The definition of the job, which its defaults must suffice."), reference="job_definition"
    ),
    timeout=_said(_PATIENCE, "How long the job may take, waiting included; 10m."),
)

_DEFINITION_CANARY = structure(
    "A job of what is to be registered that must succeed before it is.",
    frozenset({"queue"}),
    queue=attrs.evolve(text("The queue that the job goes to."), reference="job_queue"),
    timeout=_said(_PATIENCE, "How long the job may take, waiting included; 10m."),
)
_SUBMITTED = (
    "containerOverrides",
    "ecsPropertiesOverride",
    "eksPropertiesOverride",
    "nodeOverrides",
    "parameters",
    "retryStrategy",
    "schedulingPriorityOverride",
    "shareIdentifier",
)
"""What SubmitJob may be told of the job of a canary."""

RESOURCE: Mapping[str, Field] = MappingProxyType(
    {
        "lifecycle": _LIFECYCLE,
        "dependsOn": of(_STRING, "Addresses that come before this one, such as job_queue.high."),
        "physicalName": text("The name in AWS; otherwise the name prefix and the name in the manifest."),
    }
)

ENVIRONMENT: Mapping[str, Field] = MappingProxyType(
    {
        "lifecycle": attrs.evolve(
            _LIFECYCLE,
            members=MappingProxyType({**_LIFECYCLE.members, "followLaunchTemplate": _FOLLOW, "canary": _CANARY}),
        )
    }
)

QUEUE: Mapping[str, Field] = MappingProxyType({"drain": DRAIN})

DEFINITION: Mapping[str, Field] = MappingProxyType(
    {
        "lifecycle": attrs.evolve(_LIFECYCLE, members=MappingProxyType({**_LIFECYCLE.members, "pinned": _PINNED})),
        "rollout": structure(
            "How revisions come and go.",
            keep=Field("integer", minimum=1, documentation="How many ACTIVE revisions stay, the newest included; 3."),
            keepFor=_said(_DURATION, "The age below which no revision is deregistered, such as 7d."),
            foreign=text(
                "What a newer revision of somebody else means: supersede registers one over it where the manifest"
                " differs; keep leaves it, and says so; refuse refuses the plan; unsaid, it is refuse.",
                "supersede",
                "keep",
                "refuse",
            ),
            migrate=_said(
                _BOOLEAN,
                "Register a revision where only deprecated members say the same otherwise, such as vcpus; false.",
            ),
        ),
    }
)


def of_definition(submission: Field) -> Mapping[str, Field]:
    """The keys of a definition; its canary says what else the job is to be, as `submission`, SubmitJob, takes it."""
    rollout = DEFINITION["rollout"]
    said = {name: submission.members[name] for name in _SUBMITTED if name in submission.members}
    canary = attrs.evolve(_DEFINITION_CANARY, members=MappingProxyType({**_DEFINITION_CANARY.members, **said}))
    members = MappingProxyType({**rollout.members, "canary": canary})
    return {**DEFINITION, "rollout": attrs.evolve(rollout, members=members)}


POLICY = structure(
    "What a plan may do; where several say it, the strictest wins.",
    prune=_said(_BOOLEAN, "Delete what carries this stack's tag and left the manifest; true."),
    adopt=_said(_BOOLEAN, "Take over objects of the wanted name that nobody owns; false."),
    maxImpact=text(
        "The most that a plan may disturb: none of what runs; scaling; revision, a new revision of a definition;"
        " infrastructure, instances recycle, or an environment goes; replacement, a new object takes the place of an"
        " old one; outage, a queue cannot run jobs for a while; unsaid, it is replacement; of deletions it bounds"
        " those of environments alone: the others are for prune, maxDeletes, protection and drain.",
        "none",
        "scaling",
        "revision",
        "infrastructure",
        "replacement",
        "outage",
    ),
    maxDeletes=_said(_COUNT, "How many addresses a plan may delete; 5."),
    ignore=of(_STRING, "Paths never compared and never changed, in every resource that has them."),
    ignoreTags=of(_STRING, "Tag keys never compared and never changed; * stands for anything."),
    drain=DRAIN,
)

TARGET = structure(
    "Where the stack lives; a claim that is checked.",
    region=text("The AWS region."),
    accountId=text("The AWS account, twelve digits."),
    profile=text("A profile of the AWS configuration."),
    roleArn=text("A role to assume."),
    externalId=text("The external id with which to assume it."),
)

VARIABLE = structure(
    "A value that the manifest takes from outside.",
    default=Field("any", documentation="Taken when none is given."),
    allowed=of(Field("any"), "The values that may be given."),
    description=text("What it is for."),
    secret=Field("boolean", documentation="Whether its value is shown by no command."),
)

MOVE = structure(
    "Either `from` and `to`, or `stack`.",
    frozenset(),
    **{
        "from": text("The former address of a block, such as job_queue.old."),
        "to": text("The address of the block now; its object keeps its name while this row stands."),
        "stack": text("A stack whose objects become this one's, where this manifest has a block of their address."),
    },
)

TOP: Mapping[str, Field] = MappingProxyType(
    {
        "stack": text("The owner: the value of the tag batchwright:stack on every object."),
        "namePrefix": text("Put before every name in AWS that no physicalName fixes."),
        "target": TARGET,
        "tags": of(_STRING, "Tags of every resource; a resource's own win.", kind="map"),
        "variables": of(VARIABLE, "Values taken from outside, used as ${var.NAME}.", kind="map"),
        "policy": POLICY,
        "moved": of(MOVE, "Former addresses of blocks, and stacks whose objects become this one's; tags alone change."),
        "removed": of(_STRING, "Addresses that are forgotten: their objects lose our tags and are not deleted."),
    }
)
