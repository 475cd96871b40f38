"""Lines in which RUNNABLE jobs wait: who joins one, and who is no longer first for that.

A queue has a line of its name, or, for service jobs, one for each share: QUEUE/SHARE.
"""

from collections.abc import Iterable

from providers.simulator.jobs.records import job_of
from providers.simulator.lifecycle import API, Thing, World
from providers.simulator.rules import documented


def join(world: World, line: str, jobs: Iterable[Thing]) -> None:
    """Let jobs wait in a line, RUNNABLE, or anew where their rank has changed. Saves them."""
    first = world.transaction.first_in_line(line)
    for job in jobs:
        job.shown["status"] = "RUNNABLE"
        job.kept.update(line=line, since=world.now)
        world.save(job)
    now_first = world.transaction.first_in_line(line)
    if first and now_first and now_first.name != first.name:
        overtaken = world.transaction.get(first.kind, first.name)
        assert overtaken
        _is_overtaken(world, job_of(overtaken))


def leave(job: Thing) -> None:
    """Take a job out of its line. Does not save it."""
    job.kept["line"] = ""
    for key in ("since", "blocked"):
        job.kept.pop(key, None)


@documented(API + "API_JobStateTimeLimitAction.html")
def _is_overtaken(world: World, job: Thing) -> None:
    """A job that is no longer first in line is not told why it waits, and no time limit runs for it."""
    if "blocked" in job.kept:
        del job.kept["blocked"]
        job.kept["since"] = world.now
        job.change({"statusReason": None})
        job.steps = []
        world.save(job)
