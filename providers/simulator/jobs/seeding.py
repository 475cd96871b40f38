"""Jobs that never were submitted: put in as describe shows them, they go on as all do."""

import json

from providers.simulator.catalogue import CHILD, JOB, QUEUE
from providers.simulator.jobs import arrays, attempts, capacity, lines, placing, running, training
from providers.simulator.jobs.records import ENDED, milliseconds, queue_of, wake
from providers.simulator.jobs.submission import derived, rank, worker
from providers.simulator.lifecycle import Json, Kind, Thing, World


def adopt(world: World, kind: Kind, name: str, shown: Json) -> None:
    """Put in a job, or the child of an array, in any state. What it has begun, it has begun just now."""
    queue = shown["jobQueue"].rpartition("/")[2]
    whole = {"jobName": name, "createdAt": milliseconds(world.now), "attempts": [], "dependsOn": [], **shown}
    job = Thing(kind, name, whole, parent=name.rpartition(":")[0] if kind is CHILD else queue)
    job.kept = derived(world, whole)
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
        tries=len(whole["attempts"]),
    )
    job.kept["spread"] = bool(world.transaction.tally(CHILD.key, name))
    if kind is CHILD:
        _is_known_to_its_array(world, job)
    found = queue_of(world, job)
    if found:
        job.kept["rank"] = rank(found, whole)
    _take_its_place(world, job)
    world.save(job)
    if found and job.kept.get("line"):
        running.place(world, found)


def adopt_service(world: World, name: str, shown: Json) -> None:
    """Put in a service job in any state. What it has begun, it has begun just now."""
    queue = shown["jobQueue"].rpartition("/")[2]
    begun = {"jobId": name, "jobName": name, "createdAt": milliseconds(world.now), "serviceRequestPayload": "{}"}
    whole = {**begun, "attempts": [], "retryStrategy": {"attempts": 1, "evaluateOnExit": []}, **shown}
    job = training.new(world, queue, whole, json.loads(whole["serviceRequestPayload"]))
    found, durations = world.read(QUEUE, queue), world.settings.durations
    environment = capacity.environment_of(world, found) if found else None
    match whole["status"]:
        case "RUNNABLE" if found:
            training.join(world, job)
            training.place(world, found)
            return
        case "SUBMITTED":
            wake(job, world.now + durations.job_submitted)
        case "SCHEDULED" | "STARTING" | "RUNNING" as status if environment:
            capacity.take(world, environment, job)
            job.shown["latestAttempt"] = {"serviceResourceId": {"name": "TrainingJobArn", "value": name}}
            seconds = {"SCHEDULED": durations.job_scheduled, "STARTING": durations.job_starting}
            job.kept["seconds"] = durations.job_running
            wake(job, world.now + seconds.get(status, durations.job_running))
    world.save(job)


def _is_known_to_its_array(world: World, child: Thing) -> None:
    """An array of which a child was put in makes no children of its own; those that have ended count."""
    parent = world.read(JOB, child.parent)
    if parent:
        parent.kept["spread"] = True
        world.save(parent)
    if child.shown["status"] in ENDED:
        arrays.count_off(world, child)


def _take_its_place(world: World, job: Thing) -> None:
    durations = world.settings.durations
    match job.shown["status"]:
        case "SUBMITTED" | "PENDING":
            wake(job, world.now + durations.job_submitted)
        case "RUNNABLE":
            lines.join(world, job.shown["jobQueue"].rpartition("/")[2], [job])
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
