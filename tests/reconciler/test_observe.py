"""Observation: what one look at the world finds, in how many calls, and what it does where it may not look."""

import json
import random
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from typing import Any

import attrs
import boto3
import pytest
from botocore.config import Config

from plans.manifest import Manifest
from providers.clock import ManualClock
from providers.errors import Interrupted, Rejected
from providers.provider import Provider
from providers.resources import Snapshot, Target, Unread
from providers.simulator import Request, Response
from providers.simulator.wire import answer_botocore
from reconciler.observe import ONE_BY_ONE, PAGES, Tagged, observe
from reconciler.retry import Caller, InlinePool
from tests.kit import kinds, manifest

ARN = "arn:aws:batch:eu-west-1:123456789012:"
Refused = tuple[int, str, str]
Answer = Mapping[str, Any] | Refused

TAGS = {"batchwright:stack": "lab", "batchwright:address": "job_queue.gone"}
QUEUE = {
    "jobQueueName": "sage",
    "jobQueueArn": f"{ARN}job-queue/sage",
    "jobQueueType": "SAGEMAKER_TRAINING",
    "state": "ENABLED",
    "status": "VALID",
    "priority": 1,
    "computeEnvironmentOrder": [],
    "tags": {},
}
EMPTY = manifest("stack: lab\nnamePrefix: lab-\n")


@attrs.define
class Account:
    """An account that answers as it is told, under a real client; operations that it is not told of are empty."""

    answers: dict[str, Callable[[Mapping[str, Any]], Answer]] = attrs.field(factory=dict)
    calls: list[tuple[str, Mapping[str, Any]]] = attrs.field(factory=list)

    def handle(self, request: Request) -> Response:
        operation = request.path.removeprefix("/v1/")
        asked = json.loads(request.body or b"{}")
        self.calls.append((operation, asked))
        answer: Answer = self.answers[operation](asked) if operation in self.answers else {}
        if isinstance(answer, tuple):
            status, code, message = answer
            return Response(status, {"x-amzn-ErrorType": code}, json.dumps({"message": message}).encode())
        return Response(200, {"Content-Type": "application/json"}, json.dumps(answer).encode())

    def observe(
        self,
        wanted: Manifest = EMPTY,
        stop: Future[int] | None = None,
        account: str | None = None,
        families: Collection[str] | None = None,
        tagged: Tagged | None = None,
    ) -> Snapshot:
        make: Any = boto3.client
        client = make(
            "batch",
            region_name="eu-west-1",
            aws_access_key_id="x",
            aws_secret_access_key="y",
            config=Config(retries={"total_max_attempts": 1}),
        )
        events: Any = client.meta.events
        events.register("before-send", lambda request, **_: answer_botocore(self.handle, request))
        return observe(
            Provider(client, kinds()),
            tuple(wanted.resources.values()),
            caller=Caller(pool=InlinePool(), clock=ManualClock(), rng=random.Random(1), stop=stop),
            target=Target(),
            region="eu-west-1",
            account=lambda: account,
            families=families,
            tagged=tagged,
        )

    def made(self, operation: str) -> list[Mapping[str, Any]]:
        return [asked for name, asked in self.calls if name == operation]


def test_quota_shares_are_listed_for_sagemaker_queues_only() -> None:
    """One listing a SageMaker queue, and one describe a share, since the listing lacks tags."""
    share = f"{ARN}job-queue/sage/quota-share/a"
    account = Account(
        {
            "describejobqueues": lambda _: {
                "jobQueues": [QUEUE, {**QUEUE, "jobQueueName": "b", "jobQueueType": "ECS", "jobQueueArn": f"{ARN}b"}]
            },
            "listquotashares": lambda _: {"quotaShares": [{"quotaShareArn": share}]},
            "describequotashare": lambda _: {
                "quotaShareArn": share,
                "quotaShareName": "a",
                "jobQueueArn": QUEUE["jobQueueArn"],
                "status": "VALID",
                "tags": TAGS,
            },
        }
    )
    snapshot = account.observe()
    (found,) = snapshot.of("quota_share")
    assert (found.name, found.arn, found.owner, found.status) == ("a", share, "lab", "VALID")
    assert found.spec["jobQueue"] == QUEUE["jobQueueArn"]
    assert account.made("listquotashares") == [{"jobQueue": QUEUE["jobQueueArn"], "maxResults": 100}]
    assert account.made("describequotashare") == [{"quotaShareArn": share}]


