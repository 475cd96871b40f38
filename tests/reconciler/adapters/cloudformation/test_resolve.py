"""What expressions come to, with everything known, with nothing, and in between."""

from typing import Any

import pytest

from providers.errors import ManifestError
from reconciler.adapters.cloudformation.known import NOTHING, Known, given, merged
from reconciler.adapters.cloudformation.leaves import Composed, Reference, Unresolved
from reconciler.adapters.cloudformation.resolve import Resolver
from tests.reconciler.adapters.cloudformation.kit import AROUND, asked, at_home, context, resolved, template

_ROLE = '{"Role": "batch-role", "Group": "sg-1", "Subnet": "subnet-1"}'

KNOWN: dict[str, Any] = {
    "!Ref Stage": "dev",
    "!Ref Names": ["a", "b", "c"],
    "!Ref AWS::Partition": "aws",
    "!Ref AWS::URLSuffix": "amazonaws.com",
    "!Ref Queue": Reference("Queue"),
    "!GetAtt Queue.JobQueueArn": Reference("Queue", "JobQueueArn"),
    "!GetAtt [Queue, JobQueueArn]": Reference("Queue", "JobQueueArn"),
    "{'Fn::GetAtt': Role.Arn}": "arn:aws:iam::123456789012:role/batch/batch-role",
    "!GetAtt Group.GroupId": "sg-1",
    "!Ref Named": "dev-role",
    "!GetAtt Named.Arn": "arn:aws:iam::123456789012:role/dev-role",
    "!Sub '${Stage}-${!Stage}-${AWS::Region}'": "dev-${Stage}-us-east-1",
    "!Sub ['${A}${Stage}', {A: !Ref Stage}]": "devdev",
    "!Sub ['${Stage}', {Stage: own}]": "own",
    "!Sub '${Named.Arn}'": "arn:aws:iam::123456789012:role/dev-role",
    "!Sub 'no variable: $x ${'": "no variable: $x ${",
    "!Join ['-', [a, !Ref Stage, b]]": "a-dev-b",
    "!Join [',', !Ref Names]": "a,b,c",
    "!Join [',', [a, !Ref AWS::NoValue]]": "a",
    "!Split [',', 'a,b']": ["a", "b"],
    "!Select [1, !Split ['/', 'a/b/c']]": "b",
    "!Select ['0', !Ref Names]": "a",
    "!If [Prod, 1, !Ref Stage]": "dev",
    "!If [NotProd, [1], 2]": ["1"],
    "[1, !If [Prod, 2, !Ref AWS::NoValue]]": ["1"],
    "{A: !If [Prod, 2, !Ref AWS::NoValue], B: 1}": {"B": "1"},
    "!FindInMap [Sizes, !Ref AWS::Region, small]": "4",
    "!FindInMap [Sizes, us-east-1, kinds]": ["c5", "m5"],
    "!FindInMap [Sizes, eu-west-1, kinds, {DefaultValue: !Ref Stage}]": "dev",
    "!Base64 abc": "YWJj",
    "!Cidr [10.0.0.0/16, 2, 8]": ["10.0.0.0/24", "10.0.1.0/24"],
    "!Select [1, !Cidr [!Ref Block, 2, 8]]".replace("!Ref Block", "10.0.0.0/16"): "10.0.1.0/24",
    "!Length [1, 2, 3]": "3",
    "!ToJsonString {a: [b, !Ref Stage]}": '{"a":["b","dev"]}',
    "{Ref: x, Other: y}": {"Ref": "x", "Other": "y"},
    "{Condition: {StringEquals: 1}}": {"Condition": {"StringEquals": "1"}},
    "!Sub 'arn:${Queue}'": Composed(("arn:", Reference("Queue"))),
}


@pytest.mark.parametrize("expression", KNOWN)
def test_what_is_known_is_told_in_full(expression: str) -> None:
    """Where everything that an expression names is known, its value is what CloudFormation makes of it."""
    known = merged([at_home(Stage="dev"), context(_ROLE)])
    assert resolved(expression, known) == KNOWN[expression]


