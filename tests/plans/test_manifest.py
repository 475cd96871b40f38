"""What a manifest says as a whole: files, names, tags, order, and what AWS asks of a block."""

import gc
from contextlib import suppress

import pytest

from plans.manifest import Manifest, Policy, Source, parse
from providers.errors import ManifestError
from providers.resources import Address, Drain, Lifecycle, Mark, Rollout, Target
from tests.plans.manifests import (
    DEFINITION,
    ENVIRONMENT,
    KINDS,
    QUEUE,
    fault,
    faults,
    parsed,
    resource,
    sources,
    stack,
)


def test_smallest() -> None:
    """A stack needs no more than a name."""
    assert parsed("stack: s") == Manifest("s", {})


def test_everything() -> None:
    """Each key of ours finds its place."""
    manifest = parsed("""
        stack: s
        namePrefix: p-
        target: {region: eu-west-1, accountId: 012345678901, profile: dev, roleArn: r, externalId: 017}
        tags: {team: genomics, a: b}
        policy: {prune: false, adopt: true, maxImpact: SCALING, maxDeletes: 0, ignore: [computeResources.imageId],
                 ignoreTags: ["map-*"], drain: {mode: wait, timeout: 1m}}
        jobDefinitions: {def: {type: Container, containerProperties: {image: i}, lifecycle: {pinned: [4, 7]},
          rollout: {keep: 1, foreign: keep, migrate: true}}}
        jobQueues: {high: {priority: 0, computeEnvironmentOrder: [spot], drain: {mode: cancel}, dependsOn: []}}
        computeEnvironments:
          spot:
            type: UNMANAGED
            serviceRole: r
            physicalName: fixed
            dependsOn: [scheduling_policy.fair]
            tags: {a: c}
            lifecycle: {replace: twoHop, protect: true, ignore: [state, "updatePolicy"]}
        schedulingPolicies: {fair: }
        """)
    assert manifest.target == Target(
        region="eu-west-1",
        region_source="manifest",
        account_id="012345678901",
        profile="dev",
        role_arn="r",
        external_id="017",
    )
    assert manifest.policy == Policy(
        False, True, "scaling", 0, ("computeResources.imageId",), ("map-*",), Drain("wait", 60.0)
    )
    assert manifest.tags == {"team": "genomics", "a": "b"}
    spot = resource(manifest, "compute_environment.spot")
    assert spot.physical_name == "fixed"
    assert spot.spec == {"type": "UNMANAGED", "serviceRole": "r"}
    assert spot.tags == {"team": "genomics", "a": "c"}
    assert spot.lifecycle == Lifecycle("twoHop", True, ("state", "updatePolicy"))
    assert spot.depends_on == (Address("scheduling_policy", "fair"),)
    assert spot.drain is None
    high = resource(manifest, "job_queue.high")
    assert (high.physical_name, high.drain, high.lifecycle) == ("p-high", Drain("cancel"), Lifecycle())
    assert resource(manifest, "job_definition.def").rollout == Rollout(1, None, "keep", migrate=True)
    assert resource(manifest, "job_definition.def").lifecycle == Lifecycle(pinned=(4, 7))
    assert resource(manifest, "job_definition.def").spec["type"] == "container"


def test_order() -> None:
    """Resources come in the order of the ranks of their kinds, and then as written."""
    manifest = parsed(
        stack(f"jobDefinitions: {{b: {DEFINITION}, a: {DEFINITION}}}"),
        f"jobQueues: {{q: {QUEUE}}}\njobDefinitions: {{c: {DEFINITION}}}\nschedulingPolicies: {{p: }}",
    )
    assert [str(address) for address in manifest.resources] == [
        "scheduling_policy.p",
        "job_queue.q",
        "job_definition.b",
        "job_definition.a",
        "job_definition.c",
    ]


def test_marks() -> None:
    """A resource knows where its block begins, and is equal to the same one elsewhere."""
    one = resource(parsed(stack(f"\njobQueues:\n  q: {QUEUE}")), "job_queue.q")
    other = resource(parsed("stack: s", f"jobQueues: {{q: {QUEUE}}}"), "job_queue.q")
    assert one.mark == Mark("a.yaml", 3, 3)
    assert other.mark == Mark("b.yaml", 1, 13)
    assert one == other


