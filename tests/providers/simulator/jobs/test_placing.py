"""Room in environments, and whose turn it is."""

from typing import Any

import pytest

from providers.simulator import Outcome, Settings
from tests.providers.simulator.lab import ORDINARY, Lab, container, ec2, fargate

_SPACE = {"eksClusterArn": "arn:aws:eks:eu-west-1:123456789012:cluster/c", "kubernetesNamespace": "jobs"}
_ROLE = "arn:aws:iam::123456789012:role/r"


def _needs(vcpus: str, memory: str = "512") -> list[dict[str, str]]:
    return [{"type": "VCPU", "value": vcpus}, {"type": "MEMORY", "value": memory}]


def _cluster(lab: Lab, job: str) -> str:
    cluster: str = lab.see_job(job)["container"]["taskArn"].split("/")[1]
    return cluster


def _cluster_of(lab: Lab, environment: str) -> str:
    cluster: str = lab.see_environment(environment)["ecsClusterArn"].rpartition("/")[2]
    return cluster


def test_the_first_environment_with_room_takes_the_job(lab: Lab) -> None:
    """By the numbers of the order, wherever they stand in the list; what is full or DISABLED is passed over."""
    for name in ("a", "b", "c"):
        lab.environment(name, computeResources=ec2(maxvCpus=1))
    lab.queue("q", "a", "b", "c")
    lab.definition("d")
    order = [{"order": n, "computeEnvironment": name} for name, n in {"a": 7, "b": 3, "c": 5}.items()]
    lab.batch.update_job_queue(jobQueue="q", computeEnvironmentOrder=order)
    lab.disable_environment("c")
    jobs = [lab.submit(wait=2) for _ in range(3)]
    assert lab.statuses(*jobs) == ["STARTING", "STARTING", "RUNNABLE"]
    assert [_cluster(lab, job) for job in jobs[:2]] == [_cluster_of(lab, "b"), _cluster_of(lab, "a")]


def test_room_is_given_back(lab: Lab) -> None:
    """The next job starts when one has ended, in the order they came."""
    lab.ground(maxvCpus=1)
    jobs = [lab.submit() for _ in range(3)]
    lab.clock.sleep(72)
    assert lab.statuses(*jobs) == ["SUCCEEDED", "STARTING", "RUNNABLE"]
    lab.clock.sleep(70)
    assert lab.statuses(*jobs) == ["SUCCEEDED", "SUCCEEDED", "STARTING"]


@pytest.mark.parametrize(
    ("changes", "most"),
    [
        ({"containerProperties": container(resourceRequirements=_needs("3"))}, 2),
        ({"containerProperties": {"image": "i", "vcpus": 2, "memory": 512}}, 4),
        (
            {
                "ecsProperties": {
                    "taskProperties": [
                        {
                            "containers": [
                                {"name": n, "image": "i", "resourceRequirements": _needs("2")} for n in ("x", "y")
                            ]
                        }
                    ]
                }
            },
            2,
        ),
    ],
)
def test_jobs_need_what_their_containers_need(lab: Lab, changes: dict[str, Any], most: int) -> None:
    """Of requirements, of the older `vcpus`, and of the containers of a task together, 8 vCPUs hold so many."""
    lab.ground(maxvCpus=8, instanceTypes=["optimal"])
    lab.batch.register_job_definition(jobDefinitionName="e", type="container", **changes)
    jobs = [lab.submit(jobDefinition="e") for _ in range(6)]
    lab.clock.sleep(2)
    assert lab.statuses(*jobs).count("STARTING") == most


