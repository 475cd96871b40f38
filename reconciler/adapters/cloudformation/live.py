"""The stack as it is deployed, asked of CloudFormation; nothing is changed.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from plans.nodes import Source
from providers.errors import InputError, ManifestError
from reconciler.adapters.cloudformation.context import read_context
from reconciler.adapters.cloudformation.known import Known, merged
from reconciler.adapters.cloudformation.template import Template, read

_NOT_IMPORTED = "is not imported by any stack"


@attrs.frozen
class Live:
    """A deployed stack. `resources` are the physical ids by logical id; `template` is the one that CloudFormation
    keeps, None where it could not be read; `imported` says which stacks import what it exports, None where nobody says.
    """

    name: str
    status: str
    known: Known = attrs.field(repr=False)
    tags: Mapping[str, str]
    resources: Mapping[str, str]
    template: Template | None = attrs.field(repr=False)
    imported: Mapping[str, tuple[str, ...] | None]


def look(client: Any, stack: str) -> Live:
    """Ask `client`, boto3's of CloudFormation, for a stack.

    Calls DescribeStacks, ListStackResources, GetTemplate, ListExports, and ListImports for what the stack exports.
    Raises InputError where there is no such stack, CallError for whatever else AWS answers.
    """
    ask = _asking(client)
    found = ask("DescribeStacks", lambda: client.describe_stacks(StackName=stack))["Stacks"][0]
    rows = ask(
        "ListStackResources", lambda: _all(client, "list_stack_resources", "StackResourceSummaries", StackName=stack)
    )
    exports = ask("ListExports", lambda: _all(client, "list_exports", "Exports"))
    own = [one["Name"] for one in exports if one.get("ExportingStackId") == found["StackId"]]
    body = ask("GetTemplate", lambda: client.get_template(StackName=stack, TemplateStage="Processed"))["TemplateBody"]
    resources = {row["LogicalResourceId"]: row["PhysicalResourceId"] for row in rows if row.get("PhysicalResourceId")}
    return Live(
        name=found["StackName"],
        status=found["StackStatus"],
        known=_known(Stacks=[found], StackResourceSummaries=rows, Exports=exports),
        tags={tag["Key"]: tag["Value"] for tag in found.get("Tags", ()) if not tag["Key"].startswith("aws:")},
        resources=resources,
        template=_template(body, stack),
        imported={name: _importing(client, name) for name in own},
    )


def _asking(client: Any) -> Callable[[str, Callable[[], Any]], Any]:
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    from providers.provider import translate

    def ask(operation: str, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except ResponseParserError as error:
            told = f"{operation}: the endpoint answers as CloudFormation does not"
            raise InputError(told, hint="AWS_ENDPOINT_URL_CLOUDFORMATION names another") from error
        except (BotoCoreError, ClientError) as error:
            if "does not exist" in str(error):
                raise InputError(f"CloudFormation in {client.meta.region_name} says: {error}", hint=_HINT) from error
            raise translate(operation, error) from error

    return ask


_HINT = "--stack names the stack as it is deployed; is it the right account and region?"


def _all(client: Any, operation: str, key: str, **given: Any) -> list[Any]:
    return [row for page in client.get_paginator(operation).paginate(**given) for row in page[key]]


def _importing(client: Any, export: str) -> tuple[str, ...] | None:
    """Whether others hold what a stack exports is worth a warning; not to be allowed to ask is no reason to stop."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        return tuple(_all(client, "list_imports", "Imports", ExportName=export))
    except (BotoCoreError, ClientError, ResponseParserError) as error:
        return () if _NOT_IMPORTED in str(error) else None


def _template(body: Any, stack: str) -> Template | None:
    """The template that CloudFormation keeps, which may be beyond what is read here."""
    text = body if isinstance(body, str) else json.dumps(body)
    try:
        return read(Source(f"the live template of {stack}", text.encode()))
    except ManifestError:
        return None


def _known(**answers: Any) -> Known:
    """What the answers say, as files of them would."""
    return merged(
        read_context(Source(f"the live stack's {key}", json.dumps({key: value}, default=str).encode()))
        for key, value in answers.items()
    )
