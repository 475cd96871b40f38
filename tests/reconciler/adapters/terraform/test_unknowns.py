"""What a plan does not know yet: blocks where it is of these, variables where it is not, nothing where AWS fills it."""

from collections.abc import Callable
from typing import Any

import pytest

from plans.manifest import Source, parse
from plans.written import Expression
from providers.errors import InputError
from reconciler.adapters.conversion import Conversion
from reconciler.adapters.terraform import Asked
from tests.kit import Stage, kinds, manifest
from tests.reconciler.adapters.terraform.recorded import converted, document, edited, made_by_terraform

ORDER = {
    f"ordered_compute_environment_order{end}": f"fargate-{name}" for end, name in (("", "second"), ("_2", "first"))
}


def block(made: Conversion, section: str, name: str) -> Any:
    return made.document[section][name]


def change(made: Any, address: str) -> Any:
    return next(row["change"] for row in made["resource_changes"] if row["address"] == address)


def expressions(made: Any, address: str) -> Any:
    rows = made["configuration"]["root_module"]["resources"]
    return next(row["expressions"] for row in rows if row["address"] == address)


def test_references_to_what_is_planned_too_are_names() -> None:
    """A queue names the environment and the policy that are made with it, also where a module is told the policy."""
    made = converted("fresh")
    assert block(made, "jobQueues", "listed")["computeEnvironmentOrder"] == [{"computeEnvironment": "ec2", "order": 0}]
    assert block(made, "jobQueues", "spot-a-this")["schedulingPolicyArn"] == "fair"


def test_what_a_dynamic_block_says_is_a_variable() -> None:
    """The configuration in a plan does not have it: it is told, with its path and what to pass."""
    made = converted("fresh")
    assert [unknown.path for unknown in made.unknowns] == [
        f"jobQueues.ordered.computeEnvironmentOrder[{at}]" for at in (0, 1)
    ]
    assert "`--var ordered_compute_environment_order=VALUE`" in made.unknowns[0].give
    assert made.document["variables"].keys() == ORDER.keys()


def test_a_planned_stack_can_be_made_by_the_manifest() -> None:
    """With values for its variables the manifest is whole, makes what Terraform would have made, and then is it."""
    made, stage = converted("fresh"), Stage.new()
    wanted = manifest(made.yaml, **ORDER)
    assert stage.apply(wanted).exit_code == 0
    assert stage.plan(wanted).empty
    spare = ("shop-spare", "spare-")
    assert {arn.partition("/")[2] for arn in stage.all if not any(name in arn for name in spare)} == {
        arn.partition("/")[2] for arn in made_by_terraform().all if not any(name in arn for name in spare)
    }


def test_what_aws_would_not_take_is_told_beside_what_is_not_known() -> None:
    """That a variable has no value yet hides no fault of another value."""
    made = converted(
        edited("fresh", lambda made: change(made, "aws_batch_job_queue.listed")["after"].update(state="PERHAPS"))
    )
    assert made.unknowns
    (lack,) = made.lacking
    assert lack.startswith("jobQueues.listed.state 'PERHAPS'")


def test_a_part_of_a_map_that_is_not_known_is_a_variable() -> None:
    """It stands in its place, and the rest of the map is as it is planned."""

    def edit(made: Any) -> None:
        planned = change(made, "aws_batch_job_definition.container")
        planned["after"]["parameters"], planned["after_unknown"]["parameters"] = {"a": "1"}, {"b": True}
        expressions(made, "aws_batch_job_definition.container")["parameters"] = {"references": ["var.b"]}

    made = converted(edited("fresh", edit))
    assert block(made, "jobDefinitions", "container")["parameters"] == {"a": "1", "b": Expression("${var.var_b}")}


def test_what_is_told_of_a_planned_stack() -> None:
    """All is said not to be live, names that Terraform would make up are told, and there is nothing to take over."""
    made = converted("fresh")
    told = "\n".join(made.notes)
    assert "not live yet, and made by an apply of the manifest: " in told
    assert " and 6 more" in told
    assert "compute_environment.spare-0: Terraform makes up a name (shop-spare-…)" in told
    assert "lifecycle" not in told
    assert made.steps == ""


