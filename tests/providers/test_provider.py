"""The verbs of AWS Batch over a real client, and what becomes of its errors."""

import json
from typing import Any

import pytest
from botocore import exceptions as boto
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from providers import model
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
from providers.kinds import bind
from providers.provider import PAGE, Page, Provider, produced, translate
from providers.resources import JobList
from providers.simulator import Fault
from tests.providers.simulator.lab import Lab

KINDS = bind(model.load())


@pytest.fixture
def lab() -> Lab:
    return Lab.new()


def provider(lab: Lab) -> Provider:
    return Provider(lab.batch, KINDS)


def everything(lab: Lab, kind: str) -> tuple[list[str], int]:
    """The names, or keys, of all pages, and how many pages there were."""
    names: list[str] = []
    token, pages = None, 0
    while True:
        page = provider(lab).list(kind, token)
        names += [live.name for live in page.lives] + list(page.keys)
        pages += 1
        if page.token is None:
            return names, pages
        token = page.token


def test_a_listing_goes_page_by_page(lab: Lab) -> None:
    """Whole objects, a hundred a page, none left out or told twice."""
    for number in range(PAGE + 1):
        lab.definition(f"d{number:03}")
    names, pages = everything(lab, "job_definition")
    assert (sorted(names), pages) == ([f"d{number:03}" for number in range(PAGE + 1)], 2)


def test_a_listing_of_keys_is_described(lab: Lab) -> None:
    """Policies are listed by ARN alone, and described a hundred at a time."""
    arn = lab.batch.create_scheduling_policy(name="fair", tags={"a": "b"})["arn"]
    page = provider(lab).list("scheduling_policy")
    assert page == Page(keys=(arn,))
    (live,) = provider(lab).describe("scheduling_policy", page.keys)
    assert (live.name, live.arn, live.tags, live.status) == ("fair", arn, {"a": "b"}, None)


def test_jobs_are_found_by_name(lab: Lab) -> None:
    """Of any status, page by page, the newest first; a name that differs in case alone is another."""
    lab.ground()
    old = [lab.submit(jobName="canary", wait=1) for _ in range(PAGE)]
    lab.submit(jobName="Canary")
    lab.submit(jobName="canary-2")
    lab.clock.sleep(86400)
    new = lab.submit(jobName="canary")
    page = provider(lab).jobs_named("q", "canary")
    rest = provider(lab).jobs_named("q", "canary", page.token)
    assert [*page.keys, *rest.keys] == [new, *reversed(old)]
    assert rest.token is None
    assert provider(lab).jobs_named("q", "nobody") == Page()


def test_jobs_are_objects_named_by_their_ids(lab: Lab) -> None:
    """With tags, status and reason, and all else as it is shown; those that are not there are left out."""
    lab.ground(maxvCpus=1)
    first, second = lab.submit(tags={"a": "b"}), lab.submit(wait=5)
    lives = {live.name: live for live in provider(lab).describe_jobs([first, second, "none"])}
    assert lives.keys() == {first, second}
    assert (lives[first].kind, lives[first].tags, lives[second].tags) == ("job", {"a": "b"}, {})
    assert lives[first].arn == lab.see_job(first)["jobArn"]
    assert (lives[second].status, lives[second].status_reason) == ("RUNNABLE", "")
    assert lives[second].spec["jobQueue"].endswith("/q")


def test_only_active_revisions_are_listed(lab: Lab) -> None:
    """Deregistered ones stay visible to AWS for months."""
    for _ in range(2):
        arn = lab.definition("align")["jobDefinitionArn"]
    lab.batch.deregister_job_definition(jobDefinition=arn)
    assert [live.revision for live in provider(lab).list("job_definition").lives] == [1]
    assert [live.revision for live in provider(lab).revisions("job_definition", "align").lives] == [1]
    assert provider(lab).revisions("job_definition", "none") == Page()


