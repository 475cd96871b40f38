"""What there is before a target reads its bytes: simulated accounts, and the file that one of them is kept in."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from plans.plan import Plan
from providers.clock import ManualClock
from providers.simulator import Simulator, Store
from tests.kit import LAB, TRAINING, Stage, cut, edit

TABLES = ("clock", "objects", "gone", "tokens", "counters")
CHANGED = cut(edit(LAB, ("align:1", "align:2"), ("priority: 10", "priority: 11")), "  sort:")
DATA = Path(__file__).parents[1] / "data"
NOW = 10_000.0
"""When the worlds are looked at; they are at rest by then."""


@cache
def folder() -> Path:
    """A folder for files, which goes with the process."""
    return Path(_folder().name)


@cache
def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="fuzzing-", ignore_cleanup_errors=True)


@cache
def template() -> bytes:
    """A template of CloudFormation with functions of every sort, of whose values much is not told."""
    return (DATA / "cloudformation" / "genomics.yaml").read_bytes()


@cache
def lab() -> Stage:
    """An account with objects of all kinds, and jobs of every sort in its queues."""
    stage = Stage.new()
    stage.apply(LAB)
    stage.apply(edit(TRAINING, ("namePrefix: lab-", "namePrefix: more-")))
    stage.settle()
    batch = stage.world
    for queue, definition in (("lab-low", "lab-align"), ("lab-high", "lab-sort")):
        batch.submit_job(jobName="one", jobQueue=queue, jobDefinition=definition)
        batch.submit_job(jobName="many", jobQueue=queue, jobDefinition=definition, arrayProperties={"size": 3})
    stage.settle(30)
    return stage


@cache
def onlooker() -> Stage:
    """A stage over a world like the lab's, to plan on."""
    return lab().twin()


@cache
def plan() -> Plan:
    """A plan of many sorts of steps."""
    stage = Stage.new()
    stage.apply(LAB)
    return stage.plan(CHANGED)


def account() -> Simulator:
    """A simulator of a world like the lab's, which goes its own way."""
    store = Store.open(None, now=0.0)
    lab().simulator.store._connection.backup(store._connection)
    return Simulator(store, ManualClock(lab().clock.now()), ids=lambda: "request")


@contextmanager
def file(content: bytes) -> Iterator[Path]:
    """A file of this content."""
    path = folder() / "content"
    path.write_bytes(content)
    try:
        yield path
    finally:
        for left in folder().glob("content*"):
            left.unlink()


@cache
def simulator_file() -> bytes:
    """A simulator file, the lab in it."""
    path = folder() / "template.db"
    store = Store.open(path, now=0.0)
    lab().simulator.store._connection.backup(store._connection)
    store.close()
    return path.read_bytes()


@cache
def rows() -> dict[str, list[list[Any]]]:
    """What stands in the tables of the simulator file; documents not as text, but as what they say."""
    connection = lab().simulator.store._connection
    return {
        table: [[_parsed(value) for value in row] for row in connection.execute(f"SELECT * FROM {table}")]
        for table in TABLES
    }


def _parsed(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("{"):
        return json.loads(value)
    return value


@cache
def _empty_file() -> bytes:
    path = folder() / "empty.db"
    Store.open(path, now=0.0).close()
    return path.read_bytes()


@contextmanager
def file_of_rows(rows: dict[str, Any]) -> Iterator[Path]:
    """A simulator file of whatever rows SQLite takes into its tables."""
    with file(_empty_file()) as path:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("BEGIN")
        for table in TABLES:
            connection.execute(f"DELETE FROM {table}")
            given = rows.get(table)
            for row in given if isinstance(given, list) else ():
                if not isinstance(row, list):
                    continue
                values = [json.dumps(value) if isinstance(value, dict | list) else value for value in row]
                with suppress(sqlite3.Error, OverflowError, UnicodeEncodeError):
                    connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)
        connection.execute("COMMIT")
        connection.close()
        yield path


