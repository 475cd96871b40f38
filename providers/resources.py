"""The nouns that every room shares: what is wanted, what is live, and where.

Documents (`spec`, `arguments`) are plain dicts and lists in the AWS API's own field names. Inside a desired document
a reference is a `Ref` (an object of this stack) or an `Elsewhere` (an object of another stack); a reference written
as an ARN, or as the name of something outside every stack, stays the string that the user wrote.
"""

import functools
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self

import attrs

if TYPE_CHECKING:
    from providers.lives import Lives

Document = Mapping[str, Any]

STACK_TAG = "batchwright:stack"
ADDRESS_TAG = "batchwright:address"
PROTECT_TAG = "batchwright:protect"
DIGEST_TAG = "batchwright:digest"
REGISTERED_TAG = "batchwright:registered"
LAUNCH_TAG = "batchwright:launch-template"
ENVIRONMENT_TAG = "batchwright:environment"
QUEUE_TAG = "batchwright:queue"
JOB_TAG = "batchwright:job"
HOUSE_TAG_PREFIX = "batchwright:"

CANARY = "@canary"
"""How the address of a queue or a revision ends that was made for a canary; no name in a manifest ends so."""

SIMULATOR_FILE = ".batchwright/simulator.db"
"""Where the simulator keeps its world unless told otherwise, from the current folder."""

DrainMode = Literal["refuse", "wait", "cancel", "terminate"]
Manner = Literal["createFirst", "deleteFirst", "twoHop", "refuse"]
"""How a new object takes the place of an old one, as `lifecycle.replace` says it."""

EMPTY: Document = MappingProxyType({})


@attrs.frozen(order=True)
class Address:
    """The name of a resource inside its stack: `compute_environment.spot`."""

    kind: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `KIND.NAME`; raises ValueError where it is not of that form."""
        kind, dot, name = text.partition(".")
        if not (kind and dot and name):
            raise ValueError(f"{text!r} is not an address; an address is KIND.NAME, such as job_queue.high")
        return cls(kind, name)

    def __str__(self) -> str:
        return f"{self.kind}.{self.name}"


@attrs.frozen
class Ref:
    """A reference to an object of this stack, known once it is made; `{"$ref": "ADDRESS#arn"}` in JSON."""

    address: Address
    attribute: str = "arn"

    def __str__(self) -> str:
        return f"{self.address}#{self.attribute}"


@attrs.frozen
class Elsewhere:
    """A reference to an object of another stack, found by that object's tags."""

    kind: str
    stack: str
    name: str


@attrs.frozen
class Mark:
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int


@attrs.frozen
class Shorthand:
    """A list of structures that may also be written as a list of one member, its position taken from the order."""

    member: str
    position: str


@attrs.frozen
class Field:
    """A shape of the API model, or of a house key: one tree serves the checker, the schema and the normal form.

    `type` is one of structure, list, map, string, integer, long, float, double, boolean, timestamp, and for house keys
    duration (`30s`, `10m`, `2h`, `7d`) and any. `shape` is the model's name for it, by which kinds state their facts.
    `reference` names the kind that a string refers to. `minimum` and `maximum` bound a number, or a length. `unnamed`
    is the name that the service gives to an entry of this list that says none.
    """

    type: str
    shape: str = ""
    members: Mapping[str, "Field"] = attrs.field(factory=lambda: MappingProxyType({}))
    required: frozenset[str] = frozenset()
    element: "Field | None" = None
    enum: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    documentation: str = ""
    reference: str | None = None
    shorthand: Shorthand | None = None
    unnamed: str = ""

    @functools.cached_property
    def holders(self) -> Mapping[str, "Field"]:
        """The members in which there may be structures."""
        return {name: member for name, member in self.members.items() if member.members or member.element is not None}

    def paths(self, prefix: str = "") -> Iterator[tuple[str, "Field"]]:
        """Every path below this field in model order; an element of a list or map is written `[]`."""
        for name, member in self.members.items():
            path = f"{prefix}.{name}" if prefix else name
            yield path, member
            yield from member.paths(path)
        if self.element is not None:
            yield f"{prefix}[]", self.element
            yield from self.element.paths(f"{prefix}[]")

    def at(self, path: Sequence[str | int]) -> "Field | None":
        """The field that a path of a document leads to; keys and positions of maps and lists lead to their element."""
        field: Field | None = self
        for segment in path:
            if field is None:
                return None
            field = field.members.get(str(segment)) if field.type == "structure" else field.element
        return field


@attrs.frozen
class Canary:
    """House key `lifecycle.canary`: a job of this definition, which has `timeout` seconds to succeed."""

    job_definition: str | Ref | Elsewhere
    timeout: float = 600.0


