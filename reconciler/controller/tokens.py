"""Who may ask for what: the tokens of a file, by their digests.

```yaml
tokens:
  - {name: alice, sha256: 5e88…, role: approve}
```

A token is a long random word, of which the file holds the SHA-256 alone, so that whoever reads the file can ask for
nothing. It is no password: a digest that is quick to make keeps nobody from guessing a short one.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import attrs

from plans.nodes import BROKEN, Entry, Faults, Node, Source
from plans.yamltext import read
from providers.errors import InputError
from reconciler.controller.configuration import Role

ROLES: tuple[Role, ...] = get_args(Role)
_KEYS = ("name", "sha256", "role")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_NAME_HINT = "1 to 64 letters, digits, . _ @ and -, a letter or digit first"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]+=*)")
"""RFC 6750, 2.1: the name of the scheme in any case, then a `b64token`."""


@attrs.frozen
class Token:
    """A row of the file: `digest` is the SHA-256 of the token in lower-case hexadecimal."""

    name: str
    digest: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether it may do what takes `role`, which each one further up the ladder may as well."""
        return ROLES.index(self.role) >= ROLES.index(role)


def parse(path: Path, content: bytes) -> tuple[Token, ...]:
    """The rows of the file; `ManifestError` with all its faults. No fault repeats what stands there, which may be a
    token that somebody put in the wrong place."""
    faults = Faults()
    root = read(Source(str(path), content), faults)
    rows = _rows(root, faults) if root is not None else ()
    made: list[Token] = []
    names: dict[str, Node] = {}
    digests: dict[str, Node] = {}
    for number, row in enumerate(rows):
        token = _token(row, f"tokens[{number}]", faults)
        if token is None:
            continue
        if (first := names.setdefault(token.name, row)) is not row:
            message = f"{token.name!r} stands in line {first.line} as well"
            faults.add(row, f"tokens[{number}].name", message)
        if (first := digests.setdefault(token.digest, row)) is not row:
            message = f"the token of line {first.line} has the same digest"
            faults.add(row, f"tokens[{number}].sha256", message, "each row has a token of its own")
        made.append(token)
    faults.end("the file of tokens")
    return tuple(made)


def row(name: str, role: Role, token: str) -> str:
    """The row of a new token, as the file takes it; raises InputError for a name that is none."""
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} is no name of a token", hint=_NAME_HINT)
    digest = hashlib.sha256(token.encode()).hexdigest()
    # Quoted, since a name may be a word such as null.
    return f'- {{name: "{name}", sha256: {digest}, role: {role}}}'


def holder(tokens: tuple[Token, ...], authorization: str) -> Token | None:
    """The row whose token an `Authorization` header bears. All rows are compared, each in constant time."""
    said = _BEARER.fullmatch(authorization)
    if said is None:
        return None
    digest = hashlib.sha256(said[1].encode()).hexdigest()
    found = None
    for token in tokens:
        if hmac.compare_digest(token.digest, digest):
            found = token
    return found


def _rows(root: Node, faults: Faults) -> tuple[Node, ...]:
    entries = _entries(root, "", ("tokens",), faults)
    if entries is None:
        return ()
    rows = entries["tokens"].node if "tokens" in entries else None
    if rows is None:
        faults.add(root, "", "the key `tokens` is missing", "`tokens: []` lets nobody in")
        return ()
    if not isinstance(rows.value, tuple):
        faults.add(rows, "tokens", f"a list of tokens stands here, not {rows.told()}")
    return rows.items


def _entries(node: Node, path: str, known: tuple[str, ...], faults: Faults) -> Mapping[str, Entry] | None:
    if node.value is BROKEN:
        return None
    if not isinstance(node.value, Mapping):
        faults.add(node, path, f"a map with {', '.join(f'`{key}`' for key in known)} stands here, not {_kind(node)}")
        return None
    for key, entry in node.entries.items():
        if key not in known:
            near = faults.nearest(key, known)
            faults.add(
                entry.key, path, f"the key {entry.key.told()} is unknown", f"did you mean {near!r}?" if near else None
            )
    return node.entries


def _token(row: Node, path: str, faults: Faults) -> Token | None:
    before = len(faults.found)
    entries = _entries(row, path, _KEYS, faults)
    if entries is None:
        return None
    said: dict[str, str] = {}
    for key in _KEYS:
        if key not in entries:
            faults.add(row, path, f"the key `{key}` is missing")
        elif isinstance(value := entries[key].node.value, str):
            said[key] = value
        elif value is not BROKEN:
            faults.add(entries[key].node, f"{path}.{key}", f"a text stands here, not {_kind(entries[key].node)}")
    if (name := said.get("name")) is not None and not _NAME.fullmatch(name):
        faults.add(entries["name"].node, f"{path}.name", "this is no name of a token", _NAME_HINT)
    digest = said.get("sha256", "").lower()
    if "sha256" in said and not _DIGEST.fullmatch(digest):
        hint = "`batchwright controller token` makes a token and its row"
        faults.add(entries["sha256"].node, f"{path}.sha256", "a SHA-256 is 64 hexadecimal digits", hint)
    role = next((role for role in ROLES if role == said.get("role")), None)
    if "role" in said and role is None:
        faults.add(entries["role"].node, f"{path}.role", "this is no role", f"one of {', '.join(ROLES)}")
    if role is None or len(faults.found) > before:
        return None
    return Token(said["name"], digest, role)


def _kind(node: Node) -> str:
    """What it is, without its text, which may be a token that somebody put in the wrong place."""
    return "a text" if isinstance(node.value, str) else node.told()
