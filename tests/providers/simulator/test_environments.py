"""Life of a compute environment: states, refusals, roles."""

from typing import Any

import pytest

from providers.simulator import Durations, Fault, Outcome, Quotas, Settings
from tests.providers.simulator.lab import LINKED, ORDINARY, Lab, connect, container, ec2, fargate, refusal


def test_creation_takes_time_and_ends_valid(lab: Lab) -> None:
    """An environment is CREATING for its duration, then VALID, with a healthy reason."""
    lab.environment("a", wait=39)
    assert lab.see_environment("a")["status"] == "CREATING"
    assert "statusReason" not in lab.see_environment("a")
    lab.clock.sleep(1)
    assert lab.see_environment("a")["status"] == "VALID"
    assert lab.see_environment("a")["statusReason"] == "ComputeEnvironment Healthy"


def test_describe_shows_the_defaults_of_a_managed_environment(lab: Lab) -> None:
    """Left unsaid, the state is ENABLED, the role the service-linked one, the image AL2023, desired vCPUs 0."""
    arn = lab.environment("a")
    seen = lab.see_environment(arn)
    assert arn == "arn:aws:batch:eu-west-1:123456789012:compute-environment/a"
    assert seen["computeEnvironmentName"] == "a"
    assert (seen["state"], seen["type"], seen["tags"]) == ("ENABLED", "MANAGED", {})
    assert seen["serviceRole"] == LINKED
    assert seen["containerOrchestrationType"] == "ECS"
    assert seen["uuid"] in seen["ecsClusterArn"]
    assert seen["computeResources"]["ec2Configuration"] == [{"imageType": "ECS_AL2023"}]
    assert seen["computeResources"]["desiredvCpus"] == 0
    assert "allocationStrategy" in seen["computeResources"]
    assert "updatePolicy" not in seen


def test_words_come_in_any_case_and_are_shown_in_upper_case(lab: Lab) -> None:
    """Lower-case words of an enumeration are taken, and described in upper case."""
    lab.environment("a", type="managed", state="disabled", computeResources=fargate(type="fargate_spot"))
    seen = lab.see_environment("a")
    assert (seen["type"], seen["state"], seen["computeResources"]["type"]) == ("MANAGED", "DISABLED", "FARGATE_SPOT")


def test_an_unmanaged_environment_has_a_role_and_no_resources(lab: Lab) -> None:
    """UNMANAGED needs a service role, keeps `unmanagedvCpus`, and shows no compute resources."""
    lab.batch.create_compute_environment(
        computeEnvironmentName="u", type="UNMANAGED", serviceRole=ORDINARY, unmanagedvCpus=8
    )
    lab.clock.sleep(60)
    seen = lab.see_environment("u")
    assert (seen["unmanagedvCpus"], seen["status"]) == (8, "VALID")
    assert "computeResources" not in seen
    update = lab.batch.update_compute_environment
    assert "UNMANAGED" in refusal(update, computeEnvironment="u", computeResources={"maxvCpus": 1})[2]
    update(computeEnvironment="u", unmanagedvCpus=4)
    assert lab.see_environment("u")["unmanagedvCpus"] == 4


def test_an_eks_environment_has_its_own_defaults(lab: Lab) -> None:
    """On EKS the image is EKS_AL2023, there is no ECS cluster and no number of desired vCPUs."""
    eks = {"eksClusterArn": "arn:aws:eks:eu-west-1:123456789012:cluster/c", "kubernetesNamespace": "batch"}
    lab.environment("k", eksConfiguration=eks, computeResources=ec2())
    seen = lab.see_environment("k")
    assert seen["containerOrchestrationType"] == "EKS"
    assert seen["computeResources"]["ec2Configuration"] == [{"imageType": "EKS_AL2023"}]
    assert "desiredvCpus" not in seen["computeResources"]
    assert "ecsClusterArn" not in seen
    assert seen["eksConfiguration"] == eks