def test_a_queue_that_vanishes_under_the_look_has_no_shares() -> None:
    """Not found is absence, not an error: of the queue whose shares are asked for, and of a share once listed."""
    gone = (400, "ClientException", "does not exist")
    queues: dict[str, Callable[[Mapping[str, Any]], Answer]] = {"describejobqueues": lambda _: {"jobQueues": [QUEUE]}}
    assert not list(Account({**queues, "listquotashares": lambda _: gone}).observe().of("quota_share"))
    listed = {"quotaShares": [{"quotaShareArn": f"{ARN}job-queue/sage/quota-share/a"}]}
    account = Account({**queues, "listquotashares": lambda _: listed, "describequotashare": lambda _: gone})
    assert not list(account.observe().of("quota_share"))


def _consumables(count: int) -> Account:
    def page(asked: Mapping[str, Any]) -> Answer:
        start = int(asked.get("nextToken", "0"))
        names = [f"lab-{number}" for number in range(start, min(count, start + 100))]
        following = {"nextToken": str(start + 100)} if start + 100 < count else {}
        return {"consumableResources": [{"consumableResourceName": name} for name in names], **following}

    def one(asked: Mapping[str, Any]) -> Answer:
        name = asked["consumableResource"]
        return {"consumableResourceName": name, "consumableResourceArn": f"{ARN}consumable-resource/{name}"}

    return Account({"listconsumableresources": page, "describeconsumableresource": one})


def test_consumable_resources_are_described_one_by_one() -> None:
    """The pages of names, and one describe each, as long as they are not too many."""
    account = _consumables(ONE_BY_ONE)
    snapshot = account.observe()
    assert len(list(snapshot.of("consumable_resource"))) == ONE_BY_ONE
    assert len(account.made("listconsumableresources")) == ONE_BY_ONE / 100
    assert len(account.made("describeconsumableresource")) == ONE_BY_ONE
    assert snapshot.unobserved == {}


def test_of_too_many_consumable_resources_none_is_read_that_nobody_wants() -> None:
    """Where the stack wants none, none is read, and the snapshot says why."""
    account = _consumables(ONE_BY_ONE + 1)
    snapshot = account.observe()
    assert not list(snapshot.of("consumable_resource"))
    assert snapshot.unobserved == {}
    assert snapshot.unseen == {"consumable_resource": f"there are {ONE_BY_ONE + 1}, and each takes a call to read"}
    assert account.made("describeconsumableresource") == []


def test_of_too_many_the_wanted_ones_are_read() -> None:
    """What the manifest says is looked at, whatever else there is."""
    account = _consumables(ONE_BY_ONE + 1)
    wanted = manifest(
        "stack: lab\nnamePrefix: lab-\nconsumableResources:\n  7: {totalQuantity: 1}\n  x: {totalQuantity: 1}\n"
    )
    snapshot = account.observe(wanted)
    assert [live.name for live in snapshot.of("consumable_resource")] == ["lab-7"]
    assert snapshot.unobserved == {}


def test_of_too_many_those_of_the_stack_are_found_by_their_tags() -> None:
    """Beside what is wanted, what carries the stack's tag is read, and then nothing went unseen."""
    account = _consumables(ONE_BY_ONE + 1)
    wanted = manifest("stack: lab\nnamePrefix: lab-\nconsumableResources:\n  7: {totalQuantity: 1}\n")
    arns = [f"{ARN}consumable-resource/lab-7", f"{ARN}consumable-resource/lab-9", f"{ARN}job-queue/lab-x"]
    snapshot = account.observe(wanted, tagged=lambda: arns)
    assert [live.name for live in snapshot.of("consumable_resource")] == ["lab-7", "lab-9"]
    assert snapshot.unseen == {}
    assert len(account.made("describeconsumableresource")) == 2


def _revisions(pages: int) -> Account:
    """An account of so many pages of definitions, the families of which are page-0, page-1 ..., of one revision."""

    def definition(name: str) -> Mapping[str, Any]:
        arn = f"{ARN}job-definition/{name}:1"
        return {"jobDefinitionName": name, "jobDefinitionArn": arn, "revision": 1, "status": "ACTIVE", "type": "x"}

    def describe(asked: Mapping[str, Any]) -> Answer:
        if "jobDefinitionName" in asked:
            name = asked["jobDefinitionName"]
            return {"jobDefinitions": [definition(name)] if name.startswith("page-") else []}
        number = int(asked.get("nextToken", 0))
        token = {"nextToken": str(number + 1)} if number + 1 < pages else {}
        return {"jobDefinitions": [definition(f"page-{number}")], **token}

    return Account({"describejobdefinitions": describe})


def test_few_pages_of_definitions_are_all_read() -> None:
    """A stack of two families in an account of twenty pages reads the pages: orphans are to be seen."""
    account = _revisions(PAGES)
    snapshot = account.observe(families=["page-1", "mine"])
    assert len(list(snapshot.of("job_definition"))) == PAGES
    assert len(account.made("describejobdefinitions")) == PAGES
    assert snapshot.unseen == {}


