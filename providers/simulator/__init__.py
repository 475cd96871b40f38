"""A model of the AWS Batch control plane: states, refusals, delays, defaults and faults, in this process or over HTTP.

Where things stand: `service` is the entry (routing, faults, hooks); `wire` brings requests from boto3 or HTTP;
`shapes` holds them against botocore's model; one module a kind (`environments` with `resources`, `queues`,
`definitions` with `echo`, `policies`, `jobs`, `tags`) holds its operations and rules; `lifecycle` moves objects along
the clock, `store` keeps them, `identity` speaks for STS. A kind is added as a row of `catalogue` and a module whose
`OPERATIONS` join those of `service`.

It never reads `providers.kinds` nor `providers.model`: a judge that reads the notes of the defendant judges nothing.
"""

from providers.simulator.faults import Fault
from providers.simulator.operations import rules
from providers.simulator.rules import Rule
from providers.simulator.service import Call, Simulator, serve
from providers.simulator.settings import Durations, Outcome, Quotas, Settings
from providers.simulator.store import Store
from providers.simulator.wire import Request, Response

__all__ = [
    "Call",
    "Durations",
    "Fault",
    "Outcome",
    "Quotas",
    "Request",
    "Response",
    "Rule",
    "Settings",
    "Simulator",
    "Store",
    "rules",
    "serve",
]