def test_null_house_keys() -> None:
    """Null is unsaid for what is ours, and for whole sections."""
    text = stack(f"""
        target:
        tags:
        policy: {{prune: ~, drain: ~, maxDeletes: 7}}
        variables:
        namePrefix:
        serviceEnvironments:
        jobQueues:
          q: {QUEUE[:-1]}, lifecycle: {{protect: }}, drain: {{mode: }}, dependsOn: , tags: , physicalName: }}
        jobDefinitions: {{d: {DEFINITION[:-1]}, rollout: {{keep: , keepFor: }}}}}}
        """)
    manifest = parsed(text)
    assert manifest.policy == Policy(max_deletes=7)
    assert manifest.policy.said == {"max_deletes"}
    queue = resource(manifest, "job_queue.q")
    assert (queue.lifecycle, queue.drain, queue.tags, queue.physical_name) == (Lifecycle(), Drain(), {}, "q")
    assert set(queue.spec) == {"priority", "computeEnvironmentOrder"}
    assert resource(manifest, "job_definition.d").rollout == Rollout()


@pytest.mark.parametrize("text", ["stack: s", "stack: ["])
def test_collector(text: str) -> None:
    """The cyclic collector rests while a manifest is read, and works again afterwards."""
    assert gc.isenabled()
    with suppress(ManifestError):
        parsed(text)
    assert gc.isenabled()


# Files


def test_no_files() -> None:
    """No file is no manifest."""
    with pytest.raises(ManifestError):
        parse([], variables={}, kinds=KINDS)


@pytest.mark.parametrize("text", ["[stack]", "stack", "- stack: s"])
def test_no_map(text: str) -> None:
    """A manifest is a map."""
    assert fault(text).message.startswith("a manifest is a map of keys")


def test_equal_top_keys() -> None:
    """Two files may say the same on top."""
    top = "stack: s\ntags: {a: '1'}\ntarget: {region: r}\n"
    assert parsed(top, "tags: {a: 1}\n" + top.replace("tags: {a: '1'}\n", "")).tags == {"a": "1"}


def test_different_top_keys() -> None:
    """What two files say differently is a fault that names both places."""
    found = fault("stack: s\nnamePrefix: a", "stack: s\n\nnamePrefix: b")
    assert (found.file, found.line, found.path) == ("b.yaml", 3, "namePrefix")
    assert found.hint == "first at a.yaml:2"


def test_address_twice() -> None:
    """One address in two files is a fault that names both places."""
    found = fault(f"stack: s\njobQueues:\n  q: {QUEUE}", f"jobQueues: {{q: {QUEUE}}}")
    assert (found.file, found.line, found.column) == ("b.yaml", 1, 13)
    assert found.message == "jobQueues.q stands here and at a.yaml:3"


def test_unreadable_files() -> None:
    """Files that cannot be read are told alone and together: what follows from their absence is not."""
    found = faults("stack: [", f"jobQueues: {{q: {QUEUE[:-1]}, dependsOn: [job_queue.other]}}}}", "", "[x]")
    assert [(one.file, one.message[:20]) for one in found] == [
        ("a.yaml", "not YAML: while pars"),
        ("c.yaml", "the file is empty"),
        ("d.yaml", "a manifest is a map "),
    ]


def test_all_faults_in_order() -> None:
    """Every fault is told at once, by file, line and column, whatever the order of the files."""
    files = sources("stack: s\npolicy: {prune: 4, adopt: 5}\ntags: x", "jobQueues: {q: {}, r: 3}\ntagz: {}")
    with pytest.raises(ManifestError) as caught:
        parse(reversed(files), variables={}, kinds=KINDS)
    found = [(one.file, one.line, one.column) for one in caught.value.faults]
    assert found == sorted(found)
    assert len(found) == 7
    assert caught.value.message == "the manifest has 7 faults"
    assert str(caught.value.faults[0]) == "a.yaml:2:17: policy.prune: takes true or false, not '4'"