_EKS = {"eksClusterArn": "arn:aws:eks:eu-west-1:123456789012:cluster/c", "kubernetesNamespace": "batch"}


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"type": "MANAGED"}, "computeResources must be provided for a MANAGED compute environment"),
        ({"type": "UNMANAGED"}, "ServiceRole is required."),
        ({"type": "UNMANAGED", "serviceRole": "r", "computeResources": ec2()}, "UNMANAGED"),
        ({"type": "UNMANAGED", "serviceRole": "r", "eksConfiguration": _EKS}, "eksConfiguration"),
        ({"type": "MANAGED", "computeResources": ec2(), "unmanagedvCpus": 1}, "unmanagedvCpus"),
        ({"type": "SEMI", "computeResources": ec2()}, "type must be one of MANAGED, UNMANAGED"),
        ({"type": "MANAGED", "computeResources": ec2(), "state": "OFF"}, "state must be one of"),
        ({"type": "UNMANAGED", "serviceRole": "r", "unmanagedvCpus": -5}, "unmanagedvCpus must be at least 0"),
        ({"type": "MANAGED", "computeResources": ec2(), "tags": {"aws:a": "b"}}, "aws: prefixed"),
        ({"type": "MANAGED", "computeResources": ec2(tags={"aws:a": "b"})}, "aws: prefixed"),
        ({"type": "MANAGED", "computeResources": ec2(tags={"a": "b#"})}, "Tag keys and values"),
        (
            {"type": "MANAGED", "computeResources": ec2(), "eksConfiguration": _EKS, "ecsSettings": {}},
            "ecsSettings can only be specified for ECS",
        ),
        *(
            (
                {
                    "type": "MANAGED",
                    "computeResources": ec2(),
                    "eksConfiguration": {**_EKS, "kubernetesNamespace": space},
                },
                "kubernetesNamespace is not valid",
            )
            for space in ("kube-x", "default", "", "Batch", "-a", "a-", "a" * 64)
        ),
        (
            {"type": "MANAGED", "computeResources": ec2(), "eksConfiguration": {**_EKS, "eksClusterArn": "c"}},
            "eksClusterArn",
        ),
    ],
)
def test_a_bad_creation_is_refused_and_leaves_nothing(lab: Lab, request_: dict[str, Any], words: str) -> None:
    """Each broken rule of creation is a ClientException, HTTP 400, and nothing is made."""
    status, code, message = refusal(lab.batch.create_compute_environment, computeEnvironmentName="a", **request_)
    assert (status, code) == (400, "ClientException")
    assert words in message
    assert lab.see_environment("a") == {}


@pytest.mark.parametrize("name", ["-a", "_a", "a b", "a" * 129, "a/b", "é"])
def test_a_malformed_name_is_refused(lab: Lab, name: str) -> None:
    """A name begins with a letter or digit and has up to 128 letters, digits, hyphens and underscores."""
    with pytest.raises(lab.batch.exceptions.ClientException):
        lab.environment(name)


def test_a_taken_name_is_refused_with_409_until_the_old_one_is_gone(lab: Lab) -> None:
    """A name is taken for as long as its holder is described, a DELETING one included."""
    lab.environment("a")
    again = {"computeEnvironmentName": "a", "type": "MANAGED", "computeResources": ec2()}
    assert refusal(lab.batch.create_compute_environment, **again) == (409, "ClientException", "Object already exists")
    lab.disable_environment("a")
    lab.batch.delete_compute_environment(computeEnvironment="a")
    assert refusal(lab.batch.create_compute_environment, **again)[0] == 409
    lab.clock.sleep(45)
    lab.environment("a")
    assert lab.see_environment("a")["status"] == "VALID"


def test_deletion_needs_disabled_and_settled(lab: Lab) -> None:
    """Deletion is refused while ENABLED and in transition; then DELETING, then gone."""
    lab.environment("a", wait=0)
    delete = lab.batch.delete_compute_environment
    assert refusal(delete, computeEnvironment="a")[2] == "Cannot delete, resource is being modified"
    lab.clock.sleep(60)
    assert "DISABLED" in refusal(delete, computeEnvironment="a")[2]
    lab.disable_environment("a", wait=29)
    assert refusal(delete, computeEnvironment="a")[2] == "Cannot delete, resource is being modified"
    lab.clock.sleep(1)
    delete(computeEnvironment="a")
    assert lab.see_environment("a")["status"] == "DELETING"
    update = lab.batch.update_compute_environment
    assert refusal(update, computeEnvironment="a", state="ENABLED")[2] == "Cannot update, resource is being modified"
    lab.clock.sleep(45)
    assert lab.see_environment("a") == {}
    assert "does not exist" in refusal(delete, computeEnvironment="a")[2]


