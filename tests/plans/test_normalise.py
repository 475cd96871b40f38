"""The normal form, the paths into it, and what an object must show before a wait ends."""

from typing import Any

import pytest

from plans import paths
from plans.diff import Pair, compare
from plans.normalise import digest, matches_digest, normalise, saying, unmet
from providers.resources import DIGEST_TAG, Address, Live, Ref
from tests.plans.core import EC2, KINDS, ORDINARY, environment, live, policy, revision

CE, QUEUE, DEFINITION = KINDS["compute_environment"], KINDS["job_queue"], KINDS["job_definition"]
PROFILE = "arn:aws:iam::123456789012:instance-profile/ecs"


def definition(**container: Any) -> dict[str, Any]:
    made: dict[str, Any] = normalise({"containerProperties": container}, DEFINITION).get("containerProperties", {})
    return made


def test_what_a_manifest_cannot_say_is_left_out() -> None:
    """AWS grows fields; an unknown one is no difference and no error."""
    assert normalise({"unheardOf": 1, "priority": 1, "status": "VALID"}, QUEUE) == {"priority": 1}


def test_what_is_empty_is_absent() -> None:
    """All the way up."""
    assert normalise({"containerProperties": {"linuxParameters": {"devices": []}, "command": None}}, DEFINITION) == {}


@pytest.mark.parametrize(
    ("text", "form"), [("1.0", "1"), ("0.250", "0.25"), ("1e3", "1e3"), ("1.2.3", "1.2.3"), ("", "")]
)
def test_numbers_as_text_have_one_form(text: str, form: str) -> None:
    """And what is none stays as it is."""
    made = definition(resourceRequirements=[{"type": "VCPU", "value": text}])
    assert made == {"resourceRequirements": {"VCPU": {"type": "VCPU", "value": form}}}


def quantity(text: str) -> Any:
    volume = {"name": "v", "emptyDir": {"sizeLimit": text}}
    made = normalise({"eksProperties": {"podProperties": {"volumes": [volume]}}}, DEFINITION)
    return made["eksProperties"]["podProperties"]["volumes"]["v"]["emptyDir"]["sizeLimit"]


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (("500m", "0.5", "0.50", "500000u", "500000000n"), "0.5"),
        (("1", "1000m", "1.0"), "1"),
        (("1k", "1000"), "1000"),
        (("1Gi", "1024Mi", "1048576Ki", "1073741824", "1073741824000m"), "1024Mi"),
        (("1G", "1000M", "1000000k"), "1000000000"),
        (("0", "0Mi", "0.0"), "0"),
        (("1.5Ti",), "1572864Mi"),
        (("2Pi",), "2147483648Mi"),
        (("1E",), "1000000000000000000"),
        (("much",), "much"),
        (("1X",), "1X"),
        (("1.2.3Mi",), "1.2.3Mi"),
        (("9" * 40 + "Ei",), "9" * 40 + "Ei"),
    ],
)
def test_quantities_have_one_form(texts: tuple[str, ...], form: str) -> None:
    """Those of Kubernetes scale by their suffix; what is none stays as it is."""
    assert {quantity(text) for text in texts} == {form}


def test_cpus_and_memory_of_a_pod_are_quantities() -> None:
    """Each by its own name."""

    def needs(**limits: str) -> Any:
        container = {"image": "a", "resources": {"limits": limits, "requests": limits}}
        return normalise({"eksProperties": {"podProperties": {"containers": [container]}}}, DEFINITION)

    assert needs(cpu="0.5", memory="1024Mi") == needs(cpu="500m", memory="1Gi")
    assert needs(cpu="0.5", memory="1024Mi") != needs(cpu="500", memory="1Gi")
    assert needs(cpu="0.5", memory="1024Mi") != needs(cpu="500m", memory="1G")


def test_the_default_of_a_member_may_be_another_member() -> None:
    """A device stands at the same path in the container as on its host."""

    def devices(**more: Any) -> Any:
        return definition(linuxParameters={"devices": [{"hostPath": "/dev/a", **more}]})

    assert devices() == devices(containerPath="/dev/a", permissions=["WRITE", "READ", "MKNOD"])
    assert devices() != devices(containerPath="/dev/b")
    assert devices() != devices(permissions=["READ", "WRITE"])