@pytest.mark.parametrize("section", ["x", "[x]", "3"])
def test_faulty_sections(section: str) -> None:
    """A section is a map of names to blocks."""
    found = fault(stack(f"jobQueues: {section}"))
    assert found.message.startswith("takes a map of names to blocks, not ")


@pytest.mark.parametrize("block", ["x", "[x]"])
def test_faulty_blocks(block: str) -> None:
    """A block is a map, and what refers to it is not told too."""
    found = fault(
        stack(
            f"computeEnvironments: {{a: {block}}}\nconsumableResources: {{b: {{dependsOn: [compute_environment.a]}}}}"
        )
    )
    assert found.path == "computeEnvironments.a"


# Names


@pytest.mark.parametrize("name", ["genomics", "a.b_c-D9", "x" * 64, "017", "on"])
def test_stacks(name: str) -> None:
    """A stack is named by letters, digits, dots, underscores and hyphens."""
    assert parsed(f"stack: {name}").stack == name


@pytest.mark.parametrize("name", ["''", "a b", "a/b", "x" * 65, "ä", "[a]", "", "{a: b}", "'a\\n'"])
def test_no_stacks(name: str) -> None:
    """Anything else is no name of a stack."""
    assert fault(f"stack: {name}").path == "stack"


def test_no_stack() -> None:
    """The stack must be named."""
    assert fault("tags: {}").hint == "write `stack: NAME`"


@pytest.mark.parametrize("name", ["a", "A-b_9", "9", "x" * 128])
def test_names(name: str) -> None:
    """A name is 1 to 128 letters, digits, hyphens and underscores."""
    manifest = parsed(stack(f"consumableResources: {{'{name}': {{}}}}"))
    assert resource(manifest, f"consumable_resource.{name}").physical_name == name


@pytest.mark.parametrize("name", ["", "-a", "_a", "a.b", "a b", "ä", "x" * 129, "a/b"])
def test_no_names(name: str) -> None:
    """Anything else is none, nor is it a physical name."""
    assert fault(stack(f"consumableResources: {{'{name}': {{}}}}")).path == f"consumableResources.{name}"
    found = fault(stack(f"consumableResources: {{a: {{physicalName: '{name}'}}}}"))
    assert found.path == "consumableResources.a.physicalName"


def test_prefix() -> None:
    """The prefix counts towards the length, and must begin as a name does."""
    assert (
        resource(parsed(stack("namePrefix: 9-\nconsumableResources: {a: }")), "consumable_resource.a").physical_name
        == "9-a"
    )
    found = fault(stack(f"namePrefix: p-\nconsumableResources: {{a: , {'x' * 127}: }}"))
    assert (found.line, found.column) == (3, 28)
    assert found.message.endswith("with the name prefix, is not a name")
    assert fault(stack('namePrefix: "-"\nconsumableResources: {a: }')).path == "namePrefix"


def test_physical_name_twice() -> None:
    """Two objects of one kind cannot have one name in AWS."""
    found = fault(stack("namePrefix: p-\nconsumableResources:\n  a:\n  b: {physicalName: p-a}\n"))
    assert (found.line, found.column, found.hint) == (5, 3, "a stands at a.yaml:4")
    parsed(stack(f"consumableResources: {{a: }}\njobQueues: {{a: {QUEUE}}}"))


def test_quota_shares_of_two_queues() -> None:
    """A quota share's name is its own within its queue."""
    share = (
        "{physicalName: one, capacityLimits: [], resourceSharingConfiguration: {strategy: LEND},"
        " preemptionConfiguration: {inSharePreemption: ENABLED}, jobQueue: %s}"
    )
    parsed(stack(f"quotaShares: {{a: {share % 'p'}, b: {share % 'q'}}}"))
    assert fault(stack(f"quotaShares: {{a: {share % 'p'}, b: {share % 'p'}}}")).path == "quotaShares.b"


