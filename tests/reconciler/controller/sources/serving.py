"""Servers of repositories on free ports of this machine: git's own daemon, git behind https, and one that hangs."""

import base64
import datetime
import ipaddress
import os
import re
import select
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import attrs

from tests import programs


@contextmanager
def daemon(top: Path) -> Iterator[str]:
    """`git daemon` over all repositories below a folder: the URL of that folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["daemon", "--export-all", f"--base-path={top}", "--listen=127.0.0.1", f"--port={port}", "--verbose"]
    environ = {"PATH": os.environ["PATH"], "HOME": str(top), "GIT_CONFIG_NOSYSTEM": "1"}
    with subprocess.Popen(
        [programs.path("git"), *words, str(top)], env=environ, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            assert process.stderr is not None
            assert select.select([process.stderr], [], [], 30)[0]
            assert b"Ready to rumble" in process.stderr.readline()
            yield f"git://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, 15)


@contextmanager
def silence() -> Iterator[int]:
    """A port that takes every connection and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@attrs.frozen
class Https:
    """A server of the repositories below a folder; who asked for what with which credentials is in `asked`.

    `elsewhere` is where what lies below `/moved` is said to be.
    """

    url: str
    certificate: Path
    asked: list[tuple[str, str | None]]
    elsewhere: list[str]

    @property
    def environ(self) -> Mapping[str, str]:
        return {"GIT_SSL_CAINFO": str(self.certificate)}


@contextmanager
def https(top: Path, own: Path, credentials: str = "") -> Iterator[Https]:
    """`git http-backend` behind TLS; with `credentials` it asks for them."""
    certificate = _certificate(own)
    asked: list[tuple[str, str | None]] = []
    elsewhere: list[str] = []
    wanted = f"Basic {base64.b64encode(credentials.encode()).decode()}" if credentials else None

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            given = self.headers.get("Authorization")
            asked.append((self.path, given))
            if self.path.startswith("/moved/") and elsewhere:
                self._answer(302, {"Location": elsewhere[0] + self.path.removeprefix("/moved")})
            elif wanted is not None and given != wanted:
                self._answer(401, {"WWW-Authenticate": "Basic"})
            else:
                self._backend()

        do_POST = do_GET  # noqa: N815

        def _backend(self) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            environ = {
                "PATH": os.environ["PATH"],
                "HOME": str(top),
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_PROJECT_ROOT": str(top),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "CONTENT_LENGTH": str(len(body)),
            }
            words = [programs.path("git"), "http-backend"]
            done = subprocess.run(words, env=environ, input=body, capture_output=True, timeout=60, check=False)
            head, _, answer = done.stdout.partition(b"\r\n\r\n")
            status = re.search(rb"^Status: (\d+)", head, re.MULTILINE)
            headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
            headers.pop("Status", None)
            self._answer(int(status[1]) if status else 200, headers, answer)

        def _answer(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Https(f"https://127.0.0.1:{server.server_port}", certificate, asked, elsewhere)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _certificate(own: Path) -> Path:
    """A key and a certificate of 127.0.0.1, which signed itself, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.fromtimestamp(time.time(), datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = own / "certificate.pem"
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(key.private_bytes(*plain) + made.public_bytes(serialization.Encoding.PEM))
    return file
