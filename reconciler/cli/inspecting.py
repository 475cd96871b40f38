"""The verbs that only look: validate, show, graph, schema, history, output."""

import json
from datetime import UTC, datetime

import click

from plans import planfile
from plans.masking import mask_plan
from plans.views import diagram
from plans.views.terminal import render
from providers.errors import InputError, PlanFileError
from providers.kinds import Kinds
from providers.resources import Address, Target
from reconciler.cli.options import Given, all_kinds, given, json_output, paths, target_options, variable_options
from reconciler.cli.planning import plan_text


@click.command()
@paths
@json_output
@given(variable_options)
def validate(options: Given, paths: tuple[str, ...], as_json: bool) -> int:
    """Check a manifest without looking at AWS: all faults at once."""
    manifest = options.manifest(paths, all_kinds())
    if as_json:
        click.echo(json.dumps({"stack": manifest.stack, "resources": [str(address) for address in manifest.resources]}))
    else:
        count = len(manifest.resources)
        click.echo(f"Stack {manifest.stack}: {count} resource{'' if count == 1 else 's'}, no faults.")
    return 0


@click.command()
@click.argument("path", metavar="PLANFILE", type=click.Path())
@json_output
@given()
def show(options: Given, path: str, as_json: bool) -> int:
    """Show a plan file."""
    text = plan_text(path)
    if text is None:
        raise PlanFileError(f"{path} is not a plan file", hint="`batchwright plan --out FILE` makes one")
    held, _ = planfile.loads(text)
    terminal = options.terminal
    shown = mask_plan(held, terminal.salt)
    if as_json:
        click.echo(json.dumps(planfile.to_json(shown), indent=1))
    else:
        text = render(shown, color=terminal.coloured, width=terminal.width, verbose=terminal.verbose)
        click.echo(text, nl=False, color=terminal.coloured)
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
    click.echo({"mermaid": diagram.mermaid, "dot": diagram.dot}[form](nodes, edges), nl=False)
    return 0


def _title(address: Address, kinds: Kinds) -> str:
    return kinds[address.kind].title


@click.command()
@click.argument("what", type=click.Choice(["manifest", "plan", "events"]), default="manifest")
@given()
def schema(options: Given, what: str) -> int:
    """Print the JSON Schema of a manifest, of a plan, or of the events of apply --json."""
    del options
    from plans import schema as schemas

    made = {
        "manifest": lambda: schemas.manifest_schema(all_kinds()),
        "plan": schemas.plan_schema,
        "events": schemas.event_schema,
    }[what]()
    click.echo(json.dumps(made, indent=1))
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
    kinds = all_kinds()
    manifest = options.manifest(paths, kinds) if paths else None
    claimed = manifest.target if manifest else Target()
    told = options.reconciler(claimed, kinds).history(manifest.stack if manifest else str(stack))
    for run in told.runs:
        if as_json:
            import attrs

            click.echo(json.dumps(attrs.asdict(run)))
            continue
        began = datetime.fromtimestamp(run.started, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        ending = "broke off" if run.exit_code is None else f"exit {run.exit_code}"
        click.echo(f"{began}  plan {run.plan_id}  {len(run.calls)} calls  {ending}  ({run.host}, process {run.pid})")
        if options.terminal.verbose:
            for call in run.calls:
                options.terminal.say(f"    {call.step}  {call.call}  {call.status or 'never ended'}")
                if call.error:
                    options.terminal.say(f"      {call.error}")
    if not told.runs and not as_json:
        click.echo("No run of this stack was made from here.")
    for fault in told.faults:
        options.terminal.note(str(fault))
    return 1 if told.faults else 0


@click.command()
@paths
@json_output
@given(variable_options, target_options)
def output(options: Given, paths: tuple[str, ...], as_json: bool) -> int:
    """Print the names and ARNs of what is live."""
    kinds = all_kinds()
    manifest = options.manifest(paths, kinds)
    found = options.reconciler(manifest.target, kinds).output(manifest)
    if as_json:
        click.echo(json.dumps(found, indent=1))
    else:
        for address, values in found.items():
            options.terminal.say(f"{address}  {values['arn']}")
    return 0


COMMANDS = (validate, show, graph, schema, history, output)
