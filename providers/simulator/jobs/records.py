"""Jobs as they are kept: how one is found, and how the clock is told to call on it."""

from providers.simulator.catalogue import CHILD, JOB, QUEUE
from providers.simulator.lifecycle import Json, Thing, World, thing_of
from providers.simulator.store import Row

UNFINISHED = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
ENDED = ("SUCCEEDED", "FAILED")
USER_GUIDE = "https://docs.aws.amazon.com/batch/latest/userguide/"


def job_of(row: Row) -> Thing:
    """Return a stored job, or the child of one."""
    return thing_of(JOB if row.kind == JOB.key else CHILD, row, row.document)


def find(world: World, job_id: str) -> Thing | None:
    """Return the job, or the child of one, that an id or ARN stands for."""
    return world.read(CHILD if ":" in job_id.rpartition("/")[2] else JOB, job_id)


def queue_of(world: World, job: Thing) -> Thing | None:
    return world.read(QUEUE, job.shown["jobQueue"])


def wake(job: Thing, *instants: float) -> None:
    """Let the clock call on a job at these instants, and when it is to lose its host, and at no others."""
    evicted: Json | None = job.kept.get("evicted")
    lost = [evicted["due"]] if evicted else []
    job.steps = [(instant, {}) for instant in sorted({*instants, *lost})]


def milliseconds(instant: float) -> int:
    return round(instant * 1000)