def test_physical_name_and_create_first() -> None:
    """One fixed name cannot be taken twice at a time."""
    block = f"{ENVIRONMENT[:-1]}, physicalName: x, lifecycle: {{replace: %s}}}}"
    found = fault(stack(f"computeEnvironments: {{a: {block % 'createFirst'}}}"))
    assert found.path == "computeEnvironments.a.physicalName"
    parsed(stack(f"computeEnvironments: {{a: {block % 'deleteFirst'}}}"))


# Target and policy


@pytest.mark.parametrize("account", ["12345678901", "1234567890123", "12345678901x", "''"])
def test_accounts(account: str) -> None:
    """An account is twelve digits."""
    assert fault(stack(f"target: {{accountId: {account}}}")).path == "target.accountId"


def test_ignored_paths() -> None:
    """A path that is never compared must be one that exists, in the kind, or for the policy in some kind."""
    block = f"{ENVIRONMENT[:-1]}, lifecycle: {{ignore: [state, %s]}}}}"
    for path in ("computeResources.imageId", "computeResources.tags[a]", "computeResources.tags.a"):
        parsed(stack(f"computeEnvironments: {{a: {block % repr(path)}}}"))
        parsed(stack(f"policy: {{ignore: [{path!r}]}}"))
    for path in (
        "imageId",
        "computeResources..imageId",
        "priority",
        "state.x",
        "lifecycle",
        "",
        "tags[a]",
        "state]",
        "[0]",
    ):
        found = fault(stack(f"computeEnvironments: {{a: {block % repr(path)}}}"))
        assert found.path == "computeEnvironments.a.lifecycle.ignore[1]", path
    found = fault(stack(f"computeEnvironments: {{a: {block % 'computeResources.imageID'}}}"))
    assert found.hint == "did you mean computeResources.imageId?"
    parsed(stack("policy: {ignore: [priority, 'containerProperties.environment[A].value']}"))
    assert (
        fault(stack("policy: {ignore: ['tags[a]']}")).hint == "tags are ignored by their keys, under policy.ignoreTags"
    )
    assert fault(stack("policy: {ignore: [priority, x]}")).path == "policy.ignore[1]"
    assert fault(stack("policy: {ignore: x}")).path == "policy.ignore"


@pytest.mark.parametrize("entry", ["containerProperties.environment[0]", "containerProperties.environment[].value"])
def test_an_entry_that_has_a_name_is_not_counted(entry: str) -> None:
    """A path with a position in such a list would never lead anywhere."""
    block = f"{DEFINITION[:-1]}, lifecycle: {{ignore: ['%s']}}}}"
    for text, path in (
        (f"policy: {{ignore: ['{entry}']}}", "policy.ignore[0]"),
        (f"jobDefinitions: {{a: {block % entry}}}", "jobDefinitions.a.lifecycle.ignore[0]"),
    ):
        found = fault(stack(text))
        assert (found.path, found.hint) == (path, "write in the brackets the name that is meant")
    for fine in ("nodeProperties.nodeRangeProperties[0].container.image", "retryStrategy.evaluateOnExit[0].action"):
        parsed(stack(f"policy: {{ignore: ['{fine}']}}"))
        parsed(stack(f"jobDefinitions: {{a: {block % fine}}}"))


# Tags


@pytest.mark.parametrize(
    ("key", "value"), [("a", ""), ("k" * 128, "v" * 256), ("a b+-=._:/@1", "ünï @:/"), ("mapaws:", "aws:x")]
)
def test_tags(key: str, value: str) -> None:
    """Keys have up to 128 characters, values up to 256, of AWS's set."""
    assert parsed(stack(f"tags: {{'{key}': '{value}'}}")).tags == {key: value}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("", "v"),
        ("k" * 129, "v"),
        ("a#", "v"),
        ("a", "v\tw"),
        ("a", "v#"),
        ("a", "v" * 257),
        ("aws:x", "v"),
        ("AWS:x", "v"),
        ("batchwright:stack", "v"),
        ("BatchWright:x", "v"),
    ],
)
def test_no_tags(key: str, value: str) -> None:
    """What AWS would refuse, and what is ours, is refused, on top and in a block."""
    for text, path in (
        (f"tags: {{'{key}': '{value}'}}", f"tags[{key}]"),
        (f"consumableResources: {{a: {{tags: {{'{key}': '{value}'}}}}}}", f"consumableResources.a.tags[{key}]"),
    ):
        found = fault(stack(text))
        assert (found.path, found.line) == (path, 2)


