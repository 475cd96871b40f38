"""The verb that says why jobs do not run: doctor."""

import click

from plans.diagnosis import Diagnosis, to_json
from plans.views.doctor import lines
from plans.views.wording import whereabouts
from providers.resources import Target
from reconciler.cli.interrupts import interruptible
from reconciler.cli.options import Given, all_kinds, given, json_output, target_options
from reconciler.cli.progress import asides


@click.command()
@click.argument("queue", required=False, metavar="[QUEUE]")
@click.option(
    "--stack", metavar="NAME", help="Queues of this stack only; QUEUE may then be an address, job_queue.NAME."
)
@json_output
@given(target_options)
def doctor(options: Given, queue: str | None, stack: str | None, as_json: bool) -> int:
    """Say why jobs of a queue may not run; exit 2 if there is something.

    QUEUE is a name, an ARN, or an address (job_queue.NAME); without one, all queues in which jobs wait are looked at.
    Nothing is changed.
    """
    terminal = options.terminal
    with interruptible() as stop:
        reconciler = options.reconciler(Target(), all_kinds(), stop=stop)
        told = reconciler.doctor(queue, stack=stack, on_event=asides(terminal))
        named = {one.arn.split(":")[4] for one in told}
        account = named.pop() if named else reconciler.account(on_event=asides(terminal))
    region, target = reconciler.connection.region, reconciler.target.told
    if as_json:
        terminal.document(to_json(told, account, region, target))
        return _code(told)
    terminal.say(" · ".join(whereabouts(account, region, target, stack)))
    terminal.say("")
    if told:
        for line in lines(told, verbose=terminal.verbose):
            terminal.say(line)
    else:
        terminal.say("No jobs wait.")
    return _code(told)


def _code(told: tuple[Diagnosis, ...]) -> int:
    return 2 if any(one.findings for one in told) else 0
