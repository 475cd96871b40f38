"""The command line: one file a group of verbs. The only place that prints.

stdout carries the result, stderr the progress. Verbs are imported when they are called, and heavy imports stand inside
them, so that `--help`, `validate`, `show` and `schema` start at once. Exit codes: 0 done or no changes · 1 error ·
2 changes, drift or findings · 3 refused · 4 in part, or not converged · 130, 143 interrupted.
"""

import gc
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

import click

from reconciler.cli.terminal import Terminal

if TYPE_CHECKING:
    from providers.errors import BatchwrightError

_EPILOG = """\b
Exit codes: 0 done, or nothing to do · 1 error · 2 changes, drift, findings · 3 refused
            4 done in part, or not converged · 130, 143 interrupted

\b
Without an AWS account:
  batchwright plan examples/genomics --provider simulator"""


_COLLECTED = 100_000
"""After how many new objects the collector looks for circles among them; Python's own figure is 700."""

_VERBS: Mapping[str, tuple[str, str]] = {
    "plan": ("planning", "Show what apply would do; changes nothing."),
    "drift": ("planning", "Show what differs from the manifest, and why; exit 2 if so."),
    "rehearse": ("rehearsing", "Play a plan on a model of the account: calls, times, queues; changes nothing."),
    "apply": ("applying", "Make AWS Batch as a manifest says, or carry out a plan file."),
    "destroy": ("applying", "Delete everything that a stack owns."),
    "adopt": ("owning", "Take over what is live under the names of a manifest, and change nothing else."),
    "forget": ("owning", "Let go of objects of a stack without deleting them."),
    "rollback": ("revising", "Make what an older revision of a job definition says the newest again."),
    "prune-revisions": ("revising", "Deregister old revisions of job definitions."),
    "unlock": ("unlocking", "Show who holds the lock of a stack, and remove it where that run is dead."),
    "validate": ("inspecting", "Check a manifest without looking at AWS: all faults at once."),
    "show": ("inspecting", "Show a plan file."),
    "output": ("inspecting", "Print the names and ARNs of what is live."),
    "doctor": ("doctoring", "Say why jobs of a queue may not run; exit 2 if there is something."),
    "export": ("exporting", "Write a manifest of what is live; exit 4 if something of it could not be written."),
    "convert": ("converting", "Write a manifest of what another tool says of AWS Batch."),
    "history": ("inspecting", "Show what earlier runs of a stack did from this machine."),
    "graph": ("inspecting", "Draw what a manifest wants and what needs what."),
    "schema": ("inspecting", "Print the JSON Schema of manifests, or of what a verb prints under --json."),
    "explain": ("explaining", "Tell what a field is, and what a change of it does."),
    "iam": ("permitting", "Print the IAM policy that a plan file takes, or any plan of a manifest."),
    "controller": ("controlling", "Keep stacks that lie in Git, a bucket or a folder as they say."),
    "simulator": ("controlplane", "Serve, show or reset the embedded model of AWS Batch."),
}
"""The verbs in the order of `--help`: the module of each, and its help in a line."""


class _Verbs(click.Group):
    """Imports a verb when it is called, and none to list them all."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _VERBS:
            return None
        module = import_module(f"reconciler.cli.{_VERBS[cmd_name][0]}")
        verb: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return verb

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in _VERBS.items()])


@click.group(
    cls=_Verbs,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="batchwright", message="batchwright %(version)s")
def batchwright() -> None:
    """Keep AWS Batch the way a manifest says it should be."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The entry point: every ending becomes an exit code, and every error of ours a message that says what to do.

    Most of what a run makes lives to its end: the cyclic collector would look through it again and again, and once
    more when the process ends.
    """
    gc.set_threshold(_COLLECTED)
    code = run(arguments)
    gc.freeze()
    sys.exit(code)


def run(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line; its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    terminal = Terminal(json="--json" in given)
    try:
        code = batchwright.main(given, prog_name="batchwright", standalone_mode=False, obj=terminal)
    except click.ClickException as error:
        code = _misused(error, terminal)
    except Exception as error:
        code = _failed(error, terminal)
    return terminal.ended(code if isinstance(code, int) else 0)


def _misused(error: click.ClickException, terminal: Terminal) -> int:
    if terminal.json:
        from plans.failure import told

        terminal.record(told("UsageError", error.format_message(), None, 1))
    else:
        error.show()
    return 1


def _failed(error: Exception, terminal: Terminal) -> int:
    """Tell an error of ours; any other is raised again. The tree of them is imported where there is one."""
    from providers.errors import BatchwrightError, Interrupted

    match error:
        case click.Abort():
            return _told(Interrupted("interrupted; nothing was changed"), terminal)
        case BatchwrightError():
            return _told(error, terminal)
    raise error


def _told(error: "BatchwrightError", terminal: Terminal) -> int:
    from plans.failure import error_json

    if terminal.json:
        terminal.record(error_json(error))
    else:
        terminal.error(str(error), error.hint)
    return error.exit_code
