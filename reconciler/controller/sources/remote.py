"""Where a repository lies, and git as it is run against it: with no settings but those given here.

Git reads settings, and runs what they name, from many places; of these only the environment is left, and it is made
anew. See https://git-scm.com/docs/git-config and https://git-scm.com/docs/git#_environment_variables.
"""

import base64
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import attrs

from providers.errors import SourceRefused
from reconciler.controller.configuration import Git

Protocol = Literal["https", "ssh", "git", "file"]

# Of the machine's own environment: how the network is reached, and whose certificates are trusted.
INHERITED = ("PATH", "http_proxy", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "GIT_SSL_CAINFO")

_HOST = r"(?P<host>[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?"
_USER = r"((?P<user>[A-Za-z0-9_][A-Za-z0-9._-]*)@)?"
_FORMS: Mapping[Protocol, tuple[str, ...]] = {
    "https": (rf"https://{_HOST}/[^?#]+",),
    "ssh": (
        rf"ssh://{_USER}{_HOST}/(?!-).+",
        rf"{_USER.removesuffix('?')}(?P<host>[A-Za-z0-9][A-Za-z0-9._-]*):(?!-).+",
    ),
    "git": (rf"git://{_HOST}/.+",),
    "file": (r"(file://)?/.+",),
}
_STRANGE = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]")
# Such a path means the same to git, to a shell and to ssh, which all look into it.
_PLAIN = re.compile(r"/[\w./+@,=-]*")

SETTINGS: Mapping[str, str] = {
    # Nothing is run.
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.sshCommand": "false",
    "credential.helper": "",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "protocol.ext.allow": "never",
    # Nothing else is fetched.
    "fetch.recurseSubmodules": "false",
    "submodule.recurse": "false",
    "transfer.bundleURI": "false",
    "http.followRedirects": "false",
    "http.sslVerify": "true",
    # A git that outlives the controller does not wait forever.
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": "60",
    # What comes is looked at, and costs little memory.
    "transfer.fsckObjects": "true",
    "fetch.fsckObjects": "true",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "fetch.unpackLimit": "1",
    "core.bigFileThreshold": "1m",
    "pack.threads": "1",
    "log.showSignature": "false",
    "gpg.x509.program": "false",
}

_SSH = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "yes",
    "GlobalKnownHostsFile": "/dev/null",
    "UpdateHostKeys": "no",
    "VerifyHostKeyDNS": "no",
    "IdentitiesOnly": "yes",
    "IdentityAgent": "none",
    "PreferredAuthentications": "publickey",
    "ClearAllForwardings": "yes",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "PermitLocalCommand": "no",
    "ControlMaster": "no",
    "ControlPath": "none",
    "ServerAliveInterval": "15",
}


@attrs.frozen
class Remote:
    """A repository as it is named to git; `secrets` is what must not be told of it."""

    url: str
    protocol: Protocol
    settings: Mapping[str, str] = attrs.field(repr=False)
    ssh: str | None = None
    secrets: tuple[str, ...] = attrs.field(default=(), repr=False)

    def environ(self, work: Path, inherited: Mapping[str, str], **more: str) -> dict[str, str]:
        """All that git finds in its environment, at work on a repository in the folder `work`."""
        settings = {**SETTINGS, **self.settings}
        return {
            **{name: inherited[name] for name in INHERITED if name in inherited},
            "HOME": str(work),
            "XDG_CONFIG_HOME": str(work),
            "GNUPGHOME": str(work / "gnupg"),
            "GIT_DIR": str(work / "git"),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "false",
            "SSH_ASKPASS": "false",
            "GIT_ALLOW_PROTOCOL": self.protocol,
            "GIT_SSH_COMMAND": self.ssh or "false",
            "GIT_SSH_VARIANT": "ssh",
            **dict(_numbered(settings)),
            **more,
        }

    def told(self, text: str) -> str:
        """What git said, fit to be told."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


def remote(origin: Git) -> Remote:
    """Where a repository lies; raises SourceRefused where it says what it may not, and never tells a secret."""
    url = origin.url
    if url.startswith("-") or _STRANGE.search(url):
        raise SourceRefused("the URL of a repository begins with a dash, or holds a space or a control character")
    found = ((protocol, re.fullmatch(form, url)) for protocol, forms in _FORMS.items() for form in forms)
    protocol, match = next(((protocol, match) for protocol, match in found if match), (None, None))
    if protocol is None or match is None:
        # Not shown: it may hold a password.
        raise SourceRefused(
            "the URL of a repository is of a foreign protocol, or names a user or a password",
            hint="https://, ssh://, git:// or the absolute path of a folder; passwords belong in a file of credentials",
        )
    if origin.credentials is not None and protocol != "https":
        raise SourceRefused(f"credentials go with https, and {url} is not")
    match protocol:
        case "https":
            port = f":{match['port']}" if match["port"] else ""
            header, secrets = _header(origin.credentials)
            # Of this host alone: https://git-scm.com/docs/git-config#Documentation/git-config.txt-httplturlgt
            key = f"http.https://{match['host']}{port}/.extraHeader"
            return Remote(url, protocol, {key: header} if header else {}, secrets=secrets)
        case "ssh":
            return Remote(url, protocol, {}, ssh=_ssh(origin))
        case _:
            return Remote(url, protocol, {})


def _header(credentials: Path | None) -> tuple[str, tuple[str, ...]]:
    """The header that a file of credentials makes, and what of it is secret."""
    if credentials is None:
        return "", ()
    try:
        line = credentials.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SourceRefused(f"the credentials {credentials} cannot be read: {why}") from error
    if not line or _STRANGE.search(line):
        raise SourceRefused(f"the credentials {credentials} are not one line of USER:TOKEN, or of a token")
    user, colon, token = line.partition(":")
    if not colon:
        user, token = "x-access-token", line
    whole = f"{user}:{token}"
    coded = base64.b64encode(whole.encode()).decode()
    return f"Authorization: Basic {coded}", (coded, whole, token)


def _ssh(origin: Git) -> str:
    """The command that git has a shell run for ssh: https://man.openbsd.org/ssh_config."""
    if origin.known_hosts is None or origin.ssh_key is None:
        raise SourceRefused(
            "ssh takes a file of known hosts and a key", hint="say knownHosts (`ssh-keyscan HOST`, compared) and sshKey"
        )
    hosts, key = (plain(path) for path in (origin.known_hosts, origin.ssh_key))
    options = {**_SSH, "UserKnownHostsFile": hosts, "ConnectTimeout": str(max(1, int(origin.timeout)))}
    words = ["ssh", "-F", "/dev/null", "-i", key]
    words += [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    return shlex.join(words)


def plain(path: Path) -> str:
    """The absolute path of a file that is there, with nothing in it that ssh would replace."""
    whole = str(path.absolute())
    if not path.is_file():
        raise SourceRefused(f"there is no file {whole}")
    if not _PLAIN.fullmatch(whole):
        raise SourceRefused(f"the path {whole!r} cannot be said to ssh", hint="without spaces and signs")
    return whole


def _numbered(settings: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield "GIT_CONFIG_COUNT", str(len(settings))
    for number, (key, value) in enumerate(settings.items()):
        yield f"GIT_CONFIG_KEY_{number}", key
        yield f"GIT_CONFIG_VALUE_{number}", value
