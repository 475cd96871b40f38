"""Shelves: one text in S3 or DynamoDB, against moto's server; and what is told of a place that holds no lock."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError
from botocore.parsers import ResponseParserError

from providers.clock import SystemClock
from providers.errors import AccessDenied, AnswerLost, CallError, NotFound, Rejected, ServerFault, Throttled
from providers.shelves import Bucket, Shelf, Table
from tests import servers

Make = Callable[..., Shelf]


@pytest.fixture(scope="module")
def moto() -> Iterator[servers.Moto]:
    with servers.moto() as moto:
        moto.make_locks()
        yield moto


@pytest.fixture(params=["s3", "dynamodb"])
def make(request: pytest.FixtureRequest, moto: servers.Moto) -> Make:
    """Makes a shelf, each time over a client of its own."""

    def shelf(key: str = f"{request.node.name}/lab", where: str = "locks") -> Shelf:
        return (Bucket if request.param == "s3" else Table)(moto.client(request.param), where, key)

    return shelf


def client(shelf: Shelf) -> Any:
    assert isinstance(shelf, Bucket | Table)
    return shelf.client


def answer(shelf: Shelf, status: int, code: str = "") -> None:
    """Let every call of a shelf be answered so, and none go out."""

    def before_send(request: Any, **_: Any) -> Any:
        body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        if isinstance(shelf, Table):
            body = f'{{"__type": "com.amazonaws#{code}", "message": "no"}}'.encode()

        class Raw:
            def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
                yield body

        return AWSResponse(request.url, status, HTTPHeaders(), Raw())

    client(shelf).meta.events.register("before-send", before_send)


def test_nothing_is_there_at_first(make: Make) -> None:
    """No text, no version, and the service's time all the same."""
    kept = make().read()
    assert (kept.text, kept.version) == (None, None)
    assert abs(kept.at - SystemClock().now()) < 60


def test_what_is_written_is_read(make: Make) -> None:
    """To the letter."""
    assert make().write("grün", None)
    kept = make().read()
    assert kept.text == "grün"
    assert kept.version


def test_a_text_is_put_only_where_there_is_none(make: Make) -> None:
    """The second of two that saw nothing is told that it was not so, and changes nothing."""
    assert make().write("one", None)
    assert not make().write("two", None)
    assert make().read().text == "one"


def test_a_text_is_written_over_only_as_it_was_seen(make: Make) -> None:
    """Of two that saw the same, one writes."""
    make().write("one", None)
    seen = make().read().version
    assert make().write("two", seen)
    assert not make().write("three", seen)
    assert make().read().text == "two"


def test_what_was_seen_and_is_gone_is_not_written(make: Make) -> None:
    """Whoever removed it may have made way for another."""
    shelf = make()
    shelf.write("one", None)
    seen = shelf.read().version
    if isinstance(shelf, Bucket):
        shelf.client.delete_object(Bucket=shelf.bucket, Key=shelf.key)
    elif isinstance(shelf, Table):
        shelf.client.delete_item(TableName=shelf.table, Key={"LockID": {"S": shelf.key}})
    assert not shelf.write("two", seen)
    assert shelf.read().text is None


def test_keys_are_apart(make: Make) -> None:
    """One place serves many."""
    make("a/one").write("1", None)
    make("a/two").write("2", None)
    assert [make(key).read().text for key in ("a/one", "a/two", "a/three")] == ["1", "2", None]


def test_an_endpoint_that_heeds_conditions_passes_the_probe(make: Make) -> None:
    """And what is there stays."""
    shelf = make()
    shelf.write("one", None)
    shelf.probe("one")
    assert shelf.read().text == "one"


def test_an_endpoint_that_ignores_conditions_is_found_out(moto: servers.Moto) -> None:
    """S3 of another make may answer 200 to a write that must not be; that is no place for a lock."""
    shelf = Bucket(moto.client("s3"), "locks", "ignored")

    def without(params: Any, **_: Any) -> None:
        params["headers"].pop("If-None-Match", None)

    shelf.client.meta.events.register("before-call.s3.PutObject", without)
    shelf.write("one", None)
    with pytest.raises(Rejected, match="heeds no conditions") as caught:
        shelf.probe("one")
    assert "412" in str(caught.value.hint)


