"""Scenarios: how a simulated service is to behave, read from a file."""

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import attrs
import pytest

from plans.nodes import Source
from providers.errors import ManifestError
from providers.simulator import Durations, Fault, Outcome, Quotas, Settings
from reconciler.files import source
from reconciler.scenario import FIELD, Scenario, read
from tests.providers.simulator.lab import Lab, refusal


def scenario(text: str) -> Scenario:
    return read(Source("s.yaml", dedent(text).encode()))


def told(text: str) -> list[str]:
    """The faults of a scenario that has some, as they are shown."""
    with pytest.raises(ManifestError) as caught:
        scenario(text)
    return [str(fault) for fault in caught.value.faults]


def test_nothing_said() -> None:
    """What is left unsaid, or said to be null, is as without a scenario."""
    assert scenario("{}") == Scenario()
    assert scenario("{jobs: null, faults: null, durations: null, quotas: {queues: null}, rate: null}") == Scenario()


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("jobs: [{image: '*/align:*', command: 'a *', definition: d, queue: q, name: n}]", {"outcomes": (
            Outcome("*/align:*", "a *", "d", "q", "n"),)}),
        ("jobs: [{attempts: 2, exitCode: 137, reason: OOM, seconds: 5m}, {runs: false}]", {"outcomes": (
            Outcome(attempts=2, exit_code=137, reason="OOM", seconds=300), Outcome(runs=False))}),
        ("jobs: [{index: 2, statusReason: why}]", {"outcomes": (Outcome(index=2, status_reason="why"),)}),
        ("jobs: [{attempts: null, seconds: null, exitCode: null}]", {"outcomes": (Outcome(),)}),
        ("durations: {createEnvironment: 2m, deleteQueue: 1.5, deleted: 0}", {
            "durations": Durations(create_environment=120, delete_queue=1.5, deleted=0)}),
        ("quotas: {queues: 3, environmentsAQueue: 1}", {"quotas": Quotas(queues=3, environments_a_queue=1)}),
        ("{relationLag: 1h, staleReads: 5, rate: 7, pageSize: 2}", {
            "relation_lag": 3600, "stale_reads": 5, "rate": 7, "page_size": 2}),
        ("{account: 012345678901, accounts: {AKIA: 222222222222}, region: eu-west-1}", {
            "account": "012345678901", "accounts": {"AKIA": "222222222222"}, "region": "eu-west-1"}),
    ],
)  # fmt: skip
def test_settings(text: str, settings: dict[str, Any]) -> None:
    """Keys are the attributes in camel case; times are durations or plain seconds; digits of an account stay."""
    assert scenario(text) == Scenario(Settings(**settings))


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("operation: '*', kind: throttle", Fault("*", "throttle")),
        ("operation: AssumeRole, kind: DENIED", Fault("AssumeRole", "denied")),
        (
            "operation: '*Queue*', kind: lost, after: 1, times: null, begins: 1m, lasts: 90, chance: 0.25, seed: 7",
            Fault("*Queue*", "lost", 1, None, 60, 90, 0.25, 7),
        ),
        ("operation: List*, kind: stale, seconds: 30s, times: 3", Fault("List*", "stale", times=3, seconds=30)),
        ("operation: CreateJobQueue, kind: slow, seconds: 30", Fault("CreateJobQueue", "slow", seconds=30)),
        ("operation: CreateJobQueue, kind: invalid, reason: why", Fault("CreateJobQueue", "invalid", reason="why")),
        (
            "operation: U*, kind: foreign, writes: {operation: UpdateJobQueue, arguments: "
            "{jobQueue: high, priority: 3, state: null, computeEnvironmentOrder: "
            "[{order: 1, computeEnvironment: 5}]}}",
            Fault(
                "U*",
                "foreign",
                writes=(
                    "UpdateJobQueue",
                    {
                        "jobQueue": "high",
                        "priority": 3,
                        "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "5"}],
                    },
                ),
            ),
        ),
    ],
)
def test_faults(row: str, fault: Fault) -> None:
    """Faults come in order, each as it is written; the arguments of a foreign call have the types of the API."""
    assert scenario(f"faults: [{{operation: ListJobs, kind: server}}, {{{row}}}]").faults == (
        Fault("ListJobs", "server"),
        fault,
    )


