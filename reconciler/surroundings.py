"""Asking the services around Batch: calls like any others, paced, repeated and counted, and none that fails a plan."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

from plans.launching import named
from providers import surroundings
from providers.clients import Connection
from providers.resources import Address, Document, Role, Surroundings, Template, Unread, Versions
from reconciler.observe import answers
from reconciler.retry import Caller


def before(
    connection: Connection, caller: Caller, environments: Mapping[Address, Document], images: Collection[Address]
) -> Surroundings:
    """What a plan must know before it is made: the launch templates that wanted environments leave to their owners,
    and the images of those whose image is to be updated."""
    moving = {template for spec in environments.values() for template in named(spec) if template.moving}
    imaged = {template for address in images for template in named(environments.get(address, {}))}
    return Surroundings(ask_templates(connection, caller, moving), ask_images(connection, caller, imaged))


def ask_templates(
    connection: Connection, caller: Caller, templates: Collection[Template]
) -> Mapping[tuple[str, str], Versions | Unread | None]:
    """The versions of these launch templates, by member and value; makes no client where there are none to ask for."""
    wanted = sorted({(template.member, template.value) for template in templates})
    groups = [
        (member, group)
        for member in dict.fromkeys(member for member, _ in wanted)
        for group in _groups([value for own, value in wanted if own == member], surroundings.TEMPLATES)
    ]
    found: dict[tuple[str, str], Versions | Unread | None] = {}
    while groups:
        told = _ask(
            connection,
            caller,
            "ec2",
            "DescribeLaunchTemplates",
            {group: partial(_versions, *group) for group in groups},
        )
        groups = []
        for (member, values), answer in told.items():
            if answer is None and len(values) > 1:
                groups += [(member, (value,)) for value in values]
                continue
            for value in values:
                found[member, value] = answer.get(value) if isinstance(answer, Mapping) else answer
    return found


def ask_images(
    connection: Connection, caller: Caller, templates: Collection[Template]
) -> Mapping[Template, str | Unread | None]:
    """The images that these versions of launch templates name."""
    asked = {template: partial(_image, template) for template in sorted(templates)}
    return _ask(connection, caller, "ec2", "DescribeLaunchTemplateVersions", asked)


def ask_roles(connection: Connection, caller: Caller, names: Collection[str]) -> Mapping[str, Role | Unread | None]:
    """The roles of these names."""
    return _ask(connection, caller, "iam", "GetRole", {name: partial(_role, name) for name in sorted(set(names))})


def ask_tagged(connection: Connection, caller: Caller, stacks: Sequence[str]) -> Sequence[str] | Unread:
    """The ARNs of all of Batch that carries the tag of one of these stacks, page after page."""
    found: list[str] = []
    token: str | None = ""
    while token is not None:
        asked = {"tagged": partial(_tagged, tuple(stacks), token)}
        told = _ask(connection, caller, "resourcegroupstaggingapi", "GetResources", asked)["tagged"]
        if isinstance(told, Unread):
            return told
        arns, token = told
        found += arns
    return found


def _tagged(stacks: tuple[str, ...], token: str, tagging: Any) -> tuple[Sequence[str], str | None] | Unread:
    return surroundings.tagged(tagging, stacks, token)


def _versions(member: str, values: tuple[str, ...], ec2: Any) -> Mapping[str, Versions] | Unread | None:
    return surroundings.versions(ec2, member, values)


def _image(template: Template, ec2: Any) -> str | Unread | None:
    return surroundings.image(ec2, template)


def _role(name: str, iam: Any) -> Role | Unread | None:
    return surroundings.role(iam, name)


def _groups(values: list[str], size: int) -> list[tuple[str, ...]]:
    return [tuple(values[start : start + size]) for start in range(0, len(values), size)]


def _ask(
    connection: Connection,
    caller: Caller,
    service: str,
    operation: str,
    asked: Mapping[Any, Callable[[Any], Any]],
) -> dict[Any, Any]:
    """The answers of a service, by what was asked; Interrupted where a signal comes."""
    if not asked:
        return {}
    client = surroundings.client(connection, service)
    if isinstance(client, Unread):
        return dict.fromkeys(asked, client)
    for key, call in asked.items():
        caller.submit(key, operation, partial(call, client))
    return {done.key: done.result if done.error is None else Unread(str(done.error)) for done in answers(caller)}
