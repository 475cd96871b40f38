"""Values from outside."""

import json
from typing import Any

import pytest

from plans.manifest import Source, parse_variables
from providers.errors import ManifestError
from tests.plans.manifests import container, fault, faults, parsed, resource, stack

DECLARED = "variables: {env: {default: dev}, list: {default: [a, b]}, n: {default: 4}, empty: {default: null}}\n"


def spec(block: str, variables: dict[str, Any] | None = None) -> Any:
    """The containerProperties of a definition that says this there."""
    text = stack(DECLARED + f"jobDefinitions: {{x: {{type: container, containerProperties: {{image: i, {block}}}}}}}")
    return resource(parsed(text, variables=variables), "job_definition.x").spec["containerProperties"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${var.env}", "dev"),
        ("a-${var.env}-${var.n}-b", "a-dev-4-b"),
        ("$${var.env}", "${var.env}"),
        ("$${HOME} ${HOME} $HOME", "${HOME} ${HOME} $HOME"),
        ("Ref::env", "Ref::env"),
        ("${env}", "${env}"),
        ("$$${var.env}", "$${var.env}"),
        ("${var.n}", "4"),
    ],
)
def test_replaced_in_text(text: str, value: str) -> None:
    """`${var.NAME}` is replaced, `$${` is `${`, and nothing else is touched."""
    assert spec(f'user: "{text}"')["user"] == value


def test_whole_scalar_keeps_its_type() -> None:
    """A variable that is all of a value may be a number, a truth value, null or a list."""
    said = spec(
        'memory: "${var.n}", command: "${var.list}", privileged: "${var.env}", user: "${var.empty}"', {"env": True}
    )
    assert said == {"image": "i", "memory": 4, "command": ["a", "b"], "privileged": True, "user": None}


@pytest.mark.parametrize(("given", "value"), [(7, 7), ("7", 7), (7.0, 7)])
def test_given_values(given: Any, value: int) -> None:
    """A given value wins over the default, and the model types it."""
    assert spec('memory: "${var.n}"', {"n": given})["memory"] == value


def test_given_maps() -> None:
    """A variable may be a whole map, and a list of maps."""
    manifest = parsed(
        stack("""
        variables: {tags: {}, env: {}}
        jobDefinitions:
          x:
            type: container
            tags: "${var.tags}"
            containerProperties: {image: i, environment: "${var.env}"}
        """),
        variables={"tags": {"a": "b"}, "env": [{"name": "N", "value": 1}]},
    )
    made = resource(manifest, "job_definition.x")
    assert made.tags == {"a": "b"}
    assert made.spec["containerProperties"]["environment"] == [{"name": "N", "value": "1"}]


def test_keys_stack_and_prefix() -> None:
    """Variables are replaced in keys, in the stack and in the prefix."""
    manifest = parsed("""
        stack: s-${var.env}
        namePrefix: "${var.env}-"
        tags: {"${var.env}": yes}
        variables: {env: {default: dev}}
        consumableResources: {"gpu-${var.env}": {}}
        """)
    assert manifest.stack == "s-dev"
    assert manifest.tags == {"dev": "yes"}
    assert resource(manifest, "consumable_resource.gpu-dev").physical_name == "dev-gpu-dev"


def test_values_are_not_replaced_again() -> None:
    """What a variable brings is text, whatever it looks like."""
    assert spec('user: "${var.env}"', {"env": "${var.n}"})["user"] == "${var.n}"


def test_keys_that_become_equal() -> None:
    """Two keys that variables make equal are a fault."""
    found = fault(stack('variables: {a: {default: x}}\ntags: {x: 1, "${var.a}": 2}\n'))
    assert (found.line, found.message) == (3, "the key 'x' stands twice in one map")


@pytest.mark.parametrize(
    ("use", "message"),
    [
        ("${var.nev}", "there is no variable 'nev'"),
        ("x${var.nev}", "there is no variable 'nev'"),
        ("${var.}", "there is no variable ''"),
        ("${var.env", "${var.env is not closed"),
        ("a${var.list}", "the variable list is a list, which cannot be part of a text"),
        ("a${var.empty}", "the variable empty is null, which cannot be part of a text"),
    ],
)
def test_faulty_uses(use: str, message: str) -> None:
    """A use that means nothing is one fault, at its place, and no second one follows from it."""
    found = fault(stack(DECLARED + f'consumableResources: {{x: {{totalQuantity: "{use}"}}}}'))
    assert found.message == message
    assert (found.line, found.column) == (3, 42)
    assert found.path == "consumableResources.x.totalQuantity"


def test_near_name() -> None:
    """A misspelt variable is answered with the nearest one."""
    assert fault(stack(DECLARED + 'tags: {a: "${var.en}"}')).hint == "did you mean env?"


def test_faulty_keys() -> None:
    """A key that is no text is a fault."""
    messages = [found.message for found in faults(stack(DECLARED + 'tags: {"${var.list}": 1, "${var.x}": 2}'))]
    assert messages == ["a key is text, and ${var.list} is a list", "there is no variable 'x'"]


def test_no_value() -> None:
    """A variable without value and default is one fault at its declaration, however often it is used."""
    found = fault(stack('variables:\n  image: {}\ntags: {a: "${var.image}", b: "x${var.image}"}'))
    assert (found.line, found.column, found.hint) == (3, 3, "give it: --var image=VALUE")


def test_null_declaration() -> None:
    """A variable may be declared by its name alone."""
    assert parsed("stack: s\nvariables: {a: }\ntags: {a: '${var.a}'}", variables={"a": 1}).tags == {"a": "1"}


