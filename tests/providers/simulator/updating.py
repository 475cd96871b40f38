"""Updates of the compute resources of one environment, `a`, for the tests of them."""

from typing import Any

from tests.providers.simulator.lab import Lab, refusal


def update(lab: Lab, wait: float = 3600, **resources: Any) -> dict[str, Any]:
    """Update the resources of environment `a`, wait, and return them as described."""
    lab.batch.update_compute_environment(computeEnvironment="a", computeResources=resources)
    lab.clock.sleep(wait)
    found: dict[str, Any] = lab.see_environment("a")["computeResources"]
    return found


def refused(lab: Lab, **resources: Any) -> str:
    before = lab.see_environment("a")
    status, code, message = refusal(
        lab.batch.update_compute_environment, computeEnvironment="a", computeResources=resources
    )
    assert (status, code) == (400, "ClientException")
    assert lab.see_environment("a") == before
    return message
