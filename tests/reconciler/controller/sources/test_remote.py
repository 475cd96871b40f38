"""Where a repository may lie, and what git is told and not told."""

import base64
import shlex
import subprocess
from pathlib import Path

import pytest

from providers.errors import SourceRefused
from reconciler.controller.configuration import Git
from reconciler.controller.sources.remote import remote


@pytest.mark.parametrize(
    ("url", "protocol"),
    [
        ("https://github.com/a/b.git", "https"),
        ("https://git.example.com:8443/a", "https"),
        ("https://[::1]:8443/a", "https"),
        ("git://localhost:9418/a", "git"),
        ("/srv/repo with.git".replace(" ", "-"), "file"),
        ("file:///srv/repo.git", "file"),
        ("ssh://git@example.com:22/a", "ssh"),
        ("ssh://example.com/~/a", "ssh"),
        ("git@example.com:a/b.git", "ssh"),
    ],
)
def test_git_may_speak_the_protocol_of_the_url_alone(tmp_path: Path, url: str, protocol: str) -> None:
    """Whatever it would be led to."""
    for name in ("hosts", "key"):
        (tmp_path / name).touch()
    made = remote(Git(url, known_hosts=tmp_path / "hosts", ssh_key=tmp_path / "key"))
    assert (made.url, made.protocol) == (url, protocol)
    assert made.environ(tmp_path, {})["GIT_ALLOW_PROTOCOL"] == protocol


@pytest.mark.parametrize(
    "url",
    [
        "",
        "--upload-pack=touch owned",
        "-u",
        "http://example.com/a",
        "ftp://example.com/a",
        "ext::sh -c touch% owned",
        "ext::touch",
        "fd::17",
        "testgit::/srv",
        "relative/path",
        "https://user:SECRET@example.com/a",
        "https://SECRET@example.com/a",
        "https://example.com/a?token=SECRET",
        "https://example.com",
        "https://example.com/a\nb",
        "https://example.com/a b",
        "https://-oProxyCommand=x/a",
        "git://user:SECRET@example.com/a",
        "ssh://git:SECRET@example.com/a",
        "ssh://-oProxyCommand=touch/a",
        "ssh://-o@example.com/a",
        "ssh://example.com/-a",
        "git@-oProxyCommand=x:a",
        "-git@example.com:a",
        "git@example.com:-a",
        "HTTPS://example.com/a",
    ],
)
def test_another_url_is_refused_and_not_shown(url: str) -> None:
    """One of a foreign protocol, that looks like an option, or that holds what may be a password."""
    with pytest.raises(SourceRefused) as caught:
        remote(Git(url))
    assert "SECRET" not in f"{caught.value}{caught.value.hint}"


def test_nothing_of_this_machine_is_git_told(tmp_path: Path) -> None:
    """But how the network is reached, whose certificates are trusted, and where programs lie."""
    here = {
        "PATH": "/bin",
        "https_proxy": "http://proxy:3128",
        "GIT_SSL_CAINFO": "/etc/own.pem",
        "GIT_SSH_COMMAND": "touch owned",
        "GIT_CONFIG_PARAMETERS": "'core.hooksPath=/x'",
        "GIT_EXEC_PATH": "/x",
        "GIT_SSL_NO_VERIFY": "1",
        "GIT_TRACE": "/x",
        "LD_PRELOAD": "/x",
        "SSH_AUTH_SOCK": "/x",
        "AWS_SECRET_ACCESS_KEY": "SECRET",
        "HOME": "/root",
    }
    environ = remote(Git("https://example.com/a")).environ(tmp_path, here)
    same = {name for name, value in environ.items() if here.get(name) == value}
    assert same == {"PATH", "https_proxy", "GIT_SSL_CAINFO"}
    assert set(here) & set(environ) - same == {"GIT_SSH_COMMAND", "HOME"}
    assert (environ["GIT_SSH_COMMAND"], environ["HOME"]) == ("false", str(tmp_path))
    assert environ["GIT_CONFIG_GLOBAL"] == environ["GIT_CONFIG_SYSTEM"] == "/dev/null"
    settings = _settings(environ)
    assert len(settings) == int(environ["GIT_CONFIG_COUNT"])
    assert settings["core.hooksPath"] == "/dev/null"
    assert settings["transfer.fsckObjects"] == "true"
    assert not [key for key in settings if "insteadOf" in key or key.startswith("filter.") or "extraHeader" in key]


def _settings(environ: dict[str, str]) -> dict[str, str]:
    numbers = range(int(environ["GIT_CONFIG_COUNT"]))
    return {environ[f"GIT_CONFIG_KEY_{number}"]: environ[f"GIT_CONFIG_VALUE_{number}"] for number in numbers}


