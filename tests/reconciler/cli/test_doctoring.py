"""doctor: what it prints, and how it ends."""

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.reconciler.cli.conftest import FAST, Cli

HERE = "account 123456789012 · region us-east-1 (from the simulator's default) · simulator"
PILE = """\
stack: pile
computeEnvironments:
  machines:
    type: MANAGED
    computeResources:
      {type: EC2, minvCpus: 0, maxvCpus: 4, instanceTypes: [c6i], subnets: [s-1], securityGroupIds: [sg-1],
       instanceRole: ecsInstanceRole, allocationStrategy: BEST_FIT_PROGRESSIVE}
jobQueues:
  work: {priority: 5, computeEnvironmentOrder: [machines]}
jobDefinitions:
  big:
    type: container
    containerProperties:
      image: busybox
      environment: [{name: DB_PASSWORD, value: hunter2-in-the-clear}]
      resourceRequirements: [{type: VCPU, value: "8"}, {type: MEMORY, value: "512"}]
"""


@pytest.fixture
def pile(cli: Cli, home: Path) -> Path:
    """A stack with a queue in which no job fits."""
    (home / "pile.yaml").write_text(PILE)
    assert cli("apply", "pile.yaml", "--auto-approve", *FAST).code == 0
    return home


@pytest.mark.usefixtures("pile")
def test_nothing_waits(cli: Cli) -> None:
    """The exit code is 0, and it says where; of a queue that is asked for, that nothing was found."""
    said = cli("doctor", *FAST)
    assert (said.code, said.out, said.err) == (0, f"{HERE}\n\nNo jobs wait.\n", "")
    said = cli("doctor", "work", *FAST)
    assert said.code == 0
    assert said.out.splitlines()[:4] == [
        HERE,
        "",
        "Queue work: no jobs wait or run",
        "  Nothing was found that would keep jobs from running.",
    ]
    told = cli("doctor", "--json", *FAST)
    assert told.json == {
        "account": "123456789012",
        "format": 1,
        "region": "us-east-1",
        "target": {"provider": "simulator", "regionSource": "the simulator's default"},
        "queues": [],
    }
    Draft202012Validator(cli("schema", "doctor").json).validate(told.json)


@pytest.mark.usefixtures("pile")
def test_the_wrong_place(cli: Cli) -> None:
    """Where nothing can be looked at, it is said where that is; a stack that has no queue there is an error."""
    said = cli("doctor", "--region", "eu-west-1", *FAST)
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[0] == "account 123456789012 · region eu-west-1 (from --region) · simulator"
    said = cli("doctor", "--stack", "nope", *FAST)
    assert (said.code, said.out) == (1, "")
    assert said.err.splitlines() == [
        "Error: stack nope has no job queue in region us-east-1 (from the simulator's default)",
        "  → stacks that have some: pile",
    ]
    assert (
        f"{HERE.replace(' · simulator', ' · stack pile · simulator')}\n" in cli("doctor", "--stack", "pile", *FAST).out
    )


@pytest.mark.usefixtures("pile")
def test_findings(cli: Cli) -> None:
    """The exit code is 2; the first hypothesis stands first, likely and no more, and no secret stands anywhere."""
    assert cli("simulator", "job", "work", "big").code == 0
    said = cli("doctor", "job_queue.work", "--stack", "pile", "-v", *FAST)
    assert (said.code, said.err) == (2, "")
    assert said.out.splitlines()[2].startswith("Queue work: 1 RUNNABLE")
    assert said.out.splitlines()[3] == (
        "  1. likely: a job needs more vCPUs than any environment of this queue may have [max-vcpus]"
    )
    assert "     → raise computeResources.maxvCpus of an environment" in said.out
    assert "certain" not in said.out
    assert "hunter2" not in said.out
    told = cli("doctor", "--json", *FAST)
    assert told.code == 2
    assert told.json["queues"][0]["findings"][0]["code"] == "max-vcpus"
    assert "hunter2" not in told.out
    Draft202012Validator(cli("schema", "doctor").json).validate(told.json)


@pytest.mark.usefixtures("pile")
def test_no_such_queue(cli: Cli) -> None:
    """It is an error, with the queues that there are."""
    said = cli("doctor", "elsewhere", *FAST)
    assert (said.code, said.out) == (1, "")
    assert said.err.splitlines() == [
        "Error: there is no queue elsewhere in region us-east-1 (from the simulator's default)",
        "  → queues that there are: work",
    ]
