"""The AWS CLI through the whole life of each kind, and of jobs, against the simulator over HTTP.

The CLI is unchanged, and driven within this process: a process of its own costs a second for each command, and
`test_aws_cli` runs a few of those.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import pytest
from botocore import xform_name
from botocore.session import Session

from providers.clock import ManualClock
from providers.simulator import Simulator, Store
from tests import servers
from tests.contract.cli import Cli
from tests.kit import ACCOUNT, REGION

Json = dict[str, Any]
ARN = f"arn:aws:batch:{REGION}:{ACCOUNT}"
LIMITS = "maxCapacity=4,capacityUnit=ml.m5.large"


@attrs.frozen
class Life:
    """What the CLI says from the beginning to the end of an object; `{}` stands for its ARN.

    `arn` is the member under which its ARN is answered, `before` makes what it needs, `update` changes `changed`.
    """

    arn: str
    create: str
    show: str
    listing: str
    delete: str
    before: Sequence[str] = ()
    update: str = ""
    changed: tuple[str, Any] = ("", None)
    disable: str = ""


_FARGATE = "type=FARGATE,maxvCpus=4,subnets=subnet-1,securityGroupIds=sg-1"
_ENVIRONMENT = (
    f"create-compute-environment --compute-environment-name behind --type MANAGED --compute-resources {_FARGATE}"
)
_CONTAINER = "image=busybox:1,command=echo,hello,resourceRequirements=[{type=VCPU,value=1},{type=MEMORY,value=512}]"
_TRAINING = (
    "create-scheduling-policy --name shares --quota-share-policy idleResourceAssignmentStrategy=FIFO",
    "create-service-environment --service-environment-name behind --service-environment-type SAGEMAKER_TRAINING"
    f" --capacity-limits {LIMITS}",
    "create-job-queue --job-queue-name training --priority 1 --job-queue-type SAGEMAKER_TRAINING"
    f" --scheduling-policy-arn {ARN}:scheduling-policy/shares"
    " --service-environment-order order=1,serviceEnvironment=behind",
)
LIVES = {
    "compute environment": Life(
        arn="computeEnvironmentArn",
        create=_ENVIRONMENT.replace("behind", "one") + " --tags team=blue",
        show="describe-compute-environments --compute-environments {}",
        listing="describe-compute-environments",
        update="update-compute-environment --compute-environment {} --compute-resources maxvCpus=8",
        changed=("computeResources.maxvCpus", 8),
        disable="update-compute-environment --compute-environment {} --state DISABLED",
        delete="delete-compute-environment --compute-environment {}",
    ),
    "job queue": Life(
        before=(_ENVIRONMENT,),
        arn="jobQueueArn",
        create="create-job-queue --job-queue-name one --priority 1 --tags team=blue"
        " --compute-environment-order order=1,computeEnvironment=behind",
        show="describe-job-queues --job-queues {}",
        listing="describe-job-queues",
        update="update-job-queue --job-queue {} --priority 0",
        changed=("priority", 0),
        disable="update-job-queue --job-queue {} --state DISABLED",
        delete="delete-job-queue --job-queue {}",
    ),
    "job definition": Life(
        arn="jobDefinitionArn",
        create=f"register-job-definition --job-definition-name one --type container --container-properties {_CONTAINER}"
        " --tags team=blue",
        show="describe-job-definitions --status ACTIVE --job-definition-name one",
        listing="describe-job-definitions --status ACTIVE",
        delete="deregister-job-definition --job-definition {}",
    ),
    "scheduling policy": Life(
        arn="arn",
        create="create-scheduling-policy --name one --fairshare-policy shareDecaySeconds=600 --tags team=blue",
        show="describe-scheduling-policies --arns {}",
        listing="list-scheduling-policies",
        update="update-scheduling-policy --arn {} --fairshare-policy shareDecaySeconds=1200,computeReservation=5",
        changed=("fairsharePolicy.shareDecaySeconds", 1200),
        delete="delete-scheduling-policy --arn {}",
    ),
    "service environment": Life(
        arn="serviceEnvironmentArn",
        create="create-service-environment --service-environment-name one --service-environment-type SAGEMAKER_TRAINING"
        f" --capacity-limits {LIMITS} --tags team=blue",
        show="describe-service-environments --service-environments {}",
        listing="describe-service-environments",
        update="update-service-environment --service-environment {} --capacity-limits"
        " maxCapacity=9,capacityUnit=ml.m5.large",
        changed=("capacityLimits", [{"maxCapacity": 9, "capacityUnit": "ml.m5.large"}]),
        disable="update-service-environment --service-environment {} --state DISABLED",
        delete="delete-service-environment --service-environment {}",
    ),
    "quota share": Life(
        before=_TRAINING,
        arn="quotaShareArn",
        create=f"create-quota-share --quota-share-name one --job-queue training --capacity-limits {LIMITS}"
        " --resource-sharing-configuration strategy=LEND --preemption-configuration inSharePreemption=DISABLED"
        " --tags team=blue",
        show="describe-quota-share --quota-share-arn {}",
        listing="list-quota-shares --job-queue training",
        update="update-quota-share --quota-share-arn {} --resource-sharing-configuration"
        " strategy=LEND_AND_BORROW,borrowLimit=50",
        changed=("resourceSharingConfiguration", {"strategy": "LEND_AND_BORROW", "borrowLimit": 50}),
        disable="update-quota-share --quota-share-arn {} --state DISABLED",
        delete="delete-quota-share --quota-share-arn {}",
    ),
    "consumable resource": Life(
        arn="consumableResourceArn",
        create="create-consumable-resource --consumable-resource-name one --total-quantity 10 --tags team=blue",
        show="describe-consumable-resource --consumable-resource {}",
        listing="list-consumable-resources",
        update="update-consumable-resource --consumable-resource {} --operation ADD --quantity 5",
        changed=("totalQuantity", 15),
        delete="delete-consumable-resource --consumable-resource {}",
    ),
}

TAGGING = (
    "tag-resource --resource-arn {} --tags cost=017,team=red",
    "untag-resource --resource-arn {} --tag-keys team",
    "list-tags-for-resource --resource-arn {}",
)


@attrs.frozen
class Step:
    """A command of a script, and what its answer shows at a path. `keep` is the name of the job that it submits.

    `{NAME}` stands for the id of a job kept before.
    """

    command: str
    at: str = ""
    shows: Any = None
    keep: str = ""


_ROLE = "executionRoleArn=arn:aws:iam::123456789012:role/execution"
_NEEDS = "resourceRequirements=[{type=VCPU,value=0.25},{type=MEMORY,value=512}]"
_SUBMIT = "submit-job --job-queue one --job-definition one --job-name"
_TRAIN = (
    "submit-service-job --job-queue training --quota-share-name one --service-job-type SAGEMAKER_TRAINING"
    " --service-request-payload {} --job-name"
)
_END = "--reason unwanted"
SCRIPTS: dict[str, Sequence[Step]] = {
    "jobs": (
        Step(_ENVIRONMENT),
        Step(LIVES["job queue"].create),
        Step("create-consumable-resource --consumable-resource-name licences --total-quantity 10"),
        Step(
            "register-job-definition --job-definition-name one --type container --platform-capabilities FARGATE"
            f" --container-properties image=busybox:1,{_ROLE},{_NEEDS} --consumable-resource-properties"
            " consumableResourceList=[{consumableResource=licences,quantity=1}]"
        ),
        Step(f"{_SUBMIT} done --tags team=blue", keep="done"),
        Step("describe-jobs --jobs {done}", "jobs.0.status", "SUCCEEDED"),
        Step("describe-jobs --jobs {done}", "jobs.0.tags", {"team": "blue"}),
        Step("update-compute-environment --compute-environment behind --state DISABLED"),
        *(Step(f"{_SUBMIT} {name}", keep=name) for name in "abcd"),
        Step("list-jobs --job-queue one --job-status RUNNABLE --page-size 1", "jobSummaryList.3.jobId", "{d}"),
        Step("list-jobs-by-consumable-resource --consumable-resource licences --max-items 1", "jobs.0.quantity", 10),
        Step("get-job-queue-snapshot --job-queue one", "frontOfQueue.jobs.0.jobArn", f"{ARN}:job/{{a}}"),
        Step(f"cancel-job --job-id {{a}} {_END}"),
        Step("describe-jobs --jobs {a}", "jobs.0.statusReason", "unwanted"),
        Step(f"terminate-job --job-id {{b}} {_END}"),
        Step("describe-jobs --jobs {b}", "jobs.0.status", "FAILED"),
        Step(f"cancel-jobs --jobs {{c}} {_END}", "successful.0", "{c}"),
        Step(f"terminate-jobs --jobs {{d}} {_END}", "successful.0", "{d}"),
        Step("list-jobs --job-queue one --job-status FAILED", "jobSummaryList.3.statusReason", "unwanted"),
    ),
    "service jobs": (
        *(Step(command) for command in _TRAINING),
        Step(LIVES["quota share"].create),
        *(Step(f"{_TRAIN} {name}", keep=name) for name in "abcdefgh"),
        Step("describe-service-job --job-id {a}", "jobName", "a"),
        Step("update-service-job --job-id {h} --scheduling-priority 7", "jobId", "{h}"),
        Step("describe-service-job --job-id {h}", "schedulingPriority", 7),
        Step(f"terminate-service-job --job-id {{g}} {_END}"),
        Step("describe-service-job --job-id {g}", "status", "FAILED"),
        Step(f"terminate-service-jobs --jobs {{h}} {_END}", "successful.0", "{h}"),
        Step("list-service-jobs --job-queue training --job-status FAILED", "jobSummaryList.1.statusReason", "unwanted"),
    ),
}
SCRIPT_COMMANDS = [step.command for steps in SCRIPTS.values() for step in steps]


@pytest.fixture
def cli(driver: Any) -> Iterator[Cli]:
    clock, store = ManualClock(), Store.open(None, now=0.0)
    with servers.simulator(Simulator(store, clock)) as (url, _):
        yield Cli(driver, url, clock)
    store.close()


def _shown(cli: Cli, command: str) -> list[Json]:
    """What a describe or list shows: the items of its one list, or, of those that describe one, the answer itself."""
    answer = cli.aws(command)
    lists = [value for value in answer.values() if isinstance(value, list)]
    named = any(key.endswith("Arn") for key in answer)
    return [answer] if named else lists[0]


def _at(document: Any, path: str) -> Any:
    for key in path.split("."):
        document = document[int(key) if key.isdigit() else key]
    return document


@pytest.mark.parametrize("kind", LIVES)
def test_life(cli: Cli, kind: str) -> None:
    """The CLI makes an object, sees it one by one and listed, tags and untags, changes and deletes it."""
    life = LIVES[kind]
    for command in life.before:
        cli.aws(command)
    arn = cli.aws(life.create)[life.arn]
    (shown,) = _shown(cli, life.show.format(arn))
    assert (shown[life.arn], shown["tags"]) == (arn, {"team": "blue"})
    assert shown.get("status", "VALID") in ("VALID", "ACTIVE")
    assert arn in {item[life.arn] for item in _shown(cli, life.listing)}

    answers = [cli.aws(command.format(arn)) for command in TAGGING]
    assert answers == [{}, {}, {"tags": {"cost": "017"}}]

    if life.update:
        path, value = life.changed
        assert _at(shown, path) != value
        cli.aws(life.update.format(arn))
        (shown,) = _shown(cli, life.show.format(arn))
        assert _at(shown, path) == value

    if life.disable:
        assert "DISABLED" in cli.refused(life.delete.format(arn))
        cli.aws(life.disable.format(arn))
    cli.aws(life.delete.format(arn))
    assert arn not in {item[life.arn] for item in _shown(cli, life.listing)}


@pytest.mark.parametrize("kind", [kind for kind in LIVES if kind != "job definition"])
def test_a_name_is_taken_once(cli: Cli, kind: str) -> None:
    """The CLI tells that a name is taken."""
    life = LIVES[kind]
    for command in (*life.before, life.create):
        cli.aws(command)
    assert "(ClientException)" in (told := cli.refused(life.create))
    assert "Object already exists" in told


@pytest.mark.parametrize("name", SCRIPTS)
def test_script(cli: Cli, name: str) -> None:
    """The CLI goes through a script of jobs, and is answered as that says."""
    kept: dict[str, str] = {}

    def filled(value: Any) -> Any:
        for word, found in kept.items() if isinstance(value, str) else ():
            value = value.replace(f"{{{word}}}", found)
        return value

    for step in SCRIPTS[name]:
        answer = cli.aws(filled(step.command))
        if step.keep:
            kept[step.keep] = answer["jobId"]
        if step.at:
            assert _at(answer, step.at) == filled(step.shows), step.command


def test_every_operation_is_said() -> None:
    """The lives and the scripts together say every operation that botocore's model of AWS Batch has."""
    lives = [
        text
        for life in LIVES.values()
        for text in (life.create, life.show, life.listing, life.update, life.disable, life.delete, *life.before)
    ]
    commands = {text.split()[0] for text in (*lives, *TAGGING, *SCRIPT_COMMANDS) if text}
    model = Session().get_service_model("batch")
    assert commands == {xform_name(operation, "-") for operation in model.operation_names}
