"""What a simulated service is set to: how long things take, how much fits, how much it lags."""

from collections.abc import Mapping

import attrs


@attrs.frozen
class Durations:
    """How long a step takes, in seconds of simulated time.

    Within what public sources saw: an environment of no instances is made in 40 to 110 s and disabled in up to 120 s
    (pegasus-isi/pegasus#2088), an infrastructure update takes 10 to 30 minutes, a queue is disabled and deleted in
    about a minute (acceptance tests of hashicorp/terraform-provider-aws), a service environment is made within seconds
    (https://docs.aws.amazon.com/batch/latest/userguide/service-environment-state-definitions.html).
    """

    create_environment: float = 40
    scaling_update: float = 20
    infrastructure_update: float = 600
    disable_environment: float = 30
    delete_environment: float = 45
    hindered_deletion: float = 1800
    """How long an environment without a usable service role hangs in DELETING before it is INVALID again."""
    create_queue: float = 10
    update_queue: float = 10
    delete_queue: float = 20
    create_service_environment: float = 3
    update_service_environment: float = 1
    delete_service_environment: float = 5
    create_quota_share: float = 3
    update_quota_share: float = 1
    delete_quota_share: float = 5
    deleted: float = 0
    """How long an object is still described with status DELETED before it is gone."""
    job_submitted: float = 1
    job_starting: float = 10
    job_running: float = 60
    job_scheduled: float = 30
    """How long SageMaker takes to find instances for a service job."""
    job_without_capacity: float = 900
    """How long SageMaker looks for instances that it does not find."""
    job_tried_again: float = 300
    """How long a service job for which there were no instances waits before it is scheduled again."""


@attrs.frozen
class Quotas:
    """Limits an account and region: https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html."""

    environments: int = 50
    environments_a_cluster: int = 5
    queues: int = 50
    environments_a_queue: int = 3
    service_environments: int = 50
    capacity_limits: int = 5
    quota_shares_a_queue: int = 20
    consumables: int = 50_000
    shares_a_queue: int = 500
    definition_bytes: int = 24 * 1024
    nodes: int = 1000
    job_bytes: int = 30 * 1024
    service_job_bytes: int = 30 * 1024
    service_payload_bytes: int = 10 * 1024
    service_attempts: int = 10
    tags: int = 50


@attrs.frozen
class Outcome:
    """How jobs come out whose image, command, definition, queue and name fit these patterns ("*": anything).

    `command` is the command's words with a blank between them, `definition` and `queue` are names. An attempt ends
    with `exit_code` after `seconds` of RUNNING (None: as long as `Durations` says), and shows `reason`, and
    the job `status_reason`. `attempts` confines this to the first so many attempts, and `index` to one child of an
    array; the next row that fits speaks for the others. A job that `runs` not
    stays RUNNABLE, for want of capacity. A service job has no image, command and definition: only "*" fits them.
    """

    image: str = "*"
    command: str = "*"
    definition: str = "*"
    queue: str = "*"
    name: str = "*"
    index: int | None = None
    attempts: int | None = None
    exit_code: int = 0
    reason: str = ""
    status_reason: str = "Essential container in task exited"
    seconds: float | None = None
    runs: bool = True


@attrs.frozen
class Settings:
    """Everything about a simulated service that a test or a user may wish otherwise.

    `relation_lag`: seconds after a queue's update has ended during which an environment that left it still counts as
    related. `stale_reads`: seconds after a change during which describes and lists still answer with what was before.
    `rate`: calls a second of simulated time before HTTP 429, None for no limit. `page_size`: most items on a page,
    whatever was asked for. `outcomes`: how jobs come out; the first row that fits a job, else success. `accounts`:
    access key id to account id, for all that are not in `account`. `region`: of a request that neither signature nor
    host gives one.
    """

    durations: Durations = Durations()
    quotas: Quotas = Quotas()
    relation_lag: float = 15
    stale_reads: float = 0
    rate: int | None = None
    page_size: int = 1000
    outcomes: tuple[Outcome, ...] = ()
    account: str = "123456789012"
    accounts: Mapping[str, str] = attrs.field(factory=dict)
    region: str = "us-east-1"
