"""The command line: one file a group of verbs. The only place that prints.

stdout carries the result, stderr the progress. Heavy imports stand inside the verbs, so that `--help`, `validate`,
`show` and `schema` start at once. Exit codes: 0 done or no changes · 1 error · 2 changes or drift · 3 refused · 4 in
part, or not converged · 130, 143 interrupted.
"""

import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import attrs
import click

from plans.plan import Plan
from providers.errors import BatchwrightError, Interrupted, ManifestError, PlanRefused
from reconciler.cli import applying, controlplane, inspecting, planning
from reconciler.cli.terminal import Terminal

_EPILOG = """\b
Exit codes: 0 done, or nothing to do · 1 error · 2 changes or drift · 3 refused
            4 done in part, or not converged · 130, 143 interrupted

\b
Without an AWS account:
  batchwright plan examples/genomics --provider simulator"""


class _InOrder(click.Group):
    """Lists its verbs in the order in which they were given to it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(self.commands)


@click.group(
    cls=_InOrder,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="batchwright", message="batchwright %(version)s")
def batchwright() -> None:
    """Keep AWS Batch the way a manifest says it should be."""


for command in (*planning.COMMANDS, *applying.COMMANDS, *inspecting.COMMANDS, controlplane.simulator):
    batchwright.add_command(command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The entry point: every ending becomes an exit code, and every error of ours a message that says what to do."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line; its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    terminal = Terminal(json="--json" in given)
    try:
        code = batchwright.main(given, prog_name="batchwright", standalone_mode=False, obj=terminal)
    except click.ClickException as error:
        code = _misused(error, terminal)
    except click.Abort:
        code = _told(Interrupted("interrupted; nothing was changed"), terminal)
    except BatchwrightError as error:
        code = _told(error, terminal)
    return terminal.ended(code if isinstance(code, int) else 0)


def _misused(error: click.ClickException, terminal: Terminal) -> int:
    if terminal.json:
        terminal.record({"error": "UsageError", "message": error.format_message(), "hint": None, "exit_code": 1})
    else:
        error.show()
    return 1


def _told(error: BatchwrightError, terminal: Terminal) -> int:
    code = 128 + error.signal if isinstance(error, Interrupted) else error.exit_code
    if terminal.json:
        said = {"error": type(error).__name__, "message": str(error), "hint": error.hint, "exit_code": code}
        terminal.record(said | _more(error))
    else:
        terminal.error(str(error), error.hint)
    return code


def _more(error: BatchwrightError) -> dict[str, Any]:
    match error:
        case ManifestError(faults=faults):
            return {"faults": [attrs.asdict(fault) for fault in faults]}
        case PlanRefused(plan=Plan(refusals=refusals)):
            return {"refusals": [attrs.asdict(refusal) for refusal in refusals]}
        case _:
            return {}
