"""The verbs that plan and carry out: plan, apply, destroy, drift."""

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import attrs
import click

from plans import planfile
from plans.document import from_document, to_document
from plans.manifest import Manifest
from plans.masking import mask_plan
from plans.plan import Plan
from plans.report import Report, report_json
from plans.views import markdown, page
from plans.views.terminal import render, render_drift
from providers.errors import InputError, NotConfirmed, PlanFileError, PlanRefused
from providers.kinds import Kinds
from providers.resources import Address, Drain
from reconciler.cli.options import (
    Given,
    addresses,
    all_kinds,
    bound_options,
    given,
    json_output,
    only_option,
    paths,
    run_options,
    target_options,
    variable_options,
)
from reconciler.cli.progress import progress
from reconciler.cli.terminal import Terminal

if TYPE_CHECKING:
    from concurrent.futures import Future


_markdown = click.option("--markdown", "as_markdown", is_flag=True, help="The plan as Markdown on stdout.")
_html = click.option("--html", "html", metavar="FILE", type=click.Path(), help="The plan as one HTML file.")
_approved = click.option("--auto-approve", is_flag=True, help="Do not ask.")


@attrs.frozen
class Wish:
    """What is to be made true: a manifest, the addresses it is kept to, and the plan that was promised, if any."""

    manifest: Manifest
    only: tuple[Address, ...] = ()
    held: Plan | None = None


@click.command()
@paths
@click.option("--out", metavar="FILE", type=click.Path(), help="Keep the plan in a file, for apply.")
@json_output
@_markdown
@_html
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there is something to do.")
@only_option
@given(variable_options, target_options, bound_options)
def plan(
    options: Given,
    paths: tuple[str, ...],
    out: str | None,
    as_json: bool,
    as_markdown: bool,
    html: str | None,
    detailed_exitcode: bool,
    only: tuple[str, ...],
) -> int:
    """Show what apply would do. Changes nothing."""
    kinds, terminal = all_kinds(), options.terminal
    wish = Wish(_drained(options, options.manifest(paths, kinds)), addresses(only))
    with _interruptible() as stop:
        reconciler = options.reconciler(wish.manifest.target, kinds, stop=stop)
        made = reconciler.plan(wish.manifest, choose=wish.only)
    shown = mask_plan(made, terminal.salt)
    if out is not None:
        document = {"manifest": to_document(wish.manifest), "only": [str(address) for address in wish.only]}
        _keep(out, planfile.dumps(made, document))
    if html is not None:
        _keep(html, page.render(shown))
    if as_json:
        click.echo(json.dumps(planfile.to_json(shown), indent=1))
    elif as_markdown:
        click.echo(markdown.render(shown), nl=False)
    else:
        _show(shown, terminal)
    if out is not None and made.steps and not made.refusals:
        terminal.note(f"To carry out exactly this: batchwright apply {out}")
    if made.refusals:
        return 3
    return 2 if detailed_exitcode and not made.empty else 0


@click.command()
@paths
@_approved
@json_output
@only_option
@given(variable_options, target_options, bound_options, run_options)
def apply(options: Given, paths: tuple[str, ...], auto_approve: bool, as_json: bool, only: tuple[str, ...]) -> int:
    """Make AWS Batch as the manifest says, or carry out a plan file."""
    del as_json
    kinds = all_kinds()
    held = _held(paths)
    if held is not None and (only or options.variables or options.variable_files):
        raise InputError("a plan file holds its variables and addresses already", hint="leave the options out")
    wish = held or Wish(options.manifest(paths, kinds), addresses(only))
    wish = attrs.evolve(wish, manifest=_drained(options, wish.manifest))
    return _carry_out(options, wish, kinds, auto_approve=auto_approve, destroying=False)


@click.command()
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--stack", metavar="NAME", help="The stack, where its manifest is gone.")
@_approved
@json_output
@given(variable_options, target_options, bound_options, run_options)
def destroy(options: Given, paths: tuple[str, ...], stack: str | None, auto_approve: bool, as_json: bool) -> int:
    """Delete everything that a stack owns."""
    del as_json
    if bool(paths) == bool(stack):
        raise InputError("destroy takes either the paths of a manifest or --stack NAME")
    kinds = all_kinds()
    manifest = Manifest(stack, {}) if stack else options.manifest(paths, kinds)
    wish = Wish(_drained(options, manifest))
    return _carry_out(options, wish, kinds, auto_approve=auto_approve, destroying=True)


