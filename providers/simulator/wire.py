"""How requests come in and answers go out: under a boto3 client in this process, or over HTTP.

Both ways end in one function from `Request` to `Response`, which raises `NoAnswer` where the caller gets none.
"""

import json
import socketserver
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import parse_qs, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import attrs

from providers.errors import StoreError
from providers.simulator.faults import NoAnswer

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from botocore.awsrequest import AWSPreparedRequest, AWSResponse


@attrs.frozen
class Request:
    """An HTTP request. `path` is still quoted; `query` holds every value of a key; `headers` by lower-case name."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


@attrs.frozen
class Response:
    """An HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Handle = Callable[[Request], Response]


def from_url(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Request:
    parts = urlsplit(url)
    named = {"host": parts.netloc, **{name.lower(): value for name, value in headers.items()}}
    return Request(method, parts.path, parse_qs(parts.query, keep_blank_values=True), named, body)


@attrs.frozen
class _Raw:
    """The body of an answer as urllib3 would hold it: botocore reads it with `stream`."""

    body: bytes

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.body


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _body(sent: Any) -> bytes:
    body = sent.read() if hasattr(sent, "read") else sent or b""
    return body.encode() if isinstance(body, str) else bytes(body)


def answer_botocore(handle: Handle, sent: "AWSPreparedRequest") -> "AWSResponse":
    """Answer a request that botocore was about to send; without an answer, raise what botocore would."""
    from botocore.awsrequest import AWSResponse
    from botocore.compat import HTTPHeaders

    headers = {name: _text(value) for name, value in sent.headers.items()}
    request = from_url(sent.method, sent.url, headers, _body(sent.body))
    try:
        response = handle(request)
    except NoAnswer as silence:
        _raise_in_botocore(silence, sent.url)
    answered = HTTPHeaders.from_dict(dict(response.headers))
    return AWSResponse(sent.url, response.status, answered, _Raw(response.body))


def _raise_in_botocore(silence: NoAnswer, url: str) -> NoReturn:
    from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

    if silence.acted:
        raise ReadTimeoutError(endpoint_url=url, error=silence)
    raise EndpointConnectionError(endpoint_url=url, error=silence)


def application(handle: Handle) -> "WSGIApplication":
    """Return `handle` as a WSGI application; without an answer the connection is closed."""

    def respond(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        size = environ.get("CONTENT_LENGTH", "")
        length = int(size) if size.isdecimal() else 0
        headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name[:5] == "HTTP_"}
        headers["content-type"] = environ.get("CONTENT_TYPE", "")
        query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        body = environ["wsgi.input"].read(length) if length else b""
        # WSGI hands the path over unquoted: an ARN in it is already plain.
        path = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
        try:
            response = handle(Request(environ["REQUEST_METHOD"], path, query, headers, body))
        except NoAnswer as silence:
            # wsgiref takes this for a caller who hung up, and writes nothing.
            raise ConnectionAbortedError from silence
        except StoreError as error:
            headers = {"Content-Type": "application/json", "x-amzn-ErrorType": "ServerException"}
            response = Response(500, headers, json.dumps({"message": str(error)}).encode())
        start_response(f"{response.status} {'OK' if response.status < 400 else 'Error'}", [*response.headers.items()])
        return [response.body]

    return respond


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def listen(app: "WSGIApplication", host: str, port: int) -> WSGIServer:
    """Return a server of `app` on a port (0: a free one) that answers once `serve_forever` runs."""
    return make_server(host, port, app, server_class=_Server, handler_class=_QuietHandler)
