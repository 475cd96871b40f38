"""How resources leave Terraform without being destroyed, and come under the manifest."""

import shlex
from collections.abc import Iterable, Iterator

from reconciler.adapters.terraform.state import Resource

_MOST_TOLD = 10


def steps(resources: Iterable[Resource], manifest: str) -> str:
    """The way to take resources over, as text: what to put into the configuration, and the commands.

    `removed` knows no keys, so that one block is for all instances
    (https://developer.hashicorp.com/terraform/language/resources/syntax#removing-resources).
    """
    taken = [*resources]
    if not taken:
        return ""
    blocks = (
        f"removed {{\n  from = {address}\n\n  lifecycle {{\n    destroy = false\n  }}\n}}"
        for address in sorted({resource.configured for resource in taken})
    )
    addresses = " \\\n  ".join(shlex.quote(resource.address) for resource in taken)
    file = shlex.quote(manifest)
    return "\n\n".join(
        [
            "To take them over: with Terraform 1.7 or later, put this in place of their blocks, and apply:",
            *blocks,
            "With an older one, take their resource blocks out, and let its state forget them:",
            f"terraform state rm \\\n  {addresses}",
            "Then have the manifest take them over, which changes tags and nothing else; a plan is empty after that:",
            f"batchwright adopt {file}\nbatchwright plan {file}",
        ]
    )


def dependents(resources: Iterable[Resource], taken: Iterable[Resource]) -> Iterator[str]:
    """What in Terraform refers to what leaves it, and will have to name it in another way."""
    leaving = {resource.configured: resource for resource in taken}
    staying = [
        (resource.address, sorted(leaving.keys() & set(resource.needs)))
        for resource in resources
        if resource.configured not in leaving and leaving.keys() & set(resource.needs)
    ]
    for address, needed in staying[:_MOST_TOLD]:
        yield f"{address} stays in Terraform and uses {', '.join(needed)}: write the name or the ARN there"
    if len(staying) > _MOST_TOLD:
        yield f"{len(staying) - _MOST_TOLD} more resources stay in Terraform and use what leaves it"
