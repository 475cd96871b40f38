"""What of a template can be told to be wrong without knowing any value."""

from plans.nodes import Faults
from reconciler.adapters.cloudformation.template import Template


def check(template: Template, faults: Faults) -> None:
    """Add every fault."""
