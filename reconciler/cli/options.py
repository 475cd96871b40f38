"""The options that verbs share, and what they add up to: a target, settings, variables, policies."""

import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs
import click

from plans.manifest import Manifest, parse, parse_policy, parse_variables
from plans.policy import Policy
from providers import model
from providers.errors import InputError, RefusedError
from providers.kinds import Kinds, bind
from providers.resources import Address, Target
from reconciler.cli.terminal import Terminal
from reconciler.files import source, sources

if TYPE_CHECKING:
    from concurrent.futures import Future

    from reconciler.engine import Reconciler

Command = Callable[..., int | None]

VARIABLE_PREFIX = "BATCHWRIGHT_VAR_"


@attrs.frozen
class Given:
    """Everything that the shared options of one command line say."""

    terminal: Terminal
    provider: str = "aws"
    simulator_file: str = ".batchwright/simulator.db"
    speed: float | None = None
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    variables: tuple[str, ...] = ()
    variable_files: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    parallelism: int = 8
    max_api_rate: float = 10.0
    timeout: float | None = None
    lock: str = "file"
    drain: str | None = None

    def manifest(self, paths: tuple[str, ...], kinds: Kinds) -> Manifest:
        """The manifest of these paths with the variables given; raises ManifestError with all its faults."""
        declared: dict[str, Any] = {}
        ambient: dict[str, Any] = {
            name.removeprefix(VARIABLE_PREFIX): value
            for name, value in os.environ.items()
            if name.startswith(VARIABLE_PREFIX)
        }
        for path in self.variable_files:
            ambient |= parse_variables(source(path))
        for text in self.variables:
            name, equals, value = text.partition("=")
            if not (name and equals):
                raise InputError(f"--var {text} is not NAME=VALUE", hint="write --var env=prod")
            declared[name] = value
        return parse(sources(paths), variables=declared, kinds=kinds, ambient=ambient)

    def target(self, claimed: Target) -> Target:
        """Where to work: what the options say and the manifest claims; two that disagree are refused."""
        if self.region and claimed.region and self.region != claimed.region:
            raise RefusedError(
                f"--region says {self.region} and the manifest says {claimed.region}",
                hint="leave one of the two out, or make them agree",
            )
        simulated = self.provider == "simulator"
        if simulated and self.endpoint_url:
            raise InputError("--endpoint-url goes with --provider aws", hint="the simulator is embedded")
        return Target(
            provider="simulator" if simulated else "aws",
            region=claimed.region or self.region,
            region_source="the manifest" if claimed.region else ("--region" if self.region else ""),
            account_id=claimed.account_id,
            profile=self.profile or claimed.profile,
            role_arn=claimed.role_arn,
            external_id=claimed.external_id,
            endpoint_url=self.endpoint_url,
            simulator_file=self.simulator_file if simulated else None,
            speed=self.speed,
        )

    def reconciler(self, claimed: Target, kinds: Kinds, *, stop: "Future[int] | None" = None) -> "Reconciler":
        """The reconciler of this command line; makes no call yet."""
        from reconciler.engine import Reconciler, Settings
        from reconciler.journal import state_folder

        settings = Settings(
            parallelism=self.parallelism,
            max_api_rate=self.max_api_rate,
            timeout=self.timeout,
            lock="none" if self.lock == "none" else "file",
            state=state_folder(os.environ),
        )
        return Reconciler.connect(
            self.target(claimed), settings=settings, policies=self.bound(), kinds=kinds, stop=stop
        )

    def bound(self) -> tuple[Policy, ...]:
        """The policies that bind beside the manifest's own."""
        files = [*self.policies, *filter(None, [os.environ.get("BATCHWRIGHT_POLICY")])]
        return tuple(parse_policy([source(path)]) for path in files)


def all_kinds() -> Kinds:
    return bind(model.load())


def addresses(texts: tuple[str, ...]) -> tuple[Address, ...]:
    try:
        return tuple(Address.parse(text) for text in texts)
    except ValueError as error:
        raise InputError(str(error)) from error


def _stack(*decorators: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        return functools.reduce(lambda made, decorator: decorator(made), reversed(decorators), command)

    return decorate


paths = click.argument("paths", nargs=-1, required=True, type=click.Path())

variable_options = _stack(
    click.option("--var", "variables", metavar="NAME=VALUE", multiple=True, help="A value for a declared variable."),
    click.option(
        "--var-file",
        "variable_files",
        metavar="FILE",
        multiple=True,
        type=click.Path(),
        help="Values from YAML, JSON or `terraform output -json`.",
    ),
)
_output = _stack(
    click.option("--no-color", is_flag=True, help="No colour; NO_COLOR does the same."),
    click.option("-v", "--verbose", is_flag=True, help="Say more."),
)
json_output = click.option("--json", "as_json", is_flag=True, help="The result as JSON on stdout.")
simulator_options = _stack(
    click.option(
        "--simulator-file",
        metavar="FILE",
        default=".batchwright/simulator.db",
        show_default=True,
        help="Where the simulator keeps its world.",
    ),
    click.option("--speed", type=click.FloatRange(min=0, min_open=True), help="Simulated seconds in a real one."),
)
target_options = _stack(
    click.option(
        "--provider",
        type=click.Choice(["aws", "simulator"]),
        default="aws",
        show_default=True,
        envvar="BATCHWRIGHT_PROVIDER",
        help="AWS, or the embedded simulator.",
    ),
    simulator_options,
    click.option("--region", metavar="REGION", help="The AWS region."),
    click.option("--profile", metavar="NAME", help="A profile of the AWS configuration."),
    click.option("--endpoint-url", metavar="URL", help="Another endpoint of AWS Batch."),
    click.option(
        "--max-api-rate", type=click.FloatRange(min=0.1), default=10.0, show_default=True, help="Calls a second."
    ),
    click.option("--parallelism", type=click.IntRange(1, 64), default=8, show_default=True, help="Calls at once."),
)
bound_options = _stack(
    click.option(
        "--policy", "policies", metavar="FILE", multiple=True, type=click.Path(), help="A policy that binds as well."
    ),
    click.option(
        "--drain",
        type=click.Choice(["refuse", "wait", "cancel", "terminate"]),
        help="What to do with the jobs of queues that left the manifest.",
    ),
)
run_options = _stack(
    click.option("--timeout", type=click.FloatRange(min=1), help="The longest wait for any one goal, in seconds."),
    click.option(
        "--lock", type=click.Choice(["file", "none"]), default="file", show_default=True, help="One run at a time."
    ),
)
only_option = click.option(
    "--only", metavar="ADDRESS", multiple=True, help="Only this and what depends on it; deletes nothing."
)


def given(*groups: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Give a verb these groups of options, gathered into its first argument, a `Given`."""
    names = {field.name for field in attrs.fields(Given)} - {"terminal"}

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        @click.pass_context
        def gathered(context: click.Context, /, *, no_color: bool, verbose: bool, **options: Any) -> int | None:
            terminal: Terminal = context.find_object(Terminal) or Terminal()
            terminal.color, terminal.verbose = not no_color, verbose
            terminal.json = bool(options.get("as_json"))
            shared = {name: options.pop(name) for name in tuple(options) if name in names}
            return command(Given(terminal, **shared), **options)

        return _stack(*groups, _output)(gathered)

    return decorate
