"""rehearse: what it prints, what it leaves alone, and how it ends."""

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.reconciler.cli.conftest import FAST, SECRET, SMALL, Cli


@pytest.fixture(autouse=True)
def small(home: Path) -> Path:
    (home / "small.yaml").write_text(SMALL)
    return home


def test_a_rehearsal_is_shown(cli: Cli) -> None:
    """Where, how often, the calls, a picture and the time; nothing is made, and no secret shown."""
    said = cli("rehearse", "small.yaml", "--runs", "3", *FAST)
    assert said.code == 0
    assert "stack small · simulator" in said.out
    assert "Rehearsed 3 times on a model of this account, with no faults, seed 0; nothing was changed." in said.out
    assert "compute_environment.fast  CreateComputeEnvironment" in said.out
    assert "\nQueues: █ takes jobs and runs them" in said.out
    assert "\nRehearsed: all went well; it usually takes about" in said.out
    assert SECRET not in said.out + said.err
    assert "3 to create" in cli("plan", "small.yaml", *FAST).out


def test_faults_need_runs_that_meet_them(cli: Cli) -> None:
    """The first three runs meet none: that all goes well with heavy faults is not said of those."""
    said = cli("rehearse", "small.yaml", "--faults", "heavy", "--runs", "3", *FAST)
    assert said.code == 1
    assert "the first 3 runs meet no faults" in said.err
    assert "--runs 4" in said.err


def test_json_keeps_to_its_schema(cli: Cli) -> None:
    """`--json` is one document of the published schema, the same for the same seed."""
    given = ("rehearse", "small.yaml", "--json", "--seed", "4", "--faults", "heavy", "--runs", "6", *FAST)
    said = cli(*given)
    assert said.code == 0
    Draft202012Validator(cli("schema", "rehearsal").json).validate(said.json)
    assert said.json["seed"] == 4
    assert len(said.json["runs"]) == 6
    assert SECRET not in said.out


def test_a_page(cli: Cli, home: Path) -> None:
    """`--html` writes one file for its owner alone, beside the text."""
    said = cli("rehearse", "small.yaml", "--runs", "1", "--html", "told.html", *FAST)
    assert said.code == 0
    assert "<svg" in (home / "told.html").read_text()
    assert (home / "told.html").stat().st_mode & 0o777 == 0o600


def test_a_page_takes_the_place_of_no_other_file(cli: Cli, home: Path) -> None:
    """`--html` over a manifest, a plan file or somebody's page is refused before anything is done; over one of ours, or
    an empty file, it is written again."""
    assert cli("plan", "small.yaml", "--out", "held.plan", *FAST).code == 0
    (home / "theirs.html").write_text("<!DOCTYPE html>\n<title>ours</title>\n")
    (home / "empty.html").touch()
    for name in ("small.yaml", "held.plan", "theirs.html"):
        before = (home / name).read_bytes()
        for verb in ("plan", "rehearse"):
            said = cli(verb, "small.yaml", "--html", name, *FAST)
            assert (said.code, said.out) == (1, "")
            assert f"{name} exists and is not a page of batchwright" in said.err
            assert (home / name).read_bytes() == before
    for name in ("empty.html", "empty.html", "new.html", "new.html"):
        for words in (("plan", "small.yaml"), ("rehearse", "small.yaml", "--runs", "1")):
            assert cli(*words, "--html", name, *FAST).code == 0
    assert cli("rehearse", "held.plan", "--html", "held.plan", *FAST).code == 1
    assert cli("plan", str(home), "--html", str(home / "page.yaml"), *FAST).code == 1
    assert cli("plan", "small.yaml", "--out", "one", "--html", "./one", *FAST).code == 1
    assert not (home / "one").exists()