def test_what_is_empty_is_not_sent() -> None:
    """Only some structures say something by being there, such as the sort of a volume."""
    pod = {"containers": [{"image": "a", "args": [], "resources": {}}], "volumes": [{"name": "v", "emptyDir": {}}]}
    document = {
        "retryStrategy": {},
        "containerProperties": {
            "networkConfiguration": {},
            "linuxParameters": {"initProcessEnabled": False, "devices": [], "tmpfs": []},
            "volumes": [{"name": "v", "host": {}}],
        },
        "eksProperties": {"podProperties": pod},
    }
    assert saying(document, DEFINITION) == {
        "containerProperties": {
            "linuxParameters": {"initProcessEnabled": False},
            "volumes": [{"name": "v", "host": {}}],
        },
        "eksProperties": {
            "podProperties": {"containers": [{"image": "a"}], "volumes": [{"name": "v", "emptyDir": {}}]}
        },
    }


def test_weights_have_single_precision() -> None:
    """As AWS keeps them."""
    fair = KINDS["scheduling_policy"]

    def weight(number: float) -> Any:
        shares = [{"shareIdentifier": "a", "weightFactor": number}]
        document = normalise({"fairsharePolicy": {"shareDistribution": shares}}, fair)
        return document["fairsharePolicy"]["shareDistribution"]["a"]["weightFactor"]

    assert weight(0.1) == weight(0.10000000149011612) == 0.1
    assert [weight(number) for number in (999.9999, 0.0001, 1 / 3)] == [999.9999, 0.0001, 0.33333334]
    assert weight(2) == 2.0


def test_entries_with_one_name_stay_a_list() -> None:
    """Then they cannot be told apart; their order still does not count."""
    one = [{"name": "A", "value": "2"}, {"name": "A", "value": "1"}]
    assert definition(environment=one) == definition(environment=[*reversed(one)])
    assert isinstance(definition(environment=one)["environment"], list)


def test_words_that_the_model_does_not_know_are_kept() -> None:
    """A newer service may have them."""
    assert normalise({"type": "managed"}, CE) == {"type": "MANAGED"}
    assert normalise({"type": "Novel"}, CE) == {"type": "Novel"}


def test_a_comparison_names_the_deepest_paths() -> None:
    """A changed member of a structure is that member, a structure that comes is a whole, a list differs as one."""
    before = {"a": {"b": 1, "c": [1, 2]}, "x": {"y": 1}, "same": {"z": 1}}
    after = {"a": {"b": 2, "c": [2, 1]}, "n": {"m": 1}, "same": {"z": 1}}
    assert compare(before, after) == (
        Pair(("a", "b"), 1, 2),
        Pair(("a", "c"), [1, 2], [2, 1]),
        Pair(("n",), None, {"m": 1}),
        Pair(("x",), {"y": 1}, None),
    )
    assert compare(before, before) == ()


def test_a_comparison_keeps_references() -> None:
    """What is not made yet differs from every ARN, and is told as the reference that it is."""
    ref = Ref(Address("scheduling_policy", "fair"))
    assert compare({"a": {"b": "arn"}}, {"a": {"b": ref}}) == (Pair(("a", "b"), "arn", ref),)
    assert compare({"a": ref}, {"a": Ref(Address("scheduling_policy", "fair"))}) == ()


@pytest.mark.parametrize("key", ["a.b", "a'b", 'a"b', "a]b", "0", "0x10", "None", "['x']", "True", "", "__A"])
def test_a_comparison_takes_any_name(key: str) -> None:
    """Names of variables are the users'."""
    assert compare({"e": {key: {"v": 1}}}, {"e": {key: {"v": 2}}}) == (Pair(("e", key, "v"), 1, 2),)


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("a", ("a",)),
        ("a.b", ("a", "b")),
        ("a[b.c].d", ("a", "b.c", "d")),
        ("tags[a:b/c]", ("tags", "a:b/c")),
    ],
)
def test_paths_are_read(text: str, segments: tuple[str, ...]) -> None:
    """Dots within brackets belong to the name."""
    assert paths.split(text) == segments


@pytest.mark.parametrize("text", ["", "a..b", "a.", "a[b", "a]b"])
def test_what_is_no_path_is_told(text: str) -> None:
    """With an example of one."""
    with pytest.raises(ValueError, match=r"computeResources\.maxvCpus"):
        paths.split(text)


def test_paths_are_written() -> None:
    """Members after dots, entries in brackets; rules see no names of entries."""
    segments = ("containerProperties", "environment", "A.B", "value")
    assert paths.render(DEFINITION.spec, segments) == "containerProperties.environment[A.B].value"
    assert paths.pattern(DEFINITION.spec, segments) == "containerProperties.environment[].value"
    assert paths.render(CE.spec, ("computeResources", "tags", "a", "unknown")) == "computeResources.tags[a].unknown"


