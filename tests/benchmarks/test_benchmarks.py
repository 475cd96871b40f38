"""The benchmarks run, and what they tell is well-formed; how fast anything is, is not looked at here."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import __main__ as command
from benchmarks import baseline, plot, showing
from benchmarks.frame import PYTHON, Row, Setting, Skipped, held_against, in_turns, spend
from benchmarks.measure import MEASUREMENTS, measured
from benchmarks.sampling import PARTS, part
from benchmarks.watched import Scene
from reconciler.settings import Settings
from tests import kit

ROOT = Path(__file__).parent.parent.parent
SLOW = Row("slow", 3.0, 1.0, "another", ratio=3.0, spread=0.1, target=2.0, note="twice <at most>")
FAST = Row("fast & small", 1.0, 2.0, "another", ratio=0.5, target=1.0)
ALONE = Row("memory", 87.4, unit="MiB")
GONE = Skipped("Terraform", "there is none")


def test_a_run_tells_json_a_table_and_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A measurement runs in a process of its own; its rows come out as a table, as JSON and as an SVG."""
    told, drawn = tmp_path / "rows.json", tmp_path / "rows.svg"
    command.main(["--only", "help", "--rounds", "1", "--json", str(told), "--plot", str(drawn)])
    rows = json.loads(told.read_text())["rows"]
    assert [row["name"] for row in rows] == ["--help", "--help, of Python's own start"]
    assert all(row["ratio"] > 0 for row in rows)
    assert capsys.readouterr().out.splitlines()[1].startswith("--help ")
    assert ElementTree.fromstring(drawn.read_text()).tag.endswith("svg")


@pytest.mark.parametrize("line", ["--page page.md --only help", "--quick --keep", "--only nothing"])
def test_what_makes_no_sense_is_refused(line: str) -> None:
    """A page takes all measurements, a quick run is no baseline, and a measurement has a name."""
    with pytest.raises(SystemExit):
        command.arguments(line.split())


def test_every_measurement_has_its_function() -> None:
    """A name that can be asked for leads to a function."""
    assert command.arguments([]).only == list(MEASUREMENTS)
    for where in MEASUREMENTS.values():
        module, _, function = where.partition(":")
        assert f"\ndef {function}(setting: Setting) -> Rows:" in (ROOT / f"benchmarks/{module}.py").read_text()


def test_what_a_program_is_needed_for_is_left_out_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Terraform and Ansible it is said that there are none."""
    monkeypatch.setenv("PATH", str(tmp_path))
    setting = Setting(tmp_path)
    assert list(measured("terraform", setting)) == [
        Skipped("Terraform with hashicorp/aws", "there is no terraform on the PATH")
    ]
    (ansible,) = measured("ansible", setting)
    assert isinstance(ansible, Skipped)


def test_a_row_is_what_was_measured_in_turns() -> None:
    """The first turn warms up and is not counted; the ratio is that of the turn in the middle."""
    ours, theirs = iter([9.0, 2.0, 4.0, 9.0]), iter([1.0, 1.0, 1.0, 3.0])
    mine, others = in_turns(3, lambda: next(ours), lambda: next(theirs))
    row = held_against("it", mine, others, "another", target=3.0)
    assert (row.ours, row.theirs, row.ratio, row.met) == (4.0, 1.0, 3.0, True)
    assert row.spread == pytest.approx(1 / 3)
    assert Row.of_json(row.to_json()) == row


def test_a_table_tells_what_is_met() -> None:
    """Each row has its line, met or not, and what was left out follows."""
    head, slow, fast, alone, gone = showing.table([SLOW, FAST, ALONE], [GONE]).splitlines()
    assert head.split() == list(filter(None, " ".join(showing.HEAD).split()))
    assert slow.split() == ["slow", "3,000", "ms", "1,000", "ms", "3", "±", "10", "%", "≤", "2", "no", "another"]
    assert " yes " in fast
    assert alone.split() == ["memory", "87", "MiB"]
    assert gone == "not measured: Terraform: there is none"


def test_a_picture_has_a_bar_for_each_ratio() -> None:
    """What is held against nothing and has no goal is not drawn."""
    drawn = ElementTree.fromstring(plot.svg([SLOW, FAST, ALONE]))
    texts = ["".join(text.itertext()) for text in drawn.iter() if text.tag.endswith("text")]
    assert {"slow", "fast & small"} < set(texts)
    assert "memory" not in texts


def test_a_page_is_renewed_between_its_markers(tmp_path: Path) -> None:
    """What stands around the markers stays, and to renew twice is to renew once."""
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- figures: by make -->\nold\n<!-- end of figures -->\nafter\n")
    for _ in range(2):
        showing.renew(page, "figures", showing.markdown([SLOW], [GONE]))
        text = page.read_text()
        assert text.startswith("before\n<!-- figures: by make -->\n")
        assert text.endswith("<!-- end of figures -->\nafter\n")
        assert "old" not in text
        assert text.count("| slow |") == 1


def test_what_got_worse_is_told(tmp_path: Path) -> None:
    """More than 15 % above the baseline is worth a sentence; seconds alone are not compared."""
    file = tmp_path / "baseline.json"
    baseline.keep([SLOW, FAST, Row("seconds", 1.0, target=2.0)], file)
    assert json.loads(file.read_text()) == {"fast & small": 0.5, "slow": 3.0}
    worse = Row("slow", 3.5, 1.0, "another", ratio=3.5)
    assert baseline.worse([SLOW, FAST], file) == []
    assert baseline.worse([worse], file) == ["slow: 3.5, and it was 3"]


def test_an_apply_is_watched_in_simulated_time() -> None:
    """The bound of an environment and a queue on it is what both take, and nobody looks less than an oracle."""
    text = kit.cut(kit.LAB, "jobDefinitions:")
    watched = Scene(Settings(max_api_rate=200.0, state=None)).apply(text)
    assert watched.bound(Settings(max_api_rate=200.0)) == pytest.approx(40 + 10 + 4 * 0.1)
    assert watched.report.seconds >= watched.bound(Settings(max_api_rate=200.0))
    assert {wait.kind for wait in watched.waits} >= {"compute_environment", "job_queue"}
    assert 1 <= watched.oracle <= watched.looks
    assert all(wait.noticed >= wait.settled for wait in watched.waits)


def test_a_moment_belongs_to_the_innermost_part() -> None:
    """Modules that parts are named after are there, and a moment outside them all is told as such."""
    for module in PARTS:
        if module.partition(".")[0] in ("plans", "providers", "reconciler"):
            path = ROOT / module.replace(".", "/")
            assert path.is_dir() or path.with_suffix(".py").exists(), module
    assert part(None) == "other"


def test_the_page_of_performance_can_be_renewed() -> None:
    """It has the places that `make performance` fills, and names no file that is not there."""
    page = (ROOT / "docs/performance.md").read_text(encoding="utf-8")
    for name in ("figures", "breakdown"):
        assert re.search(rf"<!-- {name}: .*?-->\n.*?<!-- end of {name} -->", page, re.DOTALL)
    for target in re.findall(r"\]\(([^)#:]+)\)", page):
        assert (ROOT / "docs" / target).exists(), target


def test_a_peak_of_memory_is_that_of_the_process_itself(tmp_path: Path) -> None:
    """However much the one that started it holds."""
    held = bytearray(300 << 20)
    held[::4096] = b"x" * len(held[::4096])
    told = spend(tmp_path, PYTHON, "-m", "benchmarks.peak", "--help").printed
    assert len(held) == 300 << 20
    assert int(told.splitlines()[-1]) < 150
