"""What is concluded from what was read: ranks, AWS's own words, and how it is shown."""

import json
from typing import Any

import attrs
import pytest
from jsonschema import Draft202012Validator

from plans.diagnosis import Front, Scene, diagnose, to_json
from plans.diagnosis.words import WORDS
from plans.printable import plain
from plans.schema import doctor_schema
from plans.views.doctor import lines
from tests.plans.diagnosis.test_fitting import environment, job

NOW = 1_000_000.0
HERE = ("111122223333", "eu-west-1", {"provider": "aws"})
QUEUE = {"jobQueueName": "q", "jobQueueArn": "arn:q", "state": "ENABLED", "status": "VALID"}


def waiting(name: str, reason: str = "", *, age: float = 60, **more: Any) -> dict[str, Any]:
    return {**job(), "jobId": name, "jobName": name, "statusReason": reason, "createdAt": (NOW - age) * 1000, **more}


def scene(*jobs: Any, **more: Any) -> Scene:
    told = Scene({**QUEUE, **more.pop("queue", {})}, NOW, (environment("c6i"),), waiting=jobs, front=Front(), taken=0.0)
    return attrs.evolve(told, **more)


def codes(told: Scene) -> list[str]:
    return [it.code for it in diagnose(told).findings]


@pytest.mark.parametrize("words", WORDS, ids=lambda words: words.prefix)
def test_words_of_aws_without_another_explanation(words: Any) -> None:
    """Each reason that the user guide lists is a hypothesis by itself, with AWS's words quoted."""
    (finding,) = diagnose(scene(waiting("a", f"{words.prefix} - so it is"))).findings
    assert (finding.code, finding.found.likelihood) == (words.code, words.likelihood)
    assert finding.found.evidence == (f'AWS says of a (a): "{words.prefix} - so it is"',)
    assert finding.source.startswith("https://")


def test_the_same_words_at_many_jobs() -> None:
    """They are quoted once, of the job that is further in front."""
    (finding,) = diagnose(scene(waiting("a"), waiting("b", "CAPACITY:X"), waiting("c", "CAPACITY:Y"))).findings
    assert finding.found.evidence == ('AWS says of b (b): "CAPACITY:X"',)


def test_words_of_aws_stand_with_what_explains_them() -> None:
    """They are evidence of the hypothesis that says more, and no hypothesis of their own."""
    reason = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - too much"
    told = scene(waiting("a", reason, container=job("1", "999999999")["container"]))
    (finding,) = diagnose(told).findings
    assert finding.code == "memory"
    assert reason in finding.found.evidence[-1]


def test_who_is_first_in_line_goes_first() -> None:
    """What holds up the first in line is told before what will hold up another."""
    told = scene(waiting("a", "UNDETERMINED - ?"), waiting("b", container=job("999")["container"]))
    assert codes(told) == ["undetermined", "max-vcpus"]


def test_jobs_of_one_hypothesis_are_told_together() -> None:
    """Many jobs of one fault are one finding, with some of the evidence and all of the jobs."""
    many = [waiting(f"j{number}", container=job("999")["container"]) for number in range(20)]
    (finding,) = diagnose(scene(*many)).findings
    assert len(finding.found.jobs) == 20
    assert len(finding.found.evidence) == 8


@pytest.mark.parametrize(
    ("environments", "found"),
    [
        ([("ENABLED", "INVALID"), ("ENABLED", "VALID")], [("environments-invalid", "possible")]),
        ([("DISABLED", "VALID"), ("ENABLED", "VALID")], [("environments-disabled", "possible")]),
        ([("DISABLED", "VALID"), ("DISABLED", "VALID")], [("environments-disabled", "likely")]),
        (
            [("ENABLED", "INVALID"), ("DISABLED", "VALID")],
            [("environments-invalid", "likely"), ("environments-disabled", "likely")],
        ),
        ([("ENABLED", "CREATING")], [("environments-closed", "likely")]),
        ([], [("environments-closed", "likely")]),
        ([("ENABLED", "UPDATING")], []),
    ],
)
def test_environments_that_take_no_jobs(environments: Any, found: Any) -> None:
    """Where one of several takes jobs, the others are a possible reason only."""
    made = [{**environment("c6i"), "state": state, "status": status} for state, status in environments]
    told = diagnose(scene(waiting("a"), environments=tuple(made)))
    assert [(it.code, it.found.likelihood) for it in told.findings] == found


