"""The controller: keep stacks that lie in Git, a bucket or a folder as they say."""

import os
import secrets
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from providers.errors import BatchwrightError, InputError
from reconciler.cli.interrupts import hearing, interruptible
from reconciler.cli.options import Given, given
from reconciler.controller.configuration import Role
from reconciler.files import source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

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

    What is under way then ends where it may; a second signal ends it at once. On SIGHUP the configuration is read anew:
    one without faults takes the place of the old. stdout gets the address of the API, and stderr what happens, as lines
    of JSON.
    """
    first = _read(config)
    from providers.clock import SystemClock
    from reconciler.controller.logs import lines
    from reconciler.controller.reloading import Reloading
    from reconciler.controller.running import run as running

    def write(line: str) -> None:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    log = lines(write, SystemClock(), str(os.getpid()))

    def begin(configuration: "Configuration", ending: "Future[int]", began: "Callable[[], None]") -> None:
        def serving(port: int) -> None:
            began()
            options.terminal.say(f"http://{configuration.host}:{port}")
            sys.stdout.flush()

        running(configuration, environ=os.environ, log=log, stop=ending, serving=serving)

    with interruptible() as stop:
        reloading = Reloading(partial(_read, config), begin, stop, log)
        with hearing(reloading.ask):
            reloading.run(first)
    return 0


@controller.command()
@_CONFIG
@given()
def check(options: Given, config: str) -> int:
    """Check its configuration: all faults at once. Nothing is fetched, and AWS is not asked.

    What is not a fault of the file, such as a secret that is not there on this machine, is told on stderr.
    """
    said = _read(config)
    counts = {"stack": len(said.stacks), "source": len(said.sources), "target": len(said.targets)}
    told = ", ".join(f"{count} {what}{'' if count == 1 else 's'}" for what, count in counts.items())
    options.terminal.say(f"{config} is right: {told}.")
    for doubt in _doubts(said):
        for line in doubt.splitlines():
            options.terminal.note(line)
    return 0


@controller.command()
@click.option("--name", required=True, help="Who bears it, for the log.")
@click.option("--role", type=click.Choice(get_args(Role)), required=True, help="What it lets them do.")
@given()
def token(options: Given, name: str, role: Role) -> int:
    """Make a token for its API, and the line for its file of tokens.

    stdout gets the token, which is kept nowhere and cannot be had again, and stderr the line, which is no secret.
    """
    from reconciler.controller.tokens import row

    made = secrets.token_urlsafe(32)
    line = row(name, role, made)
    options.terminal.say(made)
    options.terminal.note(line)
    return 0


def _doubts(said: "Configuration") -> "Iterator[str]":
    """What a controller of this machine would do without."""
    from reconciler.controller import hooks, tokens
    from reconciler.controller.configuration import Folder, Git
    from reconciler.controller.reread import Reread
    from reconciler.controller.targets import Targets

    found: list[InputError] = []
    if said.tokens is None:
        yield "tokens: there are none, so nobody may ask the API for anything"
    else:
        Reread(said.tokens, partial(tokens.parse, said.tokens), found.append).value()
        yield from (f"tokens: nobody may ask the API for anything: {error}" for error in found)
    for name, hook in said.hooks.items():
        found.clear()
        Reread(hook.secrets, partial(hooks.parse_secrets, hook.kind), found.append).value()
        yield from (f"hooks[{name}]: it hears nobody: {error}" for error in found)
    targets = Targets(said.targets, os.environ)
    for name in said.targets:
        try:
            targets.examine(name)
        except BatchwrightError as error:
            yield f"targets[{name}]: {error.message}" + (f" ({error.hint})" if error.hint else "")
    for name, origin in said.sources.items():
        match origin:
            case Git():
                named = (origin.known_hosts, origin.ssh_key, origin.credentials, origin.signers, origin.keyring)
                missing = [path for path in named if path is not None and not path.is_file()]
            case Folder():
                missing = [] if origin.path.is_dir() else [origin.path]
            case _:
                missing = []
        yield from (f"sources[{name}]: {path} is not there" for path in missing)


def _read(config: str) -> "Configuration":
    try:
        import_module("reconciler.controller.running")
        from reconciler.controller.reading import read
    except ModuleNotFoundError as error:
        raise InputError(
            f"the controller needs {error.name}, which is not installed", hint="pip install 'batchwright[controller]'"
        ) from error
    return read(source(config), folder=Path(config).absolute().parent)
