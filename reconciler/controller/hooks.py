"""Webhooks: who sent one, and whether it is to be heeded. Pure: bytes and the time come in, an answer goes out.

A webhook says nothing but *fetch soon*, so its body is never parsed: it is what the signature is made over. All that a
forged or repeated one could gain is a fetch, and it does not gain that.

What a sender must show, by kind:

- github: `X-Hub-Signature-256`, `sha256=` and the HMAC of the body in hexadecimal
  (https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries). It signs no time and no delivery
  id, so that both the id and the signature are remembered: the same body under another id is a repetition too.
- gitlab, a secret that begins with `whsec_`: `webhook-signature`, of which one of the words is `v1,` and the HMAC of
  `ID.TIMESTAMP.BODY` in base64, keyed with what follows `whsec_` in base64
  (https://gitlab.com/gitlab-org/gitlab/-/merge_requests/230944, https://www.standardwebhooks.com). Any other secret is
  the static token that stands in `X-Gitlab-Token`, which signs nothing: whoever has seen one can send more, so that
  what is remembered of these (`Idempotency-Key`) only spares a fetch for GitLab's own repetitions.
- generic: `X-Batchwright-Signature: t=SECONDS,v1=HEX`, the HMAC of `SECONDS.BODY`; `v1` may stand several times.

All are HMAC-SHA256, compared in constant time, and every secret is tried. A hook whose secrets are unknown hears
nobody.

Those that are refused and those that are repeated have a bucket of their own in each hook. It is emptied only after the
signature was looked at, since before that nobody can tell them from the true ones: a flood of forged ones costs an HMAC
each, and blocks no true one. What the bucket bounds is what is told of them.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from typing import Literal

import attrs

from providers.errors import InputError
from reconciler.controller.rates import Bucket, Rate

WINDOW = 300.0
"""Seconds: by so much the time that a sender signed may differ from ours, and so long what signs none is remembered."""

LARGEST = 256 * 1024
"""Bytes of a body."""

MOST_SECRETS = 8
MOST_REMEMBERED = 10_000
GOOD = Rate(10.0, 200.0)
BAD = Rate(1.0, 60.0)

Kind = Literal["github", "gitlab", "generic"]
Outcome = Literal["heeded", "repeated", "refused", "limited"]

_HEX = re.compile(r"[0-9a-fA-F]{64}")
_SECONDS = re.compile(r"[0-9]{1,12}")
_SIGNED = "whsec_"


@attrs.frozen
class Answer:
    """What becomes of a webhook; `wait` has the seconds after which one that was `limited` may come again.

    `why` is for the log, never for the sender.
    """

    outcome: Outcome
    why: str = ""
    wait: float = 0.0


@attrs.frozen
class Claim:
    """What the headers of a webhook claim, before anything of it was proved.

    A proof is looked for in `digests`, over `prefix` and the body, or is `token` itself. `at` is the time that is
    signed. `ids` are known again; `by_digest`: so is what was signed.
    """

    digests: tuple[bytes, ...] = ()
    prefix: bytes = b""
    token: bytes | None = None
    at: float | None = None
    ids: tuple[str, ...] = ()


@attrs.frozen
class Secrets:
    """Keys of HMACs, and static tokens."""

    keys: tuple[bytes, ...] = ()
    tokens: tuple[bytes, ...] = ()


def parse_secrets(kind: Kind, content: bytes) -> Secrets:
    """The secrets of a file, one a line; raises InputError, in which no secret stands.

    An empty line is refused rather than passed over: it is what a rotation leaves that lost its secret, and an HMAC
    with an empty key is one that everybody can make.
    """
    lines = [line.strip() for line in content.removesuffix(b"\n").split(b"\n")]
    for number, line in enumerate(lines, 1):
        if not line:
            raise InputError(f"line {number} of the secrets is empty", hint="one secret a line, and no other line")
    if len(lines) > MOST_SECRETS:
        raise InputError(f"there are {len(lines)} secrets, more than {MOST_SECRETS}", hint="remove those of old")
    if kind != "gitlab":
        return Secrets(keys=tuple(lines))
    signed = [line for line in lines if line.startswith(_SIGNED.encode())]
    return Secrets(tuple(map(_key, signed)), tuple(line for line in lines if line not in signed))


def _key(line: bytes) -> bytes:
    try:
        key = base64.b64decode(line.removeprefix(_SIGNED.encode()), validate=True)
    except binascii.Error:
        key = b""
    if not key:
        raise InputError(f"a secret that begins with {_SIGNED} is no base64", hint="copy it anew from GitLab")
    return key


def claim(kind: Kind, headers: Mapping[str, str]) -> Claim | None:
    """What these headers (in lower case; of one that came twice both, joined) claim; None where that is nothing."""
    return _CLAIMS[kind](headers)


def _github(headers: Mapping[str, str]) -> Claim | None:
    scheme, _, digest = headers.get("x-hub-signature-256", "").partition("=")
    if scheme != "sha256" or not _HEX.fullmatch(digest):
        return None
    delivery = headers.get("x-github-delivery", "")[:128]
    return Claim((bytes.fromhex(digest),), ids=(f"delivery {delivery}",) if delivery else ())


def _gitlab(headers: Mapping[str, str]) -> Claim | None:
    token = headers.get("x-gitlab-token", "").encode("latin-1") or None
    key = headers.get("idempotency-key", "")[:128]
    ids = (f"key {key}",) if key else ()
    name, seconds = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    words = [word.partition(",") for word in headers.get("webhook-signature", "").split(" ")[:4]]
    digests = tuple(digest for version, _, text in words if version == "v1" and (digest := _unbase64(text)))
    if digests and 0 < len(name) <= 128 and _SECONDS.fullmatch(seconds):
        return Claim(digests, f"{name}.{seconds}.".encode("latin-1"), token, float(seconds), ids)
    return Claim(token=token, ids=ids) if token is not None else None


def _generic(headers: Mapping[str, str]) -> Claim | None:
    said = [part.strip().partition("=") for part in headers.get("x-batchwright-signature", "").split(",")[:5]]
    seconds = [value for key, _, value in said if key == "t"]
    digests = tuple(bytes.fromhex(value) for key, _, value in said if key == "v1" and _HEX.fullmatch(value))
    if len(seconds) != 1 or not _SECONDS.fullmatch(seconds[0]) or not digests:
        return None
    return Claim(digests, f"{seconds[0]}.".encode(), at=float(seconds[0]))


def _unbase64(text: str) -> bytes:
    try:
        digest = base64.b64decode(text.encode("latin-1"), validate=True)
    except binascii.Error:
        return b""
    return digest if len(digest) == hashlib.sha256().digest_size else b""


_CLAIMS: Mapping[Kind, Callable[[Mapping[str, str]], Claim | None]] = {
    "github": _github,
    "gitlab": _gitlab,
    "generic": _generic,
}


@attrs.define
class Listener:
    """One hook: what it remembers, and how often it hears. For one thread."""

    kind: Kind
    good: Rate = GOOD
    bad: Rate = BAD
    most: int = MOST_REMEMBERED
    _good: Bucket = attrs.field(init=False)
    _bad: Bucket = attrs.field(init=False)
    _known: dict[str, float] = attrs.field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self._good, self._bad = Bucket(self.good), Bucket(self.bad)

    @property
    def remembered(self) -> int:
        return len(self._known)

    def refuse(self, why: str, now: float) -> Answer:
        """What becomes of one that is not to be heeded, whatever its body is."""
        return self._bounded(Answer("refused", why), now)

    def judge(self, claimed: Claim, body: bytes, secrets: Secrets | None, now: float) -> Answer:
        """What becomes of a webhook with this body, where None says that the secrets are unknown."""
        if secrets is None:
            return self.refuse("no secrets", now)
        digest = _proved(claimed, body, secrets.keys)
        if digest is None and not _borne(claimed.token, secrets.tokens):
            return self.refuse("no secret fits", now)
        if digest is not None and claimed.at is not None and abs(now - claimed.at) > WINDOW:
            return self.refuse("the time that it signs is too far from ours", now)
        ids = [*claimed.ids, f"digest {digest.hex()}"] if digest is not None else [*claimed.ids]
        self._forget(now)
        if any(self._known.get(known, 0.0) >= now for known in ids):
            return self._bounded(Answer("repeated", "was there before"), now)
        if wait := self._good.take(now):
            return Answer("limited", "too many true ones", wait)
        # One that signs a time to come would else be forgotten while its time still holds.
        until = max(now, claimed.at or now) + WINDOW
        for known in ids:
            self._known.pop(known, None)
            self._known[known] = until
        return Answer("heeded")

    def _bounded(self, answer: Answer, now: float) -> Answer:
        wait = self._bad.take(now)
        return Answer("limited", answer.why, wait) if wait else answer

    def _forget(self, now: float) -> None:
        """Drop what is over, which lies in front where all stay equally long, and what is too much."""
        while self._known:
            first = next(iter(self._known))
            if self._known[first] >= now and len(self._known) + 2 <= self.most:
                return
            del self._known[first]


def _proved(claimed: Claim, body: bytes, keys: tuple[bytes, ...]) -> bytes | None:
    """The digest that one of the keys makes and that was claimed. All keys are tried, each in constant time."""
    if not claimed.digests:
        return None
    found = None
    for key in keys:
        made = hmac.new(key, claimed.prefix, hashlib.sha256)
        made.update(body)
        for digest in claimed.digests:
            if hmac.compare_digest(made.digest(), digest):
                found = digest
    return found


def _borne(token: bytes | None, tokens: tuple[bytes, ...]) -> bool:
    if token is None:
        return False
    # Digests are compared, since a comparison of what differs in length tells the length.
    said = hashlib.sha256(token).digest()
    fits = [hmac.compare_digest(said, hashlib.sha256(known).digest()) for known in tokens]
    return any(fits)
