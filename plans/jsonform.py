"""Values as JSON and back, the way back being strict: what is read may be anything."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import attrs

from plans.plan import NOW, TOKEN, Now, Token
from plans.printable import plain
from providers.errors import PlanFileError
from providers.resources import Address, Elsewhere, Ref

AGAIN = "make it again with `batchwright plan --out FILE`"

_MARKERS = frozenset({"$ref", "$now", "$token", "$elsewhere", "$literal"})

T = TypeVar("T")


def encode(value: Any) -> Any:
    """A value of a document as JSON, the keys of mappings sorted.

    A `Ref` is `{"$ref": "ADDRESS#arn"}`, an `Elsewhere` is `{"$elsewhere": {"kind", "stack", "name"}}`, `NOW` is
    `{"$now": true}`, `TOKEN` is `{"$token": true}`; a mapping of the user's that looks like one of these is wrapped in
    `{"$literal": …}`.
    """
    match value:
        case Ref():
            return {"$ref": str(value)}
        case Elsewhere():
            return {"$elsewhere": {"kind": value.kind, "stack": value.stack, "name": value.name}}
        case Now():
            return {"$now": True}
        case Token():
            return {"$token": True}
        case Mapping():
            encoded = encode_members(value)
            return {"$literal": encoded} if _marked(encoded) else encoded
        case list() | tuple():
            return [encode(element) for element in value]
        case None | bool() | int() | float() | str():
            return value
    raise TypeError(f"{value!r} has no place in a document")


def encode_members(document: Mapping[str, Any]) -> dict[str, Any]:
    """A whole document, such as the arguments of a call, as JSON."""
    return {key: encode(document[key]) for key in sorted(document)}


def _marked(mapping: Mapping[str, Any]) -> bool:
    return len(mapping) == 1 and not _MARKERS.isdisjoint(mapping)


def depth(document: Any) -> int:
    """How deep lists and objects are nested, found without recursion."""
    deep, level = 0, [document]
    while level := [value for value in level if isinstance(value, dict | list)]:
        deep += 1
        level = [inner for value in level for inner in (value.values() if isinstance(value, dict) else value)]
    return deep


@contextmanager
def taken_on_trust() -> Iterator[None]:
    """While a plan that comes from a file is looked into: what no plan of ours would hold is told as a PlanFileError.

    Documents in a plan may be anything, since whoever edits a file can make its digest too.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise PlanFileError("the plan is damaged: it holds what no plan can hold", hint=AGAIN) from error


@attrs.frozen
class Place:
    """A value of an untrusted document and its path; each reader gives what it asks for, or a PlanFileError."""

    value: Any
    path: str

    def fail(self, wanted: str) -> PlanFileError:
        where = f"at {plain(self.path)}" if self.path else "on top"
        return PlanFileError(f"the plan file is damaged: {where} there should be {wanted}", hint=AGAIN)

    def __getitem__(self, key: str) -> "Place":
        if not isinstance(self.value, dict) or key not in self.value:
            raise self.fail(f"an object with {key!r}")
        return Place(self.value[key], f"{self.path}.{key}" if self.path else key)

    def mapping(self) -> Mapping[str, Any]:
        if not isinstance(self.value, dict):
            raise self.fail("an object")
        return self.value

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.fail("text")
        return self.value

    def texts(self) -> Mapping[str, str]:
        return {key: Place(value, f"{self.path}.{key}").text() for key, value in self.mapping().items()}

    def number(self) -> float:
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self.fail("a number")
        return self.value

    def integer(self) -> int:
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise self.fail("a whole number")
        return self.value

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.fail("true or false")
        return self.value

    def word(self, words: tuple[Any, ...]) -> Any:
        """One of some words of a Literal."""
        if self.value not in words:
            raise self.fail(f"one of {', '.join(words)}")
        return self.value

    def maybe(self, read: "Callable[[Place], T]") -> T | None:
        return None if self.value is None else read(self)

    def each(self, read: "Callable[[Place], T]") -> tuple[T, ...]:
        if not isinstance(self.value, list):
            raise self.fail("a list")
        return tuple(read(Place(element, f"{self.path}[{index}]")) for index, element in enumerate(self.value))

    def address(self) -> Address:
        try:
            return Address.parse(self.text())
        except ValueError:
            raise self.fail("an address, KIND.NAME") from None

    def document(self) -> Any:
        """The inverse of `encode`."""
        match self.value:
            case {"$ref": reference} if len(self.value) == 1:
                address, hash_sign, attribute = Place(reference, self.path).text().rpartition("#")
                if not hash_sign:
                    raise self.fail("a reference, ADDRESS#ATTRIBUTE")
                return Ref(Place(address, self.path).address(), attribute)
            case {"$elsewhere": _} if len(self.value) == 1:
                other = self["$elsewhere"]
                return Elsewhere(other["kind"].text(), other["stack"].text(), other["name"].text())
            case {"$now": _} if len(self.value) == 1:
                return NOW
            case {"$token": _} if len(self.value) == 1:
                return TOKEN
            case {"$literal": literal} if len(self.value) == 1:
                return Place(literal, self.path).members()
            case dict():
                return self.members()
            case list():
                return list(self.each(Place.document))
            case _:
                return self.value

    def members(self) -> Mapping[str, Any]:
        """The inverse of `encode_members`."""
        return {key: Place(value, f"{self.path}.{key}").document() for key, value in self.mapping().items()}
