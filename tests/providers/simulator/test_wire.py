"""The simulator over HTTP: the same answers, the AWS command line, and what becomes of a call without an answer."""

import http.client
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError

from providers.simulator import Fault, serve
from tests.providers.simulator.lab import Lab, ec2, refusal


@pytest.fixture
def port(lab: Lab) -> Iterator[int]:
    """The port of a server of the lab's simulator."""
    server = serve(lab.simulator, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def _client(port: int, service: str = "batch") -> Any:
    make: Any = boto3.client
    return make(
        service,
        region_name="eu-west-1",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )


def _ask(port: int, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    answer = response.status, response.read()
    connection.close()
    return answer


def test_boto3_over_http_sees_what_it_sees_in_process(lab: Lab, port: int) -> None:
    """Both ways lead to the same account and region, tags with their ARN in the path included."""
    arn = lab.environment("a")
    batch = _client(port)
    batch.tag_resource(resourceArn=arn, tags={"a": "b", "c": "d"})
    batch.untag_resource(resourceArn=arn, tagKeys=["a", "x"])
    assert batch.list_tags_for_resource(resourceArn=arn)["tags"] == {"c": "d"}
    over_http = batch.describe_compute_environments()["computeEnvironments"]
    assert over_http == lab.batch.describe_compute_environments()["computeEnvironments"]
    assert refusal(
        batch.create_compute_environment, computeEnvironmentName="a", type="MANAGED", computeResources=ec2()
    ) == (
        409,
        "ClientException",
        "Object already exists",
    )
    lab.simulator.inject(Fault("DescribeServiceEnvironments", "unknown"))
    assert refusal(batch.describe_service_environments)[:2] == (404, "UnknownOperationException")
    assert _client(port, "sts").get_caller_identity()["Account"] == "123456789012"


def test_the_aws_command_line_pages_through(lab: Lab, port: int) -> None:
    """`aws batch … --page-size 2` finds every revision."""
    for _ in range(5):
        lab.definition("d")
    program = [str(Path(sys.executable).with_name("aws")), "batch", "describe-job-definitions", "--page-size", "2"]
    assert shutil.which(program[0])
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("AWS_")},
        "AWS_ENDPOINT_URL_BATCH": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": os.devnull,
    }
    query = ["--query", "jobDefinitions[].revision", "--output", "json"]
    done = subprocess.run([*program, *query], env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("kind", ["lost", "refused"])
def test_a_call_without_an_answer_ends_with_the_connection(
    lab: Lab, port: int, kind: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """The server closes the connection and says nothing, whether it acted or not."""
    lab.simulator.inject(Fault("CreateSchedulingPolicy", kind))
    batch = _client(port)
    with pytest.raises(ConnectionClosedError):
        batch.create_scheduling_policy(name="p")
    assert len(batch.list_scheduling_policies()["schedulingPolicies"]) == (1 if kind == "lost" else 0)
    assert capsys.readouterr().err == ""


def test_requests_without_a_signature_are_of_the_default_region(lab: Lab, port: int) -> None:
    """A request that neither signature nor host places belongs to the default account and region."""
    lab.simulator.seed("policy", "p", {"name": "p", "arn": "arn:p"})
    status, body = _ask(port, "POST", "/v1/listschedulingpolicies", b"{}")
    assert (status, json.loads(body)) == (200, {"schedulingPolicies": [{"arn": "arn:p"}]})


def test_malformed_requests_get_an_answer(port: int) -> None:
    """An unknown path, a body that is no JSON, and a form without an action are answered in AWS's shapes."""
    assert _ask(port, "GET", "/favicon.ico")[0] == 404
    for body in (b"\xff{", b"[" * 100_000):
        status, said = _ask(port, "POST", "/v1/describejobqueues", body)
        assert (status, json.loads(said)["message"]) == (400, "The request is not valid JSON")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    status, body = _ask(port, "POST", "/", b"x=y", **form)
    assert status == 400
    assert body.startswith(b"<ErrorResponse")


def test_a_form_is_of_sts_only_where_sts_listens(port: int) -> None:
    """`curl -d '{}'` calls its body a form; a path of Batch's is Batch's all the same."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert _ask(port, "POST", "/v1/describejobqueues", b"{}", **form) == (200, b'{"jobQueues": []}')


def test_a_damaged_store_is_a_server_error(lab: Lab, port: int) -> None:
    """Over HTTP a store that cannot be read is HTTP 500 with the reason; in this process it is the StoreError."""
    lab.store.close()
    status, body = _ask(port, "POST", "/v1/describejobqueues", b"{}")
    assert status == 500
    assert "simulator file" in json.loads(body)["message"]


@pytest.mark.parametrize("length", ["", "x", "-1"])
def test_a_length_that_is_none_is_no_body(lab: Lab, length: str) -> None:
    """A request without a usable length has an empty body."""
    seen: list[str] = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/v1/describejobqueues",
        "CONTENT_LENGTH": length,
        "wsgi.input": None,
    }

    def start(status: str, _headers: Any, _info: Any = None) -> Any:
        seen.append(status)

    body = lab.simulator.wsgi(environ, start)
    assert (seen, list(body)) == (["200 OK"], [b'{"jobQueues": []}'])


def test_many_clients_may_come_at_once(port: int) -> None:
    """None of a hundred is turned away while others are answered."""
    together, answers = threading.Barrier(100), []

    def ask() -> None:
        together.wait()
        answers.append(_ask(port, "POST", "/v1/describejobqueues")[0])

    threads = [threading.Thread(target=ask) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 100
