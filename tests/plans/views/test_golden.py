"""What a reader sees, held word for word."""

import pytest

from plans.views import diagram, markdown, page, terminal
from tests.plans.views.conftest import Golden
from tests.plans.views.examples import BIG, FIRST, HIGH, HOSTILE, MIXED, PLANS, REPLACED, SPOT

_NODES = [(str(SPOT), "dev-spot"), (str(BIG), "dev-big"), (str(HIGH), str(HIGH)), (HOSTILE, "")]
_EDGES = [(str(SPOT), str(HIGH)), (str(BIG), str(HIGH)), (str(HIGH), HOSTILE)]


@pytest.mark.parametrize("name", PLANS)
def test_terminal(golden: Golden, name: str) -> None:
    """The terminal shows each example as its golden file does."""
    golden(f"{name}.txt", terminal.render(*PLANS[name]))


@pytest.mark.parametrize("name", PLANS)
def test_markdown(golden: Golden, name: str) -> None:
    """Markdown shows each example as its golden file does."""
    golden(f"{name}.md", markdown.render(*PLANS[name]))


@pytest.mark.parametrize("name", PLANS)
def test_page(golden: Golden, name: str) -> None:
    """The page shows each example as its golden file does."""
    golden(f"{name}.html", page.render(*PLANS[name]))


def test_verbose_terminal(golden: Golden) -> None:
    """Verbose adds what stays as it is, and the steps in order."""
    golden("mixed_verbose.txt", terminal.render(MIXED, verbose=True))


def test_verbose_steps(golden: Golden) -> None:
    """Each step names the object that it acts on, and paths are whole."""
    golden("replaced_verbose.txt", terminal.render(REPLACED, verbose=True))


def test_coloured_terminal(golden: Golden) -> None:
    """Each action has its colour."""
    golden("mixed_color.txt", terminal.render(MIXED, color=True))


def test_narrow_terminal(golden: Golden) -> None:
    """A narrow terminal gets cut values and wrapped prose."""
    golden("first_narrow.txt", terminal.render(FIRST, width=60))


def test_drift(golden: Golden) -> None:
    """Drift is told without what it would take to undo it."""
    golden("mixed_drift.txt", terminal.render_drift(MIXED))


def test_dot(golden: Golden) -> None:
    """A graph in DOT, its labels quoted."""
    golden("graph.dot", diagram.dot(_NODES, _EDGES))


def test_mermaid(golden: Golden) -> None:
    """A graph in Mermaid, its labels quoted."""
    golden("graph.mmd", diagram.mermaid(_NODES, _EDGES))
