"""plan and drift: what they show, where, and how they end."""

import json
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.journal import state_folder
from tests.reconciler.cli.conftest import FAST, SECRET, SMALL, Cli


def edited(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def forbidden(path: Path) -> None:
    """A resource leaves the manifest, whose policy allows no deletion."""
    edited(path, "stack: small", "stack: small\npolicy: {maxDeletes: 0}")
    path.write_text(path.read_text().partition("jobDefinitions")[0])


def schema(cli: Cli, what: str) -> Any:
    return cli("schema", what).json


def test_a_plan_says_where_it_would_work(cli: Cli, small: Path) -> None:
    """The first line names account, region and where the region came from."""
    said = cli("plan", small, "--region", "eu-west-3", *FAST)
    assert said.code == 0
    first = said.out.splitlines()[0]
    assert first == "account 123456789012 · region eu-west-3 (from --region) · stack small · simulator"
    assert said.out.splitlines()[-1].startswith("Plan: 3 to create; 3 calls")
    assert said.err == ""


@pytest.mark.parametrize(
    ("settings", "source"),
    [({}, "us-east-1 (from the simulator's default)"), ({"AWS_REGION": "eu-north-1"}, "eu-north-1 (from AWS_REGION)")],
)
def test_the_source_of_a_region_is_told(
    cli: Cli, small: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], source: str
) -> None:
    """A region that nobody gave comes from the environment, else from the simulator, and the plan says so."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert f"region {source}" in cli("plan", small, *FAST).out


def test_a_plan_writes_nothing(cli: Cli, small: Path, home: Path) -> None:
    """Neither the simulated world nor the folder of journals is touched by a plan."""
    cli("plan", small, *FAST)
    assert cli("simulator", "show", "--json").json == {}
    assert not (home / "state").exists()


def test_a_plan_needs_no_folder_for_journals(cli: Cli, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who only looks needs neither HOME nor XDG_STATE_HOME; who changes something does."""
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("XDG_STATE_HOME")
    for verb in ("plan", "output"):
        assert cli(verb, small, *FAST).code == 0
    assert cli("drift", small, *FAST).code == 2
    said = cli("apply", small, "--auto-approve", *FAST)
    assert said.code == 1
    assert "XDG_STATE_HOME" in said.err


def test_a_plan_as_json_is_one_document(cli: Cli, small: Path) -> None:
    """`--json` puts a plan on stdout that the published schema knows, and no secret in it."""
    said = cli("plan", small, "--json", *FAST)
    jsonschema.validate(said.json, schema(cli, "plan"))
    assert said.json["summary"] == {"create": 3}
    assert said.json["target"]["provider"] == "simulator"
    assert SECRET not in said.out


def test_drift_as_json_is_a_plan(cli: Cli, applied: Path) -> None:
    """`drift --json` is a plan too: empty, and exit 0, where nothing moved."""
    said = cli("drift", applied, "--json", *FAST)
    jsonschema.validate(said.json, schema(cli, "plan"))
    assert (said.code, said.json["steps"]) == (0, [])


def test_a_plan_as_markdown(cli: Cli, small: Path) -> None:
    """`--markdown` puts Markdown on stdout, and `--markdown` with `--json` is a mistake."""
    said = cli("plan", small, "--markdown", *FAST)
    assert said.code == 0
    assert "compute_environment.fast" in said.out
    assert SECRET not in said.out
    assert cli("plan", small, "--markdown", "--json", *FAST).code == 1


def test_a_plan_as_html(cli: Cli, small: Path, home: Path) -> None:
    """`--html FILE` writes one page, and the plan goes to stdout all the same."""
    said = cli("plan", small, "--html", "plan.html", *FAST)
    text = (home / "plan.html").read_text()
    assert text.startswith("<!")
    assert SECRET not in text
    assert "Plan: 3 to create" in said.out


