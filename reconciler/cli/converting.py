"""The verb that writes a manifest of what other tools say: convert."""

import click

from reconciler.adapters.conversion import Conversion
from reconciler.cli import newfile
from reconciler.cli.terminal import Terminal

out_option = click.option(
    "--out", metavar="FILE", type=click.Path(), help="Write to a new FILE, for its owner's eyes alone."
)


@click.group()
def convert() -> None:
    """Write a manifest of what another tool says of AWS Batch; exit 4 if something of it is not in the manifest."""


def told(made: Conversion, terminal: Terminal, out: str | None, *, as_json: bool) -> int:
    """Write the manifest to stdout or to a new file, and all that is to be known of it beside."""
    text = made.json if as_json else made.yaml
    if out is None:
        terminal.result(text)
    else:
        newfile.write(out, text)
    lines = (*made.lacking, *map(str, made.unknowns), *made.notes, *(f"left alone: {it}" for it in made.left_alone))
    for line in lines:
        terminal.note(line)
    if made.steps:
        terminal.note(made.steps)
    if out is not None:
        terminal.note(
            f"{made.count} resource{'' if made.count == 1 else 's'} {'is' if made.count == 1 else 'are'} in {out}."
        )
    return 4 if made.lacking or made.unknowns else 0
