"""What instance types hold, by their names: vCPUs, memory, GPUs. A name that is not known is not guessed at.

Sources: the EC2 user guide's instance types and what DescribeInstanceTypes answers. Most families grow evenly: `large`
has 2 vCPUs, `xlarge` 4, `Nxlarge` N times 4, and each vCPU its share of memory; the others stand size by size.
"""

import re
from collections.abc import Iterator, Mapping

import attrs

SOURCE = "https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-types.html"


@attrs.frozen
class Size:
    """What one instance of a type holds; memory in MiB."""

    name: str
    vcpus: float
    memory: float
    gpus: int = 0


_EVEN: Mapping[tuple[float, int], str] = {
    (2, 16): "a1",
    (2, 64): "c6g c6gd c6gn c7g c7gd c7gn c7i-flex c8i-flex",
    (2, 96): "c5 c5a c5ad c5d inf1",
    (2, 128): "c6i c6id c6in",
    (2, 192): "c6a c7a c7i c8a c8g c8gb c8gd c8gn c9g c9gd",
    (2, 384): "c8i c8ib c8id c8in",
    (4, 48): "d3en m5zn",
    (4, 64): "im4gn m4 m6g m6gd m7g m7gd m7i-flex m8i-flex",
    (4, 96): "m5 m5a m5ad m5d m5dn m5n",
    (4, 128): "m6i m6id m6idn m6in trn1 trn1n",
    (4, 192): "inf2 m6a m7a m7i m8a m8g m8gb m8gd m8gn m9g m9gd",
    (4, 384): "m8i m8ib m8id m8idb m8idn m8in",
    (7.625, 64): "i3 r4",
    (8, 32): "d3",
    (8, 48): "z1d",
    (8, 64): "i4g r6g r6gd r7g r7gd r8i-flex",
    (8, 96): "i3en r5 r5a r5ad r5b r5d r5dn r5n",
    (8, 128): "i4i r6i r6id r6idn r6in r7iz",
    (8, 192): "i7i i7ie i8g i8ge r6a r7a r7i r8a r8g r8gb r8gd r8gn r9g r9gd",
    (8, 384): "r8i r8ib r8id r8idb r8idn r8in",
    (15.25, 128): "x1",
    (16, 64): "x2gd",
    (16, 128): "x2idn",
    (16, 192): "x8g",
    (16, 384): "x8i",
    (30.5, 128): "x1e",
    (32, 48): "x2iezn",
    (32, 128): "x2iedn",
}
"""Families that grow evenly, by the GiB of memory that a vCPU has and the vCPUs of the largest size."""

