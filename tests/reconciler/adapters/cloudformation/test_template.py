"""Templates of every form are read alike, and all that is wrong with one is told at once."""

from pathlib import Path
from typing import Any

import pytest

from plans.fromvalues import root_of
from plans.nodes import Faults, Source, plain
from providers.errors import Fault, ManifestError
from reconciler.adapters.cloudformation.loops import unrolled
from reconciler.adapters.cloudformation.template import holds_template, read, read_root
from tests.reconciler.adapters.cloudformation.kit import template

_DATA = Path(__file__).parents[3] / "data" / "cloudformation"
_QUEUE = "Resources: {Queue: {Type: AWS::Batch::JobQueue, Properties: {Value: %s}}}"


def faults_of(text: str, name: str = "stack.yaml") -> tuple[Fault, ...]:
    with pytest.raises(ManifestError) as caught:
        template(text, name)
    return tuple(caught.value.faults)


def value_of(text: str) -> object:
    return plain(template(_QUEUE % text).resources["Queue"].properties.entries["Value"].node)


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("!Ref AWS::Region", {"Ref": "AWS::Region"}),
        ("!GetAtt Queue.Arn", {"Fn::GetAtt": ["Queue", "Arn"]}),
        ("!GetAtt Queue.Outputs.Arn", {"Fn::GetAtt": ["Queue", "Outputs.Arn"]}),
        ("!GetAtt [Queue, Arn]", {"Fn::GetAtt": ["Queue", "Arn"]}),
        ("!Sub 'a'", {"Fn::Sub": "a"}),
        ("!Join [',', [a, !Ref Queue]]", {"Fn::Join": [",", ["a", {"Ref": "Queue"}]]}),
        ("!GetAZs ''", {"Fn::GetAZs": ""}),
        ("!Base64 {Ref: Queue}", {"Fn::Base64": {"Ref": "Queue"}}),
        ("!ImportValue a", {"Fn::ImportValue": "a"}),
        ("!Split [a, ~]", None),
    ],
)
def test_short_forms_become_long(short: str, long: object) -> None:
    """A tag is the map of one function; only null is not taken."""
    if long is None:
        (fault,) = faults_of(_QUEUE % short)
        assert fault.message == "a template holds no null"
        assert fault.path == "Resources.Queue.Properties.Value.Fn::Split[1]"
    else:
        assert value_of(short) == long


def test_sections() -> None:
    """Everything that a template declares is told, with its places."""
    made = template("""
Description: All of it
Transform: [AWS::LanguageExtensions]
Parameters:
  Password: {Type: String, NoEcho: true, Default: hunter2}
  Zones: {Type: "List<AWS::EC2::AvailabilityZone::Name>", AllowedValues: [a, b]}
  Ami: {Type: "AWS::SSM::Parameter::Value<List<String>>"}
Rules: {Any: {Assertions: []}}
Conditions:
  B: !Not [!Condition A]
  A: !Equals [a, b]
Resources:
  Queue:
    Type: AWS::Batch::JobQueue
    Condition: A
    DependsOn: [Topic]
    DeletionPolicy: Retain
    UpdateReplacePolicy: Delete
    UpdatePolicy: {}
    Metadata: {aws:cdk:path: Stack/Queue/Resource}
  Topic: {Type: AWS::SNS::Topic, DependsOn: Other}
  Other: {Type: Custom::Thing}
Outputs:
  Arn: {Value: !Ref Queue, Condition: A, Export: {Name: queue}}
""")
    queue = made.resources["Queue"]
    assert (queue.type, queue.condition, queue.depends_on) == ("AWS::Batch::JobQueue", "A", ("Topic",))
    assert (queue.cdk_path, queue.at.line, queue.path, queue.batch) == (
        "Stack/Queue/Resource",
        13,
        "Resources.Queue",
        True,
    )
    assert queue.deletion_policy is not None
    assert queue.deletion_policy.value == "Retain"
    assert queue.update_replace_policy is not None
    assert queue.update_policy is not None
    assert queue.properties.entries == {}
    assert made.resources["Topic"].depends_on == ("Other",)
    assert not made.resources["Topic"].batch
    parameters = made.parameters
    assert [(one.no_echo, one.many, one.ssm, one.allowed) for one in parameters.values()] == [
        (True, False, False, ()),
        (False, True, False, ("a", "b")),
        (False, True, True, ()),
    ]
    assert "hunter2" not in repr(made)
    assert made.in_order == ("A", "B")
    assert made.outputs["Arn"].condition == "A"
    assert made.outputs["Arn"].export is not None
    assert (made.transforms, made.macros, made.extended) == (("AWS::LanguageExtensions",), False, True)
    assert made.description == "All of it"


