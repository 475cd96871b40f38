"""The simulator itself: one entry, from a request to a response, over a store and a clock."""

import collections
import contextlib
import json
import re
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from wsgiref.simple_server import WSGIServer

import attrs

from providers.clock import Clock
from providers.simulator import identity, seeding, shapes, wire
from providers.simulator.catalogue import KINDS
from providers.simulator.faults import Fault, Faults, NoAnswer, is_read, raise_before, throttled, unknown_operation
from providers.simulator.lifecycle import Change, Hindrance, Json, World, advance
from providers.simulator.operations import AFTER, OPERATIONS
from providers.simulator.rules import Refused
from providers.simulator.seeding import Seed
from providers.simulator.settings import Settings
from providers.simulator.store import Store
from providers.simulator.wire import Request, Response

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from botocore.awsrequest import AWSPreparedRequest, AWSResponse

_SCOPE = re.compile(r"Credential=(?P<key>[^/]+)/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/")
_HOST = re.compile(r"(?P<service>batch|sts)\.(?P<region>[a-z0-9-]+)\.")
_FORM = "application/x-www-form-urlencoded"
_REMEMBERED_CALLS = 10_000


@attrs.frozen
class Call:
    """One call as a simulator object saw it; `status` is 0 where the caller got no answer.

    `fault` is the kind of the fault that hit it, "" where none did.
    """

    operation: str
    time: float
    status: int
    fault: str = ""


class _Told(Protocol):
    """An answer in any form."""

    @property
    def status(self) -> int: ...


@attrs.frozen
class _Plain:
    """An answer as it is, or the refusal."""

    answer: Json | Refused

    @property
    def status(self) -> int:
        return self.answer.status if isinstance(self.answer, Refused) else 200


_Form = TypeVar("_Form", bound=_Told)


@attrs.frozen
class _Caller:
    who: identity.Caller
    region: str
    service: str


def _in_force(given: Iterable[Fault], now: float) -> Faults:
    found = Faults()
    found.add(given, now)
    return found


