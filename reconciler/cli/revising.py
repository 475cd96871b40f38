"""The verbs about revisions of job definitions: rollback and prune-revisions."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import attrs
import click

from plans import planfile
from plans.asked import Asked
from plans.change import Action
from plans.check import duration
from plans.manifest import Manifest
from plans.plan import Plan
from plans.policy import Policy
from plans.printable import plain
from plans.report import Event, Report, report_json
from plans.retention import Family, Retention, ranges
from plans.rollback import Rollback
from plans.views import wording
from plans.wish import Wish
from providers.errors import BatchwrightError, InputError, RefusedError
from providers.kinds import Kinds
from providers.resources import Address, Target
from reconciler.cli.applying import approved, carry_out, confirmed, show
from reconciler.cli.interrupts import interruptible
from reconciler.cli.options import (
    Given,
    addresses,
    all_kinds,
    events_output,
    given,
    json_output,
    lock_option,
    run_options,
    target_options,
    variable_options,
)
from reconciler.cli.progress import asides
from reconciler.cli.terminal import Terminal
from reconciler.revisions import Pruning

if TYPE_CHECKING:
    from reconciler.engine import Reconciler

_WHOSE = "give the paths of its manifest, or --stack NAME"
_EVERY = 100
"""After how many deregistrations a line tells how far they are."""

some_paths = click.argument("paths", nargs=-1, type=click.Path())


@click.command()
@click.argument("text", metavar="ADDRESS")
@some_paths
@click.option("--stack", metavar="NAME", help="The stack, in place of the paths of its manifest.")
@click.option(
    "--to",
    "revision",
    metavar="REVISION",
    type=click.IntRange(min=1),
    help="The number of any revision, ACTIVE or not; else the last of the stack that says something else.",
)
@click.option("--dry-run", is_flag=True, help="Show the plan, and change nothing.")
@approved
@events_output
@given(variable_options, run_options, target_options)
def rollback(
    options: Given,
    text: str,
    paths: tuple[str, ...],
    stack: str | None,
    revision: int | None,
    dry_run: bool,
    auto_approve: bool,
    as_json: bool,
) -> int:
    """Make what an older revision of a job definition says the newest again.

    It is registered once more, with our tags; nothing is deregistered. ADDRESS is job_definition.NAME. The manifest
    says which stack, as --stack does, and where; what its blocks say does not matter.
    """
    del as_json
    (address,) = addresses((text,))
    if bool(paths) == bool(stack):
        raise InputError("rollback takes either the paths of a manifest or --stack NAME", hint=_WHOSE)
    kinds, terminal = all_kinds(), options.terminal
    wanted = Manifest(stack, {}) if stack else options.manifest(paths, kinds)
    with interruptible() as stop:
        reconciler = options.reconciler(wanted.target, kinds, stop=stop)
        back = reconciler.earlier(wanted, address, revision, on_event=asides(terminal))
        would = _would(reconciler, wanted, back) if dry_run else None
    newest, older = back.newest.revision, back.older.revision
    if back.manifest is not None:
        terminal.note(f"{address}: from revision {newest} back to what revision {older} says (--to {older})")
    if would is not None and (back.manifest is not None or terminal.json):
        shown = terminal.masked(would)
        if terminal.json:
            terminal.document(planfile.to_json(shown))
        else:
            show(shown, None, terminal)
        return 3 if would.refusals else 0
    if back.manifest is None:
        if terminal.json:
            terminal.record(report_json(Report("")))
        else:
            terminal.say(f"Nothing to do: revision {newest} of {back.newest.name} says what revision {older} says.")
        return 0
    code = carry_out(options, Wish(back.manifest), kinds, auto_approve=auto_approve)
    if code == 0:
        for line in _afterwards(options, wanted, address, kinds):
            terminal.note(line)
    return code


def _would(reconciler: "Reconciler", wanted: Manifest, back: Rollback) -> Plan:
    """The plan of going back; an empty one where there is nothing to do."""
    if back.manifest is not None:
        return reconciler.plan(back.manifest)
    nothing = Manifest(wanted.stack, {}, target=wanted.target, policy=Policy(prune=False))
    # That no block is wanted would be refused, and is meant here.
    return attrs.evolve(reconciler.plan(nothing), refusals=())


def _afterwards(options: Given, wanted: Manifest, address: Address, kinds: Kinds) -> Iterator[str]:
    """What the next apply does to a definition that went back; nothing where the manifest says the same."""
    unknown = f"Unless the manifest says the same of {address}, the next apply changes that again."
    if address not in wanted.resources:
        yield unknown
        return
    try:
        with interruptible() as stop:
            reconciler = options.reconciler(wanted.target, kinds, stop=stop)
            made = reconciler.plan(wanted, asked=Asked(only=frozenset({address})))
    except BatchwrightError:  # It has gone back: that this cannot be read is no failure of it.
        yield unknown
        return
    if any(change.address == address and change.action is Action.REGISTER for change in made.changes):
        yield f"The manifest still says otherwise: unless {address} changes there, the next apply registers that again."


def _duration(_context: click.Context, _parameter: click.Parameter, text: str | None) -> float | None:
    if text is None:
        return None
    seconds = duration(text)
    if seconds is None:
        raise click.BadParameter(f"{text} is not a duration, such as 30d or 12h.")
    return seconds


@click.command("prune-revisions")
@some_paths
@click.option("--stack", metavar="NAME", help="The stack, where its manifest is gone; see --no-pins.")
@click.option("--name", "names", metavar="FAMILY", multiple=True, help="Only this family. May be repeated.")
@click.option(
    "--keep",
    metavar="N",
    type=click.IntRange(min=1),
    help="How many of each family stay beside the pinned, whatever the manifest keeps; else 1, or what that keeps.",
)
@click.option("--older-than", metavar="DURATION", callback=_duration, help="Only what is older, such as 30d.")
@click.option("--unused", is_flag=True, help="Only what no unfinished job uses.")
@click.option("--foreign", is_flag=True, help="Also what is nobody's: in families of the stack, or named by --name.")
@click.option("--no-pins", is_flag=True, help="With --stack: nothing is pinned, as far as you know.")
@click.option("--dry-run", is_flag=True, help="Show what would go, and deregister nothing.")
@approved
@json_output
@given(variable_options, lock_option, target_options)
def prune_revisions(
    options: Given,
    paths: tuple[str, ...],
    stack: str | None,
    names: tuple[str, ...],
    keep: int | None,
    older_than: float | None,
    unused: bool,
    foreign: bool,
    no_pins: bool,
    dry_run: bool,
    auto_approve: bool,
    as_json: bool,
) -> int:
    """Deregister old revisions of job definitions.

    A revision goes where --keep, --older-than and --unused, as far as they are given, all let it. Never go the newest
    of a family, what the manifest pins, what it keeps by rollout.keep and keepFor unless --keep is given, and anything
    of a family of another stack. Jobs that were submitted run on.
    """
    del as_json
    kinds, terminal = all_kinds(), options.terminal
    if paths and stack:
        told = "prune-revisions takes either the paths of a manifest or --stack NAME"
        raise InputError(told, hint="leave one of the two out; what is pinned stands in the manifest")
    if paths and no_pins:
        raise InputError("--no-pins goes with --stack", hint="leave it out: the manifest says what is pinned")
    if not (paths or stack or (names and foreign)):
        raise InputError("whose revisions?", hint=f"{_WHOSE}; or --name FAMILY --foreign for what is nobody's")
    if keep is None and older_than is None and not unused:
        raise InputError("which revisions?", hint="give --keep N, --older-than 30d or --unused, or several of them")
    if stack and not (no_pins or dry_run):
        raise RefusedError(
            f"what stack {stack} has pinned stands in its manifest alone",
            hint="give the paths of the manifest; or --no-pins, where nothing is pinned",
        )
    if stack and not no_pins:
        terminal.note("what is pinned is not known: that stands in the manifest")
    manifest = options.manifest(paths, kinds) if paths else Manifest(stack or "", {})
    retention = Retention(keep, older_than, unused, foreign, tuple(dict.fromkeys(names)))

    def approve(made: Pruning) -> bool:
        if not terminal.json:
            _show(made, reconciler.target, terminal)
        what = f"Deregister {wording.many(made.choice.count, 'revision')}"
        return auto_approve or confirmed(what, made.account, made.region, terminal, stop)

    with interruptible() as stop:
        reconciler = options.reconciler(manifest.target, kinds, stop=stop, keeping=not dry_run)
        if dry_run:
            made = reconciler.prunable(manifest, retention, on_event=asides(terminal))
        else:
            listen = progress(terminal)
            made = reconciler.prune_revisions(manifest, retention, approve=approve, on_event=listen)
    if stack and not (names or made.choice.looked_at):
        where = f"account {made.account or 'unknown'}, {reconciler.connection.place}"
        raise InputError(f"stack {stack} has no job definition of its own in {where}")
    if terminal.json:
        terminal.document(to_json(made))
    elif made.report is None:
        _show(made, reconciler.target, terminal)
    else:
        tell(made, made.report, terminal)
    return made.exit_code


def progress(terminal: Terminal) -> Callable[[Event], None]:
    """A line every so many revisions, and one for each failure."""
    aside, ended = asides(terminal), Counter[str]()

    def listen(event: Event) -> None:
        ended[event.event] += 1
        match event.event:
            case "finished" if ended["finished"] % _EVERY == 0:
                terminal.note(f"{ended['finished']:,} deregistered")
            case "retried" | "interrupted" | "lock":
                aside(event)
            case "failed" if terminal.verbose or ended["failed"] == 1:
                terminal.note(f"{event.step} failed: {event.detail['error']}")

    return listen


def _show(made: Pruning, target: Target, terminal: Terminal) -> None:
    """What goes, a line a family."""
    choice = made.choice
    terminal.say(" · ".join(wording.whereabouts(made.account, made.region, target.told, made.stack)))
    terminal.say("")
    for family in choice.families:
        terminal.say(f"  - {_named(family)}  {_goes(family, terminal)}")
    for name, reason in choice.spared.items():
        terminal.say(f"  = {name}  left alone: {reason}")
    for warning in choice.warnings:
        terminal.say(f"Warning: {warning}")
    if choice.families or choice.spared or choice.warnings:
        terminal.say("")
    stay = sum(family.stay for family in choice.families)
    if choice.count:
        terminal.say(
            f"Revisions: {choice.count:,} to deregister, {stay:,} stay, in {_families(len(choice.families))}"
            f" of {choice.looked_at:,}."
        )
    elif made.stack and not (choice.looked_at or choice.spared):
        terminal.say(f"Nothing to deregister: stack {made.stack} has no job definition of its own here.")
    else:
        terminal.say(f"Nothing to deregister in {_families(choice.looked_at)}.")


def _families(count: int) -> str:
    return f"{count:,} famil{'y' if count == 1 else 'ies'}"


def _named(family: Family) -> str:
    return plain(f"{family.address} ({family.name})" if family.address else f"{family.name} (nobody's)")


def _goes(family: Family, terminal: Terminal) -> str:
    numbers = ranges(family.going)
    shown = numbers if terminal.verbose else wording.cut(numbers, terminal.width // 2)
    spared = [f"{count} {why}" for count, why in ((family.pinned, "pinned"), (family.used, "used by jobs")) if count]
    more = f" ({', '.join(spared)})" if spared else ""
    return f"{len(family.going):,} of {len(family.going) + family.stay:,} go: {shown}{more}"


def tell(made: Pruning, report: Report, terminal: Terminal) -> None:
    """How it ended."""
    done, failures = report.counts.get("done", 0), report.failures
    left = made.choice.count - done
    ended = "Interrupted" if report.interrupted_by is not None else ("Done in part" if left else "Done")
    terminal.say(
        f"{ended}: {wording.many(done, 'revision')} deregistered"
        + (f", {left:,} left" if left else "")
        + f", in {wording.span(report.seconds)}."
    )
    for (error, hint), count in Counter((row.error, row.hint) for row in failures).most_common(5):
        terminal.say(f"  {count:,} failed: {error}")
        if hint:
            terminal.say(f"    → {hint}")
    if left:
        terminal.say("The same command again goes on from here.")


def to_json(made: Pruning) -> dict[str, Any]:
    report = made.report
    done = {row.step for row in report.outcomes if row.status == "done"} if report else frozenset()
    return {
        "stack": made.stack or None,
        "account": made.account,
        "region": made.region,
        "exit_code": made.exit_code,
        "chosen": made.choice.count,
        "deregistered": len(done),
        "families": [
            {
                "name": family.name,
                "address": family.address,
                "chosen": [revision.number for revision in family.going],
                "deregistered": [
                    revision.number
                    for revision in family.going
                    if f"deregister:{revision.name}:{revision.number}" in done
                ],
                "stay": family.stay,
                "pinned": family.pinned,
                "used": family.used,
            }
            for family in made.choice.families
        ],
        "spared": dict(made.choice.spared),
        "warnings": [*made.choice.warnings],
        "failures": [{"step": row.step, "error": row.error, "hint": row.hint} for row in report.failures]
        if report
        else [],
        "interrupted_by": report.interrupted_by if report else None,
        "calls": dict(report.calls) if report else {},
        "throttles": report.throttles if report else 0,
        "seconds": report.seconds if report else 0.0,
    }
