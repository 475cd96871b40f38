"""The verbs that plan: plan and drift."""

import shlex

import click

from plans import planfile
from plans.views.terminal import render, render_drift
from plans.wish import Wish, dumps
from providers.errors import InputError
from reconciler.cli import planfiles
from reconciler.cli.interrupts import interruptible
from reconciler.cli.options import (
    Given,
    all_kinds,
    asked_options,
    bound_options,
    given,
    jobs_option,
    json_output,
    paths,
    target_options,
    variable_options,
)
from reconciler.cli.progress import asides


@click.command()
@paths
@click.option("--out", metavar="FILE", type=click.Path(), help="Keep the plan in FILE, for apply. It holds secrets.")
@json_output
@click.option("--markdown", "as_markdown", is_flag=True, help="The plan as Markdown on stdout.")
@click.option("--html", "html", metavar="FILE", type=click.Path(), help="The plan as one HTML file.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there is something to do.")
@given(variable_options, asked_options, bound_options, jobs_option, target_options)
def plan(
    options: Given,
    paths: tuple[str, ...],
    out: str | None,
    as_json: bool,
    as_markdown: bool,
    html: str | None,
    detailed_exitcode: bool,
) -> int:
    """Show what apply would do; changes nothing."""
    if as_json and as_markdown:
        raise InputError("stdout takes either --json or --markdown", hint="leave one of the two out")
    if out is not None:
        planfiles.free(out, paths)
    if html is not None:
        planfiles.free_page(html, paths, out)
    kinds, terminal = all_kinds(), options.terminal
    manifest = options.drained(options.manifest(paths, kinds))
    wish = Wish(manifest, options.asked())
    with interruptible() as stop:
        reconciler = options.reconciler(wish.manifest.target, kinds, stop=stop)
        made = reconciler.plan(wish.manifest, asked=wish.asked, on_event=asides(terminal))
    shown = terminal.masked(made)
    if out is not None:
        planfiles.keep(out, dumps(made, wish.manifest, wish.asked))
    if html is not None:
        from plans.views import page

        planfiles.keep(html, terminal.cleared(page.render(shown)))
    if as_json:
        terminal.document(planfile.to_json(shown))
    elif as_markdown:
        from plans.views import markdown

        terminal.result(markdown.render(shown))
    else:
        terminal.result(
            render(shown, color=terminal.coloured, width=terminal.width, verbose=terminal.verbose),
        )
    if out is not None and made.steps and not made.refusals:
        terminal.note(f"To carry out exactly this: {shlex.join(['batchwright', 'apply', out, *options.again()])}")
    if made.refusals:
        return 3
    return 2 if detailed_exitcode and not made.empty else 0


@click.command()
@paths
@json_output
@given(variable_options, bound_options, target_options)
def drift(options: Given, paths: tuple[str, ...], as_json: bool) -> int:
    """Show what differs from the manifest, and why; exit 2 if so."""
    kinds, terminal = all_kinds(), options.terminal
    manifest = options.drained(options.manifest(paths, kinds))
    with interruptible() as stop:
        reconciler = options.reconciler(manifest.target, kinds, stop=stop, looking=True)
        found = reconciler.drift(manifest, on_event=asides(terminal))
    shown = terminal.masked(found)
    if as_json:
        terminal.document(planfile.to_json(shown))
    else:
        terminal.result(
            render_drift(shown, color=terminal.coloured, width=terminal.width, verbose=terminal.verbose),
        )
    if found.refusals:
        return 3
    return 0 if found.empty else 2
