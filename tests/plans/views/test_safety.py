"""No text from AWS or a manifest can be anything but text in any view."""

import re
import time
from html.parser import HTMLParser

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from plans.plan import Plan
from plans.printable import plain
from plans.report import Report
from plans.views import diagram, markdown, page, terminal
from providers.resources import Address
from tests.plans.strategies import plans, reports, texts
from tests.plans.views.examples import HOSTILE, HOSTILE_PLAN, HOSTILE_REPORT, MIXED, PLANS

_OWN_CODE = re.compile(r"\x1b\[[0-9;]*m")
_VOID = {"meta", "br"}
_TAGS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "div", "span", "code", "pre", "br"),
    *("details", "summary", "table", "tr", "th", "td"),
}
_ATTRIBUTES = {"lang", "charset", "name", "content", "http-equiv", "class", "open"}


class Tags(HTMLParser):
    """Notes tags, attributes, and whether each tag was closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _value in attrs}
        if tag not in _VOID:
            self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(text: str) -> Tags:
    parser = Tags()
    parser.feed(text)
    parser.close()
    assert not parser.opened
    return parser


def assert_plain(text: str) -> None:
    """Only line breaks beside what is printable."""
    assert all(line.isprintable() for line in text.split("\n"))
    text.encode("utf-8")


@pytest.mark.unmeasured
@given(plans, st.none() | reports, st.booleans(), st.integers(0, 200))
def test_a_terminal_gets_no_codes_but_ours(plan: Plan, report: Report | None, verbose: bool, width: int) -> None:
    """Colour codes of ours aside, all that reaches a terminal is printable; without colour there are none."""
    assert_plain(terminal.render(plan, report, width=width, verbose=verbose))
    assert_plain(terminal.render_drift(plan, width=width, verbose=verbose))
    coloured = terminal.render(plan, report, color=True, width=width, verbose=verbose)
    assert set(_OWN_CODE.findall(coloured)) <= {f"\x1b[{code}m" for code in (0, 1, 2, 31, 32, 33, 34, 35, 36, "1;31")}
    assert _OWN_CODE.sub("", coloured) == terminal.render(plan, report, width=width, verbose=verbose)


@pytest.mark.unmeasured
@given(plans, st.none() | reports)
def test_a_page_has_no_tags_but_ours(plan: Plan, report: Report | None) -> None:
    """Tags of ours only, each closed in its turn, without attributes that load or run anything."""
    text = page.render(plan, report)
    assert_plain(text)
    tags = read(text)
    assert tags.tags <= _TAGS
    assert tags.attributes <= _ATTRIBUTES


@pytest.mark.unmeasured
@given(plans, st.none() | reports)
def test_markdown_has_no_markup_but_ours(plan: Plan, report: Report | None) -> None:
    """Rendered as HTML, a comment holds our tags only: no link, no picture, no markup from a value."""
    text = markdown.render(plan, report)
    assert_plain(text)
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    tags = read(html.replace("<hr />", "").replace("<br />", "<br>"))
    assert tags.tags <= {
        *("h2", "h3", "p", "strong", "em", "code", "pre", "ul", "li", "br", "details", "summary"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    }
    assert tags.attributes <= {"class", "open"}


@pytest.mark.parametrize("name", PLANS)
def test_a_comment_mentions_nobody(name: str) -> None:
    """Outside code, an @ is not followed by a name that GitHub would notify."""
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown.render(*PLANS[name]))
    outside = re.sub(r"<code.*?</code>", "", html, flags=re.DOTALL)
    assert not re.search(r"@\w", outside)


def test_every_row_of_a_table_has_its_cells() -> None:
    """A pipe in a value makes no further cell."""
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown.render(HOSTILE_PLAN))
    (row,) = re.findall(r"<tr>\n<td>.*?</tr>", html, flags=re.DOTALL)
    cells = re.findall(r"<td>(.*?)</td>", row, flags=re.DOTALL)
    assert [cells[0], cells[2]] == ["<code>^</code>", "register"]
    assert plain(HOSTILE) in read(cells[4]).text


def test_a_hostile_value_is_shown_as_it_is() -> None:
    """Escaping loses nothing: the reader of the page sees the text."""
    text = read(page.render(HOSTILE_PLAN, HOSTILE_REPORT)).text
    assert plain(HOSTILE) in text
    assert "<script>alert(1)</script>" in text


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=4, unique_by=lambda node: node[0]))
def test_graphs_hold_no_code_from_labels(nodes: list[tuple[str, str]]) -> None:
    """A label stays inside its quotes in both languages."""
    edges = [(nodes[0][0], nodes[-1][0])]
    for line in diagram.dot(nodes, edges).splitlines()[3:-2]:
        assert re.fullmatch(r'  n\d+ \[label="(?:[^"\\]|\\.)*"\];', line)
    for line in diagram.mermaid(nodes, edges).splitlines()[1:-1]:
        assert re.fullmatch(r'  n\d+\["(?:[\w .:/-]|#\d+;|<br/>)*"\]', line, flags=re.ASCII)


def test_an_edge_to_nowhere_is_a_mistake() -> None:
    """An edge between what is not drawn is not drawn silently."""
    with pytest.raises(KeyError):
        diagram.dot([("a", "")], [("a", "b")])


@given(texts)
def test_plain_text_is_printable_and_idempotent(text: str) -> None:
    """What is made plain is printable and is not made plainer."""
    once = plain(text)
    assert once.isprintable()
    assert plain(once) == once


def large() -> Plan:
    changes = tuple(
        attrs.evolve(change, address=Address("job_queue", f"queue{number}"))
        for number in range(120)
        for change in MIXED.changes[1:]
    )
    return attrs.evolve(MIXED, changes=changes, steps=MIXED.steps * 66)


@pytest.mark.unmeasured
def test_a_plan_of_six_hundred_changes_is_quick() -> None:
    """600 changes are shown by all three views together in less than two seconds of processor time."""
    plan = large()
    assert len(plan.changes) == 600
    start = time.process_time()
    shown = [terminal.render(plan, color=True, verbose=True), markdown.render(plan), page.render(plan)]
    assert time.process_time() - start < 2
    assert shown[0].count("impact: replacement") == 120
    assert shown[2].count("<details open>") == 600


def test_a_comment_fits_where_it_is_posted() -> None:
    """A comment stays below the limit, whole parts only, and says that there was more."""
    text = markdown.render(large())
    assert len(text) <= markdown.LIMIT
    assert text.count("<details>") == text.count("</details>") > 10
    assert text.rstrip().endswith("did not fit here._")
    assert len(markdown.render(large(), limit=500)) <= 500
