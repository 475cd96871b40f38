"""The verb about locks: unlock."""

import attrs
import click

from plans.manifest import Manifest
from plans.printable import plain
from providers.errors import InputError
from reconciler.cli.options import Given, all_kinds, given, json_output, lock_option, target_options, variable_options


@click.command()
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--stack", metavar="NAME", help="The stack, in place of the paths of its manifest.")
@json_output
@given(variable_options, lock_option, target_options)
def unlock(options: Given, paths: tuple[str, ...], stack: str | None, as_json: bool) -> int:
    """Show who holds the lock of a stack, and remove it where that run is dead.

    Refused (3) as long as it may be alive: a file is held as long as the process lives, a lock in a service until its
    term is over, unless its process was one of this machine and is gone.
    """
    del as_json
    if bool(paths) == bool(stack):
        raise InputError("unlock takes either the paths of a manifest or --stack NAME")
    kinds, terminal = all_kinds(), options.terminal
    manifest = Manifest(stack, {}) if stack else options.manifest(paths, kinds)
    holder = options.reconciler(manifest.target, kinds, keeping=True).unlock(manifest.stack)
    if terminal.json:
        who = None if holder is None else attrs.asdict(holder)
        lock = str(options.lock)
        terminal.document({"stack": manifest.stack, "lock": lock, "holder": who, "removed": holder is not None})
    elif holder is None:
        terminal.say(plain(f"Nobody holds the lock of stack {manifest.stack} ({options.lock})."))
    else:
        terminal.say(plain(f"Removed: the lock of stack {manifest.stack} was held by {holder}, which is dead."))
    return 0
