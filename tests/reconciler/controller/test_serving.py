"""The application on a socket."""

import http.client
import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.errors import InputError
from reconciler.controller.guard import hosts_of
from reconciler.controller.serving import Handle, listen, serve
from reconciler.controller.web import Limits
from tests.reconciler.controller.desks import TOKENS, house

PATIENCE = 60.0


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Handle]:
    made = house(tmp_path, hosts=hosts_of("127.0.0.1", []), limits=Limits(patience=PATIENCE))
    handle = serve(made.app, "127.0.0.1", 0)
    yield handle
    handle.close()


def closed(served: Handle) -> None:
    """Sooner than a body that does not come is given up, however busy the machine is."""
    began = time.monotonic()
    served.close()
    assert time.monotonic() - began < PATIENCE
    assert not served.alive


def test_it_serves_until_it_is_closed(served: Handle, caplog: pytest.LogCaptureFixture) -> None:
    """On a port that was free; HEAD has no body; closing it says nothing."""
    caplog.set_level(logging.DEBUG)
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
    for method in ("GET", "HEAD"):
        connection.request(method, "/api/v1/stacks", headers={"Authorization": f"Bearer {TOKENS['view']}"})
        answer = connection.getresponse()
        body = answer.read()
        assert (answer.status, bool(body)) == (200, method == "GET")
        assert answer.headers["Content-Length"] != "0"
        assert answer.headers["Server"] is None
    assert served.alive
    closed(served)
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE)
    connection.close()


def test_a_request_that_never_ends_keeps_nobody(served: Handle) -> None:
    """Closing waits for no body that does not come, nor for a head, nor for one that says nothing."""
    head = (
        f"POST /api/v1/stacks/genomics/approve HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKENS['apply']}"
    )
    body = f"{head}\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{{"
    waiting = [socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE) for _ in range(3)]
    for each, said in zip(waiting, (body, head, ""), strict=True):
        each.sendall(said.encode())
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
    connection.request("GET", "/healthz")
    assert connection.getresponse().read() == b'{"status": "ok"}'
    closed(served)
    for each in waiting:
        each.close()
    connection.close()


def test_a_body_that_is_too_long_ends_the_connection(served: Handle) -> None:
    """The answer comes before the body is over, and what is left of it is not read."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE) as connection:
        head = (
            f"POST /api/v1/stacks/genomics/approve HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {TOKENS['apply']}\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        connection.sendall(head.encode() + b"10001\r\n" + b" " * 0x10001)
        said = b""
        while part := connection.recv(65536):
            said += part
    assert said.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in said.lower()


@pytest.mark.parametrize(
    "said", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000]
)
def test_what_is_no_request_is_answered_in_quiet(served: Handle, said: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """4xx, and no line of the server's."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE) as connection:
        connection.sendall(said)
        assert connection.recv(12).startswith(b"HTTP/1.1 4")
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []


def test_an_answer_is_sent_at_once() -> None:
    """No part of it waits for the client to acknowledge another, which takes 40 ms."""
    with listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname(), timeout=PATIENCE):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_that_is_taken_is_told(served: Handle, tmp_path: Path) -> None:
    """As an error with the address, before anything runs."""
    with pytest.raises(InputError, match=rf"127\.0\.0\.1:{served.port} cannot be listened on"):
        serve(house(tmp_path).app, "127.0.0.1", served.port)
    with pytest.raises(InputError, match="cannot be listened on"):
        serve(house(tmp_path).app, "192.0.2.1", 0)
