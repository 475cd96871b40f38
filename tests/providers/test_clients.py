"""How AWS is reached: where the region, the credentials, the endpoint and the clock come from."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIEnvironment

import attrs
import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError

from providers import surroundings
from providers.clients import Connection, connect
from providers.clock import ManualClock, ScaledClock, SystemClock
from providers.errors import CallError, CredentialsExpired, CredentialsMissing, InputError, StoreError, Unreachable
from providers.resources import Target, Unread
from providers.simulator import Fault, Simulator, Store, wire

# botocore holds the end of an assumed role's credentials against the system's clock, so that this must be ahead of it.
NOW = 4_000_000_000.0
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A process with no AWS settings but those of files below this folder, and no way to the instance metadata."""
    for name in [name for name in os.environ if name.upper().endswith("_PROXY") or name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def reach(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Connection]:
    """Connect to a target in a process with these variables."""

    def reach(target: Target, **environ: str) -> Connection:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        return connect(target, environ=os.environ, now=NOW)

    return reach


@attrs.define
class Served:
    """A simulator on a port of this machine; `forms` holds what was asked of its STS."""

    url: str
    simulator: Simulator
    forms: list[Mapping[str, list[str]]]


@pytest.fixture
def served() -> Iterator[Served]:
    clock = ManualClock(NOW)
    simulator = Simulator(Store.open(None, NOW), clock)
    forms: list[Mapping[str, list[str]]] = []

    def listening(environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            forms.append(parse_qs(body.decode()))
            environ["wsgi.input"] = _Again(body)
        return simulator.wsgi(environ, start_response)

    server = wire.listen(listening, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Served(f"http://127.0.0.1:{server.server_port}", simulator, forms)
    server.shutdown()
    thread.join()
    server.server_close()
    simulator.store.close()


@attrs.frozen
class _Again:
    body: bytes

    def read(self, _: int) -> bytes:
        return self.body


def queues(connection: Connection) -> list[str]:
    return [queue["jobQueueName"] for queue in connection.batch.describe_job_queues()["jobQueues"]]


# The simulator


def simulated(path: Path | None = None, speed: float | None = 1e-6, **given: Any) -> Target:
    """A simulator whose time as good as stands still, since it has nothing to do with the system's."""
    return Target("simulator", simulator_file=str(path) if path else None, speed=speed, **given)


def test_the_simulator_answers_batch_and_sts(reach: Callable[..., Connection], home: Path) -> None:
    """A connection to the simulator needs no credentials and no region, and lives in the working folder."""
    connection = reach(simulated())
    assert queues(connection) == []
    assert connection.identity() == "123456789012"
    assert (connection.region, connection.region_source) == ("us-east-1", "the simulator's default")
    assert (home / ".batchwright" / "simulator.db").exists()


def test_a_simulator_file_is_one_world(reach: Callable[..., Connection], tmp_path: Path) -> None:
    """Two connections to one file and region see each other's objects; another region is another world."""
    here = simulated(tmp_path / "a.db")
    reach(here).batch.create_scheduling_policy(name="fair", fairsharePolicy={})

    def policies(connection: Connection) -> int:
        return len(connection.batch.list_scheduling_policies()["schedulingPolicies"])

    assert policies(reach(here)) == 1
    assert policies(reach(attrs.evolve(here, region="eu-west-1"))) == 0


def test_the_file_sets_the_clock(reach: Callable[..., Connection], tmp_path: Path) -> None:
    """The simulator's time starts at the system's and runs as fast as was asked, for whoever opens the file next."""
    path = tmp_path / "a.db"
    assert reach(simulated(path, speed=600.0)).clock == ScaledClock(NOW, NOW, 600.0)
    assert reach(simulated(path, speed=None)).clock == ScaledClock(NOW, NOW, 600.0)


def test_a_role_of_the_simulator_is_another_account(reach: Callable[..., Connection], tmp_path: Path) -> None:
    """A role is assumed in the simulator as it would be in AWS: its account is the role's."""
    connection = reach(simulated(tmp_path / "a.db", role_arn="arn:aws:iam::222222222222:role/deploy"))
    assert connection.identity() == "222222222222"
    connection.batch.create_scheduling_policy(name="fair", fairsharePolicy={})
    (policy,) = connection.batch.list_scheduling_policies()["schedulingPolicies"]
    assert policy["arn"].split(":")[4] == "222222222222"


def test_the_simulator_heeds_no_profile(reach: Callable[..., Connection], home: Path) -> None:
    """Settings of the user's that are broken or lead elsewhere do not touch the simulator."""
    (home / "config").write_text("this is no configuration")
    connection = reach(simulated(), AWS_PROFILE="nonesuch", AWS_ENDPOINT_URL="http://127.0.0.1:1")
    assert queues(connection) == []
    assert connection.identity() == "123456789012"


def test_a_file_that_is_no_simulators_is_refused(reach: Callable[..., Connection], tmp_path: Path) -> None:
    """A file of another kind is left alone."""
    (tmp_path / "notes.txt").write_text("not a database, but long enough to look like something " * 20)
    with pytest.raises(StoreError, match=r"notes\.txt"):
        reach(simulated(tmp_path / "notes.txt"))


# Regions


def test_a_region_said_outright_wins(reach: Callable[..., Connection]) -> None:
    """The manifest or the option decides, and the source is told in the words it was given."""
    target = Target(region="eu-west-1", region_source="the manifest")
    connection = reach(target, AWS_REGION="us-west-2", **KEYS)
    assert (connection.region, connection.region_source) == ("eu-west-1", "the manifest")
    assert connection.batch.meta.region_name == "eu-west-1"
    assert reach(Target(region="eu-west-1")).region_source == "the target"


def test_the_region_comes_from_the_environment(reach: Callable[..., Connection]) -> None:
    """AWS_REGION, which all AWS SDKs share, comes before AWS_DEFAULT_REGION; each is told by its name."""
    connection = reach(Target(), AWS_DEFAULT_REGION="us-west-1", **KEYS)
    assert (connection.region, connection.region_source) == ("us-west-1", "AWS_DEFAULT_REGION")
    connection = reach(Target(), AWS_REGION="us-west-2")
    assert (connection.region, connection.region_source) == ("us-west-2", "AWS_REGION")
    assert connection.batch.meta.region_name == "us-west-2"
    assert reach(simulated()).region_source == "AWS_REGION"


@pytest.mark.parametrize(
    ("said", "environ", "region", "source"),
    [
        (None, {}, "eu-north-1", "profile default"),
        (None, {"AWS_PROFILE": "lab"}, "eu-south-1", "profile lab"),
        ("lab", {}, "eu-south-1", "profile lab"),
    ],
)
def test_the_region_comes_from_the_profile(
    reach: Callable[..., Connection], home: Path, said: str | None, environ: Mapping[str, str], region: str, source: str
) -> None:
    """Where nothing else says it, the profile in use does."""
    (home / "config").write_text("[default]\nregion = eu-north-1\n[profile lab]\nregion = eu-south-1\n")
    (home / "credentials").write_text(
        "".join(f"[{name}]\naws_access_key_id = A\naws_secret_access_key = S\n" for name in ("default", "lab"))
    )
    connection = reach(Target(profile=said), **environ)
    assert (connection.region, connection.region_source) == (region, source)
    assert connection.batch.meta.region_name == region


def test_no_region_is_told_before_any_call(reach: Callable[..., Connection]) -> None:
    """Without a region there is no client, and the hint says where to give one."""
    with pytest.raises(CredentialsMissing, match="no region") as caught:
        reach(Target(), **KEYS)
    assert caught.value.hint is not None
    assert "--region" in caught.value.hint


# Credentials


def test_no_credentials_are_told_before_any_call(reach: Callable[..., Connection]) -> None:
    """Without credentials there is no client, and the hint says what to set."""
    with pytest.raises(CredentialsMissing, match="no credentials") as caught:
        reach(Target(region="eu-west-1"))
    assert caught.value.hint is not None
    assert "AWS_PROFILE" in caught.value.hint


@pytest.mark.parametrize(("said", "environ"), [("nonesuch", {}), (None, {"AWS_PROFILE": "nonesuch"})])
def test_an_unknown_profile_is_told_with_those_there_are(
    reach: Callable[..., Connection], home: Path, said: str | None, environ: Mapping[str, str]
) -> None:
    """A profile that is not there is refused, and the hint names those that are."""
    (home / "config").write_text("[profile lab]\nregion = eu-south-1\n[profile prod]\nregion = eu-west-1\n")
    with pytest.raises(CredentialsMissing, match="nonesuch") as caught:
        reach(Target(profile=said, region="eu-west-1"), **environ)
    assert caught.value.hint == "profiles that there are: lab, prod"


def test_half_credentials_are_told(reach: Callable[..., Connection]) -> None:
    """A key without its secret is refused before any call, in botocore's words."""
    with pytest.raises(CredentialsMissing, match="AWS_SECRET_ACCESS_KEY"):
        reach(Target(region="eu-west-1"), AWS_ACCESS_KEY_ID="AKIDEXAMPLE")


def test_a_broken_configuration_is_told(reach: Callable[..., Connection], home: Path) -> None:
    """A configuration file that cannot be read is an error of the settings, told in botocore's words."""
    (home / "config").write_text("this is no configuration")
    with pytest.raises(CredentialsMissing, match="config"):
        reach(Target(region="eu-west-1"), **KEYS)


# Endpoints


def there(served: Served, **given: Any) -> Target:
    return Target(region="eu-west-1", endpoint_url=served.url, **given)


def test_an_endpoint_is_called(reach: Callable[..., Connection], served: Served) -> None:
    """With an endpoint URL, Batch is called there."""
    connection = reach(there(served), **KEYS)
    connection.batch.create_scheduling_policy(name="fair", fairsharePolicy={})
    assert [call.operation for call in served.simulator.calls] == ["CreateSchedulingPolicy"]
    assert connection.clock == SystemClock()


def test_an_endpoint_may_have_a_speed(reach: Callable[..., Connection], served: Served) -> None:
    """Against an endpoint of one's own, our polling is scaled from now on."""
    assert reach(there(served, speed=60.0), **KEYS).clock == ScaledClock(NOW, NOW, 60.0)


def test_aws_has_no_speed(reach: Callable[..., Connection]) -> None:
    """Polling AWS itself faster than real time is refused."""
    with pytest.raises(InputError, match="no speed"):
        reach(Target(region="eu-west-1", speed=60.0), **KEYS)


@pytest.mark.parametrize(
    "target", [Target(region="eu-west-1", endpoint_url="not a url"), Target(region="eu west")], ids=["URL", "region"]
)
def test_an_endpoint_that_is_none_is_refused(reach: Callable[..., Connection], target: Target) -> None:
    """An endpoint or a region that no client can be made of is the user's error."""
    with pytest.raises(InputError, match="no client can be made"):
        reach(target, **KEYS)


def test_sts_is_not_asked_behind_an_endpoint(reach: Callable[..., Connection], served: Served) -> None:
    """The endpoint is Batch's alone: AWS's real STS is not asked about an account of another world."""
    connection = reach(there(served), **KEYS)
    with pytest.raises(Unreachable, match="STS is not asked"):
        connection.identity()
    unread = surroundings.account(connection)
    assert isinstance(unread, Unread)
    assert served.url in unread.reason
    assert served.forms == []


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"])
def test_sts_is_asked_at_its_own_endpoint(reach: Callable[..., Connection], served: Served, variable: str) -> None:
    """With an endpoint setting of its own, STS is asked there."""
    connection = reach(there(served), **KEYS, **{variable: served.url})
    assert surroundings.account(connection) == "123456789012"
    assert len(served.forms) == 1


@pytest.mark.parametrize(
    "profile",
    [
        "[default]\nendpoint_url = {url}\n",
        "[default]\nservices = mine\n[services mine]\nbatch =\n  endpoint_url = {url}\nsts =\n  endpoint_url = {url}\n",
    ],
)
def test_endpoints_come_from_a_profile_too(
    reach: Callable[..., Connection], served: Served, home: Path, profile: str
) -> None:
    """Endpoints set in the configuration file are heeded, for all services or for one."""
    (home / "config").write_text(profile.format(url=served.url))
    connection = reach(Target(region="eu-west-1", speed=2.0), **KEYS)
    assert queues(connection) == []
    assert connection.identity() == "123456789012"


def test_endpoints_that_are_to_be_ignored_are(reach: Callable[..., Connection], served: Served) -> None:
    """AWS_IGNORE_CONFIGURED_ENDPOINT_URLS makes a configured STS no STS of ours."""
    ignored = {"AWS_ENDPOINT_URL": served.url, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
    connection = reach(there(served), **KEYS, **ignored)
    assert isinstance(surroundings.account(connection), Unread)
    assert served.forms == []


def test_an_endpoint_of_batch_in_the_environment_counts_as_one(
    reach: Callable[..., Connection], served: Served
) -> None:
    """AWS_ENDPOINT_URL_BATCH leads Batch elsewhere as the option does: STS is not asked."""
    connection = reach(Target(region="eu-west-1"), AWS_ENDPOINT_URL_BATCH=served.url, **KEYS)
    assert queues(connection) == []
    assert isinstance(surroundings.account(connection), Unread)


# Other services


def test_the_simulator_knows_batch_only(reach: Callable[..., Connection]) -> None:
    """It has no EC2 and no IAM, and nobody else's is asked."""
    connection = reach(simulated(), AWS_ENDPOINT_URL="http://127.0.0.1:1")
    assert surroundings.client(connection, "iam") == Unread()


@pytest.mark.parametrize("service", ["s3", "dynamodb"])
def test_locks_beside_the_simulator_are_where_the_user_says(reach: Callable[..., Connection], service: str) -> None:
    """Never in AWS's own S3 or DynamoDB by default; where there is an endpoint, with the user's credentials."""
    with pytest.raises(Unreachable):
        reach(simulated(), **KEYS).other(service)
    connection = reach(simulated(), **{f"AWS_ENDPOINT_URL_{service.upper()}": "http://127.0.0.1:4"})
    client = connection.other(service)
    assert client.meta.endpoint_url == "http://127.0.0.1:4"
    assert client._request_signer._credentials.access_key == KEYS["AWS_ACCESS_KEY_ID"]
    assert client is connection.other(service)
    with pytest.raises(Unreachable):
        connection.other("ec2")


def test_locks_beside_the_simulator_need_credentials(reach: Callable[..., Connection]) -> None:
    """The simulator needs none, whoever keeps the lock does."""
    connection = reach(simulated(), AWS_ENDPOINT_URL_S3="http://127.0.0.1:4")
    with pytest.raises(CredentialsMissing):
        connection.other("s3")


@pytest.mark.parametrize("service", ["ec2", "iam"])
def test_other_services_are_not_asked_behind_an_endpoint(
    reach: Callable[..., Connection], served: Served, service: str
) -> None:
    """The endpoint is Batch's alone, unless they have one of their own."""
    name = service.upper()
    unread = surroundings.client(reach(there(served), **KEYS), service)
    assert unread == Unread(f"{name} is not asked, since Batch is reached at {served.url}")
    connection = reach(there(served), **KEYS, **{f"AWS_ENDPOINT_URL_{name}": "http://127.0.0.1:4"})
    client: Any = surroundings.client(connection, service)
    assert client.meta.endpoint_url == "http://127.0.0.1:4"
    assert client is surroundings.client(connection, service)


def test_other_services_of_aws_need_no_endpoint(reach: Callable[..., Connection]) -> None:
    """Where Batch is AWS's own."""
    client: Any = surroundings.client(reach(Target(region="eu-west-1"), **KEYS), "ec2")
    assert client.meta.endpoint_url == "https://ec2.eu-west-1.amazonaws.com"


def test_an_endpoint_of_all_that_has_batch_only(reach: Callable[..., Connection], served: Served) -> None:
    """Such as the simulator's own server: nothing is learnt there, and nothing fails."""
    connection = reach(Target(region="eu-west-1"), AWS_ENDPOINT_URL=served.url, **KEYS)
    assert isinstance(surroundings.role(surroundings.client(connection, "iam"), "runs"), Unread)
    ec2 = surroundings.client(connection, "ec2")
    assert isinstance(surroundings.versions(ec2, "launchTemplateId", ["lt-1"]), Unread)


# Roles and identity


def test_a_role_is_assumed_once_and_late(reach: Callable[..., Connection], served: Served) -> None:
    """Nothing is asked before the first call; then the role is assumed, with its external id, and used from then on."""
    target = there(served, role_arn="arn:aws:iam::222222222222:role/deploy", external_id="ticket-7")
    connection = reach(target, AWS_ENDPOINT_URL_STS=served.url, **KEYS)
    assert served.forms == []
    queues(connection)
    queues(connection)
    assert connection.identity() == "222222222222"
    assumed, asked = served.forms
    assert assumed["Action"] == ["AssumeRole"]
    assert assumed["RoleArn"] == ["arn:aws:iam::222222222222:role/deploy"]
    assert assumed["ExternalId"] == ["ticket-7"]
    assert assumed["RoleSessionName"] == ["batchwright"]
    assert asked["Action"] == ["GetCallerIdentity"]


def test_a_role_without_an_external_id_sends_none(reach: Callable[..., Connection], served: Served) -> None:
    """An external id is sent only where one was given."""
    target = there(served, role_arn="arn:aws:iam::222222222222:role/deploy")
    queues(reach(target, AWS_ENDPOINT_URL_STS=served.url, **KEYS))
    assert "ExternalId" not in served.forms[0]


def test_a_connection_makes_no_call(reach: Callable[..., Connection], served: Served) -> None:
    """Connecting asks nobody anything."""
    reach(there(served), AWS_ENDPOINT_URL_STS=served.url, **KEYS)
    assert list(served.simulator.calls) == []


@pytest.mark.parametrize("kind", ["throttle", "server", "lost"])
def test_a_fault_of_sts_that_may_pass_is_raised(reach: Callable[..., Connection], served: Served, kind: Any) -> None:
    """A throttled, failing or silent STS may be asked again: that is for whoever holds the clock."""
    connection = reach(there(served), AWS_ENDPOINT_URL_STS=served.url, **KEYS)
    served.simulator.inject(Fault("GetCallerIdentity", kind))
    with pytest.raises(CallError) as caught:
        surroundings.account(connection)
    assert caught.value.retryable
    assert len(served.forms) == 1


@pytest.mark.parametrize("kind", ["denied", "unknown"])
def test_an_sts_that_does_not_tell_is_unread(reach: Callable[..., Connection], served: Served, kind: Any) -> None:
    """An STS that refuses leaves the account unread, with the reason; it is asked once."""
    connection = reach(there(served), AWS_ENDPOINT_URL_STS=served.url, **KEYS)
    served.simulator.inject(Fault("GetCallerIdentity", kind))
    unread = surroundings.account(connection)
    assert isinstance(unread, Unread)
    assert "GetCallerIdentity" in unread.reason
    assert len(served.forms) == 1


def test_an_sts_that_cannot_be_reached_is_unread(reach: Callable[..., Connection], served: Served) -> None:
    """No connection to STS is no reason not to plan."""
    connection = reach(there(served), AWS_ENDPOINT_URL_STS="http://127.0.0.1:1", **KEYS)
    unread = surroundings.account(connection)
    assert isinstance(unread, Unread)
    assert "127.0.0.1:1" in unread.reason


def test_expired_credentials_are_raised(reach: Callable[..., Connection], served: Served) -> None:
    """Credentials that ended would fail every other call too, so they end the run with exit code 4."""
    connection = reach(there(served), AWS_ENDPOINT_URL_STS=served.url, **KEYS)
    served.simulator.inject(Fault("GetCallerIdentity", "expired"))
    with pytest.raises(CredentialsExpired) as caught:
        surroundings.account(connection)
    assert caught.value.exit_code == 4


def test_botocore_repeats_nothing(reach: Callable[..., Connection], served: Served) -> None:
    """A call whose answer is lost went out once, whatever retries the environment asks for."""
    settings = {"AWS_MAX_ATTEMPTS": "5", "AWS_RETRY_MODE": "adaptive"}
    connection = reach(there(served), **KEYS, **settings)
    kinds: tuple[Literal["server", "throttle", "lost"], ...] = ("server", "throttle", "lost")
    for kind in kinds:
        served.simulator.inject(Fault("DescribeJobQueues", kind))
        with pytest.raises((ClientError, HTTPClientError)):
            queues(connection)
    assert [call.operation for call in served.simulator.calls] == ["DescribeJobQueues"] * 3


def test_a_client_waits_for_neither_connection_nor_answer_for_long(reach: Callable[..., Connection]) -> None:
    """Timeouts are bounded, and there are connections enough for every worker of a pool."""
    config = reach(Target(region="eu-west-1"), **KEYS).batch.meta.config
    assert config.connect_timeout <= 10
    assert config.read_timeout <= 60
    assert config.max_pool_connections >= 32


def test_what_reads_the_models_is_shared(reach: Callable[..., Connection], tmp_path: Path) -> None:
    """Many targets of one process hold the model of AWS Batch once, but for whom it lies elsewhere."""
    target = Target(region="eu-west-1", endpoint_url="http://127.0.0.1:1")

    def read(**environ: str) -> Any:
        return reach(target, **KEYS, **environ).batch.meta.service_model.metadata

    one = read()
    assert read() is one
    elsewhere = read(AWS_DATA_PATH=str(tmp_path))
    assert elsewhere is not one
    assert elsewhere == one


# A session of one's own


def own(**given: str) -> boto3.Session:
    keys = {"aws_access_key_id": "ASIASIM333333333333", "aws_secret_access_key": "secret"}
    return boto3.Session(**{**keys, "region_name": "eu-north-1", **given})  # type: ignore[arg-type]


def test_a_session_brings_its_credentials_and_region(
    monkeypatch: pytest.MonkeyPatch, home: Path, served: Served
) -> None:
    """They count, and neither those of the environment nor those of a profile."""
    (home / "config").write_text("[default]\nregion = eu-south-1\n")
    for name, value in {**KEYS, "AWS_REGION": "eu-west-3", "AWS_ENDPOINT_URL_STS": served.url}.items():
        monkeypatch.setenv(name, value)
    nowhere = Target(endpoint_url=served.url)
    connection = connect(nowhere, environ=os.environ, now=NOW, session=own())
    assert connection.place == "region eu-north-1 (from the session)"
    assert queues(connection) == []
    assert connection.identity() == "333333333333"
    told = connect(there(served), environ=os.environ, now=NOW, session=own())
    assert told.place == "region eu-west-1 (from the target)"


def test_a_session_is_left_as_it_was(served: Served) -> None:
    """Its clients heed its hooks, try nothing twice, and nothing of it is replaced."""
    session, heard = own(), list[str]()
    session.events.register("before-call", lambda model, **_: heard.append(model.name))
    core = vars(session)["_session"]
    loader = core.get_component("data_loader")
    connection = connect(there(served), environ={}, now=NOW, session=session)
    served.simulator.inject(Fault("DescribeJobQueues", "server"))
    with pytest.raises(ClientError):
        queues(connection)
    assert heard == ["DescribeJobQueues"]
    assert core.get_component("data_loader") is loader


def test_the_role_of_a_target_is_assumed_by_the_session(monkeypatch: pytest.MonkeyPatch, served: Served) -> None:
    """Its credentials ask for it, and the role's make the calls, with its settings and heard by its hooks."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", served.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", served.url)
    target = there(served, role_arn="arn:aws:iam::222222222222:role/deploy")
    session, heard = own(), list[str]()
    session.events.register("before-call", lambda model, **_: heard.append(model.name))
    vars(session)["_session"].set_default_client_config(Config(user_agent_extra="acme"))
    connection = connect(target, environ=os.environ, now=NOW, session=session)
    queues(connection)
    assert connection.identity() == "222222222222"
    assert served.forms[0]["Action"] == ["AssumeRole"]
    assert heard == ["DescribeJobQueues", "AssumeRole", "GetCallerIdentity"]
    for client in (connection.batch, connection.other("s3")):
        assert client.meta.config.user_agent_extra == "acme"


@pytest.mark.parametrize("target", [Target(profile="lab"), Target("simulator")])
def test_a_session_stands_for_a_profile(target: Target) -> None:
    """So there is no other beside it, and none for the simulator, which has nobody's."""
    with pytest.raises(InputError, match="a session does not go with"):
        connect(target, environ={}, now=NOW, session=own())


def test_a_session_needs_credentials_and_a_region(served: Served) -> None:
    """As any other, and it is told before any call."""
    with pytest.raises(CredentialsMissing, match="no credentials"):
        connect(there(served), environ={}, now=NOW, session=boto3.Session())
    nowhere = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b")
    with pytest.raises(CredentialsMissing, match="no region"):
        connect(Target(endpoint_url=served.url), environ={"AWS_REGION": "eu-west-1"}, now=NOW, session=nowhere)