def test_a_plan_file(cli: Cli) -> None:
    """A plan that is held is rehearsed as it stands, and refused where the world has moved; options that it holds are
    refused too."""
    assert cli("plan", "small.yaml", "--out", "held.plan", *FAST).code == 0
    said = cli("rehearse", "held.plan", "--runs", "1", "--json", *FAST)
    assert said.code == 0
    assert said.json["plan"] == cli("show", "held.plan", "--json").json["id"]
    assert cli("rehearse", "held.plan", "--var", "a=b", *FAST).code == 1
    assert cli("rehearse", "held.plan", "--runs", "1").code == 3
    assert cli("apply", "held.plan", "--auto-approve", *FAST).code == 0
    assert "There is nothing to rehearse" in cli("rehearse", "held.plan", *FAST).out


def test_the_journal_calibrates(cli: Cli) -> None:
    """`--calibrate` takes what earlier runs saw, and says how many waits that rests on; without a journal it says
    that it rests on nothing."""
    bare = cli("rehearse", "small.yaml", "--calibrate", "--runs", "1", *FAST)
    assert "Durations:" not in bare.out
    assert "--calibrate rests on nothing" in bare.err
    assert "rests on nothing" not in cli("rehearse", "small.yaml", "--runs", "1", *FAST).err
    assert cli("apply", "small.yaml", "--auto-approve", *FAST).code == 0
    Path("small.yaml").write_text(SMALL.replace("priority: 5", "priority: 6"))
    told = cli("rehearse", "small.yaml", "--calibrate", "--runs", "1", "-v", *FAST)
    assert "rests on nothing" not in told.err
    assert "Durations: 2 of 24 rest on 2 waits in the journal, the others on the table." in told.out
    assert "your journal, 1 wait" in told.out


def test_a_plan_that_is_refused(cli: Cli) -> None:
    """Exit 3, as apply would, and shown as plan shows it: with what can be done about each refusal."""
    assert cli("apply", "small.yaml", "--auto-approve", *FAST).code == 0
    Path("small.yaml").write_text(
        SMALL.replace(
            "fast: {type: UNMANAGED, serviceRole: batch}",
            "fast: {type: MANAGED, serviceRole: batch, "
            "lifecycle: {replace: refuse}, computeResources: {type: FARGATE, maxvCpus: 4, subnets: [subnet-1], "
            "securityGroupIds: [sg-1]}}",
        )
    )
    planned = cli("plan", "small.yaml", *FAST)
    assert planned.code == 3
    assert "→ " in planned.out
    said = cli("rehearse", "small.yaml", *FAST)
    assert (said.code, said.out) == (3, planned.out)
    assert "the plan was refused; nothing was changed" in said.err
    told = cli("rehearse", "small.yaml", "--json", *FAST)
    assert told.code == 3
    assert all(row["hint"] for row in told.json["refusals"])


def test_a_plan_file_goes_alone(cli: Cli, home: Path) -> None:
    """A plan file beside other paths is told to be one, whichever verb takes manifests."""
    assert cli("plan", "small.yaml", "--out", "held.plan", *FAST).code == 0
    for verb in ("rehearse", "apply"):
        for paths in (("held.plan", "small.yaml"), ("small.yaml", "held.plan"), ("held.plan", str(home))):
            said = cli(verb, *paths, *FAST)
            assert (said.code, said.out) == (1, "")
            assert "held.plan is a plan file" in said.err
            assert "give paths of manifests; apply, rehearse and show take one plan file, alone" in said.err
    for verb in ("plan", "drift", "validate", "destroy"):
        said = cli(verb, "held.plan", *(FAST if verb != "validate" else ()))
        assert said.code == 1
        assert "held.plan is a plan file" in said.err


def test_an_estimate_is_shown(cli: Cli) -> None:
    """plan says how long an apply will take, and keeps it in its JSON."""
    said = cli("plan", "small.yaml", *FAST)
    assert "3 to create; 3 calls, about " in said.out
    assert said.out.rstrip().endswith("calls with all looks).")
    estimate = cli("plan", "small.yaml", "--json", *FAST).json["estimate"]
    assert estimate["api_calls"] > 3
    assert estimate["seconds"] > 10