def test_detailed_exit_codes(cli: Cli, small: Path) -> None:
    """`--detailed-exitcode` ends with 2 while there is something to do, and with 0 after that was done."""
    assert cli("plan", small, "--detailed-exitcode", *FAST).code == 2
    assert cli("apply", small, "--auto-approve", *FAST).code == 0
    assert cli("plan", small, "--detailed-exitcode", *FAST).code == 0


def test_drift_ends_with_two(cli: Cli, applied: Path) -> None:
    """`drift` ends with 2 and names what moved."""
    assert cli("drift", applied, *FAST).code == 0
    edited(applied, "priority: 5", "priority: 7")
    said = cli("drift", applied, *FAST)
    assert said.code == 2
    assert "job_queue.high" in said.out
    assert "5 → 7" in said.out


def test_drift_tells_where_a_difference_comes_from(cli: Cli, applied: Path) -> None:
    """In words, and as `origin` in JSON that the published schema knows; from another machine nobody knows."""
    edited(applied, "priority: 5", "priority: 7")
    assert "edit: the manifest says something else than what was applied last" in cli("drift", applied, *FAST).out
    said = cli("drift", applied, "--json", *FAST)
    jsonschema.validate(said.json, schema(cli, "plan"))
    (difference,) = (row for change in said.json["changes"] for row in change["differences"])
    assert difference["origin"] == "edit"
    shutil.rmtree(state_folder(os.environ))
    assert "unknown: no run from here" in cli("drift", applied, *FAST).out


def test_a_plan_file_keeps_what_is_to_be_set(cli: Cli, small: Path) -> None:
    """A total that jobs use up is left alone, set where somebody says so, and so from a plan file, which takes no
    further options."""
    coins = "consumableResources: {coins: {totalQuantity: 5, resourceType: NON_REPLENISHABLE}}\n"
    small.write_text(small.read_text() + coins)
    assert cli("apply", small, "--auto-approve", *FAST).code == 0
    edited(small, "totalQuantity: 5", "totalQuantity: 8")
    option = ("--set-quantity", "consumable_resource.coins")
    assert "left alone" in cli("plan", small, *FAST).out
    assert cli("plan", small, "--out", "plan.json", *option, *FAST).code == 0
    assert cli("apply", "plan.json", *option, "--auto-approve", *FAST).code == 1
    assert cli("apply", "plan.json", "--auto-approve", *FAST).code == 0
    assert cli("plan", small, "--detailed-exitcode", *FAST).code == 0
    edited(small, "totalQuantity: 8", "totalQuantity: 9")
    said = cli("apply", small, "--auto-approve", *option, *FAST)
    assert said.code == 0
    assert "8 → 9" in said.out


MACHINES = """
stack: machines
computeEnvironments:
  one:
    type: MANAGED
    computeResources:
      {type: EC2, allocationStrategy: BEST_FIT_PROGRESSIVE, minvCpus: 0, maxvCpus: 4, instanceTypes: [c6i],
       subnets: [subnet-1], securityGroupIds: [sg-1], instanceRole: ecsInstanceRole}
"""


def test_a_plan_file_keeps_whose_image_is_updated(cli: Cli, home: Path) -> None:
    """It is done by the plan file, which takes no further options, and once: the next plan has nothing to do."""
    option = ("--update-image", "compute_environment.one")
    applied = home / "machines.yaml"
    applied.write_text(MACHINES)
    assert cli("apply", applied, "--auto-approve", *FAST).code == 0
    shown = cli("plan", applied, "--out", "plan.json", "--detailed-exitcode", *option, *FAST)
    assert (shown.code, "computeResources.updateToLatestImageVersion" in shown.out) == (2, True)
    assert cli("apply", "plan.json", *option, "--auto-approve", *FAST).code == 1
    assert cli("apply", "plan.json", "--auto-approve", *FAST).code == 0
    assert cli("plan", applied, "--detailed-exitcode", *FAST).code == 0
    assert cli("apply", applied, "--auto-approve", *option, *FAST).code == 0


