"""What a simulated service is set to: how long things take, how much fits, how much it lags."""

from collections.abc import Mapping

import attrs


@attrs.frozen
class Durations:
    """How long a step takes, in seconds of simulated time.

    Within what public sources saw: an environment of no instances is made in 40 to 110 s and disabled in up to 120 s
    (pegasus-isi/pegasus#2088), an infrastructure update takes 10 to 30 minutes, a queue is disabled and deleted in
    about a minute (acceptance tests of hashicorp/terraform-provider-aws).
    """

    create_environment: float = 40
    scaling_update: float = 20
    infrastructure_update: float = 600
    disable_environment: float = 30
    delete_environment: float = 45
    create_queue: float = 10
    update_queue: float = 10
    delete_queue: float = 20
    deleted: float = 0
    """How long an object is still described with status DELETED before it is gone."""
    job_submitted: float = 1
    job_starting: float = 10
    job_running: float = 60


@attrs.frozen
class Quotas:
    """Limits an account and region: https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html."""

    environments: int = 50
    queues: int = 50
    environments_a_queue: int = 3
    definition_bytes: int = 24 * 1024
    tags: int = 50


@attrs.frozen
class Settings:
    """Everything about a simulated service that a test or a user may wish otherwise.

    `relation_lag`: seconds after a queue's update has ended during which an environment that left it still counts as
    related. `stale_reads`: seconds after a change during which describes and lists still answer with what was before.
    `rate`: calls a second of simulated time before HTTP 429, None for no limit. `page_size`: most items on a page,
    whatever was asked for. `accounts`: access key id to account id, for all that are not in `account`. `region`: of a
    request that neither signature nor host gives one.
    """

    durations: Durations = Durations()
    quotas: Quotas = Quotas()
    relation_lag: float = 15
    stale_reads: float = 0
    rate: int | None = None
    page_size: int = 100
    account: str = "123456789012"
    accounts: Mapping[str, str] = attrs.field(factory=dict)
    region: str = "us-east-1"
