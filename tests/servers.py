"""Servers on free ports of this machine, and what came in on the wire: moto's, and the simulator's."""

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping, MutableSequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import attrs
import boto3
import botocore.session
from botocore.config import Config

from providers.simulator import Simulator, wire

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

REGION = "eu-west-1"
READS = ("Describe", "List", "Get")
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@attrs.frozen
class Wire:
    """A WSGI application around another that remembers the operations of AWS Batch that came in, in order."""

    application: "WSGIApplication"
    operations: MutableSequence[str] = attrs.field(factory=list)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        operation = _operation(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        if operation is not None:
            self.operations.append(operation)
        return self.application(environ, start_response)

    @contextmanager
    def mutations(self) -> Iterator[list[str]]:
        """A list that holds, once the block has ended, the operations in it that change something."""
        before, found = len(self.operations), list[str]()
        yield found
        found += [name for name in self.operations[before:] if not name.startswith(READS)]


def _operation(method: str, path: str) -> str | None:
    """The operation of AWS Batch that a request asks for, by botocore's model; None for another service's."""
    for name, (verb, uri) in _routes().items():
        fixed, variable, _ = uri.partition("{")
        if method == verb and (path.startswith(fixed) if variable else path == uri):
            return name
    return None


@cache
def _routes() -> Mapping[str, tuple[str, str]]:
    model = botocore.session.Session().get_service_model("batch")
    https = {name: model.operation_model(name).http for name in model.operation_names}
    return {name: (http["method"], http["requestUri"]) for name, http in https.items()}


@attrs.frozen
class Moto:
    """Moto's server; `wire` sees every request that comes in."""

    url: str
    wire: Wire

    def client(self, service: str = "batch") -> Any:
        """A boto3 client of any service, which never tries twice."""
        make: Any = _session().client
        return make(service, endpoint_url=self.url, config=Config(retries={"total_max_attempts": 1}))

    def make_locks(self) -> None:
        """Make a bucket and a table `locks`, and a table `others` with another key, unless they are there: all servers
        of a process share one world."""
        from moto.s3.models import s3_backends

        if "locks" in s3_backends["123456789012"]["aws"].buckets:
            return
        where = {"LocationConstraint": REGION}
        self.client("s3").create_bucket(Bucket="locks", CreateBucketConfiguration=where)
        for name, key in (("locks", "LockID"), ("others", "id")):
            self.client("dynamodb").create_table(
                TableName=name,
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )

    def forget_batch(self) -> None:
        """Forget everything of AWS Batch: tags, among other things, outlive their objects in moto."""
        from moto.backends import get_backend

        for _, _, backend in get_backend("batch").iter_backends():
            backend.reset()


@cache
def _session() -> boto3.Session:
    return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)


@contextmanager
def moto() -> Iterator[Moto]:
    """Moto's server on a free port."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    # Moto keeps its server to itself, and offers no other way to see what comes in.
    listening: Any = server._server
    listening.app = seen = Wire(listening.app)
    host, port = server.get_host_and_port()
    try:
        yield Moto(f"http://{host}:{port}", seen)
    finally:
        server.stop()
        listening.server_close()


@contextmanager
def simulator(simulated: Simulator) -> Iterator[tuple[str, Wire]]:
    """The simulator on a free port: its address, and what comes in."""
    seen = Wire(simulated.wsgi)
    server = wire.listen(seen, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
