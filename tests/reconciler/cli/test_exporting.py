"""export: where its result goes, what it says beside it, and how it ends."""

import stat
from pathlib import Path

import pytest
import yaml

from plans.export import Export, Selection
from providers.simulator import Fault, Simulator, Store
from reconciler.engine import Reconciler
from reconciler.telling import OnEvent
from tests import servers
from tests.reconciler.cli.conftest import FAST, SECRET, Cli


def test_a_stack_is_written_and_planned(cli: Cli, applied: Path) -> None:
    """The manifest stands on stdout and nothing beside it; its plan is empty."""
    said = cli("export", "--stack", "small", *FAST)
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[0].startswith("# Stack small as it is live in account ")
    assert SECRET in said.out
    (applied.parent / "again.yaml").write_text(said.out)
    planned = cli("plan", "again.yaml", "--detailed-exitcode", *FAST)
    assert (planned.code, planned.out.splitlines()[-1]) == (0, "No changes. 3 resources are as the manifest says.")


@pytest.mark.usefixtures("applied")
def test_json_is_a_manifest_too(cli: Cli, home: Path) -> None:
    """The same document, and a plan reads it."""
    said = cli("export", "--stack", "small", "--json", *FAST)
    assert said.json == yaml.safe_load(cli("export", "--stack", "small", *FAST).out)
    (home / "again.json").write_text(said.out)
    assert cli("plan", "again.json", "--detailed-exitcode", *FAST).code == 0


@pytest.mark.usefixtures("applied")
def test_a_new_file_for_its_owner_alone(cli: Cli, home: Path) -> None:
    """It holds secrets; what is there already is not written over, whatever it is."""
    said = cli("export", "--stack", "small", "--out", "out.yaml", *FAST)
    assert (said.code, said.out) == (0, "")
    assert said.err.startswith("3 resources of account ")
    assert said.err.endswith(" are in out.yaml.\n")
    assert stat.S_IMODE((home / "out.yaml").stat().st_mode) == 0o600
    before = (home / "out.yaml").read_text()
    assert before == cli("export", "--stack", "small", *FAST).out
    again = cli("export", "--all", "--out", "out.yaml", *FAST)
    assert (again.code, again.err.splitlines()[0]) == (1, "Error: out.yaml exists already")
    assert (home / "out.yaml").read_text() == before
    (home / "link").symlink_to(home / "nothing")
    assert cli("export", "--stack", "small", "--out", "link", *FAST).code == 1
    assert not (home / "nothing").exists()
    said = cli("export", "--stack", "small", "--out", "no/folder.yaml", *FAST)
    assert (said.code, "no/folder.yaml cannot be written" in said.err) == (1, True)


@pytest.mark.usefixtures("applied")
def test_a_file_that_appears_meanwhile_is_not_written_over(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The world takes its time to be read."""
    read = Reconciler.export

    def late(reconciler: Reconciler, selection: Selection, *, on_event: OnEvent) -> Export:
        (home / "out.yaml").write_text("mine")
        return read(reconciler, selection, on_event=on_event)

    monkeypatch.setattr(Reconciler, "export", late)
    assert cli("export", "--stack", "small", "--out", "out.yaml", *FAST).code == 1
    assert (home / "out.yaml").read_text() == "mine"


@pytest.mark.usefixtures("applied")
def test_what_is_left_out_is_said_on_stderr(cli: Cli) -> None:
    """What a stack owns is not taken from it, so here nothing is left; the manifest of that stack has it."""
    said = cli("export", "--name-prefix", "", "--as", "mine", *FAST)
    assert (said.code, said.out) == (1, "")
    assert "there is nothing to export in account" in said.err
    assert "left out: 3 objects of the stack small, which --stack small exports" in said.err
    assert cli("export", "--all", "--as", "small", *FAST).out == cli("export", "--stack", "small", *FAST).out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "export takes one of --stack NAME, --all and --name-prefix PREFIX"),
        (("--stack", "small", "--all"), "export takes one of"),
        (("--all", "--name-prefix", "a"), "export takes one of"),
        (("--stack", "small", "--as", "other"), "--as goes with --all and --name-prefix"),
        (("--all", "--as", 'a "b'), "'a \"b' is not a name of a stack"),
    ],
)
def test_what_export_does_not_take(cli: Cli, words: tuple[str, ...], told: str) -> None:
    """One selection, and a name that a stack can have, before anything is read."""
    said = cli("export", *words, *FAST)
    assert (said.code, said.out) == (1, "")
    assert told in said.err
    assert not Path(".batchwright").exists()


def test_a_manifest_in_part_says_so(cli: Cli, home: Path, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a kind may not be read the exit code is 4, and stderr and the head of the file name the kind."""
    for key, value in servers.KEYS.items():
        monkeypatch.setenv(key, value)
    store = Store.open(home / "served.db", 0.0, 1000.0)
    simulator = Simulator(store, store.clock())
    with servers.simulator(simulator) as (url, _):
        words = ("--region", "eu-west-1", "--speed", "1000", "--endpoint-url", url)
        assert cli("apply", small, "--auto-approve", *words).code == 0
        simulator.inject(Fault("DescribeJobQueues", "denied", times=None))
        said = cli("export", "--stack", "small", *words)
    store.close()
    assert said.code == 4
    (line,) = said.err.splitlines()
    assert line.startswith("job queues are missing here: DescribeJobQueues: ")
    assert said.out.splitlines()[1] == f"# {line}"
    assert yaml.safe_load(said.out).keys() == {"stack", "target", "computeEnvironments", "jobDefinitions"}
