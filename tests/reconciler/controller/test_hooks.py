"""Which webhooks are heeded."""

import base64

import pytest

from providers.errors import InputError
from reconciler.controller.hooks import WINDOW, Answer, Kind, Listener, Secrets, claim, parse_secrets
from reconciler.controller.rates import Rate
from tests.reconciler.controller.senders import Headers, generic, github, gitlab

NOW = 1_800_000_000.0
SECRET = b"It's a Secret to Everybody"
KEY = bytes(range(32))
WHSEC = b"whsec_" + base64.b64encode(KEY)
MANY = Rate(1e9, 1e9)


def hear(
    listener: Listener, headers: Headers, body: bytes, secrets: Secrets | None, now: float = NOW
) -> tuple[str, str]:
    claimed = claim(listener.kind, headers)
    made = listener.refuse("no claim", now) if claimed is None else listener.judge(claimed, body, secrets, now)
    return made.outcome, made.why


def listener(kind: Kind, good: Rate = MANY, bad: Rate = MANY, most: int = 10_000) -> Listener:
    return Listener(kind, good, bad, most)


def test_github_s_own_example_is_heeded() -> None:
    """The secret, body and signature that GitHub's documentation gives for trying an implementation."""
    digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    headers = {"x-hub-signature-256": f"sha256={digest}"}
    assert hear(listener("github"), headers, b"Hello, World!", Secrets((SECRET,))) == ("heeded", "")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-hub-signature-256": ""},
        {"x-hub-signature-256": "sha256="},
        {"x-hub-signature-256": "sha1=" + "0" * 64},
        {"x-hub-signature-256": "sha256=" + "0" * 63},
        {"x-hub-signature-256": "sha256=" + "²" * 64},
        {"x-hub-signature-256": github(SECRET, b"body")["x-hub-signature-256"] + ", sha256=" + "0" * 64},
        {"x-hub-signature": "sha256=" + "0" * 64},
    ],
)
def test_what_claims_nothing_is_refused_before_its_body_is_looked_at(headers: Headers) -> None:
    """A header that is absent, of another form, or there twice."""
    assert hear(listener("github"), headers, b"body", Secrets((SECRET,))) == ("refused", "no claim")


@pytest.mark.parametrize("secrets", [Secrets((b"other",)), Secrets(), None, Secrets(tokens=(SECRET,))])
def test_without_the_secret_nothing_is_heeded(secrets: Secrets | None) -> None:
    """Nor is anything where no secret is known, such as one signed with an empty key."""
    for key in (SECRET, b""):
        assert hear(listener("github"), github(key, b"body"), b"body", secrets)[0] == "refused"


def test_a_changed_body_is_refused_and_each_of_several_secrets_fits() -> None:
    """While a secret is changed, the old one and the new one both are good; over the raw bytes alone."""
    both = Secrets((b"new", b"old"))
    for number, key in enumerate((b"new", b"old")):
        body = b'{"number": %d}' % number
        assert hear(listener("github"), github(key, body), body, both)[0] == "heeded"
        assert hear(listener("github"), github(key, body), body + b"\n", both)[0] == "refused"


def test_what_github_sent_once_is_not_heeded_again() -> None:
    """Not by its delivery, nor by its body under a delivery that somebody made up, until the window is over."""
    door, secrets = listener("github"), Secrets((SECRET,))
    assert hear(door, github(SECRET, b"a", "1"), b"a", secrets)[0] == "heeded"
    assert hear(door, github(SECRET, b"a", "2"), b"a", secrets)[0] == "repeated"
    assert hear(door, github(SECRET, b"b", "1"), b"b", secrets)[0] == "repeated"
    assert hear(door, github(SECRET, b"b", "3"), b"b", secrets)[0] == "heeded"
    assert hear(door, github(SECRET, b"a", "1"), b"a", secrets, NOW + WINDOW)[0] == "repeated"
    assert hear(door, github(SECRET, b"a", "1"), b"a", secrets, NOW + WINDOW + 1)[0] == "heeded"
    assert door.remembered == 2


