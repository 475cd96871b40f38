"""Types come from the model, and each fault says where, what and what else."""

from typing import Any

import pytest

from providers.resources import Address, Elsewhere, Ref
from tests.plans.manifests import (
    DEFINITION,
    ENVIRONMENT,
    QUEUE,
    container,
    environment,
    fault,
    faults,
    parsed,
    resource,
    resources_of,
    stack,
)


@pytest.mark.parametrize(
    "text", ["on", "017", "1e3", "2026-01-01", "123456789012", "0.25", "yes", "'null'", "12:30", "1_000", "0x1f"]
)
def test_strings(text: str) -> None:
    """Where the API says string, the text as written."""
    made = resource(parsed(container(f"user: {text}")), "job_definition.x")
    assert made.spec["containerProperties"]["user"] == text.strip("'")


@pytest.mark.parametrize("text", ["4", '"4"', "4.0", "+4", "4.", "4e0", "0.4e1"])
def test_integers(text: str) -> None:
    """A whole number is one however it is written."""
    value = resources_of(f"minvCpus: {text}")["minvCpus"]
    assert value == 4
    assert type(value) is int


@pytest.mark.parametrize(
    "text", ["4x", "4.5", "''", "on", "1_000", "0x10", "017", "1e999", "9e17.", ".", "e1", "9" * 5000, "~x"]
)
def test_no_integers(text: str) -> None:
    """What is no whole number of 32 bits is a fault."""
    found = fault(
        stack(f"consumableResources: {{}}\njobQueues: {{x: {{priority: {text}, computeEnvironmentOrder: [a]}}}}")
    )
    assert found.path == "jobQueues.x.priority"
    assert found.message.startswith("takes a whole number, not ")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2147483648", "is 2147483648, and must be at most 2147483647"),
        ("-2147483649", "is -2147483649, and must be at least -2147483648"),
        ("1e12", "is 1e12, and must be at most 2147483647"),
        ("1e30", "is 1e30, and must be at most 2147483647"),
        ("9" * 30, f"is {'9' * 30}, and must be at most 2147483647"),
    ],
)
def test_integers_beyond_their_bounds(text: str, told: str) -> None:
    """The bound of 32 bits is told where the API has none of its own."""
    found = fault(stack(f"jobQueues: {{x: {{priority: {text}, computeEnvironmentOrder: [a]}}}}"))
    assert found.message == told


def test_longs() -> None:
    """A long has 64 bits."""
    text = stack("consumableResources: {x: {totalQuantity: 9007199254740993}}")
    assert resource(parsed(text), "consumable_resource.x").spec["totalQuantity"] == 9007199254740993
    (found,) = faults(text.replace("9007199254740993", "9223372036854775808"))
    assert found.message == "is 9223372036854775808, and must be at most 9223372036854775807"
    (found,) = faults(text.replace("9007199254740993", "9.1e17"))
    assert found.message.startswith("takes a whole number")


@pytest.mark.parametrize(("text", "value"), [("1", 1.0), ("0.5", 0.5), ("'1e-3'", 0.001), ("-2", -2.0), (".5", 0.5)])
def test_floats(text: str, value: float) -> None:
    """A number is a float where the API says float."""
    share = f"{{shareIdentifier: a, weightFactor: {text}}}"
    manifest = parsed(stack(f"schedulingPolicies: {{x: {{fairsharePolicy: {{shareDistribution: [{share}]}}}}}}"))
    found = resource(manifest, "scheduling_policy.x").spec["fairsharePolicy"]["shareDistribution"][0]["weightFactor"]
    assert found == value
    assert type(found) is float


@pytest.mark.parametrize("text", [".inf", ".nan", "1e999", "x", "1,5", "inf", "nan", "0x1p3"])
def test_no_floats(text: str) -> None:
    """What JSON could not carry is no number."""
    share = f"{{shareIdentifier: a, weightFactor: '{text}'}}"
    found = fault(stack(f"schedulingPolicies: {{x: {{fairsharePolicy: {{shareDistribution: [{share}]}}}}}}"))
    assert found.message.startswith("takes a number, not ")


@pytest.mark.parametrize(("text", "value"), [("true", True), ("False", False), ("'true'", True), ("TRUE", True)])
def test_booleans(text: str, value: bool) -> None:
    """True and false, also as text."""
    made = resource(parsed(container(f"privileged: {text}")), "job_definition.x")
    assert made.spec["containerProperties"]["privileged"] is value


