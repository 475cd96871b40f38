"""Queues and environments that take no jobs, whatever the jobs are."""

from collections.abc import Iterator, Sequence

from plans.diagnosis.fitting import lacks
from plans.diagnosis.scene import Found, Scene, ids, listed, named, told
from plans.roles import TRUST, wrong
from plans.roles import named as role_of
from providers.kinds.compute_environment import FACTS
from providers.resources import Document


def state_of(environment: Document) -> str:
    """What AWS says of an environment."""
    reason = environment.get("statusReason")
    quote = f', "{reason}"' if reason else ""
    return f"environment {named(environment)}: {environment.get('state')}, {environment.get('status')}{quote}"


def _all_closed(scene: Scene) -> bool:
    return bool(scene.environments or scene.services) and not scene.open


def _barred(scene: Scene, bad: Sequence[Document]) -> tuple[Document, ...]:
    """The jobs in line that need one of these environments: in those of the queue that take jobs they do not fit."""
    return tuple(
        job
        for job in scene.in_line
        if all(lacks(it, job) for it in scene.open) and (not scene.open or not all(lacks(it, job) for it in bad))
    )


def _unfit(scene: Scene, jobs: Sequence[Document]) -> Iterator[str]:
    """What the environments that take jobs lack for the first of these."""
    for it in scene.open if jobs else ():
        lacking = next(iter(lacks(it, jobs[0]).values()))
        yield f"environment {named(it)} takes jobs, but not {told(jobs[0])}: {lacking}"


def invalid(scene: Scene) -> Iterator[Found]:
    """No environment of the queue takes jobs, and some are INVALID."""
    bad = [it for it in (*scene.environments, *scene.services) if it.get("status") == "INVALID"]
    if not bad:
        return
    reasons = (str(it.get("statusReason") or "") for it in bad if it in scene.environments)
    fields = tuple(dict.fromkeys(path for reason in reasons if (path := FACTS.complaint(reason))))
    about = f" ({listed(fields)})" if fields else ""
    shut, barred = _all_closed(scene), _barred(scene, bad)
    urgent = shut or scene.first in barred
    which = "every environment" if shut and len(bad) > 1 else listed([named(it) for it in bad])
    yield Found(
        f"{which} of this queue is INVALID and takes no jobs",
        (*map(state_of, bad), *_unfit(scene, barred)),
        f"mend what AWS names{about}, then `batchwright apply --repair` sends it once more",
        "likely" if urgent else "possible",
        ids(barred),
        urgent,
    )


def roles(scene: Scene) -> Iterator[Found]:
    """Without its service role an environment starts nothing; AWS shows it as INVALID only once it has tried."""
    amiss = {
        named(it): (role_of(it), told_wrong)
        for it in scene.environments
        if (told_wrong := wrong(scene.roles, role_of(it), linked=False))
    }
    urgent = all(named(it) in amiss for it in scene.open)
    for environment, (role, how) in amiss.items():
        yield Found(
            f"the service role of environment {environment} {how}",
            (f"role {role} {how}, as IAM tells",),
            f"make it with {TRUST}, then `batchwright apply --repair`; or name another as serviceRole",
            "likely" if urgent else "possible",
            ids(scene.in_line) if urgent else (),
            urgent,
        )


def disabled(scene: Scene) -> Iterator[Found]:
    """Environments that are DISABLED take no jobs."""
    bad = [it for it in (*scene.environments, *scene.services) if it.get("state") == "DISABLED"]
    if not bad:
        return
    shut, barred = _all_closed(scene), _barred(scene, bad)
    urgent = shut or scene.first in barred
    which = "every environment" if shut and len(bad) > 1 else listed([named(it) for it in bad])
    yield Found(
        f"{which} of this queue is DISABLED and takes no jobs",
        (*map(state_of, bad), *_unfit(scene, barred)),
        f"set state: ENABLED of {listed([named(it) for it in bad])}",
        "likely" if urgent else "possible",
        ids(barred),
        urgent,
    )


def closed(scene: Scene) -> Iterator[Found]:
    """No environment takes jobs for another reason: it is being made or deleted, or is gone."""
    order = scene.queue.get("computeEnvironmentOrder") or scene.queue.get("serviceEnvironmentOrder") or ()
    entries = [str(it.get("computeEnvironment") or it.get("serviceEnvironment")).rpartition("/")[2] for it in order]
    if "environments" in scene.unread or scene.open:
        return
    found = (*scene.environments, *scene.services)
    if any(it.get("status") == "INVALID" or it.get("state") == "DISABLED" for it in found):
        return
    yield Found(
        "no environment of this queue takes jobs just now",
        (*map(state_of, found), f"environments in its order: {listed(entries) or 'none'}"),
        "wait until they are VALID, or name others in computeEnvironmentOrder",
        jobs=ids(scene.in_line),
    )


def queue_invalid(scene: Scene) -> Iterator[Found]:
    """A queue that is not VALID."""
    if scene.queue.get("status") in ("VALID", "UPDATING"):
        return
    evidence = f"queue {scene.name}: {scene.queue.get('state')}, {scene.queue.get('status')}"
    reason = scene.queue.get("statusReason")
    yield Found(
        f"the queue is {scene.queue.get('status')}",
        (evidence + (f', "{reason}"' if reason else ""),),
        "mend what AWS names, or wait until it has settled",
        jobs=ids(scene.in_line),
    )


def queue_disabled(scene: Scene) -> Iterator[Found]:
    """A DISABLED queue takes no new jobs; those in it go on."""
    if scene.queue.get("state") != "DISABLED":
        return
    yield Found(
        "the queue is DISABLED: SubmitJob is refused, while jobs that are in it go on",
        (f"queue {scene.name}: {scene.queue.get('state')}, {scene.queue.get('status')}",),
        "set state: ENABLED of the queue",
        urgent=not scene.in_line,
    )


def subnets(scene: Scene) -> Iterator[Found]:
    """Subnets that have no addresses left take no instances."""
    for it in scene.environments:
        names = [name for name in (it.get("computeResources") or {}).get("subnets") or () if name in scene.subnets]
        empty = [name for name in names if scene.subnets[name] <= 0]
        if empty:
            every = len(empty) == len((it.get("computeResources") or {})["subnets"])
            yield Found(
                f"{'every subnet' if every else 'a subnet'} of environment {named(it)} has no addresses left",
                tuple(f"{name}: {scene.subnets[name]} addresses are free" for name in empty),
                "add subnets with free addresses to computeResources.subnets",
                "likely" if every and len(scene.open) == 1 else "possible",
                ids(scene.in_line),
                every and len(scene.open) == 1,
            )
