"""What every request meets first, and what becomes of those that go wrong.

Answers are JSON, and failures have one shape: `{"error": {"code", "message", "hint"}}`.
"""

import ipaddress
import json
import re
from collections.abc import Collection, Mapping
from typing import Any

import attrs
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from providers.clock import Clock
from providers.errors import BatchwrightError, LockHeld, StalePlan, StoreError, UnknownStack
from providers.resources import EMPTY
from reconciler.controller.logs import Log
from reconciler.controller.rates import Bucket, Rate

MOST_HEADERS = 16 * 1024
"""Bytes of all headers of a request."""

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,255}?)\.?(?::[0-9]{1,5})?")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_SEEING = ("GET", "HEAD")
_STANDING = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


@attrs.frozen
class Refusal(Exception):
    """The request is not done: with which status, and what is wrong with it in words and in a word."""

    status: int
    code: str
    message: str
    hint: str | None = None
    headers: Mapping[str, str] = EMPTY


def answer(status: int, content: Any, headers: Mapping[str, str] = EMPTY) -> Response:
    # ASCII alone: half a surrogate pair has no other spelling.
    body = json.dumps(content, allow_nan=False).encode("ascii")
    return Response(body, status, dict(headers), "application/json")


def refused(error: Exception) -> Response:
    """The answer to a request that went wrong in a way that is known."""
    refusal = _refusal(error)
    told = {"code": refusal.code, "message": refusal.message, "hint": refusal.hint}
    return answer(refusal.status, {"error": told}, refusal.headers)


def _refusal(error: Exception) -> Refusal:
    match error:
        case Refusal():
            return error
        case UnknownStack():
            return Refusal(404, "unknown_stack", str(error), error.hint)
        case StalePlan():
            return Refusal(409, "stale_plan", str(error), error.hint or "look at the plan again")
        case StoreError() | LockHeld():
            return Refusal(503, "not_now", str(error), error.hint or "ask again in a while")
        case HTTPException(status_code=405):
            allowed = ", ".join(sorted((error.headers or {}).get("Allow", "").split(", ")))
            return Refusal(405, "method", "the path has no such method", f"it has {allowed}", {"Allow": allowed})
        case HTTPException(status_code=404):
            return Refusal(404, "unknown_path", "there is no such path", "GET /openapi.json has those that there are")
    return Refusal(500, "fault", "the controller is at fault", "its log has more")


async def handler(_request: Request, error: Exception) -> Response:
    return refused(error)


HANDLERS = dict.fromkeys((HTTPException, Refusal, UnknownStack, StalePlan, StoreError, LockHeld), handler)


def hosts_of(host: str, named: Collection[str]) -> frozenset[str] | None:
    """The hosts that a request may be for: while we listen on loopback, its names and those that are `named`.

    A page of anybody may have the browser of somebody on this machine ask for its own name, which it lets lead to
    loopback ("DNS rebinding"): such a request bears that name. None where any will do.
    """
    try:
        inside = host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        inside = False
    return _LOOPBACK | {f"[{host}]" if ":" in host else host} | {name.lower() for name in named} if inside else None


@attrs.frozen
class Guard:
    """Refuses what is for another host or has headers without end, answers what nobody caught, and tells of each.

    What an endpoint wants told of its request it puts into `scope["state"]["told"]`; with `who`, the request is of
    somebody known. Of those of strangers only so many are told as `_lines` has room for. What was only seen is told at
    `debug`.
    """

    app: ASGIApp
    clock: Clock
    log: Log
    hosts: frozenset[str] | None
    lines: Rate
    _lines: Bucket = attrs.field(init=False)

    @_lines.default
    def _full(self) -> Bucket:
        return Bucket(self.lines)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = self.clock.now(), 0
        told: dict[str, Any] = {}
        scope.setdefault("state", {})["told"] = told

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], *_STANDING]}
            await send(message)

        try:
            wrong = self._wrong(scope)
            await (self.app if wrong is None else refused(wrong))(scope, receive, noted)
        except ClientDisconnect:
            told["gone"] = True
        except Exception as error:
            told["failed"], known = True, isinstance(error, BatchwrightError)
            self.log.error("a request failed", path=_path(scope), says=str(error) if known else "", exc_info=error)
            if status == 0:
                await refused(error)(scope, receive, noted)
        finally:
            self._tell(scope, status, began, told)

    def _wrong(self, scope: Scope) -> Refusal | None:
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MOST_HEADERS:
            return Refusal(
                431, "headers_too_large", "the headers have more than 16 KiB", headers={"Connection": "close"}
            )
        if self.hosts is None:
            return None
        named = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        said = _HOST.fullmatch(named[0]) if len(named) == 1 else None
        if said is not None and said[1].lower() in self.hosts:
            return None
        hint = "`hosts` of the configuration has those by which a proxy may call it"
        return Refusal(421, "other_host", "the request is for another host", hint)

    def _tell(self, scope: Scope, status: int, began: float, told: Mapping[str, Any]) -> None:
        # Those that came too often are not told one by one.
        if status == 429:
            return
        now = self.clock.now()
        # Who polls would fill the log with what changes nothing.
        seen = status == 200 and scope["method"] in _SEEING and "failed" not in told
        if not seen and "who" not in told and self._lines.take(now):
            return
        (self.log.debug if seen else self.log.info)(
            "request",
            method=scope["method"],
            path=_path(scope),
            status=status,
            seconds=round(now - began, 3),
            **told,
        )


def _path(scope: Scope) -> str:
    """Without the query, in which somebody may have put a secret."""
    return str(scope["path"])[:200]
