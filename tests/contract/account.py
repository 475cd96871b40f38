"""What stands around AWS Batch in moto's account: a network and roles, made through EC2 and IAM."""

import json
from typing import Any, Self

import attrs

from tests.servers import Moto

_ANYBODY = json.dumps({"Version": "2012-10-17", "Statement": []})


@attrs.frozen
class Account:
    """Moto's server with the network and the roles that its environments need; all by id or ARN."""

    moto: Moto
    batch: Any
    subnets: tuple[str, ...]
    group: str
    service_role: str
    instance_role: str
    job_role: str

    @classmethod
    def new(cls, moto: Moto) -> Self:
        """Make them. Moto asks for a service role where AWS uses its service-linked one; so this is that, by name."""
        ec2, iam = moto.client("ec2"), moto.client("iam")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24")["Subnet"]["SubnetId"] for number in (1, 2)
        ]
        group = ec2.create_security_group(VpcId=vpc, GroupName="batch", Description="batch")["GroupId"]
        linked = iam.create_role(
            Path="/aws-service-role/batch.amazonaws.com/",
            RoleName="AWSServiceRoleForBatch",
            AssumeRolePolicyDocument=_ANYBODY,
        )
        job = iam.create_role(RoleName="job", AssumeRolePolicyDocument=_ANYBODY)
        iam.create_role(RoleName="ecsInstanceRole", AssumeRolePolicyDocument=_ANYBODY)
        profile = iam.create_instance_profile(InstanceProfileName="ecsInstanceRole")["InstanceProfile"]
        iam.add_role_to_instance_profile(InstanceProfileName="ecsInstanceRole", RoleName="ecsInstanceRole")
        return cls(
            moto,
            moto.client(),
            tuple(subnets),
            group,
            linked["Role"]["Arn"],
            profile["Arn"],
            job["Role"]["Arn"],
        )
