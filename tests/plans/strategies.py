"""Random plans and documents for Hypothesis: any text, any depth that a document has, every kind of placeholder."""

from typing import Any, get_args

from hypothesis import strategies as st

from plans.change import Action, Change, Difference, Impact, Refusal
from plans.plan import NOW, Estimate, Goal, Plan, Step, Until
from plans.report import Outcome, Report, Status
from providers.resources import Address, Elsewhere, JobCount, Ref

_NASTY = ("", "\x1b[2J", "\r\n", "</pre><script>x</script>", "````", "|", "\u202e", "$ref", "$now", "\ud800", "@you")

texts = st.one_of(st.text(max_size=12), st.sampled_from(_NASTY))
names = st.text(min_size=1, max_size=8)
numbers = st.floats(min_value=0, max_value=1e9, allow_nan=False)
addresses = st.builds(Address, st.sampled_from(("job_queue", "compute_environment", "job_definition")), names)
refs = st.builds(Ref, addresses, st.sampled_from(("arn", "name")))
elsewhere = st.builds(Elsewhere, st.just("job_queue"), texts, texts)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    texts,
    refs,
    elsewhere,
    st.just(NOW),
)
keys = st.one_of(texts, st.sampled_from(("name", "value", "$ref", "$now", "$literal", "$elsewhere")))
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=6,
)
documents = st.dictionaries(keys, values, max_size=3)
differences = st.builds(Difference, texts, values, values, texts, texts)
jobs = st.builds(
    JobCount,
    st.dictionaries(texts, st.integers(0, 1000), max_size=2),
    st.booleans(),
    st.none() | st.floats(0, 1e9),
    texts,
)
changes = st.builds(
    Change,
    addresses,
    texts,
    st.sampled_from(Action),
    st.sampled_from(Impact),
    texts,
    st.lists(differences, max_size=3).map(tuple),
    st.none() | jobs,
)
goals = st.builds(Goal, texts, texts, st.sampled_from(get_args(Until)), documents, numbers)
steps = st.builds(
    Step,
    texts,
    texts,
    st.none() | texts,
    documents,
    st.none() | goals,
    st.lists(texts, max_size=2).map(tuple),
    st.sampled_from(("ok", "failed", "always")),
    texts,
)
plans = st.builds(
    Plan,
    id=texts,
    stack=texts,
    target=st.dictionaries(
        st.sampled_from(("provider", "regionSource", "profile", "roleArn", "endpointUrl")), texts, max_size=3
    ),
    account=st.none() | texts,
    region=texts,
    versions=st.dictionaries(texts, texts, max_size=2),
    made_at=texts,
    changes=st.lists(changes, max_size=3).map(tuple),
    steps=st.lists(steps, max_size=3).map(tuple),
    refusals=st.lists(st.builds(Refusal, texts, texts, texts, texts), max_size=2).map(tuple),
    warnings=st.lists(texts, max_size=2).map(tuple),
    unobserved=st.dictionaries(texts, texts, max_size=2),
    estimate=st.none() | st.builds(Estimate, st.integers(0, 10**6), numbers),
    format=st.just(1),
)
outcomes = st.builds(
    Outcome,
    texts,
    texts,
    st.none() | texts,
    st.sampled_from(get_args(Status)),
    numbers,
    st.none() | texts,
    st.none() | texts,
    st.none() | texts,
)
reports = st.builds(
    Report,
    texts,
    st.lists(outcomes, max_size=3).map(tuple),
    st.dictionaries(texts, st.integers(0, 100), max_size=2),
    st.integers(0, 10),
    numbers,
    st.none() | plans,
    st.none() | st.sampled_from((2, 15)),
    st.dictionaries(texts, texts, max_size=2),
)
