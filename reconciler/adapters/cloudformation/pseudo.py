"""What AWS itself tells of where a stack stands.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html and botocore's
partitions.json.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_SMALL = "abcdefghijklmnopqrstuvwxyz"
_DIGITS = "0123456789"

LETTERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AWS::AccountId": _DIGITS,
        "AWS::Partition": f"{_SMALL}-",
        "AWS::Region": f"{_SMALL}{_DIGITS}-",
        "AWS::StackName": f"{_SMALL}{_SMALL.upper()}{_DIGITS}-",
        "AWS::URLSuffix": f"{_SMALL}{_DIGITS}.-",
    }
)
"""The letters that the text of a pseudo parameter may have, for `Fn::Split`."""

_PARTITIONS = {
    "cn-": ("aws-cn", "amazonaws.com.cn"),
    "us-gov-": ("aws-us-gov", "amazonaws.com"),
    "us-iso-": ("aws-iso", "c2s.ic.gov"),
    "us-isob-": ("aws-iso-b", "sc2s.sgov.gov"),
    "eu-isoe-": ("aws-iso-e", "cloud.adc-e.uk"),
    "us-isof-": ("aws-iso-f", "csp.hci.ic.gov"),
    "eusc-": ("aws-eusc", "amazonaws.eu"),
}


def of_region(region: str) -> Mapping[str, str]:
    """The partition of a region, and the end of its hosts' names."""
    partition, suffix = next(
        (told for start, told in _PARTITIONS.items() if region.startswith(start)), ("aws", "amazonaws.com")
    )
    return {"AWS::Partition": partition, "AWS::URLSuffix": suffix}
