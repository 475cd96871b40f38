"""boto3's own paginators, for every operation that botocore pages, in this process and over HTTP."""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import boto3
import pytest
from botocore import xform_name
from botocore.loaders import Loader

from providers.clock import ManualClock
from providers.simulator import Simulator, Store
from tests import servers
from tests.kit import REGION, client

Json = dict[str, Any]
PAGINATORS: Mapping[str, Json] = Loader().load_service_model("batch", "paginators-1")["pagination"]
NUMBER = 5
ASKED: Mapping[str, Json] = {
    "DescribeComputeEnvironments": {},
    "DescribeJobDefinitions": {"jobDefinitionName": "licensed"},
    "DescribeJobQueues": {},
    "DescribeServiceEnvironments": {},
    "ListConsumableResources": {},
    "ListJobs": {"jobQueue": "queue-0", "jobStatus": "RUNNABLE"},
    "ListJobsByConsumableResource": {"consumableResource": "licences-0"},
    "ListQuotaShares": {"jobQueue": "training"},
    "ListSchedulingPolicies": {},
    "ListServiceJobs": {"jobQueue": "training", "jobStatus": "SUBMITTED"},
}
"""By operation: what else it is asked with."""


@attrs.frozen
class Account:
    """An account with five of everything, in this process and served."""

    here: Any
    served: Any


def _populate(batch: Any, clock: ManualClock) -> None:
    network = {"subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]}
    fargate = {"type": "FARGATE", "maxvCpus": 4, **network}
    for number in range(NUMBER):
        name = f"environment-{number}"
        batch.create_compute_environment(computeEnvironmentName=name, type="MANAGED", computeResources=fargate)
        unit = "ml.m5.large" if number == 0 else "NUM_INSTANCES"
        batch.create_service_environment(
            serviceEnvironmentName=name,
            serviceEnvironmentType="SAGEMAKER_TRAINING",
            capacityLimits=[{"maxCapacity": 10, "capacityUnit": unit}],
        )
        batch.create_consumable_resource(consumableResourceName=f"licences-{number}", totalQuantity=0)
    policy = {"idleResourceAssignmentStrategy": "FIFO"}
    policies = [
        batch.create_scheduling_policy(name=f"policy-{number}", quotaSharePolicy=policy)["arn"]
        for number in range(NUMBER)
    ]
    clock.sleep(60)
    for number in range(NUMBER - 1):
        order = [{"order": 1, "computeEnvironment": f"environment-{number}"}]
        batch.create_job_queue(jobQueueName=f"queue-{number}", priority=1, computeEnvironmentOrder=order)
    batch.create_job_queue(
        jobQueueName="training",
        priority=1,
        jobQueueType="SAGEMAKER_TRAINING",
        schedulingPolicyArn=policies[0],
        serviceEnvironmentOrder=[{"order": 1, "serviceEnvironment": "environment-0"}],
    )
    clock.sleep(60)
    for number in range(NUMBER):
        batch.create_quota_share(
            quotaShareName=f"share-{number}",
            jobQueue="training",
            capacityLimits=[{"maxCapacity": 1, "capacityUnit": "ml.m5.large"}],
            resourceSharingConfiguration={"strategy": "RESERVE"},
            preemptionConfiguration={"inSharePreemption": "DISABLED"},
        )
        batch.register_job_definition(
            jobDefinitionName="licensed",
            type="container",
            platformCapabilities=["FARGATE"],
            containerProperties={
                "image": "busybox:1",
                "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
                "resourceRequirements": [{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "512"}],
            },
            consumableResourceProperties={
                "consumableResourceList": [{"consumableResource": "licences-0", "quantity": 1}]
            },
        )
    clock.sleep(60)
    for number in range(NUMBER):
        batch.submit_job(jobName=f"job-{number}", jobQueue="queue-0", jobDefinition="licensed")
    clock.sleep(60)
    for number in range(NUMBER):
        batch.submit_service_job(
            jobName=f"training-{number}",
            jobQueue="training",
            quotaShareName="share-0",
            serviceJobType="SAGEMAKER_TRAINING",
            serviceRequestPayload="{}",
        )


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    clock, store = ManualClock(), Store.open(None, now=0.0)
    simulator = Simulator(store, clock)
    here = client(simulator)
    _populate(here, clock)
    with servers.simulator(simulator) as (url, _):
        session: Any = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
        yield Account(here, session.client("batch", endpoint_url=url))
    store.close()


def test_every_paginator_is_tried() -> None:
    """There is a row for each operation that botocore pages."""
    assert ASKED.keys() == PAGINATORS.keys()


@pytest.mark.parametrize("way", ["here", "served"])
@pytest.mark.parametrize("operation", ASKED)
def test_pages(account: Account, operation: str, way: str) -> None:
    """Pages of two hold what one page holds, in its order, and a listing that stopped goes on where it did."""
    paginator = getattr(account, way).get_paginator(xform_name(operation))
    items = PAGINATORS[operation]["result_key"]

    def paged(**how: Any) -> Any:
        return paginator.paginate(**ASKED[operation], PaginationConfig=how)

    (whole,) = (page[items] for page in paged())
    assert len(whole) == NUMBER
    pages = [page[items] for page in paged(PageSize=2)]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [item for page in pages for item in page] == whole
    first = paged(PageSize=2, MaxItems=3).build_full_result()
    rest = paged(PageSize=2, StartingToken=first["NextToken"]).build_full_result()
    assert first[items] + rest[items] == whole
    assert "NextToken" not in rest