def test_undeclared_value() -> None:
    """A value given for no variable is a fault; an ambient one is not."""
    found = fault(stack(DECLARED), variables={"enf": 1})
    assert (found.file, found.line, found.hint) == ("variables", 0, "did you mean env?")
    assert parsed(stack(DECLARED), ambient={"enf": 1}).stack == "s"


def test_precedence() -> None:
    """Given wins over ambient, ambient over the default."""
    text = stack(DECLARED + 'tags: {a: "${var.env}", b: "${var.n}"}')
    assert parsed(text, variables={"env": "given"}, ambient={"env": "x", "n": "ambient"}).tags == {
        "a": "given",
        "b": "ambient",
    }


@pytest.mark.parametrize("value", ["prod", 3, "3"])
def test_allowed(value: Any) -> None:
    """A value among the allowed ones passes, as text compares."""
    text = stack('variables: {env: {allowed: [dev, prod, 3]}}\ntags: {a: "${var.env}"}')
    assert parsed(text, variables={"env": value}).tags == {"a": str(value)}


def test_not_allowed() -> None:
    """Any other value is one fault, be it given or the default."""
    text = stack('variables:\n  env: {default: stage, allowed: [dev, prod]}\ntags: {a: "${var.env}"}')
    found = fault(text)
    assert (found.line, found.column, found.hint) == (3, 18, "allowed: dev, prod")
    assert fault(text, variables={"env": "x"}).column == 3


def test_defaults_use_no_variables() -> None:
    """A default is a value, not a text to be replaced; its escapes count."""
    found = fault(stack("variables: {a: {default: x}, b: {default: '${var.a}'}}"))
    assert found.hint == "a default uses no other variables"
    text = container('user: "${var.b}"') + "\nvariables: {b: {default: '$${var.a}'}}"
    assert resource(parsed(text), "job_definition.x").spec["containerProperties"]["user"] == "${var.a}"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("variables: x", "variables"),
        ("variables: {a: x}", "variables.a"),
        ("variables: {a: {defualt: x}}", "variables.a.defualt"),
        ("variables: {a b: {default: x}}", "variables.a b"),
        ("variables: {a: {default: x, allowed: x}}", "variables.a.allowed"),
    ],
)
def test_faulty_declarations(text: str, path: str) -> None:
    """A declaration is checked like everything else."""
    assert path in [found.path for found in faults(stack(text))]


def test_two_files() -> None:
    """Two files may declare one variable alike, and not differently."""
    first, second = "stack: s\nvariables: {a: {default: x}}", "variables: {a: {default: x}, b: {default: y}}"
    assert parsed(first, second).stack == "s"
    found = fault(first, "variables: {a: {default: z}}")
    assert (found.file, found.path, found.hint) == ("b.yaml", "variables.a", "first at a.yaml:2")


def test_text_bomb() -> None:
    """Variables cannot write without bound."""
    long = "x" * 1_000_000
    items = ", ".join(['"a${var.a}"'] * 20)
    text = stack(f"variables: {{a: {{default: {long}}}}}\npolicy: {{ignoreTags: [{items}]}}")
    assert fault(text).message == "variables write more than 10 MiB of text"


def test_node_bomb() -> None:
    """Nor can they repeat a list without bound."""
    text = stack('variables: {a: {}}\npolicy: {ignoreTags: ["${var.a}", "${var.a}"]}')
    messages = {found.message for found in faults(text, variables={"a": ["x"] * 600_000})}
    assert "variables write more than 1,000,000 values" in messages


def variables(content: str) -> Any:
    return parse_variables(Source("v", content.encode()))


def test_variable_file() -> None:
    """A file of variables keeps texts as written, lists, maps and null."""
    assert variables("a: 017\nb: [on, 1e3]\nc: {d: null}\n") == {"a": "017", "b": ["on", "1e3"], "c": {"d": None}}


def test_terraform_output() -> None:
    """What `terraform output -json` prints is read as the values in it."""
    outputs = {
        "subnets": {"sensitive": False, "type": ["list", "string"], "value": ["a", "b"]},
        "count": {"sensitive": True, "type": "number", "value": 2},
    }
    assert variables(json.dumps(outputs)) == {"subnets": ["a", "b"], "count": "2"}


def test_not_terraform_output() -> None:
    """A map with other keys than those of an output stays a map."""
    assert variables("a: {value: 1, type: 2}") == {"a": {"value": "1", "type": "2"}}
    assert variables("{}") == {}


@pytest.mark.parametrize("content", ["[a]", "x", "a: 1\na: 2", ""])
def test_faulty_files(content: str) -> None:
    """A file of variables is one map."""
    with pytest.raises(ManifestError) as caught:
        variables(content)
    assert caught.value.faults


def test_what_a_secret_variable_brings_in_is_known_to_be_secret() -> None:
    """The texts of variables that say `secret` are the manifest's secrets, those of four letters or more; no fault says
    one."""
    text = stack("""
        variables:
          one: {secret: true, default: [first-of-them, abc]}
          two: {secret: true, allowed: [second-of-them]}
          open: {default: third-of-them}
          not: {secret: false, default: fourth-of-them}
        jobDefinitions: {x: {type: container, containerProperties: {image: "${var.open}", command: "${var.one}"}}}
        """)
    assert parsed(text, variables={"two": "second-of-them"}).secrets == ("second-of-them", "first-of-them")
    (told,) = faults(text, variables={"two": "something-else"})
    assert "something-else" not in str(told)
    assert "(secret)" in str(told)
