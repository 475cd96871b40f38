"""Manifests for tests: the kinds of the installed model, and short ways to parse a text and to read its faults."""

from collections.abc import Mapping, Sequence
from textwrap import dedent
from typing import Any

import pytest

from plans.manifest import Manifest, Source, parse
from providers.errors import Fault, ManifestError
from providers.kinds import bind
from providers.model import load
from providers.resources import Address, Resource

KINDS = bind(load())

ENVIRONMENT = "{type: UNMANAGED, serviceRole: batch}"
QUEUE = "{priority: 1, computeEnvironmentOrder: [spot]}"
DEFINITION = "{type: container, containerProperties: {image: busybox}}"


def sources(*texts: str | bytes) -> list[Source]:
    """Files a.yaml, b.yaml, … of these texts."""
    contents = [text if isinstance(text, bytes) else dedent(text).encode() for text in texts]
    return [Source(f"{name}.yaml", content) for name, content in zip("abcdefgh", contents, strict=False)]


def parsed(*texts: str | bytes, variables: Mapping[str, Any] | None = None, **more: Any) -> Manifest:
    return parse(sources(*texts), variables=variables or {}, kinds=KINDS, **more)


def faults(*texts: str | bytes, variables: Mapping[str, Any] | None = None) -> Sequence[Fault]:
    """What is wrong with a manifest that is known to be wrong."""
    with pytest.raises(ManifestError) as caught:
        parsed(*texts, variables=variables)
    return caught.value.faults


def fault(*texts: str | bytes, variables: Mapping[str, Any] | None = None) -> Fault:
    """The one fault of a manifest."""
    found = faults(*texts, variables=variables)
    assert len(found) == 1, [str(one) for one in found]
    return found[0]


def stack(body: str) -> str:
    """A manifest of this body, which begins in its second line."""
    return "stack: s\n" + dedent(body).lstrip("\n")


def resource(manifest: Manifest, address: str) -> Resource:
    return manifest.resources[Address.parse(address)]


def environment(block: str) -> Any:
    """The spec of an unmanaged environment that says this too."""
    text = stack(f"computeEnvironments: {{x: {{type: UNMANAGED, serviceRole: r, {block}}}}}")
    return resource(parsed(text), "compute_environment.x").spec


def resources_of(block: str) -> Any:
    """The computeResources of a managed environment that says this there."""
    text = stack(
        f"computeEnvironments: {{x: {{type: MANAGED, computeResources: {{type: EC2, maxvCpus: 1, {block}}}}}}}"
    )
    return resource(parsed(text), "compute_environment.x").spec["computeResources"]


def container(block: str) -> str:
    """A manifest with one definition whose containerProperties say this."""
    return stack(f"jobDefinitions: {{x: {{type: container, containerProperties: {{image: i, {block}}}}}}}")