def test_aws_is_not_probed() -> None:
    """It documents its conditions; a request less."""
    s3 = servers._session().client("s3")
    shelf = Bucket(s3, "locks", "lab")
    answer(shelf, 500)
    shelf.probe("one")


def test_a_place_that_is_not_there_is_told(make: Make) -> None:
    """A bucket, or a table, that somebody has to make first; reading and writing alike."""
    shelf = make(where="nowhere-at-all")
    for do in (shelf.read, lambda: shelf.write("one", None)):
        with pytest.raises(NotFound) as caught:
            do()
        assert "first" in str(caught.value.hint)


def test_a_table_with_another_key_is_told(moto: servers.Moto) -> None:
    """The hint names the key that it must have."""
    with pytest.raises(Rejected) as caught:
        Table(moto.client("dynamodb"), "others", "lab").read()
    assert "LockID" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "AccessDenied", AccessDenied),
        (400, "AccessDeniedException", AccessDenied),
        (400, "ProvisionedThroughputExceededException", Throttled),
        (503, "SlowDown", Throttled),
        (429, "ThrottlingException", Throttled),
        (500, "InternalError", ServerFault),
        (501, "NotImplemented", Rejected),
        (400, "InvalidRequest", Rejected),
    ],
)
def test_refusals_become_our_own_errors(make: Make, status: int, code: str, kind: type[CallError]) -> None:
    """Told apart as to whether they pass; a denial names the permissions that are needed."""
    shelf = make()
    answer(shelf, status, code)
    with pytest.raises(CallError) as caught:
        shelf.write("one", None)
    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.code) == (status, code)
    if kind is AccessDenied:
        assert "PutObject" in str(caught.value.hint) or "PutItem" in str(caught.value.hint)


@pytest.mark.parametrize("code", ["PreconditionFailed", "ConditionalRequestConflict"])
def test_a_conflict_of_two_writes_is_one_that_did_not_hold(moto: servers.Moto, code: str) -> None:
    """S3 answers 409 to writes that meet, 412 to one that comes too late (API_PutObject.html)."""
    shelf = Bucket(moto.client("s3"), "locks", "conflict")
    answer(shelf, 409 if code == "ConditionalRequestConflict" else 412, code)
    assert not shelf.write("one", "seen")


def test_an_answer_that_never_came_is_lost(make: Make) -> None:
    """It may have been done."""
    shelf = make()

    def time_out(**_: Any) -> None:
        raise ReadTimeoutError(endpoint_url="there")

    client(shelf).meta.events.register("before-send", time_out)
    with pytest.raises(AnswerLost):
        shelf.write("one", None)


def test_the_time_is_the_services_own(make: Make) -> None:
    """As the Date header has it, whatever our clock reads; of what is absent too."""
    shelf = make()
    shelf.write("one", None)

    def date(http_response: Any, parsed: Any, **_: Any) -> None:
        del http_response
        parsed["ResponseMetadata"]["HTTPHeaders"]["date"] = "Fri, 15 Jan 2027 08:00:00 GMT"

    client(shelf).meta.events.register("after-call", date)
    moment = datetime(2027, 1, 15, 8, tzinfo=UTC).timestamp()
    assert shelf.read().at == moment
    again = make("nothing")
    client(again).meta.events.register("after-call", date)
    assert again.read().at == moment


@pytest.mark.parametrize("date", [None, "yesterday"])
def test_an_endpoint_that_tells_no_time_is_refused(make: Make, date: str | None) -> None:
    """Nobody could tell when a lock ends."""
    shelf = make()
    shelf.write("one", None)

    def undated(parsed: Any, **_: Any) -> None:
        headers = parsed["ResponseMetadata"]["HTTPHeaders"]
        headers.pop("date")
        if date is not None:
            headers["date"] = date

    client(shelf).meta.events.register("after-call", undated)
    with pytest.raises(Rejected, match="does not tell the time"):
        shelf.read()


def test_an_endpoint_that_is_none_is_told(make: Make) -> None:
    """It answers with what no such service says."""
    shelf = make()

    def garble(params: Any, **_: Any) -> Any:
        del params
        raise ResponseParserError("not xml")

    client(shelf).meta.events.register("before-call", garble)
    with pytest.raises(Rejected, match="as no such service does"):
        shelf.read()
