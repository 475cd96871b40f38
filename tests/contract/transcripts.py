"""Transcripts: what a client said to AWS Batch and what was answered, written down once and replayed in the simulator.

    pytest tests/contract/test_verbs.py --aws --record tests/data/transcripts/REGION.jsonl

asks the account at hand, best one with nothing else in AWS Batch, and adds to the file. A line of JSON with a `title`
and a `region` begins a transcript, which is one test in an account without anything; each line after it is a call: `at`
(seconds since the transcript began), `operation`, `parameters`, `status` (of HTTP), and either `answer` or `error`
(`code` and `message`). Account numbers, users, signatures and request ids are not written; times are, in seconds since
the transcript began.

There is no transcript of AWS in `tests/data/transcripts` yet: nobody who wrote this had an account to ask. The tests
of this module record the simulator itself; that shows that recording and replaying lose nothing, and nothing about AWS.

A replay waits between calls as long as the recording did. AWS keeps its own pace, so what is on its way, on either
side, is compared but for its status, and times but for their being there.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import attrs
from botocore import xform_name
from botocore.exceptions import ClientError

from providers.clock import Clock, ManualClock
from providers.simulator import Settings, Simulator, Store
from tests.kit import client

Json = dict[str, Any]
ANYBODY = "123456789012"
_ACCOUNT = re.compile(r"(?<![0-9a-f])\d{12}(?![0-9a-f])")
_USER = re.compile(r"(:(?:user|assumed-role|federated-user)/)[\w+=,.@/-]+")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_TIMES = ("createdAt", "startedAt", "stoppedAt")
_REASONS = ("status", "statusReason")
_MOVING = ("CREATING", "UPDATING", "DELETING", "SUBMITTED", "PENDING", "STARTING", "RUNNING")


@attrs.frozen
class Transcript:
    """One transcript: the test it is of, the region it was recorded in, its calls."""

    title: str
    region: str
    calls: list[Json] = attrs.field(factory=list)


def read(file: Path) -> list[Transcript]:
    """The transcripts of a file."""
    found: list[Transcript] = []
    for line in file.read_text().splitlines():
        entry = json.loads(line)
        if "title" in entry:
            found.append(Transcript(entry["title"], entry["region"]))
        else:
            found[-1].calls.append(entry)
    return found


def _outcome(status: int, parsed: Json) -> Json:
    if "Error" in parsed:
        return {"status": status, "error": {"code": parsed["Error"]["Code"], "message": parsed["Error"]["Message"]}}
    return {"status": status, "answer": {key: value for key, value in parsed.items() if key != "ResponseMetadata"}}


@attrs.frozen
class Recorder:
    """Writes down what goes through a boto3 client."""

    file: Path
    clock: Clock
    began: float

    @classmethod
    def open(cls, file: Path, title: str, region: str, clock: Clock) -> Self:
        """Begin a transcript at the end of a file."""
        recorder = cls(file, clock, clock.now())
        recorder._write({"title": title, "region": region})
        return recorder

    def listen(self, batch: Any) -> None:
        batch.meta.events.register_last("before-parameter-build.batch", self._said)
        batch.meta.events.register_last("after-call.batch", self._answered)

    def _said(self, params: Json, context: Json, **_: Any) -> None:
        context["said"] = (self.clock.now(), params)

    def _answered(self, http_response: Any, parsed: Json, model: Any, context: Json, **_: Any) -> None:
        at, parameters = context["said"]
        entry = {"at": round(at - self.began, 3), "operation": model.name, "parameters": parameters}
        entry |= _outcome(http_response.status_code, parsed)
        self._write(self._scrubbed(entry))

    def _scrubbed(self, value: Any, key: str = "") -> Any:
        match value:
            case dict():
                return {self._scrubbed(name): self._scrubbed(inner, name) for name, inner in value.items()}
            case list():
                return [self._scrubbed(inner, key) for inner in value]
            case str():
                return _USER.sub(r"\1somebody", _ACCOUNT.sub(ANYBODY, value))
            case int() if key in _TIMES:
                return round(value / 1000 - self.began, 3)
            case _:
                return value

    def _write(self, entry: Json) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a") as out:
            out.write(json.dumps(entry) + "\n")


@attrs.frozen
class Replay:
    """A fresh simulated account in which a transcript is said again; `ours` are our words for the ids in it."""

    region: str
    account: str
    clock: ManualClock
    ours: dict[str, str] = attrs.field(factory=dict)

    def differences(self, transcript: Transcript) -> list[str]:
        """Where the simulator answers otherwise than was recorded."""
        store = Store.open(None, now=0.0)
        batch = client(Simulator(store, self.clock, settings=Settings(account=self.account)), region=self.region)
        began = self.clock.now()
        self.ours.update({f":{ANYBODY}:": f":{self.account}:", transcript.region: self.region})
        found = []
        for number, call in enumerate(transcript.calls):
            self.clock.sleep(began + call["at"] - self.clock.now())
            found += [f"call {number}, {call['operation']}{each}" for each in self._compared(batch, call)]
        store.close()
        return found

    def _compared(self, batch: Any, call: Json) -> Iterator[str]:
        told: Json = {}

        def listen(http_response: Any, parsed: Json, **_: Any) -> None:
            told.update(_outcome(http_response.status_code, parsed))

        batch.meta.events.register("after-call.batch", listen, unique_id="replay")
        try:
            getattr(batch, xform_name(call["operation"]))(**self._in_our_words(call["parameters"]))
        except ClientError:
            pass
        finally:
            batch.meta.events.unregister("after-call.batch", unique_id="replay")
        yield from self._differ({key: call[key] for key in ("status", "answer", "error") if key in call}, told)

    def _in_our_words(self, value: Any) -> Any:
        match value:
            case dict():
                return {key: self._in_our_words(inner) for key, inner in value.items()}
            case list():
                return [self._in_our_words(inner) for inner in value]
            case str():
                for word, ours in self.ours.items():
                    value = value.replace(word, ours)
                return value
            case _:
                return value

    def _differ(self, recorded: Any, told: Any, path: str = "") -> Iterator[str]:
        match recorded, told:
            case dict(), dict():
                moves = _moves(recorded) or _moves(told)
                for key in sorted({**recorded, **told}):
                    if key in _TIMES and (key in recorded) == (key in told):
                        continue
                    if key == "nextToken" and key in recorded and key in told:
                        self.ours[recorded[key]] = told[key]
                    elif not (moves and key in _REASONS):
                        yield from self._differ(recorded.get(key), told.get(key), f"{path}.{key}")
            case list(), list() if len(recorded) == len(told):
                for number, (one, other) in enumerate(zip(recorded, told, strict=True)):
                    yield from self._differ(one, other, f"{path}[{number}]")
            case str(), str():
                ids, ours = _ID.findall(recorded), _ID.findall(told)
                if len(ids) == len(ours):
                    self.ours.update(pair for pair in zip(ids, ours, strict=True) if pair[0] not in self.ours)
                if self._in_our_words(recorded) != told:
                    yield f"{path}: {recorded!r} was recorded, {told!r} came"
            case _ if recorded != told:
                yield f"{path}: {recorded!r} was recorded, {told!r} came"


def _moves(document: Json) -> bool:
    return document.get("status") in _MOVING
