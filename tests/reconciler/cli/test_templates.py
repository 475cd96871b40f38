"""Templates of CloudFormation on the command line: converted, and taken wherever a manifest is."""

import json
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest
import yaml

from tests import machine, servers
from tests.reconciler.cli.conftest import FAST, Cli

DATA = Path(__file__).parents[2] / "data" / "cloudformation"
PLACE = {"AWS::Region": "eu-west-1", "AWS::AccountId": "123456789012"}
TOKEN = "token-in-the-clear"


@attrs.frozen
class Sample:
    """A template, what is to be known beside it, and what a plan of it makes then."""

    file: str
    context: Mapping[str, Any]
    parameters: tuple[str, ...]
    unknown: int
    made: int


SAMPLES = [
    Sample(
        "Fargate.template.json",
        {
            "QuickSecurityGroup7DF7E28A": "sg-1",
            "SpareSecurityGroup9894F76A": "sg-2",
            "NetworkPublicSubnet1Subnet5B78347B": "subnet-1",
            "NetworkPublicSubnet2SubnetC3758C96": "subnet-2",
            "ContainerExecutionRole65F36CD2": "execution",
            "Logs6819BB44": "logs",
            "Password67973E0B": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:password",
            "Files8E6940B8": "fs-1",
        },
        (),
        12,
        4,
    ),
    Sample(
        "Instances.template.json",
        {
            "AWS::StackName": "instances",
            "Template576A9730": "lt-1",
            "LargeSecurityGroup0955AF8F": "sg-1",
            "LargeInstanceProfile6EAE5AD1": "profile",
        },
        (),
        4,
        3,
    ),
    Sample(
        "Spot.template.json",
        {
            "exports": {"network-group": "sg-1"},
            "SsmParameterValuebatchinstanceprofileC96584B6F00A464EAD1953AFF4B05118Parameter": "profile",
        },
        ("Stage=prod", "Subnets=subnet-1,subnet-2", f"Token={TOKEN}"),
        5,
        5,
    ),
    Sample(
        "Definitions.template.json",
        {"PodsSecurityGroup0FF80A6F": "sg-1", "PodsInstanceProfileBE4F1E12": "profile"},
        (),
        6,
        5,
    ),
    Sample(
        "genomics.yaml",
        {"SecurityGroup": "sg-1", "InstanceProfile": "profile"},
        ("VpcId=vpc-1", "SubnetIds=subnet-1", f"DbPassword={TOKEN}", "Reserve=yes"),
        5,
        5,
    ),
    Sample("training.yaml", {}, (), 0, 4),
]


def given(sample: Sample, home: Path) -> list[str]:
    """The words of a command line that say what is to be known."""
    context = home / "context.json"
    context.write_text(json.dumps({**PLACE, **sample.context}))
    return ["--context", str(context), *(word for text in sample.parameters for word in ("--parameter", text))]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.file)
def test_a_template_is_planned_applied_and_planned_again(cli: Cli, home: Path, sample: Sample) -> None:
    """With all that it needs it is applied as a manifest is, and then nothing is left to do; what may not be shown is
    in no output."""
    words = [str(DATA / sample.file), *given(sample, home)]
    planned = cli("plan", *words, *FAST)
    assert planned.code == 0, planned.err
    assert f"Plan: {sample.made} to create" in planned.out
    applied = cli("apply", *words, "--auto-approve", *FAST)
    assert applied.code == 0, applied.err
    again = cli("plan", *words, "--detailed-exitcode", *FAST)
    assert again.code == 0, again.out
    assert TOKEN not in "".join([planned.out, planned.err, applied.out, applied.err, again.out, again.err])


@pytest.mark.parametrize("sample", [one for one in SAMPLES if one.unknown], ids=lambda sample: sample.file)
def test_what_is_not_known_is_told_at_once(cli: Cli, home: Path, sample: Sample) -> None:
    """Every unknown with its place, its path and what to pass, and nothing is planned in part."""
    said = cli("plan", DATA / sample.file, "--json", *FAST)
    assert said.code == 1
    found = said.json["faults"]
    assert len(found) == sample.unknown
    assert all(one["line"] > 1 and "is not known" in one["message"] and "pass " in one["hint"] for one in found)
    assert not (home / ".batchwright").exists()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.file)
