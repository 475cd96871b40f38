"""What is told with little known is what is told with more."""

import re
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from plans.fromvalues import root_of
from plans.nodes import Faults
from providers.errors import ManifestError
from reconciler.adapters.cloudformation.functions import leaves_in
from reconciler.adapters.cloudformation.known import Given, Known
from reconciler.adapters.cloudformation.leaves import Composed, Reference, Unresolved
from reconciler.adapters.cloudformation.resolve import Resolver
from tests.reconciler.adapters.cloudformation.kit import AROUND, template

_PARAMETERS: dict[str, Any] = {
    "Stage": "prod",
    "Image": "a/b:c,d",
    "Subnets": ["subnet-1", "subnet-2"],
    "Subnet": "subnet-1",
    "Names": "x,y/z",
}
_VALUES: dict[str, Any] = {
    "Ami": "ami-1",
    "Role": "batch-role",
    "Group": "sg-1",
    "OnlyProd": "arn:topic",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}
_EXPORTS = {"a": "exported/a"}
_ZONES = {"us-east-1": ["us-east-1a", "us-east-1b"]}
_SSM = {"/images/latest": "ami-1"}

_NO_VALUE = {"Ref": "AWS::NoValue"}
_CONDITIONS = st.sampled_from(["Custom", "ProdAndCustom", "ProdOrCustom", "NotProd"])
_LITERALS = st.text("ab/,:-$", max_size=5)
_LEAVES = st.one_of(
    _LITERALS,
    st.sampled_from(["Stage", "Image", "Subnet", "Ami", "Role", "Group", "Named"]).map(lambda name: {"Ref": name}),
    st.sampled_from(["AWS::Region", "AWS::AccountId", "AWS::Partition", "AWS::URLSuffix"]).map(
        lambda name: {"Ref": name}
    ),
    st.sampled_from(["Role.Arn", "Named.Arn", "Group.GroupId"]).map(lambda name: {"Fn::GetAtt": name.split(".")}),
    st.lists(
        st.sampled_from(["${Stage}", "${Image}", "${AWS::Region}", "${Named.Arn}", "a", ":", "/", "${!x}"]), max_size=5
    ).map(lambda pieces: {"Fn::Sub": "".join(pieces)}),
    st.just({"Fn::ImportValue": "a"}),
)
_DELIMITERS = st.sampled_from([",", ":", "/", "-", "::", "a"])


def _lists(texts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(
        texts | st.builds(lambda name, text: {"Fn::If": [name, text, _NO_VALUE]}, _CONDITIONS, texts), max_size=4
    )
    return st.one_of(
        some,
        st.sampled_from(["Subnets", "Names"]).map(lambda name: {"Ref": name}),
        st.just({"Fn::GetAZs": ""}),
        st.builds(lambda mark, text: {"Fn::Split": [mark, text]}, _DELIMITERS, texts),
        st.builds(lambda name, one, other: {"Fn::If": [name, one, other]}, _CONDITIONS, some, some),
    )


def _texts(texts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = _lists(texts)
    return st.one_of(
        st.builds(lambda mark, items: {"Fn::Join": [mark, items]}, _DELIMITERS | st.just(""), lists),
        st.builds(lambda index, items: {"Fn::Select": [index, items]}, st.integers(0, 3), lists),
        st.builds(lambda name, one, other: {"Fn::If": [name, one, other]}, _CONDITIONS, texts, texts),
        st.builds(lambda text: {"Fn::Base64": text}, texts),
        st.builds(lambda text: {"Fn::Sub": ["${A}-${Stage}", {"A": text}]}, texts),
        st.builds(lambda items: {"Fn::Length": items}, lists),
        st.just({"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "small"]}),
    )


_EXPRESSIONS = st.recursive(_LEAVES, _texts, max_leaves=8)
_DYNAMIC = st.sampled_from(["{{resolve:ssm:/images/latest}}", {"Fn::Sub": "${Image}{{resolve:ssm:/images/latest}}"}])
_ASKED = _EXPRESSIONS | _DYNAMIC | _lists(_EXPRESSIONS) | st.dictionaries(st.sampled_from("ab"), _EXPRESSIONS)


def _of(section: dict[str, Any], without: frozenset[str]) -> dict[str, Given]:
    return {name: Given(value) for name, value in section.items() if name not in without}


def known(without: frozenset[str] = frozenset()) -> Known:
    return Known(
        values=_of(_VALUES, without),
        parameters=_of(_PARAMETERS, without),
        exports=_of(_EXPORTS, without),
        zones=_of(_ZONES, without),
        ssm=_of(_SSM, without),
    )


_NAMES = sorted({*_PARAMETERS, *_VALUES, *_EXPORTS, *_ZONES, *_SSM} - {"Stage", "Names"})
"""All but those with a default, whose value is another one where they are not given."""


_TEMPLATE = template(f"{AROUND}x")


def made_of(value: Any, what: Known) -> Any:
    """What a value comes to in a template; raises ManifestError where that is wrong."""
    resolver = Resolver(_TEMPLATE, what)
    made = resolver.value(root_of(value, "stack.yaml", Faults()))
    resolver.faults.end("the template")
    return made


def agrees(less: Any, more: Any) -> bool:
    """Whether a value does not contradict another one that was made knowing more."""
    match less:
        case Unresolved():
            return less.many or not isinstance(more, list)
        case Reference():
            return bool(less == more)
        case Composed():
            pattern = "".join(re.escape(part) if isinstance(part, str) else "(.*)" for part in less.parts)
            return isinstance(more, str) and re.fullmatch(pattern, more, re.DOTALL) is not None
        case dict():
            return isinstance(more, dict) and all(
                agrees(value, more[key]) if key in more else isinstance(value, Unresolved) and value.optional
                for key, value in less.items()
            )
        case list():
            return isinstance(more, list) and _items_agree(less, more)
    return bool(less == more)


def _items_agree(less: list[Any], more: list[Any]) -> bool:
    if not less or not more:
        return not more and all(isinstance(item, Unresolved) and item.optional for item in less)
    first, *rest = less
    if agrees(first, more[0]) and _items_agree(rest, more[1:]):
        return True
    return isinstance(first, Unresolved) and first.optional and _items_agree(rest, more)


def has_function(value: Any) -> bool:
    match value:
        case dict():
            return any(key == "Ref" or key.startswith("Fn::") or has_function(inner) for key, inner in value.items())
        case list():
            return any(map(has_function, value))
    return False


@settings(max_examples=200, deadline=None)
@given(_ASKED, st.just(frozenset(_NAMES)) | st.frozensets(st.sampled_from(_NAMES)))
def test_less_known_never_contradicts_more(value: Any, without: frozenset[str]) -> None:
    """Everything known leaves no leaf; less leaves some, and what it tells nonetheless, faults too, is as before."""
    try:
        full = made_of(value, known())
    except ManifestError:
        assume(False)
        raise
    assert not any(leaves_in(full))
    part = made_of(value, known(without))
    assert not has_function(part)
    assert not has_function(full)
    assert agrees(part, full), (part, full)
    assert not any(isinstance(leaf, Unresolved) and leaf.secret for leaf in leaves_in(part))
