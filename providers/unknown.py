"""Members that the service answers and the installed botocore drops without a word, since its model lacks them.

Raw answers are held against the shapes of the client's own model, name by name. Only where a name is unknown is more
done than that.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import attrs

Path = tuple[str | int, ...]

UNKNOWN = "batchwright:unknown"
"""The key of an answer under which the handler of `watch` leaves what it found: pairs of path and value."""


def watch(client: Any) -> Any:
    """Let a boto3 client tell, in each answer of a Describe operation, what it would have dropped; returns the client.

    Source: botocore's event `before-parse`, whose `customized_response_dict` becomes a part of the answer.
    """
    nodes: dict[str, _Node | None] = {}

    def look(
        operation_model: Any, response_dict: Mapping[str, Any], customized_response_dict: dict[str, Any], **_: Any
    ) -> None:
        name = operation_model.name
        if not name.startswith("Describe") or response_dict["status_code"] >= 300:
            return
        if name not in nodes:
            nodes[name] = _node(operation_model.output_shape, {})
        try:
            body = json.loads(response_dict["body"] or b"{}")
        except ValueError:
            # botocore reads the same text next, and tells that it cannot.
            return
        node = nodes[name]
        if node is not None and not node.knows(body):
            customized_response_dict[UNKNOWN] = tuple(node.unknown(body, ()))

    client.meta.events.register("before-parse.batch", look, unique_id="batchwright-unknown")
    return client


def below(answer: Mapping[str, Any], *prefix: str | int) -> Mapping[str, Any]:
    """What was unknown below a place of an answer, by path: `computeResources.newThing`, `volumes[0].newThing`."""
    return {
        _text(path[len(prefix) :]): value for path, value in answer.get(UNKNOWN, ()) if path[: len(prefix)] == prefix
    }


def _text(path: Path) -> str:
    return "".join(
        f"[{segment}]" if isinstance(segment, int) else f"{'.' if place else ''}{segment}"
        for place, segment in enumerate(path)
    )


class _Node(Protocol):
    """A shape with structures in it."""

    def knows(self, value: Any) -> bool:
        """Whether every name in a value is known."""

    def unknown(self, value: Any, at: Path) -> Iterator[tuple[Path, Any]]:
        """What is unknown in a value, with its path; null says nothing, and is left out."""


@attrs.frozen
class _Structure:
    names: frozenset[str]
    inner: list[tuple[str, _Node]]

    def knows(self, value: Any) -> bool:
        if not isinstance(value, dict):
            return True
        return self.names.issuperset(value) and all(
            node.knows(value[name]) for name, node in self.inner if name in value
        )

    def unknown(self, value: Any, at: Path) -> Iterator[tuple[Path, Any]]:
        if not isinstance(value, dict):
            return
        yield from (((*at, name), item) for name, item in value.items() if name not in self.names and item is not None)
        for name, node in self.inner:
            yield from node.unknown(value.get(name), (*at, name))


@attrs.frozen
class _List:
    element: _Node

    def knows(self, value: Any) -> bool:
        return not isinstance(value, list) or all(map(self.element.knows, value))

    def unknown(self, value: Any, at: Path) -> Iterator[tuple[Path, Any]]:
        for place, item in enumerate(value if isinstance(value, list) else ()):
            yield from self.element.unknown(item, (*at, place))


@attrs.frozen
class _Map:
    element: _Node

    def knows(self, value: Any) -> bool:
        return not isinstance(value, dict) or all(map(self.element.knows, value.values()))

    def unknown(self, value: Any, at: Path) -> Iterator[tuple[Path, Any]]:
        for key, item in value.items() if isinstance(value, dict) else ():
            yield from self.element.unknown(item, (*at, key))


def _node(shape: Any, made: dict[str, _Structure]) -> _Node | None:
    """The names of a shape of botocore's model; None where it holds no structure. `made` ends circles."""
    match getattr(shape, "type_name", None):
        case "list":
            element = _node(shape.member, made)
            return None if element is None else _List(element)
        case "map":
            element = _node(shape.value, made)
            return None if element is None else _Map(element)
        case "structure" if not shape.is_document_type:
            if shape.name not in made:
                named = {member.serialization.get("name", name): member for name, member in shape.members.items()}
                own = made[shape.name] = _Structure(frozenset(named), [])
                inner = ((name, _node(member, made)) for name, member in named.items())
                own.inner.extend((name, node) for name, node in inner if node is not None)
            return made[shape.name]
        case _:
            return None
