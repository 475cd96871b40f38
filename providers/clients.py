"""How AWS is reached: sessions, roles, endpoints, or the embedded simulator. The only module that imports boto3.

botocore's own retries are off everywhere: ours run on the clock, where an interrupt finds them and a call that must
not be made twice is not. botocore reads credentials, profiles and settings from the process's own environment and
files; `environ` must be that environment, and is read here only to tell where the region and endpoints come from.
"""

import json
import os
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import attrs

from providers.clock import Clock, ScaledClock, SystemClock
from providers.errors import CredentialsMissing, InputError, StoreError, Unreachable
from providers.resources import SIMULATOR_FILE, Target
from providers.unknown import watch

if TYPE_CHECKING:
    from botocore.session import Session

    from providers.simulator import Simulator

SIMULATOR_REGION = "us-east-1"

# More than any --parallelism that makes sense: connections are opened as they are needed.
_CONNECTIONS = 64
_CONNECT_TIMEOUT = 5
_READ_TIMEOUT = 30

_LOOK_AT_THEM = "look at the AWS settings of this profile"
_END_OF_TIME = 250_000_000_000.0  # in the year 9892; datetime ends with 9999

_Make = Callable[..., Any]
"""Makes the client of a service, by its name; further arguments are those of `boto3.Session.client`."""


def _alone(service: str) -> Any:
    raise Unreachable(f"there is no client of {service.upper()}")


@attrs.frozen
class Connection:
    """One account and region, ready to be called. `batch` is a boto3 client, safe to share among threads.

    `region_source` says in words where the region came from. `identity` asks STS for the account id, and raises a
    CallError; it makes its client when it is called. `endpoint_url` is where Batch is reached if not at AWS's own
    endpoint, whether the target or the user's settings say so. `other` gives the client of another service (`ec2`,
    `iam`), made when it is first asked for; it raises Unreachable where there is none that goes with `batch`, and
    belongs to the thread that made the connection. Beside the simulator there are S3 and DynamoDB alone, and those only
    where the user's settings give them an endpoint.
    """

    batch: Any
    clock: Clock
    region: str
    region_source: str
    identity: Callable[[], str]
    endpoint_url: str | None = None
    other: Callable[[str], Any] = _alone

    @property
    def place(self) -> str:
        """The region, and where it came from, in words."""
        return f"region {self.region} (from {self.region_source})"


def connect(target: Target, *, environ: Mapping[str, str], now: float) -> Connection:
    """Make the client and the clock of a target; makes no call to AWS itself.

    `now` is the system's time. Raises CredentialsMissing where there are no credentials, no region, or no such
    profile, InputError for an endpoint that is none, StoreError for a file that is no simulator's.
    """
    return (_simulated if target.provider == "simulator" else _real)(target, environ, now)


def examine(target: Target, *, environ: Mapping[str, str]) -> None:
    """Raise as `connect` does for what can be told without asking anybody: of profile, region and endpoint.

    Credentials are not looked for, since a machine may have them of a service that would have to be asked.
    """
    if target.provider == "simulator":
        return
    core = _settings(target)
    core.set_credentials("unasked", "unasked")
    _endpoint(core, target, environ)
    region, _ = _region(target, environ) or _region_of_profile(core, target, environ)
    _maker(core, region)("batch", endpoint_url=target.endpoint_url)


def _simulated(target: Target, environ: Mapping[str, str], now: float) -> Connection:
    from providers.simulator import Simulator, Store

    store = Store.open(target.simulator_file or SIMULATOR_FILE, now, target.speed)
    clock = store.clock()
    if not clock.now() < _END_OF_TIME:
        store.close()
        raise StoreError(
            f"simulator file {store.path}: its time has run past all calendars",
            hint="move it away: a new one is made; at a lower --speed it lasts longer",
        )
    attach = Simulator(store, clock).attach
    region, source = _region(target, environ) or (SIMULATOR_REGION, "the simulator's default")
    core = _sealed_session()
    core.set_credentials("simulator", "simulator")
    make = _maker(core, region, attach)
    if target.role_arn:
        make = _maker(_in_role(target.role_arn, target.external_id, core, make, _sealed_session()), region, attach)

    @cache
    def keeper(service: str) -> Any:
        """Where locks may be kept is the user's own, and never AWS's by default."""
        if service not in ("s3", "dynamodb") or not _configured_endpoint(_user_session(target), environ, service):
            return only_batch(service)
        return _maker(_session(target), region)(service)

    return Connection(watch(make("batch")), clock, region, source, lambda: _account(make), other=keeper)


