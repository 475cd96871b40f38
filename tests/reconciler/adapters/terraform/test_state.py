"""Which files are taken for a state or a plan, what is read from each, and what is said of all others."""

import json
from typing import Any

import pytest

from plans.nodes import Source
from providers.errors import ManifestError
from reconciler.adapters.terraform.places import LARGEST
from reconciler.adapters.terraform.state import UNSET, Resource, State, read
from tests.reconciler.adapters.terraform.recorded import document, edited, text


def state(content: Any, name: str = "given.json") -> State:
    said = content if isinstance(content, bytes) else json.dumps(content).encode()
    return read(Source(name, said))


def refused(content: Any, name: str = "given.json") -> str:
    with pytest.raises(ManifestError) as caught:
        state(content, name)
    (fault,) = caught.value.faults
    return str(fault)


def by_address(made: State) -> dict[str, Resource]:
    return {one.address: one for one in made.resources}


def test_a_state_and_what_show_prints_of_it_hold_the_same() -> None:
    """Addresses with keys, modules, values, sensitive attributes and needs are the same in both."""
    pulled, shown = by_address(state(document("state"))), by_address(state(document("show")))
    assert pulled.keys() == shown.keys()
    assert len(pulled) == 18
    for address, one in pulled.items():
        other = shown[address]
        # Tags alone differ, of which `show` makes an empty map.
        assert {key: value for key, value in one.values.items() if value} == {
            key: value for key, value in other.values.items() if value
        } or one.type == "terraform_data"
        assert (one.module, one.configured, one.managed, one.index) == (
            other.module,
            other.configured,
            other.managed,
            other.index,
        )
        assert (one.sensitive, set(one.needs)) == (other.sensitive, set(other.needs))
        assert one.provider == other.provider


def test_where_a_resource_is() -> None:
    """The module and the configured address follow from the whole address."""
    found = by_address(state(document("state")))
    this = found['module.spot["a"].aws_batch_job_queue.this']
    assert (this.module, this.configured) == ('module.spot["a"]', "module.spot.aws_batch_job_queue.this")
    first = found['aws_batch_compute_environment.fargate["first"]']
    assert (first.module, first.configured, first.index) == ("", "aws_batch_compute_environment.fargate", "first")
    assert found["aws_batch_compute_environment.spare[1]"].index == 1
    assert found["data.aws_region.here"].managed is False
    assert found["data.aws_region.here"].module == ""


def test_a_key_may_hold_anything() -> None:
    """A key with brackets, quotes and dots is part of the address, and no part of the configured one."""

    def named(made: Any) -> None:
        made["resources"][2]["instances"][0]["index_key"] = 'a["b.c"]\\'

    found = by_address(state(edited("state", named)))
    one = found['aws_batch_compute_environment.fargate["a[\\"b.c\\"]\\\\"]']
    assert one.configured == "aws_batch_compute_environment.fargate"


def test_a_plan_says_what_is_live_and_what_is_not_known() -> None:
    """What is live has the values that it has now; of what is to be created unknown values are marked."""
    later = by_address(state(document("plan")))
    first = later['aws_batch_compute_environment.fargate["first"]']
    assert (first.live, first.planned, first.changes) == (True, ("update",), ("compute_resources",))
    assert first.values["compute_resources"][0]["max_vcpus"] == 16
    assert later["aws_batch_job_queue.ordered"].planned == ()
    fresh = by_address(state(document("fresh")))
    ordered = fresh["aws_batch_job_queue.ordered"]
    assert (ordered.live, ordered.planned) == (False, ("create",))
    assert ordered.values["arn"] is UNSET
    assert [entry["compute_environment"] for entry in ordered.values["compute_environment_order"]] == [UNSET, UNSET]
    assert [entry["order"] for entry in ordered.values["compute_environment_order"]] == [1, 2]
    assert repr(UNSET) == "(known after apply)"


def test_a_plan_that_imports_replaces_destroys_or_looks_at_parts_alone() -> None:
    """What a plan imports is live; what it would replace or destroy is live still, and so is what it does not name."""

    def edit(made: Any) -> None:
        changes = {row["address"]: row for row in made["resource_changes"]}
        changes["aws_batch_job_queue.listed"]["change"].update(actions=["delete", "create"])
        changes["aws_batch_job_definition.kept"]["change"].update(actions=["delete"], after=None)
        made["resource_changes"].remove(changes["aws_batch_scheduling_policy.fair"])
        prior = made["prior_state"]["values"]["root_module"]["resources"]
        prior[:] = [row for row in prior if row["address"] != "aws_batch_job_definition.pods"]

    found = by_address(state(edited("plan", edit)))
    assert found["aws_batch_job_queue.listed"].planned == ("delete", "create")
    assert found["aws_batch_job_definition.kept"].planned == ("delete",)
    live = ("aws_batch_job_queue.listed", "aws_batch_job_definition.kept", "aws_batch_job_definition.pods")
    assert all(found[address].live for address in (*live, "aws_batch_scheduling_policy.fair"))
    assert found["aws_batch_job_definition.pods"].values["name"] == "shop-pods"