def test_a_small_stack_does_not_read_all_definitions_of_a_large_account() -> None:
    """Past so many pages the families at hand are asked for by name, and those that carry the stack's tag."""
    account = _revisions(1000)
    tagged = [f"{ARN}job-definition/page-900:7", f"{ARN}job-definition/page-999:1"]
    snapshot = account.observe(families=["page-999", "mine"], tagged=lambda: tagged)
    names = [live.name for live in snapshot.of("job_definition")]
    assert names == sorted([*(f"page-{number}" for number in range(PAGES)), "page-900", "page-999"])
    assert len(account.made("describejobdefinitions")) == PAGES + 3
    assert snapshot.unseen == {}


def test_a_family_is_asked_for_once_however_many_of_its_revisions_are_tagged() -> None:
    """Tags stay on revisions that were deregistered; none of them costs a call."""
    account = _revisions(1000)
    tagged = [f"{ARN}job-definition/{name}:{number}" for name in ("page-900", "mine") for number in range(1, 300)]
    account.observe(families=["page-999", "mine"], tagged=lambda: tagged)
    assert len(account.made("describejobdefinitions")) == PAGES + 3


@pytest.mark.parametrize(
    ("tagged", "told"),
    [
        (None, ""),
        (lambda: Unread("denied"), ", and the Resource Groups Tagging API does not tell which are ours: denied"),
        (Unread, ", and the Resource Groups Tagging API does not tell which are ours"),
    ],
)
def test_what_nobody_tells_is_unseen(tagged: Tagged | None, told: str) -> None:
    """Where tags cannot be asked for, the snapshot says what nobody looked for, and why."""
    snapshot = _revisions(1000).observe(families=["page-999"], tagged=tagged)
    assert snapshot.unseen == {"job_definition": f"there are more than {PAGES} revisions{told}"}


def test_a_large_stack_reads_pages_as_long_as_names_would_take_more() -> None:
    """At most twice the calls of the cheaper way: as many pages as there are families, and then the families."""
    families = [f"page-{number}" for number in range(500, 500 + PAGES * 2)]
    account = _revisions(1000)
    assert account.observe(families=families).unseen
    assert len(account.made("describejobdefinitions")) == PAGES * 4


def test_where_all_matters_all_is_read() -> None:
    """What destroys or exports is not content with names."""
    account = _revisions(PAGES * 3)
    assert len(list(account.observe().of("job_definition"))) == PAGES * 3


def test_the_account_is_told_by_any_arn() -> None:
    """Only where there is none is anybody asked."""
    account = Account({"describejobqueues": lambda _: {"jobQueues": [QUEUE]}})
    assert account.observe(account="asked").account == "123456789012"
    assert Account().observe(account="asked").account == "asked"
    assert Account().observe().account is None


def test_what_is_refused_for_another_reason_is_raised() -> None:
    """A look that fails half-way is no look."""
    account = Account({"describejobqueues": lambda _: (400, "ClientException", "the moon is full")})
    with pytest.raises(Rejected, match="the moon is full"):
        account.observe()


def test_a_kind_denied_half_way_is_unobserved() -> None:
    """The listing is allowed and the describe is not: the kind counts as unread, and the others are there."""
    account = Account(
        {
            "describejobqueues": lambda _: {"jobQueues": [QUEUE]},
            "listschedulingpolicies": lambda _: {"schedulingPolicies": [{"arn": f"{ARN}scheduling-policy/a"}]},
            "describeschedulingpolicies": lambda _: (403, "AccessDeniedException", "not for you"),
        }
    )
    snapshot = account.observe()
    assert snapshot.unobserved == {"scheduling_policy": "DescribeSchedulingPolicies: not for you"}
    assert [live.name for live in snapshot.live] == ["sage"]


def test_a_snapshot_is_in_one_order() -> None:
    """By kind, name and revision, whatever the order of the answers."""
    revisions = [
        {"jobDefinitionName": name, "jobDefinitionArn": f"{ARN}job-definition/{name}:{number}", "revision": number}
        for name, number in (("b", 2), ("a", 10), ("b", 1), ("a", 9))
    ]
    account = Account(
        {
            "describejobdefinitions": lambda _: {"jobDefinitions": revisions},
            "describejobqueues": lambda _: {"jobQueues": [QUEUE]},
        }
    )
    found = account.observe().live
    assert [(live.name, live.revision) for live in found] == [("sage", None), ("a", 9), ("a", 10), ("b", 1), ("b", 2)]


def test_a_signal_ends_the_look() -> None:
    """Nothing that was not asked yet is asked any more."""
    stop: Future[int] = Future()

    def signal(_asked: Mapping[str, Any]) -> Answer:
        stop.set_result(15)
        return {}

    account = Account({"describecomputeenvironments": signal})
    with pytest.raises(Interrupted) as caught:
        account.observe(stop=stop)
    assert caught.value.signal == 15
