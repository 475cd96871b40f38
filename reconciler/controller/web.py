"""The application: what comes in by HTTP, and what the loop is asked on its behalf.

In this order a request is refused: its host and headers (`guard`), its path (404), its method (405), its token (401)
and the role of it (403), how often it comes (429), what it asks in its query (422) and its body (415, 413, 408, 422),
and only then the stack that it names (404).

There are no cookies and no CORS: a browser is told nothing that a page of another origin could use.
"""

import asyncio
import json
import math
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import attrs
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from providers.clock import Clock
from providers.errors import InputError, UnknownStack
from providers.resources import EMPTY
from reconciler.controller import hooks, showing, tokens
from reconciler.controller.configuration import Hook
from reconciler.controller.desk import Desk
from reconciler.controller.guard import HANDLERS, Guard, Refusal, answer
from reconciler.controller.logs import Log
from reconciler.controller.openapi import OPERATIONS, PLAN, STACK, Operation, document
from reconciler.controller.rates import Bucket, Rate
from reconciler.controller.reread import Reread
from reconciler.controller.status import Status

Endpoint = Callable[[Request], Awaitable[Response]]

_JSON = re.compile(r'application/json(?:\s*;\s*charset="?utf-8"?)?\s*', re.IGNORECASE)
_WHOLE = re.compile(r"[0-9]{1,9}")
_LAST = {"Connection": "close"}
_BY_TOKEN = {"WWW-Authenticate": 'Bearer realm="batchwright"'}
_BY_SIGNATURE = {"WWW-Authenticate": 'Webhook realm="batchwright"'}


@attrs.frozen
class Limits:
    """How often, and how long.

    `asks`: a token may ask. `strangers`: a wrong token is answered as such. `lines`: a request of a stranger is told in
    the log. `good`, `bad`: of each hook. `patience`: the seconds in which a body has to be there.
    """

    asks: Rate = Rate(20.0, 200.0)
    strangers: Rate = Rate(5.0, 50.0)
    lines: Rate = Rate(5.0, 100.0)
    good: Rate = hooks.GOOD
    bad: Rate = hooks.BAD
    patience: float = 10.0


def application(
    desk: Desk,
    *,
    clock: Clock,
    log: Log,
    version: str,
    tokens: Path | None = None,
    hooks: Mapping[str, Hook] = EMPTY,
    hosts: frozenset[str] | None = None,
    limits: Limits = Limits(),
) -> Starlette:
    """The ASGI application. `hosts` are those of `guard.hosts_of`."""
    api = _Api(desk, clock, limits, _gate(tokens, clock, limits, log))
    ears = {name: _ear(hook, limits, log) for name, hook in hooks.items()}
    described = document(version)
    others: Mapping[str, Callable[[Operation], Endpoint]] = {
        "healthz": lambda operation: partial(_well, operation, desk.alive, limits),
        "readyz": lambda operation: partial(_well, operation, desk.ready, limits),
        "openapi": lambda operation: partial(_described, operation, described, limits),
        "hook": lambda operation: partial(_heard, operation, ears, desk, clock, limits),
    }
    routes = [
        Route(operation.path, others.get(operation.id, api.endpoint)(operation), methods=[operation.method])
        for operation in OPERATIONS
    ]
    guard = Middleware(Guard, clock=clock, log=log, hosts=hosts, lines=limits.lines)
    app = Starlette(routes=routes, middleware=[guard], exception_handlers=HANDLERS)
    app.router.redirect_slashes = False
    return app


@attrs.frozen
class _Ask:
    """What a request asks, as far as it could be read."""

    stack: str
    who: str
    query: Mapping[str, int]
    plan: str


def _runs(desk: Desk, ask: _Ask) -> Any:
    return {"runs": [showing.run(run) for run in desk.runs(ask.stack, ask.query["limit"])]}


def _plan(desk: Desk, ask: _Ask) -> Any:
    plan = desk.plan(ask.stack)
    if plan is None:
        raise Refusal(404, "no_plan", f"{ask.stack} has no plan at hand", "POST to reconcile, and look again")
    return plan


