"""Why an environment is INVALID. The simulator has no EC2 and no IAM, so names stand for what is wrong with things.

The convention, which is this simulator's own: what is named with `missing` in the last part of its name is not there,
and a launch template with `not-mime` in its name has user data that is no MIME multipart archive. An update that names
something else repairs the environment. A cluster that somebody deleted is played with `Simulator.set_status`, with the
reason `CLIENT_ERROR - Clusters can not be blank` (aws-samples/aws-batch-genomics#9); what no name explains, an update
of the service role or of infrastructure repairs.
"""

from collections.abc import Iterator
from typing import Any

import attrs

from providers.simulator.lifecycle import Json
from providers.simulator.rules import documented, observed

_INVALID_PAGE = "https://docs.aws.amazon.com/batch/latest/userguide/invalid_compute_environment.html"


@attrs.frozen
class Cause:
    """A thing that may not be there: where its name stands, and what the status reason says of it."""

    path: str
    says: str


_ROLE = "Not authorized to perform sts:AssumeRole on {} (Service: null; Status Code: 403)"
_PROFILE = "Invalid IamInstanceProfile: {}"
_IMAGE = "The image id '[{}]' does not exist"
_SUBNET = "The subnet ID '{}' does not exist"
_GROUP = "The security group '{}' does not exist"
_TEMPLATE_ID = "The specified launch template, with template ID {}, does not exist."
_TEMPLATE_NAME = "The specified launch template, with template name {}, does not exist."
_MACHINE = "computeResources.managedInstancesProvider.instanceLaunchTemplate"

SERVICE_ROLE = Cause("serviceRole", _ROLE)
CAUSES = (
    SERVICE_ROLE,
    Cause(
        "computeResources.spotIamFleetRole",
        "Parameter: SpotFleetRequestConfig.IamFleetRole is invalid (Status Code: 400)",
    ),
    Cause("computeResources.instanceRole", _PROFILE),
    Cause("computeResources.launchTemplate.launchTemplateId", _TEMPLATE_ID),
    Cause("computeResources.launchTemplate.launchTemplateName", _TEMPLATE_NAME),
    Cause("computeResources.launchTemplate.overrides.launchTemplateId", _TEMPLATE_ID),
    Cause("computeResources.launchTemplate.overrides.launchTemplateName", _TEMPLATE_NAME),
    Cause("computeResources.imageId", _IMAGE),
    Cause("computeResources.ec2Configuration.imageIdOverride", _IMAGE),
    Cause("computeResources.subnets", _SUBNET),
    Cause("computeResources.securityGroupIds", _GROUP),
    Cause("computeResources.ec2KeyPair", "The key pair '{}' does not exist"),
    Cause("computeResources.placementGroup", "The placement group '{}' is unknown"),
    Cause("eksConfiguration.eksClusterArn", "No cluster found for name: {}"),
    Cause("computeResources.managedInstancesProvider.infrastructureRoleArn", _ROLE),
    Cause(f"{_MACHINE}.ec2InstanceProfileArn", _PROFILE),
    Cause(f"{_MACHINE}.networkConfiguration.subnets", _SUBNET),
    Cause(f"{_MACHINE}.networkConfiguration.securityGroups", _GROUP),
)
"""In the words of the errors of EC2 (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html), and
in those that were seen on roles (hashicorp/terraform-provider-aws#8549) and profiles (Netflix/metaflow-tools#9)."""


def trouble(shown: Json) -> str | None:
    """Return the status reason of an environment as it is described, or None where nothing is wrong with it."""
    return role_trouble(shown) or _something_is_missing(shown) or _user_data_is_no_archive(shown)


def role_trouble(shown: Json) -> str | None:
    """Return why Batch cannot act in this environment, or None."""
    return _role_is_astray(shown) or _role_is_missing(shown)


@observed("hashicorp/terraform-provider-aws#8549")
def _role_is_missing(shown: Json) -> str | None:
    """A service role that Batch cannot assume (here: with `missing` in its name) makes the environment INVALID."""
    return _reason(shown, SERVICE_ROLE)


@observed("aws/aws-cdk#20727")
def _role_is_astray(shown: Json) -> str | None:
    """The service-linked role under a path that is not its own makes the environment INVALID."""
    role = shown["serviceRole"]
    if role.rpartition("/")[2] == "AWSServiceRoleForBatch" and role.startswith("arn:") and not is_linked(role):
        return f"CLIENT_ERROR - {SERVICE_ROLE.says.format(role)}"
    return None


@documented(_INVALID_PAGE)
def _something_is_missing(shown: Json) -> str | None:
    """A thing that an environment names and that is not there (here: with `missing` in its name) makes it INVALID."""
    return next((reason for cause in CAUSES if (reason := _reason(shown, cause))), None)


@observed("aws/aws-cdk#6427")
def _user_data_is_no_archive(shown: Json) -> str | None:
    """User data of a launch template that is no MIME multipart archive makes the environment INVALID."""
    template = shown.get("computeResources", {}).get("launchTemplate", {})
    names = (template.get("launchTemplateId", ""), template.get("launchTemplateName", ""))
    if any("not-mime" in name for name in names):
        return "CLIENT_ERROR - Launch Template UserData is not MIME multipart format"
    return None


def is_linked(role: str) -> bool:
    """Tell whether a role is Batch's service-linked one."""
    return "aws-service-role/batch.amazonaws.com/" in role


def _reason(shown: Json, cause: Cause) -> str | None:
    for value in _values(shown, cause.path.split(".")):
        if "missing" in value.rpartition("/")[2]:
            return f"CLIENT_ERROR - {cause.says.format(value)}"
    return None


def _values(value: Any, path: list[str]) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _values(item, path)
    elif not path:
        yield value
    elif path[0] in value:
        yield from _values(value[path[0]], path[1:])
