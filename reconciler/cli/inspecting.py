"""The verbs that only look: validate, show, graph, schema, history, output."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime

import attrs
import click

from plans import contract, planfile
from plans.jsonform import taken_on_trust
from plans.outputs import outputs_json
from plans.views import diagram
from plans.views.terminal import render
from plans.wish import loads
from providers.errors import InputError, PlanFileError
from providers.kinds import Kinds
from providers.resources import Address, Target
from reconciler.cli import planfiles
from reconciler.cli.interrupts import interruptible
from reconciler.cli.options import Given, all_kinds, given, json_output, paths, target_options, variable_options
from reconciler.cli.progress import asides
from reconciler.journal import Run


@click.command()
@paths
@json_output
@given(variable_options)
def validate(options: Given, paths: tuple[str, ...], as_json: bool) -> int:
    """Check a manifest without looking at AWS: all faults at once."""
    manifest = options.manifest(paths, all_kinds())
    if as_json:
        resources = [str(address) for address in manifest.resources]
        options.terminal.document({"stack": manifest.stack, "resources": resources})
    else:
        count = len(manifest.resources)
        options.terminal.say(f"Stack {manifest.stack}: {count} resource{'' if count == 1 else 's'}, no faults.")
    return 0


@click.command()
@click.argument("path", metavar="PLANFILE", type=click.Path())
@json_output
@given()
def show(options: Given, path: str, as_json: bool) -> int:
    """Show a plan file."""
    text = planfiles.read(path)
    if text is None:
        raise PlanFileError(f"{path} is not a plan file", hint="`batchwright plan --out FILE` makes one")
    wish = loads(text)
    terminal = options.terminal
    terminal.hide(wish.manifest.secrets)
    with taken_on_trust():
        assert wish.held is not None
        shown = terminal.masked(wish.held)
        if as_json:
            terminal.document(planfile.to_json(shown))
        else:
            terminal.result(render(shown, color=terminal.coloured, width=terminal.width, verbose=terminal.verbose))
    return 0


@click.command()
@paths
@click.option(
    "--format",
    "form",
    type=click.Choice(["mermaid", "dot"]),
    default="mermaid",
    show_default=True,
    help="The language.",
)
@given(variable_options)
def graph(options: Given, paths: tuple[str, ...], form: str) -> int:
    """Draw what a manifest wants and what needs what."""
    from plans.graph import build

    kinds = all_kinds()
    built = build(options.manifest(paths, kinds), kinds=kinds)
    nodes = [(str(address), _title(address, kinds)) for address in built.nodes]
    edges = [(str(before), str(after)) for before, after in built.edges]
    options.terminal.result({"mermaid": diagram.mermaid, "dot": diagram.dot}[form](nodes, edges))
    return 0


def _title(address: Address, kinds: Kinds) -> str:
    return kinds[address.kind].title


@click.command()
@click.argument("what", type=click.Choice([*contract.SCHEMAS]), default="manifest")
@click.option("--folder", metavar="FOLDER", type=click.Path(), help="Write all of them there, to NAME-FORMAT.json.")
@given()
def schema(options: Given, what: str, folder: str | None) -> int:
    """Print the JSON Schema of manifests, or of what a verb prints under --json."""
    kinds = all_kinds()
    if folder is None:
        options.terminal.document(contract.schema(what, kinds))
        return 0
    for name in contract.SCHEMAS:
        path = os.path.join(folder, contract.file_name(name))
        try:
            os.makedirs(folder, exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(json.dumps(contract.schema(name, kinds), indent=1) + "\n")
        except OSError as error:
            raise InputError(f"{path} cannot be written: {error.strerror}", hint="give another folder") from error
    return 0


@click.command()
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--stack", metavar="NAME", help="The stack, instead of the paths of its manifest.")
@json_output
@given(variable_options, target_options)
def history(options: Given, paths: tuple[str, ...], stack: str | None, as_json: bool) -> int:
    """Show what earlier runs of a stack did from this machine."""
    if bool(paths) == bool(stack):
        raise InputError("history takes either the paths of a manifest or --stack NAME")
    kinds, terminal = all_kinds(), options.terminal
    manifest = options.manifest(paths, kinds) if paths else None
    name = manifest.stack if manifest else str(stack)
    reconciler = options.reconciler(manifest.target if manifest else Target(), kinds, keeping=True)
    told = reconciler.history(name)
    if as_json:
        faults = [attrs.asdict(fault) for fault in told.faults]
        terminal.document({"stack": name, "runs": [attrs.asdict(run) for run in told.runs], "faults": faults})
        return 1 if faults else 0
    for run in told.runs:
        for line in lines(run, verbose=terminal.verbose):
            terminal.say(line)
    if not told.runs:
        terminal.say(f"No run of stack {name} in {reconciler.connection.place} was made from here.")
    for fault in told.faults:
        terminal.note(str(fault))
    return 1 if told.faults else 0


def lines(run: Run, *, verbose: bool) -> Iterator[str]:
    """What is told of a run, with its calls if `verbose`."""
    began = datetime.fromtimestamp(run.started, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    ending = "broke off" if run.exit_code is None else f"exit {run.exit_code}"
    calls = f"{len(run.calls)} call{'' if len(run.calls) == 1 else 's'}"
    yield f"{began}  plan {run.plan_id}  {calls}  {ending}  ({run.host}, process {run.pid})"
    for call in run.calls if verbose else ():
        yield f"    {call.step}  {call.call}  {call.status or 'never ended'}"
        if call.error:
            yield f"      {call.error}"


@click.command()
@paths
@json_output
@given(variable_options, target_options)
def output(options: Given, paths: tuple[str, ...], as_json: bool) -> int:
    """Print the names and ARNs of what is live."""
    kinds = all_kinds()
    manifest = options.manifest(paths, kinds)
    with interruptible() as stop:
        reconciler = options.reconciler(manifest.target, kinds, stop=stop)
        found = reconciler.output(manifest, on_event=asides(options.terminal))
    if as_json:
        region = reconciler.connection.region
        options.terminal.document(outputs_json(manifest.stack, region, found))
    else:
        for address, values in found.items():
            options.terminal.say(f"{address}  {values['arn']}")
    return 0
