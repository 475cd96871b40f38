"""What looks secret is not shown, and still tells whether it changed."""

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plans.change import Action, Change, Difference
from plans.masking import mask, mask_plan, secret
from plans.plan import Goal, Plan, Step
from plans.planfile import to_json
from providers.resources import Address, Ref
from tests.plans.strategies import plans, texts
from tests.plans.views.examples import plan_of

SECRETS = (
    *(
        "DB_PASSWORD",
        "password",
        "Passwd",
        "PGPASSWORD",
        "SSH_PASSPHRASE",
        "SECRET",
        "clientSecret",
        "AWS_SECRET_ACCESS_KEY",
    ),
    *("GITHUB_TOKEN", "accesstoken", "My_ToKeN", "API_KEY", "apiKey", "APIKEY", "ENCRYPTIONKEY", "SIGNING_KEYS"),
    *("CREDENTIALS", "DB_CREDS", "DB_PASS", "DB_PWD", "HF_TOKEN_2", "token-file", "PRIVATEKEYFILE"),
)
OPEN = (
    *("KEYBOARD", "KEYBOARD_LAYOUT", "MONKEY", "MONKEY_BUSINESS", "TOKENIZERS_PARALLELISM", "SECRETARY", "COMPASS_X"),
    *("PATH", "HOME", "STAGE", "KEYNOTE", "", "PASSAGE", "DB_HOST"),
)


@pytest.mark.parametrize("name", SECRETS)
def test_secret_names(name: str) -> None:
    """A name that says password, secret, token, key or credential in any spelling is secret."""
    assert secret(name)


@pytest.mark.parametrize("name", OPEN)
def test_open_names(name: str) -> None:
    """A name in which such a word is only a part of another word is not."""
    assert not secret(name)


def entry(name: str, value: Any) -> dict[str, Any]:
    return {"name": name, "value": value}


def test_entries_of_lists_and_of_the_normal_form() -> None:
    """Entries are found in any depth, as a list and under their names; all else stays."""
    document: dict[str, Any] = {
        "containerProperties": {
            "image": "secret:token",
            "environment": [entry("DB_PASSWORD", "hunter2"), entry("STAGE", "dev")],
            "secrets": [{"name": "API_KEY", "valueFrom": "arn:aws:ssm:eu-west-1:111122223333:parameter/key"}],
        },
        "eksProperties": {
            "containers": {"main": {"env": {"API_KEY": entry("API_KEY", "k"), "MY_TOKEN": {"value": "t"}}}}
        },
        "tags": {"API_KEY": "a tag is no secret"},
    }
    masked = mask(document, "salt")
    password, stage = masked["containerProperties"]["environment"]
    assert password["value"].startswith("(secret ")
    assert len(password["value"]) == len("(secret 1f2e3d4c)")
    assert stage == entry("STAGE", "dev")
    environment = masked["eksProperties"]["containers"]["main"]["env"]
    assert environment["API_KEY"]["value"].startswith("(secret ")
    assert environment["MY_TOKEN"]["value"].startswith("(secret ")
    assert masked["tags"] == document["tags"]
    assert masked["containerProperties"]["secrets"] == document["containerProperties"]["secrets"]
    assert masked["containerProperties"]["image"] == "secret:token"


def test_the_input_is_left_as_it_is() -> None:
    """Masking makes a copy; what is carried out keeps its values."""
    document = {"environment": [entry("DB_PASSWORD", "hunter2")]}
    mask(document, "salt")
    assert document == {"environment": [entry("DB_PASSWORD", "hunter2")]}


@given(texts, texts, st.text(max_size=5))
def test_equal_stays_equal_and_unequal_stays_unequal(one: str, other: str, salt: str) -> None:
    """Two values are equal after masking exactly where they were before."""
    left, right = mask([entry("TOKEN", one)], salt), mask([entry("TOKEN", other)], salt)
    assert (left == right) == ([entry("TOKEN", one)] == [entry("TOKEN", other)])


def test_another_salt_gives_another_digest() -> None:
    """The digest of one run does not help to know the value in another."""
    document = entry("TOKEN", "hunter2")
    assert mask(document, "a") != mask(document, "b")
    assert mask(document, None) == entry("TOKEN", "(secret)")


@pytest.mark.parametrize("value", [None, Ref(Address("job_queue", "high"))])
def test_what_holds_no_secret_stays(value: Any) -> None:
    """No value, and a reference to one of our resources, are not secret."""
    assert mask(entry("TOKEN", value), "salt") == entry("TOKEN", value)


