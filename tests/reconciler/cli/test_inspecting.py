"""validate, show, graph, schema, history, output: the verbs that only look."""

from pathlib import Path

import jsonschema
import pytest

from plans import contract
from tests.reconciler.cli.conftest import FAST, SECRET, Cli
from tests.reconciler.cli.test_planning import edited, schema


def test_a_manifest_without_faults(cli: Cli, small: Path) -> None:
    """`validate` counts the resources, and under `--json` names them."""
    said = cli("validate", small)
    assert (said.code, said.out, said.err) == (0, "Stack small: 3 resources, no faults.\n", "")
    told = cli("validate", small, "--json").json
    assert told == {
        "stack": "small",
        "resources": ["compute_environment.fast", "job_queue.high", "job_definition.job"],
    }


def test_all_faults_at_once(cli: Cli, small: Path) -> None:
    """Each fault stands on a line of its own with file, line and column, and under `--json` as an object."""
    edited(small, "priority: 5", "priorty: 1")
    edited(small, "busybox", "busybox, nothing: 1")
    said = cli("validate", small)
    assert (said.code, said.out) == (1, "")
    lines = said.err.splitlines()
    assert lines[0] == f"Error: the manifest has {len(lines) - 1} faults"
    assert all(line.startswith(f"  {small}:") for line in lines[1:])
    told = cli("validate", small, "--json")
    assert (told.code, told.err) == (1, "")
    assert told.json["error"] == "ManifestError"
    assert {(fault["file"], fault["line"]) for fault in told.json["faults"]} == {(str(small), 5), (str(small), 10)}


def test_show_is_the_plan_as_it_was(cli: Cli, small: Path) -> None:
    """`show` tells what `plan` told, and its JSON is the plan's."""
    planned = cli("plan", small, "--out", "plan.json", *FAST)
    said = cli("show", "plan.json")
    assert said.code == 0
    assert said.out.splitlines()[0] == planned.out.splitlines()[0]
    assert said.out.splitlines()[-1] == planned.out.splitlines()[-1]
    jsonschema.validate(cli("show", "plan.json", "--json").json, schema(cli, "plan"))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("path", ["small.yaml", "nowhere", ".", "bytes"])
def test_show_takes_plan_files_alone(cli: Cli, home: Path, path: str) -> None:
    """Anything but a plan file is an error, a file of other bytes too."""
    (home / "bytes").write_bytes(b"\xff\xfe\x00")
    said = cli("show", path)
    assert said.code == 1
    assert path in said.err


@pytest.mark.parametrize(("form", "first"), [("mermaid", "flowchart"), ("dot", "digraph")])
def test_a_graph_has_every_address(cli: Cli, small: Path, form: str, first: str) -> None:
    """`graph` draws each resource in either language."""
    said = cli("graph", small, "--format", form)
    assert said.out.startswith(first)
    for address in ("compute_environment.fast", "job_queue.high", "job_definition.job"):
        assert address in said.out
    assert SECRET not in said.out


def test_a_circle_is_told(cli: Cli, home: Path) -> None:
    """A circle of dependencies is a fault of the manifest for each verb that reads one."""
    (home / "m.yaml").write_text(
        "stack: s\ncomputeEnvironments:\n"
        "  a: {type: UNMANAGED, serviceRole: r, dependsOn: [compute_environment.b]}\n"
        "  b: {type: UNMANAGED, serviceRole: r, dependsOn: [compute_environment.a]}\n"
    )
    for verb in ("validate", "graph", "plan"):
        said = cli(verb, "m.yaml")
        assert said.code == 1
        assert "compute_environment.a -> compute_environment.b -> compute_environment.a" in said.err


@pytest.mark.parametrize("what", ["manifest", "plan", "events"])
def test_schemas_are_schemas(cli: Cli, what: str) -> None:
    """Each published schema is itself one."""
    jsonschema.Draft202012Validator.check_schema(schema(cli, what))


def test_the_schema_of_manifests_is_the_default(cli: Cli) -> None:
    """`schema` alone prints that of the manifest; another word is a mistake."""
    assert cli("schema").out == cli("schema", "manifest").out
    assert cli("schema", "nothing").code == 1


def test_all_schemas_are_written_to_a_folder(cli: Cli, home: Path) -> None:
    """Each to a file that is called by its name and format; a place that is none is an error."""
    assert cli("schema", "--folder", "schemas").code == 0
    written = {path.name: path.read_text() for path in (home / "schemas").iterdir()}
    assert written["plan-1.json"] == cli("schema", "plan").out
    assert sorted(written) == sorted(contract.file_name(name) for name in contract.SCHEMAS)
    said = cli("schema", "--folder", home / "schemas" / "plan-1.json")
    assert (said.code, "cannot be written" in said.err) == (1, True)


def test_history_tells_runs(cli: Cli, applied: Path) -> None:
    """`history` tells each run, `-v` its calls, and `--stack` finds it without the manifest."""
    said = cli("history", applied, *FAST)
    assert said.code == 0
    assert "3 calls  exit 0" in said.out
    assert "CreateJobQueue  done" in cli("history", applied, "-v", *FAST).out
    assert cli("history", "--stack", "small", *FAST).out == said.out
    told = cli("history", "--stack", "small", "--json", *FAST)
    assert (told.code, told.json["stack"], told.json["faults"]) == (0, "small", [])
    assert [call["status"] for call in told.json["runs"][0]["calls"]] == ["done"] * 3


def test_a_stack_without_history(cli: Cli, applied: Path) -> None:
    """Where no run was made, history says so with the region it looked in; `--json` is JSON all the same."""
    said = cli("history", "--stack", "small", "--region", "eu-west-3", *FAST)
    assert said.out == "No run of stack small in region eu-west-3 (from --region) was made from here.\n"
    assert cli("history", "--stack", "none", "--json", *FAST).json == {"stack": "none", "runs": [], "faults": []}
    assert cli("history", *FAST).code == 1
    assert cli("history", applied, "--stack", "small", *FAST).code == 1


def test_output_tells_what_is_live(cli: Cli, applied: Path) -> None:
    """`output` prints an ARN a line, and under `--json` name, ARN and revision by address."""
    document = cli("output", applied, "--json", *FAST).json
    told = document.pop("objects")
    assert document == {"format": 1, "stack": "small", "region": "us-east-1"}
    assert told["job_definition.job"]["name"] == "job"
    assert told["job_definition.job"]["revision"] == "1"
    said = cli("output", applied, *FAST)
    assert said.out.splitlines() == [f"{address}  {row['arn']}" for address, row in told.items()]
    assert len(told) == 3
