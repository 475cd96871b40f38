"""A repository on another machine: it comes over the wire, and one that is away, or hangs, is told so."""

from pathlib import Path

import pytest

from providers.errors import SourceAway, SourceRefused
from tests.reconciler.controller.sources import serving
from tests.reconciler.controller.sources.repositories import Repo, content, source

pytestmark = pytest.mark.needs("git")


@pytest.fixture(params=["sha1", "sha256"])
def repo(request: pytest.FixtureRequest, tmp_path: Path) -> Repo:
    repo = Repo.new(tmp_path / "served/repo.git", request.param)
    repo.put({"a": "1"})
    return repo


def test_a_repository_comes_from_a_daemon(repo: Repo, tmp_path: Path) -> None:
    """Over git://; once it is away the fetch may be tried again, and the last revision is as it was."""
    with serving.daemon(repo.folder.parent) as url:
        fetch = source(f"{url}/repo.git", tmp_path / "cache")
        first = fetch.fetch(None)
        assert fetch.fetch(first) is first
        repo.put({"a": "2"})
        second = fetch.fetch(first)
        with pytest.raises(SourceRefused):
            source(f"{url}/other.git", tmp_path / "cache").fetch(None)
    for last in (second, None):
        with pytest.raises(SourceAway, match=r"cannot be reached: .*Connection refused") as caught:
            fetch.fetch(last)
        assert caught.value.retryable
    assert [content(revision.folder) for revision in (first, second)] == [{"a": "1"}, {"a": "2"}]


@pytest.mark.parametrize("scheme", ["git", "https"])
def test_a_server_that_hangs_is_left(tmp_path: Path, scheme: str) -> None:
    """After the time that a fetch may take, all in all."""
    with serving.silence() as port, pytest.raises(SourceAway, match="in time"):
        source(f"{scheme}://127.0.0.1:{port}/repo.git", tmp_path / "cache", timeout=0.7).fetch(None)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_repository_comes_by_https(repo: Repo, tmp_path: Path) -> None:
    """With credentials from a file; without them, with wrong ones, or from a host that proves nothing, it does not."""
    file = tmp_path / "credentials"
    file.write_text("ann:T0KEN")
    with serving.https(repo.folder.parent, tmp_path, "ann:T0KEN") as server:
        url = f"{server.url}/repo.git"
        fetch = source(url, tmp_path / "cache", server.environ, credentials=file)
        last = fetch.fetch(None)
        assert content(last.folder) == {"a": "1"}
        assert fetch.fetch(last) is last
        for more in ({}, {"credentials": tmp_path / "wrong"}):
            (tmp_path / "wrong").write_text("ann:WRONG")
            with pytest.raises(SourceRefused, match=r"could not read Username|Authentication failed") as caught:
                source(url, tmp_path / "cache", server.environ, **more).fetch(None)
            assert caught.value.hint == "look at the credentials"
            assert "WRONG" not in str(caught.value)
        asked = len(server.asked)
        with pytest.raises(SourceRefused, match="certificate"):
            source(url, tmp_path / "cache", credentials=file).fetch(None)
        assert len(server.asked) == asked


def test_credentials_stay_with_their_host(repo: Repo, tmp_path: Path) -> None:
    """A server that sends git elsewhere is not followed."""
    file = tmp_path / "credentials"
    file.write_text("ann:T0KEN")
    (tmp_path / "other").mkdir()
    with (
        serving.https(repo.folder.parent, tmp_path) as server,
        serving.https(repo.folder.parent, tmp_path / "other") as other,
    ):
        both = tmp_path / "both.pem"
        both.write_bytes(server.certificate.read_bytes() + other.certificate.read_bytes())
        server.elsewhere.append(other.url)
        environ = {"GIT_SSL_CAINFO": str(both)}
        with pytest.raises(SourceRefused, match="302") as caught:
            source(f"{server.url}/moved/repo.git", tmp_path / "cache", environ, credentials=file).fetch(None)
        assert caught.value.hint == "say the URL that it redirects to"
        assert [given is not None for _, given in server.asked] == [True]
        assert other.asked == []
        # What would have come from there is good.
        assert source(f"{other.url}/repo.git", tmp_path / "cache", environ).fetch(None).files.keys() == {"a"}
