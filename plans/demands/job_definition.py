"""Job definitions: what stands beside their containers, pods and nodes."""

import re
from collections.abc import Mapping

from plans.demands.demand import Demand, of, outside, twice
from providers.kinds.facts import GUIDE, page
from providers.resources import Document

_REGISTER = page("RegisterJobDefinition")
_RETRY = page("RetryStrategy")
_EXIT = page("EvaluateOnExit")
_SINGLE = ("containerProperties", "ecsProperties", "eksProperties")
_WORDS = re.compile(r"(?=.{0,512}\Z)[A-Za-z0-9.:\s]*\*?", re.DOTALL)
_CODES = re.compile(r"(?=.{0,512}\Z)[0-9]*\*?")
_CONDITIONS: Mapping[str, re.Pattern[str]] = {"onExitCode": _CODES, "onReason": _WORDS, "onStatusReason": _WORDS}


def platforms(whole: Document) -> frozenset[str]:
    """The platforms of a definition on ECS: EC2 where nothing is said."""
    return frozenset(whole.get("platformCapabilities") or ("EC2",))


def on_fargate(whole: Document) -> bool:
    return "FARGATE" in platforms(whole)


def on_eks(whole: Document) -> bool:
    """Whether a definition, or a range of its nodes, runs on EKS."""
    ranges = (whole.get("nodeProperties") or {}).get("nodeRangeProperties") or ()
    return bool(whole.get("eksProperties")) or any("eksProperties" in entry for entry in ranges)


def _sorts(whole: Document) -> list[str]:
    """What a definition says to run; what is empty is not sent."""
    return [member for member in _SINGLE if whole.get(member)]


DEMANDS = (
    Demand(
        "sort-of-definition",
        "job_definition.type",
        lambda part, _: (
            bool(_sorts(part)) or not part.get("nodeProperties")
            if part.get("type") == "multinode"
            else len(_sorts(part)) != 1 or bool(part.get("nodeProperties"))
        ),
        f"a container job has one of {', '.join(_SINGLE)}, and a multinode job has nodeProperties alone",
        "say one of them, and not empty",
        _REGISTER,
    ),
    Demand(
        "platform-on-eks",
        "job_definition.platformCapabilities",
        lambda part, _: on_eks(part) and bool(part.get("platformCapabilities")),
        "definitions that run on EKS do not take it",
        "leave it out",
        _REGISTER,
    ),
    Demand(
        "propagation-on-eks",
        "job_definition.propagateTags",
        lambda part, _: on_eks(part) and bool(part.get("propagateTags")),
        "definitions that run on EKS do not take it",
        "leave it out",
        _REGISTER,
    ),
    Demand(
        "managed-instances-without-tasks",
        "job_definition.platformCapabilities",
        lambda part, _: "MANAGED_INSTANCES" in platforms(part) and not part.get("ecsProperties"),
        "managed instances run definitions with ecsProperties, and no others",
        "say ecsProperties, or another platform",
        _REGISTER,
    ),
    Demand(
        "scheduling-priority",
        "job_definition.schedulingPriority",
        lambda part, _: outside(part, "schedulingPriority", 0, 9999),
        "it is 0 to 9999",
        "name a number within",
        _REGISTER,
    ),
    Demand(
        "attempts-unsaid",
        "RetryStrategy.attempts",
        lambda part, _: bool(part) and "attempts" not in part,
        "a retry strategy says how many attempts there are",
        "say attempts: 1 to 10",
        _RETRY,
    ),
    Demand(
        "attempts",
        "RetryStrategy.attempts",
        lambda part, _: outside(part, "attempts", 1, 10),
        "there are 1 to 10 attempts",
        "name a number within",
        _RETRY,
    ),
    Demand(
        "conditions",
        "RetryStrategy.evaluateOnExit",
        lambda part, _: len(part.get("evaluateOnExit") or ()) > 5,
        "there are up to 5 conditions",
        "take some out",
        _RETRY,
    ),
    *(
        Demand(
            "condition",
            f"EvaluateOnExit.{member}",
            of((member, spelt), lambda part, _, its: not its[1].fullmatch(part.get(its[0], ""))),
            "is no pattern that Batch takes",
            f"up to 512 {'digits' if spelt is _CODES else 'letters, digits, periods, colons and blanks'}, and perhaps"
            " an asterisk at the end",
            _EXIT,
        )
        for member, spelt in _CONDITIONS.items()
    ),
    Demand(
        "consumable-twice",
        "ConsumableResourceProperties.consumableResourceList",
        lambda part, _: twice(each.get("consumableResource") for each in part.get("consumableResourceList") or ()),
        "a consumable resource stands in it twice",
        "take one of them out",
        GUIDE + "resource-aware-scheduling-how-to-for-jobs.html",
    ),
    Demand(
        "consumable-quantity",
        "ConsumableResourceRequirement.quantity",
        lambda part, _: outside(part, "quantity", 1),
        "a job takes 1 or more of a consumable resource",
        "say 1 or more, or leave the resource out",
        page("ConsumableResourceRequirement"),
    ),
    Demand(
        "timeout",
        "JobTimeout.attemptDurationSeconds",
        lambda part, _: outside(part, "attemptDurationSeconds", 60),
        "a timeout is 60 seconds or more",
        "say 60 or more",
        page("JobTimeout"),
    ),
)
