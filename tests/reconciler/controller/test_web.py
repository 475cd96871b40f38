"""The application before a desk: who is let in, what is refused and how, and what the desk is asked."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from providers.clock import ManualClock
from providers.errors import BatchwrightError, LockHeld, StoreError, UnknownStack
from reconciler.controller.conditions import KINDS
from reconciler.controller.configuration import Hook, Role
from reconciler.controller.guard import Guard, hosts_of
from reconciler.controller.logs import lines
from reconciler.controller.openapi import document
from reconciler.controller.rates import Rate
from reconciler.controller.tokens import ROLES
from reconciler.controller.web import Limits
from tests.reconciler.controller.desks import PLAN, TOKENS, ask, house, write_tokens
from tests.reconciler.controller.senders import github

STACK = "/api/v1/stacks/genomics"
JSON = [("Content-Type", "application/json")]
NAMED = json.dumps({"plan": PLAN}).encode()

DONE: tuple[tuple[str, Role, bytes, tuple[Any, ...]], ...] = (
    ("reconcile", "plan", b"", ("look", "genomics")),
    ("approve", "approve", NAMED, ("approve", "genomics", PLAN)),
    ("suspend", "apply", b"", ("suspend", "genomics", True)),
    ("resume", "apply", b"", ("suspend", "genomics", False)),
    ("override", "override", NAMED, ("override", "genomics", PLAN)),
)


@pytest.mark.parametrize(("verb", "needed", "body", "asked"), DONE)
def test_what_is_asked_of_the_desk_takes_its_role(
    tmp_path: Path, verb: str, needed: Role, body: bytes, asked: tuple[Any, ...]
) -> None:
    """Whoever may, asks in his own name; of whoever may not, the desk hears nothing."""
    made = house(tmp_path)
    headers = JSON if body else []
    for role in ROLES:
        made.desk.asked.clear()
        got = made.call("POST", f"{STACK}/{verb}", role, body, headers)
        if ROLES.index(role) >= ROLES.index(needed):
            assert (got.status, got.json) == (202, {"stack": "genomics", "asked": verb})
            assert made.desk.asked == [(*asked, role)]
        else:
            assert (got.status, got.code, made.desk.asked) == (403, "forbidden", [])
    assert made.call("POST", f"{STACK}/{verb}", None, body, headers).status == 401


def test_what_is_seen_is_the_desk_s(tmp_path: Path) -> None:
    """Statuses with their conditions, runs with a limit, the plan at hand; times as RFC 3339 in UTC."""
    made = house(tmp_path)
    status = made.call("GET", STACK, "view").json
    assert status == {
        "stack": "genomics",
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "reason": "Succeeded",
                "message": "all is well",
                "since": "1970-01-01T00:00:05Z",
            },
            *(
                {
                    "type": kind,
                    "status": "Unknown",
                    "reason": "NotLookedYet",
                    "message": "",
                    "since": "1970-01-01T00:00:00Z",
                }
                for kind in KINDS[1:]
            ),
        ],
        "observed": "abc",
        "applied": "",
        "digest": "",
        "plan": PLAN,
        "inventory": {"JobQueue/a": "arn:aws:batch:…"},
        "failures": 0,
        "lookedAt": "2027-01-15T08:00:00Z",
        "nextAt": None,
    }
    assert made.call("GET", "/api/v1/stacks", "view").json == {"stacks": [status]}
    assert len(made.call("GET", f"{STACK}/runs?limit=2", "view").json["runs"]) == 2
    first, second, third = made.call("GET", f"{STACK}/runs", "view").json["runs"]
    assert [run["id"] for run in (first, second, third)] == ["run-0", "run-1", "run-2"]
    assert (first["began"], first["ended"]) == ("2027-01-15T08:00:00Z", None)
    assert (third["began"], third["ended"]) == ("2027-01-15T07:59:58Z", "2027-01-15T07:59:59Z")
    assert first.keys() == document("1")["components"]["schemas"]["Run"]["properties"].keys()
    assert made.desk.asked == [("runs", "genomics", 2), ("runs", "genomics", 20)]
    assert made.call("GET", f"{STACK}/plan", "view").json["id"] == PLAN
    made.desk.planned = False
    got = made.call("GET", f"{STACK}/plan", "view")
    assert (got.status, got.code) == (404, "no_plan")


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "code"),
    [
        ("GET", "/nowhere", b"", [], 404, "unknown_path"),
        ("GET", f"{STACK}/", b"", [], 404, "unknown_path"),
        ("GET", "/api/v1/stacks/other", b"", [], 404, "unknown_stack"),
        ("GET", "/api/v1/stacks/a b", b"", [], 404, "unknown_stack"),
        ("GET", "/api/v1/stacks/genomics\n", b"", [], 404, "unknown_stack"),
        ("POST", "/api/v1/stacks/other/suspend", b"", [], 404, "unknown_stack"),
        ("DELETE", STACK, b"", [], 405, "method"),
        ("GET", f"{STACK}/suspend", b"", [], 405, "method"),
        ("GET", f"{STACK}?verbose=1", b"", [], 422, "query"),
        ("GET", f"{STACK}/runs?limit=0", b"", [], 422, "query"),
        ("GET", f"{STACK}/runs?limit=1001", b"", [], 422, "query"),
        ("GET", f"{STACK}/runs?limit=1.0", b"", [], 422, "query"),
        ("GET", f"{STACK}/runs?limit=", b"", [], 422, "query"),
        ("GET", f"{STACK}/runs?limit=%C2%B2", b"", [], 422, "query"),
        ("GET", f"{STACK}/runs?limit=1&limit=1", b"", [], 422, "query"),
        ("GET", STACK, b"{}", [], 422, "body"),
        ("POST", f"{STACK}/suspend", b"{}", JSON, 422, "body"),
        ("POST", f"{STACK}/approve", NAMED, [], 415, "media_type"),
        ("POST", f"{STACK}/approve", NAMED, [("Content-Type", "text/plain")], 415, "media_type"),
        ("POST", f"{STACK}/approve", NAMED, [("Content-Type", "application/json; charset=latin-1")], 415, "media_type"),
        ("POST", f"{STACK}/approve", NAMED, [*JSON, ("Content-Length", "65537")], 413, "too_large"),
        ("POST", f"{STACK}/approve", b"", JSON, 422, "body"),
        ("POST", f"{STACK}/approve", b"[" * 60_000, JSON, 422, "body"),
        ("POST", f"{STACK}/approve", b"9" * 60_000, JSON, 422, "body"),
        ("POST", f"{STACK}/approve", b"\xff", JSON, 422, "body"),
        ("POST", f"{STACK}/approve", b"[]", JSON, 422, "body"),
        ("POST", f"{STACK}/approve", b"{}", JSON, 422, "body"),
        ("POST", f"{STACK}/approve", b'{"plan": 1}', JSON, 422, "body"),
        ("POST", f"{STACK}/approve", b'{"plan": "a\\n"}', JSON, 422, "body"),
        ("POST", f"{STACK}/approve", b'{"plan": "\\ud800"}', JSON, 422, "body"),
        ("POST", f"{STACK}/approve", b'{"plan": "a", "\\ud800": 1}', JSON, 422, "body"),
        ("POST", f"{STACK}/approve", b'{"plan": "a", "plan": "b"}', JSON, 422, "body"),
        ("POST", f"{STACK}/approve", b'{"plan": "another"}', JSON, 409, "stale_plan"),
        ("POST", f"{STACK}/override", b'{"plan": "another"}', JSON, 409, "stale_plan"),
        ("POST", "/hooks/none", b"{}", [], 404, "unknown_hook"),
    ],
)
def test_what_is_wrong_is_refused_in_one_shape(
    tmp_path: Path, method: str, path: str, body: bytes, headers: list[tuple[str, str]], status: int, code: str
) -> None:
    """`{"error": {code, message, hint}}`, whatever is wrong, and the desk is asked for nothing."""
    made = house(tmp_path)
    got = made.call(method, path, "override", body, headers)
    assert (got.status, got.code) == (status, code)
    assert got.json["error"].keys() == {"code", "message", "hint"}
    assert got.headers["content-type"] == "application/json"
    assert got.headers["cache-control"] == "no-store"
    assert not {"set-cookie", "access-control-allow-origin"} & got.headers.keys()
    assert made.desk.asked == []
    if status == 405:
        assert got.headers["allow"] == ("POST" if "suspend" in path else "GET, HEAD")


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Authorization", "Bearer nobody")],
        [("Authorization", f"Basic {TOKENS['view']}")],
        [("Authorization", f"Bearer {TOKENS['view']}"), ("Authorization", f"Bearer {TOKENS['view']}")],
        [("Cookie", f"token={TOKENS['view']}")],
    ],
)
def test_without_a_token_that_is_known_nobody_is_let_in(tmp_path: Path, headers: list[tuple[str, str]]) -> None:
    """401, how to do better, and nothing about whether there is such a stack."""
    made = house(tmp_path)
    for path in (STACK, "/api/v1/stacks/other", f"{STACK}?x=1"):
        got = made.call("GET", path, None, headers=headers)
        assert (got.status, got.code) == (401, "unauthorized")
        assert got.headers["www-authenticate"] == 'Bearer realm="batchwright"'


def test_the_file_of_tokens_counts_as_it_is_now(tmp_path: Path) -> None:
    """Who is taken out is out, who comes in is in; while it is wrong or absent nobody is in, and the log says so."""
    made = house(tmp_path)
    assert made.call("GET", STACK, "view").status == 200
    write_tokens(made.tokens, ["plan"])
    assert made.call("GET", STACK, "view").status == 401
    assert made.call("GET", STACK, "plan").status == 200
    made.tokens.write_text("tokens: [{}]")
    assert made.call("GET", STACK, "plan").status == 401
    made.tokens.unlink()
    assert made.call("GET", STACK, "plan").status == 401
    told = [line["says"] for line in made.lines if line["event"] == "nobody may ask for anything"]
    assert len(told) == 2
    assert "the key `name` is missing" in told[0]
    assert house(tmp_path, with_tokens=False).call("GET", STACK, "plan").status == 401


def test_a_token_may_ask_only_so_often_and_keeps_no_other_out(tmp_path: Path) -> None:
    """429 says when to come again; the same for whoever tries tokens."""
    made = house(tmp_path, limits=Limits(asks=Rate(0.5, 2.0), strangers=Rate(0.1, 1.0)))
    assert [made.call("GET", STACK, "view").status for _ in range(3)] == [200, 200, 429]
    assert [made.call("GET", STACK).status for _ in range(2)] == [401, 429]
    got = made.call("GET", STACK)
    assert (got.code, got.headers["retry-after"]) == ("too_often", "10")
    assert made.call("GET", STACK, "plan").status == 200
    made.clock.sleep(2.0)
    assert made.call("GET", STACK, "view").status == 200
    # Those that came too often are not told of.
    assert [line["status"] for line in made.lines] == [401]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LocalHost:8700", 200),
        ("127.0.0.1:8700", 200),
        ("[::1]:8700", 200),
        ("batch.example.com", 200),
        ("batch.example.com.", 200),
        ("evil.example.com", 421),
        ("localhost.evil.example.com", 421),
        ("localhost:8700@evil.example.com", 421),
        ("localhost:", 421),
        ("", 421),
        (None, 421),
    ],
)
def test_on_loopback_a_request_has_to_be_for_a_host_that_is_ours(tmp_path: Path, host: str | None, status: int) -> None:
    """Else a page whose name leads to loopback could ask for what it likes."""
    made = house(tmp_path, hosts=hosts_of("127.0.0.1", ["Batch.example.com"]))
    assert made.call("GET", "/healthz", host=host).status == status
    assert made.call("GET", "/healthz", host="localhost", headers=[("Host", "localhost")]).status == 421


def test_elsewhere_it_may_be_for_any() -> None:
    """What listens on the network is reached by whatever name leads there."""
    assert hosts_of("0.0.0.0", ["a"]) is None
    assert hosts_of("batch.internal", []) is None
    names = frozenset({"localhost", "127.0.0.1", "[::1]"})
    assert hosts_of("::1", []) == hosts_of("localhost", []) == names
    assert "127.0.0.2" in (hosts_of("127.0.0.2", []) or ())


def test_headers_without_end_are_refused(tmp_path: Path) -> None:
    """431 above 16 KiB of them all."""
    got = house(tmp_path).call("GET", "/healthz", headers=[("X-A", "a" * 9000), ("X-B", "b" * 9000)])
    assert (got.status, got.code, got.headers["connection"]) == (431, "headers_too_large", "close")


@pytest.mark.parametrize(("path", "largest"), [(f"{STACK}/approve", 64 * 1024), ("/hooks/git", 256 * 1024)])
def test_no_more_of_a_body_is_read_than_it_may_have(tmp_path: Path, path: str, largest: int) -> None:
    """Whatever length it claims, it is left as soon as it is too long."""
    (tmp_path / "secrets").write_bytes(b"s\n")
    made = house(tmp_path, hooks={"git": Hook("git", "github", "code", tmp_path / "secrets")})
    headers = [("Authorization", f"Bearer {TOKENS['override']}"), *JSON, *github(b"s", b" " * largest).items()]
    part = b" " * 4096
    enough = [part] * (largest // 4096)
    got = asyncio.run(ask(made.app, "POST", path, headers, enough))
    assert got.status == (422 if "approve" in path else 202)
    left = [*enough, b" ", *([b"never read"] * 10)]
    got = asyncio.run(ask(made.app, "POST", path, headers, left))
    assert (got.status, got.code, got.headers["connection"]) == (413, "too_large", "close")


def test_a_body_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    """408 when the patience is at its end."""
    made = house(tmp_path, limits=Limits(patience=0.01))
    headers = [("Authorization", f"Bearer {TOKENS['override']}"), *JSON]
    got = asyncio.run(ask(made.app, "POST", f"{STACK}/approve", headers, ()))
    assert (got.status, got.code) == (408, "too_slow")


def test_how_it_is_can_be_asked_without_a_token(tmp_path: Path) -> None:
    """200 or 503 with what is wrong; HEAD as GET; a probe that finds all well is not told of."""
    made = house(tmp_path)
    for path in ("/healthz", "/readyz"):
        assert made.call("GET", path).json == {"status": "ok"}
        assert made.call("HEAD", path).status == 200
    assert made.told == []
    made.desk.ill, made.desk.unready = "a worker is dead", "another leads"
    for path, wrong in (("/healthz", "a worker is dead"), ("/readyz", "another leads")):
        got = made.call("GET", path)
        assert (got.status, got.json["error"]["message"]) == (503, wrong)
    assert [line["status"] for line in made.lines] == [503, 503]


def test_a_fault_of_ours_is_told_to_the_log_and_not_to_who_asked(tmp_path: Path) -> None:
    """500 without a word of what it was; a stack that went meanwhile is no fault."""
    made = house(tmp_path)
    made.desk.broken = RuntimeError("postgresql://me:hunter2@db/x")
    got = made.call("GET", STACK, "view")
    assert (got.status, got.code) == (500, "fault")
    assert b"postgresql" not in got.body
    assert "RuntimeError" in made.lines[0]["traceback"]
    assert "hunter2" not in made.told[0]
    made.desk.broken = UnknownStack("it went")
    assert made.call("GET", STACK, "view").status == 404


@pytest.mark.parametrize("error", [StoreError("the store is away"), LockHeld("this controller does not lead")])
def test_a_store_that_is_away_and_a_controller_that_does_not_lead_are_told(
    tmp_path: Path, error: BatchwrightError
) -> None:
    """503: the same may be asked again, here or of another one."""
    made = house(tmp_path)
    made.desk.broken = error
    got = made.call("GET", STACK, "view")
    assert (got.status, got.code) == (503, "not_now")


def test_what_fails_in_the_middle_of_an_answer_is_not_answered_twice() -> None:
    """It is told to the log alone."""
    told: list[str] = []
    sent: list[Any] = []

    async def breaking(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("half")

    async def send(message: Any) -> None:
        sent.append(message["type"])

    clock = ManualClock()
    guard: Any = Guard(breaking, clock, lines(told.append, clock, "p"), None, Rate(1.0, 1.0))
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    asyncio.run(guard(scope, asyncio.Event().wait, send))
    assert sent == ["http.response.start"]
    assert [json.loads(line)["event"] for line in told] == ["a request failed", "request"]


def test_who_only_sees_is_told_to_none_but_those_who_debug(tmp_path: Path) -> None:
    """What is seen is told at `debug`; what is refused, and whatever is asked for, at `info`."""
    levels = []
    for level in (logging.INFO, logging.DEBUG):
        made = house(tmp_path, level=level)
        for path in ("/healthz", "/readyz", "/openapi.json", "/api/v1/stacks", STACK, f"{STACK}/runs", f"{STACK}/plan"):
            for method in ("GET", "HEAD"):
                assert made.call(method, path, "view").status == 200
        made.call("GET", f"{STACK}x", "view")
        made.call("POST", f"{STACK}/reconcile", "plan")
        levels.append([(line["level"], line["method"], line["status"]) for line in made.lines])
    assert levels[0] == [("info", "GET", 404), ("info", "POST", 202)]
    assert [line for line in levels[1] if line[0] == "info"] == levels[0]
    assert {line[1:] for line in levels[1] if line[0] == "debug"} == {("GET", 200), ("HEAD", 200)}


def test_each_request_is_told_with_who_asked_and_without_what_is_secret(tmp_path: Path) -> None:
    """A line each, of a run; neither token nor query; of strangers only so many lines."""
    made = house(tmp_path, limits=Limits(lines=Rate(0.1, 2.0)))
    made.call("POST", f"{STACK}/suspend", "apply")
    for _ in range(5):
        made.call("GET", "/nowhere?token=hunter2")
    made.call("POST", f"{STACK}/suspend", "view")
    first, *strangers, last = made.lines
    assert first == {
        "at": "2027-01-15T08:00:00.000+00:00",
        "level": "info",
        "run": "process-1",
        "event": "request",
        "method": "POST",
        "path": f"{STACK}/suspend",
        "status": 202,
        "seconds": 0.0,
        "who": "apply",
    }
    assert [line["path"] for line in strangers] == ["/nowhere"] * 2
    assert last["who"] == "view"
    assert not any(secret in line for line in made.told for secret in ("hunter2", *TOKENS.values()))


def test_a_client_that_goes_is_let_go(tmp_path: Path) -> None:
    """What is left of its body will not come: nothing is asked of the desk, and nothing is a fault."""
    made = house(tmp_path)
    sent: list[Any] = []

    async def gone() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    bears = f"Bearer {TOKENS['override']}".encode()
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json"), (b"authorization", bears)]
    scope = {"type": "http", "method": "POST", "path": f"{STACK}/approve", "query_string": b"", "headers": headers}
    asyncio.run(made.app(scope, gone, send))
    assert (sent, made.desk.asked) == ([], [])
    assert [(line["event"], line.get("gone")) for line in made.lines] == [("request", True)]
