"""What an IAM policy allows, a grant at a time, and the document that says it in few words.

IAM joins statements by or: a call goes through where one of them has its action, its resource and conditions that hold.
So grants of the same resources and conditions are told in one statement, which allows no more than they do.

Sources: "IAM JSON policy elements reference" and "IAM and AWS STS quotas", IAM user guide.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

LIMIT = 6144
"""How many characters a managed policy may have; white space is not counted ("IAM and AWS STS quotas")."""

Conditions = tuple[tuple[str, str, tuple[str, ...]], ...]
"""Operator, key and values of each condition; all of them must hold."""

_MEANING = re.compile(r"[*?$]")


@attrs.frozen
class Grant:
    """One action on one resource, where the conditions hold. `sid` tells what for, in letters and digits.

    In `resource` a `*` stands for any characters and a `?` for one.
    """

    sid: str
    action: str
    resource: str
    conditions: Conditions = ()


def literal(text: str) -> str:
    """A text in which nothing stands for anything else ("Special characters", IAM policy elements: variables)."""
    return _MEANING.sub(lambda found: f"${{{found[0]}}}", text)


def document(grants: Iterable[Grant]) -> dict[str, Any]:
    """The policy document; grants of one `sid` keep together, in the order in which these first come."""
    told: dict[str, dict[Conditions, dict[str, set[str]]]] = {}
    for grant in grants:
        of_sid = told.setdefault(grant.sid, {}).setdefault(grant.conditions, {})
        of_sid.setdefault(grant.action, set()).add(grant.resource)
    statements = [
        statement for sid, by_conditions in told.items() for statement in _numbered(sid, [*_statements(by_conditions)])
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def size(made: Mapping[str, Any]) -> int:
    """The characters of a document that count against `LIMIT`."""
    return len(re.sub(r"\s", "", json.dumps(made)))


def _statements(by_conditions: Mapping[Conditions, Mapping[str, set[str]]]) -> Iterator[dict[str, Any]]:
    for conditions, by_action in by_conditions.items():
        alike: dict[tuple[str, ...], list[str]] = {}
        for action, whole in by_action.items():
            alike.setdefault(_widest(whole), []).append(action)
        for resources, actions in sorted((key, sorted(value)) for key, value in alike.items()):
            yield {
                "Effect": "Allow",
                "Action": actions,
                "Resource": [*resources],
                **({"Condition": _condition(conditions)} if conditions else {}),
            }


def _widest(resources: Iterable[str]) -> tuple[str, ...]:
    """The resources without those that another one stands for."""
    found = sorted(resources)
    return tuple(one for one in found if not any(one != other and _covers(other, one) for other in found))


def _covers(wide: str, narrow: str) -> bool:
    return wide.endswith("*") and "*" not in wide[:-1] and "?" not in wide and narrow.startswith(wide[:-1])


def _condition(conditions: Conditions) -> dict[str, dict[str, Any]]:
    made: dict[str, dict[str, Any]] = {}
    for operator, key, values in conditions:
        made.setdefault(operator, {})[key] = values[0] if len(values) == 1 else [*values]
    return made


def _numbered(sid: str, statements: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Statements with ids of their own, as IAM demands of a policy."""
    for place, statement in enumerate(statements, 1):
        yield {"Sid": sid if place == 1 else f"{sid}{place}", **statement}
