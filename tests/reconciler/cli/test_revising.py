"""rollback and prune-revisions: what they show, ask and call, and how they end."""

from pathlib import Path

import pytest

from plans.report import Event, Outcome, Report, Status
from plans.retention import Choice, Family, Revision
from reconciler.cli import revising
from reconciler.cli.terminal import Terminal
from reconciler.revisions import Pruning
from tests.reconciler.cli.conftest import FAST, Cli
from tests.reconciler.cli.test_planning import edited


@pytest.fixture
def grown(cli: Cli, applied: Path) -> Path:
    """The small manifest, after three applies of its definition."""
    edited(applied, "  job:\n", "  job:\n    rollout: {keep: 9}\n")
    for before, after in (("busybox", "busybox:2"), ("busybox:2", "busybox:3")):
        edited(applied, f"image: {before},", f"image: {after},")
        assert cli("apply", applied, "--auto-approve", *FAST).code == 0
    return applied


def active(cli: Cli) -> str:
    """What goes if all but the newest may."""
    said = cli("prune-revisions", "--stack", "small", "--keep", "1", "--dry-run", *FAST)
    assert said.code == 0, said.err
    return said.out


def test_rollback_shows_asks_and_registers(cli: Cli, grown: Path) -> None:
    """By a stack's name or its manifest; what the manifest says now is told to come back."""
    asked = cli("rollback", "job_definition.job", "--stack", "small", *FAST)
    assert asked.code == 3
    assert "from revision 3 back to what revision 2 says (--to 2)" in asked.err
    assert '"busybox:3" → "busybox:2"' in asked.out
    assert "there is no terminal to ask on" in asked.err
    said = cli("rollback", "job_definition.job", grown, "--to", "1", "--auto-approve", *FAST)
    assert said.code == 0, said.err
    assert "Plan: 1 to register" in said.out
    assert "The manifest still says otherwise" in said.err
    assert "hunter2" not in said.out + said.err
    assert "3 of 4 go: 1-3" in active(cli)
    again = cli("rollback", "job_definition.job", grown, "--to", "1", "--auto-approve", *FAST)
    assert (again.code, again.out) == (0, "Nothing to do: revision 4 of job says what revision 1 says.\n")
    as_json = cli("rollback", "job_definition.job", grown, "--to", "1", "--json", *FAST)
    assert (as_json.code, as_json.json["outcomes"]) == (0, [])


def test_rollback_tells_what_the_next_apply_does(cli: Cli, grown: Path) -> None:
    """That the manifest is registered again only where that says otherwise; nobody knows where it was not given."""
    back = ("rollback", "job_definition.job")
    apart = cli(*back, grown, "--to", "1", "--auto-approve", *FAST)
    assert "The manifest still says otherwise" in apart.err
    same = cli(*back, grown, "--to", "3", "--auto-approve", *FAST)
    assert (same.code, "manifest" in same.err) == (0, False)
    edited(grown, "  job:\n", "  work:\n")
    for words in (("--stack", "small"), (grown,)):
        said = cli(*back, *words, "--auto-approve", *FAST)
        assert said.code == 0, said.err
        assert "Unless the manifest says the same of job_definition.job, the next apply changes that again." in said.err


def test_rollback_can_be_looked_at_first(cli: Cli, grown: Path) -> None:
    """`--dry-run` prints the plan, in JSON as `plan` does, and changes nothing, approved or not."""
    for words in ((), ("--auto-approve",)):
        said = cli("rollback", "job_definition.job", grown, "--dry-run", *words, *FAST)
        assert said.code == 0, said.err
        assert '"busybox:3" → "busybox:2"' in said.out
        assert "hunter2" not in said.out + said.err
        assert "The manifest still says" not in said.err
    told = cli("rollback", "job_definition.job", grown, "--dry-run", "--json", *FAST)
    assert (told.code, told.json["summary"]) == (0, {"register": 1})
    same = cli("rollback", "job_definition.job", grown, "--to", "3", "--dry-run", "--json", *FAST)
    assert (same.code, same.json["steps"], same.json["refusals"]) == (0, [], [])
    assert "Nothing to do" in cli("rollback", "job_definition.job", grown, "--to", "3", "--dry-run", *FAST).out
    assert "2 of 3 go: 1-2" in active(cli)
    assert "the report last" in " ".join(cli("rollback", "--help").out.split())


