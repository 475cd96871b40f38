"""apply and destroy: what they change, what they refuse, and how they end."""

import json
import os
import stat
import time
from pathlib import Path

import jsonschema
import pytest

from providers.simulator import Simulator, Store
from reconciler.lock import FileLock, Holder
from tests.plans.test_planfile import sealed
from tests.reconciler.cli.conftest import FAST, SECRET, SMALL, Cli, journal
from tests.reconciler.cli.test_planning import edited, forbidden, schema


def live(home: Path) -> set[str]:
    """The names of all that the simulator holds."""
    store = Store.open(home / ".batchwright" / "simulator.db", time.time())
    held = Simulator(store, store.clock()).show()
    store.close()
    return {name for kinds in held.values() for documents in kinds.values() for name in documents}


def test_an_apply_makes_what_the_manifest_says(cli: Cli, small: Path, home: Path) -> None:
    """After an apply everything is there; stdout holds plan and report, stderr the progress; the next one is empty."""
    said = cli("apply", small, "--auto-approve", *FAST)
    assert said.code == 0
    assert {"fast", "high", "job:1"} <= live(home)
    assert "Plan: 3 to create" in said.out
    assert said.out.splitlines()[-1].startswith("Applied and checked: 3 done")
    assert "create:job_queue.high called CreateJobQueue" in said.err
    assert "Applied" not in said.err
    assert "called" not in said.out
    assert SECRET not in said.out + said.err
    again = cli("apply", small, "--auto-approve", *FAST)
    assert (again.code, again.err) == (0, "")
    assert "No changes. 3 resources are as the manifest says." in again.out


def test_an_apply_as_json_is_lines(cli: Cli, small: Path) -> None:
    """`--json` streams events and ends with the report, all of which the published schema knows."""
    said = cli("apply", small, "--auto-approve", "--json", *FAST)
    assert (said.code, said.err) == (0, "")
    known = schema(cli, "events")
    for line in said.lines:
        jsonschema.validate(line, known)
    names = [line["event"] for line in said.lines]
    assert names[-2:] == ["ended", "report"]
    assert {"started", "called", "polled", "finished"} <= set(names)
    assert said.lines[-1]["counts"] == {"done": 3}
    assert {outcome["exit_code"] for outcome in said.lines[-1]["outcomes"]} == {0}
    assert SECRET not in said.out


def test_a_destroy_as_json_is_lines(cli: Cli, applied: Path) -> None:
    """`destroy --json` speaks as apply does."""
    said = cli("destroy", applied, "--auto-approve", "--json", *FAST)
    known = schema(cli, "events")
    for line in said.lines:
        jsonschema.validate(line, known)
    assert said.lines[-1]["exit_code"] == said.code == 0


def test_nothing_is_done_without_a_terminal_or_approval(cli: Cli, small: Path, home: Path) -> None:
    """Without `--auto-approve` and a terminal an apply shows its plan and is refused."""
    said = cli("apply", small, *FAST)
    assert said.code == 3
    assert "Plan: 3 to create" in said.out
    assert "there is no terminal to ask on" in said.err
    assert live(home) == set()


def test_json_does_not_ask(cli: Cli, small: Path, home: Path) -> None:
    """`--json` shows no plan, so that nobody can approve it: without `--auto-approve` it is refused."""
    said = cli("apply", small, "--json", *FAST)
    assert (said.code, said.err) == (3, "")
    assert said.json["error"] == "NotConfirmed"
    assert live(home) == set()


def test_a_refused_apply_changes_nothing(cli: Cli, applied: Path, home: Path) -> None:
    """A plan that is refused is shown and ends with 3; under `--json` the refusals are in the error."""
    forbidden(applied)
    said = cli("apply", applied, "--auto-approve", *FAST)
    assert said.code == 3
    assert "Refused" in said.out
    assert "the plan was refused; nothing was changed" in said.err
    said = cli("apply", applied, "--auto-approve", "--json", *FAST)
    assert said.code == said.json["exit_code"] == 3
    assert said.json["error"] == "PlanRefused"
    assert said.json["refusals"][0]["code"]
    assert "job:1" in live(home)