def test_deleted_may_be_described_for_a_while() -> None:
    """DELETED is a status that describe can show; the object counts as absent for changes."""
    lab = Lab.new(settings=Settings(durations=Durations(deleted=30)))
    lab.environment("a", state="DISABLED")
    lab.batch.delete_compute_environment(computeEnvironment="a")
    lab.clock.sleep(50)
    assert lab.see_environment("a")["status"] == "DELETED"
    assert "does not exist" in refusal(lab.batch.update_compute_environment, computeEnvironment="a", state="ENABLED")[2]
    lab.clock.sleep(30)
    assert lab.see_environment("a") == {}


def test_an_invalid_environment_is_repaired_by_an_update(lab: Lab) -> None:
    """A usable role brings an INVALID environment to VALID; an update that leaves the fault does not."""
    lab.environment("a", serviceRole="missing")
    lab.batch.update_compute_environment(computeEnvironment="a", computeResources={"maxvCpus": 4})
    lab.clock.sleep(60)
    assert lab.see_environment("a")["status"] == "INVALID"
    lab.batch.update_compute_environment(computeEnvironment="a", serviceRole=ORDINARY)
    assert lab.see_environment("a")["status"] == "UPDATING"
    lab.clock.sleep(60)
    assert lab.see_environment("a")["status"] == "VALID"


_SCALE: list[dict[str, Any]] = [
    {"computeResources": {"maxvCpus": 20, "minvCpus": 1, "desiredvCpus": 2}},
    {"computeResources": {"scalingPolicy": {"minScaleDownDelayMinutes": 20}}, "updatePolicy": {}},
    {"state": "DISABLED"},
    {"state": "DISABLED", "ecsSettings": {"containerInsights": "ENABLED"}},
]


def _settled(lab: Lab, **changes: Any) -> tuple[str, str | None]:
    """Update environment `a`, wait, and return its status and reason."""
    lab.batch.update_compute_environment(computeEnvironment="a", **changes)
    assert "statusReason" not in lab.see_environment("a")
    lab.clock.sleep(3600)
    seen = lab.see_environment("a")
    return seen["status"], seen.get("statusReason")


@pytest.mark.parametrize("changes", _SCALE)
def test_an_update_of_state_or_scale_repairs_nothing(lab: Lab, changes: dict[str, Any]) -> None:
    """What made an environment INVALID is still wrong when it was scaled or disabled, and the reason is told again."""
    lab.environment("a")
    reason = "CLIENT_ERROR - Clusters can not be blank"
    lab.simulator.set_status("environment", "a", "INVALID", reason, region="eu-west-1")
    assert [_settled(lab, **changes) for _ in "ab"] == [("INVALID", reason)] * 2
    lab.disable_environment("a")
    lab.batch.delete_compute_environment(computeEnvironment="a")
    lab.clock.sleep(3600)
    assert lab.see_environment("a") == {}


def test_what_nobody_gave_a_reason_for_stays_too(lab: Lab) -> None:
    """INVALID without a reason is INVALID after scaling."""
    lab.environment("a")
    lab.simulator.set_status("environment", "a", "INVALID", region="eu-west-1")
    assert _settled(lab, computeResources={"maxvCpus": 20}) == ("INVALID", None)


