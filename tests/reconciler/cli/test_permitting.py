"""iam: the policy that a plan file, or any plan of a manifest, takes."""

import json
from pathlib import Path
from typing import Any

import pytest

from plans.permissions import LIMIT
from tests.reconciler.cli.conftest import FAST, Cli
from tests.reconciler.cli.test_planning import edited

ACCOUNT = "111122223333"


def statement(policy: dict[str, Any], action: str) -> dict[str, Any]:
    """The first statement that allows an action."""
    return next(each for each in policy["Statement"] if action in each["Action"])


def test_the_policy_of_a_manifest(cli: Cli, small: Path) -> None:
    """stdout is a policy document for whatever becomes of the stack; what nobody names is `*`, and told."""
    said = cli("iam", small)
    assert said.code == 0
    assert said.json["Version"] == "2012-10-17"
    deleting = statement(said.json, "batch:DeleteJobQueue")
    assert deleting["Condition"] == {"StringEquals": {"aws:ResourceTag/batchwright:stack": "small"}}
    assert "arn:aws:batch:*:*:job-queue/*" in deleting["Resource"]
    assert said.err == "It is for any that is not named: --region and --account would confine it.\n"
    assert cli("iam", small, "--json").json == said.json


def test_where_it_is_for(cli: Cli, small: Path) -> None:
    """Region and account come from the manifest or from the options, which must not disagree."""
    told = cli("iam", small, "--region", "cn-north-1", "--account", ACCOUNT)
    assert f"arn:aws-cn:batch:cn-north-1:{ACCOUNT}:job-queue/high" in told.out
    assert told.err == ""
    edited(small, "stack: small", f"stack: small\ntarget: {{region: eu-west-1, accountId: '{ACCOUNT}'}}")
    assert f"arn:aws:batch:eu-west-1:{ACCOUNT}:job-queue/high" in cli("iam", small).out
    assert cli("iam", small, "--region", "us-east-1").code == 3
    other = cli("iam", small, "--account", "444455556666")
    role = f"arn:aws:iam::{ACCOUNT}:role/deploys"
    edited(small, f"accountId: '{ACCOUNT}'", f"roleArn: '{role}'")
    assert f"arn:aws:batch:eu-west-1:{ACCOUNT}:job-queue/high" in cli("iam", small).out
    assert (other.code, other.out) == (1, "")
    assert f"--account says 444455556666, and what it is for says {ACCOUNT}" in other.err


def test_the_policy_of_a_plan_file(cli: Cli, small: Path) -> None:
    """A plan file names where it was made for, and the policy has what it does and nothing else."""
    cli("plan", small, "--out", "plan.json", *FAST)
    said = cli("iam", "plan.json")
    assert (said.code, said.err) == (0, "")
    arns = statement(said.json, "batch:RegisterJobDefinition")["Resource"]
    assert [arn.rpartition(":")[2] for arn in arns] == ["job-definition/job"]
    assert "*" not in arns[0]
    assert "Delete" not in said.out
    assert cli("iam", "plan.json", "--region", "us-west-2").code == 1
    assert cli("iam", "plan.json", small).code == 1


def test_a_plan_that_is_refused(cli: Cli, applied: Path) -> None:
    """Of a plan that is refused it is said that nothing of it can be carried out."""
    edited(applied, "stack: small", "stack: other")
    assert cli("plan", applied, "--out", "plan.json", *FAST).code == 3
    assert "The plan is refused" in cli("iam", "plan.json").err


@pytest.mark.parametrize(
    ("lock", "words"),
    [
        ("s3://bucket/locks", "arn:aws:s3:::bucket/locks/*/*/small"),
        ("dynamodb://table/locks", "locks/*/*/small"),
    ],
)
def test_a_lock_of_many_machines(cli: Cli, small: Path, lock: str, words: str) -> None:
    """What the lock takes stands in it too."""
    assert words in cli("iam", small, "--lock", lock).out
    assert words not in cli("iam", small).out


def test_jobs_of_a_queue_that_goes(cli: Cli, small: Path) -> None:
    """`--drain` says which jobs may be ended."""
    assert "batch:CancelJob" in cli("iam", small, "--drain", "cancel").out
    assert "batch:CancelJob" not in cli("iam", small).out


def test_a_policy_that_is_too_long(cli: Cli, home: Path) -> None:
    """More than a managed policy takes is told, with what to do; with a prefix it is short."""
    image = {"image": "busybox", "vcpus": 1, "memory": 512}
    blocks = {f"tool-{number:03}": {"type": "container", "containerProperties": image} for number in range(200)}
    for prefix, told in (("", True), ("long-", False)):
        path = home / "long.json"
        path.write_text(json.dumps({"stack": "long", "namePrefix": prefix, "jobDefinitions": blocks}))
        said = cli("iam", path, "--region", "eu-west-1", "--account", ACCOUNT)
        assert said.code == 0
        assert (f"a managed policy takes {LIMIT:,}" in said.err) is told
