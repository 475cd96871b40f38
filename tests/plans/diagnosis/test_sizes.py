"""What instance types hold, against what EC2's DescribeInstanceTypes answered to the makers of moto."""

import gzip
import json
from pathlib import Path
from typing import Any

import moto.ec2
import pytest

from plans.diagnosis.sizes import Size, sizes

_TYPES: dict[str, dict[str, Any]] = json.loads(
    gzip.decompress((Path(moto.ec2.__file__).parent / "resources" / "instance_types.json.gz").read_bytes())
)


def _real(name: str) -> tuple[float, float, int]:
    told = _TYPES[name]
    gpus = sum(it["Count"] for it in told.get("GpuInfo", {}).get("Gpus", ()))
    return told["VCpuInfo"]["DefaultVCpus"], told["MemoryInfo"]["SizeInMiB"], gpus


def test_what_is_known_is_true() -> None:
    """Of every type that EC2 has, the table holds its vCPUs, memory and GPUs, or nothing; and it holds most types."""
    known = {name: found[0] for name in _TYPES if (found := sizes(name))}
    assert {name: (it.vcpus, it.memory, it.gpus) for name, it in known.items()} == {name: _real(name) for name in known}
    assert len(known) > 0.8 * len([name for name in _TYPES if ".metal" not in name])


def test_a_family_holds_as_much_as_its_largest_type() -> None:
    """An entry of instanceTypes may name a family: then the largest of its types counts."""
    families = {name.partition(".")[0] for name in _TYPES}
    for family in families:
        real = [_real(name) for name in _TYPES if name.startswith(f"{family}.") and ".metal" not in name]
        found = sizes(family)
        if found and real:
            assert max(it.vcpus for it in found) == max(vcpus for vcpus, _, _ in real), family
            assert max(it.memory for it in found) == max(memory for _, memory, _ in real), family
            assert max(it.gpus for it in found) == max(gpus for _, _, gpus in real), family


@pytest.mark.parametrize("name", ["c6i.metal", "z9.large", "c6i.999xlarge", "c6i.tiny", "g5.3xlarge", "", "c6i.", "u7"])
def test_what_is_not_known_is_not_guessed_at(name: str) -> None:
    """No type, or one that the table does not hold."""
    assert sizes(name) == () or name == "c6i."


def test_names_that_stand_for_families() -> None:
    """`optimal` may bring the largest of general families, none of which has GPUs."""
    found = sizes("optimal")
    assert max(it.vcpus for it in found) == 192
    assert not any(it.gpus for it in found)
    assert sizes("c6i.2xlarge") == (Size("c6i.2xlarge", 8, 16384),)