def test_a_destroy_leaves_nothing_of_ours(cli: Cli, applied: Path, home: Path) -> None:
    """`destroy` deletes what the stack owns; a second one finds nothing."""
    said = cli("destroy", applied, "--auto-approve", *FAST)
    assert said.code == 0
    assert cli("output", applied, "--json", *FAST).json["objects"] == {}
    assert "fast" not in live(home)
    assert "No changes" in cli("destroy", applied, "--auto-approve", *FAST).out


def test_a_stack_is_destroyed_by_its_name(cli: Cli, applied: Path, home: Path) -> None:
    """`destroy --stack` needs no manifest; paths and a name together, or neither, are a mistake."""
    assert cli("destroy", "--stack", "small", "--auto-approve", *FAST).code == 0
    assert "high" not in live(home)
    assert cli("destroy", "--stack", "small", applied, *FAST).code == 1
    assert cli("destroy", *FAST).code == 1


def test_only_applies_a_part(cli: Cli, small: Path, home: Path) -> None:
    """`apply --only` makes that address and leaves the rest."""
    assert cli("apply", small, "--only", "job_definition.job", "--auto-approve", *FAST).code == 0
    assert live(home) == {"job:1"}


def test_a_plan_file_is_carried_out(cli: Cli, small: Path, home: Path) -> None:
    """`plan --out` tells the command that carries out exactly that plan, and apply does so without the manifest."""
    said = cli("plan", small, "--out", "plan.json", "--only", "job_definition.job", *FAST)
    assert said.err == "To carry out exactly this: batchwright apply plan.json --provider simulator\n"
    small.unlink()
    assert cli("apply", "plan.json", "--auto-approve", *FAST).code == 0
    assert live(home) == {"job:1"}
    assert "No changes" in cli("apply", "plan.json", "--auto-approve", *FAST).out


def test_the_command_for_a_plan_file_reaches_the_same_place(cli: Cli, small: Path) -> None:
    """The command that `plan --out` tells repeats what the place depends on, quoted for a shell."""
    said = cli("plan", small, "--out", "a plan", "--region", "eu-west-3", "--simulator-file", "s.db", *FAST)
    assert said.err.endswith("apply 'a plan' --provider simulator --simulator-file s.db --region eu-west-3\n")


def test_a_plan_without_steps_is_not_to_be_carried_out(cli: Cli, applied: Path) -> None:
    """`plan --out` of an empty plan tells no command."""
    assert cli("plan", applied, "--out", "plan.json", *FAST).err == ""


def test_a_half_applied_plan_goes_on(cli: Cli, small: Path, home: Path) -> None:
    """A plan of which a part is done already is carried out for the rest."""
    cli("plan", small, "--out", "plan.json", *FAST)
    cli("apply", small, "--only", "job_definition.job", "--auto-approve", *FAST)
    assert cli("apply", "plan.json", "--auto-approve", *FAST).code == 0
    assert {"fast", "high", "job:1"} <= live(home)


def test_an_edited_plan_file(cli: Cli, small: Path, home: Path) -> None:
    """A plan file that was changed by hand is an error, for apply and for show."""
    cli("plan", small, "--out", "plan.json", *FAST)
    edited(home / "plan.json", "busybox", "another")
    for words in (("apply", "plan.json", "--auto-approve", *FAST), ("show", "plan.json")):
        said = cli(*words)
        assert said.code == 1
        assert "its digest does not match" in said.err
    assert live(home) == set()


@pytest.mark.parametrize("content", ['{"batchwright": "plan"', '{"batchwright": "plan", "format": 99}'])
def test_a_damaged_plan_file(cli: Cli, home: Path, content: str) -> None:
    """A plan file that is damaged, or of another format, is an error."""
    (home / "plan.json").write_text(content)
    for words in (("apply", "plan.json", "--auto-approve", *FAST), ("show", "plan.json")):
        said = cli(*words)
        assert said.code == 1
        assert said.err.startswith("Error: the plan")


