"""Programs that are not ours, and may be absent where the tests run."""

import os
import platform
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

PROVIDER = "terraform-provider-aws"
TERRAFORM = ("terraform", PROVIDER)
# Unpacked or packed: https://developer.hashicorp.com/terraform/cli/config/config-file
_FILES = (
    "5.100.0/{system}_{machine}/terraform-provider-aws_*",
    "terraform-provider-aws_5.100.0_{system}_{machine}.zip",
)
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
_DATA = "/usr/local/share:/usr/share"


def mirrors() -> Iterator[Path]:
    """Folders where Terraform looks for providers on this machine, those of its settings first; they need not exist."""
    home = Path.home()
    settings = Path(os.environ.get("TF_CLI_CONFIG_FILE", home / ".terraformrc"))
    if settings.is_file():
        found = re.findall(r'^\s*(?:path|plugin_cache_dir)\s*=\s*"(.+)"', settings.read_text(), re.MULTILINE)
        yield from map(Path, found)
    yield home / ".terraform.d/plugins"
    data = [os.environ.get("XDG_DATA_HOME", f"{home}/.local/share"), *os.environ.get("XDG_DATA_DIRS", _DATA).split(":")]
    yield from (Path(folder, "terraform/plugins") for folder in data)
    yield Path("/opt/tf-plugins")


def mirror() -> Path | None:
    """The mirror that holds the provider for AWS in the version of the tests; None where there is none."""
    machine = _MACHINES.get(platform.machine(), platform.machine())
    patterns = [pattern.format(system=sys.platform, machine=machine) for pattern in _FILES]
    for folder in mirrors():
        providers = folder / "registry.terraform.io/hashicorp/aws"
        if any(list(providers.glob(pattern)) for pattern in patterns):
            return folder
    return None


def find(program: str) -> str | None:
    """Where a program is: beside the Python that runs the tests first, then on the PATH; None where it is absent.

    Terraform's provider for AWS is no command: where it is, is the mirror that holds it. Debian keeps the programs of
    PostgreSQL's servers off the PATH.
    """
    if program == PROVIDER:
        folder = mirror()
        return None if folder is None else str(folder)
    places = (Path(sys.executable).parent, None, *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))
    found = (shutil.which(program, path=None if place is None else str(place)) for place in places)
    return next(filter(None, found), None)


def path(program: str) -> str:
    """Where a program is that must be there; a test that calls this carries `needs`."""
    found = find(program)
    assert found is not None, f"{program} is absent"
    return found


def absent(programs: Iterable[str]) -> list[str]:
    return [program for program in programs if find(program) is None]