@pytest.mark.parametrize("apart", [-WINDOW - 1, -WINDOW, 0.0, WINDOW, WINDOW + 1])
@pytest.mark.parametrize("kind", ["gitlab", "generic"])
def test_a_time_that_is_signed_has_to_be_near_ours(kind: Kind, apart: float) -> None:
    """Within five minutes, before or after; and none is heeded twice, however long its time holds."""
    door = listener(kind)
    key = KEY if kind == "gitlab" else SECRET
    sent = gitlab(KEY, b"a", NOW + apart) if kind == "gitlab" else generic(SECRET, b"a", NOW + apart)
    heard = [hear(door, sent, b"a", Secrets((key,)), NOW + later)[0] for later in (0, 0, 1, 200, 400, 600, 601, 700)]
    assert heard[0] == ("heeded" if abs(apart) <= WINDOW else "refused")
    assert heard.count("heeded") == (apart >= -WINDOW)
    assert heard[-1] == "refused"


def test_the_time_is_what_is_signed() -> None:
    """An old signature under a new time is none."""
    for kind, sent, key in (
        ("gitlab", gitlab(KEY, b"a", NOW - 1000), KEY),
        ("generic", generic(SECRET, b"a", NOW - 1000), SECRET),
    ):
        forged = {name: value.replace(f"{NOW - 1000:.0f}", f"{NOW:.0f}") for name, value in sent.items()}
        assert forged != sent
        door = Listener("gitlab" if kind == "gitlab" else "generic", MANY, MANY)
        assert hear(door, forged, b"a", Secrets((key,))) == ("refused", "no secret fits")


def test_gitlab_signs_with_what_stands_behind_whsec() -> None:
    """The key of the HMAC is what the base64 hides; of several signatures one suffices; the id is signed too."""
    secrets = parse_secrets("gitlab", WHSEC + b"\n")
    assert secrets == Secrets((KEY,), ())
    sent = dict(gitlab(KEY, b"a", NOW))
    for words, outcome in (
        (sent["webhook-signature"], "heeded"),
        (f"v1,{base64.b64encode(bytes(32)).decode()} {sent['webhook-signature']}", "heeded"),
        (f"v2,{sent['webhook-signature'][3:]}", "refused"),
        (sent["webhook-signature"][3:], "refused"),
        ("v1,????", "refused"),
        ("v1,\xe4", "refused"),
    ):
        assert hear(listener("gitlab"), {**sent, "webhook-signature": words}, b"a", secrets)[0] == outcome
    assert hear(listener("gitlab"), {**sent, "webhook-id": "msg-2"}, b"a", secrets)[0] == "refused"
    assert hear(listener("gitlab"), {**sent, "webhook-timestamp": "²"}, b"a", secrets)[0] == "refused"
    # The signing token itself is no static token.
    assert hear(listener("gitlab"), {"x-gitlab-token": WHSEC.decode()}, b"a", secrets)[0] == "refused"


def test_gitlab_s_static_token_is_one_of_the_lines() -> None:
    """Any body is heeded with it, GitLab's own repetitions are known by their key, and it may stand beside a key."""
    secrets = parse_secrets("gitlab", b"static\n" + WHSEC + b"\n")
    assert secrets == Secrets((KEY,), (b"static",))
    door = listener("gitlab")
    sent = {"x-gitlab-token": "static", "idempotency-key": "k"}
    assert hear(door, sent, b"a", secrets)[0] == "heeded"
    assert hear(door, sent, b"a", secrets)[0] == "repeated"
    assert hear(door, {"x-gitlab-token": "static"}, b"a", secrets)[0] == "heeded"
    for wrong in ("stati", "statics", "Static", "", "static, static", "st\xe4tic"):
        assert hear(door, {"x-gitlab-token": wrong}, b"a", secrets)[0] == "refused"
    assert hear(door, {**gitlab(KEY, b"a", NOW), "x-gitlab-token": "wrong"}, b"a", secrets)[0] == "heeded"
    assert hear(door, {**gitlab(SECRET, b"a", NOW), "x-gitlab-token": "static"}, b"a", secrets)[0] == "heeded"


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        (lambda said: said, "heeded"),
        (lambda said: said.replace(",v1=", f",v1={'0' * 64}, v1="), "heeded"),
        (lambda said: said.replace("v1=", "v0="), "refused"),
        (lambda said: said.split(",")[1], "refused"),
        (lambda said: f"t=1,{said}", "refused"),
        (lambda said: said.replace("t=", "t=0"), "refused"),
        (lambda said: said.replace("t=", "t=+"), "refused"),
        (lambda said: f"t=0,{'v1=' + '0' * 64 + ','}{said}", "refused"),
    ],
)
def test_the_generic_signature_has_one_time_and_some_digests(change: object, outcome: str) -> None:
    """`t=SECONDS,v1=HEX` over exactly the digits that stand there."""
    assert callable(change)
    said = generic(SECRET, b"a", NOW)["x-batchwright-signature"]
    assert hear(listener("generic"), {"x-batchwright-signature": change(said)}, b"a", Secrets((SECRET,)))[0] == outcome


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("github", b""),
        ("github", b"\n"),
        ("github", b"a\n\nb\n"),
        ("github", b"a\n\n"),
        ("github", b"a\n \t\r\n"),
        ("gitlab", b"whsec_\n"),
        ("gitlab", b"whsec_!!!\n"),
        ("gitlab", b"whsec_AA!!!AAAAAA\n"),
        ("github", b"\n".join([b"a"] * 9)),
    ],
)
def test_secrets_that_are_not_whole_let_nobody_in(kind: Kind, content: bytes) -> None:
    """An empty file or line, one that is cut off, and more than anybody needs: none of them counts."""
    with pytest.raises(InputError) as caught:
        parse_secrets(kind, content)
    assert "!!!" not in str(caught.value)


