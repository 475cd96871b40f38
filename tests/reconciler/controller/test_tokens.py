"""Who may ask for what."""

import hashlib
from pathlib import Path

import pytest

from providers.errors import ManifestError
from reconciler.controller.tokens import ROLES, Token, holder, parse

FILE = Path("tokens.yaml")


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def test_a_role_may_do_what_those_below_it_may() -> None:
    """view < plan < approve < apply < override."""
    for height, role in enumerate(ROLES):
        token = Token("a", digest("a"), role)
        assert [token.may(other) for other in ROLES] == [at <= height for at in range(5)]


def test_the_bearer_of_a_token_is_known_by_its_digest() -> None:
    """Only the token itself in a header of its form: not its digest, not a part of it, under no other scheme."""
    text = f"tokens:\n- {{name: ann, sha256: {digest('t-1')}, role: view}}\n"
    text += f"- {{name: ben, sha256: {digest('t-2').upper()}, role: apply}}\n"
    rows = parse(FILE, text.encode())
    assert holder(rows, "Bearer t-1") == Token("ann", digest("t-1"), "view")
    assert holder(rows, "bEARER  t-2") == Token("ben", digest("t-2"), "apply")
    for said in (
        "",
        "Bearer",
        "Bearer ",
        "t-1",
        f"Bearer {digest('t-1')}",
        "Basic t-1",
        "Bearer t-1 t-2",
        "Bearer t-1\n",
    ):
        assert holder(rows, said) is None
    assert holder((), "Bearer t-1") is None
    assert parse(FILE, b"tokens: []") == ()


def test_all_faults_are_told_at_once_and_none_tells_a_token() -> None:
    """Each with its line; whatever stands in a wrong place may be a token, so that no fault repeats it."""
    good = digest("x")
    text = f"""\
token: hunter2hunter2
tokens:
- name: ann
  sha256: hunter2hunter2
  role: hunter2hunter2
- name: hunter2 hunter2
  sha256: {good}
  rule: view
- hunter2hunter2
- {{name: ben, sha256: {good}, role: view}}
- {{name: ben, sha256: {good.upper()}, role: [view]}}
- {{name: ben, sha256: {digest("y")}, role: plan}}
- {{name: cyd, sha256: {good}, role: plan}}
"""
    with pytest.raises(ManifestError) as caught:
        parse(FILE, text.encode())
    found = [(fault.line, fault.path, fault.message) for fault in caught.value.faults]
    assert found == [
        (1, "", "the key 'token' is unknown"),
        (4, "tokens[0].sha256", "a SHA-256 is 64 hexadecimal digits"),
        (5, "tokens[0].role", "this is no role"),
        (6, "tokens[1]", "the key `role` is missing"),
        (6, "tokens[1].name", "this is no name of a token"),
        (8, "tokens[1]", "the key 'rule' is unknown"),
        (9, "tokens[2]", "a map with `name`, `sha256`, `role` stands here, not a text"),
        (11, "tokens[4].role", "a text stands here, not a list"),
        (12, "tokens[5].name", "'ben' stands in line 10 as well"),
        (13, "tokens[6].sha256", "the token of line 10 has the same digest"),
    ]
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "tokens: {}", "tokens", "tokens:", "{", "a: 1", "!x {}", "tokens: [!x {}]", "tokens: [{name: !x a}]"],
)
def test_what_is_no_file_of_tokens_is_a_fault(text: str) -> None:
    """Nothing but a map with a list `tokens` is one; that nobody is let in has to be said."""
    with pytest.raises(ManifestError):
        parse(FILE, text.encode())
