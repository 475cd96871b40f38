"""The verb that writes a manifest of what is live: export."""

import click

from plans.export import Selection
from plans.manifest import Source, parse
from plans.written import to_json
from providers.errors import InputError
from providers.kinds import Kinds
from providers.resources import Target
from reconciler.cli import newfile
from reconciler.cli.interrupts import interruptible
from reconciler.cli.options import Given, all_kinds, given, json_output, target_options
from reconciler.cli.progress import asides


@click.command()
@click.option("--stack", metavar="NAME", help="What this stack owns.")
@click.option("--all", "everything", is_flag=True, help="Everything that no stack owns.")
@click.option("--name-prefix", metavar="PREFIX", help="What no stack owns and whose name begins so.")
@click.option(
    "--as", "as_stack", metavar="NAME", help="With --all and --name-prefix: the stack of the manifest.  [exported]"
)
@click.option("--out", metavar="FILE", type=click.Path(), help="Write to a new FILE, for its owner's eyes alone.")
@json_output
@given(target_options)
def export(
    options: Given,
    stack: str | None,
    everything: bool,
    name_prefix: str | None,
    as_stack: str | None,
    out: str | None,
    as_json: bool,
) -> int:
    """Write a manifest of what is live.

    Exit 4 if something of it could not be written.
    """
    kinds, terminal = all_kinds(), options.terminal
    selection = _selection(stack, everything, name_prefix, as_stack, kinds)
    if out is not None:
        newfile.free(out)
    with interruptible() as stop:
        reconciler = options.reconciler(Target(), kinds, stop=stop)
        made = reconciler.export(selection, on_event=asides(terminal))
    text = made.json if as_json else made.yaml
    if out is None:
        terminal.result(text)
    else:
        newfile.write(out, text)
    for line in (*made.lacking, *made.notes):
        terminal.note(line)
    if out is not None:
        terminal.note(f"{made.count} resource{'' if made.count == 1 else 's'} of {made.where} are in {out}.")
    return 4 if made.lacking else 0


def _selection(
    stack: str | None, everything: bool, prefix: str | None, as_stack: str | None, kinds: Kinds
) -> Selection:
    if [stack is not None, everything, prefix is not None].count(True) != 1:
        raise InputError("export takes one of --stack NAME, --all and --name-prefix PREFIX")
    if stack is not None and as_stack is not None:
        raise InputError("--as goes with --all and --name-prefix", hint="what a stack owns stays that stack's")
    name = stack or as_stack or "exported"
    parse([Source("the name of the stack", to_json({"stack": name}).encode())], variables={}, kinds=kinds)
    return Selection(name, None if stack is not None else prefix or "")