UNKNOWN: dict[str, tuple[str, tuple[str, ...]]] = {
    "!Ref Image": ("Ref Image", ("--parameter Image=VALUE",)),
    "!Ref Ami": ("Ref Ami", ("Ami in --context",)),
    "!Ref Role": ("Ref Role", ("Role in --context",)),
    "!GetAtt Role.Arn": ("GetAtt Role.Arn", ("Role.Arn in --context",)),
    "!GetAtt Group.GroupId": ("GetAtt Group.GroupId", ("Group in --context",)),
    "!Ref AWS::Region": ("Ref AWS::Region", ("AWS::Region in --context",)),
    "!ImportValue net": ("ImportValue net", ("exports: {net: VALUE} in --context",)),
    "!ImportValue {'Fn::Sub': '${Image}-net'}": ("ImportValue (Sub ${Image}-net)", ("--parameter Image=VALUE",)),
    "!If [Custom, 1, 2]": ("If Custom, 1, 2", ("--parameter Image=VALUE",)),
    "!Select [0, !Ref Subnets]": ("Select 0, (Ref Subnets)", ("--parameter Subnets=VALUE",)),
    "!Split [',', !Ref Image]": ("Split ,, (Ref Image)", ("--parameter Image=VALUE",)),
    "!Join [',', !Ref Subnets]": ("Join ,, (Ref Subnets)", ("--parameter Subnets=VALUE",)),
    "!Select [0, !GetAZs us-east-1]": (
        "Select 0, (GetAZs us-east-1)",
        ("describe-availability-zones of us-east-1 in --context",),
    ),
    "!GetAZs ''": ("GetAZs", ("AWS::Region in --context",)),
    "!FindInMap [Sizes, !Ref AWS::Region, small]": (
        "FindInMap Sizes, (Ref AWS::Region), small",
        ("AWS::Region in --context",),
    ),
    "!Base64 {Ref: Image}": ("Base64 (Ref Image)", ("--parameter Image=VALUE",)),
    "!Cidr [!Ref Image, 2, 8]": ("Cidr (Ref Image), 2, 8", ("--parameter Image=VALUE",)),
    "!Length {Ref: Subnets}": ("Length (Ref Subnets)", ("--parameter Subnets=VALUE",)),
    "!ToJsonString {a: !Ref Image}": ("ToJsonString {...}", ("--parameter Image=VALUE",)),
    "!ToJsonString {a: 1}": ("ToJsonString {...}", ()),
    "'{{resolve:ssm:/a/b:1}}'": ("{{resolve:ssm:/a/b:1}}", ("the parameter /a/b:1 of SSM in --context",)),
}


@pytest.mark.parametrize("expression", UNKNOWN)
def test_what_is_not_known_says_what_to_pass(expression: str) -> None:
    """A value that the files do not tell is a leaf that says what stands there, and what to pass."""
    leaf = resolved(expression)
    assert isinstance(leaf, Unresolved)
    assert (leaf.expression, leaf.needs, leaf.secret) == (*UNKNOWN[expression], False)


def test_text_keeps_what_is_known_of_it() -> None:
    """Of a text with parts that are not known, the parts that are stay."""
    made = resolved("!Sub 'arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${Stage}'")
    assert isinstance(made, Composed)
    assert made.expression == "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/dev"
    assert [part for part in made.parts if isinstance(part, str)] == ["arn:", ":iam::", ":role/dev"]
    assert made.needs == ("AWS::Partition in --context", "AWS::AccountId in --context")
    assert not made.secret


def test_name_that_only_the_template_tells() -> None:
    """The ARN of a role that the template names is known but for where the stack stands."""
    made = resolved("!GetAtt Named.Arn")
    assert isinstance(made, Composed)
    assert made.expression == "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/dev-role"


@pytest.mark.parametrize(
    ("expression", "made"),
    [
        ("!Select [5, !Split [':', !GetAtt Named.Arn]]", "role/dev-role"),
        ("!Select [0, !Split ['/', !Sub 'a/${Image}']]", "a"),
        ("!Select [1, !Split [',', !Sub 'a,b-${AWS::Region},c']]", "b-${AWS::Region}"),
        ("!Select [0, [a, !Ref Image]]", "a"),
        ("!Select [0, [a, !If [Custom, b, !Ref AWS::NoValue]]]", "a"),
        ("!Join ['', [a, !Ref Image, b]]", "a${Image}b"),
        ("!If [Custom, same, same]", "same"),
    ],
)
def test_sure_parts_of_what_is_known_in_part(expression: str, made: str) -> None:
    """A part that what is not known cannot change is told."""
    value = resolved(expression)
    assert (value.expression if isinstance(value, Composed) else value) == made


@pytest.mark.parametrize(
    "expression",
    [
        "!Select [1, !Split ['/', !Sub 'a/${Image}']]",
        "!Select [2, !Split ['/', !Sub 'a/${Image}/b']]",
        "!Select [0, !Split ['a', !Sub '${AWS::Region}']]",
        "!Select [1, [a, !If [Custom, b, !Ref AWS::NoValue], c]]",
        "!Join [',', [a, !If [Custom, b, !Ref AWS::NoValue]]]",
        "!Length [a, !If [Custom, b, !Ref AWS::NoValue]]",
        "!Select [0, !If [Custom, [a], [b]]]",
    ],
)
def test_nothing_is_guessed(expression: str) -> None:
    """What a part that is not known may change is not told."""
    assert isinstance(resolved(expression), Unresolved)


