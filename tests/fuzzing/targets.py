"""What reads bytes that nobody vouches for, each as a function that must come back whatever the bytes are.

What the house means to say to a user, an error of `BatchwrightError`, is a good end; any other exception is a defect.
So is an answer of the simulator's above 499 that nobody asked for, and a text for a user that no encoding can hold.
"""

import fcntl
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import attrs
import pytest

from plans.document import from_document, to_document
from plans.jsonform import depth, taken_on_trust
from plans.manifest import Manifest, Source, parse, parse_policy, parse_variables
from plans.masking import mask_plan
from plans.plan import Plan
from plans.planfile import MAX_DEPTH, to_json
from plans.printable import plain
from plans.promise import compare, replaced_by
from plans.views import markdown, page, terminal
from plans.wish import loads
from providers.clock import ManualClock
from providers.errors import BatchwrightError, LockHeld
from providers.simulator import Simulator, Store
from reconciler import scenario as scenarios
from reconciler.adapters.cloudformation.context import read_context
from reconciler.adapters.cloudformation.convert import Converted
from reconciler.adapters.cloudformation.convert import convert as convert_template
from reconciler.adapters.cloudformation.known import Known
from reconciler.adapters.cloudformation.manifests import checked
from reconciler.adapters.cloudformation.manifests import manifest as manifest_of
from reconciler.adapters.cloudformation.takeover import steps
from reconciler.adapters.cloudformation.template import holds_template
from reconciler.adapters.cloudformation.template import read as read_template
from reconciler.adapters.conversion import Conversion
from reconciler.adapters.terraform import Asked
from reconciler.adapters.terraform import convert as convert_terraform
from reconciler.cli import holdings, inspecting
from reconciler.journal import history
from reconciler.lock import FileLock, Holder
from tests.fuzzing import worlds
from tests.kit import kinds

Target = Callable[[bytes], None]
_T = TypeVar("_T", list[Any], dict[str, Any])

_ENOUGH = 20
"""Calls of one input of the wire."""
_PATIENCE = 7 * 86_400.0
"""Simulated seconds that may pass between two calls."""


def manifest(data: bytes) -> None:
    """A manifest, as its author and as a plan file tell it."""
    with _told():
        _manifest(data)


def planned(data: bytes) -> None:
    """A plan for a manifest, in an account that holds something of another."""
    with _told():
        _readable(worlds.onlooker().plan(_manifest(data)))


def variables(data: bytes) -> None:
    """A file of variables, and a manifest that has them put in."""
    with _told():
        given = parse_variables(Source("variables", data))
        names = "".join(f"  {json.dumps(name)}: {{}}\n" for name in given)
        uses = "".join(f"  u{number}: ${{var.{name}}}\n" for number, name in enumerate(given))
        text = f"stack: s\nvariables:\n{names}tags:\n{uses}"
        parse([Source("manifest", text.encode(errors="replace"))], variables=given, kinds=kinds())


def policy(data: bytes) -> None:
    """A file of policies."""
    with _told():
        parse_policy([Source("policy", data)])


def plan_file(data: bytes) -> None:
    """A plan file, shown in every way; whoever edits one can make its digest too."""
    with _told():
        wish = loads(_sealed(data.decode(errors="surrogateescape")))
        assert wish.held is not None
        json.dumps(to_document(wish.manifest))
        replaced_by(wish.held, worlds.plan())
        compare(wish.held, worlds.plan())
        with taken_on_trust():
            _readable(wish.held)


def journal(data: bytes) -> None:
    """A journal, and what is told of its runs."""
    found = history(data.split(b"\n"))
    json.dumps([[attrs.asdict(run) for run in found.runs], [attrs.asdict(fault) for fault in found.faults]])
    _shown(line for run in found.runs for line in inspecting.lines(run, verbose=True))
    _shown(map(str, found.faults))
    assert all(isinstance(token, str) for token in found.tokens.values())


def lock(data: bytes) -> None:
    """What a lock's file says of who holds it."""
    with worlds.file(data) as path:
        descriptor = os.open(path, os.O_RDWR)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(LockHeld) as refused, FileLock(path, Holder("host", 1, 0.0)):
            pass
        os.close(descriptor)
        _shown([str(refused.value)])


def scenario(data: bytes) -> None:
    """A scenario, and calls of a service that behaves as it says."""
    with _told():
        read = scenarios.read(Source("scenario", data))
        asked = {"server"} & {fault.kind for fault in read.faults}
        simulator = Simulator(Store.open(None, now=0.0), ManualClock(), read.faults, read.settings)
        for call in worlds.SOME_CALLS:
            _answered(simulator, call, allowed=frozenset({500}) if asked else frozenset())


def simulator_file(data: bytes) -> None:
    """A simulator's file with other bytes at some offsets, or cut off there: JSON of pairs of an offset and the hex
    digits of the bytes, or null.
    """
    content = bytearray(worlds.simulator_file())
    for damage in _parsed(data, list):
        match damage:
            case [int(offset), None]:
                del content[max(offset % (len(content) + 1), 1) :]
            case [int(offset), str(digits)]:
                with suppress(ValueError):
                    place, said = offset % (len(content) + 1), bytes.fromhex(digits)
                    content[place : place + len(said)] = said
    with worlds.file(bytes(content)) as path:
        _looked_into(path)


def simulator_rows(data: bytes) -> None:
    """A simulator's file that is one, with anything in its rows: JSON of their tables."""
    with worlds.file_of_rows(_parsed(data, dict)) as path:
        _looked_into(path)


