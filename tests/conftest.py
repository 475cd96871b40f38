"""Options of the whole run, and `needs`: what a test cannot do without, and what happens where it is absent."""

import functools
from collections import Counter
from collections.abc import Iterator

import hypothesis
import pytest
from botocore.loaders import JSONFileLoader

from tests.programs import absent


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("batchwright")
    group.addoption("--strict-programs", action="store_true", help="An absent program is a failure, not a skip.")
    group.addoption("--aws", action="store_true", help="Run the contract on the AWS account at hand; it costs time.")
    group.addoption("--record", metavar="FILE", help="With --aws: add what is said and answered to this file.")


def pytest_configure(config: pytest.Config) -> None:
    # The same examples in every run, and no clock: a busy machine is no fault of a test.
    hypothesis.settings.register_profile("house", derandomize=True, deadline=None)
    hypothesis.settings.load_profile("house")
    config.addinivalue_line("markers", "needs(program, ...): programs that the test calls, which may be absent")


@pytest.fixture(scope="session", autouse=True)
def _each_file_of_botocore_is_read_once() -> Iterator[None]:
    """A process of ours has one session and reads botocore's data once; these tests have hundreds in one process."""
    loaded = JSONFileLoader.load_file
    reader = JSONFileLoader()
    read = functools.cache(lambda path: loaded(reader, path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", lambda _self, path: read(path))
        yield


def pytest_runtest_setup(item: pytest.Item) -> None:
    missing = absent(name for mark in item.iter_markers("needs") for name in mark.args)
    if not missing:
        return
    # Properties of a report survive the way from a worker of pytest-xdist to the summary.
    item.user_properties += [("absent", name) for name in missing]
    told = f"needs {', '.join(missing)}"
    if item.config.getoption("--strict-programs"):
        pytest.fail(told, pytrace=False)
    pytest.skip(told)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what was not run, and for want of what."""
    reports = [*terminalreporter.stats.get("skipped", ()), *terminalreporter.stats.get("error", ())]
    missing = Counter(
        value
        for report in reports
        if isinstance(report, pytest.TestReport)
        for name, value in report.user_properties
        if name == "absent"
    )
    if missing:
        terminalreporter.section("not run")
        for program, tests in sorted(missing.items()):
            terminalreporter.line(f"{program} is absent: {tests} {'test' if tests == 1 else 'tests'}")