_LISTED = ("schedulingpolicies", "consumableresources")
_DESCRIBED = ("computeenvironments", "jobqueues", "jobdefinitions", "serviceenvironments")
LOOKS: tuple[Mapping[str, Any], ...] = (
    *({"path": f"/v1/describe{name}", "body": {}} for name in _DESCRIBED),
    *({"path": f"/v1/list{name}", "body": {}} for name in _LISTED),
    *({"path": "/v1/listjobs", "body": {"jobQueue": queue}} for queue in ("lab-low", "lab-high", "more-work")),
    {"path": "/v1/listquotashares", "body": {"jobQueue": "more-teams"}},
    {"path": "/v1/getjobqueuesnapshot", "body": {"jobQueue": "lab-low"}},
)
"""Requests that look at everything there is."""
_ENVIRONMENT = {"computeEnvironmentName": "e", "type": "UNMANAGED", "serviceRole": "arn:aws:iam::123456789012:role/r"}
_QUEUE = {
    "jobQueueName": "q",
    "priority": 1,
    "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "e"}],
}
SOME_CALLS: tuple[Mapping[str, Any], ...] = (
    {"path": "/v1/createcomputeenvironment", "body": _ENVIRONMENT},
    {"path": "/v1/createjobqueue", "body": _QUEUE},
    *LOOKS,
)
"""Requests to an account in which nothing is yet."""
_JOB = {"jobName": "more", "jobQueue": "lab-low", "jobDefinition": "lab-align"}
_ARN = "arn:aws:batch:eu-west-1:123456789012"
CALLS: tuple[Mapping[str, Any], ...] = (
    {"path": "/v1/submitjob", "body": {**_JOB, "arrayProperties": {"size": 2}}, "after": 600},
    {
        "path": "/v1/submitjob",
        "body": {**_JOB, "containerOverrides": {"command": ["x"]}, "retryStrategy": {"attempts": 2}},
    },
    {"path": "/v1/listjobs", "body": {"jobQueue": "lab-low", "jobStatus": "RUNNING"}},
    {"path": "/v1/describejobs", "body": {"jobs": ["x"]}},
    {"path": "/v1/terminatejob", "body": {"jobId": "x", "reason": "y"}},
    {"path": "/v1/canceljob", "body": {"jobId": "x", "reason": "y"}},
    {"path": "/v1/updatejobqueue", "body": {"jobQueue": "lab-low", "state": "DISABLED"}, "after": 60},
    {"path": "/v1/deletejobqueue", "body": {"jobQueue": "lab-low"}, "after": 60},
    {
        "path": "/v1/updatecomputeenvironment",
        "body": {"computeEnvironment": "lab-spot", "computeResources": {"maxvCpus": 9}},
    },
    {"path": "/v1/deletecomputeenvironment", "body": {"computeEnvironment": "lab-spot"}},
    {"path": "/v1/deregisterjobdefinition", "body": {"jobDefinition": "lab-align:1"}},
    {
        "path": "/v1/updateschedulingpolicy",
        "body": {"arn": f"{_ARN}:scheduling-policy/lab-fair", "fairsharePolicy": {}},
    },
    {
        "path": "/v1/updateconsumableresource",
        "body": {"consumableResource": "more-licences", "operation": "ADD", "quantity": 1},
    },
    {
        "path": "/v1/submitservicejob",
        "body": {
            "jobName": "s",
            "jobQueue": "more-train",
            "serviceJobType": "SAGEMAKER_TRAINING",
            "serviceRequestPayload": "{}",
        },
        "after": 60,
    },
    {"path": "/v1/describequotashare", "body": {"quotaShareArn": f"{_ARN}:job-queue/more-teams/quota-share/red"}},
    {"method": "POST", "path": f"/v1/tags/{_ARN}:job-queue/lab-low", "body": {"tags": {"a": "b"}}},
    {"method": "DELETE", "path": f"/v1/tags/{_ARN}:job-queue/lab-low", "query": "tagKeys=a"},
    {"method": "GET", "path": f"/v1/tags/{_ARN}:job-queue/lab-low", "body": ""},
)
"""Requests to the lab that change something, one of each sort."""
