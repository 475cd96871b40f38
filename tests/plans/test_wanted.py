"""What is wanted of an object that exists: what is ignored keeps its live value, and what the service owns may be
reset."""

from typing import Any

import attrs
import pytest

from plans.policy import Policy
from providers.resources import Live
from tests.plans.core import (
    ORDINARY,
    actions,
    arn,
    change,
    codes,
    definition,
    differing,
    environment,
    environments,
    fargate,
    live,
    plan,
    policy,
    queue,
    queues,
    revision,
    step,
)

ADDRESS, ALIGN, HIGH = "compute_environment.one", "job_definition.align", "job_queue.high"
LICENCES = "\nconsumableResources:\n  lic: {totalQuantity: 4}\n"
LICENCE = live("consumable_resource", "lic", {"resourceType": "REPLENISHABLE", "totalQuantity": 4})


def ignoring(*paths: str) -> str:
    return f"lifecycle: {{ignore: [{', '.join(map(repr, paths))}]}}"


def using(quantity: int, *ignored: str) -> str:
    needs = f"consumableResourceList: [{{consumableResource: lic, quantity: {quantity}}}]"
    return LICENCES + definition(more=f"consumableResourceProperties: {{{needs}}}\n    {ignoring(*ignored)}")


def used(quantity: int, name: str = LICENCE.arn) -> Live:
    entry = {"consumableResource": name, "quantity": quantity}
    return revision(top={"consumableResourceProperties": {"consumableResourceList": [entry]}})


NAMES = ("lic", "consumable_resource.lic", "consumable_resource.lic#arn", LICENCE.arn)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shown", ["lic", LICENCE.arn])
def test_an_ignored_entry_is_found_by_any_name_of_what_it_refers_to(name: str, shown: str) -> None:
    """As it is written, as a plan prints it, or as its ARN, whichever describe shows."""
    path = f"consumableResourceProperties.consumableResourceList[{name}].quantity"
    assert plan(using(1, path), LICENCE, used(2, shown)).empty
    made = plan(using(1, path).replace("busybox", "other"), LICENCE, used(2, shown))
    sent = step(made, f"register:{ALIGN}").arguments["consumableResourceProperties"]
    assert sent == {"consumableResourceList": [{"consumableResource": LICENCE.arn, "quantity": 2}]}


def test_an_ignored_entry_may_refer_to_something_of_no_stack() -> None:
    """By the name that it has in AWS."""
    text = using(1, "consumableResourceProperties.consumableResourceList[lic].quantity").replace(LICENCES, "")
    nobodys = attrs.evolve(LICENCE, tags={})
    assert plan(text, nobodys, used(2)).empty
    assert not plan(text.replace("[lic]", "[other]"), nobodys, used(2)).empty


@pytest.mark.parametrize("name", ["one", "compute_environment.one", arn("compute_environment", "one")])
def test_an_ignored_place_in_a_queue_stays(name: str) -> None:
    """One environment is one entry, by whichever name."""
    text = environments() + queues(
        order="[{computeEnvironment: one, order: 1}]", more=", " + ignoring(f"computeEnvironmentOrder[{name}].order")
    )
    order = [{"computeEnvironment": arn("compute_environment", "one"), "order": 7}]
    assert plan(text, environment(), queue(computeEnvironmentOrder=order)).empty
    made = plan(text.replace("priority: 1", "priority: 2"), environment(), queue(computeEnvironmentOrder=order))
    assert (codes(made), actions(made)[HIGH]) == ([], "update")


