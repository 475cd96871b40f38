"""How objects live: a document, the steps it will take on the clock, and the call that may look at it.

Nothing here runs by itself. A document carries the steps that lie ahead, each with its due time; before a call is
answered, `advance` lets happen what was due until then, in the order of time. So time may jump, processes may come and
go, and two readers see the same.

A document is `{"shown": what describe answers, "kept": what it does not, "steps": [[due, change], …]}`; a change is
merged into `shown` (None removes a key), and the change None ends the object.
"""

import base64
import heapq
import json
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from providers.simulator.rules import Refused, assumed, documented, observed
from providers.simulator.settings import Settings
from providers.simulator.store import Document, Labels, Row, Transaction

Json = dict[str, Any]
Handler = Callable[["World", Json], Json]

API = "https://docs.aws.amazon.com/batch/latest/APIReference/"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
TRANSIENT = ("CREATING", "UPDATING", "DELETING")
_PARTITIONS = {
    "cn-": "aws-cn",
    "eusc-": "aws-eusc",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
}
_GONE_SECONDS = 3600


@attrs.frozen
class Kind:
    """A kind of object: `key` in the store, `resource` in its ARN, `words` in messages, `arn_field` when shown."""

    key: str
    resource: str
    words: str
    arn_field: str


@attrs.define
class Thing:
    """One object in the hands of a call."""

    kind: Kind
    name: str
    shown: Json
    kept: Json = attrs.field(factory=dict)
    steps: list[tuple[float, Json | None]] = attrs.field(factory=list)
    parent: str = ""
    seq: int = 0

    @property
    def arn(self) -> str:
        return str(self.shown[self.kind.arn_field])

    def change(self, changes: Mapping[str, Any]) -> None:
        """Merge `changes` into what is shown; None removes a key."""
        for key, value in changes.items():
            if value is None:
                self.shown.pop(key, None)
            else:
                self.shown[key] = value


def thing_of(kind: Kind, row: Row, document: Document) -> Thing:
    """Return a stored object as it is in `document`, one of the two of its row."""
    return Thing(kind, row.name, document["shown"], document["kept"], document["steps"], row.parent, row.seq)


def partition_of(region: str) -> str:
    """Return the partition of AWS in which a region lies."""
    return next((name for prefix, name in _PARTITIONS.items() if region.startswith(prefix)), "aws")


@attrs.frozen
class Hindrance:
    """What a fault does to the transition that a call begins: `slower` by seconds; `invalid`: the reason it fails."""

    slower: float = 0
    invalid: str = ""


@attrs.frozen
class Change:
    """What an object shows from an instant on; None where it is gone."""

    at: float
    kind: str
    name: str
    shown: Json | None