@pytest.mark.parametrize("text", ["yes", "on", "1", "0", "''", "[true]"])
def test_no_booleans(text: str) -> None:
    """Nothing else is a truth value."""
    assert fault(container(f"privileged: {text}")).message.startswith("takes true or false, not ")


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("10m", 600), ("2h", 7200), ("7d", 604800), ("1.5m", 90)])
def test_durations(text: str, seconds: float) -> None:
    """A duration is a number and a unit, in seconds from there on."""
    made = resource(
        parsed(stack(f"jobDefinitions: {{x: {DEFINITION[:-1]}, rollout: {{keepFor: {text}}}}}}}")), "job_definition.x"
    )
    assert made.rollout.keep_for == seconds


@pytest.mark.parametrize("text", ["30", "m", "1h30m", "-1s", "1w", "1 h", "[1s]"])
def test_no_durations(text: str) -> None:
    """A number without a unit could be anything."""
    found = fault(stack(f"policy: {{drain: {{timeout: {text}}}}}"))
    assert found.message.startswith("takes a duration, not ")


@pytest.mark.parametrize(
    ("block", "expected"),
    [("type: ec2", "EC2"), ("type: EC2", "EC2"), ("type: Fargate_Spot", "FARGATE_SPOT")],
)
def test_enums_fold_case(block: str, expected: str) -> None:
    """A value in another case is the API's own word."""
    text = stack(f"computeEnvironments: {{x: {{type: managed, computeResources: {{{block}, maxvCpus: 1}}}}}}")
    spec = resource(parsed(text), "compute_environment.x").spec
    assert (spec["type"], spec["computeResources"]["type"]) == ("MANAGED", expected)


def test_enums() -> None:
    """Another value is answered with the nearest, or with all."""
    assert fault(stack("policy: {maxImpact: replace}")).hint == "did you mean replacement?"
    assert fault(stack("policy: {drain: {mode: zzz}}")).hint == "one of refuse, wait, cancel, terminate"


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("policy: {maxDeletes: -1}", "policy.maxDeletes", "is -1, and must be at least 0"),
        (
            f"jobDefinitions: {{x: {DEFINITION[:-1]}, rollout: {{keep: 0}}}}}}",
            "jobDefinitions.x.rollout.keep",
            "is 0, and must be at least 1",
        ),
        (
            f"jobDefinitions: {{x: {DEFINITION[:-1]}, rollout: {{canary: {{queue: q, timeout: 0s}}}}}}}}",
            "jobDefinitions.x.rollout.canary.timeout",
            "is 0s, and must be at least 1s",
        ),
        (
            f"jobDefinitions: {{x: {DEFINITION[:-1]}, lifecycle: {{pinned: [1, 0]}}}}}}",
            "jobDefinitions.x.lifecycle.pinned[1]",
            "is 0, and must be at least 1",
        ),
        (
            f"computeEnvironments: {{x: {ENVIRONMENT[:-1]}, lifecycle: {{pinned: [1]}}}}}}",
            "computeEnvironments.x.lifecycle.pinned",
            "there is no key 'pinned' here",
        ),
        (
            f"computeEnvironments: {{x: {ENVIRONMENT[:-1]}, updatePolicy: {{jobExecutionTimeoutMinutes: 7201}}}}}}",
            "computeEnvironments.x.updatePolicy.jobExecutionTimeoutMinutes",
            "is 7201, and must be at most 7200",
        ),
        (f"tags: {{a: {'x' * 257}}}", "tags[a]", f"'{'x' * 57}...' is not a value of a tag"),
        (
            f"computeEnvironments: {{x: {ENVIRONMENT[:-1]}, tags: {{a: {'x' * 257}}}}}}}",
            "computeEnvironments.x.tags[a]",
            "has 257 characters, and may have at most 256",
        ),
    ],
)
def test_bounds(text: str, path: str, message: str) -> None:
    """Numbers and lengths keep the bounds of the model."""
    found = fault(stack(text))
    assert found.path == path
    assert found.message == message


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("imageType: ''", "has 0 characters, and must have at least 1"),
        (f"imageType: {'x' * 257}", "has 257 characters, and may have at most 256"),
    ],
)
def test_lengths(block: str, message: str) -> None:
    """Texts keep the bounds of the model."""
    text = stack(
        "computeEnvironments: {x: {type: MANAGED, computeResources:"
        f" {{type: EC2, maxvCpus: 1, ec2Configuration: [{{{block}}}]}}}}}}"
    )
    assert fault(text).message == message