@pytest.mark.parametrize(
    "text",
    [
        '{"Resources": {"Queue": {"Type": "AWS::Batch::JobQueue", "Properties": {"Priority": 1}}}}',
        '{\n\t"Resources": {\n\t\t"Queue": {"Type": "AWS::Batch::JobQueue", "Properties": {"Priority": 1}}}}',
        '{"TemplateBody": {"Resources": {"Queue": {"Type": "AWS::Batch::JobQueue", "Properties": {"Priority": 1}}}}}',
    ],
)
def test_forms_of_json(text: str) -> None:
    """JSON is read as it is written or as `get-template` prints it."""
    made = template(text, "stack.json")
    assert plain(made.resources["Queue"].properties) == {"Priority": "1"}
    assert holds_template(Source("stack.json", text.encode()))


def test_template_of_the_cdk() -> None:
    """What the CDK writes is read without a fault."""
    made = read(Source("Small.template.json", (_DATA / "resolve-cdk.template.json").read_bytes()))
    kinds = [declared.type.removeprefix("AWS::Batch::") for declared in made.resources.values() if declared.batch]
    assert sorted(kinds) == [*["ComputeEnvironment"] * 3, *["JobDefinition"] * 2, "JobQueue"]


@pytest.mark.parametrize(
    ("text", "template_or_not"),
    [
        ("stack: a\njobQueues: {}", False),
        ("Resources: {}", False),
        ("Resources: {a: {Type: x}}", False),
        ("a: b\nc: Resources", False),
        ("Resources: {a: {Type: Custom::X}}", True),
        ("AWSTemplateFormatVersion: '2010-09-09'\nResources: {}", True),
        ("Resources: {a: {Type: AWS::Batch::JobQueue, Properties: !Sub [}", True),
        ("Resources: {'Fn::ForEach::Loop': [N, [a], {'Q${N}': {Type: AWS::Batch::JobQueue}}]}", True),
        ("Resources: [", False),
    ],
)
def test_template_is_told_from_a_manifest(text: str, template_or_not: bool) -> None:
    """A template is known by its version, or by resources of AWS; one that cannot be read by its words."""
    assert holds_template(Source("x.yaml", text.encode())) is template_or_not


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: b", "stack.yaml:1:1: not a template of CloudFormation"),
        ("- a", "not a template of CloudFormation"),
        ("AWSTemplateFormatVersion: a", "Resources: the template has no resources"),
        ("Resources: []", "Resources: a map, not a list"),
        ("Resources: {Queue: a}", "Resources.Queue: a map, not 'a'"),
        ("Resources: {Queue: {Propertis: {}}}", "the resource has no Type"),
        ("Resources: {Queue: {Type: [a]}}", "Resources.Queue.Type: a text, not a list"),
        ("Resources: {Queue: {Type: 'A::B', Propertis: {}}}", "did you mean Properties?"),
        ("Resources: {Queue: {Type: 'A::B', Properties: a}}", "Resources.Queue.Properties: a map, not 'a'"),
        ("Resources: {Queue: {Type: 'A::B', DependsOn: {}}}", "DependsOn: a logical id, not a map"),
        ("Resources: {Queue: {Type: 'A::B', DependsOn: Queu}}", "no resource 'Queu' (did you mean Queue?)"),
        ("Resources: {Queue: {Type: 'A::B', Condition: A}}", "Condition: there is no condition 'A'"),
        ("Resource: {}\nResources: {Queue: {Type: 'A::B'}}", "Resource: a template has no 'Resource' here"),
        ("Resources: {Q: {Type: 'A::B'}}\nTransform: []", "the name of a macro is a text"),
        ("Resources: {Q: {Type: 'A::B'}}\nParameters: {A: {}}", "Parameters.A: the parameter has no Type"),
        ("Resources: {Q: {Type: 'A::B'}}\nParameters: {A: {Type: String, Default: []}}", "a text, not a list"),
        (
            "Resources: {Q: {Type: 'A::B'}}\nParameters: {A: {Type: String, Default: a, AllowedValues: [b]}}",
            "Parameters.A.Default: the default is none of the allowed values",
        ),
        ("Resources: {Q: {Type: 'A::B'}}\nMappings: {A: {b: c}}", "Mappings.A.b: a map, not 'c'"),
        ("Resources: {Q: {Type: 'A::B'}}\nOutputs: {A: {}}", "Outputs.A: the output has no Value"),
        ("Resources: {Q: {Type: 'A::B'}}\nConditions: {A: {a: b, c: d}}", "Conditions.A: a condition such as"),
        ("Resources: {Q: {Type: 'A::B'}}\nConditions: {A: !If [a, b, c]}", "no function of conditions 'Fn::If'"),
        ("Resources: {Q: {Type: 'A::B'}}\nConditions: {A: !Equals [a]}", "Fn::Equals takes a list of 2 items, not 1"),
        ("Resources: {Q: {Type: 'A::B'}}\nConditions: {A: !Equals [!Ref Q, a]}", "cannot know the resource Q"),
        ("Resources: {Q: {Type: 'A::B'}}\nConditions: {A: !Not [!Condition B]}", "there is no condition 'B'"),
        (
            "Resources: {Q: {Type: 'A::B'}}\nConditions: {A: !Not [!Condition B], B: !Not [!Condition A]}",
            "conditions that name each other in a circle: ",
        ),
        (_QUEUE % "!Ref Queu", "there is no parameter or resource 'Queu' (did you mean Queue?)"),
        (_QUEUE % "!Ref AWS::Regio", "did you mean AWS::Region?"),
        (
            _QUEUE % "!GetAtt Queu.Arn",
            "stack.yaml:1:69: Resources.Queue.Properties.Value.Fn::GetAtt: there is no resource",
        ),
        (_QUEUE % "!GetAtt Queue", "Fn::GetAtt takes a list of 2 items, not 'Queue'"),
        (_QUEUE % "!Sub '${Queu}'", "did you mean Queue?"),
        (_QUEUE % "!Sub '${Queu.Arn}'", "did you mean Queue?"),
        (_QUEUE % "!Sub '${A:-b}'", "there is no parameter or resource 'A:-b'"),
        (_QUEUE % "!Sub [a]", "Fn::Sub takes a text, or a list of a text and a map"),
        (_QUEUE % "!Sub {}", "Fn::Sub takes a text, not a map"),
        (_QUEUE % "!If [A, b, c]", "Fn::If[0]: there is no condition 'A'"),
        (_QUEUE % "!Join [a]", "Fn::Join takes a list of 2 items, not 1"),
        (_QUEUE % "!Length []", "Fn::Length takes Transform: AWS::LanguageExtensions"),
        (_QUEUE % "!Jion []", "there is no function Fn::Jion (did you mean Fn::Join?)"),
        (_QUEUE % "!Equals [a, b]", "Fn::Equals stands in a condition, not in a property"),
        (_QUEUE % "!!python/name:os.system a", "the tag !!python/name:os.system means nothing here"),
        (_QUEUE % "{a: 1, a: 2}", "the key 'a' stands twice in one map"),
        (_QUEUE % "~", "a template holds no null"),
        (_QUEUE % f"{'[' * 200}", "nested more than 100 levels deep"),
        ("a: &a [x, x]\nb: &b [*a, *a]\n" + "Resources: {a: *c}", "repeats nothing"),
        ("{", "not YAML"),
        ("TemplateBody: 'Resources: {}'", "the template stands in a text"),
    ],
)
def test_faults(text: str, told: str) -> None:
    """What is wrong is told with its place, its path, and what was meant."""
    faults = faults_of(text)
    assert any(told in str(fault) for fault in faults), list(map(str, faults))


