"""What other tools may import, and what importing it costs."""

import subprocess
import sys

import pytest

import reconciler


def test_the_public_names_are_these() -> None:
    """The package's face: each name is there, listed, and of the module that owns it."""
    assert reconciler.__all__ == ["Reconciler", "Settings", "load"]
    assert set(reconciler.__all__) <= set(dir(reconciler))
    homes = {name: getattr(reconciler, name).__module__ for name in reconciler.__all__}
    assert homes == {
        "Reconciler": "reconciler.engine",
        "Settings": "reconciler.engine",
        "load": "reconciler.files",
    }


def test_any_other_name_is_an_attribute_error() -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match="module 'reconciler' has no attribute 'Reconsiler'"):
        _ = reconciler.Reconsiler


def test_the_package_is_imported_without_boto3() -> None:
    """The command line lives in it and must start at once."""
    heavy = "boto3", "botocore", "networkx", "deepdiff", "rich", "attrs", "reconciler.engine"
    script = f"import sys, reconciler; print([name for name in {heavy} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