@attrs.frozen
class DefinitionCanary:
    """House key `rollout.canary`: a job in this queue of what is to be registered, which has `timeout` seconds.

    `request` is what else SubmitJob is told, in its own members.
    """

    queue: str | Ref | Elsewhere
    timeout: float = 600.0
    request: Document = EMPTY


@attrs.frozen
class Lifecycle:
    """House key `lifecycle`; `replace` unsaid is the default of the kind, `protect` unsaid leaves it as it is.

    `pinned` are the numbers of revisions of a definition that stay whatever its rollout says.
    `follow_launch_template`: an environment is updated when its launch template has another version. `canary`: what
    must succeed on a new environment before anything is moved to it.
    """

    replace: Manner | None = None
    protect: bool | None = None
    ignore: tuple[str, ...] = ()
    pinned: tuple[int, ...] = ()
    follow_launch_template: bool = False
    canary: Canary | None = None


@attrs.frozen
class Drain:
    """What to do with the unfinished jobs of a queue that goes; `timeout` in seconds."""

    mode: DrainMode = "refuse"
    timeout: float | None = None


@attrs.frozen
class Rollout:
    """How revisions of a definition come and go; `keep_for` in seconds, unset: no minimum age.

    `migrate`: a revision is registered even where only deprecated members say the same in another way. `canary`: what
    must succeed before anything is registered under the definition's name.
    """

    keep: int = 3
    keep_for: float | None = None
    foreign: Literal["supersede", "keep", "refuse"] = "refuse"
    migrate: bool = False
    canary: DefinitionCanary | None = None


@attrs.frozen
class Resource:
    """One desired object: what the manifest says of it, references resolved as far as the manifest can.

    `fixed_name`: the manifest gives the physical name itself.
    """

    address: Address
    physical_name: str
    spec: Document
    tags: Mapping[str, str] = EMPTY
    lifecycle: Lifecycle = Lifecycle()
    drain: Drain | None = None
    rollout: Rollout = Rollout()
    depends_on: tuple[Address, ...] = ()
    fixed_name: bool = False
    mark: Mark | None = attrs.field(default=None, eq=False)


@attrs.frozen
class Live:
    """One object as AWS describes it; of a job definition, one ACTIVE revision.

    `spec` holds the members that a manifest may say, as described. `status` and `state` are None where the kind has
    none. `unknown` holds, by path, what the service said and the installed botocore's model lacks. `cluster` is the
    name of the ECS cluster of a compute environment, None where it shows none. `uuid` tells a compute environment from
    others that had its name; it is empty where none is shown.
    """

    kind: str
    name: str
    arn: str
    spec: Document
    tags: Mapping[str, str] = EMPTY
    status: str | None = None
    status_reason: str = ""
    revision: int | None = None
    unknown: Document = EMPTY
    cluster: str | None = None
    uuid: str = ""

    @property
    def state(self) -> str | None:
        state = self.spec.get("state")
        return None if state is None else str(state)

    @property
    def owner(self) -> str | None:
        """The stack that manages it, by its tag."""
        return self.tags.get(STACK_TAG)

    @property
    def address(self) -> str | None:
        return self.tags.get(ADDRESS_TAG)


@attrs.frozen
class Target:
    """Where to work: what a session and a client are made from. `account_id` is a claim that is checked."""

    provider: Literal["aws", "simulator"] = attrs.field(
        default="aws", validator=attrs.validators.in_(("aws", "simulator"))
    )
    region: str | None = None
    region_source: str = ""
    account_id: str | None = None
    profile: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    endpoint_url: str | None = None
    simulator_file: str | None = None
    speed: float | None = None

    @property
    def told(self) -> Mapping[str, str]:
        """How it is reached, and where its region came from, as documents tell it."""
        rows = {
            "provider": self.provider,
            "endpointUrl": self.endpoint_url,
            "profile": self.profile,
            "roleArn": self.role_arn,
            "regionSource": self.region_source,
        }
        return {key: value for key, value in rows.items() if value}


