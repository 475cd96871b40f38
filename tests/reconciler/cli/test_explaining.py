"""explain: one field at length, all of them as tables, as JSON and as a page."""

import re

import pytest

from tests.reconciler.cli.conftest import Cli

LINK = re.compile(r"\]\((\S+)\)")


def test_a_field_at_length(cli: Cli) -> None:
    """What it takes, its default, who says it, what a change of it does, each with its source."""
    said = cli("explain", "computeResources.allocationStrategy")
    assert (said.code, said.err) == (0, "")
    text = " ".join(said.out.split())
    assert text.startswith("compute_environment.computeResources.allocationStrategy says The allocation strategy")
    page = "(https://docs.aws.amazon.com/batch/latest/APIReference/API_ComputeResource.html)"
    for words in (
        "takes string: BEST_FIT, BEST_FIT_PROGRESSIVE,",
        "said by the manifest default BEST_FIT, on EC2 and SPOT " + page,
        "on change on Fargate: refused: Fargate has no such field [not-on-fargate]",
        "on change on EC2 and SPOT, under an ordinary service role: replacement: in place only",
        "running jobs are handled as updatePolicy says [infrastructure]",
    ):
        assert words in text
    assert all(len(line) <= 120 or "https://" in line for line in said.out.splitlines())


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("jobQueues.priority", "integer; required"),
        ("computeResources.imageId", 'when unset an update sends "" (https://'),
        ("updatePolicy", "an update sends {terminateJobsOnUpdate: false, jobExecutionTimeoutMinutes: 30} (https://"),
        ("computeResources.ec2Configuration", "an update sends [{imageType: EKS_AL2023}], on Amazon EKS (https://"),
        ("computeResources.placementGroup", 'default "" (inferred from https://docs.aws.amazon.com/'),
        ("containerProperties.linuxParameters.devices.containerPath", "default that of hostPath (https://"),
        ("containerProperties.command", "order counts"),
        ("containerProperties.environment[].name", "job_definition.containerProperties.environment[].name"),
        ("computeResources.desiredvCpus", "said by the manifest, or AWS where it is unsaid"),
        ("computeResources.ec2Configuration.batchImageStatus", "said by AWS"),
        ("job_queue.tags", "tags are edited in place [tags]"),
        (
            "lifecycle.replace",
            "lifecycle.replace (in every block) says How a replacement is done: createFirst makes",
        ),
        ("policy.maxImpact", "policy.maxImpact (on top) says The most that a plan may disturb"),
        ("rollout.keep", "job_definition.rollout.keep says How many ACTIVE revisions stay"),
        ("drain.mode", "said by the manifest, for Batchwright alone"),
    ],
)
def test_paths_of_every_sort(cli: Cli, path: str, words: str) -> None:
    """Those of kinds, those of AWS alone, and those of ours."""
    said = cli("explain", path)
    assert (said.code, said.err) == (0, "")
    assert words in " ".join(said.out.split())


def test_a_path_of_several_kinds_tells_all(cli: Cli) -> None:
    """One after the other, under names that tell them apart."""
    out = cli("explain", "state").out
    titles = [line for line in out.splitlines() if line and not line.startswith(" ")]
    assert titles == ["compute_environment.state", "service_environment.state", "job_queue.state", "quota_share.state"]


def test_an_unknown_path_is_an_error_with_the_nearest(cli: Cli) -> None:
    """Or, where nothing is near, with the way to see them all."""
    said = cli("explain", "jobQueues.prioritty")
    assert (said.code, said.out) == (1, "")
    assert "no manifest has a field jobQueues.prioritty" in said.err
    assert "did you mean job_queue.priority?" in said.err
    assert "`batchwright explain` lists all" in cli("explain", "xyzzy").err


def test_everything_as_tables(cli: Cli) -> None:
    """A line a field, under the title of each kind."""
    lines = cli("explain").out.splitlines()
    titles = [line for line in lines if line and not line.startswith(" ")]
    assert titles[:4] == [
        "On top of a manifest",
        "In every block",
        "Scheduling policy (schedulingPolicies)",
        "Compute environment (computeEnvironments)",
    ]
    assert len(titles) == 9
    told = {words[0]: words[1:] for line in lines if (words := line.split())}
    assert " ".join(told["computeResources.maxvCpus"]) == "integer; replacement or scaling update"
    assert " ".join(told["fairsharePolicy.shareDecaySeconds"]) == "integer; in place; default 0"
    assert " ".join(told["lifecycle.replace"]) == "string"


def test_json_has_every_row(cli: Cli) -> None:
    """Of a path or of all, with values as JSON has them."""
    (row,) = cli("explain", "updatePolicy", "--json").json
    assert (row["kind"], row["path"], row["owner"], row["ordered"]) == (
        "compute_environment",
        "updatePolicy",
        "user",
        None,
    )
    assert row["resets"][0]["value"] == {"terminateJobsOnUpdate": False, "jobExecutionTimeoutMinutes": 30}
    assert [ruling["verdict"] for ruling in row["rulings"]] == ["refuse", "update"]
    assert len(cli("explain", "--json").json) > 600


def test_a_page_links_its_sources(cli: Cli) -> None:
    """Pages by name, issues by number; the members of a shape stand there once."""
    page = cli("explain", "--markdown").out
    assert "[ComputeResource](https://docs.aws.amazon.com/batch/latest/APIReference/API_ComputeResource.html)" in page
    assert "[aws/aws-cdk#27054](https://github.com/aws/aws-cdk/issues/27054)" in page
    assert {link for link in LINK.findall(page) if not link.startswith("https://")} == set()
    assert "| `containerProperties.image` |" in page
    assert "| `nodeProperties.nodeRangeProperties[].container` | structure, as `containerProperties` |" in page
    assert "nodeRangeProperties[].container.image" not in page
    columns = {line.count(" | ") for line in page.splitlines() if line.startswith("| `computeResources.")}
    assert columns == {4}
    assert "\n| `rollout.keepFor` | duration |  |  | The age below which" in page