def test_environments_that_could_not_be_read() -> None:
    """Nothing is said of environments that were not read."""
    assert codes(scene(waiting("a"), environments=(), unread={"environments": "denied"})) == []


def test_a_queue_that_is_not_valid() -> None:
    """AWS's reason is quoted."""
    told = diagnose(scene(waiting("a"), queue={"status": "INVALID", "statusReason": "why not"}))
    assert [it.code for it in told.findings] == ["queue-invalid"]
    assert told.findings[0].found.evidence == ('queue q: ENABLED, INVALID, "why not"',)


def test_a_queue_that_is_disabled_with_jobs_in_it() -> None:
    """Jobs that are in it go on, so it is told after what holds them up."""
    assert codes(scene(waiting("a", "CAPACITY:X"), queue={"state": "DISABLED"})) == ["capacity", "queue-disabled"]
    behind = waiting("b", container=job("999")["container"])
    assert codes(scene(waiting("a"), behind, queue={"state": "DISABLED"})) == ["max-vcpus", "queue-disabled"]


def test_long_waits_without_a_cause() -> None:
    """After ten minutes that is a finding; where instances were asked for and none took a job, it says so."""
    assert codes(scene(waiting("a", age=599))) == []
    assert codes(scene(waiting("a", age=601))) == ["unexplained"]
    started = environment("c6i", desiredvCpus=4)
    assert codes(scene(waiting("a", age=601), environments=(started,))) == ["no-host"]
    assert codes(scene(waiting("a", age=601), environments=(started,), counts={"RUNNING": 1})) == ["unexplained"]
    assert codes(scene(waiting("a", age=601), front=Front(("a",), NOW - 5))) == []


def test_subnets_without_addresses() -> None:
    """All subnets of the only environment are a likely reason, one of them a possible one."""
    both = environment("c6i", subnets=["s-1", "s-2"])
    told = diagnose(scene(waiting("a"), environments=(both,), subnets={"s-1": 0, "s-2": 0}))
    assert [(it.code, it.found.likelihood) for it in told.findings] == [("subnet-full", "likely")]
    told = diagnose(scene(waiting("a"), environments=(both,), subnets={"s-1": 0, "s-2": 9}))
    assert [(it.code, it.found.likelihood) for it in told.findings] == [("subnet-full", "possible")]
    assert codes(scene(waiting("a"), environments=(both,), subnets={"s-1": 3, "s-2": 9})) == []


def test_jobs_without_share_or_priority() -> None:
    """A fair-share queue wants both."""
    policy = {"name": "p", "fairsharePolicy": {}}
    assert codes(scene(waiting("a", shareIdentifier="x"), policy=policy)) == ["share-attributes"]
    assert codes(scene(waiting("a"), policy=policy)) == ["share-attributes", "share-attributes"]
    assert codes(scene(waiting("a", shareIdentifier="x", schedulingPriority=0), policy=policy)) == []


def test_consumable_resources() -> None:
    """One that is gone, one that never suffices, and one that could not be read."""
    needs: Any = {
        "consumableResourceProperties": {"consumableResourceList": [{"consumableResource": "x", "quantity": 3}]}
    }
    (gone,) = diagnose(scene(waiting("a", **needs))).findings
    assert gone.found.says == "the consumable resource x is not there"
    short = {"x": {"totalQuantity": 2, "inUseQuantity": 0}}
    (never,) = diagnose(scene(waiting("a", **needs), supplies=short)).findings
    assert "it would never start" in never.found.says
    assert codes(scene(waiting("a", **needs), supplies={"x": {"totalQuantity": 3, "inUseQuantity": 0}})) == []
    assert codes(scene(waiting("a", **needs), unread={"consumable resource x": "denied"})) == []


