"""The options that verbs share, and what they add up to: a target, settings, variables, policies."""

import functools
import math
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs
import click

from plans.asked import Asked
from plans.manifest import Manifest, parse, parse_policy, parse_variables
from plans.policy import Policy
from plans.wish import Wish
from providers import model
from providers.errors import InputError, RefusedError
from providers.kinds import Kinds, bind
from providers.resources import SIMULATOR_FILE, Address, DrainMode, Target
from reconciler.cli import planfiles
from reconciler.cli.terminal import Terminal
from reconciler.files import may_be_template, source, sources
from reconciler.lock import FORMS, Place, place

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
    simulator_file: str = SIMULATOR_FILE
    speed: float | None = None
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    variables: tuple[str, ...] = ()
    variable_files: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    parallelism: int = 8
    max_api_rate: float = 10.0
    timeout: float | None = None
    lock: Place = Place()
    drain: DrainMode | None = None
    no_jobs: bool = False
    only: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()
    repair: bool = False
    update_image: tuple[str, ...] = ()
    set_quantity: tuple[str, ...] = ()
    move_references: tuple[str, ...] = ()

    def manifest(self, paths: tuple[str, ...], kinds: Kinds) -> Manifest:
        """The manifest of these paths, or of the template that one of them is, with the variables given.

        Raises ManifestError with all its faults, InputError where one of the paths is a plan file.
        """
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
        files = sources(paths)
        planfiles.none_of(files)
        if any(map(may_be_template, files)):
            from reconciler.cli import templates

            if templates.there(files):
                found = templates.manifest(files, self, variables=declared, kinds=kinds, ambient=ambient)
                self.terminal.hide(found.secrets)
                return found
        if self.parameters or self.contexts:
            option = "--parameter" if self.parameters else "--context"
            raise InputError(f"{option} is for templates of CloudFormation, and {paths[0]} is none")
        found = parse(files, variables=declared, kinds=kinds, ambient=ambient)
        self.terminal.hide(found.secrets)
        return found

    def wish(self, paths: tuple[str, ...], kinds: Kinds) -> Wish:
        """The wish of a plan file, where that is the only path, or the manifest and what is asked for beside it.

        Raises as `manifest` does, and InputError where something is given that a plan file holds.
        """
        held = planfiles.held(paths[0]) if len(paths) == 1 else None
        if held is None:
            return Wish(self.manifest(paths, kinds), self.asked())
        made_of = self.variables, self.variable_files, self.parameters, self.contexts
        if self.asked() != Asked() or any(made_of):
            raise InputError("a plan file holds its variables and addresses already", hint="leave the options out")
        self.terminal.hide(held.manifest.secrets)
        return held

    def asked(self) -> Asked:
        """What is asked for beside the manifest, for this once."""
        return Asked(
            only=addresses(self.only),
            replace=addresses(self.replace),
            repair=self.repair,
            update_image=addresses(self.update_image),
            set_quantity=addresses(self.set_quantity),
            move_references=self.move_references,
        )

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
            simulator_file=os.path.abspath(self.simulator_file) if simulated else None,
            speed=self.speed,
        )

    def reconciler(
        self,
        claimed: Target,
        kinds: Kinds,
        *,
        stop: "Future[int] | None" = None,
        keeping: bool = False,
        looking: bool = False,
    ) -> "Reconciler":
        """The reconciler of this command line; makes no call yet.

        `keeping` where it needs its journal and lock, `looking` where it reads the journal if there is one.
        """
        from reconciler.engine import Reconciler
        from reconciler.journal import has_state_folder, state_folder
        from reconciler.settings import Settings

        keeping = keeping or (looking and has_state_folder(os.environ))
        settings = Settings(
            parallelism=self.parallelism,
            max_api_rate=self.max_api_rate,
            timeout=self.timeout,
            lock=self.lock,
            state=state_folder(os.environ) if keeping else None,
            counting=not self.no_jobs,
        )
        return Reconciler.connect(
            self.target(claimed), settings=settings, policies=self.bound(), kinds=kinds, stop=stop
        )

    def drained(self, manifest: Manifest) -> Manifest:
        """The manifest with the mode of `--drain` in its policy, since what left it took its own drain along."""
        if self.drain is None:
            return manifest
        policy = manifest.policy
        drain = attrs.evolve(policy.drain, mode=self.drain)
        chosen = attrs.evolve(policy, drain=drain, said=policy.said | {"drain"})
        return attrs.evolve(manifest, policy=chosen)

    def again(self) -> list[str]:
        """The options that another command needs to reach the same place; the region stands in the plan's manifest,
        or must be given as it was."""
        target = [
            ("--provider", self.provider if self.provider != "aws" else None),
            ("--simulator-file", self.simulator_file if self.simulator_file != SIMULATOR_FILE else None),
            ("--region", self.region),
            ("--profile", self.profile),
            ("--endpoint-url", self.endpoint_url),
        ]
        policies = [("--policy", path) for path in self.policies]
        return [word for name, value in (*target, *policies) if value for word in (name, value)]

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


