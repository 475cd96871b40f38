"""Small damages to documents: whatever one edit of a manifest could do to a document of the API model."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import attrs

from providers.resources import Field

NUMBERS = (
    *(-2, -1, 0, 1, 2, 3, 4, 5, 6, 10, 11, 16, 19, 20, 21, 59, 60, 61, 99, 100, 101, 120, 121, 199, 200, 201, 512),
    *(599, 600, 999, 1000, 1001, 3600, 3601, 7200, 7201, 9999, 10000, 10080, 10081, 65535, 65536, 86400, 86401),
    *(604800, 604801, 2**31 - 1),
)
FRACTIONS = (-1.0, 0.0, 0.00001, 0.0001, 0.5, 1.0, 999.9999, 1000.0)
WORDS = (
    *("", "a", "it", "a b", "A" * 256, "a" * 513, "default", "kube-a", "AWS_BATCH_JOB", "UserA*", "/", "/data"),
    *(
        "0",
        "1",
        "0.25",
        "0.3",
        "2",
        "3",
        "512",
        "512Mi",
        "2048",
        "3M",
        "250m",
        "0:",
        ":0",
        "0:1",
        "1:1",
        "0:9",
        "*",
        "1*",
    ),
    *("optimal", "c6i", "c6i.large", "c6g", "ml.m5.large", "NUM_INSTANCES", "EC2", "FARGATE", "MANAGED_INSTANCES"),
    *(
        "ECS_AL2",
        "ECS_AL2023",
        "EKS_AL2023",
        "$Latest",
        "$Other",
        "host",
        "task",
        "none",
        "LATEST",
        "WINDOWS_SERVER_2022_CORE",
    ),
    *("ARM64", "X86_64", "START", "COMPLETE", "Always", "NON_REPLENISHABLE", "arn:aws:iam::123456789012:role/a"),
    *("NONE", "SPOT", "BASIC", "RESERVATIONS_ONLY"),
    "arn:aws:eks:eu-west-1:123456789012:cluster/a",
    "arn:aws:iam::123456789012:role/AWSServiceRoleForBatch",
    "arn:aws:iam::123456789012:role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch",
    "arn:aws:batch:eu-west-1:123456789012:scheduling-policy/nothing",
    "arn:aws:batch:eu-west-2:123456789012:compute-environment/spot",
    "arn:aws:batch:eu-west-1:210987654321:job-queue/teams",
)


At = tuple[str | int, ...]


@attrs.frozen
class Mutation:
    """One damage to what stands `at` a place of a document; `told` is what a failing example shows of it."""

    told: str
    at: At
    change: Callable[[Any], Any] = attrs.field(eq=False, repr=False)

    def make(self, document: Any) -> Any:
        """The damaged document; the given one stays as it is."""
        return _made(document, self.at, self.change)


def _made(it: Any, at: At, change: Callable[[Any], Any]) -> Any:
    if not at:
        return change(it)
    first, *rest = at
    if isinstance(it, dict):
        return {**it, first: _made(it[first], tuple(rest), change)}
    return [_made(item, tuple(rest), change) if place == first else item for place, item in enumerate(it)]


def mutations(field: Field, value: Any, path: str = "", at: At = ()) -> Iterator[Mutation]:
    """Every damage to a value: members taken away, added or changed, entries taken away, doubled or many.

    `path` and `at` are where the value stands, in words and as steps.
    """
    match field.type:
        case "structure" if isinstance(value, dict):
            yield from _of_structure(field, value, path, at)
        case "list" if isinstance(value, list):
            yield from _of_list(field, value, path, at)
        case "map" if isinstance(value, dict):
            yield _set(path, at, {})
            yield _set(path, at, {"aws:mine": "a", **value})
            yield _set(path, at, {"key!": "a", **value})
            for key in value:
                yield Mutation(f"{path}[{key}] gone", at, partial(_without, key))
                yield from _scalars(field.element, f"{path}[{key}]", (*at, key))
            yield from (_set(path, at, {**value, key: text}) for key in _KEYS for text in _TEXTS)
        case _:
            yield from _scalars(field, path, at)


_KEYS = ("memory", "cpu", "nvidia.com/gpu")
_TEXTS = ("1", "0.25", "0.3", "512Mi", "2Mi", "512")


def _of_structure(field: Field, value: dict[str, Any], path: str, at: At) -> Iterator[Mutation]:
    for name, member in field.members.items():
        place = f"{path}.{name}"
        if name in value:
            yield Mutation(f"{place} gone", at, partial(_without, name))
            yield Mutation(f"{place} = null", at, partial(_with, name, None))
            yield from mutations(member, value[name], place, (*at, name))
        else:
            for each in _samples(member):
                yield Mutation(f"{place} = {_short(each)}", at, partial(_with, name, each))


def _of_list(field: Field, value: list[Any], path: str, at: At) -> Iterator[Mutation]:
    assert field.element is not None
    yield _set(path, at, [])
    for place, item in enumerate(value):
        yield Mutation(f"{path}[{place}] gone", at, partial(_drop, place))
        yield Mutation(f"{path}[{place}] twice", at, partial(_more, [item]))
        yield Mutation(f"{path}[{place}] 17 times", at, partial(_more, [item] * 16))
        yield from mutations(field.element, item, f"{path}[{place}]", (*at, place))
    if field.element.type == "string":
        others = [f"{value[0] if value else 'a'}{n}" for n in range(17)]
        yield Mutation(f"{path} + 17 others", at, partial(_more, others))
    for each in _samples(field.element):
        yield Mutation(f"{path} + {_short(each)}", at, partial(_more, [each]))


def _without(name: str, it: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in it.items() if key != name}


def _with(name: str, value: Any, it: dict[str, Any]) -> dict[str, Any]:
    return {**it, name: value}


def _drop(place: int, it: list[Any]) -> list[Any]:
    return [*it[:place], *it[place + 1 :]]


def _more(items: list[Any], it: list[Any]) -> list[Any]:
    return [*it, *items]


def _scalars(field: Field | None, path: str, at: At) -> Iterator[Mutation]:
    for each in _values(field) if field else ():
        yield _set(path, at, each)


def _values(field: Field) -> tuple[Any, ...]:
    match field.type:
        case "string":
            return field.enum or WORDS
        case "integer" | "long":
            return NUMBERS
        case "float" | "double":
            return FRACTIONS
        case "boolean":
            return (True, False)
    return ()


def _samples(field: Field) -> Iterator[Any]:
    """What an absent member may be set to: every scalar, and one or two small ones of everything else."""
    match field.type:
        case "structure":
            yield {}
            small = {name: next(_samples(member), None) for name, member in field.members.items()}
            needed = {name: small[name] for name in field.members if name in field.required}
            yield needed
            for name, member in field.members.items():
                for each in list(_samples(member))[:12]:
                    yield {**needed, name: each}
        case "list":
            assert field.element is not None
            yield []
            yield from ([each] for each in list(_samples(field.element))[:24])
        case "map":
            yield {"a": "b"}
            yield {}
            yield {"aws:mine": "a"}
        case _:
            yield from _values(field)


def _set(path: str, at: At, value: Any) -> Mutation:
    return Mutation(f"{path} = {_short(value)}", at, lambda _: value)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 80 else f"{text[:77]}..."
