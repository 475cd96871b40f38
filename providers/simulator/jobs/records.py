"""Jobs as they are kept: how one is found, and how the clock is told to call on it."""

from providers.simulator.catalogue import CHILD, JOB, QUEUE, SERVICE_JOB
from providers.simulator.lifecycle import Json, Thing, World, thing_of
from providers.simulator.store import Row

UNFINISHED = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
ENDED = ("SUCCEEDED", "FAILED")
USER_GUIDE = "https://docs.aws.amazon.com/batch/latest/userguide/"


def job_of(row: Row) -> Thing:
    """Return a stored job, the child of one, or a service job."""
    kind = next(it for it in (JOB, CHILD, SERVICE_JOB) if it.key == row.kind)
    return thing_of(kind, row, row.document)


def find(world: World, job_id: str) -> Thing | None:
    """Return the job, or the child of one, that an id or ARN stands for."""
    return world.read(CHILD if ":" in job_id.rpartition("/")[2] else JOB, job_id)


def unborn(world: World, job_id: str) -> tuple[Thing, str] | None:
    """Return array and index of the child that an id or ARN names, where the array has not spread yet, else None."""
    name, _, index = job_id.rpartition("/")[2].partition(":")
    number = number_in(index)
    parent = world.read(JOB, name) if number is not None else None
    if parent is None or number is None or parent.kept.get("spread") or parent.shown["status"] not in UNFINISHED:
        return None
    return (parent, str(number)) if number < parent.kept["size"] else None


def queue_of(world: World, job: Thing) -> Thing | None:
    return world.read(QUEUE, job.shown["jobQueue"])


def wake(job: Thing, *instants: float) -> None:
    """Let the clock call on a job at these instants, and when it is to lose its host, and at no others."""
    evicted: Json | None = job.kept.get("evicted")
    lost = [evicted["due"]] if evicted else []
    job.steps = [(instant, {}) for instant in sorted({*instants, *lost})]


def number_in(text: str) -> int | None:
    """Return the number that a text of up to 19 ASCII digits is, None of another."""
    return int(text) if len(text) <= 19 and text.isascii() and text.isdigit() else None


def milliseconds(instant: float) -> int:
    return round(instant * 1000)