def test_kinds_of_leaves() -> None:
    """A leaf says whether it stands for a list, and whether it may be nothing at all."""
    assert resolved("!Ref Subnets").many
    assert resolved("!If [Custom, [a], [b]]").many
    assert resolved("!If [Custom, a, !Ref AWS::NoValue]").optional
    assert not resolved("!If [Custom, a, b]").optional
    assert resolved("!Ref AWS::NotificationARNs").many


@pytest.mark.parametrize(
    ("name", "known", "held"),
    [
        (None, NOTHING, True),
        ("Prod", NOTHING, False),
        ("NotProd", NOTHING, True),
        ("Prod", given({"Stage": "prod"}), True),
        ("ProdOrCustom", given({"Stage": "prod"}), True),
        ("ProdAndCustom", NOTHING, False),
        ("ProdOrCustom", given({"Image": "other"}), False),
        ("ProdAndCustom", given({"Stage": "prod", "Image": "custom"}), True),
        ("HasPassword", NOTHING, True),
        ("HasPassword", given({"Password": ""}), False),
    ],
)
def test_conditions_that_are_decided(name: str | None, known: Known, held: bool) -> None:
    """One side decides And and Or where it can, and a value that is not to be shown decides all the same."""
    assert asked("x", known).holds(name) is held


def test_condition_that_is_not_known() -> None:
    """A condition of which nothing decides says what to pass."""
    held = asked("x").holds("ProdOrCustom")
    assert isinstance(held, Unresolved)
    assert held.needs == ("--parameter Image=VALUE",)
    hidden = Resolver(template(AROUND.replace("Default: hunter2", "MinLength: 0") + "x")).holds("HasPassword")
    assert isinstance(hidden, Unresolved)
    assert hidden.secret
    assert hidden.needs == ("--parameter Password=VALUE",)


def test_secrets_stay_variables() -> None:
    """What is not to be shown is never written, whether its value is known or not, nor told in what is shown."""
    known = merged([given({"Password": "opensesame"}), context('{"Password": "opensesame"}')])
    resolver = asked(
        "[!Ref Password, !Sub 'x${Password}', !Base64 {Ref: Password}, !Select [0, !Split [',', !Ref Password]]]", known
    )
    values = resolver.value(resolver.template.resources["Asked"].properties)["Value"]
    assert all(value.secret for value in values)
    assert all(not value.needs for value in values)
    shown = f"{values!r}{resolver!r}{resolver.faults!r}{known!r}"
    assert "opensesame" not in shown
    assert "hunter2" not in shown


@pytest.mark.parametrize("service", ["secretsmanager:db:SecretString:pw", "ssm-secure:/pw:1"])
def test_dynamic_references_to_secrets(service: str) -> None:
    """CloudFormation would put a secret there, and AWS Batch would not: it is a variable, and secret."""
    made = resolved(f"'pw={{{{resolve:{service}}}}}'")
    assert isinstance(made, Composed)
    assert made.secret
    assert made.parts[0] == "pw="


def test_dynamic_reference_around_what_is_not_known() -> None:
    """A dynamic reference is one even where a part of its name is not known."""
    made = resolved("!Join ['', ['{{resolve:secretsmanager:', !Ref Role, ':SecretString:pw}}']]")
    assert isinstance(made, Unresolved)
    assert made.secret
    assert made.expression == "{{resolve:secretsmanager:${Role}:SecretString:pw}}"


def test_parameters_of_ssm() -> None:
    """What SSM holds is known where a file tells it."""
    known = context('{"Parameters": [{"Name": "/images/latest", "Type": "String", "Value": "ami-1"}]}')
    assert resolved("[!Ref Ami, '{{resolve:ssm:/images/latest}}']", known) == ["ami-1", "ami-1"]