def test_a_plan_file_that_was_sealed_anew(cli: Cli, small: Path, home: Path) -> None:
    """Whoever edits one can make its digest too: what no plan holds is told where it is met, and nothing is done."""
    cli("plan", small, "--out", "plan.json", *FAST)
    document = json.loads((home / "plan.json").read_text())
    for step in document["plan"]["steps"]:
        step["arguments"]["tags"] = True
    (home / "plan.json").write_text(sealed(document))
    assert (said := cli("show", "plan.json")).code == 1
    assert "it holds what no plan can hold" in said.err
    assert cli("apply", "plan.json", "--auto-approve", *FAST).code != 0
    document["manifest"]["asked"]["only"] = 7
    (home / "plan.json").write_text(sealed(document))
    assert "it holds what no plan can hold" in cli("apply", "plan.json", "--auto-approve", *FAST).err
    assert live(home) == set()


def test_a_stale_plan_is_refused(cli: Cli, applied: Path, home: Path) -> None:
    """A plan whose world moved is refused with what is needed now."""
    edited(applied, "priority: 5", "priority: 7")
    cli("plan", applied, "--out", "plan.json", *FAST)
    cli("destroy", applied, "--auto-approve", *FAST)
    said = cli("apply", "plan.json", "--auto-approve", *FAST)
    assert said.code == 3
    assert "is needed now and is not in the plan" in said.err
    assert "high" not in live(home)


def test_a_plan_for_elsewhere_is_refused(cli: Cli, small: Path, home: Path) -> None:
    """A plan for another region, or for another provider, is refused and says both; the other is not called."""
    cli("plan", small, "--out", "plan.json", "--region", "eu-west-3", *FAST)
    said = cli("apply", "plan.json", "--auto-approve", "--region", "eu-west-1", *FAST)
    assert said.code == 3
    assert "the plan was made for region eu-west-3, and this is eu-west-1" in said.err
    said = cli("apply", "plan.json", "--auto-approve")
    assert said.code == 3
    assert "the plan was made for provider simulator, and this is aws" in said.err
    assert live(home) == set()
    assert cli("apply", "plan.json", "--auto-approve", "--region", "eu-west-3", *FAST).code == 0


def test_a_plan_file_holds_its_variables(cli: Cli, small: Path) -> None:
    """Variables and addresses beside a plan file are a mistake."""
    cli("plan", small, "--out", "plan.json", *FAST)
    for words in (
        ("--var", "x=1"),
        ("--var-file", "x"),
        ("--only", "job_queue.high"),
        ("--parameter", "x=1"),
        ("--context", "x"),
    ):
        said = cli("apply", "plan.json", *words, "--auto-approve", *FAST)
        assert (said.code, "a plan file holds its variables" in said.err) == (1, True)


def test_a_policy_binds_a_plan_file(cli: Cli, applied: Path, home: Path) -> None:
    """A plan file is planned again under the policy of now."""
    applied.write_text(applied.read_text().partition("jobDefinitions")[0])
    cli("plan", applied, "--out", "plan.json", *FAST)
    (home / "policy.yaml").write_text("maxDeletes: 0\n")
    assert cli("apply", "plan.json", "--auto-approve", "--policy", "policy.yaml", *FAST).code == 3


def test_a_goal_that_is_not_reached_in_time(cli: Cli, small: Path) -> None:
    """`--timeout` caps every wait: what was made so far stays, the rest is skipped, and the exit code says in part."""
    said = cli("apply", small, "--auto-approve", "--timeout", "1", "--provider", "simulator", "--speed", "20")
    assert said.code == 4
    assert "was not settled within 1 s" in said.err
    assert "skipped" in said.out