@attrs.frozen
class World:
    """What one call sees of an account and region: its objects, the time, the settings.

    `read`, `find` and `walk` tell the truth, on which refusals are built; `look` and `view` answer the caller, who
    may be shown what was up to `lag` seconds ago. `heard` is told of every change.
    """

    transaction: Transaction
    now: float
    settings: Settings
    account: str
    region: str
    lag: float = 0
    hindrance: Hindrance = Hindrance()
    heard: Callable[[Change], None] | None = None

    @property
    def partition(self) -> str:
        return partition_of(self.region)

    def arn(self, kind: Kind, name: str) -> str:
        return f"arn:{self.partition}:batch:{self.region}:{self.account}:{kind.resource}/{name}"

    def name(self, kind: Kind, reference: str) -> str:
        """Return the name that a name or an ARN of this account and region stands for; another ARN stands for ""."""
        if not reference.startswith("arn:"):
            return reference
        prefix = self.arn(kind, "")
        return reference[len(prefix) :] if reference.startswith(prefix) else ""

    def read(self, kind: Kind, reference: str) -> Thing | None:
        """Return the object that a name or ARN stands for, DELETED ones included, or None."""
        row = self.transaction.get(kind.key, self.name(kind, reference))
        return thing_of(kind, row, row.document) if row else None

    def find(self, kind: Kind, reference: str) -> Thing:
        """Return the object that a name or ARN stands for; refuse where there is none."""
        return must_exist(reference, self.read(kind, reference))

    def walk(
        self, kind: Kind, parent: str | None = None, status: str | None = None, after: int = 0, backwards: bool = False
    ) -> Iterator[Thing]:
        for row in self.transaction.walk(kind.key, parent, status, after, backwards):
            yield thing_of(kind, row, row.document)

    def newest(self, kind: Kind, parent: str, status: str) -> Thing | None:
        """Return the child of `parent` in this status that came last."""
        row = self.transaction.last(kind.key, parent, status)
        return thing_of(kind, row, row.document) if row else None

    def look(self, kind: Kind, reference: str) -> Thing | None:
        """Return the object as a describe shows it."""
        name = self.name(kind, reference)
        row = self.transaction.get(kind.key, name) or (self.transaction.gone(kind.key, name) if self.lag else None)
        return self._seen(kind, row) if row else None

    def view(
        self, kind: Kind, parent: str | None = None, status: str | None = None, after: int = 0, backwards: bool = False
    ) -> Iterator[Thing]:
        """Yield the objects as a describe or list shows them, in the order they came, or backwards."""
        if not self.lag:
            yield from self.walk(kind, parent, status, after, backwards)
            return
        there = self.transaction.walk(kind.key, parent, None, after, backwards)
        gone = self.transaction.walk_gone(kind.key, parent, after, backwards)
        for row in heapq.merge(there, gone, key=lambda row: row.seq, reverse=backwards):
            thing = self._seen(kind, row)
            if thing and status in (None, thing.shown.get("status")):
                yield thing

    def _seen(self, kind: Kind, row: Row) -> Thing | None:
        document = row.before if self.now < row.changed + self.lag else row.document
        return thing_of(kind, row, document) if document else None

    def save(self, thing: Thing) -> None:
        document = {"shown": thing.shown, "kept": thing.kept, "steps": thing.steps}
        labels = Labels(
            thing.parent,
            thing.shown.get("status", ""),
            thing.kept.get("place", ""),
            thing.kept.get("line", ""),
            thing.kept.get("rank", 0),
            thing.steps[0][0] if thing.steps else None,
            thing.kept.get("share", ""),
        )
        self.transaction.put(thing.kind.key, thing.name, document, labels, self.now)
        if self.heard is not None:
            self.heard(Change(self.now, thing.kind.key, thing.name, dict(thing.shown)))

    def drop(self, thing: Thing) -> None:
        """Take an object away; a stale read shows it for its lag, or for an hour where a fault lags longer."""
        until = self.now + max(_GONE_SECONDS, self.settings.stale_reads)
        self.transaction.drop(thing.kind.key, thing.name, self.now, until)
        if self.heard is not None:
            self.heard(Change(self.now, thing.kind.key, thing.name, None))

    def count(self, name: str) -> int:
        return self.transaction.count(name)

    def unique(self, name: str) -> str:
        """Return a UUID that no other object of this store has; the same store and calls give the same ones."""
        scope = self.transaction.scope
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{scope}/{name}/{self.count('unique')}"))


After = Callable[[World, Thing], None]


def advance(world: World, kinds: Mapping[str, Kind], after: Mapping[str, After]) -> None:
    """Let happen what is due until now, in the order of time.

    `kinds` are all kinds by key; `after` holds what follows from a step of an object of a kind, also by key.
    """
    seq, text = 0, ""
    while row := world.transaction.due(world.now):
        # Of a damaged index an object may come again as it was, however often it is written.
        before, text = text, json.dumps(row.document) if row.seq == seq else ""
        if text and text == before:
            raise ValueError(f"{row.kind} {row.name} is written, and stays as it was")
        seq = row.seq
        thing = thing_of(kinds[row.kind], row, row.document)
        due, change = thing.steps.pop(0)
        then = attrs.evolve(world, now=due)
        if change is None:
            then.drop(thing)
            continue
        thing.change(change)
        then.save(thing)
        if thing.kind.key in after:
            after[thing.kind.key](then, thing)


def begin(world: World, thing: Thing, status: str, *steps: tuple[float, Json | None]) -> None:
    """Put an object into a transition; each step is what becomes of it so many seconds from now. Saves it."""
    hindrance = world.hindrance
    thing.change({"status": status, "statusReason": None})
    thing.steps = [(world.now + seconds + hindrance.slower, change) for seconds, change in steps]
    if hindrance.invalid:
        thing.steps[0] = (thing.steps[0][0], {"status": "INVALID", "statusReason": hindrance.invalid})
        del thing.steps[1:]
    world.save(thing)


@documented(API + "API_CreateComputeEnvironment.html")
def name_is_well_formed(name: str, field: str) -> None:
    """A name has up to 128 letters, digits, hyphens and underscores, and begins with a letter or digit."""
    if not NAME.fullmatch(name):
        raise Refused(f"{field} must be up to 128 letters, numbers, hyphens and underscores")


