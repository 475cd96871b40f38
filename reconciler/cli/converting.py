"""The verb that writes a manifest of what other tools say: convert."""

import click

from plans.manifest import Source, parse
from plans.written import to_json
from providers.kinds import Kinds
from reconciler.adapters.conversion import Conversion
from reconciler.cli import newfile
from reconciler.cli.options import Given, all_kinds, given, json_output, place_options, template_options
from reconciler.cli.terminal import Terminal
from reconciler.files import source

out_option = click.option(
    "--out", metavar="FILE", type=click.Path(), help="Write to a new FILE, for its owner's eyes alone."
)


@click.group()
def convert() -> None:
    """Write a manifest of what another tool says of AWS Batch.

    Exit 4 if something of it is not in the manifest, or not known.
    """


@convert.command()
@click.argument("template", type=click.Path())
@click.option("--stack", metavar="NAME", help="The stack, as it is deployed.  [the template's file]")
@click.option("--live", is_flag=True, help="Ask CloudFormation how the stack stands; changes nothing.")
@out_option
@json_output
@given(template_options, place_options)
def cloudformation(options: Given, template: str, stack: str | None, live: bool, out: str | None, as_json: bool) -> int:
    """Convert a template of CloudFormation, such as the CDK writes."""
    from reconciler.cli import templates

    if out is not None:
        newfile.free(out)
    made = templates.converted(template, options, stack, live=live, manifest=out or "MANIFEST")
    return told(made, options.terminal, out, as_json=as_json)


@convert.command()
@click.argument("file", metavar="FILE")
@click.option("--stack", metavar="NAME", default="terraform", show_default=True, help="The stack of the manifest.")
@click.option("--region", metavar="REGION", help="Convert what is of this region, where a file has several.")
@click.option("--account", metavar="ID", help="Convert what is of this account, where a file has several.")
@out_option
@json_output
@given()
def terraform(options: Given, file: str, stack: str, account: str | None, out: str | None, as_json: bool) -> int:
    """Convert resources of Terraform or OpenTofu.

    FILE is what `terraform state pull` prints, or `terraform show -json` of a state or of a plan.
    """
    from reconciler.adapters.terraform import Asked
    from reconciler.adapters.terraform import convert as converted

    kinds = all_kinds()
    stack_fits(stack, kinds)
    if out is not None:
        newfile.free(out)
    made = converted(source(file), kinds, Asked(stack, options.region, account, out or "FILE"))
    return told(made, options.terminal, out, as_json=as_json)


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
    for line in made.steps.splitlines():
        terminal.note(line)
    if out is not None:
        terminal.note(
            f"{made.count} resource{'' if made.count == 1 else 's'} {'is' if made.count == 1 else 'are'} in {out}."
        )
    return 4 if made.lacking or made.unknowns else 0


def stack_fits(name: str, kinds: Kinds) -> None:
    """Raise ManifestError where no stack can have this name."""
    parse([Source("the name of the stack", to_json({"stack": name}).encode())], variables={}, kinds=kinds)