def test_a_run_keeps_others_out(cli: Cli, applied: Path, home: Path) -> None:
    """While another run holds the lock, apply and destroy are refused and name it; `--lock none` does not look."""
    (path,) = (home / "state" / "batchwright").glob("*.lock")
    with FileLock(path, Holder("elsewhere", 4321, 0.0, "apply")):
        for verb in ("apply", "destroy"):
            said = cli(verb, applied, "--auto-approve", *FAST)
            assert said.code == 3
            assert "process 4321 on elsewhere" in said.err
        assert cli("plan", applied, *FAST).code == 0
        assert cli("apply", applied, "--auto-approve", "--lock", "none", *FAST).code == 0


def test_two_worlds_have_two_locks(cli: Cli, small: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulator files of one name in two folders are two worlds: each has a journal of its own."""
    for name in ("a", "b"):
        (home / name).mkdir()
        monkeypatch.chdir(home / name)
        assert cli("apply", small, "--auto-approve", *FAST).code == 0
    assert len([*(home / "state" / "batchwright").glob("*.jsonl")]) == 2


def test_a_damaged_journal_does_not_keep_from_applying(cli: Cli, applied: Path, home: Path) -> None:
    """A journal is never read back in order to be correct: apply goes on after a damaged line, history names it."""
    path = journal(home)
    path.write_bytes(b"\x00garbage\n" + path.read_bytes() + b'{"torn')
    edited(applied, "priority: 5", "priority: 7")
    assert cli("apply", applied, "--auto-approve", *FAST).code == 0
    said = cli("history", applied, *FAST)
    assert said.code == 1
    assert f"{path}:1:1: damaged line" in said.err
    assert len(said.out.splitlines()) == 2
    told = cli("history", applied, "--json", *FAST)
    assert told.code == 1
    assert told.json["faults"][0]["line"] == 1
    assert len(told.json["runs"]) == 2


@pytest.mark.usefixtures("applied")
def test_a_journal_holds_no_secret_and_is_ours_alone(home: Path) -> None:
    """Journals hold no values, and nobody else may read them."""
    assert SECRET not in journal(home).read_text()
    assert stat.S_IMODE(journal(home).stat().st_mode) == 0o600


def test_a_folder_that_cannot_hold_the_lock(cli: Cli, small: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state folder that cannot be made is an error that says which setting to change."""
    (home / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "file"))
    said = cli("apply", small, "--auto-approve", *FAST)
    assert said.code == 1
    assert "XDG_STATE_HOME" in said.err
    assert live(home) == set()


def test_a_folder_is_a_manifest(cli: Cli, home: Path) -> None:
    """`apply` takes a folder, or several files, for one stack."""
    folder = home / "stack"
    folder.mkdir()
    head, _, tail = SMALL.partition("jobQueues")
    (folder / "a.yaml").write_text(head)
    (folder / "b.yml").write_text("stack: small\njobQueues" + tail)
    assert cli("apply", "stack", "--auto-approve", *FAST).code == 0
    assert "No changes" in cli("plan", folder / "a.yaml", folder / "b.yml", *FAST).out


def test_a_manifest_as_json_is_no_plan_file(cli: Cli, home: Path) -> None:
    """A manifest may be JSON: apply tells it from a plan file."""
    (home / "m.json").write_text(json.dumps({"stack": "s", "jobDefinitions": {}}))
    assert "not a plan file" in cli("show", "m.json").err
    assert cli("apply", "m.json", "--auto-approve", *FAST).code in (0, 3)
    assert os.listdir(home / "state" / "batchwright")


@pytest.mark.parametrize("verb", ["apply", "destroy", "adopt", "forget"])
def test_json_says_what_it_takes(cli: Cli, verb: str) -> None:
    """Lines of events, and nobody is asked; other verbs print one result."""
    words = " ".join(cli(verb, "--help").out.split())
    assert "a line an event, the report last; asks nothing, so give --auto-approve" in words
    assert "The result as JSON on stdout." in " ".join(cli("plan", "--help").out.split())
