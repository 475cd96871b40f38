"""The rules of the simulator as readers see them."""

import pytest

from providers.simulator import Rule
from reconciler.cli.rulebook import markdown, table

RULES = [
    Rule(
        "job_queues.first", "documented", "A queue is disabled before it is deleted.", "https://aws.example/API_Q.html"
    ),
    Rule("jobs.other", "assumed", "A job is | and <b>.", ""),
    Rule("job_queues.second-one", "observed", "It lags.", "pegasus-isi/pegasus#2088"),
]


def test_a_table() -> None:
    """Rules stand under their modules in columns, a sentence is broken between words, and an address never."""
    assert (
        table(RULES, 57)
        == """\
job_queues
  first       documented  A queue is disabled before it is
                          deleted.
                          https://aws.example/API_Q.html
  second-one  observed    It lags.
                          pegasus-isi/pegasus#2088

jobs
  other  assumed     A job is | and <b>.
"""
    )


def test_a_page() -> None:
    """Each module is a section with a table; sources are links where they can be; no cell breaks the table."""
    assert (
        markdown(RULES)
        == """\
### Job queues

| rule | says | is |
|---|---|---|
| `first` | A queue is disabled before it is deleted. | documented: [API_Q](https://aws.example/API_Q.html) |
| `second-one` | It lags. | observed: [pegasus-isi/pegasus#2088](https://github.com/pegasus-isi/pegasus/issues/2088) |

### Jobs

| rule | says | is |
|---|---|---|
| `other` | A job is \\| and &lt;b>. | assumed |
"""
    )


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("moto; nobody else", "assumed: moto; nobody else"),
        ("https://aws.example/guide/", "assumed: [guide](https://aws.example/guide/)"),
        ("https://aws.example/page.html#a", "assumed: [page](https://aws.example/page.html#a)"),
        ("owner/project says a#1", "assumed: owner/project says a#1"),
    ],
)
def test_sources(source: str, shown: str) -> None:
    """What is neither a page nor a thread stays as it is."""
    assert f"| {shown} |\n" in markdown([Rule("m.n", "assumed", "It is so.", source)])