@pytest.mark.parametrize(
    ("section", "block", "room"),
    [
        ("consumableResources", "{%s}", 48),
        ("consumableResources", "{lifecycle: {protect: true}, %s}", 47),
        ("jobDefinitions", "{type: container, containerProperties: {image: i}, %s}", 46),
    ],
)
def test_room_for_tags(section: str, block: str, room: int) -> None:
    """AWS takes 50 tags, and some of them are ours."""
    top = ", ".join(f"t{n}: x" for n in range(20))

    def text(own: int) -> str:
        tags = ", ".join(f"o{n}: x" for n in range(own - 1))
        return stack(f"tags: {{{top}}}\n{section}: {{a: {block % f'tags: {{t0: y, {tags}}}'}}}")

    assert len(next(iter(parsed(text(room - 19)).resources.values())).tags) == room
    assert fault(text(room - 18)).path == f"{section}.a.tags"


# Order


def test_depends_on_nothing() -> None:
    """What is waited for must be in the stack; a near name is offered."""
    found = fault(stack("consumableResources: {gpu: , b: {dependsOn: [consumable_resource.gpus]}}"))
    assert (found.path, found.hint) == (
        "consumableResources.b.dependsOn[0]",
        "did you mean consumable_resource.gpu?",
    )
    for text in ("x", "consumableResources", "job_queue.", "no_kind.x"):
        assert faults(stack(f"consumableResources: {{b: {{dependsOn: [{text}]}}}}"))


def test_hints_end() -> None:
    """Looking for near names ends with the hundredth fault, so that a thousand of them take no thousand looks."""
    blocks = "\n".join(f"  gpu{n}: {{dependsOn: [consumable_resource.gpo{n}]}}" for n in range(150))
    found = faults(f"stack: s\nconsumableResources:\n{blocks}\n")
    hinted = [one for one in found if one.hint and one.hint.startswith("did you mean")]
    assert (len(found), len(hinted)) == (150, 100)


def test_cycles() -> None:
    """A resource that waits for itself is told in words, at the `dependsOn` that makes it so."""
    text = stack(f"""
        computeEnvironments:
          spot: {ENVIRONMENT[:-1]}, dependsOn: [consumable_resource.gpu]}}
        jobQueues: {{high: {QUEUE}}}
        consumableResources:
          gpu: {{dependsOn: [job_queue.high]}}
          other: {{dependsOn: [consumable_resource.gpu]}}
          self: {{dependsOn: [consumable_resource.other, consumable_resource.self]}}
        """)
    own, ring = sorted(faults(text), key=lambda found: "spot" in found.message)
    assert own.message.endswith("consumable_resource.self -> consumable_resource.self")
    assert (own.line, own.path) == (8, "consumableResources.self.dependsOn")
    assert ring.message.endswith(
        ": compute_environment.spot -> consumable_resource.gpu -> job_queue.high -> compute_environment.spot"
    )
    assert (ring.line, ring.column) == (3, 59)


def test_crossing_cycles() -> None:
    """Of cycles that share a resource one is told."""
    text = stack("""
        consumableResources:
          a: {dependsOn: [consumable_resource.b, consumable_resource.c]}
          b: {dependsOn: [consumable_resource.a]}
          c: {dependsOn: [consumable_resource.a, consumable_resource.b]}
        """)
    assert fault(text).message.endswith("consumable_resource.a -> consumable_resource.b -> consumable_resource.a")


def test_long_chains() -> None:
    """A chain of thousands, each waiting for the one before, is no cycle and no recursion."""
    links = "\n".join(f"  r{n}: {{dependsOn: [consumable_resource.r{n + 1}]}}" for n in range(3000))
    assert len(parsed(f"stack: s\nconsumableResources:\n{links}\n  r3000:\n").resources) == 3001


