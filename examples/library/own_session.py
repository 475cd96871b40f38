"""Work with the credentials, the region and the hooks of a boto3 session of your own."""

import os

import boto3

from providers import Target
from reconciler import Reconciler, build

session = boto3.Session(
    aws_access_key_id=os.environ.get("ACME_KEY_ID", "test"),
    aws_secret_access_key=os.environ.get("ACME_SECRET", "test"),
    region_name="eu-north-1",
)
calls: list[str] = []
session.events.register("before-call.batch", lambda model, **_: calls.append(model.name))

# On AWS the target is `Target()`. Here `batchwright simulator serve` answers, at the address that it prints.
target = Target(endpoint_url=os.environ["BATCH_ENDPOINT"], speed=1000)
reconciler = Reconciler.connect(target, session=session)
manifest = build({"stack": "hello", "consumableResources": {"licences": {"totalQuantity": 5}}}, kinds=reconciler.kinds)

assert reconciler.apply(manifest).exit_code == 0
print(f"in {reconciler.connection.place}: {', '.join(sorted(set(calls)))}")
assert "CreateConsumableResource" in calls