@pytest.mark.parametrize("changes", [{"serviceRole": LINKED}, {"computeResources": {"instanceTypes": ["c6i.large"]}}])
def test_an_update_of_role_or_infrastructure_repairs(changes: dict[str, Any]) -> None:
    """A role that is sent again is looked at again, and new infrastructure is made; either leaves nothing broken."""
    lab = Lab.new(faults=[Fault("CreateComputeEnvironment", "invalid", reason="CLIENT_ERROR - no")])
    lab.environment("a")
    assert _settled(lab, computeResources={"maxvCpus": 20}) == ("INVALID", "CLIENT_ERROR - no")
    assert _settled(lab, **changes) == ("VALID", "ComputeEnvironment Healthy")


def test_other_networks_repair_an_environment_of_fargate(lab: Lab) -> None:
    """On Fargate, too, subnets and security groups are more than scale."""
    lab.environment("a", computeResources=fargate())
    lab.simulator.set_status("environment", "a", "INVALID", "CLIENT_ERROR - no", region="eu-west-1")
    assert _settled(lab, computeResources={"maxvCpus": 20}) == ("INVALID", "CLIENT_ERROR - no")
    assert _settled(lab, computeResources={"subnets": ["subnet-9"]})[0] == "VALID"


def test_a_new_trouble_takes_the_place_of_the_old(lab: Lab) -> None:
    """Where what is named now is missing, the reason says so."""
    lab.environment("a", serviceRole=ORDINARY)
    lab.simulator.set_status("environment", "a", "INVALID", "CLIENT_ERROR - no", region="eu-west-1")
    assert "role/missing (Service" in str(_settled(lab, serviceRole="missing")[1])
    assert "role/missing (Service" in str(_settled(lab, computeResources={"maxvCpus": 20})[1])
    assert _settled(lab, serviceRole=ORDINARY)[0] == "VALID"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("it", "arn:aws:iam::123456789012:role/it"),
        ("/service-role/it", "arn:aws:iam::123456789012:role/service-role/it"),
        (ORDINARY, ORDINARY),
    ],
)
def test_a_role_is_shown_by_its_arn(lab: Lab, given: str, shown: str) -> None:
    """A name is that of a role without a path, unless it tells one; so it is after an update."""
    lab.environment("a", serviceRole=given)
    lab.environment("b", serviceRole="arn:aws:iam::123456789012:role/other")
    lab.batch.update_compute_environment(computeEnvironment="b", serviceRole=given)
    assert [lab.see_environment(name)["serviceRole"] for name in "ab"] == [shown, shown]


def test_the_name_of_the_service_linked_role_is_not_that_role(lab: Lab) -> None:
    """Alone it is taken for a role without a path, which is not there."""
    lab.environment("a", serviceRole="AWSServiceRoleForBatch")
    assert lab.see_environment("a")["status"] == "INVALID"
    lab.environment("b", serviceRole="/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch")
    assert (lab.see_environment("b")["serviceRole"], lab.see_environment("b")["status"]) == (LINKED, "VALID")


def test_a_role_is_not_taken_away(lab: Lab) -> None:
    """An empty service role is refused in an update, whatever the role is."""
    lab.environment("a", serviceRole=ORDINARY)
    lab.environment("b")
    before = [lab.see_environment(name) for name in "ab"]
    for name in "ab":
        message = refusal(lab.batch.update_compute_environment, computeEnvironment=name, serviceRole="")[2]
        assert message == "serviceRole must not be empty"
    assert [lab.see_environment(name) for name in "ab"] == before


def test_a_cluster_supports_five_environments(lab: Lab) -> None:
    """The sixth environment of an EKS cluster is refused; other clusters have room."""
    for number in range(5):
        lab.environment(f"k{number}", wait=0, eksConfiguration=_EKS)
    sixth = {"computeEnvironmentName": "x", "type": "MANAGED", "computeResources": ec2()}
    create = lab.batch.create_compute_environment
    assert "Limit of 5" in refusal(create, **sixth, eksConfiguration=_EKS)[2]
    create(**sixth, eksConfiguration={**_EKS, "eksClusterArn": _EKS["eksClusterArn"] + "2"})


