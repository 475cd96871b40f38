"""AWS STS, as much of it as a reconciler asks: who am I, and let me be another.

The query protocol: a form-encoded request, an XML answer.
"""

import datetime
import re
from collections.abc import Callable
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import attrs

from providers.simulator.lifecycle import partition_of
from providers.simulator.rules import Refused, assumed, documented

_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
_REFERENCE = "https://docs.aws.amazon.com/STS/latest/APIReference/"
_ACCOUNT = re.compile(r"ASIASIM([0-9]{12})")
_ROLE = re.compile(r"arn:(aws[a-z-]*):iam::([0-9]{12}):role/(?:[!-~]*/)?([A-Za-z0-9_+=,.@-]{1,64})")
_SESSION = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}")
_TOKEN = re.compile(r"simulated/([A-Za-z0-9_+=,.@-]{1,64})/([A-Za-z0-9_+=,.@-]{2,64})")
_UNPRINTABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Form = dict[str, str]


@attrs.frozen
class Caller:
    """Who calls: the account, the ARN, and the id that goes with it."""

    account: str
    arn: str
    user: str


def account_of(key: str) -> str | None:
    """Return the account that AssumeRole wrote into an access key id, None for any other key."""
    found = _ACCOUNT.fullmatch(key)
    return found[1] if found else None


def caller_of(account: str, region: str, token: str = "") -> Caller:
    """Return who calls with the session token of an assumed role, or, with another token or none, as a user."""
    partition, session = partition_of(region), _TOKEN.fullmatch(token)
    if session is None:
        return Caller(account, f"arn:{partition}:iam::{account}:user/simulated", "AIDASIMULATED")
    arn = f"arn:{partition}:sts::{account}:assumed-role/{session[1]}/{session[2]}"
    return Caller(account, arn, f"AROASIMULATED:{session[2]}")


def form(body: bytes) -> Form:
    """Return the parameters of a form-encoded request; of a repeated one, the first."""
    given = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
    return {key: values[0] for key, values in given.items()}


def answer(given: Form, caller: Caller, now: float) -> str:
    """Return the inner XML of the result of the action that a form names."""
    name = given.get("Action", "")
    _action_is_told(name)
    _action_is_known(name, given)
    return _ACTIONS[name](given, caller, now)


@documented(_REFERENCE + "API_GetCallerIdentity.html")
def _get_caller_identity(_: Form, caller: Caller, __: float) -> str:
    """Callers are told who they are: with the credentials of a role, the session of that role in its account."""
    return f"<Arn>{caller.arn}</Arn><UserId>{caller.user}</UserId><Account>{caller.account}</Account>"


@assumed("nobody's trust policy is known")
def _assume_role(given: Form, _: Caller, now: float) -> str:
    """Everybody may assume every role of every account, for an hour."""
    partition, account, role = _role_is_named(given)
    session = given.get("RoleSessionName", "")
    _session_is_named(session)
    until = datetime.datetime.fromtimestamp(now + 3600, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    arn = f"arn:{partition}:sts::{account}:assumed-role/{role}/{session}"
    return (
        f"<AssumedRoleUser><AssumedRoleId>AROASIMULATED:{session}</AssumedRoleId><Arn>{arn}</Arn></AssumedRoleUser>"
        f"<Credentials><AccessKeyId>ASIASIM{account}</AccessKeyId><SecretAccessKey>simulated</SecretAccessKey>"
        f"<SessionToken>simulated/{role}/{session}</SessionToken><Expiration>{until}</Expiration></Credentials>"
    )


_ACTIONS: dict[str, Callable[[Form, Caller, float], str]] = {
    "GetCallerIdentity": _get_caller_identity,
    "AssumeRole": _assume_role,
}


@documented(_REFERENCE + "CommonErrors.html")
def _action_is_told(name: str) -> None:
    """A request names its action."""
    if not name:
        raise Refused("Missing Action", code="MissingAction")


@documented(_REFERENCE + "CommonErrors.html")
def _action_is_known(name: str, given: Form) -> None:
    """An action that STS does not know is invalid."""
    if name not in _ACTIONS:
        raise Refused(f"Could not find operation {name} for version {given.get('Version')}", code="InvalidAction")


@documented(_REFERENCE + "API_AssumeRole.html")
def _role_is_named(given: Form) -> tuple[str, str, str]:
    """A role is named by its ARN, in whatever account."""
    found = _ROLE.fullmatch(given.get("RoleArn", ""))
    if found is None:
        raise Refused(f"{given.get('RoleArn')} is invalid", code="ValidationError")
    return found[1], found[2], found[3]


@documented(_REFERENCE + "API_AssumeRole.html")
def _session_is_named(name: str) -> None:
    """A session is named by 2 to 64 letters, digits and signs (_ + = , . @ -)."""
    if not _SESSION.fullmatch(name):
        raise Refused(
            f"1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy constraint: Member "
            r"must satisfy regular expression pattern: [\w+=,.@-]{2,64}",
            code="ValidationError",
        )


def success(name: str, inner: str, request_id: str) -> str:
    return (
        f'<{name}Response xmlns="{_NAMESPACE}"><{name}Result>{inner}</{name}Result>'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>"
    )


def failure(refused: Refused, request_id: str) -> str:
    side = "Sender" if refused.status < 500 else "Receiver"
    return (
        f'<ErrorResponse xmlns="{_NAMESPACE}"><Error><Type>{side}</Type><Code>{refused.code}</Code>'
        f"<Message>{_text(refused.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )


def _text(words: str) -> str:
    """Return words as XML can hold them: there are signs that it cannot even quote."""
    return escape(_UNPRINTABLE.sub("\ufffd", words))
