"""AWS Batch in our nouns: each method is one API call, takes data and gives data.

Nothing here waits, repeats or decides. Client errors become our own tree, told apart by HTTP status and, since the
Batch model declares only `ClientException` and `ServerException`, by AWS's words.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
from botocore import exceptions as boto

from providers.errors import (
    AccessDenied,
    AlreadyExists,
    AnswerLost,
    CallError,
    CredentialsExpired,
    CredentialsMissing,
    InTransition,
    NotFound,
    Rejected,
    ServerFault,
    StillReferenced,
    Throttled,
    UnknownOperation,
    Unreachable,
)
from providers.kinds import Kind, Kinds
from providers.resources import EMPTY, Document, JobList, Live
from providers.unknown import UNKNOWN, below

PAGE = 100
JOB = "job"
"""What jobs are called where kinds are named; they are none, since no manifest wants them."""

UNFINISHED = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")


@attrs.frozen
class Page:
    """One page of a listing: whole objects, or keys that `describe` takes; `token` leads to the next page."""

    lives: tuple[Live, ...] = ()
    keys: tuple[str, ...] = ()
    token: str | None = None


@attrs.frozen
class Provider:
    """The verbs of AWS Batch over an injected boto3 client."""

    client: Any
    kinds: Kinds

    def list(self, kind: str, token: str | None = None, per: str | None = None) -> Page:
        """One page of all objects of a kind; `per` is the ARN that a listing per object asks for."""
        lookup = self.kinds[kind].facts.lookup
        arguments: dict[str, Any] = {**lookup.listing_arguments, "maxResults": PAGE}
        if token is not None:
            arguments["nextToken"] = token
        if per is not None:
            arguments[lookup.per_key] = per
        answer = self.call(lookup.listing, arguments)
        following = answer.get("nextToken") or None
        if lookup.item_key:
            items = answer.get(lookup.items, ())
            return Page(keys=tuple(item[lookup.item_key] for item in items), token=following)
        return Page(lives=self._lives(kind, answer, lookup.items), token=following)

    def describe(self, kind: str, keys: Sequence[str]) -> tuple[Live, ...]:
        """The objects of these keys that exist; at most `batch` keys of the kind's lookup, and at least one.

        An empty list of keys would mean "all" to AWS, so it is refused here.
        """
        lookup = self.kinds[kind].facts.lookup
        if not 0 < len(keys) <= lookup.batch:
            raise ValueError(f"{lookup.describe} takes 1 to {lookup.batch} keys, not {len(keys)}")
        if lookup.result:
            return self._lives(kind, self.call(lookup.describe, {lookup.keys: list(keys)}), lookup.result)
        try:
            answer = self.call(lookup.describe, {lookup.keys: keys[0]})
        except NotFound:
            return ()
        return (self._live(kind, answer, below(answer)),)

    def revisions(self, kind: str, name: str, token: str | None = None) -> Page:
        """One page of the ACTIVE revisions of one family of definitions."""
        own = self.kinds[kind]
        arguments = {own.name_member: name, **own.facts.lookup.listing_arguments, "maxResults": PAGE}
        answer = self.call(own.facts.lookup.listing, arguments | ({"nextToken": token} if token else {}))
        return Page(lives=self._lives(kind, answer, own.facts.lookup.items), token=answer.get("nextToken") or None)

    def jobs(
        self, listed: JobList, status: str | None, token: str | None = None
    ) -> tuple[Sequence[Document], str | None]:
        """The summaries of one page of jobs with this status, and the token of the next page.

        Where the status is None, those of the page that have not ended, which may be none of it.
        """
        answer = self.call(listed.operation, listed.asking(status) | ({"nextToken": token} if token else {}))
        items = answer.get("jobSummaryList", ())
        if status is None:
            items = [item for item in items if item.get("status") not in ("SUCCEEDED", "FAILED")]
        return items, answer.get("nextToken") or None

    def jobs_named(self, queue: str, name: str, token: str | None = None) -> Page:
        """One page of the ids of the jobs of exactly this name in a queue, whatever their status."""
        arguments = {"jobQueue": queue, "filters": [{"name": "JOB_NAME", "values": [name]}], "maxResults": PAGE}
        answer = self.call("ListJobs", arguments | ({"nextToken": token} if token else {}))
        # The filter does not heed upper and lower case.
        ids = (item["jobId"] for item in answer.get("jobSummaryList", ()) if item["jobName"] == name)
        return Page(keys=tuple(ids), token=answer.get("nextToken") or None)

    def describe_jobs(self, ids: Sequence[str]) -> tuple[Live, ...]:
        """The jobs of these ids that exist, each named by its id, with all that is shown as its spec; at most 100."""
        return tuple(
            Live(
                kind=JOB,
                name=item["jobId"],
                arn=item.get("jobArn", ""),
                spec=item,
                tags=dict(item.get("tags") or {}),
                status=item["status"],
                status_reason=item.get("statusReason") or "",
            )
            for item in self.call("DescribeJobs", {"jobs": list(ids)}).get("jobs", ())
        )

    def knows(self, operation: str) -> bool:
        """Whether the installed botocore's model has this operation."""
        return hasattr(self.client, _snake(operation))

    def call(self, operation: str, arguments: Document) -> Mapping[str, Any]:
        """Make one call of the API by the operation's own name; raises a CallError."""
        method = getattr(self.client, _snake(operation))
        try:
            answer: Mapping[str, Any] = method(**arguments)
        except (boto.BotoCoreError, boto.ClientError) as error:
            raise translate(operation, error) from error
        return answer

    def _lives(self, kind: str, answer: Mapping[str, Any], member: str) -> tuple[Live, ...]:
        """The objects in a list of an answer."""
        return tuple(
            self._live(kind, item, below(answer, member, place) if UNKNOWN in answer else EMPTY)
            for place, item in enumerate(answer.get(member, ()))
        )

    def _live(self, kind_name: str, item: Mapping[str, Any], unknown: Document) -> Live:
        kind = self.kinds[kind_name]
        spec = {
            member: item[shown]
            for member in kind.spec.members
            if (shown := kind.facts.described_as.get(member, member)) in item
        }
        return Live(
            kind=kind_name,
            name=item[kind.name_member],
            arn=item[kind.arn_member],
            spec=spec,
            tags=dict(item.get("tags") or {}),
            status=item.get("status"),
            status_reason=item.get("statusReason") or "",
            revision=item.get("revision"),
            unknown=unknown,
            cluster=item.get("ecsClusterArn", "").rpartition("/")[2] or None,
            uuid=item.get("uuid", ""),
        )


