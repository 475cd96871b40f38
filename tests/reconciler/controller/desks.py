"""A desk that remembers what it was asked, and an application before it."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from starlette.applications import Starlette

from plans.plan import Plan
from plans.planfile import to_json
from providers.clock import ManualClock
from providers.errors import StalePlan
from reconciler.controller.configuration import Hook, Role
from reconciler.controller.logs import lines
from reconciler.controller.status import Status
from reconciler.controller.tokens import ROLES
from reconciler.controller.web import Limits, application
from reconciler.store import Run

PLAN = "0123456789abcdef"
HOST = "localhost"


@attrs.define
class Recorder:
    """A desk of one stack, `genomics`, that has a plan at hand; `asked` has what was asked of it, in order."""

    asked: list[tuple[Any, ...]] = attrs.field(factory=list)
    ill: str | None = None
    unready: str | None = None
    planned: bool = True
    broken: Exception | None = None

    def statuses(self) -> Sequence[Status]:
        return [status for name in ("genomics",) if (status := self.status(name)) is not None]

    def status(self, stack: str) -> Status | None:
        if self.broken is not None:
            raise self.broken
        if stack != "genomics":
            return None
        status = Status("genomics", observed="abc", plan=PLAN, inventory={"JobQueue/a": "arn:aws:batch:…"})
        status = attrs.evolve(status, looked_at=1_800_000_000.99)
        return status.told("Ready", "True", "Succeeded", "all is well", 5.0)

    def runs(self, stack: str, limit: int) -> Sequence[Mapping[str, Any]]:
        self.asked.append(("runs", stack, limit))
        runs = (Run(f"run-{at}", stack, "abc", PLAN, 1_800_000_000.75 - at, 1_800_000_001.0 - at) for at in (1, 2))
        return [attrs.asdict(run) for run in (Run("run-0", stack, "abc", None, 1_800_000_000.75), *runs)][:limit]

    def plan(self, stack: str) -> Mapping[str, Any] | None:
        made = Plan(PLAN, stack, {}, "123456789012", "eu-west-1", {}, "2026-11-22T00:00:00Z")
        return to_json(made) if self.planned else None

    def approve(self, stack: str, plan: str, who: str) -> None:
        self._at_hand(plan)
        self.asked.append(("approve", stack, plan, who))

    def look(self, stack: str, who: str) -> None:
        self.asked.append(("look", stack, who))

    def suspend(self, stack: str, suspended: bool, who: str) -> None:
        self.asked.append(("suspend", stack, suspended, who))

    def override(self, stack: str, plan: str, who: str) -> None:
        self._at_hand(plan)
        self.asked.append(("override", stack, plan, who))

    def hint(self, source: str) -> None:
        self.asked.append(("hint", source))

    def alive(self) -> str | None:
        return self.ill

    def ready(self) -> str | None:
        return self.unready

    def _at_hand(self, plan: str) -> None:
        if plan != PLAN:
            raise StalePlan("the plan is not the one at hand")


LIMITS = Limits()
TOKENS: Mapping[Role, str] = {role: f"{role}-0123456789abcdef" for role in ROLES}


def write_tokens(path: Path, roles: Iterable[Role] = ROLES) -> Path:
    """A file with a token for each role, which is named after it; the token itself is in `TOKENS`."""
    rows = [{"name": role, "sha256": hashlib.sha256(TOKENS[role].encode()).hexdigest(), "role": role} for role in roles]
    path.write_text(json.dumps({"tokens": rows}))
    return path


@attrs.frozen
class Got:
    """An answer; `headers` in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])


Pairs = Iterable[tuple[str, str]]


async def ask(
    app: Starlette,
    method: str,
    path: str,
    headers: Pairs = (),
    parts: Sequence[bytes] = (b"",),
    host: str | None = HOST,
) -> Got:
    """One request; `parts` are those in which its body comes. What is not the last of them may never be read."""
    path, _, query = path.partition("?")
    named = [("host", host), *headers] if host is not None else [*headers]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in named],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 1),
    }
    left = list(parts)
    sent: list[Any] = []

    async def receive() -> Mapping[str, Any]:
        if not left:
            await asyncio.Event().wait()
        part = left.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(left)}

    async def send(message: Any) -> None:
        sent.append(message)

    asked: Any = app
    await asked(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    said = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return Got(sent[0]["status"], said, body)


@attrs.frozen
class House:
    """A desk, the application before it, and what that told of itself."""

    desk: Recorder
    app: Starlette
    clock: ManualClock
    told: list[str]
    tokens: Path

    def call(
        self,
        method: str,
        path: str,
        role: Role | None = None,
        body: bytes = b"",
        headers: Pairs = (),
        host: str | None = HOST,
    ) -> Got:
        """One request, of one who bears the token of `role`."""
        bears = [("Authorization", f"Bearer {TOKENS[role]}")] if role is not None else []
        return asyncio.run(ask(self.app, method, path, [*bears, *headers], (body,), host))

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.told]


def house(
    folder: Path,
    *,
    hooks: Mapping[str, Hook] | None = None,
    limits: Limits = LIMITS,
    hosts: frozenset[str] | None = frozenset({HOST}),
    with_tokens: bool = True,
    level: int = logging.INFO,
) -> House:
    told: list[str] = []
    clock = ManualClock()
    log = lines(told.append, clock, "process-1", level)
    desk = Recorder()
    path = folder / "tokens.yaml"
    if with_tokens:
        write_tokens(path)
    app = application(
        desk, clock=clock, log=log, version="1", tokens=path, hooks=hooks or {}, hosts=hosts, limits=limits
    )
    return House(desk, app, clock, told, path)
