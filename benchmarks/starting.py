"""The start of the command line: it is started by hand all day."""

from pathlib import Path

from benchmarks.frame import BATCHWRIGHT, PYTHON, Rows, Setting, Skipped, held_against, in_turns, wall
from benchmarks.serving import Holding, serving

THREE = Holding(environments=1, queues=1, definitions=1, revisions=1)


def helps(setting: Setting) -> Rows:
    folder = setting.folder
    ours, theirs, bare = in_turns(
        setting.rounds,
        wall(folder, BATCHWRIGHT, "--help"),
        wall(folder, PYTHON, "-c", "import click"),
        wall(folder, PYTHON, "-c", "pass"),
    )
    yield held_against("--help", ours, theirs, "python -c 'import click'", target=2.0)
    yield held_against("--help, of Python's own start", ours, bare, "python -c pass")


def three(setting: Setting) -> Rows:
    folder = setting.folder
    aws = Path(PYTHON).with_name("aws")
    if not aws.exists():
        yield Skipped("plan of 3 resources", "the AWS CLI is not installed beside Python")
        return
    (folder / "three.json").write_text(THREE.manifest())
    with serving(folder, THREE, frozen=True) as endpoint:
        ours, theirs = in_turns(
            setting.rounds,
            wall(folder, BATCHWRIGHT, "plan", "three.json", "--endpoint-url", endpoint),
            wall(folder, str(aws), "batch", "describe-job-queues", "--endpoint-url", endpoint),
        )
    yield held_against("plan of 3 resources", ours, theirs, "aws batch describe-job-queues", target=1.5)
