"""`Fn::ForEach`, unrolled where the file tells what it goes through.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-foreach.html
"""

from plans.nodes import Faults, Node


def unrolled(node: Node, path: str, faults: Faults) -> Node:
    """The map with each loop in it replaced by what it makes."""
    return node
