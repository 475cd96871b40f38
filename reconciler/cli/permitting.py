"""The verb that says what an IAM policy must allow."""

from collections.abc import Iterator

import attrs
import click

from plans import permissions
from plans.wish import Wish
from providers.errors import InputError
from providers.kinds import Kinds
from reconciler.cli.options import (
    Given,
    all_kinds,
    drain_option,
    given,
    json_output,
    lock_option,
    paths,
    variable_options,
)


@click.command()
@paths
@click.option("--region", metavar="REGION", help="The AWS region, where neither manifest nor plan file names one.")
@click.option("--account", metavar="ID", help="The AWS account, where neither manifest nor plan file names one.")
@json_output
@given(variable_options, drain_option, lock_option)
def iam(options: Given, paths: tuple[str, ...], account: str | None, as_json: bool) -> int:
    """Print the IAM policy that a plan file takes, or any plan of a manifest.

    It allows nothing beside. PATHS are those of a manifest, or one plan file. Nothing is asked of AWS: a region or an
    account that nobody names is any.
    """
    del as_json  # The result is JSON in any case.
    kinds = all_kinds()
    wish = options.wish(paths, kinds)
    if wish.held is None:
        wish = attrs.evolve(wish, manifest=options.drained(wish.manifest))
    where = _where(options, wish, account)
    made = permissions.document(_grants(options, wish, kinds, where))
    options.terminal.document(made)
    for line in _notes(made, wish, where):
        options.terminal.note(line)
    return 0


def _where(options: Given, wish: Wish, account: str | None) -> permissions.Where:
    """Where the policy is for; what is said twice must agree."""
    if wish.held is None:
        target = options.target(wish.manifest.target)
        region, known = target.region, target.account_id or _account_of(target.role_arn)
    else:
        target = wish.manifest.target
        region, known = wish.held.region, wish.held.account or target.account_id or _account_of(target.role_arn)
    for option, told, found in (("--region", options.region, region), ("--account", account, known)):
        if told and found and told != found:
            raise InputError(f"{option} says {told}, and what it is for says {found}", hint=f"leave {option} out")
    return permissions.Where(region or "*", known or account or "*")


def _account_of(role_arn: str | None) -> str | None:
    """The account of the role that the manifest works as."""
    return role_arn.split(":")[4] if role_arn and role_arn.count(":") == 5 else None


def _grants(options: Given, wish: Wish, kinds: Kinds, where: permissions.Where) -> Iterator[permissions.Grant]:
    if wish.held is None:
        yield from permissions.of_stack(wish.manifest, kinds, where)
    else:
        yield from permissions.of_plan(wish.held, wish.manifest, wish.asked, kinds, where)
    lock = options.lock
    yield from permissions.of_lock(lock.service, lock.container, lock.key, wish.manifest.stack, where)


def _notes(made: dict[str, object], wish: Wish, where: permissions.Where) -> Iterator[str]:
    """What the reader has to know beside the policy."""
    if wish.held is not None and wish.held.refusals:
        yield "The plan is refused: nothing of it can be carried out."
    missing = [option for option, known in (("--region", where.region), ("--account", where.account)) if known == "*"]
    if missing:
        yield f"It is for any that is not named: {' and '.join(missing)} would confine it."
    for line in permissions.assumed(made, wish.manifest):
        yield f"{line[:1].upper()}{line[1:]}."
    characters = permissions.size(made)
    if characters > permissions.LIMIT:
        yield (
            f"It has {characters:,} characters, and a managed policy takes {permissions.LIMIT:,}: put its statements"
            " into several policies of one role, or give the stack a namePrefix, which names many objects in one word."
        )
