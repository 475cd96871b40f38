"""AWS STS, as much of it as a reconciler asks: who am I, and let me be another.

The query protocol: a form-encoded request, an XML answer.
"""

import datetime
from collections.abc import Callable
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from providers.simulator.rules import Refused

_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
_BORROWED = "ASIASIM"

Form = dict[str, str]


def account_of(key: str) -> str | None:
    """Return the account that `assume_role` wrote into an access key id, None for any other key."""
    return key.removeprefix(_BORROWED) if key.startswith(_BORROWED) else None


def form(body: bytes) -> Form:
    """Return the parameters of a form-encoded request; of a repeated one, the first."""
    given = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
    return {key: values[0] for key, values in given.items()}


def answer(name: str, given: Form, account: str, now: float) -> str:
    """Return the inner XML of the action's result."""
    known = _ACTIONS.get(name)
    if not name:
        raise Refused("Missing Action", code="MissingAction")
    if known is None:
        raise Refused(f"Could not find operation {name} for version {given.get('Version')}", code="InvalidAction")
    return known(given, account, now)


def _get_caller_identity(_: Form, account: str, __: float) -> str:
    arn = f"arn:aws:iam::{account}:user/simulated"
    return f"<Arn>{arn}</Arn><UserId>AIDASIMULATED</UserId><Account>{account}</Account>"


def _assume_role(given: Form, _: str, now: float) -> str:
    parts = given.get("RoleArn", "").split(":")
    session = given.get("RoleSessionName", "")
    if len(parts) != 6 or not parts[4].isdigit() or not session:
        raise Refused(f"{given.get('RoleArn')} is invalid", code="ValidationError")
    other, role = parts[4], parts[5].rpartition("/")[2]
    until = datetime.datetime.fromtimestamp(now + 3600, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    arn = escape(f"arn:{parts[1]}:sts::{other}:assumed-role/{role}/{session}")
    return (
        f"<AssumedRoleUser><AssumedRoleId>AROASIMULATED:{escape(session)}</AssumedRoleId><Arn>{arn}</Arn></AssumedRoleUser>"
        f"<Credentials><AccessKeyId>{_BORROWED}{other}</AccessKeyId><SecretAccessKey>simulated</SecretAccessKey>"
        f"<SessionToken>simulated</SessionToken><Expiration>{until}</Expiration></Credentials>"
    )


_ACTIONS: dict[str, Callable[[Form, str, float], str]] = {
    "GetCallerIdentity": _get_caller_identity,
    "AssumeRole": _assume_role,
}


def success(name: str, inner: str, request_id: str) -> str:
    return (
        f'<{name}Response xmlns="{_NAMESPACE}"><{name}Result>{inner}</{name}Result>'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>"
    )


def failure(refused: Refused, request_id: str) -> str:
    side = "Sender" if refused.status < 500 else "Receiver"
    return (
        f'<ErrorResponse xmlns="{_NAMESPACE}"><Error><Type>{side}</Type><Code>{refused.code}</Code>'
        f"<Message>{escape(refused.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