@click.command()
@paths
@json_output
@given(variable_options, target_options, bound_options)
def drift(options: Given, paths: tuple[str, ...], as_json: bool) -> int:
    """Show what moved away from the manifest; exit 2 if anything did."""
    kinds, terminal = all_kinds(), options.terminal
    manifest = options.manifest(paths, kinds)
    with _interruptible() as stop:
        found = options.reconciler(manifest.target, kinds, stop=stop).drift(manifest)
    shown = mask_plan(found, terminal.salt)
    if as_json:
        click.echo(json.dumps(planfile.to_json(shown), indent=1))
    else:
        text = render_drift(shown, color=terminal.coloured, width=terminal.width, verbose=terminal.verbose)
        click.echo(text, nl=False, color=terminal.coloured)
    if found.refusals:
        return 3
    return 0 if found.empty else 2


COMMANDS = (plan, apply, destroy, drift)


def _carry_out(options: Given, wish: Wish, kinds: Kinds, *, auto_approve: bool, destroying: bool) -> int:
    terminal = options.terminal
    seen: list[Plan] = []

    def approve(made: Plan) -> bool:
        seen.append(mask_plan(made, terminal.salt))
        if not terminal.json:
            _show(seen[0], terminal)
        return auto_approve or _confirmed(made, destroying)

    with _interruptible() as stop:
        reconciler = options.reconciler(wish.manifest.target, kinds, stop=stop)
        try:
            with progress(terminal, seen) as listener:
                report = reconciler.apply(
                    wish.manifest,
                    held=wish.held,
                    choose=wish.only,
                    destroying=destroying,
                    approve=approve,
                    on_event=listener,
                )
        except PlanRefused as refused:
            if isinstance(refused.plan, Plan) and not terminal.json:
                _show(mask_plan(refused.plan, terminal.salt), terminal)
            raise
    _report(report, seen, terminal)
    return report.exit_code


def _confirmed(made: Plan, destroying: bool) -> bool:
    if not sys.stdin.isatty():
        raise NotConfirmed("there is no terminal to ask on; nothing was changed", hint="give --auto-approve")
    what = f"Delete all of stack {made.stack}" if destroying else "Carry this out"
    return click.confirm(f"\n{what} in account {made.account or 'unknown'}, {made.region}?", err=True)


def _report(report: Report, seen: list[Plan], terminal: Terminal) -> None:
    residue = report.residue and mask_plan(report.residue, terminal.salt)
    masked = attrs.evolve(report, residue=residue)
    if terminal.json:
        click.echo(json.dumps(report_json(masked)))
        return
    made = seen[0] if seen else residue
    if made is None:
        return
    text = render(
        made,
        masked if seen else None,
        color=terminal.coloured,
        width=terminal.width,
        verbose=terminal.verbose,
    )
    click.echo(text, nl=False, color=terminal.coloured)


def _show(made: Plan, terminal: Terminal) -> None:
    text = render(made, color=terminal.coloured, width=terminal.width, verbose=terminal.verbose)
    click.echo(text, nl=False, color=terminal.coloured)


def _drained(options: Given, manifest: Manifest) -> Manifest:
    """The manifest with `--drain` in place of its policy's, since what left it took its own drain along."""
    if options.drain is None:
        return manifest
    drain = Drain(options.drain)  # type: ignore[arg-type]
    return attrs.evolve(manifest, policy=attrs.evolve(manifest.policy, drain=drain))


def _held(paths: tuple[str, ...]) -> Wish | None:
    """The wish of a plan file, or None where the path is a manifest."""
    text = plan_text(paths[0]) if len(paths) == 1 else None
    if text is None:
        return None
    held, document = planfile.loads(text)
    try:
        manifest = from_document(document["manifest"])
        only = tuple(Address.parse(text) for text in document["only"])
    except (LookupError, TypeError, ValueError) as error:
        raise PlanFileError("the plan file holds no manifest that can be read", hint="plan again") from error
    return Wish(manifest, only, held)


def plan_text(path: str) -> str | None:
    """The text of a plan file; None where the file is something else, such as a manifest."""
    if os.path.isdir(path):
        return None
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(planfile.MAX_CHARACTERS + 1)
    except UnicodeDecodeError:
        return None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", hint="is the path right?") from error
    head = text[:200].replace(" ", "")
    return text if head.lstrip().startswith("{") and '"batchwright":"plan"' in head else None


def _keep(path: str, text: str) -> None:
    """Write a file that only its owner may read: a plan file holds values in the clear."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, 0o600)
            file.write(text)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}", hint="give another file") from error


@contextmanager
def _interruptible() -> "Iterator[Future[int]]":
    """A future that the first SIGINT or SIGTERM completes; a second one ends the process at once."""
    from concurrent.futures import Future

    stop: Future[int] = Future()
    asked: list[int] = []

    def ask(number: int, _frame: Any) -> None:
        if asked:
            os._exit(128 + number)
        asked.append(number)
        # In a thread of its own, since the main thread may hold the very lock that completing a future takes.
        threading.Thread(target=stop.set_result, args=(number,), daemon=True).start()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