def _finite(_context: click.Context, _parameter: click.Parameter, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a number to work with.")
    return value


def _place(_context: click.Context, _parameter: click.Parameter, text: str) -> Place:
    try:
        return place(text)
    except InputError as error:
        raise click.BadParameter(f"{error}; {error.hint}.") from error


paths = click.argument("paths", nargs=-1, required=True, type=click.Path())
json_output = click.option("--json", "as_json", is_flag=True, help="The result as JSON on stdout.")
events_output = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="What happens as JSON on stdout, a line an event, the report last; asks nothing, so give --auto-approve.",
)
repair_option = click.option(
    "--repair", is_flag=True, help="Send once more what AWS complains of, to every object that is INVALID."
)
asked_options = _stack(
    click.option(
        "--only",
        metavar="ADDRESS",
        multiple=True,
        help="Only this (KIND.NAME) and what depends on it, not what it needs; deletes nothing. May be repeated.",
    ),
    click.option(
        "--replace",
        metavar="ADDRESS",
        multiple=True,
        help="Make a new object in place of this one though nothing asks for it. May be repeated.",
    ),
    repair_option,
    click.option(
        "--update-image",
        metavar="ADDRESS",
        multiple=True,
        help="Renew the instances of this compute environment with the newest image. May be repeated.",
    ),
    click.option(
        "--set-quantity",
        metavar="ADDRESS",
        multiple=True,
        help="Set the total of this consumable resource although jobs use it up. May be repeated.",
    ),
    click.option(
        "--move-foreign-references",
        "move_references",
        metavar="QUEUE",
        multiple=True,
        help="Move this queue along, though it is not of this stack, when what it uses is replaced. May be repeated.",
    ),
)
template_options = _stack(
    click.option(
        "--parameter",
        "parameters",
        metavar="NAME=VALUE",
        multiple=True,
        help="A value for a parameter of a CloudFormation template.",
    ),
    click.option(
        "--context",
        "contexts",
        metavar="FILE",
        multiple=True,
        type=click.Path(),
        help="What is known beside a template: parameters, describe-stack-resources, list-exports, cdk.context.json.",
    ),
)
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
    template_options,
)
jobs_option = click.option(
    "--no-jobs",
    is_flag=True,
    help="Do not count the jobs that the plan disturbs, but where a deletion hangs on them.",
)
drain_option = click.option(
    "--drain",
    type=click.Choice(["refuse", "wait", "cancel", "terminate"]),
    help="What becomes of the jobs of queues that left the manifest, or say nothing of it themselves.",
)
bound_options = _stack(
    click.option(
        "--policy",
        "policies",
        metavar="FILE",
        multiple=True,
        type=click.Path(),
        help="A policy that binds beside the manifest's own; the strictest wins.",
    ),
    drain_option,
)
lock_option = click.option(
    "--lock",
    metavar="LOCK",
    callback=_place,
    default="file",
    show_default=True,
    envvar="BATCHWRIGHT_LOCK",
    show_envvar=True,
    help=f"How other runs on this stack are kept out: {FORMS}. A file keeps out those of this machine; with none, "
    "everything is looked at again right before it is changed.",
)
timeout_option = click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=1),
    callback=_finite,
    help="The longest wait for any one goal, such as an environment becoming VALID; not for a canary's job.",
)
run_options = _stack(timeout_option, lock_option)
simulator_options = _stack(
    click.option(
        "--simulator-file",
        metavar="FILE",
        default=SIMULATOR_FILE,
        show_default=True,
        help="Where the simulator keeps its world.",
    ),
    click.option(
        "--speed",
        metavar="FACTOR",
        type=click.FloatRange(min=0, min_open=True, max=1_000_000),
        callback=_finite,
        help="Simulated seconds in a real one; the simulator's file keeps it.",
    ),
)
place_options = _stack(
    click.option("--region", metavar="REGION", help="The AWS region, where the manifest names none."),
    click.option("--profile", metavar="NAME", help="A profile of the AWS configuration."),
)
target_options = _stack(
    place_options,
    click.option("--endpoint-url", metavar="URL", help="Another endpoint of AWS Batch."),
    click.option(
        "--max-api-rate",
        metavar="RATE",
        type=click.FloatRange(min=0.1),
        callback=_finite,
        default=10.0,
        show_default=True,
        help="Calls a second, at most.",
    ),
    click.option(
        "--parallelism",
        metavar="N",
        type=click.IntRange(1, 64),
        default=8,
        show_default=True,
        help="Calls at once, at most.",
    ),
    click.option(
        "--provider",
        type=click.Choice(["aws", "simulator"]),
        default="aws",
        show_default=True,
        envvar="BATCHWRIGHT_PROVIDER",
        show_envvar=True,
        help="AWS, or the embedded simulator.",
    ),
    simulator_options,
)
_general = _stack(
    click.option("--no-color", is_flag=True, help="No colour; NO_COLOR does the same."),
    click.option("-v", "--verbose", is_flag=True, help="Say more."),
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

        return _stack(*groups, _general)(gathered)

    return decorate