def provided(region: Any, **given: Any) -> Callable[[Any], None]:
    """An edit that gives the provider's region as an expression, and variables of the root module."""

    def edit(made: Any) -> None:
        made["configuration"]["provider_config"]["aws"]["expressions"]["region"] = region
        made["variables"] |= {name: {"value": value} for name, value in given.items()}

    return edit


@pytest.mark.parametrize(
    ("edit", "target"),
    [
        (provided({"constant_value": "eu-west-1"}), {"region": "eu-west-1"}),
        (provided({"references": ["var.place"]}, place="us-west-2"), {"region": "us-west-2"}),
        (provided({"references": ["local.place"]}), None),
        (provided({"references": ["var.place"]}), None),
        (provided({"references": ["var.place"]}, place=None), None),
        (provided(None), None),
    ],
    ids=["constant", "variable", "local", "no-such-variable", "null", "environment"],
)
def test_the_region_of_what_is_planned_is_that_of_its_provider(edit: Callable[[Any], None], target: Any) -> None:
    """What has no ARN yet is where its provider is configured to be; where that is not in the plan, it is asked for."""
    made = converted(edited("fresh", edit))
    assert made.document.get("target") == target
    assert ("no ARN says the region yet" in "\n".join(made.notes)) == (target is None)


@pytest.mark.parametrize("name", ["fresh", "plan"])
def test_what_is_planned_elsewhere_is_of_another_manifest(name: str) -> None:
    """Resources to be created by the provider of another region are refused without --region, and left alone with it,
    also beside such as are live."""
    address = "aws_batch_job_queue.away"

    def edit(made: Any) -> None:
        row = {"mode": "managed", "type": "aws_batch_job_queue", "name": "away", "provider_config_key": "aws.far"}
        configuration = made["configuration"]
        configuration["provider_config"]["aws.far"] = {"expressions": {"region": {"constant_value": "us-east-1"}}}
        configuration["root_module"]["resources"].append({"address": address, **row, "expressions": {}})
        after = {"name": "away", "state": "ENABLED", "priority": 1, "compute_environment_order": [], "tags_all": {}}
        change = {"actions": ["create"], "before": None, "after": after, "after_unknown": {"arn": True}}
        made["resource_changes"].append({"address": address, **row, "change": change})

    plan = edited(name, edit)
    with pytest.raises(InputError, match=r"several regions or accounts: .*1 in account unknown, us-east-1") as caught:
        converted(plan)
    assert "--region" in str(caught.value.hint)
    here = converted(plan, Asked("shop", region="eu-west-1"))
    assert "away" not in here.document["jobQueues"]
    assert f"{address}, in account unknown, us-east-1" in here.left_alone
    away = converted(plan, Asked("shop", region="us-east-1")).document
    assert away["target"] == {"region": "us-east-1"}
    assert [*away["jobQueues"]] == ["away"]


def unknown(address: str, marks: dict[str, Any], said: dict[str, Any] | None = None) -> Any:
    def edit(made: Any) -> None:
        found = change(made, address)
        for key, value in marks.items():
            found["after"].pop(key, None)
            found["after_unknown"][key] = value
        expressions(made, address).update(said or {})

    return edited("fresh", edit)


def test_a_whole_structure_is_a_variable() -> None:
    """Properties that are JSON of unknown values are given as a whole, by a file of variables."""
    address = "aws_batch_job_definition.container"
    made = converted(unknown(address, {"container_properties": True}))
    path = "jobDefinitions.container.containerProperties"
    (found,) = (one for one in made.unknowns if one.path == path)
    assert "`--var-file FILE` with a value for container_container_properties" in found.give
    properties = document("calls")[9]["arguments"]["containerProperties"]
    variables = {**ORDER, "container_container_properties": properties}
    sources = [Source("made.yaml", made.yaml.encode())]
    wanted = parse(sources, variables=variables, kinds=kinds())
    (one,) = (each for each in wanted.resources.values() if str(each.address) == "job_definition.container")
    assert one.spec["containerProperties"]["image"] == properties["image"]


