"""The simulator's own hooks: stale reads, seeds, forced statuses, what it holds, which rules it keeps."""

from typing import Any

import pytest

from providers.simulator import Change, Fault, Rule, Seed, Settings, rules
from providers.simulator.faults import NoAnswer
from providers.simulator.rules import Refused
from tests.providers.simulator.lab import LINKED, Lab, connect, refusal


def test_reads_may_lag_behind_writes() -> None:
    """Within the bound a describe shows what was before, while refusals know better; then it catches up."""
    lab = Lab.new(settings=Settings(stale_reads=3))
    lab.environment("a", wait=2)
    assert lab.see_environment("a") == {}
    assert lab.batch.describe_compute_environments()["computeEnvironments"] == []
    lab.clock.sleep(1)
    assert lab.see_environment("a")["status"] == "CREATING"
    lab.clock.sleep(60)
    lab.batch.update_compute_environment(computeEnvironment="a", state="DISABLED")
    assert (lab.see_environment("a")["status"], lab.see_environment("a")["state"]) == ("VALID", "ENABLED")
    assert "being modified" in refusal(lab.batch.delete_compute_environment, computeEnvironment="a")[2]
    lab.clock.sleep(3)
    assert (lab.see_environment("a")["status"], lab.see_environment("a")["state"]) == ("UPDATING", "DISABLED")


def test_pages_may_be_shorter_than_asked() -> None:
    """A page is capped whatever was asked for, and nothing is lost between pages."""
    lab = Lab.new(settings=Settings(page_size=2))
    for name in "abcde":
        lab.environment(name)
    pages = list(lab.batch.get_paginator("describe_compute_environments").paginate())
    assert [[it["computeEnvironmentName"] for it in page["computeEnvironments"]] for page in pages] == [
        ["a", "b"],
        ["c", "d"],
        ["e"],
    ]


def test_a_status_can_be_forced_and_lasts_until_a_call_changes_it(lab: Lab) -> None:
    """A test may break an environment, or let it hang in DELETING; an update of its role repairs the first."""
    lab.environment("a")
    lab.environment("b")
    lab.simulator.set_status("environment", "a", "INVALID", "CLIENT_ERROR - broken", region="eu-west-1")
    lab.simulator.set_status("environment", "b", "DELETING", region="eu-west-1")
    lab.clock.sleep(86400)
    assert lab.see_environment("a")["statusReason"] == "CLIENT_ERROR - broken"
    assert lab.see_environment("b")["status"] == "DELETING"
    assert "statusReason" not in lab.see_environment("b")
    lab.batch.update_compute_environment(computeEnvironment="a", serviceRole=LINKED)
    lab.clock.sleep(60)
    assert lab.see_environment("a")["status"] == "VALID"
    with pytest.raises(LookupError):
        lab.simulator.set_status("environment", "none", "VALID")


def test_what_is_seeded_is_there(lab: Lab) -> None:
    """An object put in as described is described so, is used as any other, and its numbers are taken."""
    lab.environment("a")
    lab.queue("q", "a")
    lab.definition("d")
    other = Lab.new()
    environment, queue, definition = lab.see_environment("a"), lab.see_queue("q"), lab.see_definition("d:1")
    seeds: dict[str, tuple[str, dict[str, Any]]] = {
        "environment": ("a", environment),
        "queue": ("q", queue),
        "definition": ("d:7", {**definition, "revision": 7}),
    }
    for kind, (name, shown) in seeds.items():
        other.simulator.seed(kind, name, shown, region="eu-west-1")
    assert (other.see_environment("a"), other.see_queue("q")) == (environment, queue)
    assert other.definition("d")["revision"] == 8
    assert len(other.batch.describe_job_definitions(jobDefinitionName="d")["jobDefinitions"]) == 2
    job = other.batch.submit_job(jobName="j", jobQueue="q", jobDefinition="d:7")["jobId"]
    other.clock.sleep(3600)
    assert other.batch.describe_jobs(jobs=[job])["jobs"][0]["status"] == "SUCCEEDED"
    other.disable_environment("a")
    assert "relationship" in refusal(other.batch.delete_compute_environment, computeEnvironment="a")[2]
    other.disable_queue("q")
    other.batch.delete_job_queue(jobQueue="q")