def test_a_converted_manifest_is_one(cli: Cli, home: Path, sample: Sample) -> None:
    """It is for its owner's eyes, and valid once its variables are given; as many unknowns are told as there are."""
    said = cli("convert", "cloudformation", DATA / sample.file, "--out", "made.yaml")
    assert said.code == (4 if sample.unknown else 0)
    assert said.err.count(" is not known: ") == sample.unknown
    assert stat.S_IMODE((home / "made.yaml").stat().st_mode) == 0o600
    document = yaml.safe_load((home / "made.yaml").read_text())
    lists = {"Subnets", "SubnetIds"}
    values = {name: ["subnet-1"] if name in lists else "x1" for name in document.get("variables", {})}
    (home / "values.json").write_text(json.dumps(values))
    assert cli("validate", "made.yaml", "--var-file", "values.json").code == 0
    with_json = cli("convert", "cloudformation", DATA / sample.file, "--json")
    assert with_json.json == document
    machine.published("manifest").validate(document)


def test_the_variables_of_a_template_may_be_given_too(cli: Cli, home: Path) -> None:
    """What is not known of a template is known by --var, but for a condition."""
    (home / "t.yaml").write_text(
        """
        Parameters: {Group: {Type: String}}
        Resources:
          Fast:
            Type: AWS::Batch::ComputeEnvironment
            Properties:
              Type: MANAGED
              ComputeResources: {Type: FARGATE, MaxvCpus: 4, Subnets: [s], SecurityGroupIds: [!Ref Group]}
        """
    )
    assert cli("validate", "t.yaml").code == 1
    assert cli("validate", "t.yaml", "--var", "Group=sg-1").code == 0
    assert cli("validate", "t.yaml", "--parameter", "Group=sg-1").code == 0
    assert "no such parameter" in cli("validate", "t.yaml", "--parameter", "Gruop=sg-1").err
    assert "--parameter Group is not NAME=VALUE" in cli("validate", "t.yaml", "--parameter", "Group").err


def test_what_is_for_templates_goes_with_templates(cli: Cli, small: Path) -> None:
    """A manifest takes no parameters, a template stands alone, and a manifest is no template."""
    said = cli("validate", small, "--parameter", "A=1")
    assert (said.code, "--parameter is for templates of CloudFormation" in said.err) == (1, True)
    said = cli("validate", small, "--context", "x.json")
    assert (said.code, "--context is for templates" in said.err) == (1, True)
    said = cli("validate", small, DATA / "training.yaml")
    assert (said.code, "a whole stack" in said.err) == (1, True)
    said = cli("convert", "cloudformation", small)
    assert (said.code, "is no template of CloudFormation" in said.err) == (1, True)


def test_a_manifest_that_says_resources_is_none_the_less_one(cli: Cli, home: Path) -> None:
    """The word alone makes no template."""
    (home / "m.yaml").write_text("stack: x\nResources: {a: {b: c}}\n")
    said = cli("validate", "m.yaml")
    assert (said.code, "there is no key 'Resources'" in said.err) == (1, True)


def test_a_secret_is_in_no_output(cli: Cli, home: Path) -> None:
    """Also where the template puts it into a text that is shown, in every form that a plan has."""
    text = (DATA / "genomics.yaml").read_text().replace("Image: !Ref Image", 'Image: !Sub "${DbPassword}:1"')
    (home / "t.yaml").write_text(text)
    words = ["t.yaml", *given(SAMPLES[4], home), *FAST]
    shown = [cli("plan", *words, *more) for more in ((), ("--json",), ("--markdown",), ("--html", "p.html"), ("-v",))]
    shown.append(cli("graph", *words[:-4]))
    shown.append(cli("convert", "cloudformation", *words[:-4]))
    assert all(said.code in (0, 4) for said in shown)
    assert TOKEN not in "".join(said.out + said.err for said in shown)
    assert TOKEN not in (home / "p.html").read_text()
    assert "(secret):1" in shown[0].out
    assert json.loads(shown[1].out)["changes"]