def test_dependencies() -> None:
    """One that AWS does not describe is told as that; those that have ended are no reason."""
    pending: Any = {"status": "PENDING", "dependsOn": [{"jobId": "x"}, {"type": "SEQUENTIAL"}]}
    (finding,) = diagnose(scene(waiting("a", **pending))).findings
    assert finding.found.evidence[1] == "it depends on job x, which AWS does not describe"
    assert codes(scene(waiting("a", **pending), others={"x": {"jobId": "x", "status": "FAILED"}})) == []


def test_a_crowd() -> None:
    """What is taken is likely to be the reason, and possible where it may be in environments of another queue."""
    big = waiting("a", container=job("8")["container"])
    small = waiting("b")
    for jobs, code in (((big, small), "head-of-line"), ((big, big), "environment-full")):
        told = scene(*jobs, taken=60.0)
        assert [(it.code, it.found.likelihood) for it in diagnose(told).findings] == [(code, "likely")]
        apart = attrs.evolve(told, elsewhere=True, neighbours=("other",))
        assert [(it.code, it.found.likelihood) for it in diagnose(apart).findings] == [(code, "possible")]
        assert "queue q and of other take 60 of 64 vCPU" in str(diagnose(apart).findings[0].found.evidence)
    assert codes(scene(big, small, taken=56.0)) == []
    assert codes(scene(big, small, taken=None)) == []


def test_a_quota_share_that_takes_no_jobs() -> None:
    """A DISABLED share."""
    share: Any = {"state": "DISABLED", "status": "VALID", "capacityLimits": [{"capacityUnit": "ml", "maxCapacity": 4}]}
    usage = [{"capacityUnit": "ml", "quantity": 1}]
    service = {
        "serviceEnvironmentName": "s",
        "state": "ENABLED",
        "status": "VALID",
        "capacityLimits": [{"capacityUnit": "ml", "maxCapacity": 4}],
    }
    told = scene(
        waiting("a", quotaShareName="red", capacityUsage=usage),
        environments=(),
        services=(service,),
        quota_shares={"red": share},
    )
    assert codes(told) == ["quota-share"]
    opened = {**share, "state": "ENABLED", "resourceSharingConfiguration": {"strategy": "LEND_AND_BORROW"}}
    for limit, quantity, found in ((-1, 4, []), (0, 4, []), (25, 5, ["capacity-limit"]), (0, 5, None)):
        opened["resourceSharingConfiguration"]["borrowLimit"] = limit
        more = waiting("a", quotaShareName="red", capacityUsage=[{"capacityUnit": "ml", "quantity": quantity}])
        expected = ["capacity-limit", "quota-share"] if found is None else found
        assert codes(attrs.evolve(told, waiting=(more,), quota_shares={"red": opened})) == expected


def test_what_aws_says_cannot_touch_a_terminal() -> None:
    """Words of AWS are shown with what is not printable escaped, and stand in JSON as they are."""
    evil = "CAPACITY:\x1b[2J\u202e oh"
    told = (diagnose(scene(waiting("a\n", evil), queue={"jobQueueName": "q\x07"})),)
    text = [plain(line) for line in lines(told, verbose=True)]
    assert all(line.isprintable() for line in text)
    assert any(r"\x1b[2J\u202e oh" in line for line in text)
    assert evil in json.loads(json.dumps(to_json(told, *HERE)))["queues"][0]["findings"][0]["evidence"][0]


def test_how_it_is_shown() -> None:
    """The head, the first three hypotheses, how many more there are, and what was not read."""
    many = [waiting("a", "CAPACITY:X"), waiting("b", container=job("999")["container"])]
    told = scene(
        *many, queue={"state": "DISABLED"}, counts={"RUNNABLE": 100, "RUNNING": 0}, more=frozenset({"RUNNABLE"})
    )
    told = attrs.evolve(told, unread={"subnets": "no EC2"}, policy={"fairsharePolicy": {}})
    text = list(lines((diagnose(told), diagnose(scene()))))
    assert text[0] == "Queue q: 100+ RUNNABLE; the oldest RUNNABLE job looked at is 1m old"
    assert text[1].startswith("  1. likely: ")
    assert text[1].endswith(" [capacity]")
    assert text[-5:] == [
        "  2 more with -v",
        "  Not read: subnets (no EC2)",
        "",
        "Queue q: no jobs wait or run",
        "  Nothing was found that would keep jobs from running.",
    ]


