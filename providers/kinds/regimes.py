"""What a compute environment is, as far as it decides how it may change, and the reasons told of two documents."""

from collections.abc import Mapping
from typing import Any

from providers.resources import Document

SERVICE_LINKED_ROLE_PATH = "aws-service-role/batch.amazonaws.com/"
SERVICE_LINKED_ROLE = "AWSServiceRoleForBatch"
MINUTES = 30
"""How long jobs may go on in an infrastructure update where no policy says (UpdatePolicy)."""


def _resources(document: Document) -> Mapping[str, Any]:
    resources = document.get("computeResources")
    return resources if isinstance(resources, Mapping) else {}


def _type(document: Document) -> str:
    return str(_resources(document).get("type", "")).upper()


def fargate(document: Document) -> bool:
    return _type(document).startswith("FARGATE")


def ec2(document: Document) -> bool:
    return _type(document) in ("EC2", "SPOT")


def managed_instances(document: Document) -> bool:
    return _type(document) == "ECS_MANAGED_INSTANCES"


def on_eks(document: Document) -> bool:
    return bool(document.get("eksConfiguration"))


def not_on_eks(document: Document) -> bool:
    return not on_eks(document)


def not_fargate(document: Document) -> bool:
    return not fargate(document)


def ordinary_role(document: Document) -> bool:
    role = document.get("serviceRole")
    linked = (None, "", SERVICE_LINKED_ROLE)
    return role not in linked and SERVICE_LINKED_ROLE_PATH not in str(role)


def same_role(wanted: Any, shown: Any) -> bool:
    """No role is the service-linked one, whose ARN is shown; a name, with its path or bare, is that of an ARN."""
    if not isinstance(shown, str):
        return False
    if wanted is None:
        return SERVICE_LINKED_ROLE_PATH in shown
    with_path = shown.partition(":role/")[2]
    return shown.startswith("arn:") and str(wanted).removeprefix("/") in (with_path, with_path.rpartition("/")[2])


def same_profile(wanted: Any, shown: Any) -> bool:
    """An instance profile is named by its name or by its ARN, which ends in that name; no account has a name twice."""
    names = {str(each).partition(":instance-profile/")[2].rpartition("/")[2] or each for each in (wanted, shown)}
    return len(names) == 1 and str(wanted).startswith("arn:") != str(shown).startswith("arn:")


def fixed_strategy(document: Document) -> bool:
    """Whether machines of EC2 or SPOT have the strategy under which they cannot be exchanged."""
    return ec2(document) and str(_resources(document).get("allocationStrategy") or "BEST_FIT").upper() == "BEST_FIT"


def other_sort_of_type(desired: Document, live: Document) -> bool:
    return _type(desired) != _type(live) and not (ec2(desired) and ec2(live))


def role_class_changes(desired: Document, live: Document) -> bool:
    return ordinary_role(desired) != ordinary_role(live)


def bears_or_sheds_resources(desired: Document, live: Document) -> bool:
    return ("computeResources" in desired) != ("computeResources" in live)


def _named_role(document: Document) -> str:
    return str(document.get("serviceRole")).rpartition("/")[2] if ordinary_role(document) else SERVICE_LINKED_ROLE


def class_of_roles(desired: Document, live: Document) -> str:
    change = f"from {_named_role(live)} to {_named_role(desired)}"
    return f"the service role cannot change between the service-linked role and an ordinary one, {change}"


def which_types(desired: Document, live: Document) -> str:
    before, after = (_type(document) or "none" for document in (live, desired))
    return f"the type changes in place between EC2 and SPOT only, not from {before} to {after}"


def which_role(_desired: Document, live: Document) -> str:
    return f"in place only under the service-linked role, and the service role is {_named_role(live)}"


def which_strategy(_desired: Document, live: Document) -> str:
    side = "that of the live environment" if fixed_strategy(live) else "the wanted one"
    return f"in place only from and to an allocation strategy other than BEST_FIT, which is {side}"


def recycling(desired: Document, live: Document) -> str:
    """Which policy holds is that of the wanted document: the update brings it along."""
    update = "an infrastructure update: instances recycle"
    if managed_instances(live):
        return f"{update}; updatePolicy is for EC2 and SPOT, and AWS does not say what becomes of running jobs"
    policy = desired.get("updatePolicy")
    if not policy:
        return f"{update}; running jobs are left to finish, {MINUTES} minutes at most, because updatePolicy is unset"
    if policy.get("terminateJobsOnUpdate"):
        return f"{update}; running jobs are stopped at once, as updatePolicy says"
    minutes = policy.get("jobExecutionTimeoutMinutes") or MINUTES
    return f"{update}; running jobs are left to finish, {minutes} minutes at most, as updatePolicy says"