def test_apply_tells_which_revisions_went(cli: Cli, grown: Path) -> None:
    """In the plan's steps and in the report, by name and number."""
    edited(grown, "keep: 9", "keep: 1")
    assert "DeregisterJobDefinition job:2" in cli("plan", grown, "-v", *FAST).out
    said = cli("apply", grown, "--auto-approve", *FAST)
    assert [f"DeregisterJobDefinition job:{number}" in said.out for number in (1, 2, 3)] == [True, True, False]


def test_a_rollback_is_no_edit_of_the_manifest(cli: Cli, grown: Path) -> None:
    """Nobody touched it: drift says what is true of both."""
    assert cli("rollback", "job_definition.job", grown, "--auto-approve", *FAST).code == 0
    said = cli("drift", grown, *FAST)
    assert said.code == 2
    assert "edit: the manifest says something else than what was applied last" in said.out


def test_rollback_speaks_json(cli: Cli, grown: Path) -> None:
    """Lines of events and the report, as apply does."""
    said = cli("rollback", "job_definition.job", grown, "--json", "--auto-approve", *FAST)
    assert said.code == 0
    assert said.lines[-1]["event"] == "report"
    assert said.lines[-1]["counts"] == {"done": 1}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("job_definition.job",), "either the paths of a manifest or --stack NAME"),
        (("job_definition.job", "small.yaml", "--stack", "small"), "either the paths of a manifest or --stack NAME"),
        (("job", "--stack", "small"), "'job' is not an address"),
        (("job_queue.high", "--stack", "small"), "job_queue.high is no job definition"),
        (
            ("job_definition.job", "--stack", "other"),
            "stack other has no ACTIVE revision at job_definition.job in region us-east-1",
        ),
        (("job_definition.job", "--stack", "small", "--to", "9"), "job has no revision 9"),
        (("job_definition.job", "--stack", "small"), "no ACTIVE revision before 1 of this stack"),
    ],
)
@pytest.mark.usefixtures("applied")
def test_rollback_knows_where_to_go_back(cli: Cli, words: tuple[str, ...], told: str) -> None:
    """Anything else is wrong usage."""
    said = cli("rollback", *words, "--auto-approve", *FAST)
    assert said.code == 1
    assert told in said.err


def test_prune_shows_asks_and_deregisters(cli: Cli, grown: Path) -> None:
    """A line a family; unapproved and dry runs change nothing; then there is nothing left to do."""
    for words in (("--dry-run",), ()):
        asked = cli("prune-revisions", grown, "--keep", "2", *words, *FAST)
        assert asked.code == (0 if words else 3)
        assert "- job_definition.job (job)  1 of 3 go: 1\n" in asked.out
        assert "Revisions: 1 to deregister, 2 stay, in 1 family of 1." in asked.out
    said = cli("prune-revisions", grown, "--keep", "2", "--auto-approve", *FAST)
    assert said.code == 0, said.err
    assert "Done: 1 revision deregistered" in said.out
    again = cli("prune-revisions", grown, "--keep", "2", "--auto-approve", *FAST)
    assert again.code == 0
    assert "Nothing to deregister in 1 family." in again.out
    assert "DeregisterJobDefinition" not in again.err
    assert "1 of 2 go: 2" in active(cli)