def test_the_schema() -> None:
    """It is a schema, is closed, and what is printed keeps to it."""
    schema = doctor_schema()
    Draft202012Validator.check_schema(schema)
    told = diagnose(scene(waiting("a", "CAPACITY:X"))), diagnose(scene())
    document: Any = json.loads(json.dumps(to_json(told, *HERE)))
    Draft202012Validator(schema).validate(document)
    document["queues"][0]["findings"][0]["likelihood"] = "certain"
    assert list(Draft202012Validator(schema).iter_errors(document))


def ranked(told: Scene) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(it.code, it.found.likelihood, it.found.jobs) for it in diagnose(told).findings]


def test_words_of_aws_are_not_explained_by_a_job_behind() -> None:
    """They are of the first in line, of which nothing else was found."""
    words = "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - so it is"
    large = job("999")["container"]
    told = scene(waiting("a", words), waiting("b", container=large))
    assert [(code, jobs) for code, _, jobs in ranked(told)] == [("max-vcpus", ("a",)), ("max-vcpus", ("b",))]


@pytest.mark.parametrize(
    ("shown", "code"),
    [({"state": "DISABLED"}, "environments-disabled"), ({"status": "INVALID"}, "environments-invalid")],
)
def test_a_closed_environment_among_open_ones(shown: dict[str, str], code: str) -> None:
    """It is likely where the first in line fits nowhere else, possible where it fits, and no reason of what fits into
    none of them."""
    small = environment("c6i", name="small", maxvCpus=2)
    closed = {**environment("c6i", name="closed"), **shown}
    four, vast = job("4")["container"], job("999")["container"]

    def of(*jobs: Any) -> list[tuple[str, str, tuple[str, ...]]]:
        return ranked(scene(*jobs, environments=(small, closed)))

    assert of(waiting("a", container=four)) == [(code, "likely", ("a",))]
    assert of(waiting("a"), waiting("b", container=four)) == [(code, "possible", ("b",))]
    assert of(waiting("a", container=vast)) == [
        ("max-vcpus", "likely", ("a",)),
        (code, "possible", ()),
    ]


def test_what_is_closed_has_no_room() -> None:
    """Environments are full where those that take jobs are."""
    both = (environment("c6i"), {**environment("c6i", name="closed"), "state": "DISABLED"})
    told = scene(waiting("a"), environments=both, taken=64.0)
    assert [code for code, _, _ in ranked(told)] == ["environment-full", "environments-disabled"]


def test_a_dependency_stands_behind_what_holds_up_the_first_in_line() -> None:
    """However likely it is."""
    other = waiting("c", status="PENDING", dependsOn=[{"jobId": "d"}])
    assert [code for code, _, _ in ranked(scene(waiting("a", "UNDETERMINED"), other))] == ["undetermined", "dependency"]


@pytest.mark.parametrize(
    ("reason", "fields"),
    [
        ("CLIENT_ERROR - Invalid IamInstanceProfile: role-missing", " (computeResources.instanceRole)"),
        ("Not authorized to perform sts:AssumeRole on resource", " (serviceRole)"),
        ("CLIENT_ERROR - Error executing request: IamFleetRole is wrong", " (computeResources.spotIamFleetRole)"),
        ("CLIENT_ERROR - The subnet ID 'subnet-9' does not exist", " (computeResources.subnets)"),
        ("INTERNAL_ERROR - nobody knows", ""),
        ("", ""),
    ],
)
def test_the_field_that_aws_complains_of_is_named(reason: str, fields: str) -> None:
    """By the same words of a status reason as a repair goes by."""
    bad = {**environment("c6i"), "status": "INVALID", "statusReason": reason}
    (told,) = diagnose(scene(waiting("a"), environments=(bad,))).findings
    mend = f"mend what AWS names{fields}, then `batchwright apply --repair` sends it once more"
    assert (told.code, told.found.mend) == ("environments-invalid", mend)
