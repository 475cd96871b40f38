"""Random manifests as plain documents, drawn from the same fields by which manifests are checked."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from hypothesis import strategies as st

from providers.kinds import Kind
from providers.resources import Field
from tests.plans.manifests import KINDS

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,6}", fullmatch=True)
texts = st.one_of(
    st.sampled_from(
        (
            "on",
            "017",
            "1e3",
            "null",
            "~",
            "2026-01-01",
            "Ref::x",
            "$HOME",
            "${HOME}",
            "0.25",
            "",
            " ",
            "{a}",
            "# x",
            "<<",
        )
    ),
    st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=8).filter(lambda text: "${" not in text),
)
tags = st.dictionaries(st.from_regex(r"[A-Za-z][A-Za-z0-9 _.-]{0,5}", fullmatch=True), names, max_size=3)


def values(field: Field) -> st.SearchStrategy[Any]:
    """Values that a field takes, as JSON has them."""
    match field.type:
        case "structure":
            return structures(field, field.members)
        case "list":
            assert field.element is not None
            return st.lists(values(field.element), min_size=int(field.minimum or 0), max_size=2)
        case "map":
            assert field.element is not None
            return st.dictionaries(texts, values(field.element), min_size=int(field.minimum or 0), max_size=2)
        case "boolean":
            return st.booleans()
        case "integer" | "long":
            return st.integers(int(field.minimum or 0), int(field.maximum or 2**31 - 1))
        case "float" | "double":
            return st.floats(0, 1000)
    if field.enum:
        return st.sampled_from(field.enum)
    if field.reference:
        return names.map(lambda name: f"arn:aws:batch:r:1:x/{name}")
    return texts.filter(lambda text: (field.minimum or 0) <= len(text) <= (field.maximum or 100))


def structures(field: Field, members: Mapping[str, Field]) -> st.SearchStrategy[dict[str, Any]]:
    """Structures of all required members and up to three others."""
    # Made once, and not for each example: to make strategies takes longer than to draw from them.
    inner = {name: values(member) for name, member in members.items()}
    needed = sorted(field.required & members.keys())
    others = sorted(members.keys() - field.required)

    def chosen(some: list[str]) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries({name: inner[name] for name in [*needed, *some]})

    return st.lists(st.sampled_from(others), unique=True, max_size=3).flatmap(chosen) if others else chosen([])


@cache
def documents(kind: str, without: tuple[str, ...] = ()) -> st.SearchStrategy[dict[str, Any]]:
    """What a manifest may say of an object of a kind, with none of some members."""
    spec = KINDS[kind].spec
    return structures(spec, {name: field for name, field in spec.members.items() if name not in without})


_ALONE = {
    "compute_environment": ("computeResources", "serviceRole"),
    "job_queue": ("computeEnvironmentOrder", "serviceEnvironmentOrder"),
    "job_definition": ("containerProperties", "ecsProperties", "eksProperties", "nodeProperties"),
}


@cache
def _said(kind: str, member: str) -> st.SearchStrategy[Any]:
    return values(KINDS[kind].spec.members[member]).filter(lambda value: value not in ([], ""))


@st.composite
def specs(draw: st.DrawFn, kind: Kind) -> dict[str, Any]:
    """Blocks of a kind that meet what AWS asks of a whole block."""
    alone = _ALONE.get(kind.name, ())
    spec = draw(documents(kind.name, alone))
    if not alone:
        return spec
    said = draw(st.sampled_from(alone))
    match kind.name:
        case "compute_environment":
            spec["type"] = "MANAGED" if said == "computeResources" else "UNMANAGED"
        case "job_definition":
            spec["type"] = "multinode" if said == "nodeProperties" else "container"
    return spec | {said: draw(_said(kind.name, said))}


@st.composite
def manifests(draw: st.DrawFn) -> dict[str, Any]:
    """Whole manifests: a stack, tags, and some blocks of some kinds."""
    document: dict[str, Any] = {"stack": draw(names), "tags": draw(tags)}
    for kind in map(KINDS.__getitem__, draw(st.lists(st.sampled_from([*KINDS.by_name]), unique=True, max_size=3))):
        chosen = draw(st.lists(names, unique=True, min_size=1, max_size=2))
        document[kind.section] = {name: draw(specs(kind)) | {"tags": draw(tags)} for name in chosen}
    return document
