"""The controller: keep stacks that lie in Git, a bucket or a folder as they say."""

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from providers.errors import InputError
from reconciler.cli.interrupts import interruptible
from reconciler.cli.options import Given, given
from reconciler.files import source

if TYPE_CHECKING:
    from reconciler.controller.configuration import Configuration

_CONFIG = click.option(
    "--config", metavar="FILE", type=click.Path(), required=True, help="What it keeps, and how: docs/controller.md."
)


@click.group()
def controller() -> None:
    """Keep stacks that lie in Git, a bucket or a folder as they say."""


@controller.command()
@_CONFIG
@given()
def run(options: Given, config: str) -> int:
    """Run it until SIGTERM or Ctrl-C.

    What is under way then ends where it may; a second signal ends it at once. stdout gets the address of the API, and
    stderr what happens, as lines of JSON.
    """
    configuration = _read(config)
    from providers.clock import SystemClock
    from reconciler.controller.logs import lines
    from reconciler.controller.running import run as running

    def write(line: str) -> None:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    def serving(port: int) -> None:
        options.terminal.say(f"http://{configuration.host}:{port}")
        sys.stdout.flush()

    with interruptible() as stop:
        running(
            configuration,
            environ=os.environ,
            log=lines(write, SystemClock(), str(os.getpid())),
            stop=stop,
            serving=serving,
        )
    return 0


@controller.command()
@_CONFIG
@given()
def check(options: Given, config: str) -> int:
    """Check its configuration: all faults at once. Nothing is fetched, and AWS is not asked."""
    said = _read(config)
    counts = {"stack": len(said.stacks), "source": len(said.sources), "target": len(said.targets)}
    told = ", ".join(f"{count} {what}{'' if count == 1 else 's'}" for what, count in counts.items())
    options.terminal.say(f"{config} is right: {told}.")
    return 0


def _read(config: str) -> "Configuration":
    try:
        import_module("reconciler.controller.running")
        from reconciler.controller.reading import read
    except ModuleNotFoundError as error:
        raise InputError(
            f"the controller needs {error.name}, which is not installed", hint="pip install 'batchwright[controller]'"
        ) from error
    return read(source(config), folder=Path(config).absolute().parent)