def test_sizes_of_lists_and_maps() -> None:
    """Lists and maps keep the bounds of the model."""
    capabilities = ", ".join(f"C{n}" for n in range(65))
    pod = f"{{containers: [{{image: i, securityContext: {{capabilities: {{add: [{capabilities}]}}}}}}]}}"
    text = stack(f"jobDefinitions: {{x: {{type: container, eksProperties: {{podProperties: {pod}}}}}}}")
    assert fault(text).message == "has 65 entries, and may have at most 64"
    text = stack(
        "computeEnvironments: {x: {type: MANAGED, computeResources: {type: EC2, maxvCpus: 1, capacityTags: {}}}}"
    )
    assert fault(text).message == "has 0 entries, and must have at least 1"


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("computeResources: x", "takes a map, not 'x'"),
        ("computeResources: [x]", "takes a map, not a list"),
        ("tags: [x]", "takes a map, not a list"),
        ("dependsOn: x", "takes a list, not 'x'"),
        ("dependsOn: {x: y}", "takes a list, not a map"),
        ("state: [x]", "takes a text, not a list"),
        ("unmanagedvCpus: {}", "takes a whole number, not a map"),
        ("tags: {x: }", "may not be null"),
        ("dependsOn: [~]", "may not be null"),
    ],
)
def test_wrong_types(block: str, message: str) -> None:
    """A value of another type says what is taken and what was found."""
    found = fault(stack(f"computeEnvironments: {{x: {ENVIRONMENT[:-1]}, {block}}}}}"))
    assert found.message == message


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("policy: {drain: refuse}", "its keys are mode and timeout"),
        ("policy: {drain: [mode]}", "its keys are mode and timeout"),
        ("schedulingPolicies: {x: {quotaSharePolicy: x}}", "its key is idleResourceAssignmentStrategy"),
        ("tags: x", None),
    ],
)
def test_the_keys_of_a_structure_that_is_none(text: str, hint: str | None) -> None:
    """What should have been a map of known keys tells which; one of any keys has none to tell."""
    assert fault(stack(text)).hint == hint


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("environment: {A: b}", "write a list of maps, such as [{name: …, value: …}]"),
        ("environment: {name: A, value: b}", "write [VALUE] for a list of one"),
        ("command: {A: b}", "write [VALUE] for a list of one"),
        ("environment: A", "write [VALUE] for a list of one"),
        ("mountPoints: {a: b}", "write a list of maps, such as [{containerPath: …, readOnly: …, sourceVolume: …}]"),
        ("volumes: {a: b}", "write a list of maps, such as [{host: …, name: …, efsVolumeConfiguration: …, …}]"),
        ("ulimits: {nofile: 1}", "write a list of maps, such as [{hardLimit: …, name: …, softLimit: …}]"),
    ],
)
def test_a_map_in_place_of_a_list(said: str, hint: str) -> None:
    """Of a list of structures the hint tells what an entry looks like."""
    assert fault(container(said)).hint == hint


def test_the_keys_of_a_large_structure() -> None:
    """Of many keys the first are told."""
    found = fault(stack(f"computeEnvironments: {{x: {ENVIRONMENT[:-1]}, computeResources: x}}}}"))
    assert found.hint is not None
    assert found.hint.startswith("its keys are ")
    assert found.hint.endswith(" and more")
    assert found.hint.count(",") == 7


def test_null() -> None:
    """An explicit null stays in the spec, at any depth, and is no value of what is required."""
    assert environment("state: null") == {"type": "UNMANAGED", "serviceRole": "r", "state": None}
    assert resources_of("launchTemplate: {version: ~}")["launchTemplate"] == {"version": None}
    found = fault(stack("computeEnvironments: {x: {type: null, serviceRole: r}}"))
    assert (found.path, found.message) == ("computeEnvironments.x.type", "may not be null")


def test_missing() -> None:
    """Each required member that is missing is named, at the block."""
    text = stack("""
        jobQueues:
          x:
            computeEnvironmentOrder: [{}]
        """)
    found = faults(text)
    assert [one.message for one in found] == [
        "priority is missing",
        "computeEnvironment is missing",
        "order is missing",
    ]
    assert [(one.line, one.column) for one in found] == [(4, 5), (4, 31), (4, 31)]


@pytest.mark.parametrize(
    ("text", "path", "hint"),
    [
        ("jobQueue: {}", "jobQueue", "did you mean jobQueues?"),
        ("JobQueues: {}", "JobQueues", "did you mean jobQueues?"),
        (f"jobQueues: {{x: {QUEUE[:-1]}, prioritty: 1}}}}", "jobQueues.x.prioritty", "did you mean priority?"),
        (
            f"computeEnvironments: {{x: {ENVIRONMENT[:-1]}, minvCpus: 1}}}}",
            "computeEnvironments.x.minvCpus",
            "minvCpus stands in computeResources",
        ),
        (
            "computeEnvironments: {x: {type: MANAGED, computeResources: {type: EC2, maxvCpus: 1, serviceRole: r}}}",
            "computeEnvironments.x.computeResources.serviceRole",
            "serviceRole stands directly in the block, not deeper",
        ),
        (
            f"computeEnvironments: {{x: {ENVIRONMENT[:-1]}, priority: 1}}}}",
            "computeEnvironments.x.priority",
            "priority is a key of jobQueues",
        ),
        (
            f"computeEnvironments: {{x: {ENVIRONMENT[:-1]}, computeEnvironmentName: y}}}}",
            "computeEnvironments.x.computeEnvironmentName",
            "the name is the key of the block; physicalName sets another name in AWS",
        ),
        (
            f"computeEnvironments: {{x: {ENVIRONMENT[:-1]}, namePrefix: y}}}}",
            "computeEnvironments.x.namePrefix",
            "namePrefix stands at the top of the file",
        ),
        ("priority: 1", "priority", "priority is a key of jobQueues"),
        ("polic: {}", "polic", "did you mean policy?"),
        ("polizei: {}", "polizei", "did you mean policy?"),
        ("zzzz: {}", "zzzz", None),
        ("target: {endpointUrl: x}", "target.endpointUrl", None),
    ],
)
def test_unknown_keys(text: str, path: str, hint: str | None) -> None:
    """An unknown key is answered with the nearest name, or with the place where it belongs."""
    found = fault(stack(text))
    assert (found.path, found.hint) == (path, hint)


