"""Make a manifest in Python, plan it, and look at the plan."""

from plans import Action, Impact
from providers import ManifestError, Target
from reconciler import Reconciler, build

DOCUMENT = {
    "stack": "hello",
    "variables": {"most": {"default": 64}},
    "computeEnvironments": {
        "fargate": {
            "type": "MANAGED",
            "computeResources": {
                "type": "FARGATE",
                "maxvCpus": "${var.most}",
                "subnets": ["subnet-1"],
                "securityGroupIds": ["sg-1"],
            },
        },
    },
    "jobQueues": {"work": {"priority": 10, "computeEnvironmentOrder": ["fargate"]}},
}

reconciler = Reconciler.connect(Target(provider="simulator", region="eu-west-1", speed=1000))
manifest = build(DOCUMENT, variables={"most": 128}, kinds=reconciler.kinds)
plan = reconciler.plan(manifest)

print(f"plan {plan.id} for {plan.stack} in account {plan.account}, {plan.region}: {dict(plan.summary)}")
for change in plan.changes:
    print(f"  {change.action.symbol} {change.address} ({change.impact}): {change.reason}")
    for difference in change.differences:
        print(f"      {difference.path}: {difference.before} -> {difference.after} [{difference.rule}]")
for step in plan.steps:
    print(f"  {step.id}: {step.call}, after {', '.join(step.after) or 'nothing'}")
for refusal in plan.refusals:
    print(f"  refused, {refusal.code}: {refusal.message} ({refusal.hint})")

assert {change.action for change in plan.changes} == {Action.CREATE}
assert max(change.impact for change in plan.changes) < Impact.OUTAGE

try:
    build({**DOCUMENT, "jobQueues": {"work": {"priority": "high"}}}, kinds=reconciler.kinds)
except ManifestError as error:
    for fault in error.faults:
        print(f"{fault.path}: {fault.message}")