@observed("hashicorp/terraform-provider-aws#44644")
def name_is_free(world: World, kind: Kind, name: str) -> None:
    """A name that is taken, by an object in deletion too, is answered with HTTP 409."""
    if world.transaction.get(kind.key, name):
        raise Refused("Object already exists", status=409)


@observed("hashicorp/terraform-provider-aws acceptance tests")
def must_exist(reference: str, thing: Thing | None) -> Thing:
    """A change of an object that is not there is refused; one shown as DELETED is not there."""
    if thing is None or thing.shown.get("status") == "DELETED":
        raise Refused(f"{reference} does not exist")
    return thing


@observed("astronomer/astronomer-providers#413")
def must_have_settled(thing: Thing, verb: str) -> None:
    """An object in transition is neither updated nor deleted."""
    if thing.shown["status"] in TRANSIENT:
        raise Refused(f"Cannot {verb}, resource is being modified")


@documented(API + "API_DeleteComputeEnvironment.html")
def must_be_disabled(thing: Thing) -> None:
    """An environment or queue is deleted only once its state is DISABLED."""
    if thing.shown["state"] != "DISABLED":
        raise Refused("Cannot delete, resource must be DISABLED first")


@documented("https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html")
def must_fit(world: World, kind: Kind, most: int) -> None:
    """An account holds so many objects of a kind in a region, and no more."""
    if world.transaction.number(kind.key) >= most:
        raise Refused(f"Limit of {most} {kind.words}s exceeded")


@documented(API + "API_DescribeComputeEnvironments.html")
def at_most_a_hundred(keys: list[str], field: str) -> None:
    """A describe takes up to 100 names or ARNs."""
    if len(keys) > 100:
        raise Refused(f"{field} can have up to 100 entries")


@documented(API + "API_DescribeComputeEnvironments.html")
def page_size(world: World, request: Json) -> int:
    """A page holds 1 to 100 items, 100 where nothing is said; fewer may come."""
    size = request.get("maxResults", 100)
    if not 1 <= size <= 100:
        raise Refused("maxResults must be between 1 and 100")
    return int(min(size, world.settings.page_size))


@documented(API + "API_DescribeComputeEnvironments.html")
def page(
    world: World,
    request: Json,
    answer_key: str,
    things: Callable[[int], Iterable[Thing]],
    show: Callable[[Thing], Any],
    most: int | None = None,
) -> Json:
    """A token goes on where its page ended, only for the same question, and is refused when it is not one of ours.

    `things(after)` yields candidates beyond the sequence number `after`; `most` is the size of a page where it is
    not `page_size` that says so.
    """
    size = page_size(world, request) if most is None else min(most, world.settings.page_size)
    question = {key: value for key, value in request.items() if key not in ("maxResults", "nextToken")}
    found: list[Any] = []
    last = 0
    for thing in things(_after(request.get("nextToken"), answer_key, question)):
        if len(found) == size:
            token = json.dumps([answer_key, question, last])
            return {answer_key: found, "nextToken": base64.urlsafe_b64encode(token.encode()).decode()}
        found.append(show(thing))
        last = thing.seq
    return {answer_key: found}


@documented(API + "API_KeyValuesPair.html")
def is_named(name: str, value: str) -> bool:
    """A filter by name finds it in any case, or, where its value ends with `*`, all names that begin so."""
    small, wanted = name.lower(), value.lower()
    return small.startswith(wanted[:-1]) if wanted.endswith("*") else small == wanted


def _after(token: str | None, answer_key: str, question: Json) -> int:
    if not token:
        return 0
    try:
        key, asked, last = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError, RecursionError) as error:
        raise Refused("Invalid nextToken") from error
    if (key, asked) != (answer_key, question) or type(last) is not int or not 0 < last < 2**63:
        raise Refused("Invalid nextToken")
    return last


@assumed("moto; AWS does not say what an empty list of keys means")
def describe(world: World, request: Json, kind: Kind, keys_field: str, answer_key: str) -> Json:
    """A describe answers the named objects it finds, silently without the rest; no names means all, page by page."""
    keys: list[str] = request.get(keys_field, [])
    at_most_a_hundred(keys, keys_field)
    if not keys:
        return page(world, request, answer_key, lambda after: world.view(kind, after=after), lambda it: it.shown)
    page_size(world, request)
    found = {thing.name: thing.shown for key in keys if (thing := world.look(kind, key))}
    return {answer_key: list(found.values())}
