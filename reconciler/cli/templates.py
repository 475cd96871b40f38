"""Templates of CloudFormation on a command line, with what is given beside them. Imported where there is one."""

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from plans.manifest import Manifest, Source
from providers.errors import InputError
from providers.kinds import Kinds
from providers.resources import EMPTY, Target
from reconciler.adapters.cloudformation.context import read_context
from reconciler.adapters.cloudformation.convert import convert, stack_of
from reconciler.adapters.cloudformation.known import Given as Told
from reconciler.adapters.cloudformation.known import Known, given, merged, whereabouts
from reconciler.adapters.cloudformation.live import Live, look
from reconciler.adapters.cloudformation.manifests import checked
from reconciler.adapters.cloudformation.manifests import manifest as manifest_of
from reconciler.adapters.cloudformation.takeover import steps
from reconciler.adapters.cloudformation.template import holds_template, read
from reconciler.adapters.conversion import Conversion
from reconciler.cli.options import Given, all_kinds
from reconciler.files import source


def there(files: Sequence[Source]) -> bool:
    """Whether a template is among the files; raises InputError where it is not the only one, since it is a stack."""
    found = [file.name for file in files if holds_template(file)]
    if found and len(files) > 1:
        raise InputError(f"{found[0]} is a template of CloudFormation, which is a whole stack", hint="give it alone")
    return bool(found)


def known(options: Given, *more: Known) -> Known:
    """What the command line says beside a template, and `more`; raises ManifestError where two of them disagree."""
    parameters = {}
    for text in options.parameters:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise InputError(f"--parameter {name} is not NAME=VALUE", hint="write --parameter Stage=prod")
        parameters[name] = value
    contexts = [read_context(source(path)) for path in options.contexts]
    return merged([given(parameters), *contexts, whereabouts(region=options.region), *more])


def manifest(
    files: Sequence[Source],
    options: Given,
    *,
    variables: Mapping[str, Any],
    kinds: Kinds,
    ambient: Mapping[str, Any],
) -> Manifest:
    """The manifest of the one template, of which the terminal is told what a reader should know."""
    (file,) = files
    made = convert(read(file), known(options), kinds)
    given_here = {**ambient, **made.secrets, **variables}
    options.terminal.hide(given_here[name] for name in made.hidden & given_here.keys())
    found = manifest_of(made, variables=variables, kinds=kinds, ambient=ambient)
    for line in made.notes:
        options.terminal.note(line)
    if made.left_alone:
        options.terminal.note(f"{file.name}: {_count(len(made.left_alone))} of other services left alone.")
    return found


def converted(path: str, options: Given, stack: str | None, *, live: bool, manifest: str) -> Conversion:
    """The manifest of the template at a path, and the way to take its resources over, with the live stack looked at
    where that is asked for. `manifest` is where the manifest is to be."""
    file = source(path)
    if not holds_template(file):
        raise InputError(f"{path} is no template of CloudFormation", hint="it has a section Resources")
    template, kinds = read(file), all_kinds()
    found = _look(options, stack or stack_of(path)) if live else None
    named = Known(values={"AWS::StackName": Told(stack)}) if stack else Known()
    told = known(options, named, *([found.known] if found else []))
    made = checked(convert(template, told, kinds, stack, found.tags if found else EMPTY), kinds)
    options.terminal.hide(made.secrets.values())
    return made.conversion(steps(made, found, manifest))


def _look(options: Given, stack: str) -> Live:
    from providers.clients import connect

    target = Target(region=options.region, region_source="--region" if options.region else "", profile=options.profile)
    return look(connect(target, environ=os.environ, now=time.time()).other("cloudformation"), stack)


def _count(number: int) -> str:
    return "1 resource" if number == 1 else f"{number} resources"