def test_an_access_entry_is_all_that_changes_on_a_cluster(lab: Lab) -> None:
    """The entry shows what was wished and whether it is there; cluster and namespace stay; ECS has none."""
    lab.environment("k", eksConfiguration=_EKS)
    assert lab.see_environment("k")["eksConfiguration"] == _EKS
    update = lab.batch.update_compute_environment
    for wished, status in (("ENABLED", "ACTIVE"), ("DISABLED", "INACTIVE"), ("INHERIT_FROM_CLUSTER", "INACTIVE")):
        update(computeEnvironment="k", eksConfiguration={"accessEntry": {"desiredState": wished}})
        lab.clock.sleep(60)
        entry = {"desiredState": wished, "status": status}
        assert lab.see_environment("k")["eksConfiguration"] == {**_EKS, "accessEntry": entry}
    update(computeEnvironment="k", eksConfiguration={})
    lab.clock.sleep(60)
    assert lab.see_environment("k")["eksConfiguration"]["accessEntry"]["desiredState"] == "INHERIT_FROM_CLUSTER"
    lab.environment("e")
    assert "EKS" in refusal(update, computeEnvironment="e", eksConfiguration={})[2]
    assert "ECS" in refusal(update, computeEnvironment="k", ecsSettings={"containerInsights": "ENABLED"})[2]


def test_settings_of_ecs_are_kept_as_given(lab: Lab) -> None:
    """`ecsSettings` are shown as sent, at creation and after an update."""
    lab.environment("a", ecsSettings={"containerInsights": "enhanced"})
    assert lab.see_environment("a")["ecsSettings"] == {"containerInsights": "ENHANCED"}
    lab.batch.update_compute_environment(computeEnvironment="a", ecsSettings={"containerInsights": "DISABLED"})
    assert lab.see_environment("a")["ecsSettings"] == {"containerInsights": "DISABLED"}


def test_an_unmanaged_environment_takes_few_updates(lab: Lab) -> None:
    """State, vCPUs and role change; an update policy is not for it, nor are vCPUs for a MANAGED one."""
    lab.batch.create_compute_environment(computeEnvironmentName="u", type="UNMANAGED", serviceRole=ORDINARY)
    lab.clock.sleep(60)
    update = lab.batch.update_compute_environment
    assert "updatePolicy" in refusal(update, computeEnvironment="u", updatePolicy={"terminateJobsOnUpdate": True})[2]
    assert "at least 0" in refusal(update, computeEnvironment="u", unmanagedvCpus=-1)[2]
    update(computeEnvironment="u", state="DISABLED", unmanagedvCpus=2, serviceRole=ORDINARY + "2")
    lab.clock.sleep(60)
    seen = lab.see_environment("u")
    assert (seen["state"], seen["unmanagedvCpus"], seen["serviceRole"]) == ("DISABLED", 2, ORDINARY + "2")
    assert seen["containerOrchestrationType"] == "ECS"
    assert "ecsClusterArn" in seen
    lab.environment("m")
    assert "unmanagedvCpus" in refusal(update, computeEnvironment="m", unmanagedvCpus=2)[2]


def test_to_disable_takes_longer_than_to_scale(lab: Lab) -> None:
    """Disabling takes its own time, and only where the environment was enabled."""
    lab.environment("a")
    lab.disable_environment("a", wait=29)
    assert lab.see_environment("a")["status"] == "UPDATING"
    lab.clock.sleep(1)
    assert lab.see_environment("a")["status"] == "VALID"
    lab.disable_environment("a", wait=20)
    assert lab.see_environment("a")["status"] == "VALID"


def test_deletion_without_a_usable_role_hangs(lab: Lab) -> None:
    """An environment whose role is gone stays DELETING, then is INVALID again; with the role repaired it goes."""
    lab.environment("a", serviceRole="missing", state="DISABLED")
    lab.batch.delete_compute_environment(computeEnvironment="a")
    lab.clock.sleep(1799)
    assert lab.see_environment("a")["status"] == "DELETING"
    update = lab.batch.update_compute_environment
    assert "being modified" in refusal(update, computeEnvironment="a", serviceRole=ORDINARY)[2]
    lab.clock.sleep(1)
    seen = lab.see_environment("a")
    assert seen["status"] == "INVALID"
    assert "sts:AssumeRole" in seen["statusReason"]
    update(computeEnvironment="a", serviceRole=ORDINARY)
    lab.clock.sleep(60)
    lab.batch.delete_compute_environment(computeEnvironment="a")
    lab.clock.sleep(60)
    assert lab.see_environment("a") == {}


