"""Why the jobs of a queue of compute environments may not run: small questions, each to everything that was read.

The order of the table is the order in which hypotheses are told: what lets no job of the queue run, then what lets
one job never run, then what passes by itself.
"""

from collections.abc import Callable, Iterator, Sequence

from plans.diagnosis.fitting import LACKS, common, lacks, room
from plans.diagnosis.needs import need, supplies
from plans.diagnosis.places import closed, disabled, invalid, queue_disabled, queue_invalid, roles, subnets
from plans.diagnosis.scene import Check, Found, Likelihood, Scene, ago, figure, ids, listed, takes_jobs, told
from providers.kinds.facts import GUIDE, page
from providers.resources import Document

_OVER = ("SUCCEEDED", "FAILED")


def _misfits(scene: Scene, code: str) -> Iterator[Found]:
    """Jobs that fit into no environment of the queue, even if nothing else ran there, for one common reason."""
    for job in scene.in_line:
        row, evidence = common(scene.environments, job)
        if evidence and (row.code if row else "no-environment-fits") == code:
            yield Found(
                f"a job {row.says}"
                if row
                else "a job fits into no environment of this queue, each for a reason of its own",
                (f"{told(job)} needs {_needs(job, code)}", *evidence),
                row.mend if row else "see what each lacks; one that fits is enough",
                jobs=(job["jobId"],),
                urgent=job is scene.first,
            )


def _needs(job: Document, code: str) -> str:
    wanted = need(job)
    total = f", {figure(wanted.total)} vCPU in all" if wanted.total > wanted.vcpus else ""
    built = f", {wanted.architecture}" if code == "architecture" else ""
    return f"{wanted.told}{total}{built}"


def _misfit(code: str) -> Callable[[Scene], Iterator[Found]]:
    return lambda scene: _misfits(scene, code)


def _supplies(scene: Scene) -> Iterator[Found]:
    """Jobs that need more of a consumable resource than is available."""
    for job in scene.in_line:
        for name, quantity in supplies(job).items():
            resource = scene.supplies.get(name)
            if resource is None:
                if f"consumable resource {name}" not in scene.unread:
                    yield _gone(scene, job, name)
                continue
            total, used = int(resource.get("totalQuantity", 0)), int(resource.get("inUseQuantity", 0))
            if total - used >= quantity:
                continue
            never = "; it would never start, since the whole is less" if quantity > total else ""
            yield Found(
                f"the consumable resource {name} is used up{never}",
                (f"{told(job)} needs {quantity:,} of {name}: {used:,} of {total:,} are in use",),
                f"raise totalQuantity of {name} (`apply --set-quantity`), or see what holds it: "
                f"`aws batch list-jobs-by-consumable-resource --consumable-resource {name}`",
                jobs=(job["jobId"],),
                urgent=job is scene.first,
            )


def _gone(scene: Scene, job: Document, name: str) -> Found:
    return Found(
        f"the consumable resource {name} is not there",
        (f"{told(job)} needs {name}, and AWS describes no such resource",),
        f"create {name}, or take it out of consumableResourceProperties",
        jobs=(job["jobId"],),
        urgent=job is scene.first,
    )


def _open_room(scene: Scene, job: Document) -> float:
    """The vCPUs of the environments that take jobs and would take this one."""
    return sum(room(it) for it in scene.environments if takes_jobs(it) and not lacks(it, job))


def _crowd(scene: Scene) -> tuple[Document, float, float, list[Document]] | None:
    """The first in line where it finds too little room, what is taken and what there is, and who behind would fit."""
    first = scene.first
    if first is None or scene.taken is None or not scene.taken:
        return None
    most = _open_room(scene, first)
    if not most or need(first).total + scene.taken <= most:
        return None
    behind = [job for job in scene.in_line[1:] if need(job).total + scene.taken <= _open_room(scene, job)]
    return first, scene.taken, most, behind


def _certainty(scene: Scene, job: Document) -> Likelihood:
    """How much can be said of where the jobs are: which of several environments they are in is not told."""
    apart = scene.elsewhere or any(lacks(it, job) or not takes_jobs(it) for it in scene.environments)
    return "possible" if apart else "likely"


def _usage(scene: Scene, taken: float, most: float) -> str:
    whose = f"queue {scene.name}" + (f" and of {listed(scene.neighbours)}" if scene.neighbours else "")
    running = [f"{scene.counts[status]} {status}" for status in ("RUNNING", "STARTING") if status in scene.counts]
    arrays = ", children of arrays not counted" if scene.counts.get("PENDING") else ""
    here = f" ({', '.join(running)} in this queue{arrays})" if running else ""
    return f"jobs of {whose} take {figure(taken)} of {figure(most)} vCPU{here}"


def _head(scene: Scene) -> Iterator[Found]:
    """A big job is first in line and waits for room, and smaller ones behind it would find some."""
    crowd = _crowd(scene)
    if crowd is None or not crowd[-1]:
        return
    first, taken, most, behind = crowd
    yield Found(
        "a big job is first in line and holds up smaller ones behind it",
        (
            f"{told(first)} needs {need(first).told}, and {figure(max(0, most - taken))} vCPU are free",
            _usage(scene, taken, most),
            f"{len(behind)} of the jobs behind it would find room, such as {told(behind[0])}",
        ),
        "wait, raise maxvCpus, or send big jobs to a queue of their own; `aws batch cancel-job --job-id "
        f"{first['jobId']} --reason …` lets the others go first",
        _certainty(scene, first),
        ids(scene.in_line),
    )