# What AWS asks of a block


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("computeEnvironments: {x: {type: managed}}", "computeEnvironments.x.computeResources"),
        ("computeEnvironments: {x: {type: MANAGED, computeResources: }}", "computeEnvironments.x.computeResources"),
        ("computeEnvironments: {x: {type: UNMANAGED}}", "computeEnvironments.x.serviceRole"),
        ("jobQueues: {x: {priority: 1}}", "jobQueues.x.computeEnvironmentOrder"),
        ("jobQueues: {x: {priority: 1, computeEnvironmentOrder: []}}", "jobQueues.x.computeEnvironmentOrder"),
        (
            "jobQueues: {x: {priority: 1, computeEnvironmentOrder: [a], serviceEnvironmentOrder: [b]}}",
            "jobQueues.x.serviceEnvironmentOrder",
        ),
        ("jobDefinitions: {x: {type: container}}", "jobDefinitions.x.containerProperties"),
        (
            "jobDefinitions: {x: {type: container, containerProperties: {image: i}, eksProperties: {}}}",
            "jobDefinitions.x.eksProperties",
        ),
        (
            f"jobDefinitions: {{x: {DEFINITION[:-1]},"
            " nodeProperties: {numNodes: 1, mainNode: 0, nodeRangeProperties: []}}}",
            "jobDefinitions.x.nodeProperties",
        ),
        ("jobDefinitions: {x: {type: multinode}}", "jobDefinitions.x.nodeProperties"),
        (
            "jobDefinitions: {x: {type: MultiNode, containerProperties: {image: i},"
            " nodeProperties: {numNodes: 1, mainNode: 0, nodeRangeProperties: []}}}",
            "jobDefinitions.x.containerProperties",
        ),
    ],
)
def test_demands(text: str, path: str) -> None:
    """What goes with what is checked across a block."""
    assert fault(stack(text)).path == path


@pytest.mark.parametrize(
    "text",
    [
        "jobQueues: {x: {priority: 1, computeEnvironmentOrder: [a], serviceEnvironmentOrder: []}}",
        "jobQueues: {x: {priority: 1, serviceEnvironmentOrder: [a]}}",
        "jobDefinitions: {x: {type: container, eksProperties: {}, containerProperties: null}}",
        "jobDefinitions: {x: {type: multinode, nodeProperties: {numNodes: 1, mainNode: 0, nodeRangeProperties: []}}}",
    ],
)
def test_demands_met(text: str) -> None:
    """Null and empty lists are not there."""
    parsed(stack(text))


def test_broken_values_raise_no_demands() -> None:
    """A member that is told to be wrong is not told to be missing as well."""
    assert fault(stack("computeEnvironments: {x: {type: MANAGED, computeResources: 3}}")).message.startswith(
        "takes a map"
    )
    assert fault(stack("jobDefinitions: {x: {type: contaner}}")).hint == "did you mean container?"


def test_a_key_that_stands_twice_hides_no_other_fault() -> None:
    """The first value counts, and checking goes on."""
    found = faults(stack("jobQueues: {x: {priority: a, priority: 1, computeEnvironmentOrder: [e], stat: ENABLED}}"))
    assert [fault.path for fault in found] == ["jobQueues.x.priority", "jobQueues.x.priority", "jobQueues.x.stat"]


def test_empty_environment_values() -> None:
    """An empty value of the environment is kept: that AWS drops it is for the plan to say."""
    block = "{type: container, containerProperties: {image: i, environment: [{name: A, value: ''}]}}"
    spec = resource(parsed(stack(f"jobDefinitions: {{x: {block}}}")), "job_definition.x").spec
    assert spec["containerProperties"]["environment"] == [{"name": "A", "value": ""}]


def test_source_names() -> None:
    """A fault names the file as it was given."""
    with pytest.raises(ManifestError) as caught:
        parse([Source("some/where.json", b'{"stak": 1}')], variables={}, kinds=KINDS)
    assert [str(one) for one in caught.value.faults] == [
        "some/where.json:1:1: stack: the stack has no name (write `stack: NAME`)",
        "some/where.json:1:2: stak: there is no key 'stak' here (did you mean stack?)",
    ]
