"""A connection to a simulator in this process: what a reconciler sees of it is what it sees of any other."""

import pytest

from providers.clients import rehearsed
from providers.clock import ManualClock
from providers.errors import AnswerLost, NotFound, Throttled, Unreachable
from providers.provider import Provider
from providers.resources import Unread
from providers.simulator import Fault, Simulator, Store
from providers.surroundings import account, client
from tests.kit import Stage, kinds


def connected(*faults: Fault, account: str | None = "111122223333") -> tuple[Simulator, Provider]:
    simulator = Simulator(Store.open(None, now=0.0), ManualClock(), faults)
    connection = rehearsed(simulator, Stage.new().reconciler.connection, account)
    return simulator, Provider(connection.batch, kinds())


def test_a_call_is_answered_in_the_account_that_is_rehearsed() -> None:
    """Objects are made and read in the account and region of the connection that it stands for."""
    simulator, provider = connected()
    provider.call("CreateSchedulingPolicy", {"name": "p"})
    assert provider.list("scheduling_policy").keys == ("arn:aws:batch:eu-west-1:111122223333:scheduling-policy/p",)
    provider.call("TagResource", {"resourceArn": provider.list("scheduling_policy").keys[0], "tags": {"a": "b"}})
    provider.call("UntagResource", {"resourceArn": provider.list("scheduling_policy").keys[0], "tagKeys": ["a"]})
    (live,) = provider.describe("scheduling_policy", provider.list("scheduling_policy").keys)
    assert live.tags == {}
    assert [call.status for call in simulator.calls] == [200] * len(simulator.calls)


def test_errors_are_those_of_a_client() -> None:
    """A refusal, a throttle, a lost answer and no connection are told apart as over HTTP."""
    _, provider = connected(Fault("ListJobs", "throttle"), Fault("ListJobs", "lost"), Fault("ListJobs", "refused"))
    for error in (Throttled, AnswerLost, Unreachable, NotFound):
        with pytest.raises(error):
            provider.call("ListJobs", {"jobQueue": ""})


def test_it_knows_what_the_client_knows() -> None:
    """Neither more operations nor fewer than the installed botocore."""
    _, provider = connected()
    assert provider.knows("TerminateJob")
    assert not provider.knows("MakeCoffee")
    assert provider.client.meta.partition == "aws"


def test_nothing_is_around_it() -> None:
    """The account is told where it is known, other services are unread without a word."""
    like = Stage.new().reconciler.connection
    simulator = Simulator(Store.open(None, now=0.0), ManualClock())
    made = rehearsed(simulator, like, "111122223333")
    assert (made.region, made.clock, account(made)) == (like.region, simulator.clock, "111122223333")
    assert client(made, "iam") == Unread("")
    assert isinstance(account(rehearsed(simulator, like, None)), Unread)