def test_a_seeded_job_goes_on(lab: Lab) -> None:
    """A job that is put in as RUNNING is listed with its queue, and ends."""
    lab.environment("a")
    queue = lab.queue("q", "a")
    shown = {"jobId": "1", "jobName": "j", "jobQueue": queue, "status": "RUNNING", "createdAt": 0, "startedAt": 0}
    lab.simulator.seed("job", "1", {**shown, "jobArn": "arn:1", "jobDefinition": "d"}, region="eu-west-1")
    assert [it["jobId"] for it in lab.batch.list_jobs(jobQueue="q")["jobSummaryList"]] == ["1"]
    lab.clock.sleep(70)
    assert lab.batch.describe_jobs(jobs=["1"])["jobs"][0]["status"] == "SUCCEEDED"


def test_what_is_seeded_in_transition_arrives(lab: Lab) -> None:
    """A seed that is CREATING or UPDATING becomes VALID, one that is DELETING goes."""
    for name, status in {"c": "CREATING", "u": "UPDATING", "d": "DELETING"}.items():
        lab.environment("x" + name)
        shown = {**lab.see_environment("x" + name), "computeEnvironmentName": name, "status": status}
        lab.simulator.seed("environment", name, shown, region="eu-west-1")
        assert lab.see_environment(name)["status"] == status
    lab.clock.sleep(20)
    assert [lab.see_environment(name).get("status") for name in "cud"] == ["VALID", "VALID", None]


def test_it_shows_what_it_holds_as_of_now(lab: Lab) -> None:
    """All accounts and regions are shown, objects and jobs as they stand, those that are gone left out."""
    lab.environment("a", state="DISABLED", wait=0)
    connect(lab.simulator, region="us-east-1").create_scheduling_policy(name="p")
    lab.clock.sleep(60)
    lab.queue("q", "a")
    lab.definition("d")
    job = lab.batch.submit_job(jobName="j", jobQueue="q", jobDefinition="d")["jobId"]
    lab.clock.sleep(10)
    held = lab.simulator.show()
    assert set(held) == {"123456789012/eu-west-1", "123456789012/us-east-1"}
    here = held["123456789012/eu-west-1"]
    assert here["environment"]["a"]["status"] == "VALID"
    assert here["job"][job]["status"] == "RUNNABLE"
    assert list(held["123456789012/us-east-1"]["policy"]) == ["p"]
    lab.store.reset()
    assert lab.simulator.show() == {}


def test_every_rule_says_what_it_holds_and_on_whose_word() -> None:
    """Each rule has a name of its own, a sentence, and a public source unless it is an assumption."""
    found = rules()
    assert len({rule.name for rule in found}) == len(found) > 80
    for rule in found:
        assert rule.says.endswith("."), rule
        assert rule.basis in ("documented", "observed", "assumed")
        assert rule.source or rule.basis == "assumed", rule
        assert rule.basis != "documented" or rule.source.startswith("https://"), rule
    assert (
        Rule(
            "lifecycle.must-have-settled",
            "observed",
            "An object in transition is neither updated nor deleted.",
            "astronomer/astronomer-providers#413",
        )
        in found
    )


def test_ids_come_from_the_caller() -> None:
    """Request ids are those of the function given, one a call, on success and on refusal."""
    numbers = iter(range(100))
    lab = Lab.new(ids=lambda: f"request-{next(numbers)}")
    assert lab.batch.describe_job_queues()["ResponseMetadata"]["RequestId"] == "request-0"
    with pytest.raises(lab.batch.exceptions.ClientException) as caught:
        lab.batch.delete_job_queue(jobQueue="none")
    assert caught.value.response["ResponseMetadata"]["RequestId"] == "request-1"


