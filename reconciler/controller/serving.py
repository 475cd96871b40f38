"""The application on a socket, in a thread of its own."""

import socket
import threading

import attrs
import uvicorn
from starlette.types import ASGIApp

from providers.errors import InputError

_MOST_CONNECTIONS = 256
"""So that strangers cannot use up what the controller itself needs of open files."""

_LARGEST_HEAD = 64 * 1024

_CLOSING = 30.0
"""Seconds after which a server is left behind that should have ended long ago."""


@attrs.frozen
class Handle:
    """A server that runs."""

    port: int
    _server: uvicorn.Server
    _thread: threading.Thread

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def close(self) -> None:
        """End it, which takes 2 seconds at most unless the machine is busy: what is being answered has one, and nothing
        new is taken. Then the port is free."""
        self._server.should_exit = True
        self._thread.join(_CLOSING)


def serve(app: ASGIApp, host: str, port: int) -> Handle:
    """Serve `app` from now on; port 0 takes one that is free. Raises InputError where it cannot listen."""
    listening = listen(host, port)
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        h11_max_incomplete_event_size=_LARGEST_HEAD,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), name="web", daemon=True)
    thread.start()
    return Handle(listening.getsockname()[1], server, thread)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; InputError where that cannot be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host.strip("[]"), port), family=family, backlog=128)
    except OSError as error:
        words = error.strerror or str(error)
        raise InputError(f"{host}:{port} cannot be listened on: {words}", hint="is another process there?") from error
    # Those that it accepts take it over. asyncio sets it only where a socket says its protocol, as this one does not,
    # and without it a part of an answer waits 40 ms until the client acknowledges the one before.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