def test_a_secret_is_hidden_in_whatever_form_it_is_shown(cli: Cli, home: Path) -> None:
    """However it is given, cut, broken into lines, or escaped; also one that a dynamic reference names."""
    secrets = ["hunter2", "hunter2" * 100, "begin\nhunter2\n<hunter2>&", 'q"hunter2\x1b\t', "a,hunter2"]
    kinds = ["String", "String", "String", "String", "CommaDelimitedList"]
    parameters = {f"T{at}": {"Type": kind, "NoEcho": True} for at, kind in enumerate(kinds)}
    container = {
        "Image": "busybox",
        "ResourceRequirements": [{"Type": "VCPU", "Value": 1}, {"Type": "MEMORY", "Value": 512}],
        "Command": ["{{resolve:secretsmanager:x}}", *({"Ref": name} for name in [*parameters][:4])],
        "Environment": [{"Name": "DSN", "Value": {"Fn::Sub": "pg://${T1}"}}],
    }
    constraints = {"Fn::Join": ["", {"Ref": "T4"}]}
    job = {"Type": "container", "ContainerProperties": container, "Tags": {"t": constraints}}
    resources = {"Job": {"Type": "AWS::Batch::JobDefinition", "Properties": job}}
    (home / "t.json").write_text(json.dumps({"Parameters": parameters, "Resources": resources}))
    pairs = [(f"T{at}", secret) for at, secret in enumerate(secrets)]
    by_hand = [word for name, secret in pairs[:2] for word in ("--parameter", f"{name}={secret}")]
    (home / "v.json").write_text(json.dumps({**dict(pairs[2:4]), "resolve_secretsmanager_x": "hunter2"}))
    words = ["t.json", *by_hand, "--var-file", "v.json", "--var", "Join_Ref_T4=hunter2", "--region", "eu-west-1", *FAST]
    shown = [cli("plan", *words, *more) for more in ((), ("--json",), ("--markdown",), ("--html", "p.html"), ("-v",))]
    assert [said.code for said in shown] == [0] * 5, shown[0].err
    everything = "".join(said.out + said.err for said in shown) + (home / "p.html").read_text()
    assert "(secret)" in everything
    assert "hunter2" not in everything


def test_other_services_are_one_note(cli: Cli, home: Path) -> None:
    """A plan counts them; a conversion names each."""
    said = cli("validate", DATA / "genomics.yaml", *given(SAMPLES[4], home))
    assert said.code == 0
    assert "5 resources of other services left alone" in said.err
    made = cli("convert", "cloudformation", DATA / "genomics.yaml", *given(SAMPLES[4], home))
    assert made.err.count("left alone: ") == 5
    assert "left alone: Nested (AWS::CloudFormation::Stack), whose own template is not looked into" in made.err


