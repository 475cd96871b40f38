"""The least that a plan can do: `python -m benchmarks.bare ENDPOINT [MANIFEST]`.

boto3 reads what a plan reads, all listings at once, and keeps the objects; where a manifest is given, PyYAML composes
it through libyaml. Nothing is made of either.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

LISTINGS: tuple[tuple[str, dict[str, str]], ...] = (
    ("describe_job_definitions", {"status": "ACTIVE"}),
    ("describe_compute_environments", {}),
    ("describe_job_queues", {}),
    ("describe_service_environments", {}),
    ("list_scheduling_policies", {}),
    ("list_consumable_resources", {}),
)


def client(endpoint: str, region: str | None = None) -> Any:
    import boto3
    from botocore.config import Config

    make: Any = boto3.client
    once = Config(retries={"total_max_attempts": 1}, max_pool_connections=len(LISTINGS))
    return make("batch", region_name=region, endpoint_url=endpoint, config=once)


def read(batch: Any) -> list[list[Any]]:
    """The pages of every listing."""
    with ThreadPoolExecutor(len(LISTINGS)) as pool:
        return list(pool.map(lambda row: list(batch.get_paginator(row[0]).paginate(**row[1])), LISTINGS))


def compose(text: bytes) -> Any:
    import yaml

    return yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def main() -> None:
    endpoint, *manifests = sys.argv[1:]
    kept = [compose(Path(path).read_bytes()) for path in manifests]
    assert len(read(client(endpoint))) == len(LISTINGS)
    del kept


if __name__ == "__main__":
    main()
