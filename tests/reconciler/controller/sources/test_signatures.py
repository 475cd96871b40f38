"""Where a commit must be signed, only one that was signed by those who are named is taken."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from providers.errors import SourceRefused
from tests import programs
from tests.reconciler.controller.sources.repositories import Repo, Told, source, telling

pytestmark = pytest.mark.needs("git")


def key(folder: Path, name: str) -> Path:
    made = folder / name
    words = [programs.path("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(made)]
    subprocess.run(words, check=True, capture_output=True, timeout=60)
    return made


def signers(folder: Path, *keys: Path, options: str = 'namespaces="git"') -> Path:
    made = folder / "signers"
    rows = (f"{key.name}@example.com {options} {key.with_suffix('.pub').read_text()}" for key in keys)
    made.write_text("".join(rows))
    return made


def by_ssh(signing: Path) -> tuple[str, ...]:
    return ("-c", "gpg.format=ssh", "-c", f"user.signingKey={signing}")


@pytest.mark.needs("ssh-keygen")
@pytest.mark.parametrize("format", ["sha1", "sha256"])
def test_a_commit_is_signed_by_one_of_the_signers(tmp_path: Path, format: str) -> None:
    """By ssh: unsigned, by another key, by a key for something else, or altered since, it is refused."""
    repo = Repo.new(tmp_path / "repo", format)
    ann, eve = key(tmp_path, "ann"), key(tmp_path, "eve")
    fetch = source(repo, tmp_path / "cache", signers=signers(tmp_path, ann))
    tree = repo.files({"a": "1"})
    signed = repo.commit(tree, "signed", *by_ssh(ann))
    last = fetch.fetch(None)
    assert (last.id, last.said) == (f"main@{format}:{signed}", "signed (Ann)")

    altered = repo.git("cat-file", "commit", signed).replace("\nsigned", "\nanother").encode() + b"\n"
    refused = [
        repo.commit(tree, "unsigned"),
        repo.commit(tree, "of another", *by_ssh(eve)),
        repo.git("hash-object", "-t", "commit", "-w", "--stdin", given=altered),
    ]
    for commit in refused:
        repo.git("update-ref", "refs/heads/main", commit)
        with pytest.raises(SourceRefused, match=f"{commit} is not signed"):
            fetch.fetch(last)
    repo.git("update-ref", "refs/heads/main", signed)
    assert fetch.fetch(last) is last
    signers(tmp_path, ann, options='namespaces="file"')
    with pytest.raises(SourceRefused, match="is not signed"):
        fetch.fetch(None)
    signers(tmp_path, eve, ann)
    assert fetch.fetch(None).id == last.id


@pytest.mark.needs("ssh-keygen")
def test_git_must_say_so_twice(tmp_path: Path) -> None:
    """By the code with which it ends, and by its word for a good signature."""
    repo = Repo.new(tmp_path / "repo")
    ann = key(tmp_path, "ann")
    fetch = source(repo, tmp_path / "cache", signers=signers(tmp_path, ann))
    tree = repo.files({"a": "1"})
    for options, code in ((by_ssh(ann), 1), ((), 0)):
        repo.commit(tree, "said", *options)
        with pytest.raises(SourceRefused, match="is not signed"):
            telling(fetch, Told(codes={"verify-commit": code})).fetch(None)


@pytest.mark.needs("ssh-keygen")
def test_the_tip_itself_must_be_signed(tmp_path: Path) -> None:
    """A signed commit before it does not count."""
    repo = Repo.new(tmp_path / "repo")
    ann = key(tmp_path, "ann")
    tree = repo.files({"a": "1"})
    signed = repo.commit(tree, "signed", *by_ssh(ann))
    unsigned = repo.git("commit-tree", "-p", signed, "-m", "more", tree)
    repo.git("update-ref", "refs/heads/main", unsigned)
    with pytest.raises(SourceRefused, match="is not signed"):
        source(repo, tmp_path / "cache", signers=signers(tmp_path, ann)).fetch(None)


def gpg(home: Path, *words: str, given: bytes = b"") -> bytes:
    done = subprocess.run(
        [programs.path("gpg"), "--homedir", str(home), "--batch", "--quiet", "--passphrase", "", *words],
        input=given,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.needs("gpg", "gpgconf", "ssh-keygen")
def test_a_commit_is_signed_by_a_key_of_the_keyring(tmp_path: Path) -> None:
    """By gpg: of another's key, or of one that ended or was revoked, it is refused; and by ssh it does not count."""
    # Short, since gpg's agent listens below it.
    home = tmp_path / "g"
    home.mkdir(mode=0o700)
    repo = Repo.new(tmp_path / "repo")
    keyring = tmp_path / "keyring.asc"
    tree = repo.files({"a": "1"})
    try:
        for name in ("ann", "eve"):
            gpg(
                home,
                "--pinentry-mode",
                "loopback",
                "--quick-gen-key",
                f"{name}@example.com",
                "ed25519",
                "sign",
                "never",
            )
        keyring.write_bytes(gpg(home, "--armor", "--export", "ann@example.com"))
        fetch = source(repo, tmp_path / "cache", keyring=keyring)
        commits = {
            name: repo.commit(tree, name, "-c", f"user.signingKey={name}@example.com", environ={"GNUPGHOME": str(home)})
            for name in ("eve", "ann")
        }
        last = fetch.fetch(None)
        assert last.id == f"main@sha1:{commits['ann']}"
        ann = key(tmp_path, "ann")
        for commit in (commits["eve"], repo.commit(tree, "unsigned"), repo.commit(tree, "by ssh", *by_ssh(ann))):
            repo.git("update-ref", "refs/heads/main", commit)
            with pytest.raises(SourceRefused, match="is not signed"):
                fetch.fetch(last)
        both = source(repo, tmp_path / "cache", keyring=keyring, signers=signers(tmp_path, ann))
        assert both.fetch(last).said == "by ssh (Ann)"

        repo.git("update-ref", "refs/heads/main", commits["ann"])
        rows = gpg(home, "--with-colons", "-k", "ann@example.com").decode().splitlines()
        (print_of,) = [row.split(":")[9] for row in rows if row.startswith("fpr:")]
        revocation = (home / f"openpgp-revocs.d/{print_of}.rev").read_text().replace(":-----", "-----")
        gpg(home, "--import", given=revocation.encode())
        keyring.write_bytes(gpg(home, "--export", "ann@example.com"))
        with pytest.raises(SourceRefused, match="is not signed"):
            fetch.fetch(None)
    finally:
        words = [programs.path("gpgconf"), "--homedir", str(home), "--kill", "all"]
        subprocess.run(words, check=True, capture_output=True, timeout=60)


@pytest.mark.needs("gpg")
@pytest.mark.parametrize("what", ["signers", "keyring"])
def test_without_a_list_of_signers_nothing_is_signed(tmp_path: Path, what: str) -> None:
    """A file that is named and absent, or that holds nothing of use, is no leave to skip the look."""
    repo = Repo.new(tmp_path / "repo")
    repo.put({"a": "1"})
    (tmp_path / "empty").touch()
    for name, told in (("absent", "there is no file"), ("empty", r"is not signed|cannot be read")):
        named: Any = {what: tmp_path / name}
        with pytest.raises(SourceRefused, match=told):
            source(repo, tmp_path / "cache", **named).fetch(None)
