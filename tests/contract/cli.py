"""The AWS CLI, unchanged, driven within this process: one of its own costs a second for each command."""

import contextlib
import importlib
import io
import json
import os
import shlex
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from providers.clock import ManualClock
from tests import servers
from tests.kit import REGION

Json = dict[str, Any]


@attrs.frozen
class Cli:
    """The AWS CLI at the address of a simulator whose clock is at hand."""

    driver: Any
    url: str
    clock: ManualClock
    region: str = REGION

    def run(self, command: str) -> tuple[int, str, str]:
        """The exit code, the output and what went to standard error, of a command as a shell would read it."""
        out, err = io.StringIO(), io.StringIO()
        options = ("--endpoint-url", self.url, "--region", self.region, "--output", "json")
        arguments = ["batch", *shlex.split(command), *options]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = self.driver.main(arguments)
        return code, out.getvalue(), err.getvalue()

    def aws(self, command: str) -> Json:
        """What a command answers, and two minutes go by."""
        code, out, err = self.run(command)
        assert code == 0, err
        self.clock.sleep(120)
        answer: Json = json.loads(out or "{}")
        return answer

    def refused(self, command: str) -> str:
        """What a command is refused with; the CLI ends with 255 then."""
        code, _, err = self.run(command)
        assert code == 255
        return err


@contextlib.contextmanager
def driver() -> Iterator[Any]:
    """The driver of the CLI, with no settings but credentials that are good for any server of ours."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**servers.KEYS, "AWS_DEFAULT_REGION": REGION, "AWS_PAGER": ""}.items():
            patch.setenv(name, value)
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            patch.setenv(name, os.devnull)
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"):
            patch.delenv(name, raising=False)
        yield importlib.import_module("awscli.clidriver").create_clidriver()