def test_a_live_object_holds_what_a_manifest_may_say(lab: Lab) -> None:
    """And its status, state and reason; no name, ARN or tags in its document."""
    lab.environment("one", tags={"a": "b"})
    (live,) = provider(lab).describe("compute_environment", ["one"])
    assert set(live.spec) <= set(KINDS["compute_environment"].spec.members)
    assert (live.status, live.state, live.tags) == ("VALID", "ENABLED", {"a": "b"})
    assert live.status_reason


def test_absence_is_no_error(lab: Lab) -> None:
    """A name that nothing has is answered with nothing."""
    assert provider(lab).describe("job_queue", ["none"]) == ()


def test_no_keys_are_never_asked_for(lab: Lab) -> None:
    """To AWS they would mean all."""
    for keys in ([], [str(number) for number in range(101)]):
        with pytest.raises(ValueError, match="takes 1 to 100 keys"):
            provider(lab).describe("job_queue", keys)


def test_jobs_are_counted_by_page(lab: Lab) -> None:
    """Of one queue and one status."""
    lab.environment("one")
    queue = lab.queue("high", "one")
    lab.definition("align")
    for number in range(PAGE + 1):
        lab.batch.submit_job(jobName=f"j{number}", jobQueue="high", jobDefinition="align")
    found, statuses = 0, ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
    for status in statuses:
        token: str | None = ""
        while token is not None:
            jobs, token = provider(lab).jobs(JobList("ListJobs", {"jobQueue": queue}), status, token or None)
            found += len(jobs)
    assert found == PAGE + 1


def test_a_call_answers_with_an_arn(lab: Lab) -> None:
    """Of what it made."""
    answer = provider(lab).call("CreateSchedulingPolicy", {"name": "fair"})
    assert str(produced(KINDS["scheduling_policy"], answer)).endswith("scheduling-policy/fair")
    assert produced(KINDS["scheduling_policy"], {}) is None


def test_an_operation_that_the_endpoint_does_not_know(lab: Lab) -> None:
    """Some endpoints lack kinds."""
    lab.simulator.inject(Fault("ListConsumableResources", "unknown"))
    with pytest.raises(UnknownOperation, match="the endpoint does not know ListConsumableResources"):
        provider(lab).list("consumable_resource")


def test_a_refusal_is_told_in_awss_words(lab: Lab) -> None:
    """With its request, and raised from botocore's own error."""
    with pytest.raises(CallError) as caught:
        provider(lab).call("DeleteJobQueue", {"jobQueue": "none"})
    assert (caught.value.operation, caught.value.code) == ("DeleteJobQueue", "ClientException")
    assert caught.value.request_id
    assert isinstance(caught.value.__cause__, boto.ClientError)


def test_what_botocore_refuses_is_rejected(lab: Lab) -> None:
    """Before anything is sent."""
    with pytest.raises(Rejected) as caught:
        provider(lab).call("CreateJobQueue", {"unheardOf": 1})
    assert caught.value.code == "ParamValidationError"
    assert lab.batch.describe_job_queues()["jobQueues"] == []