def test_prune_tells_where(cli: Cli, grown: Path) -> None:
    """Account, region and how they are reached, where nothing goes too; a stack that has nothing there is an error."""
    place = "account 123456789012 · region us-east-1 (from the simulator's default) · stack small · simulator"
    for keep in ("1", "9"):
        assert cli("prune-revisions", grown, "--keep", keep, "--dry-run", *FAST).out.splitlines()[0] == place
    assert cli("prune-revisions", grown, "--keep", "9", "--json", *FAST).json["account"] == "123456789012"
    said = cli("prune-revisions", "--stack", "nope", "--no-pins", "--keep", "1", *FAST)
    assert (said.code, said.out) == (1, "")
    assert "stack nope has no job definition of its own in account 123456789012, region us-east-1" in said.err
    elsewhere = cli("prune-revisions", grown, "--keep", "1", "--region", "eu-west-1", *FAST)
    assert elsewhere.code == 0
    assert elsewhere.out.splitlines()[2:] == [
        "Nothing to deregister: stack small has no job definition of its own here."
    ]


def test_prune_spares_what_the_manifest_pins(cli: Cli, grown: Path) -> None:
    """Without the manifest nobody knows, so that it must be said that nothing is pinned."""
    edited(grown, "  job:\n", "  job:\n    lifecycle: {pinned: [1]}\n")
    refused = cli("prune-revisions", "--stack", "small", "--keep", "1", "--auto-approve", *FAST)
    assert refused.code == 3
    assert "what stack small has pinned stands in its manifest alone" in refused.err
    assert "--no-pins" in refused.err
    dry = cli("prune-revisions", "--stack", "small", "--keep", "1", "--dry-run", *FAST)
    assert "what is pinned is not known" in dry.err
    said = cli("prune-revisions", grown, "--keep", "1", "--auto-approve", *FAST)
    assert said.code == 0
    assert "1 of 3 go: 2 (1 pinned)" in said.out
    assert "1 of 2 go: 1" in active(cli)
    meant = cli("prune-revisions", "--stack", "small", "--no-pins", "--keep", "1", "--auto-approve", *FAST)
    assert meant.code == 0
    assert "Nothing to deregister" in active(cli)


def test_prune_keeps_what_the_block_keeps(cli: Cli, grown: Path) -> None:
    """Unless a number is given; pins that hold nothing are told, in JSON too."""
    edited(grown, "rollout: {keep: 9}", "lifecycle: {pinned: [8]}")
    said = cli("prune-revisions", grown, "--older-than", "1h", "--unused", "--dry-run", *FAST)
    assert (said.code, "Nothing to deregister in 1 family." in said.out) == (0, True)
    assert "Warning: job_definition.job: lifecycle.pinned says 8, which is no ACTIVE revision of ours\n" in said.out
    told = cli("prune-revisions", grown, "--unused", "--dry-run", "--json", *FAST)
    assert len(told.json["warnings"]) == 1
    assert "2 of 3 go" in cli("prune-revisions", grown, "--keep", "1", "--dry-run", *FAST).out


def test_prune_speaks_json(cli: Cli, grown: Path) -> None:
    """One document: what was chosen, what was done, and how it ended."""
    unapproved = cli("prune-revisions", grown, "--unused", "--keep", "1", "--json", *FAST)
    assert (unapproved.code, unapproved.json["error"]) == (3, "NotConfirmed")
    dry = cli("prune-revisions", grown, "--unused", "--keep", "1", "--json", "--dry-run", *FAST)
    assert (dry.code, dry.json["chosen"], dry.json["deregistered"]) == (0, 2, 0)
    said = cli("prune-revisions", grown, "--unused", "--keep", "1", "--json", "--auto-approve", *FAST)
    assert said.code == 0
    told = said.json
    (family,) = told["families"]
    assert (family["chosen"], family["deregistered"], family["stay"]) == ([1, 2], [1, 2], 1)
    assert (told["stack"], told["chosen"], told["deregistered"], told["exit_code"]) == ("small", 2, 2, 0)
    assert told["calls"]["DeregisterJobDefinition"] == 2