_UNEVEN: Mapping[str, str] = {
    "c4": "large 2 3.75 0, xlarge 4 7.5 0, 2xlarge 8 15 0, 4xlarge 16 30 0, 8xlarge 36 60 0",
    "c5n": "large 2 5.25 0, xlarge 4 10.5 0, 2xlarge 8 21 0, 4xlarge 16 42 0, 9xlarge 36 96 0, 18xlarge 72 192 0",
    "d2": "xlarge 4 30.5 0, 2xlarge 8 61 0, 4xlarge 16 122 0, 8xlarge 36 244 0",
    "t2": "nano 1 0.5 0, micro 1 1 0, small 1 2 0, medium 2 4 0, large 2 8 0, xlarge 4 16 0, 2xlarge 8 32 0",
    "t3": "nano 2 0.5 0, micro 2 1 0, small 2 2 0, medium 2 4 0, large 2 8 0, xlarge 4 16 0, 2xlarge 8 32 0",
    "t3a": "nano 2 0.5 0, micro 2 1 0, small 2 2 0, medium 2 4 0, large 2 8 0, xlarge 4 16 0, 2xlarge 8 32 0",
    "t4g": "nano 2 0.5 0, micro 2 1 0, small 2 2 0, medium 2 4 0, large 2 8 0, xlarge 4 16 0, 2xlarge 8 32 0",
    "g4dn": "xlarge 4 16 1, 2xlarge 8 32 1, 4xlarge 16 64 1, 8xlarge 32 128 1, 12xlarge 48 192 4, 16xlarge 64 256 1",
    "g5": "xlarge 4 16 1, 2xlarge 8 32 1, 4xlarge 16 64 1, 8xlarge 32 128 1, 12xlarge 48 192 4, "
    "16xlarge 64 256 1, 24xlarge 96 384 4, 48xlarge 192 768 8",
    "g5g": "xlarge 4 8 1, 2xlarge 8 16 1, 4xlarge 16 32 1, 8xlarge 32 64 1, 16xlarge 64 128 2",
    "g6": "xlarge 4 16 1, 2xlarge 8 32 1, 4xlarge 16 64 1, 8xlarge 32 128 1, 12xlarge 48 192 4, "
    "16xlarge 64 256 1, 24xlarge 96 384 4, 48xlarge 192 768 8",
    "g6e": "xlarge 4 32 1, 2xlarge 8 64 1, 4xlarge 16 128 1, 8xlarge 32 256 1, 12xlarge 48 384 4, "
    "16xlarge 64 512 1, 24xlarge 96 768 4, 48xlarge 192 1536 8",
    "gr6": "4xlarge 16 128 1, 8xlarge 32 256 1",
    "p3": "2xlarge 8 61 1, 8xlarge 32 244 4, 16xlarge 64 488 8",
    "p3dn": "24xlarge 96 768 8",
    "p4d": "24xlarge 96 1152 8",
    "p4de": "24xlarge 96 1152 8",
    "p5": "4xlarge 16 256 1, 48xlarge 192 2048 8",
    "p5e": "48xlarge 192 2048 8",
    "p5en": "48xlarge 192 2048 8",
    "p6-b200": "48xlarge 192 2048 8",
    "hpc6a": "48xlarge 96 384 0",
    "hpc6id": "32xlarge 64 1024 0",
    "hpc7a": "12xlarge 24 768 0, 24xlarge 48 768 0, 48xlarge 96 768 0, 96xlarge 192 768 0",
    "hpc7g": "4xlarge 16 128 0, 8xlarge 32 128 0, 16xlarge 64 128 0",
}
"""Of each other family its sizes: name, vCPUs, GiB of memory, GPUs."""

_GENERAL = ("c4", "m4", "r4", "c5", "m5", "r5", "c6i", "m6i", "r6i", "c7i")
_STANDS_FOR: Mapping[str, tuple[str, ...]] = {
    "optimal": _GENERAL,
    "default_x86_64": _GENERAL,
    "default_arm64": ("c6g", "m6g", "r6g", "c7g"),
}
"""Names that stand for families; which of them, hangs on region and date, so all are counted
(https://docs.aws.amazon.com/batch/latest/userguide/create-compute-environment.html)."""

_NAMED = {"medium": 1, "large": 2, "xlarge": 4}
_TIMES = re.compile(r"(\d+)xlarge")
_RATIO = {family: row for row, families in _EVEN.items() for family in families.split()}


def sizes(name: str) -> tuple[Size, ...]:
    """The sizes that an entry of `instanceTypes` may bring: one type, those of a family, or of several.

    Of a family that grows evenly only the largest is told, since it holds whatever another does. Empty where the name
    is not known, or one of those that it stands for is not.
    """
    if name in _STANDS_FOR:
        return tuple(size for family in _STANDS_FOR[name] for size in sizes(family))
    family, _, size = name.partition(".")
    if family in _RATIO:
        return tuple(_even(name, family, size))
    known = tuple(_uneven(family)) if family in _UNEVEN else ()
    return tuple(one for one in known if not size or one.name == name)


def _even(name: str, family: str, size: str) -> Iterator[Size]:
    ratio, most = _RATIO[family]
    times = _TIMES.fullmatch(size)
    vcpus = most if not size else 4 * int(times[1]) if times else _NAMED.get(size, 0)
    if 0 < vcpus <= most:
        told = name if size else f"the largest {family}"
        yield Size(told, vcpus, round(vcpus * ratio * 1024))


def _uneven(family: str) -> Iterator[Size]:
    for row in _UNEVEN[family].split(", "):
        size, vcpus, memory, gpus = row.split()
        yield Size(f"{family}.{size}", float(vcpus), float(memory) * 1024, int(gpus))
