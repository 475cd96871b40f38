"""What lies below a prefix of a bucket: the same rules as for a repository, and one listing where nothing is new."""

import itertools
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import attrs
import pytest

from providers.errors import CredentialsMissing, Interrupted, SourceAway, SourceRefused
from reconciler.controller.configuration import Prefix
from reconciler.controller.sources import Fetcher, fetcher
from tests import servers
from tests.reconciler.controller.sources.repositories import content

_numbers = itertools.count(1)


@attrs.frozen
class Shelf:
    """A bucket of one test; `called` has the operations that were asked of it."""

    client: Any
    name: str
    called: list[str] = attrs.field(factory=list)

    def put(self, files: Mapping[str, str]) -> None:
        for key, text in files.items():
            self.client.put_object(Bucket=self.name, Key=key, Body=text.encode())

    def source(self, cache: Path, prefix: str = "stacks/prod", **more: Any) -> Fetcher:
        return fetcher(Prefix(self.name, prefix, **more), cache, s3=lambda _: self.client)


@pytest.fixture(scope="module")
def moto() -> Iterator[servers.Moto]:
    with servers.moto() as moto:
        yield moto


@pytest.fixture
def shelf(moto: servers.Moto) -> Shelf:
    client = moto.client("s3")
    # All servers of a process share one world.
    name = f"sources-{next(_numbers)}"
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": servers.REGION})
    made = Shelf(client, name)
    client.meta.events.register("before-call", lambda model, **_: made.called.append(model.name))
    made.put({"stacks/prod/a": "1", "stacks/prod/more/b": "2", "stacks/production/c": "3", "other": "4"})
    made.called.clear()
    return made


def test_a_prefix_comes_as_it_is(shelf: Shelf, tmp_path: Path) -> None:
    """What lies below it, and not what only begins like it; folders that a console made are none."""
    shelf.put({"stacks/prod/": "", "stacks/prod/empty/": ""})
    got = shelf.source(tmp_path / "cache").fetch(None)
    assert content(got.folder) == {"a": "1", "more/b": "2"}
    assert got.id.startswith("sha256:")
    whole = shelf.source(tmp_path / "whole", "").fetch(None)
    assert whole.files.keys() == {"stacks/prod/a", "stacks/prod/more/b", "stacks/production/c", "other"}


def test_nothing_new_costs_one_listing(shelf: Shelf, tmp_path: Path) -> None:
    """And is the last revision itself; what changed comes, and what did not has the digest that it had."""
    fetch = shelf.source(tmp_path / "cache")
    first = fetch.fetch(None)
    shelf.called.clear()
    assert fetch.fetch(first) is first
    assert shelf.called == ["ListObjectsV2"]
    shelf.put({"stacks/prod/a": "5"})
    second = fetch.fetch(first)
    assert [content(revision.folder)["a"] for revision in (first, second)] == ["1", "5"]
    assert first.digest(["more"]) == second.digest(["more"])
    assert first.digest(["a"]) != second.digest(["a"])
    fetch.tidy([first])
    assert first.folder.is_dir()


@pytest.mark.parametrize("key", ["../out", "a/b", ".git/config", "more//b", "./c", "new\u2028line"])
def test_keys_that_leave_the_prefix_are_refused(shelf: Shelf, tmp_path: Path, key: str) -> None:
    """A key is any text at all; what it would write elsewhere, or over another, is not fetched."""
    shelf.put({f"stacks/prod/{key}": "9"})
    shelf.called.clear()
    with pytest.raises(SourceRefused):
        shelf.source(tmp_path / "cache").fetch(None)
    assert "GetObject" not in shelf.called
    assert not (tmp_path / "cache").exists()


def test_limits_hold_for_a_bucket(shelf: Shelf, tmp_path: Path) -> None:
    """Before anything is read."""
    limits: tuple[Any, ...] = ({"max_bytes": 1}, {"max_files": 1})
    for more in limits:
        with pytest.raises(SourceRefused, match="more than 1 "):
            shelf.source(tmp_path / "cache", **more).fetch(None)
    assert set(shelf.called) == {"ListObjectsV2"}


def test_what_changed_since_it_was_listed_is_not_taken(shelf: Shelf, tmp_path: Path) -> None:
    """It is asked for by its ETag, and comes the next time."""

    def change(**_: Any) -> None:
        shelf.client.meta.events.unregister("before-call.s3.GetObject", change)
        shelf.put({"stacks/prod/a": "9"})

    shelf.client.meta.events.register("before-call.s3.GetObject", change)
    fetch = shelf.source(tmp_path / "cache")
    with pytest.raises(SourceAway, match="Precondition"):
        fetch.fetch(None)
    assert list((tmp_path / "cache").iterdir()) == []
    assert content(fetch.fetch(None).folder)["a"] == "9"


def test_a_fetch_of_a_bucket_ends_with_who_fetches(shelf: Shelf, tmp_path: Path) -> None:
    """At the next page, or the next piece of an object, and leaves nothing behind."""
    shelf.put({"stacks/prod/a.yaml": "a", "stacks/prod/b.yaml": "b"})
    for operation in ("ListObjectsV2", "GetObject"):
        stop: Future[int] = Future()
        fetch = fetcher(Prefix(shelf.name, "stacks/prod"), tmp_path / "cache", s3=lambda _: shelf.client, stop=stop)

        def end(stop: "Future[int]" = stop, **_: Any) -> None:
            if not stop.done():
                stop.set_result(15)

        shelf.client.meta.events.register(f"before-call.s3.{operation}", end, unique_id=operation)
        with pytest.raises(Interrupted):
            fetch.fetch(None)
        shelf.client.meta.events.unregister(f"before-call.s3.{operation}", unique_id=operation)
        assert not [*(tmp_path / "cache").glob("*")]


def test_a_bucket_that_does_not_answer_is_told(shelf: Shelf, tmp_path: Path) -> None:
    """In the words of S3: one that is not there is refused, one that is out of order may come again."""
    absent = fetcher(Prefix("no-such-bucket"), tmp_path / "cache", s3=lambda _: shelf.client)
    with pytest.raises(SourceRefused, match=r"s3://no-such-bucket/: ListObjectsV2: .*NoSuchBucket"):
        absent.fetch(None)

    def down(http_response: Any, parsed: Any, **_: Any) -> None:
        http_response.status_code = 503
        parsed["ResponseMetadata"]["HTTPStatusCode"] = 503
        parsed["Error"] = {"Code": "SlowDown", "Message": "less, please"}

    for operation in ("ListObjectsV2", "GetObject"):
        shelf.client.meta.events.register(f"after-call.s3.{operation}", down)
        with pytest.raises(SourceAway, match=f"{operation}: less, please"):
            shelf.source(tmp_path / "cache").fetch(None)
        shelf.client.meta.events.unregister(f"after-call.s3.{operation}", down)
    with servers.moto() as gone:
        client = gone.client("s3")
    away = fetcher(Prefix("any"), tmp_path / "cache", s3=lambda _: client)
    with pytest.raises(SourceAway, match="Could not connect"):
        away.fetch(None)


def test_a_bucket_without_a_client_is_told(tmp_path: Path) -> None:
    """As any source that does not come; the region is the source's own."""
    asked: list[str | None] = []

    def none(region: str | None) -> Any:
        asked.append(region)
        raise CredentialsMissing("there are no credentials to call AWS with")

    with pytest.raises(SourceRefused, match="no credentials"):
        fetcher(Prefix("any", region="eu-west-3"), tmp_path / "cache", s3=none).fetch(None)
    assert asked == ["eu-west-3"]