def test_what_a_queue_lists_is_not_deleted(lab: Lab) -> None:
    """While a queue has it, an environment stays; not so one that no queue has."""
    for name in ("a", "b"):
        lab.environment(name, state="DISABLED")
    lab.environment("c")
    lab.queue("q", "c")
    lab.disable_environment("c")
    delete = lab.batch.delete_compute_environment
    assert refusal(delete, computeEnvironment="c")[2] == "Cannot delete, found existing JobQueue relationship"
    delete(computeEnvironment="a")
    lab.clock.sleep(60)
    assert [it["computeEnvironmentName"] for it in _all(lab)] == ["b", "c"]


def test_deletion_with_active_jobs_ends_invalid() -> None:
    """Deleted while jobs run in it, a Fargate environment becomes INVALID; one of EC2 goes."""
    lab = Lab.new(settings=Settings(durations=Durations(job_running=10_000)))
    needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}]
    serverless = container(executionRoleArn="role", resourceRequirements=needs)
    lab.definition("f", platformCapabilities=["FARGATE"], containerProperties=serverless)
    lab.definition("e")
    for name, given in (("f", fargate()), ("e", ec2())):
        for environment in (name, f"{name}2"):
            lab.environment(environment, computeResources=given)
        lab.queue(name, name)
        lab.batch.submit_job(jobName="j", jobQueue=name, jobDefinition=name)
        lab.clock.sleep(60)
        order = [{"order": 1, "computeEnvironment": f"{name}2"}]
        lab.batch.update_job_queue(jobQueue=name, computeEnvironmentOrder=order)
        lab.disable_environment(name, wait=60)
        lab.batch.delete_compute_environment(computeEnvironment=name)
        lab.clock.sleep(60)
    assert lab.see_environment("f")["status"] == "INVALID"
    assert "active jobs" in lab.see_environment("f")["statusReason"]
    assert lab.see_environment("e") == {}


def test_a_role_stays_in_its_class(lab: Lab) -> None:
    """Service-linked and ordinary roles do not replace each other; an ordinary one replaces an ordinary one."""
    lab.environment("linked")
    lab.environment("ordinary", serviceRole=ORDINARY)
    update = lab.batch.update_compute_environment
    assert refusal(update, computeEnvironment="linked", serviceRole=ORDINARY)[0] == 400
    assert refusal(update, computeEnvironment="ordinary", serviceRole=LINKED)[0] == 400
    update(computeEnvironment="ordinary", serviceRole=ORDINARY + "2")
    assert lab.see_environment("ordinary")["serviceRole"] == ORDINARY + "2"


def test_an_account_holds_so_many_environments() -> None:
    """Beyond the quota creation is refused; what is gone makes room."""
    lab = Lab.new(settings=Settings(quotas=Quotas(environments=2)))
    lab.environment("a", state="DISABLED")
    lab.environment("b")
    third = {"computeEnvironmentName": "c", "type": "MANAGED", "computeResources": ec2()}
    assert "Limit of 2" in refusal(lab.batch.create_compute_environment, **third)[2]
    lab.batch.delete_compute_environment(computeEnvironment="a")
    lab.clock.sleep(60)
    lab.environment("c")
    assert [it["computeEnvironmentName"] for it in _all(lab)] == ["b", "c"]


def _all(lab: Lab) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lab.batch.describe_compute_environments()["computeEnvironments"]
    return found


def test_describe_finds_by_name_and_arn_and_is_silent_about_the_rest(lab: Lab) -> None:
    """Unknown names, and ARNs of elsewhere, are left out; a thing named twice comes once; no names means all."""
    arn = lab.environment("a")
    lab.environment("b")
    foreign = arn.replace("eu-west-1", "us-east-1")
    found = lab.batch.describe_compute_environments(computeEnvironments=["a", arn, "zzz", foreign])
    assert [it["computeEnvironmentName"] for it in found["computeEnvironments"]] == ["a"]
    assert len(lab.batch.describe_compute_environments(computeEnvironments=[])["computeEnvironments"]) == 2
    assert refusal(lab.batch.describe_compute_environments, computeEnvironments=["x"] * 101)[0] == 400


