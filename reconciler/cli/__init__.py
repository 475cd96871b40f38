"""The command line: one file a group of verbs. The only place that prints.

stdout carries the result, stderr the progress. Heavy imports stand inside the verbs, so that `--help`, `validate`,
`show` and `schema` start at once. Exit codes: 0 done or no changes · 1 error · 2 changes or drift · 3 refused · 4 in
part, or not converged · 130, 143 interrupted.
"""

import json
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from providers.errors import BatchwrightError, Interrupted
from reconciler.cli import controlplane, inspecting, planning
from reconciler.cli.terminal import Terminal


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="batchwright", message="batchwright %(version)s")
def batchwright() -> None:
    """Keep AWS Batch the way a manifest says it should be."""


for command in (*planning.COMMANDS, *inspecting.COMMANDS, controlplane.simulator):
    batchwright.add_command(command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The entry point: every ending becomes an exit code, and every error of ours a message that says what to do."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line; its exit code."""
    terminal = Terminal()
    try:
        code = batchwright.main(arguments, prog_name="batchwright", standalone_mode=False, obj=terminal)
    except click.ClickException as error:
        if terminal.json:
            _object({"error": "UsageError", "message": error.format_message(), "exit_code": 1})
        else:
            error.show()
        return 1
    except click.Abort:
        click.echo("interrupted", err=True)
        return 130
    except BatchwrightError as error:
        return _told(error, terminal)
    except BrokenPipeError:
        # Whoever read our output has read enough; the interpreter must not complain about it at its exit.
        sys.stdout = None
        return 0
    return code if isinstance(code, int) else 0


def _told(error: BatchwrightError, terminal: Terminal) -> int:
    code = 128 + error.signal if isinstance(error, Interrupted) else error.exit_code
    if terminal.json:
        _object({"error": type(error).__name__, "message": str(error), "hint": error.hint, "exit_code": code})
    else:
        terminal.error(str(error), error.hint)
    return code


def _object(document: object) -> None:
    click.echo(json.dumps(document))