def produced(kind: Kind, answer: Mapping[str, Any]) -> str | None:
    """The ARN that a create, update or register answered."""
    arn = answer.get(kind.arn_member)
    return None if arn is None else str(arn)


def _snake(operation: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in operation).lstrip("_")


_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNUSABLE = frozenset(
    {"UnrecognizedClientException", "InvalidClientTokenId", "SignatureDoesNotMatch", "InvalidSignatureException"}
)
_THROTTLED = frozenset({"TooManyRequestsException", "Throttling", "ThrottlingException", "RequestLimitExceeded"})
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_UNKNOWN = frozenset({"UnknownOperationException", "UnknownOperation", "404"})

_AGAIN = "run the same command again"

# Ordered: the first row that fits the code, the HTTP status and the words (in lower case) names the error.
_ROWS: tuple[tuple[type[CallError], Callable[[str, int, str], bool], str | None], ...] = (
    (CredentialsExpired, lambda code, _status, _text: code in _EXPIRED, "renew them and run the same command again"),
    (CredentialsMissing, lambda code, _status, _text: code in _UNUSABLE, "these credentials are not valid here"),
    (Throttled, lambda code, status, _text: code in _THROTTLED or status == 429, "--max-api-rate lowers the rate"),
    (ServerFault, lambda _code, status, _text: status >= 500, f"it is AWS's own fault: later, {_AGAIN}"),
    (AccessDenied, lambda code, status, _text: code in _DENIED or status == 403, "the IAM policy must allow the call"),
    (UnknownOperation, lambda code, status, _text: code in _UNKNOWN and status == 404, "is the endpoint right?"),
    (InTransition, lambda _code, _status, text: "being modified" in text, f"once it has settled, {_AGAIN}"),
    (
        StillReferenced,
        lambda _code, _status, text: "existing jobqueue relationship" in text,
        f"once no queue names it, {_AGAIN}",
    ),
    (AlreadyExists, lambda _code, status, text: status == 409 or "already exists" in text, _AGAIN),
    (NotFound, lambda _code, _status, text: "does not exist" in text or "not found" in text, _AGAIN),
    (Rejected, lambda _code, _status, _text: True, f"mend what AWS names, and {_AGAIN}"),
)


def translate(operation: str, error: Exception) -> CallError:
    """Our error for one of botocore's."""
    if isinstance(error, boto.ClientError):
        return _answered(operation, error)
    text = str(error)
    match error:
        case boto.NoCredentialsError() | boto.PartialCredentialsError() | boto.CredentialRetrievalError():
            return CredentialsMissing(
                text,
                operation=operation,
                hint="set AWS_PROFILE, or the keys, or sign in; `aws sts get-caller-identity`",
            )
        case boto.NoRegionError():
            return CredentialsMissing(text, operation=operation, hint="give --region, or set AWS_REGION")
        case boto.TokenRetrievalError() | boto.SSOTokenLoadError() | boto.UnauthorizedSSOTokenError():
            return CredentialsExpired(text, operation=operation, hint="sign in and run the same command again")
        case boto.EndpointConnectionError() | boto.ConnectTimeoutError() | boto.ProxyConnectionError():
            return Unreachable(text, operation=operation, hint="is the endpoint right, and the network up?")
        case boto.ReadTimeoutError() | boto.ConnectionClosedError() | boto.HTTPClientError():
            return AnswerLost(text, operation=operation, hint=f"it may have been done: {_AGAIN}")
        case _:
            return Rejected(text, operation=operation, code=type(error).__name__)


def _answered(operation: str, error: boto.ClientError) -> CallError:
    told = error.response.get("Error", {})
    metadata: Mapping[str, Any] = error.response.get("ResponseMetadata", {})
    code, status = str(told.get("Code", "")), int(metadata.get("HTTPStatusCode", 0))
    text = str(told.get("Message", ""))
    kind, hint = next((kind, hint) for kind, fits, hint in _ROWS if fits(code, status, text.lower()))
    if kind is UnknownOperation:
        text = f"the endpoint does not know {operation}"
    return kind(
        text, hint=hint, operation=operation, code=code, status=status, request_id=str(metadata.get("RequestId", ""))
    )
