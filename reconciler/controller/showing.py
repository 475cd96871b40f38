"""What the API shows of a stack and its runs: as they are kept, save that times are RFC 3339 in UTC, to be read."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from reconciler.controller.status import Status, to_json


def status(told: Status) -> dict[str, Any]:
    shown = to_json(told)
    conditions = [{**row, "since": time(row["since"])} for row in shown["conditions"]]
    return {**shown, "conditions": conditions, "lookedAt": time(told.looked_at), "nextAt": time(told.next_at)}


def run(told: Mapping[str, Any]) -> dict[str, Any]:
    """`told` is a `Run` of the store as a mapping."""
    return {**told, "began": time(told["began"]), "ended": time(told["ended"])}


def time(at: float | None) -> str | None:
    """Seconds of the epoch as `2027-01-15T08:00:00Z`, of whole seconds: the one form that `fromdate` of jq takes."""
    return None if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
