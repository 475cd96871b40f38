"""The verb that plays a plan on a model of the account."""

from typing import get_args

import attrs
import click

from plans import rehearsal as rehearsals
from plans.views import rehearsal as view
from plans.views import rehearsal_page
from providers.errors import InputError
from reconciler.cli import planfiles
from reconciler.cli.applying import refusing
from reconciler.cli.interrupts import interruptible
from reconciler.cli.options import (
    Given,
    all_kinds,
    asked_options,
    bound_options,
    given,
    json_output,
    paths,
    target_options,
    timeout_option,
    variable_options,
)
from reconciler.cli.progress import asides


@click.command()
@paths
@click.option("--seed", type=int, default=0, show_default=True, help="What all dice of the rehearsal hang on.")
@click.option(
    "--faults",
    type=click.Choice(get_args(rehearsals.Faults)),
    default="none",
    show_default=True,
    help="What calls meet in all runs but the first three.",
)
@click.option(
    "--runs", type=click.IntRange(1, 1000), default=rehearsals.RUNS, show_default=True, help="How often it is played."
)
@click.option("--calibrate", is_flag=True, help="Take durations from the journal of this stack, where it has some.")
@json_output
@click.option("--html", metavar="FILE", type=click.Path(), help="The rehearsal as one HTML file, with a picture.")
@given(variable_options, asked_options, bound_options, timeout_option, target_options)
def rehearse(
    options: Given,
    paths: tuple[str, ...],
    seed: int,
    faults: rehearsals.Faults,
    runs: int,
    calibrate: bool,
    as_json: bool,
    html: str | None,
) -> int:
    """Play a plan on a model of the account: calls, times, queues; changes nothing.

    Takes a plan file too. Exit 2 if a run that meets no faults does not do all that is planned.
    """
    if faults != "none" and runs <= rehearsals.CALM:
        told = f"the first {rehearsals.CALM} runs meet no faults, and this is {runs}"
        raise InputError(told, hint=f"give --runs {rehearsals.CALM + 1} or more")
    if html is not None:
        planfiles.free_page(html, paths)
    kinds, terminal = all_kinds(), options.terminal
    wish = options.wish(paths, kinds)
    planfiles.same_provider(wish.held, options.provider)
    manifest = options.drained(wish.manifest)
    with interruptible() as stop, refusing(terminal):
        reconciler = options.reconciler(manifest.target, kinds, stop=stop, looking=calibrate)
        found = reconciler.rehearse(
            manifest,
            held=wish.held,
            asked=wish.asked,
            seed=seed,
            faults=faults,
            runs=runs,
            calibrate=calibrate,
            on_event=asides(terminal),
        )
    shown = attrs.evolve(found, plan=terminal.masked(found.plan))
    if calibrate and shown.runs and not shown.observations:
        terminal.note("--calibrate rests on nothing: the journal has no waits of this stack, so the table holds")
    if html is not None:
        planfiles.keep(html, terminal.cleared(rehearsal_page.render(shown)))
    if as_json:
        terminal.document(rehearsals.to_json(shown))
    else:
        for line in view.lines(shown, width=terminal.width, verbose=terminal.verbose):
            terminal.say(line)
    return 0 if shown.sound else 2
