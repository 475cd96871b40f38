"""Scheduling policies."""

import re

from plans.demands.demand import Demand, outside, twice
from providers.kinds.facts import page
from providers.resources import Document

_CREATE = page("CreateSchedulingPolicy")
_FAIR = page("FairsharePolicy")
_SHARE = page("ShareAttributes")
_IDENTIFIER = re.compile(r"[A-Za-z0-9]{1,255}\*?")


def _overlap(part: Document) -> bool:
    """Whether one identifier stands twice, or is one of those that another, with an asterisk, stands for."""
    names = [share.get("shareIdentifier", "") for share in part.get("shareDistribution") or ()]
    prefixes = [name[:-1] for name in names if name.endswith("*")]
    return twice(names) or any(
        name.startswith(prefix) and name != f"{prefix}*" for prefix in prefixes for name in names
    )


DEMANDS = (
    Demand(
        "sort-of-policy",
        "scheduling_policy.quotaSharePolicy",
        lambda part, _: "fairsharePolicy" in part and "quotaSharePolicy" in part,
        "a policy is of fair share or of quota shares, one of them",
        "leave fairsharePolicy out, or this",
        _CREATE,
    ),
    Demand(
        "share-decay",
        "FairsharePolicy.shareDecaySeconds",
        lambda part, _: outside(part, "shareDecaySeconds", 0, 604800),
        "it is 0 to 604800 seconds",
        "a week at the most",
        _FAIR,
    ),
    Demand(
        "compute-reservation",
        "FairsharePolicy.computeReservation",
        lambda part, _: outside(part, "computeReservation", 0, 99),
        "it is 0 to 99",
        "name a number within",
        _FAIR,
    ),
    Demand(
        "shares-overlap",
        "FairsharePolicy.shareDistribution",
        lambda part, _: _overlap(part),
        "two entries are for the same share identifiers",
        "an identifier with an asterisk stands for all that begin so",
        _SHARE,
    ),
    Demand(
        "share-identifier",
        "ShareAttributes.shareIdentifier",
        lambda part, _: not _IDENTIFIER.fullmatch(part.get("shareIdentifier", "")),
        "is no share identifier",
        "1 to 255 letters and digits, and perhaps an asterisk at the end",
        _SHARE,
    ),
    Demand(
        "weight",
        "ShareAttributes.weightFactor",
        lambda part, _: outside(part, "weightFactor", 0.0001, 999.9999),
        "it is 0.0001 to 999.9999",
        "name a number within",
        _SHARE,
    ),
)
