"""Worlds to plan in: live objects as AWS describes them, and plans of a manifest's text over them, all pure."""

from collections.abc import Mapping
from typing import Any

import attrs

from plans.asked import NOTHING, Asked
from plans.change import Change, Difference
from plans.graph import build, only
from plans.manifest import Manifest, Source, parse
from plans.normalise import DIGEST_RULES, digest
from plans.past import Past
from plans.plan import Plan, Step
from plans.planner import emptied, make_plan
from plans.policy import Policy, strictest
from providers import model
from providers.kinds import Kinds, bind
from providers.lives import Lives
from providers.resources import (
    ADDRESS_TAG,
    DIGEST_TAG,
    REGISTERED_TAG,
    STACK_TAG,
    Address,
    JobCount,
    Live,
    Snapshot,
    Target,
    Unread,
)

MODEL = model.load()
KINDS = bind(MODEL)
NOW = 1_800_000_000.0
UNBOUND = Policy()
STACK, ACCOUNT, REGION = "lab", "123456789012", "eu-west-1"
LINKED = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"
ORDINARY = f"arn:aws:iam::{ACCOUNT}:role/service-role/AWSBatchServiceRole"
_ARN = {"job_definition": "job-definition", **{kind: kind.replace("_", "-") for kind in KINDS.by_name}}


def arn(kind: str, name: str) -> str:
    return f"arn:aws:batch:{REGION}:{ACCOUNT}:{_ARN[kind]}/{name}"


def tags(address: str | None, stack: str | None = STACK, **more: str) -> dict[str, str]:
    ours = {STACK_TAG: stack, ADDRESS_TAG: address}
    return {key: value for key, value in ours.items() if value is not None} | more


def live(kind: str, name: str, spec: Mapping[str, Any], **fields: Any) -> Live:
    """Something live and ours, unless its tags say otherwise."""
    fields.setdefault("tags", tags(f"{kind}.{name}"))
    return Live(kind, name, fields.pop("arn", arn(kind, name)), spec, **fields)


def without_nones(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if value is not None}


