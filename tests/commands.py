"""Commands run as a user runs them: processes of their own, with no settings but those given."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import attrs

from tests import programs
from tests.servers import KEYS, REGION

PATIENCE = 60


@attrs.frozen
class Shell:
    """Runs commands at home in an empty folder, where they find credentials that are good for any server of ours."""

    home: Path

    @property
    def environ(self) -> Mapping[str, str]:
        return {
            **KEYS,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_PAGER": "",
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "XDG_STATE_HOME": str(self.home / "state"),
        }

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program to its end; whatever code it ends with is the caller's to look at."""
        return subprocess.run(
            [programs.path(program), *arguments],
            cwd=self.home,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