def rehearsed(simulator: "Simulator", like: Connection, account: str | None) -> Connection:
    """A connection to a simulator in this process in place of another one; what is around Batch is not there.

    No HTTP lies in between, and nothing is signed: a rehearsal makes thousands of calls.
    """

    def identity() -> str:
        if account is None:
            raise Unreachable("no account was told", operation="GetCallerIdentity")
        return account

    batch = _InProcess(simulator, like.batch, account, like.region)
    return Connection(batch, simulator.clock, like.region, like.region_source, identity, like.endpoint_url, only_batch)


@attrs.frozen
class _InProcess:
    """The operations of a client, answered by a simulator; knows those that the client knows which it stands for."""

    simulator: "Simulator"
    like: Any
    account: str | None
    region: str

    @property
    def meta(self) -> Any:
        return self.like.meta

    def __getattr__(self, name: str) -> Callable[..., Any]:
        operation = self.like.meta.method_to_api_mapping.get(name)
        if operation is None:
            raise AttributeError(name)
        return partial(self._call, str(operation))

    def _call(self, operation: str, **arguments: Any) -> Any:
        from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

        from providers.simulator.faults import NoAnswer
        from providers.simulator.rules import Refused

        try:
            return self.simulator.call(
                operation, json.loads(json.dumps(arguments)), account=self.account, region=self.region
            )
        except Refused as refused:
            told: Any = {
                "Error": {"Code": refused.code, "Message": refused.message},
                "ResponseMetadata": {"HTTPStatusCode": refused.status, "RequestId": "rehearsed"},
            }
            raise ClientError(told, operation) from refused
        except NoAnswer as silence:
            lost = ReadTimeoutError if silence.acted else EndpointConnectionError
            raise lost(endpoint_url="the rehearsal") from silence


def bucket_client(region: str | None, *, environ: Mapping[str, str]) -> Any:
    """A client of S3 with the settings of this process; None is the region that these say.

    Raises CredentialsMissing where there are no credentials, or no region.
    """
    target = Target(region=region)
    core = _session(target)
    return _maker(core, region or _region_of_profile(core, target, environ)[0])("s3")


def only_batch(_service: str) -> Any:
    """The clients of what is around the simulator, which is nothing."""
    raise Unreachable("")


def _real(target: Target, environ: Mapping[str, str], now: float) -> Connection:
    core = _session(target)
    region, source = _region(target, environ) or _region_of_profile(core, target, environ)
    endpoint = _endpoint(core, target, environ)
    make = _maker(core, region)
    if target.role_arn:
        make = _maker(_in_role(target.role_arn, target.external_id, core, make, _user_session(target)), region)

    def goes_along(service: str, operation: str = "") -> None:
        """Raise Unreachable for a service that need not belong to where Batch is reached."""
        if endpoint and not _configured_endpoint(core, environ, service):
            name = service.upper()
            raise Unreachable(
                f"{name} is not asked, since Batch is reached at {endpoint}",
                hint=f"set AWS_ENDPOINT_URL_{name} to the {name} that goes with it",
                operation=operation,
            )

    def identity() -> str:
        goes_along("sts", "GetCallerIdentity")
        return _account(make)

    @cache
    def other(service: str) -> Any:
        goes_along(service)
        return make(service)

    batch = watch(make("batch", endpoint_url=target.endpoint_url))
    clock = SystemClock() if target.speed is None else ScaledClock(now, now, target.speed)
    return Connection(batch, clock, region, source, identity, endpoint, other)