@pytest.mark.parametrize(
    ("content", "message", "run"),
    [
        (b"", "is empty", "terraform state pull"),
        (b"PK\x03\x04\x14\x00", "a plan as Terraform keeps it", "terraform show -json tfplan"),
        (b"tfplan\x00\x01", "a plan as Terraform keeps it", "terraform show -json tfplan"),
        (b'# a queue\nresource "aws_batch_job_queue" "x" {\n}\n', "a configuration (HCL)", "terraform state pull"),
        (b'# This file is maintained automatically by "terraform init".\n', "lock file of the", "terraform state pull"),
        ({"ID": "1", "Operation": "OperationTypeApply", "Who": "me"}, "the lock of a state", "terraform state pull"),
        ({"serial": 1, "encrypted_data": "x", "encryption_version": "v0"}, "encrypted state of", "tofu state pull"),
        ({"version": 3, "backend": {"type": "s3"}}, "a state of version 3", "terraform state pull"),
        ({"version": 1, "modules": []}, "a state of version 1", "run Terraform 0.12 or later"),
        ({"version": 5}, "another version than 4", "terraform show -json"),
        ({"version": "four"}, "another version than 4", "terraform show -json"),
        ({"format_version": "2.0", "terraform_version": "9"}, "format_version 2.0, and 1.x", ""),
        ({"format_version": "1.0", "provider_schemas": {}}, "neither a state nor a plan", "terraform show -json"),
        ({"@level": "info", "type": "version"}, "neither a state nor a plan", "terraform show -json"),
        ([1], "neither a state nor a plan", "terraform show -json"),
        (b"hello", "not JSON: Expecting value", ""),
        (b"\xff\xfe{", "not UTF-8", ""),
        (b"[" * 100_000, "not JSON that anything of Terraform writes", ""),
        (b'{"version": 4, "resources": ' + b"[" * 200 + b"]" * 200 + b"}", "more than 100 levels", ""),
        (b" " * (LARGEST + 1), "more than 64 MiB", ""),
    ],
)
def test_everything_else_is_told_apart(content: Any, message: str, run: str) -> None:
    """What is no state of version 4 and no JSON of `show` is told to be what it is, with what to run for one."""
    told = refused(content, "tfplan")
    assert message in told
    assert run in told


def test_a_fault_has_its_place() -> None:
    """A broken text, and a value of the wrong form, are told with line and column."""
    assert refused(b'{\n "version": 4,\n "resources": [\n}').startswith("given.json:4:1: not JSON:")
    assert refused(b'{\n "version":  3\n}').startswith("given.json:2:14: version: ")
    said = b'\xef\xbb\xbf{"version": 4,\n "resources": [\n  {"type": "a", "name": "b", "instances": [{}, 7]}]}'
    assert refused(said).startswith("given.json:3:48: resources[0].instances[1]: should be a map")
    assert refused(b'{"version": 4, "resources": [{"type": "a"}]}').startswith("given.json:1:30: resources[0]: name ")
    assert "resources: should be a list" in refused({"version": 4, "resources": {}})
    assert "[1].mode: mode should be" in refused(
        {"version": 4, "resources": [{"type": "a", "name": "b"}, {"type": "a", "name": "b", "mode": 1}]}
    )


@pytest.mark.parametrize("key", [1.5, True, []])
def test_a_key_is_a_number_or_a_text(key: Any) -> None:
    """Any other key of an instance is a fault at its place."""
    rows = [{"type": "a", "name": "b", "instances": [{"index_key": key}]}]
    assert "the key of an instance" in refused({"version": 4, "resources": rows})


def test_attributes_of_an_older_version_are_told() -> None:
    """A state that Terraform 0.12 brought up to date and has not read since has no attributes that say their types."""
    rows = [{"type": "a", "name": "b", "instances": [{"attributes_flat": {"id": "x"}}]}]
    assert "attributes of a state of version 3" in refused({"version": 4, "resources": rows})


def test_too_many_resources(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a bound to what is read."""
    monkeypatch.setattr("reconciler.adapters.terraform.state.MOST", 3)
    assert "18 resources, more than 3" in refused(text("state").encode())


def test_what_is_empty_or_odd_is_read_as_nothing() -> None:
    """An empty state has no resources; marks, needs and sensitive paths of another form are passed over."""
    assert state({"version": 4}).resources == ()
    assert state({"format_version": "1.0", "terraform_version": "1.5.0"}).resources == ()
    assert state({"format_version": "0.2", "terraform_version": 1, "planned_values": {}}).head == "a plan of Terraform"
    rows = [
        {
            "type": "a",
            "name": "b",
            "instances": [
                {"sensitive_attributes": [7, [], [{"value": 3}], {"value": [{"value": "c"}]}], "dependencies": "d"}
            ],
        }
    ]
    (one,) = state({"version": 4, "resources": rows}).resources
    assert (one.sensitive, one.needs, dict(one.values)) == (frozenset({"c"}), (), {})