@attrs.define
class Simulator:
    """A simulated AWS Batch, and as much of STS as goes with it. Calls may come from many threads.

    `faults` are in force from the start. `before_call` is run before each call with the operation and the number of
    the call, from 1: a test lets a foreign writer in there, or raises to die. `calls` holds the last 10,000 calls of
    this object; `calls.clear()` forgets them. `struck` counts all calls that a fault hit, by its kind and the
    operation. `on_change` is told what became of every object, in the order of time, once the call is done before or in
    which it happened.
    """

    store: Store
    clock: Clock
    faults: Iterable[Fault] = ()
    settings: Settings = attrs.field(factory=Settings)
    before_call: Callable[[str, int], None] | None = None
    on_change: Callable[[Change], None] | None = None
    ids: Callable[[], str] = attrs.field(default=lambda: str(uuid.uuid4()))
    calls: collections.deque[Call] = attrs.field(
        factory=lambda: collections.deque(maxlen=_REMEMBERED_CALLS), init=False
    )
    struck: collections.Counter[tuple[str, str]] = attrs.field(factory=collections.Counter, init=False)
    _number: int = attrs.field(default=0, init=False)
    _faults: Faults = attrs.field(
        init=False, default=attrs.Factory(lambda self: _in_force(self.faults, self.clock.now()), takes_self=True)
    )
    _recent: collections.deque[float] = attrs.field(factory=collections.deque, init=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)

    def attach(self, client: Any) -> None:
        """Answer the calls of a boto3 client (batch or sts) instead of the network.

        The client must have credentials, dummy ones will do: it signs before it would send.
        """
        client.meta.events.register("before-send", self._before_send)

    def _before_send(self, request: "AWSPreparedRequest", **_: Any) -> "AWSResponse":
        return wire.answer_botocore(self.handle, request)

    @property
    def wsgi(self) -> "WSGIApplication":
        """The simulator as a WSGI application."""
        return wire.application(self.handle)

    def inject(self, *faults: Fault) -> None:
        """Put more faults in force; each counts its calls, and its time, from now."""
        with self._lock:
            self._faults.add(faults, self.clock.now())

    def heal(self) -> None:
        """Take all faults away."""
        with self._lock:
            self._faults.clear()

    def handle(self, request: Request) -> Response:
        """Answer one request. Raises NoAnswer where the caller is to get none."""
        caller = self._caller(request)
        if caller.service == "sts":
            return self._query(request, caller)
        found = shapes.route(request.method, request.path)
        operation = found[0].name if found else f"{request.method} {request.path}"

        def act(fault: Fault | None) -> Json:
            if found is None or operation not in OPERATIONS:
                raise unknown_operation(operation)
            members = shapes.members(found[0], request.body, request.query, found[1])
            if fault and fault.writes:
                self._write(*fault.writes, caller)
            return self._run(operation, members, caller, fault)

        return self._answer(operation, caller, act, _rest_json)

    def call(self, operation: str, members: Json, *, account: str | None = None, region: str | None = None) -> Json:
        """Answer one call by the name of its operation, without HTTP around it.

        Raises Refused, or NoAnswer where the caller is to get none.
        """
        where = region or self.settings.region
        caller = _Caller(identity.caller_of(account or self.settings.account, where), where, "batch")

        def act(fault: Fault | None) -> Json:
            if operation not in OPERATIONS:
                raise unknown_operation(operation)
            if fault and fault.writes:
                self._write(*fault.writes, caller)
            return self._run(operation, shapes.of(operation, members), caller, fault)

        answer = self._answer(operation, caller, act, lambda answer, _: _Plain(answer)).answer
        if isinstance(answer, Refused):
            raise answer
        return answer

    def _write(self, operation: str, members: Json, caller: _Caller) -> None:
        """Make the call of a foreign writer; if he is refused, nothing has happened."""
        with contextlib.suppress(Refused):
            if operation not in OPERATIONS:
                raise unknown_operation(operation)
            self._run(operation, shapes.of(operation, members), caller, None)

    def _query(self, request: Request, caller: _Caller) -> Response:
        form = identity.form(request.body)
        name = form.get("Action", "")

        def act(_: Fault | None) -> Json:
            return {name: identity.answer(form, caller.who, self.clock.now())}

        return self._answer(name, caller, act, _query_xml)

    def _run(self, operation: str, members: Json, caller: _Caller, fault: Fault | None) -> Json:
        def answer(world: World) -> Json:
            return OPERATIONS[operation](_under(fault, world), members)

        if is_read(operation):
            with self._world(caller.who.account, caller.region, write=False) as world:
                if not world.transaction.due(world.now):
                    return answer(world)
        with self._world(caller.who.account, caller.region, write=True) as world:
            return answer(world)

    def _answer(
        self,
        operation: str,
        caller: _Caller,
        act: Callable[[Fault | None], Json],
        render: Callable[[Json | Refused, str], _Form],
    ) -> _Form:
        with self._lock:
            self._number += 1
            number, fault = self._number, self._faults.strike(operation, self.clock.now())
            if fault:
                self.struck[fault.kind, operation] += 1
        if self.before_call:
            self.before_call(operation, number)

        def meet() -> Json:
            if fault:
                raise_before(fault, caller.service, operation, caller.who.arn)
            self._must_not_be_too_fast()
            return act(fault)

        status = 0
        try:
            answer = _or_refused(meet)
            if fault and fault.kind == "lost":
                raise NoAnswer(acted=True)
            response = render(answer, self.ids())
            status = response.status
        finally:
            self.calls.append(Call(operation, self.clock.now(), status, fault.kind if fault else ""))
        return response

    def _must_not_be_too_fast(self) -> None:
        rate, now = self.settings.rate, self.clock.now()
        if rate is None:
            return
        with self._lock:
            while self._recent and self._recent[0] <= now - 1:
                self._recent.popleft()
            if len(self._recent) >= rate:
                raise throttled()
            self._recent.append(now)

    def _caller(self, request: Request) -> _Caller:
        scope = _SCOPE.search(request.headers.get("authorization", ""))
        host = _HOST.match(request.headers.get("host", ""))
        form = request.path == "/" and request.headers.get("content-type", "").startswith(_FORM)
        key = scope["key"] if scope else ""
        account = self.settings.accounts.get(key) or identity.account_of(key) or self.settings.account
        found = scope or host
        service = found["service"] if found else "batch"
        region = found["region"] if found else self.settings.region
        who = identity.caller_of(account, region, request.headers.get("x-amz-security-token", ""))
        return _Caller(who, region, "sts" if form else service)

    @contextlib.contextmanager
    def _world(self, account: str, region: str, write: bool) -> Iterator[World]:
        changes: list[Change] = []
        with self.store.transaction(f"{account}/{region}", write) as transaction:
            world = World(transaction, self.clock.now(), self.settings, account, region, self.settings.stale_reads)
            if self.on_change:
                world = attrs.evolve(world, heard=changes.append)
            if write:
                advance(world, _KINDS, AFTER)
            yield world
        for change in changes:
            assert self.on_change
            self.on_change(change)

    def _hooked(self, account: str | None, region: str | None) -> contextlib.AbstractContextManager[World]:
        return self._world(account or self.settings.account, region or self.settings.region, write=True)

    def set_status(
        self,
        kind: str,
        name: str,
        status: str,
        reason: str = "",
        *,
        account: str | None = None,
        region: str | None = None,
    ) -> None:
        """Put an object into a status, where it stays until a call changes it: INVALID, or stuck in DELETING.

        `kind` is the `key` of a row of the catalogue. Raises LookupError where there is no such object.
        """
        with self._hooked(account, region) as world:
            thing = world.read(_KINDS[kind], name)
            if thing is None:
                raise LookupError(f"{kind} {name}")
            thing.change({"status": status, "statusReason": reason or None})
            thing.steps = []
            world.save(thing)
            if kind in AFTER:
                AFTER[kind](world, thing)

    def seed(self, kind: str, name: str, shown: Json, *, account: str | None = None, region: str | None = None) -> None:
        """Put an object in as describe shows it, as if it had always been there; `name` of a revision is NAME:REVISION,
        that of a quota share QUEUE/quota-share/NAME.

        No rule is asked. What is in transition comes to the end of it in the time of a scaling update; a job that has
        begun was placed just now.
        """
        with self._hooked(account, region) as world:
            seeding.put(world, Seed(kind, name, shown))

    def fill(self, seeds: Iterable[Seed], *, account: str | None = None, region: str | None = None) -> None:
        """Put all these objects in at once, as `seed` does; a stale read shows them too."""
        with self._hooked(account, region) as world:
            seeding.fill(world, seeds)

    def show(self) -> dict[str, dict[str, dict[str, Json]]]:
        """Return every object as it stands now: "ACCOUNT/REGION", then kind, then name."""
        held: dict[str, dict[str, dict[str, Json]]] = {}
        for scope in self.store.dump():
            account, _, region = scope.partition("/")
            with self._world(account, region, write=True) as world:
                held[scope] = {kind.key: {it.name: it.shown for it in world.walk(kind)} for kind in KINDS}
        return held