_SEEING: Mapping[str, Callable[[Desk, _Ask], Any]] = {
    "stacks": lambda desk, _ask: {"stacks": [showing.status(status) for status in desk.statuses()]},
    "stack": lambda desk, ask: showing.status(_known(desk, ask.stack)),
    "runs": _runs,
    "plan": _plan,
}
_DOING: Mapping[str, Callable[[Desk, _Ask], None]] = {
    "reconcile": lambda desk, ask: desk.look(ask.stack, ask.who),
    "approve": lambda desk, ask: desk.approve(ask.stack, ask.plan, ask.who),
    "suspend": lambda desk, ask: desk.suspend(ask.stack, True, ask.who),
    "resume": lambda desk, ask: desk.suspend(ask.stack, False, ask.who),
    "override": lambda desk, ask: desk.override(ask.stack, ask.plan, ask.who),
}


def _known(desk: Desk, stack: str) -> Status:
    status = desk.status(stack) if re.fullmatch(STACK, stack) else None
    if status is None:
        raise UnknownStack("there is no stack of that name", hint="GET /api/v1/stacks has those that there are")
    return status


@attrs.frozen
class _Gate:
    """Who asks, and how often. Used from the one thread of the application."""

    rows: Reread[tuple[tokens.Token, ...]] | None
    clock: Clock
    limits: Limits
    strangers: Bucket
    asked: dict[str, Bucket] = attrs.field(factory=dict)

    def pass_(self, request: Request, operation: Operation) -> str:
        """The name of the token that may do this; raises Refusal."""
        rows = (self.rows.value() if self.rows is not None else None) or ()
        said = request.headers.getlist("authorization")
        token = tokens.holder(rows, said[0]) if len(said) == 1 else None
        now = self.clock.now()
        if token is None:
            if wait := self.strangers.take(now):
                raise _too_often(wait)
            hint = "Authorization: Bearer TOKEN, with a token that the file of tokens has"
            raise Refusal(401, "unauthorized", "the request bears no token that is known", hint, _BY_TOKEN)
        request.state.told["who"] = token.name
        assert operation.role is not None
        if not token.may(operation.role):
            message = f"{token.name} has the role {token.role}, and this takes {operation.role}"
            raise Refusal(403, "forbidden", message, "ask somebody who may")
        if wait := self._bucket(token.name, rows).take(now):
            raise _too_often(wait)
        return token.name

    def _bucket(self, name: str, rows: tuple[tokens.Token, ...]) -> Bucket:
        for gone in self.asked.keys() - {row.name for row in rows}:
            del self.asked[gone]
        return self.asked.setdefault(name, Bucket(self.limits.asks))


def _gate(path: Path | None, clock: Clock, limits: Limits, log: Log) -> _Gate:
    def tell(error: InputError) -> None:
        log.error("nobody may ask for anything", says=str(error))

    rows = None if path is None else Reread(path, partial(tokens.parse, path), tell)
    return _Gate(rows, clock, limits, Bucket(limits.strangers))


@attrs.frozen
class _Api:
    """What takes a token."""

    desk: Desk
    clock: Clock
    limits: Limits
    gate: _Gate

    def endpoint(self, operation: Operation) -> Endpoint:
        return partial(self._answer, operation)

    async def _answer(self, operation: Operation, request: Request) -> Response:
        who = self.gate.pass_(request, operation)
        query = _query(request, operation)
        body = await _body(request, operation, self.limits)
        plan = _named(body) if operation.sends == "plan" else ""
        ask = _Ask(request.path_params.get("name", ""), who, query, plan)
        # The loop may have to look into its store, and nobody else is to wait for that.
        return await run_in_threadpool(self._ask, operation, ask)

    def _ask(self, operation: Operation, ask: _Ask) -> Response:
        if "{name}" in operation.path:
            _known(self.desk, ask.stack)
        if (see := _SEEING.get(operation.id)) is not None:
            return answer(operation.answers, see(self.desk, ask))
        _DOING[operation.id](self.desk, ask)
        return answer(operation.answers, {"stack": ask.stack, "asked": operation.id})


async def _well(operation: Operation, look: Callable[[], str | None], limits: Limits, request: Request) -> Response:
    _query(request, operation)
    await _body(request, operation, limits)
    if (wrong := look()) is not None:
        raise Refusal(503, "unwell", wrong)
    return answer(operation.answers, {"status": "ok"})


async def _described(operation: Operation, described: Any, limits: Limits, request: Request) -> Response:
    _query(request, operation)
    await _body(request, operation, limits)
    return answer(operation.answers, described)


@attrs.frozen
class _Ear:
    """A hook with what it remembers and its secrets."""

    hook: Hook
    listener: hooks.Listener
    secrets: Reread[hooks.Secrets]