def test_outputs_tell_what_they_name() -> None:
    """What an output of the stack says is the value of what the template gives it."""
    text = """
Resources:
  Role: {Type: AWS::IAM::Role}
  Queue: {Type: AWS::Batch::JobQueue, Properties: {A: !GetAtt Role.Arn}}
Outputs:
  RoleArn: {Value: !GetAtt Role.Arn}
"""
    known = context('{"Stacks": [{"Outputs": [{"OutputKey": "RoleArn", "OutputValue": "arn:x"}]}]}')
    resolver = Resolver(template(text), known)
    assert resolver.value(resolver.template.resources["Queue"].properties) == {"A": "arn:x"}


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("!Select [3, [a]]", "there is no item 3 in a list of 1"),
        ("!Select [-1, [a]]", "the index of an item is a number from 0, not '-1'"),
        ("!Select [0, a]", "a list is needed here"),
        ("!Join [',', a]", "a list is needed here"),
        ("!Join [',', [[a]]]", "a list stands where a text should"),
        ("!Join [',', [!Ref Subnets]]", "a list stands where a text should"),
        ("!Sub '${Names}'", "a list stands where a text should"),
        ("!Sub '${AWS::NoValue}'", "AWS::NoValue stands where a text should"),
        ("!Base64 {a: b}", "a map stands where a text should"),
        ("!Split ['', a]", "the delimiter is empty"),
        ("!FindInMap [Size, us-east-1, small]", "there is no mapping 'Size' (did you mean Sizes?)"),
        ("!FindInMap [Sizes, us-east-2, small]", "no key 'us-east-2' in the mapping Sizes (did you mean us-east-1?)"),
        ("!FindInMap [Sizes, us-east-1, smal]", "no key 'smal' in the mapping Sizes.us-east-1 (did you mean small?)"),
        ("!Cidr [x, 1, 8]", "no blocks of addresses"),
        ("!Cidr [10.0.0.0/16, 300, 8]", "between 1 and 256 blocks, not 300"),
        ("!Cidr [10.0.0.0/24, 2, 8]", "holds 1 blocks of 8 bits, not 2"),
        ("!Ref OnlyProd", "Ref OnlyProd, but its condition Prod does not hold"),
        ("{'Fn::Join': [',', []], b: c}", "Fn::Join stands beside other keys in a map"),
    ],
)
def test_faults_of_values(expression: str, told: str) -> None:
    """What cannot be is told with its place and path."""
    with pytest.raises(ManifestError) as caught:
        resolved(expression)
    (fault,) = caught.value.faults
    assert told in str(fault)
    assert fault.line > 30
    assert fault.path.startswith("Resources.Asked.Properties.Value")


def test_side_not_taken_is_not_wrong() -> None:
    """What is wrong where a condition leads nowhere is not told, be the condition known or not."""
    assert resolved("!If [Prod, !Select [3, [a]], b]") == "b"
    assert isinstance(resolved("!If [Custom, !Select [3, [a]], b]"), Unresolved)


def test_texts_do_not_grow_without_end() -> None:
    """Texts that double at each level end as a fault, not in memory."""
    value = "x" * 1000
    expression = f"'{value}'"
    for _ in range(30):
        expression = f"!Sub ['${{a}}${{a}}', {{a: {expression}}}]"
    with pytest.raises(ManifestError, match="becomes longer than 1 MiB"):
        resolved(expression)
    with pytest.raises(ManifestError, match="becomes longer than 1 MiB"):
        resolved(f"!Join ['{value}', !Split [a, '{'a' * 5000}']]")
    with pytest.raises(ManifestError, match="becomes longer than 1 MiB"):
        resolved("!Base64 {'Fn::Base64': " * 45 + "a" + "}" * 45)


def test_parameters_that_are_not_allowed() -> None:
    """A value that a parameter does not allow is a fault, as is one of no parameter that is given by hand."""
    for name, told in (("Stage", "'test' is not allowed for the parameter Stage"), ("Stag", "did you mean Stage?")):
        with pytest.raises(ManifestError) as caught:
            resolved("x", given({name: "test"}))
        assert told in str(caught.value.faults[0])
    assert (
        resolved("x", context('{"Stacks": [{"Parameters": [{"ParameterKey": "Old", "ParameterValue": "1"}]}]}')) == "x"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        "!Join [a]",
        "!Split [a]",
        "!Select [a]",
        "!Sub [a]",
        "!Sub {}",
        "!If [a]",
        "!FindInMap [a]",
        "!GetAtt a",
        "!GetAtt Nothing.Arn",
        "!Ref Nothing",
        "!Foo a",
        "!Equals [a, b]",
        "!If [Custom, a, !Ref AWS::NoValue]",
        "!Ref Names",
        "!Ref Queue",
        "!Ref AWS::NoValue",
        "!Ref Circle",
        "[a]",
        "~",
    ],
)
def test_name_that_is_not_told_is_not_wrong(wrong: str) -> None:
    """What a resource of another service says wrongly is told by CloudFormation: its name is not known."""
    text = AROUND.replace("Group:", f"Circle: {{Type: AWS::IAM::Role, Properties: {{RoleName: {wrong}}}}}\n  Group:")
    resolver = Resolver(template(f"{text}!GetAtt Circle.Arn"), at_home())
    made = resolver.value(resolver.template.resources["Asked"].properties)["Value"]
    assert not resolver.faults.found
    needed = "Circle.Arn" if not isinstance(made, Composed) else "Circle"
    assert f"{needed} in --context" in made.needs or wrong == "!Foo a" or wrong == "!Equals [a, b]"


