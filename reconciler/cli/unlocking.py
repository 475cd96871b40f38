"""The verb about locks: unlock."""

import attrs
import click

from plans.manifest import Manifest
from plans.printable import plain
from plans.views.wording import whereabouts
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
    reconciler = options.reconciler(manifest.target, kinds, keeping=True)
    freed = reconciler.unlock(manifest.stack)
    holder, lock = freed.holder, str(options.lock)
    if terminal.json:
        who = None if holder is None else attrs.asdict(holder)
        place = {"stack": manifest.stack, "account": freed.account, "region": freed.region, "lock": lock}
        terminal.document({**place, "holder": who, "removed": holder is not None})
        return 0
    told = {**reconciler.target.told, "regionSource": reconciler.connection.region_source}
    terminal.say(" · ".join(whereabouts(freed.account, freed.region, told, manifest.stack)))
    if holder is not None:
        terminal.say(plain(f"Removed: the lock of stack {manifest.stack} was held by {holder}, which is dead."))
        return 0
    terminal.say(plain(f"Nobody holds the lock of stack {manifest.stack} ({lock})."))
    if stack and not options.target(manifest.target).region:
        terminal.say(f"It was looked for in {freed.region} alone; give --region REGION to look in another.")
    return 0
