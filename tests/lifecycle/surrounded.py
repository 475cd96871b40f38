"""A stage with services around it: AWS Batch is the simulator's, IAM and EC2 are moto's, in an account of their own."""

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import attrs

from providers.errors import Unreachable
from tests.kit import Stage
from tests.servers import moto

LINKED = "AWSServiceRoleForBatch"
TEMPLATE = "lab-machines"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Principal": {"Service": "batch.amazonaws.com"}, "Action": "sts:AssumeRole"},
}


def _nothing(service: str) -> Any:
    raise Unreachable(f"there is no client of {service.upper()}")


@attrs.frozen
class Surrounded:
    """A stage, and clients of the services around it.

    `asked` counts what the reconciler asked them, `updates` are the compute resources of its updates of environments.
    """

    stage: Stage
    ec2: Any
    iam: Any
    asked: Counter[str]
    updates: list[Any]

    def reach(self, other: Callable[[str], Any]) -> None:
        """Let the reconciler have these clients from now on."""
        connection = attrs.evolve(self.stage.reconciler.connection, other=other)
        self.stage.reconciler = attrs.evolve(self.stage.reconciler, connection=connection)

    def alone(self) -> None:
        """Let the reconciler have AWS Batch and nothing else from now on."""
        self.reach(_nothing)

    def template(self, name: str = TEMPLATE, **data: Any) -> str:
        """Make a launch template; its id."""
        made = self.ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data or {"KeyName": "1"})
        return str(made["LaunchTemplate"]["LaunchTemplateId"])

    def version(self, name: str = TEMPLATE, *, default: bool = False, **data: Any) -> None:
        """Make another version of a launch template, the default one if that is said."""
        made = self.ec2.create_launch_template_version(
            LaunchTemplateName=name, LaunchTemplateData=data or {"KeyName": "more"}
        )
        if default:
            number = str(made["LaunchTemplateVersion"]["VersionNumber"])
            self.ec2.modify_launch_template(LaunchTemplateName=name, DefaultVersion=number)

    def role(self, name: str, trust: Any = _TRUST, path: str = "/") -> None:
        self.iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(trust))

    def linked_role(self) -> None:
        self.role(LINKED, path="/aws-service-role/batch.amazonaws.com/")


@contextmanager
def surroundings(first: int) -> Iterator[Callable[[], Surrounded]]:
    """Makes stages, each with IAM and EC2 of its own, that share one server and its clients, which take long to make.

    Only the newest stage may be used. Accounts count from `first`: moto's world is the process's, and no two tests may
    share one.
    """
    accounts = itertools.count(first)
    newest: list[tuple[str, Counter[str]]] = []

    def own(params: dict[str, Any], **_: Any) -> None:
        params["headers"]["x-moto-account-id"] = newest[-1][0]

    def count(model: Any, **_: Any) -> None:
        newest[-1][1][model.name] += 1

    with moto() as server:

        @cache
        def client(service: str, *, counted: bool = False) -> Any:
            made = server.client(service)
            made.meta.events.register("before-call", own)
            if counted:
                made.meta.events.register("before-call", count)
            return made

        def surround() -> Surrounded:
            newest.append((str(next(accounts)), Counter()))
            stage, updates = Stage.new(), list[Any]()

            def keep(params: dict[str, Any], **_: Any) -> None:
                updates.append(params.get("computeResources"))

            stage.batch.meta.events.register("provide-client-params.batch.UpdateComputeEnvironment", keep)
            made = Surrounded(stage, client("ec2"), client("iam"), newest[-1][1], updates)
            made.reach(lambda service: client(service, counted=True))
            return made

        yield surround