def give(lab: Lab, operation: str, status: int, answer: dict[str, Any]) -> list[bytes]:
    """Let botocore's own hook answer an operation that the simulator lacks; what is asked ends in the list."""
    asked: list[bytes] = []

    def respond(params: dict[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        asked.append(params["body"])
        return AWSResponse("", status, HTTPHeaders(), None), {"ResponseMetadata": {"HTTPStatusCode": status}, **answer}

    lab.batch.meta.events.register(f"before-call.batch.{operation}", respond)
    return asked


def test_a_listing_may_be_per_object(lab: Lab) -> None:
    """Quota shares are listed queue by queue."""
    asked = give(lab, "ListQuotaShares", 200, {"quotaShares": [{"quotaShareArn": "arn:1"}], "nextToken": "more"})
    assert provider(lab).list("quota_share", "token", per="arn:q") == Page(keys=("arn:1",), token="more")
    assert json.loads(asked[0]) == {"jobQueue": "arn:q", "maxResults": PAGE, "nextToken": "token"}


def test_some_kinds_are_described_one_by_one(lab: Lab) -> None:
    """The answer is the object itself; an error that says so is absence, any other is told."""
    shown = {
        "consumableResourceName": "licence",
        "consumableResourceArn": "arn:1",
        "totalQuantity": 3,
        "tags": {"a": "b"},
    }
    give(lab, "DescribeConsumableResource", 200, shown)
    (live,) = provider(lab).describe("consumable_resource", ["licence"])
    assert (live.name, live.arn, live.spec, live.tags) == ("licence", "arn:1", {"totalQuantity": 3}, {"a": "b"})
    for message, wanted in (("it does not exist", ()), ("it is odd", None)):
        other = Lab.new()
        give(other, "DescribeConsumableResource", 400, {"Error": {"Code": "ClientException", "Message": message}})
        if wanted is None:
            with pytest.raises(Rejected):
                provider(other).describe("consumable_resource", ["licence"])
        else:
            assert provider(other).describe("consumable_resource", ["licence"]) == wanted


def answered(code: str, status: int, message: str = "words") -> boto.ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "r1"},
    }
    return boto.ClientError(response, "Op")


ANSWERS = [
    (answered("ExpiredTokenException", 403), CredentialsExpired),
    (answered("UnrecognizedClientException", 403), CredentialsMissing),
    (answered("TooManyRequestsException", 429), Throttled),
    (answered("Other", 429), Throttled),
    (answered("ServerException", 500), ServerFault),
    (answered("503", 503), ServerFault),
    (answered("AccessDeniedException", 403), AccessDenied),
    (answered("Other", 403), AccessDenied),
    (answered("404", 404, "<html>"), UnknownOperation),
    (answered("ClientException", 404, "it does not exist"), NotFound),
    (answered("ClientException", 400, "Cannot delete, resource is being modified"), InTransition),
    (answered("ClientException", 400, "Cannot delete, found existing JobQueue relationship"), StillReferenced),
    (answered("ClientException", 409, "Object already exists"), AlreadyExists),
    (answered("ClientException", 400, "x already exists"), AlreadyExists),
    (answered("ClientException", 400, "one does not exist"), NotFound),
    (answered("ClientException", 400, "one not found"), NotFound),
    (answered("ClientException", 400, "ServiceRole is required"), Rejected),
    (boto.NoCredentialsError(), CredentialsMissing),
    (boto.PartialCredentialsError(provider="env", cred_var="x"), CredentialsMissing),
    (boto.NoRegionError(), CredentialsMissing),
    (boto.TokenRetrievalError(provider="sso", error_msg="x"), CredentialsExpired),
    (boto.EndpointConnectionError(endpoint_url="x"), Unreachable),
    (boto.ConnectTimeoutError(endpoint_url="x"), Unreachable),
    (boto.ProxyConnectionError(proxy_url="x"), Unreachable),
    (boto.ReadTimeoutError(endpoint_url="x"), AnswerLost),
    (boto.ConnectionClosedError(endpoint_url="x"), AnswerLost),
    (boto.SSLError(endpoint_url="x", error=ValueError("certificate")), Rejected),
    (boto.UnknownServiceError(service_name="x", known_service_names="y"), Rejected),
]


@pytest.mark.parametrize(("error", "kind"), ANSWERS, ids=lambda value: getattr(value, "__name__", str(value))[:60])
def test_errors_are_told_apart(error: Exception, kind: type[CallError]) -> None:
    """By code, HTTP status and, since Batch declares but two errors, AWS's words."""
    made = translate("DescribeJobQueues", error)
    assert type(made) is kind
    assert made.operation == "DescribeJobQueues"
    if isinstance(error, boto.ClientError):
        assert made.request_id == "r1"
        assert made.status == error.response["ResponseMetadata"]["HTTPStatusCode"]
        assert "<html>" not in made.message