def test_functions_in_names() -> None:
    """Where the names that functions take are made by functions, they are known as far as these are."""
    known = merged([at_home(), context(_ROLE)])
    assert resolved("!GetAtt [!Sub 'Group', !Join ['', [Group, Id]]]", known) == "sg-1"
    assert resolved("{Ref: !Sub '${Stage}x'}".replace("${Stage}x", "Role"), known) == "batch-role"
    for expression in (
        "{Ref: !Ref Image}",
        "!GetAtt [!Ref Image, Arn]",
        "!Select [!Ref Image, [a]]",
        "!Join [!Ref Image, [a]]",
    ):
        value = resolved(expression)
        assert value == "a" or value.needs == ("--parameter Image=VALUE",)


def test_what_a_macro_makes_is_not_known() -> None:
    """What a macro or an include would write is a leaf that asks for the template as it was processed."""
    text = """
Transform: Odd
Resources:
  Queue:
    Type: AWS::Batch::JobQueue
    Properties:
      A: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: s3://a/b}}}
      B: {x: y, Fn::Transform: {Name: Count}}
      C: !Odd a
      D: !Ref Made
      E: !FindInMap [Sizes, a, b, {DefaultValue: c}]
Mappings: {Sizes: {Fn::Transform: {Name: Count}}}
"""
    resolver = Resolver(template(text))
    made = resolver.value(resolver.template.resources["Queue"].properties)
    assert not resolver.faults.found
    assert [made[key].expression for key in "ABCDE"] == [
        "Transform AWS::Include",
        "Transform Count",
        "Odd a",
        "Ref Made",
        "FindInMap Sizes, a, b",
    ] or made["E"].expression.startswith("FindInMap")
    assert all("--template-stage Processed" in made[key].needs[0] for key in "ABC")


def test_given_values_of_known_things() -> None:
    """What is known is what was given, a list where it is one."""
    known = merged(
        [
            at_home(Subnets="subnet-1, subnet-2", Image="x"),
            context(
                '{"exports": {"net": "vpc-1"}, "AWS::NotificationARNs": ["arn:t"], "Queue": "arn:q", "Names": ["n"]}'
            ),
            context('{"AvailabilityZones": [{"RegionName": "us-east-1", "ZoneName": "us-east-1a"}]}'),
        ]
    )
    expressions = (
        "[!Ref Subnets, !ImportValue net, !Ref AWS::NotificationARNs, !GetAZs '', !Sub '${Queue}!', !Ref Queue]"
    )
    assert resolved(expressions, known) == [
        ["subnet-1", "subnet-2"],
        "vpc-1",
        ["arn:t"],
        ["us-east-1a"],
        "arn:q!",
        Reference("Queue"),
    ]
    assert resolved("!Ref Names", known) == ["n"]


def test_many_conditions_in_a_row() -> None:
    """Conditions that name each other in a long row are decided without end of the stack."""
    rows = "\n".join(f"  C{n}: !Not [!Condition C{n + 1}]" for n in range(2000))
    text = f"Resources: {{Queue: {{Type: AWS::Batch::JobQueue}}}}\nConditions:\n{rows}\n  C2000: !Equals [a, a]"
    assert Resolver(template(text)).holds("C0") is True


@pytest.mark.parametrize(
    "side",
    [
        "!Select [!Ref Password, [a]]",
        "!FindInMap [Sizes, !Ref Password, small]",
        "!ImportValue {Ref: Password}",
        "!GetAZs {Ref: Password}",
        "!Cidr [!Ref Password, 1, 8]",
        "!Sub 'x${Password}${Image}'",
    ],
)
def test_conditions_tell_no_secrets(side: str) -> None:
    """What a condition looks at to decide is in no message of what is wrong with it, or not known of it."""
    text = AROUND.replace('!Equals [!Ref Password, ""', f'!Equals [{side}, ""')
    resolver = Resolver(template(f"{text}x"))
    held = resolver.holds("HasPassword")
    assert isinstance(held, Unresolved)
    assert held.secret
    assert "hunter2" not in f"{held!r}{resolver!r}"
    assert not resolver.faults.found