PATH = "containerProperties.environment"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{PATH}[DB_PASSWORD].value", "hunter2"),
        (f"{PATH}[DB_PASSWORD]", "hunter2"),
        (f"{PATH}[DB_PASSWORD]", entry("DB_PASSWORD", "hunter2")),
        (f"{PATH}[DB_PASSWORD]", {"value": "hunter2"}),
        (f"{PATH}[odd]TOKEN[x].value", "hunter2"),
        (f"{PATH}[0].value", "hunter2"),
        (PATH, [entry("DB_PASSWORD", "hunter2")]),
        (PATH, {"DB_PASSWORD": entry("DB_PASSWORD", "hunter2")}),
        ("containerProperties", {"environment": [entry("DB_PASSWORD", "hunter2")]}),
        ("nodeProperties.nodeRangeProperties[0:1].container.environment[API_KEY].value", "hunter2"),
        ("eksProperties.podProperties.containers[main].env[API_KEY].value", "hunter2"),
        ("environment[API_KEY].value", "hunter2"),
    ],
    ids=str,
)
def test_no_part_of_a_plan_shows_a_secret(path: str, value: Any) -> None:
    """Differences, arguments and goals are masked, whether a path leads to the value, its entry or a list of them."""
    change = Change(
        Address("job_definition", "a"), "a", Action.REGISTER, differences=(Difference(path, value, value, "r"),)
    )
    step = Step(
        *("s", "job_definition.a", "RegisterJobDefinition"),
        {"containerProperties": {"environment": [entry("DB_PASSWORD", "hunter2")]}},
        Goal("job_definition", "a", "seen", {path: value}),
    )
    masked = mask_plan(plan_of(changes=(change,), steps=(step,)), "salt")
    assert "hunter2" not in str(to_json(masked))
    difference = masked.changes[0].differences[0]
    assert difference.before == difference.after
    assert masked.steps[0].goal is not None
    assert masked.steps[0].goal.expect[path] == difference.after


@pytest.mark.parametrize(
    "path", ["tags[API_KEY]", f"{PATH}[STAGE].value", "parameters.token", "xenvironment[API_KEY].value"]
)
def test_other_paths_are_shown(path: str) -> None:
    """What is not a secret of the environment is shown as it is."""
    change = Change(
        Address("job_definition", "a"), "a", Action.REGISTER, differences=(Difference(path, "x", "y", "r"),)
    )
    plan = plan_of(changes=(change,))
    assert mask_plan(plan, "salt") == plan


@pytest.mark.unmeasured
@given(plans)
def test_masking_changes_nothing_else(plan: Plan) -> None:
    """A masked plan differs in values of differences, arguments and goals only."""
    masked = mask_plan(plan, "salt")
    assert attrs.evolve(masked, changes=plan.changes, steps=plan.steps) == plan
    assert [(change.address, change.action) for change in masked.changes] == [
        (change.address, change.action) for change in plan.changes
    ]
    assert [(step.id, step.call, step.after) for step in masked.steps] == [
        (step.id, step.call, step.after) for step in plan.steps
    ]
    assert mask_plan(masked, None).summary == plan.summary


def test_what_a_plan_knows_to_be_secret_is_looked_for_everywhere() -> None:
    """Whatever its name, a text with a secret in it is masked; and so is what it replaces, but for what stays."""
    differences = (
        Difference("containerProperties.command", ["run", "former", "7"], ["run", "--pin=hush-hush", 7], "r"),
        Difference("containerProperties.image", "a-hush-hush", None, "r"),
        Difference("containerProperties.user", "root", "me", "r"),
    )
    change = Change(Address("job_definition", "a"), "a", Action.REGISTER, differences=differences)
    arguments = {"containerProperties": {"memory": 12345678, "privileged": True, "image": "a-hush-hush"}}
    step = Step("s", "job_definition.a", "RegisterJobDefinition", arguments, Goal("k", "a", "seen", {"p": "hush-hush"}))
    plan = attrs.evolve(plan_of(changes=(change,), steps=(step,)), secrets=("hush-hush", "12345678"))
    masked = mask_plan(plan, None)
    command, image, user = masked.changes[0].differences
    assert (command.before, command.after) == (["run", "(secret)", "7"], ["run", "--pin=(secret)", 7])
    assert (image.before, image.after) == ("a-(secret)", None)
    assert (user.before, user.after) == ("root", "me")
    held = masked.steps[0].arguments["containerProperties"]
    assert held == {"memory": "(secret)", "privileged": True, "image": "a-(secret)"}
    assert masked.steps[0].goal is not None
    assert masked.steps[0].goal.expect == {"p": "(secret)"}
    assert masked.secrets == ()


def test_a_secret_that_changes_is_seen_to_change() -> None:
    """Two secrets differ in what is shown of them, as those that are secret by their names do."""
    difference = Difference(f"{PATH}[PIN].value", "former-one", "latter-one", "r")
    change = Change(Address("job_definition", "a"), "a", Action.REGISTER, differences=(difference,))
    plan = attrs.evolve(plan_of(changes=(change,)), secrets=("latter-one",))
    (shown,) = mask_plan(plan, "salt").changes[0].differences
    assert shown.before != shown.after
    assert shown.before.startswith("(secret ")
    assert shown.after.startswith("(secret ")
