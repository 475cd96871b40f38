"""Options of the whole run, and `needs`: what a test cannot do without, and what happens where it is absent."""

import functools
import gc
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from botocore.client import ClientCreator
from botocore.hooks import EventAliaser, HierarchicalEmitter
from botocore.loaders import Loader, create_loader
from botocore.model import ServiceModel

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
    config.addinivalue_line("markers", "unmeasured: lines are not counted, since other tests have been there")
    config.addinivalue_line("markers", "needs(program, ...): programs that the test calls, which may be absent")


def pytest_collection_finish() -> None:
    # What there is now stays to the end: a collection of garbage need not look through it again each time.
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _what_is_the_same_for_all_is_made_once() -> Iterator[None]:
    """A process of ours has one session and one client of a service; these tests have thousands in one process.

    botocore's data, its model of a service and the present name of an event follow from its files alone, and so does
    our own model of them.
    """
    # Not imported with this file, which is read before the lines that run are counted.
    from providers import model

    aliases: Any = EventAliaser(HierarchicalEmitter())
    renamed = functools.cache(aliases._alias_event_name)

    @functools.cache
    def described(loader: Loader, service: str, version: str | None) -> ServiceModel:
        return ServiceModel(loader.load_service_model(service, "service-2", api_version=version), service)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model, "load", functools.cache(model.load))
        patch.setattr("botocore.session.create_loader", functools.cache(create_loader))
        patch.setattr(
            ClientCreator,
            "_load_service_model",
            lambda self, service, version=None: described(self._loader, service, version),
        )
        patch.setattr(EventAliaser, "_alias_event_name", lambda _self, name: renamed(name))
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Take coverage's tracer away from what is unmeasured."""
    tracer = sys.gettrace()
    if item.get_closest_marker("unmeasured"):
        sys.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(tracer)


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
