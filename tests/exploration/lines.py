"""The clients of a process, which speak for one after the other.

The client of boto3 is one for the whole process, since that costs most to make; a `Line` leads what it sends to the
account that is played with just now.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, Literal, Protocol

import attrs
from botocore.exceptions import BotoCoreError, ClientError

from providers.clock import ManualClock
from providers.provider import translate
from providers.simulator import Simulator, Store
from providers.simulator.wire import Request, Response, answer_botocore
from providers.unknown import watch
from tests.kit import client

Who = Literal["first", "second", "stranger"]


class Answers(Protocol):
    """Who answers a call: an account."""

    def answer(self, who: Who, operation: str, arguments: Mapping[str, Any], request: Request) -> Response: ...


@attrs.define(eq=False)
class Line:
    """The clients of this process, and whom they speak for in whose account."""

    account: Answers | None = None
    who: Who = "first"
    arguments: Mapping[str, Any] = attrs.field(factory=dict)
    batch: Any = None
    sts: Any = None

    @classmethod
    def made(cls) -> "Line":
        line = cls()
        store = Store.open(None, now=0.0)
        nobody = Simulator(store, ManualClock())
        for service in ("batch", "sts"):
            made = client(nobody, service)
            events = made.meta.events
            events.unregister("before-send", nobody._before_send)
            events.register("before-parameter-build", line._built)
            events.register("before-send", line._sent)
            # What an event is called now follows from what it is called: botocore finds out anew for each.
            events._alias_event_name = cache(events._alias_event_name)
            setattr(line, service, watch(made) if service == "batch" else made)
        return line

    def _built(self, params: Mapping[str, Any], **_: Any) -> None:
        self.arguments = params

    def _sent(self, request: Any, event_name: str, **_: Any) -> Any:
        assert self.account is not None
        operation = event_name.rpartition(".")[2]
        return answer_botocore(partial(self.account.answer, self.who, operation, self.arguments), request)

    @contextmanager
    def speaking(self, who: Who) -> Iterator[None]:
        before, self.who = self.who, who
        try:
            yield
        finally:
            self.who = before

    def identity(self) -> str:
        try:
            return str(self.sts.get_caller_identity()["Account"])
        except (BotoCoreError, ClientError) as error:
            raise translate("GetCallerIdentity", error) from error


line = cache(Line.made)
