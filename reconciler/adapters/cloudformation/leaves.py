"""What stands in a resolved value where a text would: what is not known, and what another block of the manifest is."""

from collections.abc import Iterable

import attrs

_LONGEST = 200


def _clipped(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


@attrs.frozen
class Unresolved:
    """A value that the files do not tell.

    `expression` is what the template says, such as `Ref SubnetA`; `needs` are what to pass to have it resolved, such as
    `--parameter SubnetA=VALUE`; `name` is a name for a variable that stands for it, or empty. `secret`: the value may
    be known, but is not to be written in clear. `many`: it stands for a list. `optional`: it may be nothing at all, so
    that the key, or the item of a list, is not there. `letters` are the only ones that its text may have, where that is
    known. `source` is all that the template says there, by which two are told apart whose expressions are cut short.
    """

    expression: str = attrs.field(converter=_clipped)
    needs: tuple[str, ...] = ()
    secret: bool = False
    name: str = ""
    many: bool = False
    optional: bool = False
    letters: str | None = attrs.field(default=None, repr=False)
    source: str = attrs.field(default="", repr=False)


@attrs.frozen
class Reference:
    """Another resource of AWS Batch in the same template: its ARN as `Ref` gives it, or an attribute by `GetAtt`."""

    logical_id: str
    attribute: str | None = None

    @property
    def expression(self) -> str:
        return f"Ref {self.logical_id}" if self.attribute is None else f"GetAtt {self.logical_id}.{self.attribute}"


Part = str | Unresolved | Reference


@attrs.frozen
class Composed:
    """A text of which parts are not known: two or more parts, no two texts beside each other and none of them empty."""

    parts: tuple[Part, ...]

    @property
    def leaves(self) -> tuple[Unresolved | Reference, ...]:
        return tuple(part for part in self.parts if not isinstance(part, str))

    @property
    def needs(self) -> tuple[str, ...]:
        return needs_of(self.leaves)

    @property
    def secret(self) -> bool:
        return any(isinstance(part, Unresolved) and part.secret for part in self.parts)

    @property
    def expression(self) -> str:
        """As `Fn::Sub` would write it: `arn:aws:iam::${AWS::AccountId}:role/x`."""
        return _clipped("".join(part if isinstance(part, str) else f"${{{_inner(part)}}}" for part in self.parts))


Text = str | Unresolved | Reference | Composed


def _inner(leaf: Unresolved | Reference) -> str:
    return leaf.expression.removeprefix("Ref ").removeprefix("GetAtt ")


def parts_of(text: Text) -> tuple[Part, ...]:
    return text.parts if isinstance(text, Composed) else (text,)


def composed(texts: Iterable[Text]) -> Text:
    """One text of several: plain where all are, the leaf itself where there is nothing beside it."""
    parts: list[Part] = []
    pending: list[str] = []
    for text in texts:
        for part in parts_of(text):
            if isinstance(part, str):
                pending.append(part)
                continue
            if known := "".join(pending):
                parts.append(known)
            pending.clear()
            parts.append(part)
    if known := "".join(pending):
        parts.append(known)
    if not parts:
        return ""
    return parts[0] if len(parts) == 1 else Composed(tuple(parts))


def needs_of(leaves: Iterable["Unresolved | Reference | Composed"]) -> tuple[str, ...]:
    """What all of them need, each once, in order. A reference needs the physical id, where its text is asked for."""
    needs: dict[str, None] = {}
    for leaf in leaves:
        if isinstance(leaf, Reference):
            needs[f"{leaf.expression.split(' ', 1)[1]} in --context"] = None
        else:
            needs |= dict.fromkeys(leaf.needs)
    return tuple(needs)
