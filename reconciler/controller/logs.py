"""What the controller tells as it goes: JSON, one object a line, each with the run that it is of.

A log is an argument like any other: it is made once by `lines`, and who does a run binds its id:
`log = log.bind(run=..., stack=...)`. Until then `run` is the id of the process.

Secrets are not logged: nothing is logged that holds one on purpose, and as a second net a value is hidden where its key
sounds secret (`plans.masking.secret`), or where it looks like one that is known: what a bearer says, what stands before
the `@` of a URL, GitLab's signing tokens, the keys of AWS and the tokens of GitHub and GitLab.
"""

import json
import logging
import re
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

import attrs

from plans.masking import secret
from providers.clock import Clock

HIDDEN = "(secret)"
_LONGEST = 20_000
_LOOKS = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"(?<=://)[^/\s@]*@"), f"{HIDDEN}@"),
    (re.compile(r"\b(whsec_|gh[pousr]_|github_pat_|glpat-)[\w=+/-]+"), rf"\1{HIDDEN}"),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), HIDDEN),
    (
        re.compile(r"(?i)((?:secret|password|token|credential)[\w-]*[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&]{3,}"),
        rf"\1{HIDDEN}",
    ),
)


class Log(Protocol):
    """What is used of structlog's loggers: an event in a few fixed words, and by name what belongs to it."""

    def bind(self, **values: Any) -> "Log": ...
    def debug(self, event: str, **values: Any) -> Any: ...
    def info(self, event: str, **values: Any) -> Any: ...
    def warning(self, event: str, **values: Any) -> Any: ...
    def error(self, event: str, **values: Any) -> Any: ...


def lines(write: Callable[[str], object], clock: Clock, run: str, level: int = logging.INFO) -> Log:
    """A log that gives each line, without its end, to `write`, which may be called from any thread.

    `exc_info` takes an exception, of which the traceback is told.
    """
    import structlog

    def stamped(_logger: Any, _method: str, event: Any) -> Any:
        at = datetime.fromtimestamp(clock.now(), UTC).isoformat(timespec="milliseconds")
        return {"at": at, "level": event.pop("level"), "run": event.pop("run"), "event": event.pop("event"), **event}

    made: Log = structlog.wrap_logger(
        _Writer(write),
        processors=[structlog.processors.add_log_level, stamped, _told, _hidden, _rendered],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        context_class=dict,
    ).bind(run=run)
    return made


def silent() -> Log:
    """A log that tells nobody."""
    return _Silent()


@attrs.frozen
class Bridge:
    """What libraries tell by `logging`, from `level` on, told by ours while it is begun and not ended."""

    log: Log
    level: int = logging.WARNING
    _handlers: list[logging.Handler] = attrs.field(init=False, factory=list)

    def begin(self) -> None:
        handler = _Forward(self.log, self.level)
        self._handlers.append(handler)
        logging.getLogger().addHandler(handler)

    def end(self) -> None:
        while self._handlers:
            logging.getLogger().removeHandler(self._handlers.pop())


class _Forward(logging.Handler):
    def __init__(self, log: Log, level: int) -> None:
        super().__init__(level)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        tell = self._log.error if record.levelno >= logging.ERROR else self._log.warning
        error = record.exc_info[1] if record.exc_info else None
        tell("a library says", says=record.getMessage(), library=record.name, **({"exc_info": error} if error else {}))


@attrs.frozen
class _Writer:
    """What structlog calls a logger: a method for each level."""

    write: Callable[[str], object]

    def __getattr__(self, _name: str) -> Callable[[str], object]:
        return self.write


@attrs.frozen
class _Silent:
    def bind(self, **_values: Any) -> "_Silent":
        return self

    def debug(self, event: str, **values: Any) -> None:
        pass

    info = warning = error = debug


def _told(_logger: Any, _method: str, event: Any) -> Any:
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        event["traceback"] = "".join(traceback.format_exception(error))
    return event


def _hidden(_logger: Any, _method: str, event: Any) -> Any:
    return {key: clean(value, key) for key, value in event.items()}


def _rendered(_logger: Any, _method: str, event: Any) -> str:
    # ASCII alone, so that no value breaks a line or a terminal, nor fails for want of an encoding.
    return json.dumps(event, default=str)


def clean(value: Any, key: str = "") -> Any:
    """The value with what seems secret in it hidden, and texts cut at 20,000 characters."""
    match value:
        case None | bool() | int() | float():
            return value
        case _ if key and secret(key):
            return HIDDEN
        case Mapping():
            return {str(name): clean(inner, str(name)) for name, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [clean(inner) for inner in value]
    text = str(value)[:_LONGEST]
    for looks, instead in _LOOKS:
        text = looks.sub(instead, text)
    return text
