"""The embedded simulator: serve it to other tools, look into it, start anew."""

import time
from typing import TYPE_CHECKING

import click

from plans.masking import mask
from providers.errors import InputError
from reconciler.cli.interrupts import interruptible
from reconciler.cli.options import Given, given, json_output, simulator_options

if TYPE_CHECKING:
    from providers.simulator import Store

_LOOKS_UP = 0.1
"""Seconds between the looks of a server for a signal that has come."""


@click.group()
def simulator() -> None:
    """Serve, show or reset the embedded model of AWS Batch."""


@simulator.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=4567, show_default=True, help="0 takes a free one.")
@given(simulator_options)
def serve(options: Given, host: str, port: int) -> int:
    """Serve it over HTTP to the AWS CLI, boto3 and others."""
    from providers.simulator import Simulator
    from providers.simulator import serve as serving

    store = _store(options)
    try:
        server = serving(Simulator(store, store.clock()), host, port)
    except OSError as error:
        raise InputError(
            f"{host}:{port} cannot be listened on: {error.strerror}", hint="give another --port"
        ) from error
    with interruptible() as stop, server:
        # Not by an exception: one that a signal raises while a request is taken in would be swallowed there.
        stop.add_done_callback(lambda _: server.shutdown())
        options.terminal.say(f"http://{host}:{server.server_port}")
        options.terminal.note(f"AWS Batch, simulated, from {options.simulator_file}; Ctrl-C ends it.")
        server.serve_forever(_LOOKS_UP)
    return 0


@simulator.command()
@given(simulator_options)
def reset(options: Given) -> int:
    """Forget everything that the simulator holds."""
    _store(options).reset()
    options.terminal.say(f"{options.simulator_file} is empty.")
    return 0


@simulator.command()
@json_output
@given(simulator_options)
def show(options: Given, as_json: bool) -> int:
    """Show what the simulator holds."""
    from providers.simulator import Simulator

    store = _store(options)
    held = Simulator(store, store.clock()).show()
    if as_json:
        options.terminal.document(mask(held, options.terminal.salt))
        return 0
    if not held:
        options.terminal.say(f"{options.simulator_file} is empty.")
    for scope, kinds in held.items():
        options.terminal.say(scope)
        for kind, documents in kinds.items():
            for name, document in documents.items():
                options.terminal.say("  ".join(["", kind, name, str(document.get("status", ""))]).rstrip())
    return 0


def _store(options: Given) -> "Store":
    from providers.simulator import Store

    return Store.open(options.simulator_file, time.time(), options.speed)
