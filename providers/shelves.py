"""One small text in S3 or DynamoDB, changed only where it still is what was seen: what a lock for many machines needs.

S3 writes on condition ("How to prevent object overwrites with conditional writes", Amazon S3 user guide):
`If-None-Match: *` where nothing is to be there, `If-Match` and an ETag where exactly that is. DynamoDB has condition
expressions; the partition key of the table is `LockID`, a string, as that of the lock tables of Terraform's S3 backend,
so that such a table serves both.

Each look tells the service's own time too, as the Date header of its answer has it (RFC 9110, 6.6.1).
"""

import hashlib
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar, Protocol

import attrs

from providers.errors import AccessDenied, CallError, NotFound, Rejected, ServerFault, Throttled

KEY = "LockID"
"""The partition key of a table."""

_THROTTLED = frozenset({"ProvisionedThroughputExceededException", "SlowDown"})
_CHANGED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "ConditionalCheckFailedException"})
_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


@attrs.frozen
class Kept:
    """What a look showed: the text and its version, both None where there is none, and the service's time (epoch)."""

    text: str | None
    version: str | None
    at: float


class Shelf(Protocol):
    """Where one text is kept."""

    def read(self) -> Kept:
        """What is there now; raises a CallError."""

    def write(self, text: str, seen: str | None) -> bool:
        """Put a text where the version still is that was `seen` (None: nothing); whether it was so.

        Raises a CallError; after AnswerLost and ServerFault it may have been done.
        """

    def probe(self, text: str) -> None:
        """Raise Rejected where the endpoint writes over what is there, which is `text`, though it is told not to."""


@attrs.frozen
class Bucket:
    """An object in a bucket; `client` is a boto3 client of S3."""

    client: Any
    bucket: str
    key: str

    missing: ClassVar[str] = "make the bucket first; the lock makes none"
    permit: ClassVar[str] = "the IAM policy must allow s3:GetObject and s3:PutObject there, and s3:ListBucket"

    def read(self) -> Kept:
        try:
            answer = _asked(self, "GetObject", {"Bucket": self.bucket, "Key": self.key})
        except _Absent as absent:
            return Kept(None, None, absent.at)
        return Kept(answer["Body"], answer["ETag"], _date(answer))

    def write(self, text: str, seen: str | None) -> bool:
        condition = {"IfNoneMatch": "*"} if seen is None else {"IfMatch": seen}
        said = {"Bucket": self.bucket, "Key": self.key, "Body": text.encode(), "ContentType": "application/json"}
        try:
            return _asked(self, "PutObject", said | condition) is not _NOT_AS_SEEN
        except _Absent:
            return False

    def probe(self, text: str) -> None:
        if not str(self.client.meta.endpoint_url).endswith(_AWS) and self.write(text, None):
            raise Rejected(
                f"{self.client.meta.endpoint_url} heeds no conditions of a write, so that it can hold no lock",
                hint="it must answer 412 to PutObject with If-None-Match where the object is there",
                operation="PutObject",
            )


@attrs.frozen
class Table:
    """An item of a table; `client` is a boto3 client of DynamoDB."""

    client: Any
    table: str
    key: str

    missing: ClassVar[str] = f"make the table first, with the partition key {KEY} (a string); the lock makes none"
    permit: ClassVar[str] = "the IAM policy must allow dynamodb:GetItem and dynamodb:PutItem on the table"

    def read(self) -> Kept:
        said = {"TableName": self.table, "Key": {KEY: {"S": self.key}}, "ConsistentRead": True}
        answer = _asked(self, "GetItem", said)
        item = answer.get("Item")
        if item is None:
            return Kept(None, None, _date(answer))
        text, version = (item.get(name, {}).get("S", "") for name in ("Record", "Version"))
        return Kept(text, version, _date(answer))

    def write(self, text: str, seen: str | None) -> bool:
        version = hashlib.sha256(text.encode()).hexdigest()
        item = {KEY: self.key, "Record": text, "Version": version}
        condition: dict[str, Any] = {"ConditionExpression": f"attribute_not_exists({KEY})"}
        if seen is not None:
            names, values = {"#version": "Version"}, {":seen": {"S": seen}}
            condition = {
                "ConditionExpression": "#version = :seen",
                "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": values,
            }
        said = {"TableName": self.table, "Item": {name: {"S": value} for name, value in item.items()}}
        return _asked(self, "PutItem", said | condition) is not _NOT_AS_SEEN

    def probe(self, text: str) -> None:
        """Conditions are as old as DynamoDB: whatever speaks its protocol has them."""


_NOT_AS_SEEN: Mapping[str, Any] = {}


class _Absent(Exception):
    """There is no such object, `at` this time of the service."""

    def __init__(self, at: float) -> None:
        self.at = at


def _asked(shelf: Bucket | Table, operation: str, said: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answer to a call, its body read; `_NOT_AS_SEEN` where a condition did not hold."""
    from botocore import xform_name
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    from providers.provider import translate

    try:
        answer: dict[str, Any] = getattr(shelf.client, xform_name(operation))(**said)
        if "Body" in answer:
            answer["Body"] = answer["Body"].read().decode(errors="replace")
    except ResponseParserError as error:
        told = "the endpoint answers as no such service does"
        raise Rejected(told, hint="is the endpoint right?", operation=operation) from error
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _CHANGED:
            return _NOT_AS_SEEN
        if code == "NoSuchKey":
            raise _Absent(_date(error.response)) from None
        raise _hinted(shelf, translate(operation, error)) from error
    except BotoCoreError as error:
        raise translate(operation, error) from error
    return answer


def _hinted(shelf: Bucket | Table, error: CallError) -> CallError:
    """The error with a hint of what a lock needs."""
    if error.code in _THROTTLED:
        return _as(Throttled, error, "the lock is asked for once more")
    match error:
        case ServerFault(status=501):
            return _as(Rejected, error, "the endpoint must know conditional writes")
        case NotFound():
            return attrs.evolve(error, hint=shelf.missing)
        case AccessDenied():
            return attrs.evolve(error, hint=shelf.permit)
        case Rejected(code="ValidationException"):
            return attrs.evolve(error, hint=f"the partition key of the table must be {KEY}, a string, and the only one")
        case _:
            return error


def _as(kind: type[CallError], error: CallError, hint: str) -> CallError:
    return kind(
        error.message,
        hint=hint,
        operation=error.operation,
        code=error.code,
        status=error.status,
        request_id=error.request_id,
    )


def _date(answer: Mapping[str, Any]) -> float:
    """The service's time, in whole seconds; raises Rejected where it tells none."""
    told = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    try:
        return parsedate_to_datetime(told).timestamp()
    except ValueError:
        hint = "a lock ends by the service's clock: the endpoint must send a Date header"
        raise Rejected("the endpoint does not tell the time", hint=hint) from None
