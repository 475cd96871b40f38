"""The verbs that change whose objects are, and nothing else: adopt and forget."""

import click

from plans.handover import adopting, forgetting
from plans.wish import Wish
from reconciler.cli.applying import approved, carry_out
from reconciler.cli.options import (
    Given,
    addresses,
    all_kinds,
    events_output,
    given,
    paths,
    run_options,
    target_options,
    variable_options,
)


@click.command()
@paths
@approved
@events_output
@given(variable_options, run_options, target_options)
def adopt(options: Given, paths: tuple[str, ...], auto_approve: bool, as_json: bool) -> int:
    """Take over what is live under the names of a manifest.

    It gets our tags and stays as it is otherwise; what differs is told, and shown by the next plan.
    """
    del as_json
    kinds = all_kinds()
    wish = Wish(adopting(options.manifest(paths, kinds)))
    return carry_out(options, wish, kinds, auto_approve=auto_approve, handing_over=True)


@click.command()
@click.argument("texts", metavar="ADDRESS...", nargs=-1, required=True)
@click.option("--stack", metavar="NAME", required=True, help="The stack that lets go.")
@approved
@events_output
@given(run_options, target_options)
def forget(options: Given, texts: tuple[str, ...], stack: str, auto_approve: bool, as_json: bool) -> int:
    """Let go of objects of a stack without deleting them.

    They lose our tags, all revisions of a definition included; an ADDRESS is KIND.NAME. Take their blocks out of the
    manifest too: a block whose object is nobody's is refused.
    """
    del as_json
    wish = Wish(forgetting(stack, addresses(texts)))
    return carry_out(options, wish, all_kinds(), auto_approve=auto_approve, handing_over=True)