def test_prune_tells_what_it_left_alone(cli: Cli, grown: Path) -> None:
    """A named family of another stack, with whose it is."""
    del grown
    said = cli("prune-revisions", "--name", "job", "--foreign", "--keep", "1", "--auto-approve", *FAST)
    assert said.code == 0
    assert "= job  left alone: it belongs to stack small" in said.out
    assert "2 of 3 go" in active(cli)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--keep", "1"), "whose revisions?"),
        (("--keep", "1", "--name", "job"), "whose revisions?"),
        (("--keep", "1", "--foreign"), "whose revisions?"),
        (("small.yaml",), "which revisions?"),
        (("small.yaml", "--keep", "0"), "0 is not in the range"),
        (("small.yaml", "--older-than", "soon"), "soon is not a duration"),
        (("small.yaml", "--stack", "small", "--keep", "1"), "either the paths of a manifest or --stack NAME"),
        (("small.yaml", "--stack", "small", "--keep", "1"), "→ leave one of the two out"),
        (("small.yaml", "--keep", "1", "--no-pins"), "--no-pins goes with --stack"),
        (("small.yaml", "--name", "jbo", "--keep", "1"), "jbo: there is no ACTIVE revision of that name"),
    ],
)
@pytest.mark.usefixtures("applied")
def test_prune_knows_what_it_is_asked(cli: Cli, words: tuple[str, ...], told: str) -> None:
    """Whose revisions and which must both be said."""
    said = cli("prune-revisions", *words, "--auto-approve", *FAST)
    assert said.code == 1
    assert told in said.err


def ended(*statuses: Status, interrupted_by: int | None = None) -> Pruning:
    """A run over revisions of one family that ended so, one revision after the other."""
    going = tuple(
        Revision("job", number, f"arn:{number}", "small", "job_definition.job", True, None)
        for number in range(1, len(statuses) + 3)
    )
    outcomes = tuple(
        Outcome(
            f"deregister:job:{number}",
            "job_definition.job",
            "DeregisterJobDefinition",
            status,
            error="AWS said no" if status == "failed" else None,
            hint="ask it again" if status == "failed" else None,
            exit_code=int(status == "failed"),
        )
        for number, status in enumerate(statuses, 1)
    )
    choice = Choice((Family("job", "job_definition.job", going, 1),), 1, {})
    report = Report("", outcomes, interrupted_by=interrupted_by, seconds=12.0)
    return Pruning("small", "123456789012", "us-east-1", choice, report)


@pytest.mark.parametrize(
    ("made", "lines"),
    [
        (
            ended("done", "failed", "failed"),
            [
                "Done in part: 1 revision deregistered, 4 left, in 12s.",
                "  2 failed: AWS said no",
                "    → ask it again",
                "The same command again goes on from here.",
            ],
        ),
        (
            ended("done", "done", "interrupted", interrupted_by=2),
            [
                "Interrupted: 2 revisions deregistered, 3 left, in 12s.",
                "The same command again goes on from here.",
            ],
        ),
    ],
)
def test_prune_tells_how_it_ended(made: Pruning, lines: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Each kind of failure once, what is left, and that the same command goes on."""
    assert made.report is not None
    revising.tell(made, made.report, Terminal())
    assert capsys.readouterr().out.splitlines() == lines
    told = revising.to_json(made)
    assert told["exit_code"] == (4 if made.report.interrupted_by is None else 130)
    assert told["deregistered"] == made.report.counts["done"]
    assert [row["error"] for row in told["failures"]] == ["AWS said no"] * made.report.counts.get("failed", 0)


def test_prune_tells_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """A line a hundred revisions, the first failure, repeats, and the signal."""
    listen = revising.progress(Terminal())
    for _ in range(250):
        listen(Event("finished", 0.0, "deregister:job:1"))
    for _ in range(3):
        listen(Event("failed", 0.0, "deregister:job:2", detail={"error": "AWS said no"}))
    listen(Event("retried", 0.0, detail={"error": "slower", "seconds": 1.0, "operation": "DeregisterJobDefinition"}))
    listen(Event("interrupted", 0.0, detail={"signal": 2}))
    said = capsys.readouterr().err.splitlines()
    assert said[:3] == ["100 deregistered", "200 deregistered", "deregister:job:2 failed: AWS said no"]
    assert said[3].endswith("will be tried again in 1.0 s: slower")
    assert "calls in flight finish" in said[4]
    assert len(said) == 5