def test_a_live_stack_is_asked_for_what_the_template_does_not_tell(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names and values come from CloudFormation, at its own endpoint; the steps say what is verified."""
    topic = "{Type: AWS::SNS::Topic, Properties: {TopicName: topic}}"
    parameters = "Parameters: {Most: {Type: Number, Default: 8}}"
    resources = "Resources:\n  Topic: " + topic
    environment = """
  Fast:
    Type: AWS::Batch::ComputeEnvironment
    Properties:
      Type: MANAGED
      ComputeEnvironmentName: !Sub "${AWS::StackName}-fast"
      Tags: {topic: !Ref Topic}
      ComputeResources: {Type: FARGATE, MaxvCpus: !Ref Most, Subnets: [s], SecurityGroupIds: [g]}
"""
    (home / "lab.yaml").write_text(f"{parameters}\n{resources}{environment}")
    with servers.moto() as moto:
        for name, value in {**servers.KEYS, "AWS_ENDPOINT_URL": moto.url, "AWS_REGION": "eu-west-1"}.items():
            monkeypatch.setenv(name, value)
        moto.client("cloudformation").create_stack(
            StackName="lab-live",
            TemplateBody=f"{parameters}\n{resources}\n",
            Parameters=[{"ParameterKey": "Most", "ParameterValue": "32"}],
            Tags=[{"Key": "team", "Value": "blue"}],
        )
        said = cli("convert", "cloudformation", "lab.yaml", "--live", "--stack", "lab-live")
        missing = cli("convert", "cloudformation", "lab.yaml", "--live")
        moto.client("cloudformation").delete_stack(StackName="lab-live")
    assert said.code == 0, said.err
    document = yaml.safe_load(said.out)
    assert document["stack"] == "lab-live"
    assert document["tags"] == {"team": "blue"}
    assert document["target"] == {"region": "eu-west-1", "accountId": "123456789012"}
    block = document["computeEnvironments"]["lab-live-fast"]
    assert block["computeResources"]["maxvCpus"] == 32
    assert block["tags"] == {"topic": "arn:aws:sns:eu-west-1:123456789012:topic"}
    assert "Verified in the live stack lab-live" in said.err
    assert "it has no Fast" in said.err
    assert (missing.code, "does not exist" in missing.err) == (1, True)


def test_manifests_pay_nothing_for_templates(small: Path) -> None:
    """The adapter is imported where a template is met, and nowhere else."""
    program = "import sys; from reconciler.cli import run; run(sys.argv[1:]); print([*sys.modules], file=sys.stderr)"
    root = Path(__file__).parents[3]
    loaded = {}
    for path in (small, DATA / "training.yaml"):
        done = subprocess.run(
            [sys.executable, "-c", program, "validate", str(path)],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        )
        loaded[path.name] = done.stderr
    assert "adapters.cloudformation" not in loaded["small.yaml"]
    assert "adapters.cloudformation" in loaded["training.yaml"]
    assert not any(f"'{heavy}'" in loaded["training.yaml"] for heavy in ("boto3", "botocore", "networkx"))


HUSHED = """
Parameters: {Hush: {Type: String, NoEcho: true}}
Resources:
  Job:
    Type: AWS::Batch::JobDefinition
    Properties:
      Type: container
      JobDefinitionName: job
      ContainerProperties:
        Image: i
        Vcpus: 1
        Memory: 512
        Environment: [{Name: HUSH, Value: !Ref Hush}, {Name: AROUND, Value: !Sub "a-${Hush}-b"}]
"""


@pytest.mark.parametrize("converted", [False, True], ids=["template", "manifest"])
def test_what_may_not_be_shown_is_not_however_it_was_given(cli: Cli, home: Path, converted: bool) -> None:
    """Neither a plan, a plan file that is shown or applied, drift nor a fault says the value of a parameter with NoEcho
    that was given as a variable, nor the one that it replaces."""
    (home / "job.template.yaml").write_text(HUSHED)
    path = "job.template.yaml"
    if converted:
        path = "job.yaml"
        assert cli("convert", "cloudformation", "job.template.yaml", "--out", path).code == 4
    place = ("--region", "eu-west-1", *FAST)

    def words(value: str) -> tuple[str, ...]:
        return (path, "--var", f"Hush={value}", *place)

    said = [cli("apply", *words("former-value"), "--auto-approve", "-v")]
    said += [cli(verb, *words("latter-value"), *more) for verb in ("plan", "drift") for more in (("-v",), ("--json",))]
    said.append(cli("plan", *words("latter-value"), "--out", "held.json", "--html", "page.html"))
    said += [cli("show", "held.json", "-v"), cli("show", "held.json", "--json"), cli("rehearse", "held.json", *place)]
    said.append(cli("apply", "held.json", "--auto-approve", *place, "-v"))
    assert [each.code for each in said] == [0, 0, 0, 2, 2, 0, 0, 0, 0, 0], [each.err for each in said]
    shown = "".join(each.out + each.err for each in said) + (home / "page.html").read_text()
    assert "environment[HUSH]" in shown
    assert "former-value" not in shown
    assert "latter-value" not in shown
    assert "latter-value" in (home / "held.json").read_text()