def test_all_faults_at_once() -> None:
    """Every fault of a template is told, by line."""
    faults = faults_of("""
Resources:
  A: {Type: AWS::Batch::JobQueue, Properties: {B: !Ref C, D: !GetAtt E.F}}
  G: {Properties: {}}
Conditions: {H: a}
""")
    assert [(fault.line, fault.path) for fault in faults] == [
        (3, "Resources.A.Properties.B.Ref"),
        (3, "Resources.A.Properties.D.Fn::GetAtt"),
        (4, "Resources.G"),
        (5, "Conditions.H"),
    ]


def test_size_has_a_limit() -> None:
    """A template is no larger than CloudFormation takes one."""
    (fault,) = faults_of("#" * (1024 * 1024 + 1))
    assert "has 1048577 bytes, more than 1 MiB" in fault.message
    root = read_root(Source("a.yaml", b"#" * (1024 * 1024 + 1)), Faults())
    assert root is None


def test_aliases_do_not_grow_without_end() -> None:
    """Aliases of aliases end as a fault."""
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 30))]
    assert any("more than 1,000,000 values" in fault.message for fault in faults_of("\n".join(lines)))


def test_what_a_macro_adds_is_not_missed() -> None:
    """Where a macro makes another template of this one, a name that is not there is not a fault."""
    made = template("""
Transform: {Name: AWS::Serverless-2016-10-31}
Globals: {}
Resources:
  Fn::Transform: {Name: AWS::Include, Parameters: {Location: s3://a/b}}
  Queue:
    Type: AWS::Batch::JobQueue
    DependsOn: FunctionRole
    Properties: {A: !GetAtt FunctionRole.Arn, B: !Ref Made, C: !Odd a, Fn::Transform: {Name: X}}
Mappings: {M: {Fn::Transform: {Name: X}}}
""")
    assert made.macros
    assert made.unprocessed == ("Resources.Fn::Transform", "Mappings.M.Fn::Transform")