def wire(data: bytes) -> None:
    """Requests to the simulator: JSON calls of `method`, `path`, `query`, `headers`, `body` and the seconds `after` it;
    or else one request as it is sent."""
    simulator = worlds.account()
    for call in _calls(data)[:_ENOUGH]:
        _answered(simulator, call, allowed=frozenset())
        after = call.get("after", 0)
        if isinstance(after, int | float) and 0 < after <= _PATIENCE:
            simulator.clock.sleep(after)
    holdings_of = simulator.show()
    _shown(holdings.lines(holdings_of))


def template(data: bytes) -> None:
    """A template of CloudFormation, converted, with the way over, and taken for a manifest."""
    with _told():
        holds_template(Source("template", data))
        _taken_from(convert_template(read_template(Source("template", data)), Known(), kinds()))


def template_context(data: bytes) -> None:
    """What is known beside a template, which has all that it may tell of."""
    with _told():
        known = read_context(Source("context", data))
        _taken_from(convert_template(read_template(Source("template", worlds.template())), known, kinds()))


def terraform(data: bytes) -> None:
    """A state, or a plan, of Terraform."""
    with _told():
        _converted(convert_terraform(Source("state", data), kinds(), Asked("s")))


TARGETS: Mapping[str, Target] = {
    target.__name__: target
    for target in (
        manifest,
        planned,
        variables,
        policy,
        plan_file,
        journal,
        lock,
        scenario,
        simulator_file,
        simulator_rows,
        wire,
        template,
        template_context,
        terraform,
    )
}


def _converted(made: Conversion) -> None:
    """Show a conversion in every way."""
    _shown([*made.lacking, *map(str, made.unknowns), *made.notes, *made.left_alone, *made.steps.splitlines()])
    made.yaml.encode()
    json.loads(made.json)


def _taken_from(made: Converted) -> None:
    _converted(checked(made, kinds()).conversion(steps(made, None, "manifest")))
    manifest_of(made, variables={}, kinds=kinds())


def _manifest(data: bytes) -> Manifest:
    made = parse([Source("manifest", data)], variables={}, kinds=kinds(), ambient={"image": {"a": [None]}})
    document = json.loads(json.dumps(to_document(made)))
    if depth(document) <= MAX_DEPTH:
        assert from_document(document) == made
    return made


def _parsed(data: bytes, kind: type[_T]) -> _T:
    """The JSON of an input; nothing where it is none, or another."""
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return kind()
    return tree if isinstance(tree, kind) else kind()


@contextmanager
def _told() -> Iterator[None]:
    """Take an error of the house for an answer, if a user can be shown it."""
    try:
        yield
    except BatchwrightError as error:
        _shown([str(error), error.hint or ""])


def _shown(texts: Iterable[str]) -> None:
    for text in texts:
        plain(text).encode()


def _readable(plan: Plan) -> None:
    """Show a plan in every way."""
    shown = mask_plan(plan, "salt")
    json.dumps(to_json(shown))
    for text in (
        terminal.render(shown),
        terminal.render(shown, color=True, width=20, verbose=True),
        terminal.render_drift(shown, verbose=True),
        markdown.render(shown),
        page.render(shown),
    ):
        text.encode()


def _sealed(text: str) -> str:
    """The text with the digest that is its own, if it can have one."""
    try:
        document = json.loads(text)
        rest = {key: value for key, value in document.items() if key != "digest"}
        canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    except (ValueError, AttributeError, RecursionError):
        return text
    return json.dumps({**rest, "digest": hashlib.sha256(canonical.encode()).hexdigest()})


def _looked_into(path: Any) -> None:
    with _told():
        store = Store.open(path, now=worlds.NOW, speed=1.0)
        try:
            store.clock()
            simulator = Simulator(store, ManualClock(worlds.lab().clock.now() + _PATIENCE))
            for call in worlds.LOOKS:
                _answered(simulator, call, allowed=frozenset({500}))
            with store.told():
                told = list(holdings.lines(simulator.show()))
            _shown(told)
        finally:
            store.close()


def _calls(data: bytes) -> list[dict[str, Any]]:
    if calls := [call for call in _parsed(data, list) if isinstance(call, dict)]:
        return calls
    head, _, body = data.partition(b"\n\n")
    line, *headers = head.decode("latin-1").split("\n")
    method, _, place = line.partition(" ")
    path, _, query = place.partition("?")
    named = dict(header.partition(": ")[::2] for header in headers)
    return [{"method": method, "path": path, "query": query, "headers": named, "body": body.decode("latin-1")}]


def _answered(simulator: Simulator, call: Mapping[str, Any], *, allowed: frozenset[int]) -> None:
    """Send one request the way a server hands it over; it is answered, or the connection ends because of a fault."""
    body = call.get("body", "")
    content = body.encode("latin-1", "replace") if isinstance(body, str) else json.dumps(body).encode()
    headers = call.get("headers")
    environ = {
        "REQUEST_METHOD": str(call.get("method", "POST")),
        "PATH_INFO": str(call.get("path", "/")).encode(errors="replace").decode("latin-1"),
        "QUERY_STRING": str(call.get("query", "")),
        "CONTENT_LENGTH": str(len(content)),
        "CONTENT_TYPE": "application/json",
        "wsgi.input": io.BytesIO(content),
    }
    for name, value in headers.items() if isinstance(headers, dict) else ():
        special = name.upper().replace("-", "_")
        environ[special if special in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{special}"] = str(value)
    said: list[str] = []

    def start(status: str, *_: Any) -> Any:
        said.append(status)

    try:
        (answer,) = simulator.wsgi(environ, start)
    except ConnectionAbortedError:
        return
    status = int(said[0].split()[0])
    assert status < 500 or status in allowed, (status, answer, call)
    if not answer.startswith(b"<"):
        json.loads(answer)