def test_json(tmp_path: Path) -> None:
    """JSON says the same."""
    path = tmp_path / "scenario.json"
    path.write_text(json.dumps({"jobs": [{"seconds": 90, "runs": False}], "rate": 5, "relationLag": "1m"}))
    assert read(source(path)).settings == Settings(relation_lag=60, rate=5, outcomes=(Outcome(seconds=90, runs=False),))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[a]", "s.yaml:1:1: a scenario is a map of keys such as `jobs`, not a list"),
        ("", "s.yaml: the file is empty"),
        ("job: []", "s.yaml:1:1: job: there is no key 'job' here (did you mean jobs?)"),
        ("outcomes: []", "s.yaml:1:1: outcomes: there is no key 'outcomes' here"),
        ("jobs: {}", "s.yaml:1:7: jobs: takes a list, not a map (write [VALUE] for a list of one)"),
        (
            "jobs: [5]",
            "s.yaml:1:8: jobs[0]: takes a map, not '5' (its keys are image, command, definition, queue, name,"
            " index, attempts, exitCode and more)",
        ),
        ("jobs: [{attempts: 0}]", "s.yaml:1:19: jobs[0].attempts: is 0, and must be at least 1"),
        ("jobs: [{exitCode: -1}]", "s.yaml:1:19: jobs[0].exitCode: is -1, and must be at least 0"),
        ("jobs: [{exitCode: 256}]", "s.yaml:1:19: jobs[0].exitCode: is 256, and must be at most 255"),
        (
            "jobs: [{seconds: -5}]",
            "s.yaml:1:18: jobs[0].seconds: takes a duration, not '-5' (such as 30s, 10m, 2h or 7d)",
        ),
        ("jobs: [{runs: no}]", "s.yaml:1:15: jobs[0].runs: takes true or false, not 'no'"),
        (
            "durations: {createQueues: 1}",
            "s.yaml:1:13: durations.createQueues: there is no key 'createQueues' here (did you mean createQueue?)",
        ),
        (
            "durations: {rate: 1}",
            "s.yaml:1:13: durations.rate: there is no key 'rate' here (rate stands at the top of the file)",
        ),
        ("quotas: {queues: -1}", "s.yaml:1:18: quotas.queues: is -1, and must be at least 0"),
        ("rate: 0", "s.yaml:1:7: rate: is 0, and must be at least 1"),
        ("pageSize: many", "s.yaml:1:11: pageSize: takes a whole number, not 'many'"),
        ("account: '1'", "s.yaml:1:10: account: '1' is not an account (twelve digits)"),
        ("accounts: {AKIA: x}", "s.yaml:1:18: accounts[AKIA]: 'x' is not an account (twelve digits)"),
        ("accounts: x", "s.yaml:1:11: accounts: takes a map, not 'x'"),
        ("faults: x", "s.yaml:1:9: faults: takes a list, not 'x' (write [VALUE] for a list of one)"),
        ("faults: [{kind: lost}]", "s.yaml:1:10: faults[0].operation: operation is missing"),
        ("faults: [{operation: '*'}]", "s.yaml:1:10: faults[0].kind: kind is missing"),
        (
            "faults: [{operation: '*', kind: slw}]",
            "s.yaml:1:33: faults[0].kind: 'slw' is none of the values that this takes (did you mean slow?)",
        ),
        (
            "faults: [{operation: CreateQueue, kind: lost}]",
            "s.yaml:1:22: faults[0].operation: 'CreateQueue' fits no operation of AWS Batch (did you mean"
            " CreateJobQueue?)",
        ),
        (
            "faults: [{operation: '!', kind: lost}]",
            "s.yaml:1:22: faults[0].operation: '!' fits no operation of AWS Batch (such as CreateJobQueue)",
        ),
        (
            "faults: [{operation: '*', kind: lost, chance: 1.5}]",
            "s.yaml:1:47: faults[0].chance: is 1.5, and must be at most 1",
        ),
        (
            "faults: [{operation: '*', kind: lost, chance: -0.5}]",
            "s.yaml:1:47: faults[0].chance: is -0.5, and must be at least 0",
        ),
        (
            "faults: [{operation: '*', kind: lost, times: 0}]",
            "s.yaml:1:46: faults[0].times: is 0, and must be at least 1",
        ),
        (
            "faults: [{operation: '*', kind: lost, after: -1}]",
            "s.yaml:1:46: faults[0].after: is -1, and must be at least 0",
        ),
        (
            "faults: [{operation: '*', kind: lost, seconds: 5}]",
            "s.yaml:1:39: faults[0].seconds: means nothing to a fault of kind lost (it goes with stale and slow)",
        ),
        (
            "faults: [{operation: '*', kind: slow, reason: x}]",
            "s.yaml:1:39: faults[0].reason: means nothing to a fault of kind slow (it goes with invalid)",
        ),
        (
            "faults: [{operation: '*', kind: foreign}]",
            "s.yaml:1:10: faults[0].writes: writes is missing (say what call somebody else makes)",
        ),
        (
            "faults: [{operation: '*', kind: foreign, writes: {operation: DeleteQueue, arguments: {}}}]",
            "s.yaml:1:62: faults[0].writes.operation: 'DeleteQueue' is no operation of AWS Batch (did you mean"
            " DeleteJobQueue?)",
        ),
        (
            "faults: [{operation: '*', kind: foreign, writes: {operation: DeleteJobQueue}}]",
            "s.yaml:1:50: faults[0].writes.arguments: arguments is missing",
        ),
        (
            "faults: [{operation: '*', kind: foreign, writes: {operation: DeleteJobQueue, arguments: {}}}]",
            "s.yaml:1:89: faults[0].writes.arguments.jobQueue: jobQueue is missing",
        ),
        (
            "faults: [{operation: '*', kind: foreign, writes: {operation: DeleteJobQueue, arguments: x}}]",
            "s.yaml:1:89: faults[0].writes.arguments: takes a map, not 'x' (its key is jobQueue)",
        ),
        (
            "faults: [{operation: '*', kind: lost, writes: {operation: DeleteJobQueue, arguments: {jobQueue: x}}}]",
            "s.yaml:1:39: faults[0].writes: means nothing to a fault of kind lost (it goes with foreign)",
        ),
    ],
)
def test_a_fault_of_the_file(text: str, fault: str) -> None:
    """What is wrong is told with its place, its path and what was perhaps meant."""
    assert told(text) == [fault]