def test_fargate_and_kubernetes_count_parts_of_vcpus(lab: Lab) -> None:
    """Four quarters fill one vCPU on Fargate, and requests, or else limits, of a pod's containers on EKS."""
    lab.environment("f", computeResources=fargate(maxvCpus=1))
    lab.queue("q", "f")
    small = container(resourceRequirements=_needs("0.25"), executionRoleArn=_ROLE)
    lab.definition("d", containerProperties=small, platformCapabilities=["FARGATE"])
    lab.environment("k", eksConfiguration=_SPACE, computeResources=ec2(maxvCpus=1))
    lab.queue("eks", "k")
    each = {"image": "i", "resources": {"limits": {"cpu": "0.25", "memory": "512Mi"}}}
    pod = {"containers": [{**each, "name": "x"}]}
    lab.batch.register_job_definition(jobDefinitionName="p", type="container", eksProperties={"podProperties": pod})
    for queue, definition in (("q", "d"), ("eks", "p")):
        jobs = [lab.submit(jobQueue=queue, jobDefinition=definition) for _ in range(5)]
        lab.clock.sleep(2)
        assert lab.statuses(*jobs) == ["STARTING"] * 4 + ["RUNNABLE"]
    assert "desiredvCpus" not in lab.see_environment("f")["computeResources"]


def test_the_queue_with_the_higher_priority_is_served_first(lab: Lab) -> None:
    """Of two queues that share an environment, when room becomes free."""
    lab.ground(maxvCpus=1)
    lab.queue("urgent", "a", priority=10)
    first = lab.submit(wait=2)
    second = lab.submit(wait=2)
    urgent = lab.submit(jobQueue="urgent", wait=70)
    assert lab.statuses(first, second, urgent) == ["SUCCEEDED", "RUNNABLE", "STARTING"]


def test_a_job_that_is_tried_again_waits_for_more_urgent_ones() -> None:
    """The room that it leaves goes to the queue with the higher priority first."""
    lab = Lab.new(settings=Settings(outcomes=(Outcome(name="j", attempts=1, exit_code=1),)))
    lab.ground(maxvCpus=1)
    lab.queue("urgent", "a", priority=10)
    job = lab.submit(wait=2, retryStrategy={"attempts": 2})
    urgent = lab.submit(jobQueue="urgent", jobName="other", wait=70)
    assert lab.statuses(job, urgent) == ["RUNNABLE", "STARTING"]


def test_jobs_of_a_fair_share_queue_go_by_priority(lab: Lab) -> None:
    """The higher scheduling priority goes first; in a queue without a policy the first to come does."""
    lab.ground(maxvCpus=1)
    policy = lab.batch.create_scheduling_policy(name="p")["arn"]
    lab.environment("b", computeResources=ec2(maxvCpus=1))
    lab.queue("fair", "b", schedulingPolicyArn=policy)
    fair = {"jobQueue": "fair", "shareIdentifier": "s"}
    jobs = [lab.submit(**fair, schedulingPriorityOverride=number, wait=2) for number in (1, 2, 9)]
    lab.clock.sleep(70)
    assert lab.statuses(*jobs) == ["SUCCEEDED", "RUNNABLE", "STARTING"]
    for number in (1, 2, 9):
        lab.definition(f"d{number}", schedulingPriority=number)
    jobs = [lab.submit(jobDefinition=f"d{number}", wait=2) for number in (1, 2, 9)]
    lab.clock.sleep(70)
    assert lab.statuses(*jobs) == ["SUCCEEDED", "STARTING", "RUNNABLE"]


@pytest.mark.parametrize(("vcpus", "starting"), [({}, 3), ({"unmanagedvCpus": 2}, 2)])
def test_an_unmanaged_environment_holds_what_it_says(lab: Lab, vcpus: dict[str, int], starting: int) -> None:
    """`unmanagedvCpus` bound it; without them anything fits."""
    lab.batch.create_compute_environment(
        computeEnvironmentName="u", type="UNMANAGED", serviceRole="arn:aws:iam::123456789012:role/r", **vcpus
    )
    lab.clock.sleep(3600)
    lab.queue("q", "u")
    lab.definition("d")
    jobs = [lab.submit() for _ in range(3)]
    lab.clock.sleep(2)
    assert lab.statuses(*jobs).count("STARTING") == starting


def _updating(lab: Lab, **changes: Any) -> None:
    lab.batch.update_compute_environment(computeEnvironment="a", **changes)