EC2 = {
    "type": "EC2",
    "allocationStrategy": "BEST_FIT_PROGRESSIVE",
    "minvCpus": 0,
    "maxvCpus": 16,
    "instanceTypes": ["m6i.large"],
    "subnets": ["subnet-1"],
    "securityGroupIds": ["sg-1"],
    "instanceRole": "ecsInstanceRole",
}
FARGATE = {"type": "FARGATE", "maxvCpus": 16, "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]}


def environment(
    name: str = "one", *, role: str = LINKED, fields: Mapping[str, Any] | None = None, **given: Any
) -> Live:
    """A VALID environment of EC2 as describe shows it: with what AWS fills in. `given` are compute resources."""
    spec = {
        "type": "MANAGED",
        "state": "ENABLED",
        "serviceRole": role,
        "computeResources": without_nones(
            {**EC2, "desiredvCpus": 0, "ec2Configuration": [{"imageType": "ECS_AL2023"}], **given}
        ),
    }
    extra = dict(fields or {})
    spec |= extra.pop("spec", {})
    return live("compute_environment", name, spec, **{"status": "VALID", **extra})


def fargate(name: str = "one", *, fields: Mapping[str, Any] | None = None, **given: Any) -> Live:
    shown = {**FARGATE, "instanceTypes": [], "ec2Configuration": [], **given}
    spec = {"type": "MANAGED", "state": "ENABLED", "serviceRole": LINKED, "computeResources": without_nones(shown)}
    return live("compute_environment", name, spec, **{"status": "VALID", **(fields or {})})


def queue(name: str = "high", *environments: str, fields: Mapping[str, Any] | None = None, **given: Any) -> Live:
    """A VALID queue of these environments (by name), as describe shows it."""
    order = [
        {"order": place, "computeEnvironment": arn("compute_environment", each)}
        for place, each in enumerate(environments or ("one",), 1)
    ]
    spec = {
        "state": "ENABLED",
        "priority": 1,
        "computeEnvironmentOrder": order,
        "jobQueueType": "ECS",
        "jobStateTimeLimitActions": [],
        **given,
    }
    return live("job_queue", name, without_nones(spec), **{"status": "VALID", **(fields or {})})


CONTAINER = {
    "image": "busybox",
    "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}],
}
_LISTS = ("command", "volumes", "environment", "mountPoints", "ulimits", "secrets")


def revision(
    number: int = 1,
    name: str = "align",
    *,
    stack: str | None = STACK,
    address: str | None = None,
    registered: str | None = None,
    sealed: bool = True,
    more: Mapping[str, str] | None = None,
    top: Mapping[str, Any] | None = None,
    **given: Any,
) -> Live:
    """An ACTIVE revision of a container definition as describe shows it; `given` are container properties, `top` are
    members beside them, `more` are tags.

    It carries our tags and digest, unless `stack` is None or another. Not `sealed`, its digest is of other content.
    """
    container = {**{member: [] for member in _LISTS}, **CONTAINER, **given}
    spec = {
        "type": "container",
        "parameters": {},
        "propagateTags": False,
        "containerProperties": without_nones(container),
        **(top or {}),
    }
    owned = {} if stack is None else tags(address or f"job_definition.{name}", stack)
    made = live("job_definition", name, spec, arn=arn("job_definition", f"{name}:{number}"), tags=owned)
    if stack is not None:
        owned[DIGEST_TAG] = digest(spec, KINDS["job_definition"]) if sealed else f"{DIGEST_RULES}-of-something-else"
        owned |= {REGISTERED_TAG: registered} if registered else {}
    return attrs.evolve(made, tags=owned | dict(more or {}), status="ACTIVE", revision=number)


def policy(name: str = "fair", fields: Mapping[str, Any] | None = None, **given: Any) -> Live:
    fair = {"shareDecaySeconds": 0, "computeReservation": 0, "shareDistribution": [], **given}
    return live("scheduling_policy", name, {"fairsharePolicy": fair}, **(fields or {}))


MANAGED = """
  {name}:
    type: MANAGED
    computeResources: {{type: EC2, allocationStrategy: BEST_FIT_PROGRESSIVE, minvCpus: 0, maxvCpus: 16,
      instanceTypes: [m6i.large], subnets: [subnet-1], securityGroupIds: [sg-1], instanceRole: ecsInstanceRole}}
"""


def environments(*names: str) -> str:
    return "\ncomputeEnvironments:" + "".join(MANAGED.format(name=name).rstrip() for name in names or ("one",)) + "\n"


def queues(*names: str, order: str = "[one]", more: str = "") -> str:
    blocks = "".join(
        f"\n  {name}: {{priority: 1, computeEnvironmentOrder: {order}{more}}}" for name in names or ("high",)
    )
    return f"\njobQueues:{blocks}\n"


def definition(name: str = "align", container: str = "", more: str = "") -> str:
    return f"""
jobDefinitions:
  {name}:
    type: container
    containerProperties:
      image: busybox
      resourceRequirements: [{{type: VCPU, value: "1"}}, {{type: MEMORY, value: "512"}}]
      {container}
    {more}
"""


def manifest(*texts: str, kinds: Kinds = KINDS) -> Manifest:
    """The manifest of these texts, each a file of stack `lab`."""
    whole = [Source("stack.yaml", f"stack: {STACK}".encode())]
    whole += [Source(f"{place}.yaml", text.encode()) for place, text in enumerate(texts)]
    return parse(whole, variables={}, kinds=kinds)


def snapshot(*lives: Live, region: str = REGION, kinds: Kinds = KINDS, **fields: Any) -> Snapshot:
    return Snapshot(Target(region=region), region, ACCOUNT, Lives(lives, kinds), **fields)


def plan(
    wanted: str | Manifest,
    *lives: Live,
    policy: Policy | None = None,
    bound: Policy = UNBOUND,
    jobs: Mapping[str, JobCount | Unread] | None = None,
    unobserved: Mapping[str, str] | None = None,
    choose: tuple[str, ...] = (),
    destroying: bool = False,
    now: float = NOW,
    past: Past | None = None,
    asked: Asked = NOTHING,
    kinds: Kinds = KINDS,
    region: str = REGION,
) -> Plan:
    """The plan of a manifest over these live objects; `choose` is what `--only` names, `bound` what binds beside it."""
    given = manifest(wanted, kinds=kinds) if isinstance(wanted, str) else wanted
    graph = build(emptied(given) if destroying else given, kinds=kinds)
    return make_plan(
        given,
        graph,
        snapshot(*lives, region=region, kinds=kinds, jobs=jobs or {}, unobserved=unobserved or {}),
        policy=strictest(policy or given.policy, bound),
        bound=bound,
        kinds=kinds,
        now=now,
        versions={"batchwright": "0"},
        asked=attrs.evolve(asked, only=only(graph, [Address.parse(text) for text in choose])),
        destroying=destroying,
        past=past,
    )


def change(made: Plan, address: str) -> Change:
    return next(each for each in made.changes if str(each.address) == address)


def differing(made: Plan, address: str) -> tuple[Difference, ...]:
    """What differs, the name of a new object aside."""
    return tuple(each for each in change(made, address).differences if each.path != "name")


def step(made: Plan, name: str) -> Step:
    return next(each for each in made.steps if each.id == name)


def actions(made: Plan) -> dict[str, str]:
    return {str(each.address): each.action.value for each in made.changes}


def codes(made: Plan) -> list[tuple[str, str]]:
    return [(each.address, each.code) for each in made.refusals]


def ids(made: Plan) -> list[str]:
    return [each.id for each in made.steps]


def before(made: Plan, first: str, second: str) -> bool:
    """Whether the edges put one step before another, directly or not."""
    waiting, seen = list(step(made, second).after), set()
    while waiting:
        name = waiting.pop()
        if name == first:
            return True
        if name not in seen:
            seen.add(name)
            waiting += step(made, name).after
    return False
