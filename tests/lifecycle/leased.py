"""Stages whose reconcilers lock in S3 or DynamoDB: moto's server, whose answers tell the time of the stage."""

import itertools
import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import formatdate
from functools import partial
from typing import Any

import attrs

from providers.clients import only_batch
from providers.clock import Clock
from reconciler.engine import Reconciler
from tests import servers
from tests.kit import ACCOUNT, REGION, Stage

_numbers = itertools.count(1)


@attrs.frozen
class Vault:
    """A place of locks that no other test uses; `lock` is how it is named on the command line."""

    moto: servers.Moto
    service: str
    key: str

    @property
    def lock(self) -> str:
        return f"{self.service}://locks/{self.key}"

    @property
    def _whole(self) -> str:
        return f"{self.key}/{ACCOUNT}/{REGION}/lab"

    @property
    def record(self) -> Mapping[str, Any]:
        """What is kept of the lock of the stack `lab`; empty where nothing is."""
        client = self.moto.client(self.service)
        if self.service == "dynamodb":
            found = client.get_item(TableName="locks", Key={"LockID": {"S": self._whole}}).get("Item")
            text = found["Record"]["S"] if found else "{}"
        else:
            listed = client.list_objects_v2(Bucket="locks", Prefix=self._whole)
            text = client.get_object(Bucket="locks", Key=self._whole)["Body"].read() if listed["KeyCount"] else "{}"
        record: Mapping[str, Any] = json.loads(text)
        return record


@attrs.define
class Line:
    """The connection of one reconciler to the service of its lock; while it is `down` every call is answered 500."""

    down: bool = False

    def client(self, moto: servers.Moto, clock: Clock, service: str) -> Any:
        if service not in ("s3", "dynamodb"):
            return only_batch(service)
        made = moto.client(service)

        def date(http_response: Any, parsed: Any, **_: Any) -> None:
            parsed["ResponseMetadata"]["HTTPHeaders"]["date"] = formatdate(clock.now(), usegmt=True)
            if self.down:
                http_response.status_code = 500
                parsed["ResponseMetadata"]["HTTPStatusCode"] = 500
                parsed["Error"] = {"Code": "InternalError", "Message": "out of order"}

        made.meta.events.register("after-call", date)
        return made


def reconciler(stage: Stage, vault: Vault, seed: int = 1, line: Line | None = None) -> Reconciler:
    """Another reconciler of the same account, as on another machine."""
    own = stage.reconciler
    client = partial((line or Line()).client, vault.moto, stage.clock)
    return attrs.evolve(
        own,
        connection=attrs.evolve(own.connection, other=client),
        settings=attrs.evolve(own.settings, lock=vault.lock),
        rng=random.Random(seed),
        wall=stage.clock,
    )


@contextmanager
def vaults() -> Iterator[Callable[[str], Vault]]:
    """A maker of vaults in one server, with a bucket and a table `locks`."""
    with servers.moto() as moto:
        moto.make_locks()
        yield lambda service: Vault(moto, service, f"batch/{next(_numbers)}")