def _ear(hook: Hook, limits: Limits, log: Log) -> _Ear:
    def tell(error: InputError) -> None:
        log.error("a hook hears nobody", hook=hook.name, says=str(error))

    secrets = Reread(hook.secrets, partial(hooks.parse_secrets, hook.kind), tell)
    return _Ear(hook, hooks.Listener(hook.kind, limits.good, limits.bad), secrets)


async def _heard(
    operation: Operation, ears: Mapping[str, _Ear], desk: Desk, clock: Clock, limits: Limits, request: Request
) -> Response:
    name = request.path_params["name"]
    _query(request, operation)
    if (ear := ears.get(name)) is None:
        raise Refusal(404, "unknown_hook", "there is no hook of that name")
    headers: dict[str, str] = {}
    for key, value in request.headers.items():
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    claimed = hooks.claim(ear.hook.kind, headers)
    if claimed is None:
        # Its body is not even read.
        made = ear.listener.refuse("nothing is signed", clock.now())
    else:
        body = await _body(request, operation, limits)
        made = ear.listener.judge(claimed, body, ear.secrets.value(), clock.now())
    request.state.told.update(hook=name, outcome=made.outcome, why=made.why)
    match made.outcome:
        case "limited":
            raise _too_often(made.wait)
        case "refused":
            raise Refusal(401, "unauthorized", "the webhook is not signed as it should be", headers=_BY_SIGNATURE)
        case "heeded":
            request.state.told["who"] = f"hook {name}"
            desk.hint(ear.hook.source)
    return answer(operation.answers, {"hook": name})


def _too_often(wait: float) -> Refusal:
    seconds = max(1, math.ceil(wait))
    return Refusal(429, "too_often", "that was too often", f"again in {seconds} s", {"Retry-After": str(seconds)})


def _query(request: Request, operation: Operation) -> dict[str, int]:
    """The parameters of the query, each once, in its bounds, and known; raises Refusal."""
    found = {name: number.default for name, number in operation.query.items()}
    seen: set[str] = set()
    for name, value in request.query_params.multi_items():
        number = operation.query.get(name)
        if number is None:
            hint = f"there is {', '.join(operation.query)}" if operation.query else "there is none here"
            raise Refusal(422, "query", f"the parameter {name[:60]!r} is unknown", hint)
        if name in seen:
            raise Refusal(422, "query", f"the parameter {name!r} is there twice")
        if not _WHOLE.fullmatch(value) or not number.least <= int(value) <= number.most:
            raise Refusal(422, "query", f"{name!r} is a whole number from {number.least} to {number.most}")
        seen.add(name)
        found[name] = int(value)
    return found


async def _body(request: Request, operation: Operation, limits: Limits) -> bytes:
    """The whole body, of which no more is read than it may have; raises Refusal."""
    if operation.sends == "plan" and not _JSON.fullmatch(request.headers.get("content-type", "")):
        raise Refusal(415, "media_type", "the body is not said to be JSON", "Content-Type: application/json", _LAST)
    size = request.headers.get("content-length", "")
    large = Refusal(413, "too_large", f"the body has more than {operation.largest} bytes", headers=_LAST)
    if size.isdigit() and (len(size) > 12 or int(size) > operation.largest):
        raise large
    body = bytearray()
    try:
        async with asyncio.timeout(limits.patience):
            async for part in request.stream():
                body += part
                if len(body) > operation.largest:
                    raise large
    except TimeoutError as error:
        raise Refusal(408, "too_slow", "the body did not come in time", headers=_LAST) from error
    if operation.sends == "nothing" and body:
        raise Refusal(422, "body", "there is nothing to be said here", "send no body")
    return bytes(body)


def _named(body: bytes) -> str:
    """The plan that a body names; raises Refusal."""
    try:
        said = json.loads(body.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise Refusal(422, "body", "the body is not JSON, or has a key twice", '{"plan": "ID"}') from error
    if not isinstance(said, dict):
        raise Refusal(422, "body", "the body is no object", '{"plan": "ID"}')
    if unknown := sorted(said.keys() - {"plan"}):
        raise Refusal(422, "body", f"the key {unknown[0][:60]!r} is unknown", '{"plan": "ID"}')
    plan = said.get("plan")
    if not isinstance(plan, str) or not re.fullmatch(PLAN, plan):
        raise Refusal(422, "body", "`plan` is the id of a plan, a text", "GET …/plan has it")
    return plan


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError
    return made
