"""Files whose keys are the attributes of our own types, in camel case: what may stand there, and what it makes.

The types tell the tree of fields, by which `plans.check` checks a file, so that a new attribute is a new key.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import attrs

from providers.kinds.house import of, structure, text
from providers.resources import EMPTY, Field

_T = TypeVar("_T", bound=attrs.AttrsInstance)

COUNT = Field("integer", minimum=0)
POSITIVE = Field("integer", minimum=1)
_BY_TYPE: Mapping[Any, Field] = {
    str: Field("string"),
    bool: Field("boolean"),
    int: COUNT,
    float: Field("duration"),
    Path: Field("string"),
    Any: Field("any"),
}


@attrs.frozen
class Shapes:
    """How types are read. `by_name` holds the fields of attributes of which the type does not say enough, `keys` the
    keys that are not called as the attribute is. Paths are taken from `folder`."""

    by_name: Mapping[str, Field] = EMPTY
    keys: Mapping[str, str] = EMPTY
    folder: Path = Path()

    def key(self, name: str) -> str:
        """The key of an attribute."""
        first, *others = name.split("_")
        return self.keys.get(name, first + "".join(map(str.capitalize, others)))

    def members(self, made: type, without: Collection[str] = ()) -> dict[str, Field]:
        """The fields of a type by key, but for some attributes."""
        told = (it for it in attrs.fields(made) if it.name not in without)
        return {self.key(it.name): self.field(it.name, it.type) for it in told}

    def structure(self, made: type) -> Field:
        required = frozenset(self.key(it.name) for it in attrs.fields(made) if it.default is attrs.NOTHING)
        return structure("", required, **self.members(made))

    def field(self, name: str, annotation: Any) -> Field:
        """The field of an attribute, by its name or else by its type."""
        if name in self.by_name:
            return self.by_name[name]
        if attrs.has(annotation):
            return self.structure(annotation)
        inner, origin = get_args(annotation), get_origin(annotation)
        if origin is None:
            return _BY_TYPE[annotation]
        if origin is Literal:
            return text("", *inner)
        if origin is Mapping:
            return of(self.field("", inner[1]), kind="map")
        return of(self.field("", inner[0])) if origin is tuple else self.field("", inner[0])

    def made(self, kind: type[_T], document: Mapping[str, Any], **others: Any) -> _T:
        """The object that a checked document describes; null is unsaid, unless the attribute may be None.

        `others` are attributes that the document does not tell, or not as they are.
        """
        given = dict(others)
        for it in attrs.fields(kind):
            value = document.get(self.key(it.name), attrs.NOTHING)
            if it.name in others or value is attrs.NOTHING:
                continue
            if value is not None or type(None) in get_args(it.type):
                given[it.name] = self._value(it.type, value)
        return kind(**given)

    def _value(self, annotation: Any, value: Any) -> Any:
        if attrs.has(annotation):
            return self.made(annotation, value)
        if value is not None and Path in (annotation, *get_args(annotation)):
            return self.folder / value
        if get_origin(annotation) is tuple:
            return tuple(self._value(get_args(annotation)[0], item) for item in value)
        return value
