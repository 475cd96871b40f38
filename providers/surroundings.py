"""What a plan may ask of the services around Batch: each answer, or *unread* with the reason.

A caller who may use Batch and nothing else can plan and apply all the same; what could not be read is said. A service
that cannot be reached at all is not worth waiting for: a network that leads to Batch need not lead to the others.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from providers.clients import Connection
from providers.errors import AnswerLost, CallError, CredentialsExpired, CredentialsMissing, ServerFault, Throttled
from providers.resources import STACK_TAG, Role, Template, Unread, Versions

__all__ = ["TEMPLATES", "Unread", "account", "addresses", "client", "image", "role", "tagged", "versions"]

TEMPLATES = 100
"""How many launch templates are asked for in one call; EC2 takes 200."""

_ASKED_BY = {"launchTemplateId": "LaunchTemplateId", "launchTemplateName": "LaunchTemplateName"}
_BATCH = "batch."
"""How the name of the service begins that a role for AWS Batch trusts, in every partition."""


def account(connection: Connection) -> str | Unread:
    """The id of the account that is called, as STS tells it.

    Raises CredentialsExpired or CredentialsMissing, since with those nothing else can be called either, and
    Throttled, ServerFault or AnswerLost, after which STS may be asked again.
    """
    try:
        return connection.identity()
    except (CredentialsExpired, CredentialsMissing, Throttled, ServerFault, AnswerLost):
        raise
    except CallError as error:
        return Unread(str(error))


def client(connection: Connection, service: str) -> Any | Unread:
    """The client of another service, or why there is none; for the thread that made the connection."""
    from botocore.exceptions import BotoCoreError

    try:
        return connection.other(service)
    except CallError as error:
        return Unread(error.message)
    except BotoCoreError as error:
        return Unread(str(error))


def versions(ec2: Any, member: str, values: Sequence[str]) -> Mapping[str, Versions] | Unread | None:
    """What the versions of up to 100 launch templates are, by the ids or the names that were asked for.

    None where one of them is not there: DescribeLaunchTemplates then tells of none. Raises Throttled, ServerFault or
    AnswerLost, after which EC2 may be asked again; so do `image` and `role`.
    """
    answer = _asked(ec2, "DescribeLaunchTemplates", {f"{_ASKED_BY[member]}s": [*values]})
    if not isinstance(answer, Mapping):
        return answer
    return {
        found[_ASKED_BY[member]]: Versions(
            found["LaunchTemplateId"], found["LatestVersionNumber"], found["DefaultVersionNumber"]
        )
        for found in answer.get("LaunchTemplates", ())
    }


def image(ec2: Any, template: Template) -> str | Unread | None:
    """The image that a version of a launch template names, empty where it names none; None where it is not there."""
    asked = {_ASKED_BY[template.member]: template.value, "Versions": [template.version]}
    answer = _asked(ec2, "DescribeLaunchTemplateVersions", asked)
    if not isinstance(answer, Mapping):
        return answer
    found = answer.get("LaunchTemplateVersions") or ()
    return str(found[0]["LaunchTemplateData"].get("ImageId", "")) if found else None


def addresses(ec2: Any, subnets: Sequence[str]) -> Mapping[str, int] | Unread:
    """How many addresses these subnets have left, by their ids; raises as `versions` does."""
    answer = _asked(ec2, "DescribeSubnets", {"SubnetIds": [*subnets]})
    if not isinstance(answer, Mapping):
        return answer or Unread("DescribeSubnets: one of the subnets is not there")
    return {it["SubnetId"]: int(it["AvailableIpAddressCount"]) for it in answer.get("Subnets", ())}


def role(iam: Any, name: str) -> Role | Unread | None:
    """A role by its name; None where there is none."""
    answer = _asked(iam, "GetRole", {"RoleName": name})
    if not isinstance(answer, Mapping):
        return answer
    found = answer.get("Role")
    if not found:
        return Unread("GetRole: the answer holds no role")
    return Role(found["Arn"], any(_trusts(statement) for statement in _statements(found)))


def tagged(tagging: Any, stacks: Sequence[str], token: str) -> tuple[Sequence[str], str | None] | Unread:
    """One page of the ARNs of all of Batch that carries the tag of one of these stacks, and the token of the next.

    What was tagged or made lately may be missing, and what is gone may be there
    (https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html).
    """
    filters = [{"Key": STACK_TAG, "Values": [*stacks]}]
    answer = _asked(
        tagging, "GetResources", {"TagFilters": filters, "ResourceTypeFilters": ["batch"], "PaginationToken": token}
    )
    if not isinstance(answer, Mapping) or "ResourceTagMappingList" not in answer:
        return answer if isinstance(answer, Unread) else Unread("GetResources: the answer holds no list")
    arns = [str(found["ResourceARN"]) for found in answer["ResourceTagMappingList"]]
    return arns, answer.get("PaginationToken") or None


def _asked(client: Any, operation: str, arguments: Mapping[str, Any]) -> Mapping[str, Any] | Unread | None:
    """The answer of a service, None where what was asked for is not there."""
    from botocore import xform_name
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    from providers.provider import translate

    try:
        answer: Mapping[str, Any] = getattr(client, xform_name(operation))(**arguments)
    except ResponseParserError:
        return Unread(f"{operation}: the endpoint answers as no such service does")
    except (BotoCoreError, ClientError) as error:
        told = translate(operation, error)
        if isinstance(told, Throttled | ServerFault | AnswerLost):
            raise told from error
        if told.code == "NoSuchEntity" or told.code.startswith("InvalidLaunchTemplate"):
            return None
        return Unread(f"{operation}: {told.message}")
    return answer


def _statements(found: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    told = (found.get("AssumeRolePolicyDocument") or {}).get("Statement") or ()
    return [told] if isinstance(told, Mapping) else told


def _trusts(statement: Mapping[str, Any]) -> bool:
    """Whether a statement may let Batch in; one that says it in another way than roles for services do counts."""
    if statement.get("Effect") != "Allow":
        return False
    principal = statement.get("Principal")
    if not isinstance(principal, Mapping):
        return True
    services = principal.get("Service") or ()
    return any(str(service).startswith(_BATCH) for service in ([services] if isinstance(services, str) else services))