def _region(target: Target, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """The region that a target or the environment names, and where it came from."""
    if target.region:
        return target.region, target.region_source or "the target"
    return next(((environ[name], name) for name in ("AWS_REGION", "AWS_DEFAULT_REGION") if environ.get(name)), None)


def _region_of_profile(core: "Session", target: Target, environ: Mapping[str, str]) -> tuple[str, str]:
    region = core.get_scoped_config().get("region")
    if not region:
        raise CredentialsMissing(
            "there is no region to work in", hint="give --region, set AWS_REGION, or say `region` in the target"
        )
    profile = target.profile or environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE") or "default"
    return region, f"profile {profile}"


def _endpoint(core: "Session", target: Target, environ: Mapping[str, str]) -> str | None:
    """The endpoint of Batch if not AWS's own."""
    endpoint = target.endpoint_url or _configured_endpoint(core, environ, "batch")
    if target.speed is not None and not endpoint:
        raise InputError("AWS has no speed", hint="--speed goes with --provider simulator, or with --endpoint-url")
    return endpoint


def _configured_endpoint(core: "Session", environ: Mapping[str, str], service: str) -> str | None:
    """The endpoint that the user's own settings give a service ("Service-specific endpoints", AWS SDKs guide)."""
    if core.get_config_variable("ignore_configured_endpoint_urls"):
        return None
    profile = core.get_scoped_config()
    services = core.full_config.get("services", {}).get(profile.get("services"), {})
    places = (
        environ.get(f"AWS_ENDPOINT_URL_{service.upper()}"),
        environ.get("AWS_ENDPOINT_URL"),
        services.get(service, {}).get("endpoint_url"),
        profile.get("endpoint_url"),
    )
    return next((url for url in places if url), None)


def _user_session(target: Target) -> "Session":
    from botocore.session import Session

    return Session(profile=target.profile)


def _settings(target: Target) -> "Session":
    """A session of the user's profile and settings."""
    from botocore.exceptions import BotoCoreError, ProfileNotFound

    core = _user_session(target)
    try:
        core.get_scoped_config()
    except ProfileNotFound as error:
        known = ", ".join(core.available_profiles) or "none"
        raise CredentialsMissing(str(error), hint=f"profiles that there are: {known}") from error
    except BotoCoreError as error:
        raise CredentialsMissing(str(error), hint=_LOOK_AT_THEM) from error
    return core


def _session(target: Target) -> "Session":
    """A session of the user's profile and settings that has credentials."""
    from botocore.exceptions import BotoCoreError

    core = _settings(target)
    try:
        credentials = core.get_credentials()
    except BotoCoreError as error:
        raise CredentialsMissing(str(error), hint=_LOOK_AT_THEM) from error
    if credentials is None:
        raise CredentialsMissing(
            "there are no credentials to call AWS with",
            hint="set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (an endpoint of your own takes any)",
        )
    return core


def _sealed_session() -> "Session":
    """A session that reads none of the user's profiles and files."""
    from botocore.session import Session

    return Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )


@attrs.frozen
class _Held:
    """Credentials in the place where a session looks for the means of finding some."""

    credentials: Any

    def load_credentials(self) -> Any:
        return self.credentials


def _in_role(role_arn: str, external_id: str | None, own: "Session", make: _Make, other: "Session") -> "Session":
    """Turn `other` into a session of a role that `own` may assume; botocore renews it before it ends.

    `make` makes the client of the STS that is asked for the role.
    """
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    more = {"RoleSessionName": "batchwright"} | ({"ExternalId": external_id} if external_id else {})
    fetcher = AssumeRoleCredentialFetcher(make, own.get_credentials(), role_arn, extra_args=more)
    held = _Held(DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role"))
    other.register_component("credential_provider", held)
    return other


@cache
def _loader(data_path: str | None) -> Any:
    """What reads botocore's models, once for all sessions of a process: each that did so itself kept 9 MiB."""
    from botocore.loaders import create_loader

    return create_loader(data_path)


def _maker(core: "Session", region: str, attach: Callable[[Any], None] | None = None) -> _Make:
    import boto3
    from botocore.config import Config

    core.register_component("data_loader", _loader(core.get_config_variable("data_path")))
    create: Any = boto3.Session(botocore_session=core).client
    config = Config(
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=_CONNECT_TIMEOUT,
        read_timeout=_READ_TIMEOUT,
        max_pool_connections=_CONNECTIONS,
    )

    def make(service: str, **given: Any) -> Any:
        try:
            client = create(service, region_name=region, config=config, **given)
        except ValueError as error:
            hint = "look at the region and the endpoint URL"
            raise InputError(f"no client can be made: {error}", hint=hint) from error
        if attach is not None:
            attach(client)
        return client

    return make


def _account(make: _Make) -> str:
    from botocore.exceptions import BotoCoreError, ClientError

    from providers.provider import translate

    try:
        return str(make("sts").get_caller_identity()["Account"])
    except (BotoCoreError, ClientError) as error:
        # A role is only assumed when it is needed first.
        raise translate(getattr(error, "operation_name", "GetCallerIdentity"), error) from error
