"""The values of a template, as CloudFormation would see them, as far as they are known."""

from typing import Any

import attrs

from plans.nodes import Faults, Node
from reconciler.adapters.cloudformation.known import NOTHING, Known
from reconciler.adapters.cloudformation.leaves import Unresolved
from reconciler.adapters.cloudformation.template import Template


@attrs.define
class Resolver:
    """What is wrong with what was asked for is in `faults`: end it after the last question."""

    template: Template
    known: Known = NOTHING
    faults: Faults = attrs.field(factory=Faults)

    def value(self, node: Node, path: str = "") -> Any:
        """Plain values: dicts, lists, texts, and `Unresolved`, `Reference` or `Composed` where something is not known.

        A scalar is the text that was written. What `AWS::NoValue` takes away is not there; None where it is all.
        """
        raise NotImplementedError

    def holds(self, name: str | None) -> bool | Unresolved:
        """Whether a condition holds; that of no name does."""
        raise NotImplementedError