def test_a_refused_plan_ends_with_three(cli: Cli, applied: Path) -> None:
    """A plan that its policy refuses ends with 3, detailed or not, and so does drift."""
    forbidden(applied)
    for words in (("plan",), ("plan", "--detailed-exitcode"), ("plan", "--json"), ("drift",)):
        assert cli(*words, applied, *FAST).code == 3, words


def test_a_secret_is_in_the_plan_file_alone(cli: Cli, small: Path, home: Path) -> None:
    """The file of `--out` holds values in the clear, and nobody else may read it; everything else masks them."""
    said = cli("plan", small, "--out", "plan.json", *FAST)
    assert SECRET in (home / "plan.json").read_text()
    assert SECRET not in said.out + said.err
    assert stat.S_IMODE((home / "plan.json").stat().st_mode) == 0o600
    for words in (("show", "plan.json"), ("show", "plan.json", "--json"), ("show", "plan.json", "-v")):
        shown = cli(*words)
        assert shown.code == 0
        assert SECRET not in shown.out, words
        assert "(secret " in shown.out, words


@pytest.mark.usefixtures("applied")
def test_a_secret_of_the_simulator_is_masked(cli: Cli) -> None:
    """What the simulator holds is shown as masked as any plan."""
    said = cli("simulator", "show", "--json")
    assert "busybox" in said.out
    assert SECRET not in said.out


def test_a_plan_file_is_closed_to_others(cli: Cli, small: Path, home: Path) -> None:
    """`--out` onto a file that others could read closes it."""
    cli("plan", small, "--out", "plan.json", *FAST)
    (home / "plan.json").chmod(0o644)
    assert cli("plan", small, "--out", "plan.json", *FAST).code == 0
    assert stat.S_IMODE((home / "plan.json").stat().st_mode) == 0o600


def test_a_device_is_not_closed_to_others(cli: Cli, small: Path, home: Path) -> None:
    """`--out` onto what is no regular file, such as /dev/null, leaves its mode alone."""
    pipe = home / "pipe"
    os.mkfifo(pipe)
    pipe.chmod(0o622)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert cli("plan", small, "--out", "pipe", *FAST).code == 0
        assert os.read(reader, 20).startswith(b"{")
    finally:
        os.close(reader)
    assert stat.S_IMODE(pipe.stat().st_mode) == 0o622


def test_a_plan_file_that_cannot_be_written(cli: Cli, small: Path) -> None:
    """An `--out` or `--html` without its folder is an error that says so."""
    for option in ("--out", "--html"):
        said = cli("plan", small, option, "nowhere/file", *FAST)
        assert said.code == 1
        assert "nowhere/file cannot be written: No such file or directory" in said.err


def test_only_keeps_a_plan_to_what_depends_on_an_address(cli: Cli, small: Path) -> None:
    """`--only` plans for an address and what depends on it."""
    said = cli("plan", small, "--only", "compute_environment.fast", "--json", *FAST)
    assert {row["address"] for row in said.json["changes"]} == {"compute_environment.fast", "job_queue.high"}
    said = cli("plan", small, "--only", "job_definition.job", "--json", *FAST)
    assert {row["address"] for row in said.json["changes"]} == {"job_definition.job"}


def test_only_deletes_nothing(cli: Cli, applied: Path) -> None:
    """With `--only` what left the manifest stays."""
    applied.write_text(applied.read_text().partition("jobDefinitions")[0])
    assert cli("plan", applied, "--json", *FAST).json["summary"].get("delete") == 1
    assert cli("plan", applied, "--only", "job_queue.high", "--json", *FAST).json["summary"] == {"noop": 1}


@pytest.mark.parametrize("address", ["job_queue.none", "none", "job_queue.", ""])
def test_an_address_of_nothing(cli: Cli, small: Path, address: str) -> None:
    """`--only` with what the manifest lacks, or with what is no address, is an error."""
    said = cli("plan", small, "--only", address, *FAST)
    assert said.code == 1
    assert "KIND.NAME" in said.err