REFERENCES = f"""
stack: s
computeEnvironments: {{spot: {ENVIRONMENT}, fix: {ENVIRONMENT}}}
schedulingPolicies: {{fair: {{}}}}
"""


def queue(block: str) -> Any:
    text = REFERENCES + f"jobQueues: {{x: {{priority: 1, {block}}}}}"
    return resource(parsed(text), "job_queue.x").spec


SPOT = Ref(Address("compute_environment", "spot"))
ARN = "arn:aws:batch:eu-west-1:1:compute-environment/spot"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("spot", SPOT),
        (f"'{ARN}'", ARN),
        ("outside", "outside"),
        ("{stack: shared, name: spot}", Elsewhere("compute_environment", "shared", "spot")),
        ("{stack: s, name: spot}", SPOT),
    ],
)
def test_references(written: str, meant: Any) -> None:
    """A name of this stack is a reference, another stack's object too; an ARN and any other name stay as written."""
    assert queue(f"computeEnvironmentOrder: [{written}]")["computeEnvironmentOrder"] == [
        {"order": 1, "computeEnvironment": meant}
    ]
    assert queue(f"computeEnvironmentOrder: [{{order: 7, computeEnvironment: {written}}}]")[
        "computeEnvironmentOrder"
    ] == [{"order": 7, "computeEnvironment": meant}]


def test_references_are_of_one_kind() -> None:
    """A name of another kind is not meant."""
    spec = queue("computeEnvironmentOrder: [fair], schedulingPolicyArn: fair")
    assert spec["computeEnvironmentOrder"][0]["computeEnvironment"] == "fair"
    assert spec["schedulingPolicyArn"] == Ref(Address("scheduling_policy", "fair"))


def test_references_deep_down() -> None:
    """References are found at any depth."""
    block = (
        f"{DEFINITION[:-1]}, consumableResourceProperties: {{consumableResourceList: [{{consumableResource: gpu}}]}}}}"
    )
    manifest = parsed(stack(f"consumableResources: {{gpu: }}\njobDefinitions: {{x: {block}}}"))
    found = resource(manifest, "job_definition.x").spec["consumableResourceProperties"]
    assert found == {"consumableResourceList": [{"consumableResource": Ref(Address("consumable_resource", "gpu"))}]}


def test_short_form() -> None:
    """A list of names is a list in order of preference."""
    assert queue("computeEnvironmentOrder: [fix, {stack: t, name: y}, spot]")["computeEnvironmentOrder"] == [
        {"order": 1, "computeEnvironment": Ref(Address("compute_environment", "fix"))},
        {"order": 2, "computeEnvironment": Elsewhere("compute_environment", "t", "y")},
        {"order": 3, "computeEnvironment": SPOT},
    ]


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ("[spot, {order: 2, computeEnvironment: fix}]", "mixes names with maps of order and computeEnvironment"),
        ("['']", "names no compute environment"),
        ("[[spot]]", "takes a map, not a list"),
        ("[{order: 1, computeEnvironment: {stack: t}}]", "takes the name of a compute environment, not a map"),
        ("[{stack: '', name: x}]", "the stack and the name of a reference are texts"),
        ("[{stack: [t], name: x}]", "the stack and the name of a reference are texts"),
        ("[{stack: s, name: nix}]", "this stack has no compute environment 'nix'"),
        ("[!Ref spot, fix]", "the tag !Ref means nothing here"),
        ("[{stack: !Ref t, name: x}]", "the tag !Ref means nothing here"),
    ],
)
def test_faulty_references(order: str, message: str) -> None:
    """What is no reference is one fault."""
    found = fault(REFERENCES + f"jobQueues: {{x: {{priority: 1, computeEnvironmentOrder: {order}}}}}")
    assert found.message == message