def test_a_name_in_an_ignored_path_is_first_one_of_the_stack() -> None:
    """As a reference is: a name of this stack, and else that of something live."""
    text = environments("one", "two").replace("  one:", "  one:\n    physicalName: two", 1)
    text = text.replace("  two:", "  two:\n    physicalName: three", 1) + queues(
        order="[{computeEnvironment: one, order: 1}, {computeEnvironment: two, order: 2}]",
        more=", " + ignoring("computeEnvironmentOrder[two].order"),
    )
    lives = [
        environment("two", fields={"tags": {"batchwright:stack": "lab", "batchwright:address": ADDRESS}}),
        environment(
            "three", fields={"tags": {"batchwright:stack": "lab", "batchwright:address": "compute_environment.two"}}
        ),
    ]
    order = [
        {"computeEnvironment": arn("compute_environment", "two"), "order": 5},
        {"computeEnvironment": arn("compute_environment", "three"), "order": 6},
    ]
    made = plan(text, *lives, queue(computeEnvironmentOrder=order))
    assert [(row.path, row.before, row.after) for row in change(made, HIGH).differences] == [
        (f"computeEnvironmentOrder[{arn('compute_environment', 'two')}].order", 5, 1)
    ]


def test_what_is_not_made_yet_has_an_ignored_place_too() -> None:
    """It is no entry of the live object, so it is left out until it is one, and told."""
    text = environments("one", "two") + queues(
        order="[{computeEnvironment: one, order: 1}, {computeEnvironment: two, order: 2}]",
        more=", " + ignoring("computeEnvironmentOrder[two].order"),
    )
    made = plan(text, environment(), queue())
    assert actions(made)[HIGH] == "noop"
    assert [told for told in made.warnings if told.startswith(HIGH)] == [
        f"{HIGH}: computeEnvironmentOrder[compute_environment.two#arn] is left out: it is not live, and a part of it is"
        " ignored"
    ]


OLD_NEEDS: dict[str, Any] = {"resourceRequirements": [], "vcpus": 1, "memory": 512}
NEEDED = 'resourceRequirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "512"}]'


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ("environment: [{name: FOO, value: a}]", "environment[FOO].value"),
        ("ulimits: [{name: nofile, softLimit: 1, hardLimit: 2}]", "ulimits[nofile].softLimit"),
        ("volumes: [{name: data, host: {sourcePath: /a}}]", "volumes[data].host.sourcePath"),
    ],
)
def test_an_entry_that_is_not_live_is_left_out_where_a_part_of_it_is_ignored(said: str, path: str) -> None:
    """Nothing is sent of it, since its live value is none; and that is told."""
    text = definition(container=said, more=ignoring(f"containerProperties.{path}"))
    made = plan(text, revision())
    assert made.empty
    assert [told for told in made.warnings if "is left out" in told]
    made = plan(text.replace("busybox", "other"), revision())
    sent = step(made, f"register:{ALIGN}").arguments["containerProperties"]
    assert not sent.keys() & {"environment", "ulimits", "volumes"}


def test_a_need_that_is_not_live_is_left_out() -> None:
    """Then there are too few, which is told, and no accident."""
    text = definition(more=ignoring("containerProperties.resourceRequirements[VCPU].value"))
    assert codes(plan(text, revision(**OLD_NEEDS))) == [(ALIGN, "vcpus")]
    text = definition(
        container="user: me", more=ignoring("containerProperties.resourceRequirements[GPU].value")
    ).replace('value: "512"}]', 'value: "512"}, {type: GPU, value: "1"}]')
    made = plan(text, revision())
    sent = step(made, f"register:{ALIGN}").arguments["containerProperties"]["resourceRequirements"]
    assert [need["type"] for need in sent] == ["VCPU", "MEMORY"]


def test_an_ignored_entry_that_is_live_stays_as_it_is() -> None:
    """Also where the manifest lacks it, if what is ignored of it can stand alone."""
    text = definition(
        more=ignoring("containerProperties.environment[FOO].value", "containerProperties.ulimits[nofile].softLimit")
    )
    assert plan(text, revision(environment=[{"name": "FOO", "value": "live"}])).empty
    made = plan(text, revision(ulimits=[{"name": "nofile", "softLimit": 1, "hardLimit": 2}]))
    assert "ulimits" not in step(made, f"register:{ALIGN}").arguments["containerProperties"]


