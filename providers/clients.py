"""How AWS is reached: sessions, roles, endpoints, or the embedded simulator. The only module that imports boto3.

botocore's own retries are off everywhere: ours run on the clock, where an interrupt finds them and a call that must
not be made twice is not. botocore reads credentials, profiles and settings from the process's own environment and
files; `environ` must be that environment, and is read here only to tell where the region and endpoints come from.
"""

import json
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import attrs

from providers.clock import Clock, ScaledClock, SystemClock
from providers.errors import InputError, StoreError, Unreachable
from providers.resources import SIMULATOR_FILE, Target
from providers.sessions import (
    Make,
    alike,
    configured_endpoint,
    in_role,
    region_of_profile,
    region_said,
    sealed_session,
    session_of,
    user_session,
    with_credentials,
    with_settings,
)
from providers.unknown import watch

if TYPE_CHECKING:
    from boto3.session import Session as Boto3
    from botocore.session import Session

    from providers.simulator import Simulator

    OwnSession = Boto3

SIMULATOR_REGION = "us-east-1"

# More than any --parallelism that makes sense: connections are opened as they are needed.
_CONNECTIONS = 64
_CONNECT_TIMEOUT = 5
_READ_TIMEOUT = 30

_END_OF_TIME = 250_000_000_000.0  # in the year 9892; datetime ends with 9999


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


def connect(
    target: Target, *, environ: Mapping[str, str], now: float, session: "OwnSession | None" = None
) -> Connection:
    """Make the client and the clock of a target; makes no call to AWS itself.

    `now` is the system's time, in seconds since the epoch. `session` is a boto3 session in place of one that is made
    of the target's profile: its clients are made by it, but for their retries and timeouts, which are ours. Raises
    CredentialsMissing where there are no credentials, no region, or no such profile, InputError for an endpoint that
    is none and for a session where none is taken, StoreError for a file that is no simulator's.
    """
    if session is not None and (target.profile or target.provider == "simulator"):
        whose = "a profile" if target.profile else "the simulator"
        raise InputError(f"a session does not go with {whose}", hint="leave one of the two out")
    return _simulated(target, environ, now) if target.provider == "simulator" else _real(target, environ, now, session)


def examine(target: Target, *, environ: Mapping[str, str]) -> None:
    """Raise as `connect` does for what can be told without asking anybody: of profile, region and endpoint.

    Credentials are not looked for, since a machine may have them of a service that would have to be asked.
    """
    if target.provider == "simulator":
        return
    core = with_settings(user_session(target))
    core.set_credentials("unasked", "unasked")
    _endpoint(core, target, environ)
    region, _ = region_said(target, environ) or region_of_profile(core, target, environ)
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
    region, source = region_said(target, environ) or (SIMULATOR_REGION, "the simulator's default")
    core = sealed_session()
    core.set_credentials("simulator", "simulator")
    make = _maker(core, region, attach)
    if target.role_arn:
        make = _maker(in_role(target.role_arn, target.external_id, core, make, sealed_session()), region, attach)

    @cache
    def keeper(service: str) -> Any:
        """Where locks may be kept is the user's own, and never AWS's by default."""
        if service not in ("s3", "dynamodb") or not configured_endpoint(user_session(target), environ, service):
            return only_batch(service)
        return _maker(session_of(target), region)(service)

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
    core = session_of(target)
    return _maker(core, region or region_of_profile(core, target, environ)[0])("s3")


def only_batch(_service: str) -> Any:
    """The clients of what is around the simulator, which is nothing."""
    raise Unreachable("")


def _real(target: Target, environ: Mapping[str, str], now: float, own: "OwnSession | None") -> Connection:
    core = session_of(target) if own is None else with_credentials(_core(own))
    region, source = (
        region_said(target, {} if own else environ)
        or _region_of_session(own)
        or region_of_profile(core, target, environ)
    )
    endpoint = _endpoint(core, target, environ)
    make = _maker(core, region) if own is None else _making(own.client, region)
    if target.role_arn:
        make = _making(in_role(target.role_arn, target.external_id, core, make, alike(core)).create_client, region)

    def goes_along(service: str, operation: str = "") -> None:
        """Raise Unreachable for a service that need not belong to where Batch is reached."""
        if endpoint and not configured_endpoint(core, environ, service):
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


def _region_of_session(own: "OwnSession | None") -> tuple[str, str] | None:
    return (own.region_name, "the session") if own is not None and own.region_name else None


def _endpoint(core: "Session", target: Target, environ: Mapping[str, str]) -> str | None:
    """The endpoint of Batch if not AWS's own."""
    endpoint = target.endpoint_url or configured_endpoint(core, environ, "batch")
    if target.speed is not None and not endpoint:
        raise InputError("AWS has no speed", hint="--speed goes with --provider simulator, or with --endpoint-url")
    return endpoint


def _core(own: "OwnSession") -> "Session":
    """What a session of boto3 reads its settings by, to which it has no other way."""
    core: Session = vars(own)["_session"]
    return core


@cache
def _loader(data_path: str | None) -> Any:
    """What reads botocore's models, once for all sessions of a process: each that did so itself kept 9 MiB."""
    from botocore.loaders import create_loader

    return create_loader(data_path)


def _maker(core: "Session", region: str, attach: Callable[[Any], None] | None = None) -> Make:
    import boto3

    core.register_component("data_loader", _loader(core.get_config_variable("data_path")))
    return _making(boto3.Session(botocore_session=core).client, region, attach)


def _making(create: Any, region: str, attach: Callable[[Any], None] | None = None) -> Make:
    """Makes clients by the method of a session, with timeouts of ours and without retries."""
    from botocore.config import Config

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


def _account(make: Make) -> str:
    from botocore.exceptions import BotoCoreError, ClientError

    from providers.provider import translate

    try:
        return str(make("sts").get_caller_identity()["Account"])
    except (BotoCoreError, ClientError) as error:
        # A role is only assumed when it is needed first.
        raise translate(getattr(error, "operation_name", "GetCallerIdentity"), error) from error