KEYED = DEFINITION.facts.keyed
A_PATH = ("containerProperties", "environment", "A", "value")


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        ([{"name": "A", "value": "1"}], "2", [{"name": "A", "value": "2"}]),
        ([{"name": "B", "value": "1"}], "2", [{"name": "B", "value": "1"}, {"name": "A", "value": "2"}]),
        (None, "2", [{"name": "A", "value": "2"}]),
        ([{"name": "A", "value": "1"}], None, [{"name": "A"}]),
    ],
)
def test_a_value_is_put_at_a_path(before: Any, value: Any, after: Any) -> None:
    """In a copy; what is missing on the way is made."""
    document = {} if before is None else {"containerProperties": {"environment": before}}
    made = paths.put(document, A_PATH, value, KEYED, DEFINITION.spec)
    assert made == {"containerProperties": {"environment": after}}
    assert paths.get(made, A_PATH, KEYED, DEFINITION.spec) == value
    assert document == ({} if before is None else {"containerProperties": {"environment": before}})


def test_what_is_taken_away_leaves_nothing_empty() -> None:
    """The last entry takes its list with it."""
    document = {"containerProperties": {"environment": [{"name": "A", "value": "1"}]}}
    assert paths.put(document, A_PATH[:3], None, KEYED, DEFINITION.spec) == {}
    assert paths.get(document, ("containerProperties", "unheardOf", "x"), KEYED, DEFINITION.spec) is None
    assert (
        paths.get(document, ("containerProperties", "environment", "A", "value", "x"), KEYED, DEFINITION.spec) is None
    )


@pytest.mark.parametrize(
    ("text", "reached"),
    [
        ("computeResources.maxvCpus", "computeResources.maxvCpus"),
        ("computeResources.tags[a]", "computeResources.tags[a]"),
        (
            "computeResources.ec2Configuration[ECS_AL2].imageIdOverride",
            "computeResources.ec2Configuration[ECS_AL2].imageIdOverride",
        ),
        ("computeResources.instanceTypes[m6i]", "computeResources.instanceTypes"),
        ("computeResources.unheardOf", ""),
        ("priority", ""),
        ("computeResources.maxvCpus.deeper.still", ""),
    ],
)
def test_a_path_reaches_as_far_as_it_can_be_changed(text: str, reached: str) -> None:
    """A list whose entries nothing tells apart is one thing."""
    wanted = paths.split(reached) if reached else ()
    assert paths.reachable(paths.split(text), CE.facts.keyed, CE.spec) == wanted


def test_tags_have_paths() -> None:
    """Whatever their keys."""
    for key in ("team", "a[b]", "x.y"):
        assert paths.tag_of(paths.tag(key)) == key
    assert paths.tag_of("computeResources.tags[a]") is None


def test_a_digest_is_that_of_the_meaning() -> None:
    """References count by name, so that it is the same before and after they are made."""
    address = Address("consumable_resource", "licence")
    entries: list[Any] = [Ref(address), "licence", "arn:aws:batch:r:1:consumable-resource/licence"]
    digests = {
        digest(
            {
                "consumableResourceProperties": {
                    "consumableResourceList": [{"consumableResource": entry, "quantity": 1}]
                }
            },
            DEFINITION,
            {address: "licence"},
        )
        for entry in entries
    }
    assert len(digests) == 1


def test_a_revision_is_what_its_digest_says() -> None:
    """Or of other rules, which are not judged; without one it is nobody's."""
    shown = revision()
    assert matches_digest(shown, DEFINITION)
    assert not matches_digest(revision(sealed=False), DEFINITION)
    for tag, believed in (("n0-anything", True), ("", False)):
        other = Live(shown.kind, shown.name, shown.arn, shown.spec, {DIGEST_TAG: tag})
        assert matches_digest(other, DEFINITION) is believed


@pytest.mark.parametrize(
    ("expect", "missing"),
    [
        ({"computeResources.maxvCpus": 16}, ()),
        ({"computeResources.maxvCpus": 8}, ("computeResources.maxvCpus",)),
        ({"computeResources.instanceTypes": ["m6i.large"], "state": "enabled"}, ()),
        ({"computeResources.imageId": None, "updatePolicy": None}, ()),
        ({"computeResources.launchTemplate": {"launchTemplateName": "a"}}, ("computeResources.launchTemplate",)),
        ({"tags[team]": "a", "tags[gone]": None}, ()),
        ({"tags[team]": "b"}, ("tags[team]",)),
    ],
)
def test_what_is_not_seen_yet(expect: dict[str, Any], missing: tuple[str, ...]) -> None:
    """In the normal form, so that spelling, defaults and resets do not confuse the look."""
    shown = environment(fields={"tags": {"team": "a"}})
    assert unmet(expect, shown, CE) == missing