_KINDS = {kind.key: kind for kind in KINDS}


def _under(fault: Fault | None, world: World) -> World:
    match fault:
        case Fault(kind="stale"):
            return attrs.evolve(world, lag=fault.seconds)
        case Fault(kind="slow"):
            return attrs.evolve(world, hindrance=Hindrance(slower=fault.seconds))
        case Fault(kind="invalid"):
            return attrs.evolve(world, hindrance=Hindrance(invalid=fault.reason))
        case _:
            return world


def _or_refused(act: Callable[[], Json]) -> Json | Refused:
    try:
        return act()
    except Refused as refused:
        return refused


def _rest_json(answer: Json | Refused, request_id: str) -> Response:
    headers = {"Content-Type": "application/json", "x-amzn-RequestId": request_id}
    if isinstance(answer, Refused):
        body = json.dumps({"message": answer.message})
        return Response(answer.status, {**headers, "x-amzn-ErrorType": answer.code}, body.encode())
    return Response(200, headers, json.dumps(answer).encode())


def _query_xml(answer: Json | Refused, request_id: str) -> Response:
    headers = {"Content-Type": "text/xml", "x-amzn-RequestId": request_id}
    if isinstance(answer, Refused):
        return Response(answer.status, headers, identity.failure(answer, request_id).encode())
    ((name, inner),) = answer.items()
    return Response(200, headers, identity.success(name, inner, request_id).encode())


def serve(simulator: Simulator, host: str = "127.0.0.1", port: int = 0) -> WSGIServer:
    """Return a server of the simulator: `serve_forever()` runs it, `shutdown()` ends that; port 0 takes a free one."""
    return wire.listen(simulator.wsgi, host, port)
