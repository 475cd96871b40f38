"""STS: who am I, and let me be another."""

from typing import Any
from urllib.parse import unquote, urlencode
from xml.etree import ElementTree

import boto3
import pytest

from providers.simulator import Fault, Request, Settings
from providers.simulator.identity import account_of
from tests.providers.simulator.lab import Lab, connect, refusal

_ROLE = "arn:aws:iam::444455556666:role/deploy"


def _post(lab: Lab, body: bytes) -> tuple[int, dict[str, str]]:
    """Send a form to STS; return the status and the text of every element of the answer."""
    headers = {
        "host": "sts.eu-west-1.amazonaws.com",
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
    }
    answer = lab.simulator.handle(Request("POST", "/", {}, headers, body))
    tree = ElementTree.fromstring(answer.body)
    return answer.status, {element.tag.rpartition("}")[2]: element.text or "" for element in tree.iter()}


def test_any_key_is_of_one_account_unless_said_otherwise() -> None:
    """The account of a caller follows from its access key."""
    lab = Lab.new(settings=Settings(account="111122223333", accounts={"other": "444455556666"}))
    seen = [connect(lab.simulator, "sts", key=key).get_caller_identity() for key in ("a", "b", "other")]
    assert [it["Account"] for it in seen] == ["111122223333", "111122223333", "444455556666"]
    assert seen[0]["Arn"] == "arn:aws:iam::111122223333:user/simulated"


def test_an_assumed_role_is_in_its_own_account(lab: Lab) -> None:
    """The credentials of a role of another account see that account."""
    role = "arn:aws:iam::444455556666:role/deploy"
    answer = connect(lab.simulator, "sts").assume_role(RoleArn=role, RoleSessionName="me")
    key = answer["Credentials"]["AccessKeyId"]
    assert connect(lab.simulator, "sts", key=key).get_caller_identity()["Account"] == "444455556666"
    assert answer["AssumedRoleUser"]["Arn"] == "arn:aws:sts::444455556666:assumed-role/deploy/me"
    assert answer["Credentials"]["Expiration"].timestamp() == int(lab.clock.now()) + 3600
    lab.batch.create_scheduling_policy(name="p")
    assert connect(lab.simulator, key=key).list_scheduling_policies()["schedulingPolicies"] == []


def test_malformed_input_is_answered_in_the_shape_of_aws(lab: Lab) -> None:
    """Without an action, with an unknown one, with nonsense: an XML error with a code, never a text."""
    for body, code in (
        (b"", "MissingAction"),
        (b"Action=", "MissingAction"),
        (b"\xff\xfe=%zz&&&", "MissingAction"),
        (b"Action=Dance%3C&Version=2011-06-15", "InvalidAction"),
        (b"Action=AssumeRole&RoleArn=none&RoleSessionName=me", "ValidationError"),
        (b"Action=AssumeRole&RoleArn=arn:aws:iam::444455556666:role/deploy", "ValidationError"),
    ):
        status, seen = _post(lab, body)
        assert (status, seen["Code"], seen["Type"]) == (400, code, "Sender")
        assert seen["RequestId"]


def test_what_is_quoted_stays_quoted(lab: Lab) -> None:
    """Neither markup nor signs that XML cannot hold break an answer that repeats them."""
    assert "operation <b>& for" in _post(lab, b"Action=%3Cb%3E%26")[1]["Message"]
    for sign in ("%00", "%1B", "%EF%BF%BF"):
        assert "operation a\ufffdb for" in _post(lab, f"Action=a{sign}b".encode())[1]["Message"]
    for sign in ("%C3%A9", "%F0%9F%92%A1", "%09"):
        assert f"operation a{unquote(sign)}b for" in _post(lab, f"Action=a{sign}b".encode())[1]["Message"]


def test_an_assumed_role_is_its_session(lab: Lab) -> None:
    """With the credentials of a role one is a session of that role, also where something is denied, and by path."""
    role = "arn:aws-us-gov:iam::444455556666:role/of/ci/deploy"
    given = connect(lab.simulator, "sts").assume_role(RoleArn=role, RoleSessionName="me@home")["Credentials"]
    keys = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    session: Any = boto3.Session(*keys, region_name="us-gov-west-1")
    sts, batch = session.client("sts"), session.client("batch")
    lab.simulator.attach(sts)
    lab.simulator.attach(batch)
    seen = sts.get_caller_identity()
    arn = "arn:aws-us-gov:sts::444455556666:assumed-role/deploy/me@home"
    assert (seen["Arn"], seen["UserId"]) == (arn, "AROASIMULATED:me@home")
    lab.simulator.inject(Fault("*", "denied", times=2))
    assert refusal(batch.describe_job_queues)[2] == (
        f"User: {arn} is not authorized to perform: batch:DescribeJobQueues"
    )
    assert refusal(sts.get_caller_identity)[2] == (f"User: {arn} is not authorized to perform: sts:GetCallerIdentity")


@pytest.mark.parametrize("key", ["ASIASIM", "ASIASIM12345678901", "ASIASIM1234567890123", "ASIASIM\u0661" + "2" * 11])
def test_a_key_of_no_account_is_any_key(key: str) -> None:
    """What stands behind the mark of a borrowed key is an account of 12 digits, or it is no such key."""
    assert account_of(key) is None
    assert account_of("ASIASIM012345678901") == "012345678901"


@pytest.mark.parametrize(
    ("role", "session"),
    [
        ("arn:aws:iam::44445555666\u00b2:role/deploy", "me"),
        ("arn:aws:iam::44445555666:role/deploy", "me"),
        ("arn:aws:s3::444455556666:role/deploy", "me"),
        ("arn:aws:iam::444455556666:user/deploy", "me"),
        ("arn:aws:iam:eu-west-1:444455556666:role/deploy", "me"),
        ("arn:aws:iam::444455556666:role/", "me"),
        ("arn:aws:iam::444455556666:role/<deploy>", "me"),
        (_ROLE, "m"),
        (_ROLE, "m" * 65),
        (_ROLE, "me and you"),
        (_ROLE, "\u00e9t\u00e9"),
    ],
)
def test_a_role_and_its_session_are_spelt(lab: Lab, role: str, session: str) -> None:
    """What is no ARN of a role, and no name of a session, is refused."""
    body = urlencode({"Action": "AssumeRole", "RoleArn": role, "RoleSessionName": session})
    status, seen = _post(lab, body.encode())
    assert (status, seen["Code"]) == (400, "ValidationError")
    assert (session if role == _ROLE else role) in seen["Message"]


def test_sts_has_faults_too(lab: Lab) -> None:
    """A fault of an STS action comes as an STS error."""
    lab.simulator.inject(Fault("GetCallerIdentity", "expired"), Fault("GetCallerIdentity", "server"))
    sts = connect(lab.simulator, "sts")
    assert refusal(sts.get_caller_identity)[:2] == (403, "ExpiredTokenException")
    assert refusal(sts.get_caller_identity)[:2] == (500, "ServerException")
    assert [call.operation for call in lab.simulator.calls] == ["GetCallerIdentity"] * 2