def _full(scene: Scene) -> Iterator[Found]:
    """Other jobs take the room that the first in line needs."""
    crowd = _crowd(scene)
    if crowd is None or crowd[-1]:
        return
    first, taken, most, _ = crowd
    yield Found(
        "the environments are full: jobs that were placed before take their vCPUs",
        (_usage(scene, taken, most), f"{told(first)}, first in line, needs {need(first).told}"),
        "wait for them to end, or raise computeResources.maxvCpus",
        _certainty(scene, first),
        ids(scene.in_line),
    )


def _shares(scene: Scene) -> Iterator[Found]:
    """In a fair-share queue, shares that have used less go first, and some capacity may be kept for others."""
    policy = scene.policy.get("fairsharePolicy")
    first = scene.first
    if policy is None or first is None:
        return
    behind = [job for job in scene.in_line if job.get("shareIdentifier") != first.get("shareIdentifier")]
    if behind:
        share = first.get("shareIdentifier")
        used = [f"share {name} takes {figure(of)}" for name, of in (scene.front.shares.items() if scene.front else ())]
        yield Found(
            "jobs of one share wait behind another share, which is served before them",
            (f"share {share} is first in line, with {told(first)}", *used),
            "change weightFactor or shareDecaySeconds of the scheduling policy, or schedulingPriority of the jobs",
            "possible",
            ids(behind),
            False,
        )
    kept, most = float(policy.get("computeReservation") or 0), _open_room(scene, first)
    shares = max(1, len(scene.front.shares)) if scene.front else 1
    free = most * (1 - (kept / 100) ** shares)
    if kept and scene.taken is not None and free < need(first).total + scene.taken <= most:
        yield Found(
            "the scheduling policy keeps a part of the vCPUs for shares that have no jobs yet",
            (
                f"computeReservation of policy {scene.policy.get('name')} is {figure(kept)} % to the power of {shares}",
                _usage(scene, scene.taken, most),
                f"{told(first)}, first in line, needs {need(first).told}",
            ),
            "lower computeReservation of the scheduling policy",
            "possible",
            ids(scene.in_line),
        )


def _unshared(scene: Scene) -> Iterator[Found]:
    """Jobs of a queue with a fair-share policy say a share and a priority."""
    if scene.policy.get("fairsharePolicy") is None:
        return
    for member in ("shareIdentifier", "schedulingPriority"):
        without = [job for job in scene.in_line if job.get(member) is None]
        if without:
            yield Found(
                f"jobs of a fair-share queue say no {member}",
                (f"{told(without[0])} has no {member}",),
                f"say {member} when the job is submitted"
                + (", or in its definition" if member == "schedulingPriority" else ""),
                "possible",
                ids(without),
                scene.first in without,
            )


def _dependencies(scene: Scene) -> Iterator[Found]:
    """PENDING jobs wait until what they depend on has succeeded."""
    for job in scene.waiting:
        if job["status"] not in ("PENDING", "SUBMITTED"):
            continue
        names = [str(it["jobId"]).rpartition("/")[2] for it in job.get("dependsOn") or () if it.get("jobId")]
        open_ = [name for name in names if scene.others.get(name, {}).get("status") not in _OVER]
        if not open_:
            continue
        yield Found(
            "a job waits for others that have not ended",
            (f"{told(job)} is {job['status']}", *(_other(scene, name) for name in open_)),
            _onwards(scene, open_),
            jobs=(job["jobId"],),
            urgent=not scene.in_line,
        )


def _other(scene: Scene, name: str) -> str:
    other = scene.others.get(name)
    if other is None:
        return f"it depends on job {name}, which AWS does not describe"
    began = other.get("startedAt") or other.get("createdAt")
    since = f" since {ago(scene.now - began / 1000)}" if began else ""
    reason = f', "{other["statusReason"]}"' if other.get("statusReason") else ""
    return f"it depends on {told(other)}: {other['status']}{since}{reason}"


def _onwards(scene: Scene, names: Sequence[str]) -> str:
    waiting = [other for name in names if (other := scene.others.get(name)) and other["status"] == "RUNNABLE"]
    queues = {str(other.get("jobQueue", "")).rpartition("/")[2] for other in waiting} - {scene.name, ""}
    if queues:
        return f"`batchwright doctor {min(queues)}` looks at the queue of what it waits for"
    return "see why what it depends on does not end; a timeout in its definition would end it"


_BLOCKED = f"{GUIDE}job_stuck_in_runnable.html"

BEFORE = (
    Check("queue-invalid", queue_invalid, page("JobQueueDetail")),
    Check("environments-invalid", invalid, f"{GUIDE}invalid_compute_environment.html"),
    Check("environments-disabled", disabled, page("ComputeEnvironmentDetail")),
    Check("environments-closed", closed, page("ComputeEnvironmentDetail")),
    Check("service-role", roles, f"{GUIDE}service_IAM_role.html"),
    *(Check(row.code, _misfit(row.code), row.source) for row in LACKS),
    Check("no-environment-fits", _misfit("no-environment-fits"), _BLOCKED),
    Check("consumable-resource", _supplies, f"{GUIDE}resource-aware-scheduling.html"),
)
"""What stands before AWS's own words about a job."""

AFTER = (
    Check("subnet-full", subnets, f"{GUIDE}job_stuck_in_runnable.html"),
    Check("head-of-line", _head, _BLOCKED),
    Check("environment-full", _full, page("ComputeResource")),
    Check("share-attributes", _unshared, page("SubmitJob")),
    Check("share-order", _shares, f"{GUIDE}fair-share-scheduling.html"),
    Check("dependency", _dependencies, f"{GUIDE}job_dependencies.html"),
    Check("queue-disabled", queue_disabled, page("CreateJobQueue")),
)
"""What stands after them."""
