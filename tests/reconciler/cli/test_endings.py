"""How commands end: exit codes, messages without tracebacks, and what a user can do wrong."""

import errno
import io
import os
import signal
import sys
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.errors import Interrupted
from providers.simulator import Simulator, Store
from reconciler.cli import batchwright, run
from reconciler.cli.interrupts import breaking, interruptible
from reconciler.cli.terminal import Terminal
from tests import servers
from tests.reconciler.cli.conftest import FAST, SMALL, Cli
from tests.reconciler.cli.test_applying import live
from tests.reconciler.cli.test_planning import edited


def verb_named(name: str) -> click.Command:
    verb = batchwright.get_command(click.Context(batchwright), name)
    assert verb is not None
    return verb


COMMANDS = {name: verb_named(name) for name in batchwright.list_commands(click.Context(batchwright))}
VERBS = [*COMMANDS]
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


def test_help_is_a_summary_a_verb(cli: Cli) -> None:
    """`--help` lists every verb with a summary that fits its line, and the exit codes."""
    said = cli("--help")
    assert (said.code, said.err) == (0, "")
    assert "..." not in said.out.partition("Commands:")[2]
    assert "3 refused" in said.out
    for verb in VERBS:
        assert f"\n  {verb} " in said.out
        assert COMMANDS[verb].get_short_help_str(200).rstrip(".") in " ".join(said.out.split())


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_help(cli: Cli, verb: str) -> None:
    """`--help` and `-h` of each verb show its usage and what each of its options is for."""
    said = cli(verb, "--help")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"Usage: batchwright {verb} ")
    assert cli(verb, "-h").out == said.out
    options = [it for it in COMMANDS[verb].params if isinstance(it, click.Option)]
    assert all(option.help for option in options)


def test_options_of_a_run_are_explained(cli: Cli) -> None:
    """What may change how a run ends is told in the help of apply."""
    text = " ".join(cli("apply", "--help").out.split())
    for words in (
        "--only ADDRESS",
        "--drain [refuse|wait|cancel|terminate]",
        "--no-jobs",
        "--timeout SECONDS",
        "--lock LOCK",
        "s3://BUCKET/KEY",
        "BATCHWRIGHT_LOCK",
    ):
        assert words in text
    assert "looked at again right before it is changed" in text


def test_the_version(cli: Cli) -> None:
    """`--version` names the program."""
    assert cli("--version").out.startswith("batchwright ")


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("nothing",),
        ("plan",),
        ("plan", "--nothing", "x"),
        ("plan", "x", "--provider", "another"),
        ("plan", "x", "--speed", "fast"),
        ("plan", "x", "--speed", "0"),
        ("plan", "x", "--speed", "-1"),
        ("plan", "x", "--speed", "nan"),
        ("plan", "x", "--speed", "inf"),
        ("plan", "x", "--max-api-rate", "nan"),
        ("plan", "x", "--max-api-rate", "0"),
        ("plan", "x", "--parallelism", "0"),
        ("plan", "x", "--parallelism", "65"),
        ("apply", "x", "--timeout", "nan"),
        ("apply", "x", "--timeout", "inf"),
        ("apply", "x", "--timeout", "0"),
        ("apply", "x", "--lock", "iron"),
        ("apply", "x", "--drain", "always"),
        ("graph", "x", "--format", "svg"),
        ("simulator",),
        ("simulator", "nothing"),
        ("simulator", "serve", "--port", "65536"),
        ("simulator", "job", "queue"),
        ("simulator", "job", "queue", "definition", "--count", "0"),
        ("simulator", "job", "queue", "definition", "--exit-code", "256"),
    ],
)
def test_usage_errors_end_with_one(cli: Cli, words: tuple[str, ...]) -> None:
    """A command line that is none ends with 1, not with click's 2, and says so on stderr."""
    said = cli(*words)
    assert (said.code, said.out) == (1, "")
    assert said.err


@pytest.mark.parametrize("words", [("plan", "--json"), ("plan", "--json", "--nothing"), ("apply", "x", "--json", "y")])
def test_an_error_under_json_is_one_object(cli: Cli, words: tuple[str, ...]) -> None:
    """Under `--json` an error is one object on stdout and nothing on stderr, a usage error too."""
    said = cli(*words)
    assert (said.code, said.err) == (1, "")
    assert set(said.json) >= {"error", "message", "hint", "exit_code"}
    assert said.json["exit_code"] == 1