def test_lists_and_scalars_are_variables_called_as_what_they_are_of() -> None:
    """One attribute of another resource is one variable wherever it is used; a scalar keeps its place in a list."""
    subnets = {"references": ["aws_subnet.a.id", "aws_subnet.a"]}
    resources = {
        "type": "FARGATE",
        "max_vcpus": 16,
        "security_group_ids": ["sg-1"],
        "subnets": [None],
    }
    marks = {"max_vcpus": True, "subnets": [True], "security_group_ids": True, "ec2_configuration": True}
    groups = {"references": ["data.aws_security_groups.all.ids", "data.aws_security_groups.all"]}
    cpus = {"references": ["var.more", "local.cpus"]}

    def edit(made: Any) -> None:
        for key in ("first", "second"):
            found = change(made, f'aws_batch_compute_environment.fargate["{key}"]')
            found["after"]["compute_resources"] = [dict(resources)]
            found["after_unknown"]["compute_resources"] = [dict(marks)]
        said = expressions(made, "aws_batch_compute_environment.fargate")["compute_resources"][0]
        said.update(subnets=subnets, security_group_ids=groups, max_vcpus=cpus)

    made = converted(edited("fresh", edit))
    shown = made.yaml
    assert shown.count("subnets: ['${var.aws_subnet_a_id}']") == 2
    assert shown.count("securityGroupIds: ${var.data_aws_security_groups_all_ids}") == 2
    assert "maxvCpus: ${var.fargate-first_compute_resources}" in shown
    assert made.document["variables"]["aws_subnet_a_id"] == {"description": "aws_subnet.a.id"}
    assert "ec2Configuration" not in block(made, "computeEnvironments", "fargate-first")["computeResources"]
    given = {
        **ORDER,
        "aws_subnet_a_id": "subnet-9",
        "data_aws_security_groups_all_ids": ["sg-8", "sg-9"],
        "fargate-first_compute_resources": "8",
        "fargate-second_compute_resources": "8",
    }
    wanted = parse([Source("made.yaml", shown.encode())], variables=given, kinds=kinds())
    one = next(each for each in wanted.resources.values() if str(each.address) == "compute_environment.fargate-first")
    assert one.spec["computeResources"] == {
        "type": "FARGATE",
        "maxvCpus": 8,
        "subnets": ["subnet-9"],
        "securityGroupIds": ["sg-8", "sg-9"],
    }


def outputs(made: Any) -> None:
    """Let a module say the ARN of its environment as an output, which a queue outside takes."""
    module = made["configuration"]["root_module"]["module_calls"]["spot"]["module"]
    taken = ["aws_batch_compute_environment.this.arn", "aws_batch_compute_environment.this"]
    module["outputs"] = {"arn": {"expression": {"references": taken}}}
    said = expressions(made, "aws_batch_job_queue.listed")
    said["compute_environments"] = {"references": ["module.spot.arn", "module.spot"]}


def several(made: Any) -> None:
    said = expressions(made, "aws_batch_job_queue.listed")
    said["compute_environments"] = {"references": ["aws_batch_compute_environment.fargate"]}


def unsaid(made: Any) -> None:
    """A module that is called with nothing."""
    call = made["configuration"]["root_module"]["module_calls"]["spot"]
    call["expressions"] = {}


@pytest.mark.parametrize(
    ("edit", "path", "variable"),
    [
        (
            several,
            "jobQueues.listed.computeEnvironmentOrder[0].computeEnvironment",
            "aws_batch_compute_environment_fargate",
        ),
        (unsaid, "jobQueues.spot-a-this.schedulingPolicyArn", "spot-a-this_scheduling_policy_arn"),
        (
            lambda made: made.pop("configuration"),
            "jobQueues.spot-a-this.schedulingPolicyArn",
            "spot-a-this_scheduling_policy_arn",
        ),
    ],
)
def test_what_is_not_one_block_is_a_variable(edit: Callable[[Any], None], path: str, variable: str) -> None:
    """A reference that may be several blocks, or is said nowhere, is for the reader to give."""
    made = converted(edited("fresh", edit))
    (found,) = (one for one in made.unknowns if one.path == path)
    assert variable in found.give


def test_an_output_of_a_module_leads_to_a_block() -> None:
    """A reference through an output of a module is to the block of what it names there."""
    made = converted(edited("fresh", outputs))
    order = block(made, "jobQueues", "listed")["computeEnvironmentOrder"]
    assert order == [{"computeEnvironment": "spot-a-this", "order": 0}]