@pytest.mark.parametrize(
    ("line", "whole"), [("ann:T0KEN", "ann:T0KEN"), ("T0KEN", "x-access-token:T0KEN"), ("a:T0:KEN\n", "a:T0:KEN")]
)
def test_credentials_are_for_their_host_alone(tmp_path: Path, line: str, whole: str) -> None:
    """As a header that git sends to no other host; what git says is told without them."""
    file = tmp_path / "credentials"
    file.write_text(line)
    made = remote(Git("https://git.example.com:8443/a/b", credentials=file))
    coded = base64.b64encode(whole.encode()).decode()
    settings = _settings(made.environ(tmp_path, {}))
    assert settings["http.https://git.example.com:8443/.extraHeader"] == f"Authorization: Basic {coded}"
    assert settings["http.followRedirects"] == "false"
    secret = whole.partition(":")[2]
    assert made.told(f"it said {coded}, {whole} and {secret}") == "it said ***, *** and ***"
    # Neither is repr, which ends in logs.
    assert coded not in repr(made)
    assert secret not in repr(made)


@pytest.mark.parametrize("content", [b"", b"\n", b"a:b\nc:d", b"a b", b"a:\x00", b"\xff"])
def test_credentials_that_are_none_are_refused(tmp_path: Path, content: bytes) -> None:
    """With the name of the file, and nothing of what it holds."""
    file = tmp_path / "credentials"
    file.write_bytes(content)
    with pytest.raises(SourceRefused, match=r"the credentials .*/credentials") as caught:
        remote(Git("https://example.com/a", credentials=file))
    assert "c:d" not in str(caught.value)
    with pytest.raises(SourceRefused, match="cannot be read: No such file"):
        remote(Git("https://example.com/a", credentials=tmp_path / "absent"))


def test_credentials_go_with_https(tmp_path: Path) -> None:
    """A token would be sent nowhere else, or to everybody."""
    (tmp_path / "credentials").write_text("T0KEN")
    with pytest.raises(SourceRefused, match="credentials go with https"):
        remote(Git("git://example.com/a", credentials=tmp_path / "credentials"))


def test_ssh_asks_nobody_and_believes_the_known_hosts_alone(tmp_path: Path) -> None:
    """No settings of the user, no agent, no password, no key but the one that is named."""
    hosts, key = tmp_path / "hosts", tmp_path / "key"
    hosts.touch()
    key.touch()
    made = remote(Git("git@example.com:a", known_hosts=hosts, ssh_key=key, timeout=20.0))
    words = shlex.split(made.environ(tmp_path, {})["GIT_SSH_COMMAND"])
    assert words[:5] == ["ssh", "-F", "/dev/null", "-i", str(key)]
    assert set(words[5::2]) == {"-o"}
    options = dict(word.split("=", 1) for word in words[6::2])
    assert options["UserKnownHostsFile"] == str(hosts)
    assert options["ConnectTimeout"] == "20"
    said = {"BatchMode": "yes", "StrictHostKeyChecking": "yes", "GlobalKnownHostsFile": "/dev/null"}
    assert said.items() <= options.items()
    assert {"IdentitiesOnly": "yes", "IdentityAgent": "none", "UpdateHostKeys": "no"}.items() <= options.items()


@pytest.mark.needs("ssh")
def test_ssh_knows_these_options(tmp_path: Path) -> None:
    """ssh itself reads them, and says that it will do so."""
    hosts, key = tmp_path / "hosts", tmp_path / "key"
    hosts.touch()
    key.touch()
    made = remote(Git("git@example.com:a", known_hosts=hosts, ssh_key=key))
    words = shlex.split(made.ssh or "")
    done = subprocess.run([*words, "-G", "example.com"], capture_output=True, text=True, timeout=60, check=True)
    read = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    assert read["stricthostkeychecking"] in ("true", "yes")
    assert (read["userknownhostsfile"], read["globalknownhostsfile"]) == (str(hosts), "/dev/null")
    assert (read["identityfile"], read["identitiesonly"], read["batchmode"]) == (str(key), "yes", "yes")


def test_ssh_without_known_hosts_or_key_is_refused(tmp_path: Path) -> None:
    """So is a path that ssh would read in its own way."""
    (tmp_path / "there").touch()
    (tmp_path / "%h").touch()
    url, there = "git@example.com:a", tmp_path / "there"
    for origin in (Git(url), Git(url, known_hosts=there), Git(url, ssh_key=there)):
        with pytest.raises(SourceRefused, match="ssh takes a file of known hosts and a key"):
            remote(origin)
    with pytest.raises(SourceRefused, match="there is no file"):
        remote(Git("git@example.com:a", known_hosts=tmp_path / "absent", ssh_key=tmp_path / "there"))
    with pytest.raises(SourceRefused, match="cannot be said to ssh"):
        remote(Git("git@example.com:a", known_hosts=tmp_path / "there", ssh_key=tmp_path / "%h"))