def test_secrets_are_lines_whatever_ends_them() -> None:
    """With or without an end of the last line, and with those of Windows."""
    assert parse_secrets("github", b"a b\r\nc") == Secrets((b"a b", b"c"))
    assert parse_secrets("generic", b"whsec_x\n") == Secrets((b"whsec_x",))


def test_forged_and_repeated_ones_keep_no_true_one_out() -> None:
    """Each sort has a bucket of its own: the bad one empties, and true ones are heeded all the same."""
    door, secrets = listener("github", Rate(1.0, 2.0), Rate(0.5, 2.0)), Secrets((SECRET,))
    forged = claim("github", github(b"wrong", b"a"))
    assert forged is not None
    assert [door.judge(forged, b"a", secrets, NOW).outcome for _ in range(3)] == ["refused", "refused", "limited"]
    assert door.judge(forged, b"a", secrets, NOW) == Answer("limited", "no secret fits", 2.0)
    assert hear(door, github(SECRET, b"1"), b"1", secrets)[0] == "heeded"
    assert hear(door, github(SECRET, b"1"), b"1", secrets)[0] == "limited"
    assert hear(door, github(SECRET, b"2"), b"2", secrets)[0] == "heeded"
    assert hear(door, github(SECRET, b"3"), b"3", secrets) == ("limited", "too many true ones")
    # What was not heeded is not remembered: the sender may come again with it.
    assert hear(door, github(SECRET, b"3"), b"3", secrets, NOW + 1)[0] == "heeded"


def test_one_that_signs_a_time_to_come_keeps_no_other_in_memory() -> None:
    """It is remembered for longer, and those that came after it no longer than ever."""
    door, secrets = listener("gitlab"), Secrets((KEY,), (b"static",))
    retried = {"x-gitlab-token": "static", "idempotency-key": "k"}
    assert hear(door, gitlab(KEY, b"a", NOW + WINDOW), b"a", secrets)[0] == "heeded"
    assert hear(door, retried, b"a", secrets)[0] == "heeded"
    assert hear(door, retried, b"a", secrets, NOW + WINDOW)[0] == "repeated"
    assert hear(door, retried, b"a", secrets, NOW + WINDOW + 1)[0] == "heeded"
    assert hear(door, gitlab(KEY, b"a", NOW + WINDOW), b"a", secrets, NOW + WINDOW + 1)[0] == "repeated"


def test_memory_is_bounded() -> None:
    """The oldest is forgotten where there are too many, and what is over is forgotten anyway."""
    door, secrets = listener("github", most=10), Secrets((SECRET,))
    for number in range(50):
        body = str(number).encode()
        assert hear(door, github(SECRET, body, f"d{number}"), body, secrets)[0] == "heeded"
        assert door.remembered <= 10
    assert hear(door, github(SECRET, b"49", "d49"), b"49", secrets)[0] == "repeated"
    assert hear(door, github(SECRET, b"0", "d0"), b"0", secrets)[0] == "heeded"
    assert hear(door, github(SECRET, b"x"), b"x", secrets, NOW + WINDOW + 1)[0] == "heeded"
    assert door.remembered == 1