def test_a_structure_that_an_ignored_path_breaks_is_left_out() -> None:
    """It has only what is not ignored, and lacks what AWS needs of it; where it is live it has that."""
    text = definition(
        container="logConfiguration: {logDriver: awslogs, options: {a: b}}",
        more=ignoring("containerProperties.logConfiguration.logDriver"),
    )
    assert plan(text, revision()).empty
    made = plan(text, revision(logConfiguration={"logDriver": "splunk"}))
    sent = step(made, f"register:{ALIGN}").arguments["containerProperties"]
    assert sent["logConfiguration"] == {"logDriver": "splunk", "options": {"a": "b"}}


@pytest.mark.parametrize("member", ["launchTemplateId", "launchTemplateName"])
def test_which_template_it_is_may_be_ignored(member: str) -> None:
    """Its name and its ID are one thing."""
    text = environments().replace("minvCpus: 0", "launchTemplate: {launchTemplateName: a, version: '2'}, minvCpus: 0")
    text += f"    {ignoring(f'computeResources.launchTemplate.{member}')}\n"
    made = plan(text, environment(launchTemplate={"launchTemplateId": "lt-1", "version": "1"}))
    sent = step(made, f"update:{ADDRESS}").arguments["computeResources"]
    assert sent == {"launchTemplate": {"launchTemplateId": "lt-1", "version": "2"}}
    assert plan(text, environment(launchTemplate={"launchTemplateId": "lt-1", "version": "2"})).empty


UNNAMED = """
jobDefinitions:
  align:
    type: container
    eksProperties: {podProperties: {containers: [{NAMEimage: manifest, resources: {limits: {cpu: "1"}}}]}}
    lifecycle: {ignore: ['eksProperties.podProperties.containers[Default].image']}
"""


@pytest.mark.parametrize("said", ["", "name: Default, "])
@pytest.mark.parametrize("shown", [{}, {"name": "Default"}])
def test_an_entry_without_a_name_has_the_one_that_aws_gives_it(said: str, shown: dict[str, Any]) -> None:
    """A container of a pod is called Default, said or not, by an ignored path too."""
    container = {**shown, "image": "live", "resources": {"limits": {"cpu": "2"}}}
    pod = {"eksProperties": {"podProperties": {"containers": [container]}}, "containerProperties": None}
    made = plan(UNNAMED.replace("NAME", said), revision(top=pod))
    (sent,) = step(made, f"register:{ALIGN}").arguments["eksProperties"]["podProperties"]["containers"]
    assert (sent["image"], sent["resources"]) == ("live", {"limits": {"cpu": "1"}})


TEMPLATE = environments() + f"    {ignoring('computeResources.launchTemplate.version')}\n"


def test_a_template_goes_though_its_version_is_ignored() -> None:
    """A version is the version of something: without the template there is none."""
    made = plan(TEMPLATE, environment(launchTemplate={"launchTemplateName": "a", "version": "3"}))
    assert codes(made) == []
    assert step(made, f"update:{ADDRESS}").arguments["computeResources"] == {"launchTemplate": {"launchTemplateId": ""}}


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("updatePolicy.jobExecutionTimeoutMinutes", {"spec": {"updatePolicy": {"jobExecutionTimeoutMinutes": 60}}}),
        ("computeResources.scalingPolicy.minScaleDownDelayMinutes", None),
    ],
)
def test_what_is_ignored_stays_without_what_stood_beside_it(path: str, shown: dict[str, Any] | None) -> None:
    """Where it says something alone."""
    there = environment(fields=shown) if shown else environment(scalingPolicy={"minScaleDownDelayMinutes": 30})
    assert plan(environments() + f"    {ignoring(path)}\n", there).empty


def test_a_policy_may_ignore_what_a_block_does_not_have() -> None:
    """An environment of the manifest's own machines has none of Batch's."""
    text = f"\ncomputeEnvironments: {{one: {{type: UNMANAGED, serviceRole: '{ORDINARY}'}}}}\n"
    made = plan(text, environment(role=ORDINARY), policy=Policy(ignore=("computeResources.maxvCpus",)))
    assert actions(made) == {ADDRESS: "replace"}


