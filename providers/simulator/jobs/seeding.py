"""Jobs that never were submitted: put in as describe shows them, they go on as all do."""

from providers.simulator.catalogue import CHILD, QUEUE
from providers.simulator.jobs import attempts, placing, running
from providers.simulator.jobs.records import ENDED, milliseconds, queue_of, wake
from providers.simulator.jobs.submission import derived, worker
from providers.simulator.lifecycle import Json, Kind, Thing, World


def adopt(world: World, kind: Kind, name: str, shown: Json) -> None:
    """Put in a job, or the child of an array, in any state. What it has begun, it has begun just now."""
    queue = shown["jobQueue"].rpartition("/")[2]
    whole = {"jobName": name, "createdAt": milliseconds(world.now), "attempts": [], "dependsOn": [], **shown}
    job = Thing(kind, name, whole, parent=name.rpartition(":")[0] if kind is CHILD else queue)
    job.kept = derived(whole)
    definition = whole["jobDefinition"].rpartition("/")[2].partition(":")[0]
    facts = {**worker(whole), "definition": definition, "queue": queue, "name": whole["jobName"]}
    job.kept.update(
        outcomes=attempts.outcomes_of(world, facts, array="size" in whole.get("arrayProperties", {})),
        size=whole.get("arrayProperties", {}).get("size", 0),
        instance=attempts.instance(name),
        task={
            key: value
            for key, value in whole.get("container", {}).items()
            if key in ("taskArn", "containerInstanceArn")
        },
        rank=-whole.get("schedulingPriority", 0),
        tries=len(whole["attempts"]),
        waits=[it["jobId"] for it in whole["dependsOn"] if it.get("jobId")],
        blocked=world.now,
        of=0,
    )
    _take_its_place(world, job)
    world.save(job)
    if job.kept.get("line") and (found := world.read(QUEUE, queue)):
        running.place(world, found)


def _take_its_place(world: World, job: Thing) -> None:
    durations = world.settings.durations
    match job.shown["status"]:
        case "SUBMITTED" | "PENDING":
            job.kept["waits"] = []
            wake(job, world.now + durations.job_submitted)
        case "RUNNABLE":
            job.kept["line"] = job.shown["jobQueue"].rpartition("/")[2]
        case "STARTING" | "RUNNING" as status:
            _occupy(world, job)
            job.kept["outcome"] = attempts.outcome(world, job)
            seconds = durations.job_starting if status == "STARTING" else job.kept["outcome"]["seconds"]
            job.kept["until"] = world.now + seconds
            wake(job, job.kept["until"])
        case _:
            assert job.shown["status"] in ENDED


def _occupy(world: World, job: Thing) -> None:
    """Give a job that runs its place: the environment whose cluster its task names, or the first of its queue."""
    queue = queue_of(world, job)
    found = placing.in_order(world, queue) if queue else []
    task = job.shown.get("container", {}).get("taskArn", "")
    cluster = task.rpartition(":")[2].split("/")[1:2]
    mine = [it for it in found if it.shown.get("ecsClusterArn", "").rpartition("/")[2:] == tuple(cluster)]
    for environment in (mine or found)[:1]:
        job.kept["place"] = environment.name
        placing.occupy(environment, job.kept["vcpus"])
        world.save(environment)
