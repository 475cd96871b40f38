"""The embedded simulator: serve it to other tools, look into it and its rules, give it work, start anew."""

import errno
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from plans.masking import mask
from providers.clients import SIMULATOR_REGION
from providers.errors import InputError, Rejected, StoreError
from reconciler.cli.interrupts import interruptible
from reconciler.cli.options import Given, given, json_output, simulator_options
from reconciler.files import source

if TYPE_CHECKING:
    from providers.simulator import Simulator, Store

_LOOKS_UP = 0.1
"""Seconds between the looks of a server for a signal that has come."""
_A_YEAR = 365 * 86_400
_ABSENT = ("not found", "does not exist")
_WHERE = "`batchwright simulator show` tells what there is and where; --region and --account say where to look"
_OF_THE_PORT = (errno.EADDRINUSE, errno.EACCES)
_ANOTHER_PORT = "give another --port"
_ANOTHER_HOST = "give a --host of this machine, such as 127.0.0.1 or 0.0.0.0"


@click.group()
def simulator() -> None:
    """Serve, show or reset the embedded model of AWS Batch."""


@simulator.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=4567, show_default=True, help="0 takes a free one.")
@click.option(
    "--scenario",
    metavar="FILE",
    type=click.Path(),
    help="How the service behaves: outcomes of jobs, faults, durations, quotas, limits, in YAML or JSON.",
)
@given(simulator_options)
def serve(options: Given, host: str, port: int, scenario: str | None) -> int:
    """Serve it over HTTP to the AWS CLI, boto3 and others.

    It is AWS Batch as far as its API goes, with states, refusals and delays, and a little of STS: any credentials are
    good, and the region of a request is where it works. A scenario makes it behave badly on purpose, or jobs fail;
    docs/simulator.md tells what a scenario may say.
    """
    from providers.simulator import Simulator
    from providers.simulator import serve as serving
    from reconciler.scenario import Scenario, read

    played = read(source(scenario)) if scenario else Scenario()
    store = _store(options)
    simulated = Simulator(store, store.clock(), played.faults, played.settings)
    try:
        server = serving(simulated, host, port)
    except OSError as error:
        told = f"{host}:{port} cannot be listened on: {error.strerror}"
        raise InputError(told, hint=_ANOTHER_PORT if error.errno in _OF_THE_PORT else _ANOTHER_HOST) from error
    with interruptible() as stop, server:
        # Not by an exception: one that a signal raises while a request is taken in would be swallowed there.
        stop.add_done_callback(lambda _: server.shutdown())
        options.terminal.say(f"http://{host}:{server.server_port}")
        behaving = f" as {scenario} says" if scenario else ""
        options.terminal.note(f"AWS Batch, simulated{behaving}, from {options.simulator_file}; Ctrl-C ends it.")
        server.serve_forever(_LOOKS_UP)
    return 0


@simulator.command()
@given(simulator_options)
def reset(options: Given) -> int:
    """Forget everything that the simulator holds."""
    if not Path(options.simulator_file).exists():
        options.terminal.say(f"There is no simulator file {options.simulator_file}, and nothing to forget.")
        return 0
    _store(options).reset()
    options.terminal.say(f"{options.simulator_file} is empty.")
    return 0


@simulator.command()
@json_output
@given(simulator_options)
def show(options: Given, as_json: bool) -> int:
    """Show what the simulator holds."""
    from providers.simulator import Simulator
    from reconciler.cli import holdings

    store = _store_that_is_there(options)
    held = Simulator(store, store.clock()).show()
    if as_json:
        options.terminal.document(mask(held, options.terminal.salt))
        return 0
    if not held:
        options.terminal.say(f"{options.simulator_file} is empty.")
    with store.told():
        lines = list(holdings.lines(held))
    for line in lines:
        options.terminal.say(line)
    return 0