def test_what_was_sent_whole_is_seen_whole() -> None:
    """A launch template whose version was said as the default, and weights in single precision."""
    shown = environment(launchTemplate={"launchTemplateName": "a", "version": "$Default"})
    assert unmet({"computeResources.launchTemplate": {"launchTemplateName": "a"}}, shown, CE) == ()
    shares = [{"shareIdentifier": "a", "weightFactor": 0.10000000149011612}]
    wanted = {"fairsharePolicy": {"shareDistribution": [{"shareIdentifier": "a", "weightFactor": 0.1}]}}
    assert unmet(wanted, policy(shareDistribution=shares), KINDS["scheduling_policy"]) == ()


def test_conditions_do_not_hang_on_case() -> None:
    """A type in lower case is that type (aws/aws-cdk#31621)."""
    lower = live(
        "compute_environment", "one", {"computeResources": {**EC2, "type": "ec2", "allocationStrategy": "best_fit"}}
    )
    upper = {"computeResources": {**EC2, "type": "EC2", "allocationStrategy": "BEST_FIT"}}
    assert normalise(lower.spec, CE) == normalise(upper, CE)
    assert "allocationStrategy" not in normalise(upper, CE)["computeResources"]


@pytest.mark.parametrize(
    ("path", "wanted", "shown", "missing"),
    [
        ("serviceRole", "AWSBatchServiceRole", ORDINARY, False),
        ("serviceRole", "/service-role/AWSBatchServiceRole", ORDINARY, False),
        ("serviceRole", "service-role/AWSBatchServiceRole", ORDINARY, False),
        ("serviceRole", "/other/AWSBatchServiceRole", ORDINARY, True),
        ("serviceRole", "Other", ORDINARY, True),
        ("computeResources.instanceRole", "ecs", PROFILE, False),
        ("computeResources.instanceRole", PROFILE, "ecs", False),
        ("computeResources.instanceRole", "other", PROFILE, True),
        ("computeResources.instanceRole", PROFILE.replace("/ecs", "/path/ecs"), PROFILE, True),
    ],
)
def test_a_goal_is_met_by_what_means_the_same(path: str, wanted: str, shown: str, missing: bool) -> None:
    """A name that was sent is seen as the ARN that it stands for (CreateComputeEnvironment, ComputeResource)."""
    seen = environment(role=shown) if path == "serviceRole" else environment(instanceRole=shown)
    assert unmet({path: wanted}, seen, CE) == ((path,) if missing else ())


@pytest.mark.parametrize(
    ("said", "default"),
    [
        ({}, "ClusterFirstWithHostNet"),
        ({"hostNetwork": True}, "ClusterFirstWithHostNet"),
        ({"hostNetwork": False}, "ClusterFirst"),
    ],
)
def test_the_dns_of_a_pod_hangs_on_its_network(said: dict[str, Any], default: str) -> None:
    """Unsaid it is not shown, and is what the page of EksPodPropertiesDetail tells; nothing else is the same."""

    def pod(**more: str) -> dict[str, Any]:
        return normalise({"eksProperties": {"podProperties": {"serviceAccountName": "a", **said, **more}}}, DEFINITION)

    for word in ("Default", "ClusterFirst", "ClusterFirstWithHostNet"):
        assert (pod(dnsPolicy=word) == pod()) is (word == default)


@pytest.mark.parametrize(
    ("one", "other"), [("1:", "1:3"), (":0", "0:0"), ("0", "0:0"), (":", "0:3"), ("02:3", "2:"), ("1", "1:1")]
)
def test_a_range_of_nodes_has_one_form(one: str, other: str) -> None:
    """What is left out of it is the first node, or the last of all (NodeRangeProperty)."""

    def nodes(target: str, count: int = 4) -> dict[str, Any]:
        ranges = [{"targetNodes": target, "container": {"image": "a"}}]
        return normalise({"nodeProperties": {"numNodes": count, "nodeRangeProperties": ranges}}, DEFINITION)

    assert nodes(one) == nodes(other)
    assert nodes("1:", 5)["nodeProperties"] == {**nodes("1:3")["nodeProperties"], "numNodes": 5}
    assert nodes("1:2") != nodes("1:")
    assert [*nodes("all")["nodeProperties"]["nodeRangeProperties"]] == ["all"]
