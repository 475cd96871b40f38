"""The way out that a refusal of a replacement, a repair or a renaming shows is one that helps."""

import attrs
import pytest

from plans.asked import Asked
from plans.manifest import Source, parse
from plans.plan import Plan
from plans.views import markdown, terminal
from providers.errors import InputError
from providers.resources import PROTECT_TAG, Address, Live
from tests.plans.core import KINDS, change, codes, definition, environment, environments, plan, queue, queues, tags
from tests.plans.test_environments import ON_FARGATE

ADDRESS = "compute_environment.one"
ROLE = "CLIENT_ERROR - User is not authorized to perform: sts:AssumeRole"


def hint(made: Plan, code: str = "replacement") -> str:
    return next(row.hint for row in made.refusals if row.code == code)


def message(made: Plan, code: str = "replacement") -> str:
    return next(row.message for row in made.refusals if row.code == code)


def replaced(how: str) -> str:
    """A block of another name than its object has, with a manner."""
    said = f"    lifecycle: {{replace: {how}}}\n" if how else ""
    return environments() + said


def renamed() -> Live:
    return environment("was", fields={"tags": tags(ADDRESS)})


@pytest.mark.parametrize("how", ["", "createFirst", "twoHop", "refuse"])
def test_a_name_that_cannot_change_can_be_kept(how: str) -> None:
    """Under every manner but one; the hint never says what is said already, and what it says is taken."""
    made = plan(replaced(how), renamed())
    assert (ADDRESS, "replacement") in codes(made)
    told = hint(made)
    assert "physicalName: was" in told
    assert "the row under moved" in told
    assert "deleteFirst" in told
    assert "twoHop" not in told
    assert ("without lifecycle.replace: createFirst" in told) == (how == "createFirst")
    assert ("lifecycle.replace: refuse forbids it" in message(made)) == (how == "refuse")
    kept = "" if how == "createFirst" else how
    assert codes(plan(replaced(kept) + "    physicalName: was\n", renamed())) == []
    assert "replacement" not in {code for _, code in codes(plan(replaced("deleteFirst"), renamed()))}


def test_a_refusal_that_was_asked_for_says_who_asked() -> None:
    """Whoever wrote the word can take it out."""
    text = environments() + queues(order="[one]", more=", jobQueueType: EKS, lifecycle: {replace: refuse}")
    made = plan(text, environment(), queue())
    assert "lifecycle.replace: refuse forbids it" in message(made)
    assert "take lifecycle.replace: refuse out" in hint(made)


def test_jobs_do_not_hop() -> None:
    """A queue has no users that a third could carry, so twoHop of a queue is refused in words."""
    text = environments() + queues(order="[one]", more=", jobQueueType: EKS, lifecycle: {replace: twoHop}")
    made = plan(text, environment(), queue())
    assert ("job_queue.high", "replacement") in codes(made)
    assert "jobs are not carried from queue to queue" in message(made)


@pytest.mark.parametrize("how", ["createFirst", "twoHop", "deleteFirst"])
def test_the_boundary_of_fargate_is_told_at_the_environment_too(how: str) -> None:
    """Whoever changed it looks there; a queue that lets go of it in the same plan is in no way."""
    text = ON_FARGATE + f"    lifecycle: {{replace: {how}}}\n"
    made = plan(text + queues(order="[one]"), environment(), queue("high", "one"))
    assert (ADDRESS, "queue-type") in codes(made)
    other = environment("two", fields={"tags": {}})
    free = plan(text + queues(order="[two]"), environment(), other, queue("high", "one"))
    assert (ADDRESS, "queue-type") not in codes(free)


def test_what_is_sent_again_is_no_change() -> None:
    """One value is shown, not the same one twice."""
    shown = attrs.evolve(environment(), status="INVALID", status_reason=ROLE)
    made = plan(environments(), shown, asked=Asked(repair=True))
    (row,) = change(made, ADDRESS).differences
    assert (row.path, row.before == row.after) == ("serviceRole", True)
    assert row.why.endswith("it is sent once more, as it is")
    for view in (terminal.render(made, width=160), markdown.render(made)):
        assert view.count(str(row.after)) == 1


def test_a_definition_is_not_replaced_on_demand() -> None:
    """It changes by new revisions, which the error says; of another kind that is not there the error says that."""
    address = Address.parse("job_definition.align")
    blocks = parse([Source("m", f"stack: lab\n{definition()}".encode())], variables={}, kinds=KINDS).resources
    with pytest.raises(InputError, match="it changes by new revisions"):
        Asked(replace=[address]).check(blocks, KINDS)
    for missing in ("job_definition.other", "nothing.other"):
        with pytest.raises(InputError, match=f"the manifest has no {missing}"):
            Asked(replace=[Address.parse(missing)]).check({}, KINDS)


@pytest.mark.parametrize("destroying", [False, True])
def test_a_protected_object_goes_by_way_of_its_block(destroying: bool) -> None:
    """Whether that is there or not."""
    old = environment("one", fields={"tags": tags(ADDRESS, **{PROTECT_TAG: "true"})})
    text = environments() if destroying else environments("two")
    made = plan(text, old, destroying=destroying)
    assert "apply with lifecycle.protect: false in its block, which is put back where it is gone" in hint(
        made, "protected"
    )
