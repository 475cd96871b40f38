"""A model of the AWS Batch control plane: states, refusals, delays, defaults and faults, in this process or over HTTP.

Where things stand: `service` is the entry (routing, faults, hooks); `wire` brings requests from boto3 or HTTP;
`shapes` holds them against botocore's model; `lifecycle` has what all objects have in common and moves them along the
clock, `store` keeps them, `identity` speaks for STS. Each kind has a module with its operations and rules:

- `environments`, with `resources` (what is created), `updates`, `launch` (templates and images), `managed` (managed
  instances) and `troubles` (what makes one INVALID); `service_environments`
- `queues`, with `orders` (of environments); `quota_shares`; `policies`; `consumables`; `tags`
- `definitions`, with `registration`, `containers`, `pods` and `echo` (what describe makes of it)
- `jobs`, a room of its own

A kind is a row of `catalogue` and a module in the tables of `operations`, which also say what follows from time.

It never reads `providers.kinds` nor `providers.model`: a judge that reads the notes of the defendant judges nothing.
"""

from providers.simulator.faults import Fault
from providers.simulator.lifecycle import Change
from providers.simulator.operations import rules
from providers.simulator.rules import Rule
from providers.simulator.seeding import Seed
from providers.simulator.service import Call, Simulator, serve
from providers.simulator.settings import Durations, Outcome, Quotas, Settings
from providers.simulator.store import Store
from providers.simulator.wire import Request, Response

__all__ = [
    "Call",
    "Change",
    "Durations",
    "Fault",
    "Outcome",
    "Quotas",
    "Request",
    "Response",
    "Rule",
    "Seed",
    "Settings",
    "Simulator",
    "Store",
    "rules",
    "serve",
]
