"""Names of a package that are imported when they are first used, so that importing the package costs nothing."""

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any


def lazily(package: str, homes: Mapping[str, Iterable[str]]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and the `__dir__` of a package (PEP 562) whose names come from these modules of its own.

    A name is written as it is in its module, or as `there:here` where the package calls it otherwise.
    """
    found = {
        here or there: (f"{package}.{module}", there)
        for module, names in homes.items()
        for there, _, here in (name.partition(":") for name in names)
    }

    def get(name: str) -> Any:
        if name not in found:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, there = found[name]
        return getattr(import_module(module), there)

    def names() -> list[str]:
        return sorted({*vars(import_module(package)), *found})

    return get, names