@attrs.frozen
class JobList:
    """Jobs that are listed together, those of a queue or of a quota share: by which operation, asked with what.

    Statuses are in the order that jobs go through; a job that is tried again goes back to RUNNABLE. Sizes of pages are
    those of the pages ListJobs and ListServiceJobs of the AWS Batch API reference.

    Jobs of ListJobs may also be asked for whatever their status, those that have ended in the last days among them:
    with a filter, jobs with any status are returned, a hundred on a page. A filter of what lists service jobs is taken.
    """

    operation: Literal["ListJobs", "ListServiceJobs"]
    arguments: Document

    @property
    def statuses(self) -> tuple[str, ...]:
        """All statuses of a job that has not ended."""
        scheduled = ("SCHEDULED",) if self.operation == "ListServiceJobs" else ()
        return ("SUBMITTED", "PENDING", "RUNNABLE", *scheduled, "STARTING", "RUNNING")

    @property
    def wholly(self) -> bool:
        """Whether they can be asked for whatever their status."""
        return self.operation == "ListJobs"

    def asking(self, status: str | None) -> dict[str, Any]:
        """What asks for the first page of those with this status; None asks for all."""
        if status is None:
            any_time = [{"name": "AFTER_CREATED_AT", "values": ["0"]}]
            return {**self.arguments, "filters": any_time, "maxResults": 100}
        page = 100 if self.operation == "ListServiceJobs" else 1000
        return {**self.arguments, "jobStatus": status, "maxResults": page}

    @property
    def whose(self) -> str:
        """The ARN of the queue, or of the quota share."""
        shares = [f"/quota-share/{name}" for test in self.arguments.get("filters", ()) for name in test["values"]]
        return "".join([self.arguments["jobQueue"], *shares])


@attrs.frozen
class JobCount:
    """Unfinished jobs by status; `more` where counting stopped at its bound. An array, or a multi-node job, is one.

    `longest` is for how many seconds the one has run that runs longest, of those that were seen; None where none does.
    `fate` says what becomes of them. `children` is how many jobs the arrays among them hold.
    """

    by_status: Mapping[str, int]
    more: bool = False
    longest: float | None = None
    fate: str = ""
    children: int = 0

    @property
    def total(self) -> int:
        return sum(self.by_status.values())

    def __str__(self) -> str:
        parts = ", ".join(f"{count} {status}" for status, count in self.by_status.items() if count)
        much = f"{'more than ' if self.more else ''}{self.total} unfinished job{'' if self.total == 1 else 's'}"
        what = f"an array of {self.children:,}" if self.total == 1 else f"with arrays of {self.children:,} in all"
        return f"{much}{f', {what}' if self.children else ''} ({parts})"


@attrs.frozen
class Unread:
    """What could not be read, and why; without a reason where there is nothing to read, as around the simulator."""

    reason: str = ""


@attrs.frozen(order=True)
class Template:
    """A launch template as an environment names it: `member` is launchTemplateId or launchTemplateName."""

    member: str
    value: str
    version: str = "$Default"

    @property
    def moving(self) -> bool:
        """Whether it is named by what its owner moves, and not by the number of a version."""
        return self.version in ("$Default", "$Latest")


@attrs.frozen
class Versions:
    """The numbers of the versions of a launch template that `$Latest` and `$Default` mean now."""

    id: str
    latest: int
    default: int

    def of(self, version: str) -> str:
        """The number that a version of a `Template` means now."""
        return {"$Latest": str(self.latest), "$Default": str(self.default)}.get(version, version)


@attrs.frozen
class Role:
    """A role of IAM; `trusting` where AWS Batch may assume it."""

    arn: str
    trusting: bool


@attrs.frozen
class Surroundings:
    """What the services around Batch answered; what is not in it was not asked, None is what does not exist.

    `templates` has launch templates by member and value of a `Template`; `images` has the images that their versions
    name, the empty text where one names none; `roles` has roles by name.
    """

    templates: Mapping[tuple[str, str], Versions | Unread | None] = attrs.field(factory=lambda: MappingProxyType({}))
    images: Mapping[Template, str | Unread | None] = attrs.field(factory=lambda: MappingProxyType({}))
    roles: Mapping[str, Role | Unread | None] = attrs.field(factory=lambda: MappingProxyType({}))


@attrs.frozen
class Snapshot:
    """Everything a plan knows of the world, read once.

    `unobserved` maps a kind to the reason why it could not be read, `unseen` to the reason why of it only what has the
    name of something wanted was read. `jobs` has the jobs of queues and quota shares that
    a plan disturbs, by ARN; what is not in it was not counted.
    """

    target: Target
    region: str
    account: str | None
    live: "Lives"
    unobserved: Mapping[str, str] = EMPTY
    unseen: Mapping[str, str] = EMPTY
    jobs: Mapping[str, JobCount | Unread] = attrs.field(factory=lambda: MappingProxyType({}))
    surroundings: Surroundings = Surroundings()

    def of(self, kind: str) -> tuple[Live, ...]:
        """The live objects of one kind, those already DELETED left out."""
        return self.live.by_kind.get(kind, ())
