"""The tree of errors: drawn, raised, told, and sent between processes."""

import copy
import pickle
import re
from collections.abc import Iterator

import attrs
import pytest

from providers import errors
from providers.errors import (
    BatchwrightError,
    CallError,
    Fault,
    Interrupted,
    ManifestError,
    Rejected,
    SourceError,
    Throttled,
)


def below(kind: type[BatchwrightError]) -> Iterator[type[BatchwrightError]]:
    for child in kind.__subclasses__():
        # attrs makes a class with slots anew, and leaves the first one behind.
        if getattr(errors, child.__name__, None) is child:
            yield child
            yield from below(child)


ALL: list[type[BatchwrightError]] = [BatchwrightError, *below(BatchwrightError)]
NAMES = [kind.__name__ for kind in ALL]


def test_the_drawing_is_the_tree() -> None:
    """The docstring names every class, each below its parent."""
    drawing = (errors.__doc__ or "").split("\n\n")[1]
    drawn = re.findall(r"^([│ ├└─]*)(\w+)", drawing, re.MULTILINE)
    parents: list[str] = []
    for stem, name in drawn:
        depth = len(stem) // 4
        if depth:
            parent: type = getattr(errors, name).__mro__[1]
            assert parent.__name__ == parents[depth - 1]
        parents[depth:] = [name]
    assert set(NAMES) == {name for _, name in drawn}


@pytest.mark.parametrize("kind", ALL, ids=NAMES)
def test_an_error_survives_a_pipe(kind: type[BatchwrightError]) -> None:
    """Workers of other processes send theirs back; and it can be raised from another."""
    made = kind("what happened", address="job_queue.high", hint="do this")
    for other in (pickle.loads(pickle.dumps(made)), copy.copy(made)):
        assert type(other) is kind
        assert attrs.asdict(other) == attrs.asdict(made)
    with pytest.raises(kind) as caught:
        raise made from ValueError("why")
    assert isinstance(caught.value.__cause__, ValueError)
    assert "what happened" in str(made)
    assert isinstance(made, ManifestError) or str(made).startswith("job_queue.high: ")


@pytest.mark.parametrize("kind", ALL, ids=NAMES)
def test_an_error_ends_a_command_with_a_known_code(kind: type[BatchwrightError]) -> None:
    """1 error, 3 refused, 4 in part; what may be repeated is a call, or a fetch."""
    assert kind("what happened").exit_code in (1, 3, 4, 130)
    assert not kind.retryable or issubclass(kind, CallError | SourceError)


def test_an_interrupted_call_knows_its_exit_code() -> None:
    """As the command line ends with it: 128 and the number of the signal."""
    assert Interrupted("stopped").exit_code == 130
    assert Interrupted("stopped", signal=15).exit_code == 143


def test_a_call_is_told_in_awss_words() -> None:
    """With the operation, the code and the request that AWS's support asks for."""
    made = Rejected(
        "no such thing", address="job_queue.high", operation="UpdateJobQueue", code="ClientException", request_id="r1"
    )
    assert str(made) == "job_queue.high: UpdateJobQueue: no such thing (ClientException) [request r1]"
    assert str(Throttled("slow", operation="ListJobs")) == "ListJobs: slow"


def test_faults_are_told_one_a_line() -> None:
    """With their places as editors jump to them."""
    faults = (Fault("a.yaml", 3, 7, "stack", "is missing", "say it"), Fault("b.yaml", 0, 0, "", "is empty"))
    made = ManifestError("the manifest has 2 faults", faults=faults)
    assert str(made).splitlines() == [
        "the manifest has 2 faults",
        "a.yaml:3:7: stack: is missing (say it)",
        "b.yaml: is empty",
    ]
    assert attrs.evolve(made, hint="x").faults == faults
