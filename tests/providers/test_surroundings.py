"""What EC2 and IAM answer, or why it is not known, over a server that says what a test tells it to."""

import json
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import attrs
import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import NoRegionError

from providers import surroundings
from providers.clients import Connection
from providers.clock import ManualClock
from providers.errors import AnswerLost, ServerFault, Throttled, Unreachable
from providers.resources import Role, Template, Unread
from providers.simulator import wire

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

NAME = Template("launchTemplateName", "machines", "$Latest")
FAULT = "<Response><Errors><Error><Code>{0}</Code><Message>told so</Message></Error></Errors></Response>"
REFUSAL = "<ErrorResponse><Error><Code>{0}</Code><Message>told so</Message></Error></ErrorResponse>"
DENIAL = '{{"__type": "{0}", "message": "told so"}}'
ROLE = (
    '<GetRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetRoleResult><Role><Arn>arn:it</Arn>'
    "<AssumeRolePolicyDocument>{0}</AssumeRolePolicyDocument></Role></GetRoleResult></GetRoleResponse>"
)


@attrs.define
class Teller:
    """A server that answers every call the same."""

    url: str = ""
    status: str = "200 OK"
    body: str = ""

    def client(self, service: str) -> Any:
        session: Any = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-west-1")
        return session.client(service, endpoint_url=self.url, config=Config(retries={"total_max_attempts": 1}))


@pytest.fixture
def teller() -> Iterator[Teller]:
    told = Teller()

    def application(_environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        start_response(told.status, [("Content-Type", "text/xml")])
        return [told.body.encode()]

    server = wire.listen(application, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}"
    yield told
    server.shutdown()
    thread.join()
    server.server_close()


def versions(ec2: Any) -> Any:
    return surroundings.versions(ec2, NAME.member, [NAME.value])


def image(ec2: Any) -> Any:
    return surroundings.image(ec2, NAME)


def role(iam: Any) -> Any:
    return surroundings.role(iam, "runs")


def tagged(tagging: Any) -> Any:
    return surroundings.tagged(tagging, ["lab"], "")


ASKED = [
    pytest.param(versions, "ec2", FAULT, "DescribeLaunchTemplates", id="versions"),
    pytest.param(image, "ec2", FAULT, "DescribeLaunchTemplateVersions", id="image"),
    pytest.param(role, "iam", REFUSAL, "GetRole", id="role"),
    pytest.param(tagged, "resourcegroupstaggingapi", DENIAL, "GetResources", id="tagged"),
]
Ask = Callable[[Any], Any]


@pytest.mark.parametrize(("ask", "service", "words", "operation"), ASKED)
def test_a_refusal_is_unread(teller: Teller, ask: Ask, service: str, words: str, operation: str) -> None:
    """Who may not ask is told so by the service, and that is the reason."""
    teller.status, teller.body = "403 Forbidden", words.format("AccessDenied")
    assert ask(teller.client(service)) == Unread(f"{operation}: told so")


@pytest.mark.parametrize(("ask", "service", "words", "operation"), ASKED)
def test_what_may_pass_is_raised(teller: Teller, ask: Ask, service: str, words: str, operation: str) -> None:
    """It may be asked again, by whoever holds the clock."""
    client = teller.client(service)
    for code, status, error in (
        ("Throttling", "400 Bad Request", Throttled),
        ("InternalFailure", "500 Internal Server Error", ServerFault),
    ):
        teller.status, teller.body = status, words.format(code)
        with pytest.raises(error) as caught:
            ask(client)
        assert caught.value.operation == operation


@pytest.mark.parametrize(("ask", "service", "_words", "_operation"), ASKED)
def test_what_cannot_be_reached_is_unread(ask: Ask, service: str, _words: str, _operation: str) -> None:
    """A network that leads to Batch need not lead there."""
    assert isinstance(ask(Teller("http://127.0.0.1:1").client(service)), Unread)


@pytest.mark.parametrize(("ask", "service", "_words", "_operation"), ASKED)
def test_an_answer_of_something_else_is_unread(
    teller: Teller, ask: Ask, service: str, _words: str, _operation: str
) -> None:
    """An endpoint that speaks no EC2, or IAM, such as one that has AWS Batch only."""
    client = teller.client(service)
    for status, body in (("404 Not Found", '{"message": "no such page"}'), ("200 OK", "hello")):
        teller.status, teller.body = status, body
        assert isinstance(ask(client), Unread)


def test_an_answer_without_what_was_asked_for_is_none(teller: Teller) -> None:
    """Well-formed and empty, as some stand-ins for AWS answer."""
    teller.body = "<Response/>"
    assert versions(teller.client("ec2")) == {}
    assert image(teller.client("ec2")) is None
    teller.body = "<GetRoleResponse><GetRoleResult/></GetRoleResponse>"
    assert role(teller.client("iam")) == Unread("GetRole: the answer holds no role")


@pytest.mark.parametrize(
    ("ask", "service", "words", "code"),
    [
        (versions, "ec2", FAULT, "InvalidLaunchTemplateId.Malformed"),
        (versions, "ec2", FAULT, "InvalidLaunchTemplateName.NotFoundException"),
        (image, "ec2", FAULT, "InvalidLaunchTemplateId.VersionNotFound"),
        (role, "iam", REFUSAL, "NoSuchEntity"),
    ],
)
def test_what_is_not_there_is_none(teller: Teller, ask: Ask, service: str, words: str, code: str) -> None:
    """Told apart by the service's codes, since its words vary."""
    teller.status, teller.body = "400 Bad Request", words.format(code)
    assert ask(teller.client(service)) is None


@pytest.mark.parametrize(
    ("statement", "trusting"),
    [
        ({"Effect": "Allow", "Principal": {"Service": "batch.amazonaws.com"}}, True),
        ([{"Effect": "Allow", "Principal": {"Service": ["ec2.amazonaws.com", "batch.amazonaws.com.cn"]}}], True),
        ([{"Effect": "Allow", "Principal": "*"}], True),
        ([{"Effect": "Deny", "Principal": {"Service": "batch.amazonaws.com"}}], False),
        ([{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}}], False),
        ([], False),
    ],
)
def test_who_may_assume_a_role(teller: Teller, statement: object, trusting: bool) -> None:
    """One statement that lets AWS Batch in is enough; what is said in other ways counts as letting it in."""
    teller.body = ROLE.format(json.dumps({"Statement": statement}).replace('"', "%22"))
    assert role(teller.client("iam")) == Role("arn:it", trusting)


