"""Names and ARNs of resources that the template itself tells, or that follow from their physical ids.

Source: the return values of each type in
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
"""

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from reconciler.adapters.cloudformation.leaves import Composed, Text, Unresolved, composed

if TYPE_CHECKING:
    from reconciler.adapters.cloudformation.resolve import Resolver
    from reconciler.adapters.cloudformation.sections import Declared

NAMED: Final = MappingProxyType(
    {
        "AWS::ECR::Repository": "RepositoryName",
        "AWS::IAM::InstanceProfile": "InstanceProfileName",
        "AWS::IAM::Role": "RoleName",
        "AWS::Logs::LogGroup": "LogGroupName",
        "AWS::S3::Bucket": "BucketName",
    }
)
"""The property of a type that is what `Ref` gives, where the template says it."""

SAME: Final = frozenset(
    {
        ("AWS::EC2::LaunchTemplate", "LaunchTemplateId"),
        ("AWS::EC2::SecurityGroup", "GroupId"),
        ("AWS::EC2::SecurityGroup", "Id"),
        ("AWS::EC2::Subnet", "SubnetId"),
        ("AWS::EC2::VPC", "VpcId"),
        ("AWS::EFS::AccessPoint", "AccessPointId"),
        ("AWS::EFS::FileSystem", "FileSystemId"),
        ("AWS::SecretsManager::Secret", "Id"),
        ("AWS::SNS::Topic", "TopicArn"),
    }
)
"""Attributes that are what `Ref` gives."""

FORMED: Final = MappingProxyType(
    {
        ("AWS::ECR::Repository", "Arn"): "arn:{AWS::Partition}:ecr:{AWS::Region}:{AWS::AccountId}:repository/{}",
        (
            "AWS::ECR::Repository",
            "RepositoryUri",
        ): "{AWS::AccountId}.dkr.ecr.{AWS::Region}.{AWS::URLSuffix}/{}",
        ("AWS::IAM::InstanceProfile", "Arn"): "arn:{AWS::Partition}:iam::{AWS::AccountId}:instance-profile{Path}{}",
        ("AWS::IAM::Role", "Arn"): "arn:{AWS::Partition}:iam::{AWS::AccountId}:role{Path}{}",
        ("AWS::Logs::LogGroup", "Arn"): "arn:{AWS::Partition}:logs:{AWS::Region}:{AWS::AccountId}:log-group:{}:*",
        ("AWS::S3::Bucket", "Arn"): "arn:{AWS::Partition}:s3:::{}",
        ("AWS::S3::Bucket", "DomainName"): "{}.s3.{AWS::URLSuffix}",
    }
)
"""Attributes made of what `Ref` gives, `{}`."""


def derived(declared: "Declared", attribute: str | None, resolver: "Resolver") -> Text | None:
    """What the template and the physical id tell of a resource; None where they do not."""
    if attribute is None:
        return _name(declared, resolver)
    key = (declared.type, attribute)
    if key not in FORMED and key not in SAME:
        return None
    name = _physical(declared, resolver)
    if name is None or key in SAME:
        return name
    made: list[Text] = []
    for piece in _pieces(FORMED[key]):
        match piece:
            case "{}":
                made.append(name)
            case "{Path}":
                path = _property(declared, "Path", resolver)
                made.append("/" if path is None else path)
            case _ if piece.startswith("{"):
                made.append(resolver.names.pseudo(piece[1:-1]))
            case _:
                made.append(piece)
    return composed(made)


def _pieces(form: str) -> list[str]:
    return [piece for part in form.replace("{", "\0{").replace("}", "}\0").split("\0") if (piece := part)]


def _physical(declared: "Declared", resolver: "Resolver") -> Text | None:
    known = resolver.names.outside.get(declared.logical_id)
    return known if isinstance(known, str) else _name(declared, resolver)


def _name(declared: "Declared", resolver: "Resolver") -> Text | None:
    """The name that the template gives a resource."""
    named = NAMED.get(declared.type)
    return _property(declared, named, resolver) if named else None


def _property(declared: "Declared", name: str, resolver: "Resolver") -> Text | None:
    """A text that a property says; None where it says nothing sure. What is wrong in it is another's matter."""
    entry = declared.properties.entries.get(name)
    if entry is None:
        return None
    node, path = entry.node, f"{declared.path}.Properties.{name}"
    value, faulty = resolver.tried(lambda: resolver.raw(node, path))
    if faulty or (isinstance(value, Unresolved) and (value.optional or value.many)):
        return None
    return value if isinstance(value, str | Unresolved | Composed) else None
