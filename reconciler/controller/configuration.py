"""What an operator says of a controller: the types of `controller.yaml`.

Keys of the file are the attributes here in camel case. Whatever a stack does not say it takes from `defaults`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import attrs

from plans.policy import Policy
from providers.resources import EMPTY, Target

Mode = Literal["observe", "plan", "apply", "apply-and-heal"]
"""observe: look, and tell what moved away · plan: plan, and change nothing · apply: a new revision is applied, and what
moves away later is told · apply-and-heal: and brought back."""

OnDrift = Literal["ignore", "report", "heal"]
Role = Literal["view", "plan", "approve", "apply", "override"]
"""Each may do what those before it may: see · ask for a look · approve a plan · apply, suspend, resume · apply outside
the windows."""


@attrs.frozen
class Git:
    """A repository: https, ssh, `git://` or a path of this machine.

    `signers`: a file of `allowed_signers` (ssh) or a keyring (gpg) by which the commit must be signed. `known_hosts`
    and `ssh_key` are a must for ssh; `credentials` go with https: a file of one line, `USER:TOKEN` or a token.
    `max_bytes` and `max_files` bound what is checked out.
    """

    url: str
    branch: str = "main"
    known_hosts: Path | None = None
    ssh_key: Path | None = None
    credentials: Path | None = None
    signers: Path | None = None
    keyring: Path | None = None
    max_bytes: int = 64 * 1024 * 1024
    max_files: int = 10_000
    interval: float = 60.0
    timeout: float = 60.0


@attrs.frozen
class Folder:
    """A folder of this machine."""

    path: Path
    interval: float = 60.0


@attrs.frozen
class Prefix:
    """What lies below a prefix of an S3 bucket."""

    bucket: str
    prefix: str = ""
    region: str | None = None
    max_bytes: int = 64 * 1024 * 1024
    max_files: int = 10_000
    interval: float = 60.0


Origin = Git | Folder | Prefix


@attrs.frozen
class Drifting:
    """What is to be done about what moved away at a path of a kind: the first row that fits counts.

    `kind` is one of the seven or `*`; `path` as in `policy.ignore`, or `tags`, or `tags[KEY]`, or `*`, which alone fits
    an object that came or went. Of a list that is ignored no entry is not.
    """

    kind: str = "*"
    path: str = "*"
    do: OnDrift = "heal"


@attrs.frozen
class Window:
    """A time in which an apply may begin (`allow`), or may not: from each moment that `cron` names, for `length`
    seconds, by the clock of `zone`."""

    kind: Literal["allow", "deny"]
    cron: str
    length: float
    zone: str = "UTC"


@attrs.frozen
class Approving:
    """Whose word it takes before a plan is carried out: `api`, or a file in the source, of which a line is the id."""

    by: Literal["nobody", "api", "file"] = "nobody"
    file: str = ""


@attrs.frozen
class Stack:
    """One stack: where it lies, where it goes, and what is done about it. Times are in seconds."""

    name: str
    source: str
    target: str
    paths: tuple[str, ...] = ()
    mode: Mode = "plan"
    interval: float = 300.0
    retry_interval: float = 30.0
    timeout: float = 3600.0
    suspend: bool = False
    depends_on: tuple[str, ...] = ()
    prune: bool = False
    variables: Mapping[str, Any] = EMPTY
    drift: tuple[Drifting, ...] = ()
    approval: Approving = Approving()
    windows: tuple[Window, ...] = ()


@attrs.frozen
class Place:
    """A target and what binds every plan there; `lock` as `--lock` takes it."""

    target: Target
    policy: Policy = Policy()
    lock: str = "file"
    max_api_rate: float = 10.0
    parallelism: int = 8


@attrs.frozen
class Hook:
    """A webhook that is listened to at `/hooks/NAME`, as a hint to fetch `source`; `secrets` holds one a line."""

    name: str
    kind: Literal["github", "gitlab", "generic"]
    source: str
    secrets: Path


@attrs.frozen
class Configuration:
    """A whole controller. `tokens` holds who may ask for what (`web`); without it nobody may ask for anything.

    `hosts` are the names that a request may call it by while it listens on loopback, besides those of loopback itself:
    what a proxy of this machine passes on. They bind nothing where it listens elsewhere.
    `store` is a URL of SQLAlchemy; `cache` a folder that is the controller's own. `keep` and `keep_for` say how many
    runs of a stack are kept, and for how many seconds at least.
    """

    store: str
    cache: Path
    host: str = "127.0.0.1"
    port: int = 8700
    hosts: tuple[str, ...] = ()
    tokens: Path | None = None
    workers: int = 4
    keep: int = 100
    keep_for: float = 30 * 86400.0
    targets: Mapping[str, Place] = EMPTY
    sources: Mapping[str, Origin] = EMPTY
    stacks: Mapping[str, Stack] = EMPTY
    hooks: Mapping[str, Hook] = EMPTY
