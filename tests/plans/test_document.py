"""A resolved manifest as JSON and back."""

import json
from typing import Any

import pytest

from plans.document import from_document, to_document
from providers.errors import PlanFileError
from tests.plans.manifests import DEFINITION, ENVIRONMENT, parsed

TEXT = f"""
stack: s
namePrefix: p-
target: {{region: eu-west-1, accountId: 012345678901}}
tags: {{a: b}}
policy: {{maxDeletes: 5, ignore: [state], ignoreTags: [x], drain: {{mode: wait, timeout: 1h}}}}
computeEnvironments:
  spot: {ENVIRONMENT[:-1]}, state: null, lifecycle: {{replace: refuse, protect: true, ignore: [state]}}}}
jobQueues:
  q:
    priority: 1
    computeEnvironmentOrder: [spot, {{stack: other, name: ondemand}}, outside]
    drain: {{mode: cancel}}
    dependsOn: [compute_environment.spot]
jobDefinitions:
  d: {DEFINITION[:-1]}, parameters: {{"$ref": x}}, rollout: {{keep: 1, keepFor: 7d, migrate: true}},
    lifecycle: {{pinned: [4, 7]}}}}
"""


def written() -> Any:
    return json.loads(json.dumps(to_document(parsed(TEXT))))


def test_round_trip() -> None:
    """What is read back is what was written, order of resources and chosen policy fields included."""
    manifest, again = parsed(TEXT), from_document(written())
    assert again == manifest
    assert list(again.resources) == list(manifest.resources)
    assert again.policy.said == manifest.policy.said


def test_references() -> None:
    """References are told apart from texts that look like them."""
    document = written()
    queue, definition = document["resources"][1], document["resources"][2]
    assert [entry["computeEnvironment"] for entry in queue["spec"]["computeEnvironmentOrder"]] == [
        {"$ref": "compute_environment.spot#arn"},
        {"$elsewhere": {"kind": "compute_environment", "stack": "other", "name": "ondemand"}},
        "outside",
    ]
    assert definition["spec"]["parameters"] == {"$literal": {"$ref": "x"}}


def test_damage() -> None:
    """Whatever is taken away or put in the place of anything else, the answer is a PlanFileError or a manifest."""

    def places(value: Any) -> list[tuple[Any, Any]]:
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        return [(value, key) for key, _ in inner] + [place for _, item in inner for place in places(item)]

    refused = 0
    for index in range(len(places(written()))):
        for other in (None, [3], {"$ref": "x"}, "x", True):
            document = written()
            holder, key = places(document)[index]
            holder[key] = other
            try:
                from_document(document)
            except PlanFileError:
                refused += 1
    assert refused > 100


@pytest.mark.parametrize("document", [None, [], "x", {}, {"stack": "s"}])
def test_no_document(document: Any) -> None:
    """What is no such document is refused."""
    with pytest.raises(PlanFileError):
        from_document(document)