def test_all_faults_at_once() -> None:
    """Checking goes on behind a fault, and the faults come by line."""
    found = told(
        """\
        jobs: [{exitCode: x}, null]
        faults:
        - {operation: Describ, kind: throttled}
        - 5
        quota: {}
        rate: -1
        """
    )
    assert [fault.partition(": ")[0] for fault in found] == [
        "s.yaml:1:19",
        "s.yaml:1:23",
        "s.yaml:3:15",
        "s.yaml:3:30",
        "s.yaml:4:3",
        "s.yaml:5:1",
        "s.yaml:6:7",
    ]


def test_a_key_that_stands_twice_hides_no_other_fault() -> None:
    """Nor does anything else that the text of the file has wrong: the first value counts, and checking goes on."""
    found = told("rate: x\nrate: 5\nfaults:\n- {operation: Describ, kind: !x lost}\npageSize: 0\n")
    assert [fault.partition(": ")[0] for fault in found] == [
        "s.yaml:1:7",
        "s.yaml:2:1",
        "s.yaml:4:15",
        "s.yaml:4:30",
        "s.yaml:5:11",
    ]


@pytest.mark.parametrize(("key", "made"), [("durations", Durations), ("quotas", Quotas)])
def test_every_attribute_has_a_key(key: str, made: type[Any]) -> None:
    """No duration and no quota is left out, and each key sets its own."""
    for name, attribute in zip(FIELD.members[key].members, attrs.fields(made), strict=True):
        changed = made(**{attribute.name: 7})
        assert getattr(scenario(f"{key}: {{{name}: 7}}").settings, key) == changed != made()


def test_a_service_behaves_as_the_scenario_says() -> None:
    """Faults, quotas, durations and outcomes reach the calls of a simulator that was given them."""
    played = scenario(
        """\
        jobs: [{definition: sad, exitCode: 3, seconds: 30}]
        faults: [{operation: DescribeJobQueues, kind: throttle}]
        quotas: {queues: 1}
        durations: {createQueue: 7}
        """
    )
    lab = Lab.new(faults=played.faults, settings=played.settings)
    lab.environment("e")
    lab.queue("q", "e", wait=6)
    assert refusal(lab.batch.describe_job_queues)[0] == 429
    assert lab.see_queue("q")["status"] == "CREATING"
    lab.clock.sleep(1)
    assert lab.see_queue("q")["status"] == "VALID"
    order = [{"order": 1, "computeEnvironment": "e"}]
    assert refusal(lab.batch.create_job_queue, jobQueueName="r", priority=1, computeEnvironmentOrder=order)[0] == 400
    lab.definition("sad")
    job = lab.batch.submit_job(jobName="j", jobQueue="q", jobDefinition="sad")["jobId"]
    lab.clock.sleep(600)
    (shown,) = lab.batch.describe_jobs(jobs=[job])["jobs"]
    assert (shown["status"], shown["attempts"][0]["container"]["exitCode"]) == ("FAILED", 3)
