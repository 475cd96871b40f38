"""A template is from outside: whatever it is made of, it is resolved, or told to be wrong, within a moment."""

from typing import Any

import pytest

from providers.errors import ManifestError
from reconciler.adapters.cloudformation.leaves import Composed, Unresolved
from reconciler.adapters.cloudformation.resolve import Resolver
from tests.reconciler.adapters.cloudformation.kit import at_home, resolved, template


def asked_of(roles: str, value: str, more: str = "") -> Any:
    """A value in a template of these roles."""
    made = template(f"{more}Resources:\n{roles}  A: {{Type: AWS::Batch::JobDefinition, Properties: {{V: {value}}}}}\n")
    resolver = Resolver(made, at_home())
    properties = resolver.value(made.resources["A"].properties, "Resources.A.Properties")
    resolver.faults.end("the template")
    return properties["V"]


def named(said: str, count: int) -> str:
    """Roles R0, R1 and so on, each named as `said` has it with the number of the next one; the last is called z."""
    names = [said.replace("NEXT", f"R{number + 1}") for number in range(count)] + ["z"]
    row = "  R{}: {{Type: AWS::IAM::Role, Properties: {{RoleName: {}}}}}\n"
    return "".join(row.format(number, name) for number, name in enumerate(names))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (f"!Select ['{'9' * 5000}', [a]]", "the index of an item is a number from 0, not '999999999'"),
        ("!Select ['1e3', [a]]", "not '1e3'"),
        ("!ToJsonString {Ref: AWS::NoValue}", "AWS::NoValue stands where a value should"),
    ],
)
def test_values_that_no_function_takes_are_faults(value: str, told: str) -> None:
    """A number that is too long to be one, and nothing at all."""
    with pytest.raises(ManifestError) as caught:
        resolved(value)
    assert told in str(caught.value.faults[0])


def test_a_mapping_that_asks_for_itself_is_a_fault() -> None:
    """Mappings hold no functions; where a macro may read them, what they come to is not known."""
    mapping = "Mappings: {M: {a: {b: !FindInMap [M, a, b], c: [d]}}}\n"
    with pytest.raises(ManifestError, match="a mapping holds texts and lists, and no function"):
        asked_of("", "!FindInMap [M, a, b]", mapping)
    made = asked_of("", "!FindInMap [M, a, b]", f"Transform: Mine\n{mapping}")
    assert isinstance(made, Unresolved)
    assert "get-template --template-stage Processed" in made.needs[0]
    assert asked_of("", "!FindInMap [M, a, c]", f"Transform: Mine\n{mapping}") == ["d"]


def test_names_that_are_made_of_names() -> None:
    """A few are followed; of a long row the rest is asked for."""
    assert asked_of(named("!Sub '${NEXT}-x'", 9), "!GetAtt R0.Arn") == f"arn:aws:iam::123456789012:role/z{'-x' * 9}"
    made = asked_of(named("!Sub '${NEXT}-x'", 400), "!GetAtt R0.Arn")
    assert isinstance(made, Composed)
    assert made.needs == ("R10 in --context",)


def test_names_that_are_made_of_names_twice() -> None:
    """Each is made once, however often it is named."""
    name = "!Join ['', [!Select [0, [!Ref NEXT]], !Select [0, [!Ref NEXT]]]]"
    assert asked_of(named(name, 9), "!Ref R0") == "z" * 2**9


def test_names_of_deep_values_are_not_followed_to_the_end() -> None:
    """The levels of a value and those of the names in it are counted together."""
    deep = f"{'!Select [0, [' * 22}!Ref NEXT{']]' * 22}"
    made = asked_of(named(deep, 9), "!Ref R0")
    assert isinstance(made, Unresolved)
