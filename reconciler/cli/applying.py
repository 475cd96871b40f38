"""The verbs that change the world: apply and destroy."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs
import click

from plans.manifest import Manifest
from plans.plan import Plan
from plans.report import Report, report_json
from plans.views.terminal import render
from plans.wish import Wish
from providers.errors import InputError, NotConfirmed, PlanRefused
from providers.kinds import Kinds
from reconciler.cli import planfiles
from reconciler.cli.interrupts import breaking, interruptible
from reconciler.cli.options import (
    Given,
    all_kinds,
    asked_options,
    bound_options,
    events_output,
    given,
    jobs_option,
    paths,
    repair_option,
    run_options,
    target_options,
    variable_options,
)
from reconciler.cli.progress import progress
from reconciler.cli.terminal import Terminal, is_terminal

if TYPE_CHECKING:
    from concurrent.futures import Future

approved = click.option("--auto-approve", is_flag=True, help="Do not ask.")


@click.command()
@paths
@approved
@events_output
@given(variable_options, asked_options, bound_options, jobs_option, run_options, target_options)
def apply(options: Given, paths: tuple[str, ...], auto_approve: bool, as_json: bool) -> int:
    """Make AWS Batch as a manifest says, or carry out a plan file."""
    del as_json
    kinds = all_kinds()
    wish = options.wish(paths, kinds)
    wish = attrs.evolve(wish, manifest=options.drained(wish.manifest))
    return carry_out(options, wish, kinds, auto_approve=auto_approve)


@click.command()
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--stack", metavar="NAME", help="The stack, where its manifest is gone.")
@approved
@events_output
@given(variable_options, repair_option, bound_options, jobs_option, run_options, target_options)
def destroy(options: Given, paths: tuple[str, ...], stack: str | None, auto_approve: bool, as_json: bool) -> int:
    """Delete everything that a stack owns."""
    del as_json
    if bool(paths) == bool(stack):
        raise InputError("destroy takes either the paths of a manifest or --stack NAME")
    kinds = all_kinds()
    manifest = Manifest(stack, {}) if stack else options.manifest(paths, kinds)
    wish = Wish(options.drained(manifest), options.asked())
    return carry_out(options, wish, kinds, auto_approve=auto_approve, destroying=True)


def carry_out(
    options: Given,
    wish: Wish,
    kinds: Kinds,
    *,
    auto_approve: bool,
    destroying: bool = False,
    handing_over: bool = False,
) -> int:
    """Show a plan, ask, carry it out and tell how it ended; the exit code."""
    terminal = options.terminal
    terminal.hide(wish.manifest.secrets)
    planfiles.same_provider(wish.held, options.provider)
    seen: list[Plan] = []

    def approve(made: Plan) -> bool:
        seen.append(terminal.masked(made))
        if not terminal.json:
            show(seen[0], None, terminal)
        what = f"Delete all of stack {made.stack}" if destroying else "Carry this out"
        return auto_approve or confirmed(what, made.account, made.region, terminal, stop)

    with interruptible() as stop:
        reconciler = options.reconciler(wish.manifest.target, kinds, stop=stop, keeping=True)
        with refusing(terminal), progress(terminal, seen, reconciler.connection.clock.now) as listener:
            report = reconciler.apply(
                wish.manifest,
                held=wish.held,
                asked=wish.asked,
                destroying=destroying,
                handing_over=handing_over,
                approve=approve,
                on_event=listener,
            )
    _report(report, seen, terminal)
    return report.exit_code


@contextmanager
def refusing(terminal: Terminal) -> Iterator[None]:
    """Show a plan that is refused as `plan` shows it, before its refusal is raised on."""
    try:
        yield
    except PlanRefused as refused:
        if terminal.json or not isinstance(refused.plan, Plan):
            raise
        show(terminal.masked(refused.plan), None, terminal)
        raise PlanRefused("the plan was refused; nothing was changed", hint=refused.hint) from refused


def confirmed(what: str, account: str | None, region: str, terminal: Terminal, stop: "Future[int]") -> bool:
    """Whether the user says yes to what is to be done there; raises NotConfirmed where nobody can be asked."""
    if terminal.json:
        told = "--json shows no plan that could be approved; nothing was changed"
        raise NotConfirmed(told, hint="give --auto-approve")
    if not is_terminal(sys.stdin):
        raise NotConfirmed("there is no terminal to ask on; nothing was changed", hint="give --auto-approve")
    with breaking(stop):
        terminal.aside(f"\n{what} in account {account or 'unknown'}, {region}? [y/N] ")
        answer = sys.stdin.buffer.readline()
    return answer.strip().lower() in (b"y", b"yes")


def _report(report: Report, seen: list[Plan], terminal: Terminal) -> None:
    residue = report.residue and terminal.masked(report.residue)
    masked = attrs.evolve(report, residue=residue)
    if terminal.json:
        terminal.record(report_json(masked))
    elif seen:
        show(seen[0], masked, terminal)
    elif residue is not None:
        show(residue, None, terminal)


def show(made: Plan, report: Report | None, terminal: Terminal) -> None:
    terminal.result(
        render(made, report, color=terminal.coloured, width=terminal.width, verbose=terminal.verbose),
    )
