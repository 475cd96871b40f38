"""The table of known pains is whole, and each row is held by a test that is there and speaks of it."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import attrs

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/known-pains.md"
PAINS = sorted((ROOT / "tests/lifecycle").glob("test_pains*.py"))
REPORTS: Mapping[str, tuple[int, ...]] = {
    "ASFHyP3/hyp3": (2965,),
    "AlexsLemonade/refinebio": (3376,),
    "Netflix/metaflow": (138,),
    "ansible-collections/community.aws": (147,),
    "astronomer/astronomer-providers": (413,),
    "aws-cloudformation/cloudformation-coverage-roadmap": (1230, 1761, 2270, 2463),
    "aws-samples/aws-genomics-workflows": (105,),
    "aws/aws-cdk": (6427, 6686, 9144, 16328, 20727, 21988, 25206, 27054, 28137, 31621),
    "aws/containers-roadmap": (2032,),
    "awslabs/LISA": (1007,),
    "ekristen/aws-nuke": (674,),
    "flatironinstitute/dendro-old": (109,),
    "go-to-k/cdk-real-drift": (1501,),
    "hashicorp/terraform-provider-aws": (
        *(2044, 4788, 5097, 8083, 8549, 11077, 11777, 13221, 15535, 18638, 19624, 24374, 26930, 31226, 32927, 33376),
        *(36384, 36824, 37440, 44644, 46925, 49311),
    ),
    "nextstrain/cli": (144,),
    "opensupplyhub/open-apparel-registry": (2043,),
    "pegasus-isi/pegasus": (2088,),
    "pulumi/pulumi-aws": (4656, 6233),
    "terraform-aws-modules/terraform-aws-batch": (5, 9),
}
PULL_REQUESTS = {"AlexsLemonade/refinebio#3376", "awslabs/LISA#1007"}


@attrs.frozen
class Row:
    """What a row of the table reports, as `owner/repository#number`, and the tests that hold it, as `path::name`."""

    reports: tuple[str, ...]
    links: tuple[str, ...]
    cells: tuple[str, ...]
    tests: tuple[str, ...]


def rows() -> Iterator[Row]:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")][2:]
    for line in lines:
        first, *cells, last = (cell.strip() for cell in line.strip("|").split("|"))
        links = re.findall(r"\[([^]]+)\]\(([^)]+)\)", first)
        tests = tuple(re.findall(r"`([^`]+)`", last))
        yield Row(tuple(name for name, _ in links), tuple(link for _, link in links), tuple(cells), tests)


@cache
def functions(path: Path) -> Mapping[str, str]:
    """The tests of a file, and what each says that it holds."""
    found = ast.parse(path.read_text(encoding="utf-8")).body
    return {
        one.name: ast.get_docstring(one) or ""
        for one in found
        if isinstance(one, ast.FunctionDef) and one.name.startswith("test_")
    }


def test_the_table_has_every_report_once() -> None:
    """Forty-four rows, each with a pain, what happens elsewhere and here, and links to GitHub."""
    table = list(rows())
    assert len(table) == 44
    reports = [report for row in table for report in row.reports]
    assert sorted(reports) == sorted(f"{name}#{number}" for name, numbers in REPORTS.items() for number in numbers)
    for row in table:
        assert len(row.cells) == 3, row.reports
        assert all(row.cells), row.reports
        for report, link in zip(row.reports, row.links, strict=True):
            name, _, number = report.partition("#")
            sort = "pull" if report in PULL_REQUESTS else "issues"
            assert link == f"https://github.com/{name}/{sort}/{number}"


def test_every_row_is_held_by_tests_that_are_there() -> None:
    """And those that were written for a report name it."""
    for row in rows():
        assert row.tests, row.reports
        for test in row.tests:
            path, _, name = test.partition("::")
            told = functions(ROOT / path).get(name)
            assert told is not None, test
            numbers = {f"#{report.partition('#')[2]}" for report in row.reports}
            assert ROOT / path not in PAINS or numbers & set(re.findall(r"#\d+", told)), test


def test_every_test_of_a_report_stands_in_the_table() -> None:
    """None was written for a row that is not there."""
    held = {test for row in rows() for test in row.tests}
    written = {f"{path.relative_to(ROOT).as_posix()}::{name}" for path in PAINS for name in functions(path)}
    assert len(PAINS) == 3
    assert written <= held