def test_the_same_calls_make_the_same_world() -> None:
    """Nothing but ids of requests is random: two simulators with the same calls hold the same."""

    def world() -> dict[str, Any]:
        lab = Lab.new()
        lab.environment("a")
        lab.queue("q", "a")
        lab.definition("d")
        lab.batch.submit_job(jobName="j", jobQueue="q", jobDefinition="d")
        return lab.simulator.show()

    assert world() == world()


def test_a_call_without_http(lab: Lab) -> None:
    """A call by the name of its operation does what a request does: same answer, same refusal, same record."""
    lab.environment("a")
    asked = {"computeEnvironments": ["a"]}
    told = lab.simulator.call("DescribeComputeEnvironments", asked, region="eu-west-1")
    assert told["computeEnvironments"] == [lab.see_environment("a")]
    with pytest.raises(Refused, match="must be DISABLED first"):
        lab.simulator.call("DeleteComputeEnvironment", {"computeEnvironment": "a"}, region="eu-west-1")
    with pytest.raises(Refused, match="computeEnvironment must be provided"):
        lab.simulator.call("DeleteComputeEnvironment", {}, region="eu-west-1")
    with pytest.raises(Refused, match="Unknown operation"):
        lab.simulator.call("MakeCoffee", {})
    assert [call.status for call in list(lab.simulator.calls)[-3:]] == [400, 400, 404]
    assert lab.simulator.call("DescribeComputeEnvironments", asked)["computeEnvironments"] == []


def test_a_call_without_http_meets_faults(lab: Lab) -> None:
    """Faults hit it as they hit requests, foreign writers too, and the record says which did."""
    lab.environment("a")
    off = ("UpdateComputeEnvironment", {"computeEnvironment": "a", "state": "DISABLED"})
    lab.simulator.inject(
        Fault("ListJobs", "throttle"),
        Fault("DescribeJobQueues", "lost"),
        Fault("DescribeComputeEnvironments", "foreign", writes=off),
    )
    with pytest.raises(Refused, match="Too Many Requests"):
        lab.simulator.call("ListJobs", {"jobQueue": "q"}, region="eu-west-1")
    with pytest.raises(NoAnswer):
        lab.simulator.call("DescribeJobQueues", {}, region="eu-west-1")
    told = lab.simulator.call("DescribeComputeEnvironments", {}, region="eu-west-1")
    assert told["computeEnvironments"][0]["state"] == "DISABLED"
    assert [call.fault for call in list(lab.simulator.calls)[-3:]] == ["throttle", "lost", "foreign"]


def test_changes_are_told_in_the_order_of_time(lab: Lab) -> None:
    """Who listens hears of each change once it stands, at the time when it happened; what was refused is not told."""
    heard: list[Change] = []
    lab.simulator.on_change = heard.append
    began = lab.clock.now()
    lab.environment("a", wait=0)
    lab.clock.sleep(300)
    lab.disable_environment("a")
    refusal(lab.batch.update_compute_environment, computeEnvironment="none")
    lab.batch.delete_compute_environment(computeEnvironment="a")
    lab.clock.sleep(300)
    assert lab.see_environment("a") == {}
    assert {change.name for change in heard} == {"a"}
    statuses = [change.shown and change.shown["status"] for change in heard]
    assert statuses == ["CREATING", "VALID", "UPDATING", "VALID", "DELETING", "DELETED", None]
    assert [change.at - began for change in heard[:2]] == [0, 40]
    assert [change.at for change in heard] == sorted(change.at for change in heard)


def test_what_is_filled_in_is_never_stale(lab: Lab) -> None:
    """Objects that are put in together were always there, however long reads lag."""
    lab.environment("a")
    lab.queue("q", "a")
    other = Lab.new(settings=Settings(stale_reads=900))
    seeds = (Seed("environment", "a", lab.see_environment("a")), Seed("queue", "q", lab.see_queue("q")))
    other.simulator.fill(seeds, region="eu-west-1")
    assert other.see_queue("q") == lab.see_queue("q")
    assert other.see_environment("a") == lab.see_environment("a")
    with pytest.raises(KeyError):
        other.simulator.fill([Seed("teapot", "t", {})])