@simulator.command()
@click.argument("queue")
@click.argument("definition")
@click.option("--name", default="job", show_default=True, help="What the jobs are called.")
@click.option("--count", type=click.IntRange(1, 10_000), default=1, show_default=True, help="How many jobs.")
@click.option("--share", metavar="NAME", help="The share, which a queue with a fair-share policy asks for.")
@click.option("--priority", type=int, help="The priority within the share, instead of the definition's.")
@click.option("--seconds", type=click.IntRange(0, _A_YEAR), help="Simulated seconds that each runs.")
@click.option("--exit-code", type=click.IntRange(0, 255), default=0, show_default=True, help="How each ends.")
@click.option(
    "--region",
    metavar="REGION",
    envvar=["AWS_REGION", "AWS_DEFAULT_REGION"],
    default=SIMULATOR_REGION,
    show_default=True,
    help="The region of the queue.",
)
@click.option("--account", metavar="ID", help="The account of the queue; the simulator's own where nothing is said.")
@json_output
@given(simulator_options)
def job(
    options: Given,
    queue: str,
    definition: str,
    *,
    name: str,
    count: int,
    share: str | None,
    priority: int | None,
    seconds: int | None,
    exit_code: int,
    account: str | None,
    as_json: bool,
) -> int:
    """Put jobs of a definition into a queue, and print their ids.

    How a job comes out is decided now and kept with it, whoever looks at the simulator later.
    """
    from providers.simulator import Outcome, Settings, Simulator

    store, outcome = _store_that_is_there(options), Outcome(exit_code=exit_code, seconds=seconds)
    settings = Settings(outcomes=(outcome,), region=options.region or SIMULATOR_REGION)
    if account:
        settings = attrs.evolve(settings, account=account)
    simulated = Simulator(store, store.clock(), settings=settings)
    asked = {
        "jobName": name,
        "jobQueue": queue,
        "jobDefinition": definition,
        "shareIdentifier": share,
        "schedulingPriorityOverride": priority,
    }
    answers = []
    for _ in range(count):
        answers.append(_submitted(simulated, asked))
        if not as_json:
            options.terminal.say(answers[-1]["jobId"])
    if as_json:
        options.terminal.document(answers)
    return 0


def _submitted(simulated: "Simulator", asked: dict[str, Any]) -> dict[str, str]:
    """Submit a job without a network and without boto3; raises Rejected with the service's own words."""
    from providers.simulator import Request

    response = simulated.handle(Request("POST", "/v1/submitjob", {}, {}, json.dumps(asked).encode()))
    answer: dict[str, str] = json.loads(response.body)
    if response.status == 200:
        return answer
    absent = any(words in answer["message"] for words in _ABSENT)
    raise Rejected(
        answer["message"],
        hint=_WHERE if absent else None,
        operation="SubmitJob",
        code=response.headers["x-amzn-ErrorType"],
        status=response.status,
    )


@simulator.command()
@click.option("--markdown", is_flag=True, help="As sections of a page.")
@json_output
@given()
def rules(options: Given, markdown: bool, as_json: bool) -> int:
    """List the rules that it keeps, and on whose word.

    documented: AWS's own pages or botocore's model say so. observed: somebody saw the real service do it, in public.
    assumed: nobody has said, and a test that leans on it may be doubted.
    """
    from providers.simulator import rules as kept
    from reconciler.cli import rulebook

    if as_json and markdown:
        raise InputError("--json and --markdown are two forms of one list", hint="give one of them")
    if as_json:
        options.terminal.document([attrs.asdict(rule) for rule in kept()])
    elif markdown:
        options.terminal.result(rulebook.markdown(kept()))
    else:
        options.terminal.result(rulebook.table(kept(), options.terminal.width))
    return 0


def _store_that_is_there(options: Given) -> "Store":
    """The store of a file that exists: one that is looked into would be made anew where its name is mistyped."""
    file = options.simulator_file
    if not Path(file).exists():
        raise StoreError(
            f"there is no simulator file {file}", hint="`batchwright simulator serve` or an apply makes it"
        )
    return _store(options)


def _store(options: Given) -> "Store":
    from providers.simulator import Store

    return Store.open(options.simulator_file, time.time(), options.speed)
