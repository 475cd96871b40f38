"""STS: who am I, and let me be another."""

from xml.etree import ElementTree

from providers.simulator import Fault, Request, Settings
from tests.providers.simulator.lab import Lab, connect, refusal


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
    answer = connect(lab.simulator, "sts").assume_role(RoleArn=role, RoleSessionName="me&you"[:2])
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
    """A session name with markup in it does not break the answer."""
    body = b"Action=AssumeRole&RoleArn=arn:aws:iam::444455556666:role/deploy&RoleSessionName=%3Cb%3E%26"
    status, seen = _post(lab, body)
    assert (status, seen["AssumedRoleId"]) == (200, "AROASIMULATED:<b>&")


def test_sts_has_faults_too(lab: Lab) -> None:
    """A fault of an STS action comes as an STS error."""
    lab.simulator.inject(Fault("GetCallerIdentity", "expired"), Fault("GetCallerIdentity", "server"))
    sts = connect(lab.simulator, "sts")
    assert refusal(sts.get_caller_identity)[:2] == (403, "ExpiredTokenException")
    assert refusal(sts.get_caller_identity)[:2] == (500, "ServerException")
    assert [call.operation for call in lab.simulator.calls] == ["GetCallerIdentity"] * 2