def test_what_an_update_adds_is_there_when_it_has_ended(lab: Lab) -> None:
    """A raised maximum is shown at once; whoever submits meanwhile, nobody starts for that."""
    lab.ground(maxvCpus=1)
    first, second = lab.submit(), lab.submit()
    lab.clock.sleep(2)
    _updating(lab, computeResources={"maxvCpus": 4})
    third = lab.submit(wait=19)
    assert lab.see_environment("a")["computeResources"]["maxvCpus"] == 4
    assert lab.statuses(first, second, third) == ["RUNNING", "RUNNABLE", "RUNNABLE"]
    lab.clock.sleep(1)
    assert lab.statuses(first, second, third) == ["RUNNING", "STARTING", "STARTING"]


def test_an_environment_opens_when_its_update_has_ended_and_closes_at_once(lab: Lab) -> None:
    """One that is being enabled takes no jobs yet, one that is being disabled none any more."""
    lab.ground()
    _updating(lab, state="DISABLED")
    early = lab.submit(wait=5)
    assert lab.statuses(early) == ["RUNNABLE"]
    lab.clock.sleep(60)
    _updating(lab, state="ENABLED")
    late = lab.submit(wait=19)
    assert lab.statuses(early, late) == ["RUNNABLE", "RUNNABLE"]
    lab.clock.sleep(1)
    assert lab.statuses(early, late) == ["STARTING", "STARTING"]


def test_what_an_update_takes_away_is_gone_at_once(lab: Lab) -> None:
    """A lowered maximum holds for whoever comes while the update lasts."""
    lab.ground(maxvCpus=2)
    first = lab.submit(wait=2)
    _updating(lab, computeResources={"maxvCpus": 1})
    second = lab.submit(wait=5)
    assert lab.statuses(first, second) == ["STARTING", "RUNNABLE"]


def test_types_of_instances_come_with_the_end_of_their_update(lab: Lab) -> None:
    """A job that needs a GPU waits until the update has brought machines that have one."""
    lab.ground(allocationStrategy="BEST_FIT_PROGRESSIVE", instanceTypes=["m6i.large"])
    needs = [{"type": "GPU", "value": "1"}, *container()["resourceRequirements"]]
    lab.definition("g", containerProperties=container(resourceRequirements=needs))
    job = lab.submit(jobDefinition="g", wait=5)
    _updating(lab, computeResources={"instanceTypes": ["g4dn.xlarge"]})
    lab.submit(wait=5)
    assert lab.statuses(job) == ["RUNNABLE"]
    lab.clock.sleep(3600)
    assert lab.statuses(job) == ["SUCCEEDED"]


def test_vcpus_of_an_unmanaged_environment_come_with_the_end_of_its_update(lab: Lab) -> None:
    """As a maximum does that is raised."""
    lab.batch.create_compute_environment(
        computeEnvironmentName="a", type="UNMANAGED", serviceRole=ORDINARY, unmanagedvCpus=1
    )
    lab.clock.sleep(100)
    lab.queue("q", "a")
    lab.definition("d")
    first, second = lab.submit(), lab.submit()
    lab.clock.sleep(2)
    _updating(lab, unmanagedvCpus=3)
    third = lab.submit(wait=5)
    assert lab.statuses(first, second, third) == ["STARTING", "RUNNABLE", "RUNNABLE"]
    lab.clock.sleep(15)
    assert lab.statuses(first, second, third) == ["RUNNING", "STARTING", "STARTING"]


def test_fractions_of_vcpus_add_up(lab: Lab) -> None:
    """Parts that are seven together are not a hair more, nor is a hair left of them when they have gone."""
    lab.ground(maxvCpus=7, instanceTypes=["optimal"])
    jobs = []
    for name in ("1.6", "2.7", "2.7"):
        needs = [{"type": "VCPU", "value": name}, {"type": "MEMORY", "value": "512"}]
        lab.definition("t", containerProperties=container(resourceRequirements=needs))
        jobs.append(lab.submit(jobDefinition="t"))
    lab.clock.sleep(5)
    assert lab.statuses(*jobs) == ["STARTING"] * 3
    lab.clock.sleep(200)
    assert lab.see_environment("a")["computeResources"]["desiredvCpus"] == 0