BAD: Mapping[str, tuple[str | bytes, str]] = {
    "unknown field": (SMALL.replace("priority", "priorty"), ":5:10: jobQueues.high.priorty"),
    "wrong type": (SMALL.replace("priority: 5", "priority: [5]"), ":5:20: jobQueues.high.priority"),
    "missing member": (SMALL.replace("priority: 5, ", ""), ":5:"),
    "bad enum": (SMALL.replace("UNMANAGED", "UNMANGED"), ":3:"),
    "bad name": (SMALL.replace("fast:", '"fa st":'), ":3:"),
    "a reference to nothing": (SMALL.replace("[fast]", "[{stack: small, name: slow}]"), ":5:"),
    "a duplicate key": (SMALL + "stack: again\n", ":11:1: "),
    "an alias bomb": (
        "stack: s\na: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
        ),
        "m.yaml",
    ),
    "an unknown tag": ("stack: !!python/object:os.system x\n", ":1:8"),
    "a file of 11 MiB": ("#" + "x" * 11 * 1024 * 1024, "10 MiB"),
    "no UTF-8": (b"stack: \xff\xfe\n", ":1:"),
    "nothing": ("", "empty"),
    "no YAML": ("{", ":"),
    "a list": ("- 1\n", ":1:1"),
    "depth": ("stack: " + "[" * 20_000, ":1:"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_manifests(cli: Cli, home: Path, name: str) -> None:
    """Whatever is wrong with a manifest is told with its place, and ends with 1, for each verb that reads one."""
    text, place = BAD[name]
    (home / "m.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    for verb in ("validate", "plan", "apply"):
        said = cli(verb, "m.yaml")
        assert (said.code, said.out) == (1, ""), verb
        assert said.err.startswith("Error: the manifest has ")
        assert "m.yaml" in said.err
        assert place in said.err


def test_paths_that_are_none(cli: Cli, home: Path) -> None:
    """A missing path, a folder without manifests and a file that is a folder on the way end with 1."""
    (home / "empty").mkdir()
    (home / "file").write_text("")
    for path in ("nowhere", "empty", "file/inside", ""):
        for verb in ("validate", "plan", "apply", "drift", "graph", "output"):
            said = cli(verb, path)
            assert (said.code, said.out) == (1, ""), (verb, path)
            assert said.err.startswith("Error: ")


def test_a_reference_to_what_nobody_has(cli: Cli, small: Path) -> None:
    """A name that is neither in the manifest nor live is refused by the plan."""
    edited(small, "[fast]", "[slow]")
    assert cli("validate", small).code == 0
    said = cli("plan", small, *FAST)
    assert said.code == 3
    assert "slow" in said.out


def test_a_damaged_simulator_file(cli: Cli, small: Path, home: Path) -> None:
    """A file that is no simulator's is an error that says how to go on, for all who open it."""
    (home / "s.db").write_text("garbage")
    for words in (("plan", small), ("simulator", "show"), ("simulator", "reset")):
        provider = ("--provider", "simulator") if words[0] == "plan" else ()
        said = cli(*words, *provider, "--simulator-file", "s.db")
        assert said.code == 1
        assert "s.db: file is not a database" in said.err
        assert "--simulator-file" in said.err


def test_a_simulator_file_whose_time_has_run_out(cli: Cli, small: Path, home: Path) -> None:
    """Simulated time that has run past the calendar is an error that says how to go on."""
    store = Store.open(home / "s.db", 0.0, 1_000_000.0)
    store.close()
    said = cli("plan", small, "--provider", "simulator", "--simulator-file", "s.db")
    assert said.code == 1
    assert "its time has run past all calendars" in said.err


@pytest.mark.usefixtures("keys")
def test_a_region_that_is_none(cli: Cli, small: Path) -> None:
    """A region that no endpoint can have is an error, of the simulator as of AWS."""
    for provider in ("simulator", "aws"):
        said = cli("plan", small, "--region", "eu west!", "--provider", provider)
        assert said.code == 1
        assert "region" in said.err


def test_no_credentials(cli: Cli, small: Path) -> None:
    """Without credentials a command ends with 1 and says where they could come from."""
    said = cli("plan", small)
    assert said.code == 1
    assert said.err.startswith("Error: there are no credentials to call AWS with\n  → set AWS_PROFILE")


@pytest.mark.usefixtures("keys")
def test_no_region(cli: Cli, small: Path) -> None:
    """Without a region a command ends with 1 and says how to give one."""
    said = cli("plan", small)
    assert said.code == 1
    assert said.err.startswith("Error: there is no region to work in\n  → give --region")


def test_an_unknown_profile(cli: Cli, small: Path) -> None:
    """A profile that is not there ends with 1 and names those that are."""
    said = cli("plan", small, "--profile", "nobody")
    assert said.code == 1
    assert "profiles that there are: none" in said.err


@pytest.mark.usefixtures("keys")
def test_aws_has_no_speed(cli: Cli, small: Path) -> None:
    """`--speed` without simulator or endpoint, and an endpoint beside the simulator, are mistakes."""
    assert cli("plan", small, "--region", "eu-west-1", "--speed", "2").code == 1
    assert cli("plan", small, "--provider", "simulator", "--endpoint-url", "http://127.0.0.1:1").code == 1


@pytest.mark.usefixtures("keys")
def test_an_endpoint_that_is_down(cli: Cli, small: Path) -> None:
    """An endpoint that does not answer is tried for half a minute, which is told once, and ends with 1."""
    words = ("plan", small, "--region", "eu-west-1", "--endpoint-url", "http://127.0.0.1:9", "--speed", "1000")
    said = cli(*words)
    assert (said.code, said.out) == (1, "")
    lines = said.err.splitlines()
    assert "Could not connect to the endpoint URL" in lines[-2]
    retries = [line for line in lines if "will be tried again" in line]
    assert len(retries) == 1
    assert cli(*words, "--json").json["error"] == "Unreachable"


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_BATCH", "AWS_ENDPOINT_URL", ""])
def test_the_endpoint_is_told(cli: Cli, small: Path, home: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Wherever the endpoint came from, the plan shows it, and a run behind it has a lock of its own."""
    store = Store.open(home / "served.db", 0.0, 1000.0)
    with servers.simulator(Simulator(store, store.clock())) as (url, _):
        words: tuple[str, ...] = ("--region", "eu-west-1", "--speed", "1000")
        if name:
            monkeypatch.setenv(name, url)
        else:
            words = (*words, "--endpoint-url", url)
        said = cli("plan", small, "--json", *words)
        assert said.code == 0, said
        assert said.json["target"]["endpointUrl"] == url
        assert f"endpoint {url}" in cli("plan", small, *words).out.splitlines()[0]
        assert cli("apply", small, "--auto-approve", *words).code == 0
        assert cli("apply", small, "--auto-approve", "--provider", "simulator", "--region", "eu-west-1").code == 0
    store.close()
    assert len([*(home / "state" / "batchwright").glob("*.lock")]) == 2


def test_several_lines_of_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """An error of several lines keeps them, and nothing in it can move the cursor."""
    Terminal().error("one\ntwo\x1b[2J", "three")
    assert capsys.readouterr().err == "Error: one\n  two\\x1b[2J\n  → three\n"


@pytest.mark.parametrize(("settings_", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)])
def test_colour(monkeypatch: pytest.MonkeyPatch, settings_: dict[str, str], coloured: bool) -> None:
    """Only a terminal takes colour, and neither `--no-color` nor a NO_COLOR that says something lets it."""
    for key, value in settings_.items():
        monkeypatch.setenv(key, value)
    assert not Terminal().coloured
    monkeypatch.setattr(sys, "stdout", _Screen())
    assert Terminal().coloured is coloured
    assert not Terminal(color=False).coloured


def test_a_closed_stream(monkeypatch: pytest.MonkeyPatch, small: Path) -> None:
    """A shell can close stdin, stdout and stderr: a command ends as ever."""
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    assert run(["apply", str(small), *FAST]) == 3
    assert run(["plan", str(small), *FAST]) == 0


def test_an_encoding_that_lacks_letters(monkeypatch: pytest.MonkeyPatch, small: Path) -> None:
    """What the encoding of stdout lacks is escaped."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    assert run(["plan", str(small), *FAST]) == 0
    assert b"account 123456789012 \\xb7 region" in raw.getvalue()


@pytest.mark.parametrize(("number", "code"), [(errno.EPIPE, 0), (errno.ENOSPC, 1)])
def test_a_stdout_that_takes_no_more(
    monkeypatch: pytest.MonkeyPatch, home: Path, small: Path, number: int, code: int
) -> None:
    """A reader that has gone is no error, a full disk is; an apply goes on to its end in either case."""
    with (home / "swallowed").open("w") as under:
        monkeypatch.setattr(sys, "stdout", _Broken(under.fileno(), number))
        assert run(["apply", str(small), "--auto-approve", "--json", *FAST]) == code
        monkeypatch.undo()
    assert {"fast", "high", "job:1"} <= live(home)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks(number: signal.Signals) -> None:
    """Within a run the first signal completes a future with its number; after it the handlers are as they were."""
    before = signal.getsignal(number)
    with interruptible() as stop:
        assert not stop.done()
        os.kill(os.getpid(), number)
        assert stop.result(timeout=5) == number
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_breaks_off_waiting_for_the_user(number: signal.Signals) -> None:
    """While the user is asked a signal ends the command at once; after it the handlers are as they were."""
    before = signal.getsignal(number)
    with pytest.raises(Interrupted) as caught, breaking(Future()):
        _wait_for(number)
    assert caught.value.signal == number
    assert signal.getsignal(number) is before


def test_a_user_is_not_waited_for_after_a_signal() -> None:
    """A signal that came before the user is asked counts as well."""
    stop: Future[int] = Future()
    stop.set_result(signal.SIGTERM)
    with pytest.raises(Interrupted) as caught, breaking(stop):
        pytest.fail("the user is asked")
    assert caught.value.signal == signal.SIGTERM


@pytest.mark.parametrize("verb", ["history", "plan"])
def test_an_interrupt_is_no_traceback(cli: Cli, small: Path, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    """Ctrl-C ends a command with 130 also where nothing listens for it yet."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("reconciler.cli.options.parse", interrupted)
    said = cli(verb, small, *FAST)
    assert said.code == 130
    assert "interrupted; nothing was changed" in said.err
    assert cli(verb, small, "--json", *FAST).json["exit_code"] == 130


def _wait_for(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    signal.pause()


class _Screen(io.StringIO):
    """What says that it is a terminal."""

    def isatty(self) -> bool:
        return True


class _Broken(io.StringIO):
    """A stream that fails."""

    def __init__(self, descriptor: int, number: int) -> None:
        super().__init__()
        self.descriptor, self.number = descriptor, number

    def write(self, _: str) -> int:
        raise OSError(self.number, "as the test wants it")

    def fileno(self) -> int:
        return self.descriptor


_WORDS = st.sampled_from(
    [
        *VERBS,
        *(option for command in COMMANDS.values() for it in command.params for option in it.opts),
        *(
            "show",
            "reset",
            "small.yaml",
            "plan.json",
            "nowhere",
            ".",
            "",
            "-",
            "--",
            "1",
            "-1",
            "nan",
            "job_queue.high",
        ),
        *("x=1", "file", "none", "simulator", "mermaid", "eu-west-1", "plan", "\u202e", "\x1b[2J", "\udcff"),
    ]
)


@pytest.mark.usefixtures("small")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(verb=st.sampled_from([verb for verb in VERBS if verb != "simulator"]), words=st.lists(_WORDS, max_size=6))
def test_no_command_line_ends_in_a_traceback(verb: str, words: list[str]) -> None:
    """Whatever the arguments, a command ends with one of the codes of the house."""
    assert run([verb, *words]) in (0, 1, 2, 3, 4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(st.binary(max_size=200), st.text(alphabet="stack: s\n{}[]&*!?|>-#%@`'\",jobQueues", max_size=80))
)
def test_no_manifest_ends_in_a_traceback(home: Path, content: bytes | str) -> None:
    """Whatever stands in a file, it is a manifest, or an error."""
    path = home / "any.yaml"
    with suppress(UnicodeEncodeError):
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert run(["validate", str(path)]) in (0, 1)
    assert run(["show", str(path)]) in (0, 1)