def test_a_policy_binds_beside_the_manifest(cli: Cli, small: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--policy FILE` and BATCHWRIGHT_POLICY refuse what the manifest's own policy would allow."""
    cli("apply", small, "--auto-approve", *FAST)
    small.write_text(small.read_text().partition("jobDefinitions")[0])
    (home / "policy.yaml").write_text("maxDeletes: 0\n")
    (home / "lax.yaml").write_text("maxDeletes: 9\n")
    assert cli("plan", small, *FAST).code == 0
    assert cli("plan", small, "--policy", "policy.yaml", *FAST).code == 3
    assert cli("plan", small, "--policy", "lax.yaml", "--policy", "policy.yaml", *FAST).code == 3
    assert cli("plan", small, "--policy", "lax.yaml", *FAST).code == 0
    monkeypatch.setenv("BATCHWRIGHT_POLICY", str(home / "policy.yaml"))
    assert cli("plan", small, "--policy", "lax.yaml", *FAST).code == 3


def test_a_policy_that_cannot_be_read(cli: Cli, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy file that is missing or no policy is an error, before anything is asked of AWS."""
    assert cli("plan", small, "--policy", "nowhere.yaml", *FAST).code == 1
    said = cli("plan", small, "--policy", small, *FAST)
    assert said.code == 1
    assert "small.yaml:1:1: stack: there is no key 'stack' here" in said.err
    monkeypatch.setenv("BATCHWRIGHT_POLICY", "nowhere.yaml")
    assert "nowhere.yaml cannot be read" in cli("plan", small, *FAST).err


@pytest.mark.parametrize("mode", ["refuse", "wait", "cancel", "terminate"])
def test_drain_stands_in_place_of_the_policy(cli: Cli, small: Path, home: Path, mode: str) -> None:
    """`--drain` is chosen, also where it is what the default would be, so that a laxer policy does not win."""
    edited(small, "stack: small", "stack: small\npolicy: {drain: {mode: terminate}}")
    (home / "lax.yaml").write_text("drain: {mode: terminate}\n")
    said = cli("plan", small, "--drain", mode, "--policy", "lax.yaml", "--out", "plan.json", *FAST)
    assert said.code == 0
    policy = json.loads((home / "plan.json").read_text())["manifest"]["manifest"]["policy"]
    assert policy["drain"]["mode"] == mode
    assert "drain" in policy["said"]


def test_jobs_at_risk_are_left_out_where_that_is_asked(cli: Cli, small: Path) -> None:
    """`--no-jobs` leaves out what is only told, and not what a deletion hangs on."""
    assert cli("apply", small, "--auto-approve", *FAST).code == 0
    assert cli("simulator", "job", "high", "job", "--seconds", "9999999").code == 0
    edited(small, "priority: 5", "state: DISABLED, priority: 5")

    def queue(*words: str) -> Any:
        changes = cli("plan", small, "--json", *words, *FAST).json["changes"]
        return next(change["jobs"] for change in changes if change["address"] == "job_queue.high")

    assert sum(queue()["by_status"].values()) == 1
    assert queue()["fate"] == "no others are taken, and these can finish"
    assert queue("--no-jobs") is None
    edited(small, "  high: {state: DISABLED, priority: 5, computeEnvironmentOrder: [fast]}", "")
    edited(small, "jobQueues:\n", "")
    assert queue("--no-jobs")["fate"] == "they would end with it, so the plan is refused"
    assert queue("--no-jobs", "--drain", "terminate")["fate"] == "they are ended by terminate"


def test_drain_keeps_the_time_that_the_manifest_gives(cli: Cli, small: Path, home: Path) -> None:
    """`--drain` says only what becomes of the jobs."""
    edited(small, "stack: small", "stack: small\npolicy: {drain: {mode: refuse, timeout: 5m}}")
    assert cli("plan", small, "--drain", "wait", "--out", "plan.json", *FAST).code == 0
    policy = json.loads((home / "plan.json").read_text())["manifest"]["manifest"]["policy"]
    assert policy["drain"] == {"mode": "wait", "timeout": 300.0}


def test_variables(cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values come from the environment, then from files, then from `--var`; the last to say one wins."""
    (home / "m.yaml").write_text(
        SMALL.replace("stack: small", "stack: small\nvariables: {image: {default: nothing}}").replace(
            "busybox", "'${var.image}'"
        )
    )
    (home / "v.yaml").write_text("image: of-a-file\n")
    (home / "outputs.json").write_text('{"image": {"value": "of-terraform", "type": "string", "sensitive": false}}')

    def image(*words: str) -> str:
        steps = cli("plan", "m.yaml", "--json", *words, *FAST).json["steps"]
        (properties,) = [
            step["arguments"]["containerProperties"] for step in steps if step["call"] == "RegisterJobDefinition"
        ]
        return str(properties["image"])

    assert image() == "nothing"
    monkeypatch.setenv("BATCHWRIGHT_VAR_image", "of-the-environment")
    monkeypatch.setenv("BATCHWRIGHT_VAR_other", "of-no-interest")
    assert image() == "of-the-environment"
    assert image("--var-file", "v.yaml") == "of-a-file"
    assert image("--var-file", "v.yaml", "--var-file", "outputs.json") == "of-terraform"
    assert image("--var-file", "v.yaml", "--var", "image=a=b") == "a=b"


@pytest.mark.parametrize("text", ["image", "=x", "", "none=1"])
def test_a_variable_that_is_none(cli: Cli, small: Path, text: str) -> None:
    """`--var` without a name or a value, or of a variable that is not declared, is an error."""
    assert cli("plan", small, "--var", text, *FAST).code == 1


def test_a_variable_file_that_is_none(cli: Cli, small: Path, home: Path) -> None:
    """A `--var-file` that is missing, a folder, or damaged is an error."""
    (home / "bad.yaml").write_text("{")
    for name in ("nowhere.yaml", ".", "bad.yaml"):
        assert cli("plan", small, "--var-file", name, *FAST).code == 1, name


def test_regions_that_disagree_are_refused(cli: Cli, small: Path) -> None:
    """`--region` against the manifest's is refused; the same one is not."""
    edited(small, "stack: small", "stack: small\ntarget: {region: eu-west-1}")
    said = cli("plan", small, "--region", "eu-west-2", *FAST)
    assert said.code == 3
    assert "--region says eu-west-2 and the manifest says eu-west-1" in said.err
    said = cli("plan", small, "--region", "eu-west-1", *FAST)
    assert "region eu-west-1 (from the manifest)" in said.out


def test_an_account_that_is_another(cli: Cli, small: Path) -> None:
    """A manifest for another account is refused."""
    edited(small, "stack: small", "stack: small\ntarget: {accountId: '210987654321'}")
    assert cli("plan", small, *FAST).code == 3


def test_the_provider_comes_from_the_environment(cli: Cli, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """BATCHWRIGHT_PROVIDER stands for `--provider`, which wins."""
    monkeypatch.setenv("BATCHWRIGHT_PROVIDER", "simulator")
    assert cli("plan", small, "--speed", "1000").code == 0
    assert "no credentials" in cli("plan", small, "--provider", "aws").err
    monkeypatch.setenv("BATCHWRIGHT_PROVIDER", "another")
    assert cli("plan", small).code == 1


def test_verbose_shows_the_steps(cli: Cli, small: Path) -> None:
    """`-v` adds the steps in order."""
    assert "Steps in order" in cli("plan", small, "-v", *FAST).out
    assert "Steps in order" not in cli("plan", small, *FAST).out