LOOP = """
Transform: AWS::LanguageExtensions
Resources:
  Fn::ForEach::Queues:
    - Name
    - %s
    - Queue${Name}:
        Type: AWS::Batch::JobQueue
        Properties: {JobQueueName: !Sub "x-${Name}", Other: !Ref Name, Also: "&{Name}", Tags: [{Key: "${Name}"}]}
  Other: {Type: AWS::SNS::Topic}
"""


def test_loop_is_unrolled() -> None:
    """A loop over texts is what it makes of each of them."""
    made = template(LOOP % "[A, b-c]")
    assert list(made.resources) == ["QueueA", "Queueb-c", "Other"]
    assert plain(made.resources["Queueb-c"].properties) == {
        "JobQueueName": {"Fn::Sub": "x-b-c"},
        "Other": "b-c",
        "Also": "bc",
        "Tags": [{"Key": "b-c"}],
    }


def test_loop_inside_a_property() -> None:
    """A loop stands anywhere where a map does."""
    made = value_of("{a: [{'Fn::ForEach::X': [N, [p, q], {'k${N}': '${N}'}], b: c}]}")
    assert made == {"a": [{"kp": "p", "kq": "q", "b": "c"}]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            LOOP % "!Ref Names",
            "Resources.Fn::ForEach::Queues[1]: only a loop over texts that the file tells is unrolled",
        ),
        (LOOP % "[A, A]", "the loop makes 'QueueA' twice"),
        ((LOOP % "[A]") + "  QueueA: {Type: AWS::SNS::Topic}", "the loop makes 'QueueA', which stands there already"),
        (_QUEUE % "{'Fn::ForEach::X': [a]}", "Fn::ForEach takes a list of a name, a list of texts and a map"),
    ],
)
def test_faults_of_loops(text: str, told: str) -> None:
    """A loop that cannot be unrolled is told by its path."""
    assert any(told in str(fault) for fault in faults_of(text))


def test_loops_do_not_grow_without_end() -> None:
    """Loops in loops end as one fault."""
    value: dict[str, Any] = {"a": "b"}
    many = [f"v{n}" for n in range(100)]
    for level in range(4):
        value = {f"Fn::ForEach::L{level}": [f"N{level}", many, {f"k${{N{level}}}": value}]}
    faults = Faults()
    unrolled(root_of(value, "stack.yaml", faults), "Resources", faults, 1000)
    assert [fault.message for fault in faults.found] == ["loops write more than 1,000 values"]
