"""The embedded simulator: serve it to other tools, look into it, start anew."""

import json
import time
from typing import TYPE_CHECKING

import click

from reconciler.cli.options import Given, given, json_output, simulator_options

if TYPE_CHECKING:
    from providers.simulator import Store


@click.group()
def simulator() -> None:
    """The embedded model of AWS Batch."""


@simulator.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=4567, show_default=True, help="0 takes a free one.")
@given(simulator_options)
def serve(options: Given, host: str, port: int) -> int:
    """Speak the AWS Batch protocol over HTTP, for the AWS CLI, boto3 and others."""
    from providers.simulator import Simulator
    from providers.simulator import serve as serving

    store = _store(options)
    server = serving(Simulator(store, store.clock()), host, port)
    click.echo(f"http://{host}:{server.server_port}")
    options.terminal.note(f"AWS Batch, simulated, from {options.simulator_file}; Ctrl-C ends it.")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return 0
    finally:
        server.server_close()
    return 0


@simulator.command()
@given(simulator_options)
def reset(options: Given) -> int:
    """Forget everything that the simulator holds."""
    _store(options).reset()
    click.echo(f"{options.simulator_file} is empty.")
    return 0


@simulator.command()
@json_output
@given(simulator_options)
def show(options: Given, as_json: bool) -> int:
    """Show what the simulator holds."""
    held = _store(options).dump()
    if as_json:
        click.echo(json.dumps(held, indent=1))
        return 0
    for scope, kinds in held.items():
        click.echo(scope)
        for kind, documents in kinds.items():
            for name in documents:
                options.terminal.say(f"  {kind}  {name}")
    return 0


def _store(options: Given) -> "Store":
    from providers.simulator import Store

    return Store.open(options.simulator_file, time.time(), options.speed)