def test_regions_and_accounts_do_not_see_each_other() -> None:
    """State is keyed by account and region, and ARNs carry both."""
    lab = Lab.new(settings=Settings(accounts={"other": "210987654321"}))
    lab.environment("a")
    elsewhere = connect(lab.simulator, region="cn-north-1")
    other = connect(lab.simulator, key="other")
    assert elsewhere.describe_compute_environments()["computeEnvironments"] == []
    made = [
        client.create_compute_environment(computeEnvironmentName="a", type="MANAGED", computeResources=ec2())
        for client in (elsewhere, other)
    ]
    assert [it["computeEnvironmentArn"] for it in made] == [
        "arn:aws-cn:batch:cn-north-1:123456789012:compute-environment/a",
        "arn:aws:batch:eu-west-1:210987654321:compute-environment/a",
    ]
    assert len(_all(lab)) == 1


def test_amazon_linux_2_was_offered_until_2026_06_30(lab: Lab) -> None:
    """Before that day, and with an image of one's own after it, an ECS_AL2 environment is made."""
    own = [{"imageType": "ECS_AL2", "imageIdOverride": "ami-1"}]
    lab.environment("a", computeResources=ec2(ec2Configuration=own))
    lab.environment("b", computeResources=ec2(ec2Configuration=[{"imageType": "ECS_AL2"}], imageId="ami-2"))
    lab.clock.instant = 1_782_777_599.0
    lab.environment("c", computeResources=ec2(ec2Configuration=[{"imageType": "ECS_AL2"}]))
    assert len(_all(lab)) == 3


@pytest.mark.parametrize(
    ("policy", "lasts", "ends"),
    [
        (None, 1800, "FAILED"),
        ({"jobExecutionTimeoutMinutes": 20}, 1200, "FAILED"),
        ({"jobExecutionTimeoutMinutes": 60}, 2400, "SUCCEEDED"),
        ({"terminateJobsOnUpdate": True}, 600, "FAILED"),
    ],
)
def test_an_infrastructure_update_lasts_until_old_jobs_have_gone(
    policy: dict[str, Any] | None, lasts: float, ends: str
) -> None:
    """Running jobs are left to finish, for 30 minutes where the policy says nothing else, or are stopped at once."""
    lab = Lab.new(settings=Settings(outcomes=(Outcome(seconds=2490),)))
    lab.ground()
    if policy:
        lab.batch.update_compute_environment(computeEnvironment="a", updatePolicy=policy)
        lab.clock.sleep(600)
    job = lab.submit(wait=101)
    assert lab.statuses(job) == ["RUNNING"]
    lab.batch.update_compute_environment(computeEnvironment="a", computeResources={"instanceTypes": ["c6i.large"]})
    lab.clock.sleep(lasts - 1)
    assert lab.see_environment("a")["status"] == "UPDATING"
    lab.clock.sleep(2)
    assert lab.see_environment("a")["status"] == "VALID"
    assert lab.statuses(job) == [ends]


def test_jobs_lose_their_host_when_their_environment_is_deleted(lab: Lab) -> None:
    """Instances go with the environment; the queue has moved on and the job may be tried elsewhere."""
    lab.ground()
    lab.environment("other")
    job = lab.submit(wait=30)
    order = [{"order": 1, "computeEnvironment": "other"}]
    lab.batch.update_job_queue(jobQueue="q", computeEnvironmentOrder=order)
    lab.batch.update_compute_environment(computeEnvironment="a", state="DISABLED")
    lab.clock.sleep(35)
    assert lab.statuses(job) == ["RUNNING"]
    lab.batch.delete_compute_environment(computeEnvironment="a")
    assert lab.see_job(job)["statusReason"].startswith("Host EC2 (instance ")