def test_a_client_that_cannot_be_made_is_unread() -> None:
    """Whatever the reason."""

    def alone(_service: str) -> Any:
        raise Unreachable("there is none")

    def lost(_service: str) -> Any:
        raise NoRegionError

    for other in (alone, lost):
        connection = Connection(None, ManualClock(), "eu-west-1", "the test", lambda: "", other=other)
        assert isinstance(surroundings.client(connection, "ec2"), Unread)


def test_what_carries_a_tag_is_told_page_by_page(teller: Teller) -> None:
    """The ARNs of a page, and the token of the next, None after the last."""
    page = {"ResourceTagMappingList": [{"ResourceARN": "arn:a"}, {"ResourceARN": "arn:b"}], "PaginationToken": "more"}
    client = teller.client("resourcegroupstaggingapi")
    teller.body = json.dumps(page)
    assert tagged(client) == (["arn:a", "arn:b"], "more")
    teller.body = json.dumps({**page, "PaginationToken": ""})
    assert tagged(client) == (["arn:a", "arn:b"], None)


def test_a_lost_answer_may_be_asked_for_again(teller: Teller) -> None:
    """As any other reading."""
    teller.status, teller.body = "200 OK", "x"
    client = teller.client("ec2")

    def lose(**_: Any) -> None:
        from botocore.exceptions import ReadTimeoutError

        raise ReadTimeoutError(endpoint_url=teller.url)

    client.meta.events.register("before-send", lose)
    with pytest.raises(AnswerLost):
        versions(client)
