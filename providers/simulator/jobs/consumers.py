"""ListJobsByConsumableResource: which jobs need a consumable resource."""

from collections.abc import Iterator

from providers.simulator.catalogue import CONSUMABLE, JOB
from providers.simulator.jobs import supplies
from providers.simulator.lifecycle import API, Handler, Json, Thing, World, is_named, page
from providers.simulator.rules import Refused, documented

_SOURCE = API + "API_ListJobsByConsumableResource.html"
_FILTERS = {"JOB_STATUS": "status", "JOB_NAME": "jobName"}


def list_jobs(world: World, request: Json) -> Json:
    resource = world.find(CONSUMABLE, request["consumableResource"])
    filters: list[Json] = request.get("filters", [])
    for given in filters:
        _filter_is_known(given)

    def things(after: int) -> Iterator[Thing]:
        for job in world.view(JOB, after=after):
            if _needs(world, job, resource) and all(_passes(job, given) for given in filters):
                yield job

    return page(world, request, "jobs", things, lambda job: _summary(resource, job))


OPERATIONS: dict[str, Handler] = {"ListJobsByConsumableResource": list_jobs}


@documented(_SOURCE)
def _filter_is_known(given: Json) -> None:
    """Jobs that need a consumable resource are filtered by status and by name, in capital letters."""
    if given.get("name") not in _FILTERS:
        raise Refused(f"Invalid filter name: {given.get('name')}")


@documented(_SOURCE)
def _needs(world: World, job: Thing, resource: Thing) -> bool:
    """A job of any queue needs the consumable resources that it names, by name or by ARN."""
    return resource.name in supplies.needed(world, job.shown)


@documented(_SOURCE)
def _passes(job: Thing, given: Json) -> bool:
    """A filter finds jobs with one of its statuses, or of a name that is one of its values."""
    shown = str(job.shown[_FILTERS[given["name"]]])
    values: list[str] = given.get("values", [])
    return any(is_named(shown, value) if given["name"] == "JOB_NAME" else shown == value for value in values)


@documented(API + "API_ListJobsByConsumableResourceSummary.html")
def _summary(resource: Thing, job: Thing) -> Json:
    """Beside the job stand how much of the resource is available, when that was created, and all that the job needs."""
    shown, held = job.shown, resource.shown
    needed = [{"consumableResource": name, "quantity": quantity} for name, quantity in supplies.asked(shown).items()]
    told: Json = {key: shown[key] for key in ("shareIdentifier", "statusReason", "startedAt") if key in shown}
    return {
        "jobArn": job.arn,
        "jobQueueArn": shown["jobQueue"],
        "jobName": shown["jobName"],
        "jobDefinitionArn": shown["jobDefinition"],
        "jobStatus": shown["status"],
        "quantity": max(0, held["totalQuantity"] - held["inUseQuantity"]),
        "createdAt": held["createdAt"],
        "consumableResourceProperties": {"consumableResourceList": needed},
        **told,
    }