# Null


@pytest.mark.parametrize(
    ("text", "shown", "path"),
    [
        (
            environments().replace("minvCpus: 0", "minvCpus: 0, desiredvCpus: null"),
            environment(desiredvCpus=4),
            "computeResources.desiredvCpus",
        ),
        (
            environments() + "    eksConfiguration: {eksClusterArn: arn, kubernetesNamespace: n, accessEntry: null}\n",
            environment(
                fields={
                    "spec": {
                        "eksConfiguration": {
                            "eksClusterArn": "arn",
                            "kubernetesNamespace": "n",
                            "accessEntry": {"desiredState": "ENABLED"},
                        }
                    }
                }
            ),
            "eksConfiguration.accessEntry",
        ),
    ],
)
def test_null_is_refused_where_the_api_resets_nothing(text: str, shown: Live, path: str) -> None:
    """It is an order, and not passed over in silence; unsaid, the field is left alone."""
    made = plan(text, shown)
    assert codes(made) == [(ADDRESS, "cannot-unset")]
    assert path in made.refusals[0].message
    assert plan(text.replace(", desiredvCpus: null", "").replace(", accessEntry: null", ""), shown).empty


def test_null_turns_insights_off() -> None:
    """EcsSettings: without a value they are DISABLED."""
    text = environments() + "    ecsSettings: null\n"
    shown = environment(fields={"spec": {"ecsSettings": {"containerInsights": "ENABLED"}}})
    made = plan(text, shown)
    assert step(made, f"update:{ADDRESS}").arguments["ecsSettings"] == {"containerInsights": "DISABLED"}
    off = environment(fields={"spec": {"ecsSettings": {"containerInsights": "DISABLED"}}})
    assert plan(text, off).empty
    assert plan(environments() + "    ecsSettings: {containerInsights: DISABLED}\n", environment()).empty
    assert plan(environments(), shown).empty


def test_null_of_what_is_not_there_is_no_change() -> None:
    """As of vCPUs on Fargate."""
    text = environments().replace("minvCpus: 0", "minvCpus: 0, desiredvCpus: null")
    assert plan(text, environment(desiredvCpus=None)).empty


# What the service owns of what is not there


def test_a_role_that_fits_is_found_by_its_path() -> None:
    """A name may be written with the path under which the role stands."""
    said = environments() + "    serviceRole: "
    assert plan(said + "service-role/AWSBatchServiceRole", environment(role=ORDINARY)).empty
    assert plan(said + "AWSBatchServiceRole", environment(role=ORDINARY)).empty
    for other in ("other/AWSBatchServiceRole", "role/AWSBatchServiceRole"):
        assert actions(plan(said + other, environment(role=ORDINARY))) == {ADDRESS: "update"}


def test_an_unsaid_structure_has_nothing_that_the_service_owns() -> None:
    """Machines that leave the manifest take their vCPUs along."""
    text = f"\ncomputeEnvironments: {{one: {{type: UNMANAGED, serviceRole: '{ORDINARY}'}}}}\n"
    made = plan(text, environment(role=ORDINARY, desiredvCpus=4))
    rules = {row.path: row.rule for row in differing(made, ADDRESS)}
    assert rules == {"computeResources": "unmanaged-for-life", "type": "for-life"}
    assert actions(made) == {ADDRESS: "replace"}


def test_a_scheduling_policy_keeps_an_ignored_share() -> None:
    """Of lists that only names tell apart too."""
    text = """
schedulingPolicies:
  fair:
    fairsharePolicy: {shareDistribution: [{shareIdentifier: a, weightFactor: 1.0}]}
    lifecycle: {ignore: ['fairsharePolicy.shareDistribution[a].weightFactor']}
"""
    assert plan(text, policy(shareDistribution=[{"shareIdentifier": "a", "weightFactor": 0.5}])).empty
    assert plan(text, fargate("other"), policy(shareDistribution=[{"shareIdentifier": "a"}])).changes
