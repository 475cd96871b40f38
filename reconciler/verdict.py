"""What is told of a trial job that did not succeed.

What a job lacked hangs on how far it got: one that waited for a host says nothing of its image (AWS Batch user guide,
"Job states").
"""

from collections.abc import Sequence

from providers.errors import BatchwrightError, DeadlinePassed, TrialFailed
from providers.resources import EMPTY, Document, Live

_AGAIN = "run the same command again for another trial"

_LONGER = "if it only takes longer, raise canary.timeout"

_STUCK = 'can its environments start such instances? AWS Batch user guide, "Jobs stuck in a RUNNABLE status"'

_MISFIT = ("MISCONFIGURATION", "ACTION_REQUIRED")
"""How reasons begin for which a job waits in vain: AWS Batch user guide, "Jobs stuck in a RUNNABLE status"."""

_LISTED = 100

_LOG_GROUP = "/aws/batch/job"
"""Where the logs of jobs go that say nothing else: AWS Batch API reference, AttemptContainerDetail."""


def failure(told: str, live: Live) -> TrialFailed:
    """The error of a trial whose job is FAILED; `told` is how the job is called."""
    tried = len(_attempts(live))
    how = f"in {tried} attempt{'s' if tried > 1 else ''}" if tried else "without an attempt"
    # The reason of the last attempt is, as a rule, that of the job.
    words = dict.fromkeys(filter(None, [*_last_words(live), live.status_reason]))
    hint = f"`{_showing(live, _containers(live))}` shows more; then {_AGAIN}"
    return TrialFailed(f"{told} failed {how}: {'; '.join(words) or 'AWS gives no reason'}", hint=hint)


def first_before(job: str, snapshot: Document) -> str | None:
    """The job that is first in line where this one stands behind it; None where it does not, or none shows.

    Of those in line a hundred are listed at most (AWS Batch API reference, FrontOfQueueDetail).
    """
    line = [str(it["jobArn"]).rpartition("/")[2] for it in (snapshot.get("frontOfQueue") or EMPTY).get("jobs") or ()]
    return line[0] if (job in line or len(line) >= _LISTED) and line[0] != job else None


def late(
    told: str, live: Live | None, deadline: float, unseen: BatchwrightError | None = None, first: str | None = None
) -> DeadlinePassed:
    """Why a job was not done within `deadline` seconds, by how far it got.

    `live` is the job as it was seen last, None where it never was; `unseen` is the error of a last look that failed;
    `first` is the job that it stood behind, if that is known.
    """
    seconds = f"{deadline:.0f} s"
    if unseen is not None:
        return DeadlinePassed(f"{told}: not seen to end within {seconds}; the last look failed: {unseen}", hint=_AGAIN)
    if live is None:
        return DeadlinePassed(f"{told}: AWS showed no such job within {seconds}", hint=_AGAIN)
    tried = len(_attempts(live))
    match live.status:
        case "RUNNING":
            own = (live.spec.get("container", EMPTY),)
            said, hint = f"still running after {seconds}", f"`{_showing(live, own)}` shows more; {_LONGER}"
        case "STARTING":
            said, hint = f"not started: the job was STARTING after {seconds}", f"can its host get the image? {_LONGER}"
        case "RUNNABLE" if tried:
            said, hint = f"to be tried again: the job was RUNNABLE after {seconds}", _AGAIN
        case "RUNNABLE" if live.status_reason.startswith(_MISFIT):
            said, hint = f"no place: the job was RUNNABLE for {seconds}", f"mend what the reason names; {_AGAIN}"
        case "RUNNABLE" if first is not None:
            said = (
                f"not its turn: the job was RUNNABLE for {seconds} behind other jobs, the first in line being {first}"
            )
            queue = str(live.spec.get("jobQueue")).rpartition("/")[2]
            hint = f"raise canary.timeout, give it a queue of its own, or see `batchwright doctor {queue}`"
        case "RUNNABLE":
            said, hint = f"no capacity: the job was RUNNABLE for {seconds}", _STUCK
        case status:
            said, hint = f"not scheduled: the job was {status} for {seconds}", _AGAIN
    before = f"attempt {tried} failed: {', '.join(_last_words(live))}" if tried else ""
    return DeadlinePassed(f"{told}: {'; '.join(filter(None, (said, live.status_reason, before)))}", hint=hint)


def _showing(live: Live, containers: Sequence[Document]) -> str:
    """The command that shows what the containers wrote; where nothing did, what AWS tells of the job."""
    failed_first = sorted(containers, key=lambda it: it.get("exitCode") == 0)
    stream = next((it["logStreamName"] for it in failed_first if it.get("logStreamName")), None)
    if stream is None:
        return f"aws batch describe-jobs --jobs {live.name}"
    return f"aws logs get-log-events --log-group-name {_log_group(live)} --log-stream-name {stream}"


def _last_words(live: Live) -> list[str]:
    """What the last attempt of a job left: of each container that ended badly, and of the attempt as a whole."""
    containers = _containers(live)
    told = [_container_words(it, alone=len(containers) == 1) for it in containers]
    return [words for words in (*told, _last(live).get("statusReason", "")) if words]


def _container_words(container: Document, *, alone: bool) -> str:
    code, reason, stream = (container.get(key) for key in ("exitCode", "reason", "logStreamName"))
    if code == 0 and not reason and not alone:
        return ""
    words = ", ".join(
        [
            *([] if code is None else [f"exit code {code}"]),
            *([reason] if reason else []),
            *([f"log stream {stream}"] if stream else []),
        ]
    )
    return words if alone or not words else f"{container.get('name', 'a container')}: {words}"


def _attempts(live: Live) -> Sequence[Document]:
    return (*live.spec.get("attempts", ()), *live.spec.get("eksAttempts", ()))


def _last(live: Live) -> Document:
    return next(iter(_attempts(live)[-1:]), EMPTY)


def _containers(live: Live) -> Sequence[Document]:
    """The containers of the last attempt, be they of one, of a task or of a pod; before any, the job's own."""
    last = _last(live)
    several = (
        *(it for task in last.get("taskProperties", ()) for it in task.get("containers", ())),
        *last.get("initContainers", ()),
        *last.get("containers", ()),
    )
    return several or (last.get("container") or live.spec.get("container", EMPTY),)


def _log_group(live: Live) -> str:
    tasks = live.spec.get("ecsProperties", EMPTY).get("taskProperties", ())
    containers = (live.spec.get("container", EMPTY), *(it for task in tasks for it in task.get("containers", ())))
    options = (it.get("logConfiguration", EMPTY).get("options", EMPTY) for it in containers)
    return next((str(it["awslogs-group"]) for it in options if "awslogs-group" in it), _LOG_GROUP)
