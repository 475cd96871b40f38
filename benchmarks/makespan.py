"""An apply against what its order, the rate and the parallelism allow, and its waits against an oracle's."""

import statistics

from benchmarks.account import manifest
from benchmarks.frame import Row, Rows, Setting
from benchmarks.watched import Scene, Watched
from reconciler.settings import Settings

RATES = (10.0, 200.0)


def measure(setting: Setting) -> Rows:
    sizes = (1, 10, 60) if setting.quick else (1, 3, 10, 30, 100, 300, 600)
    for rate in RATES:
        seen: list[Watched] = []
        for doing in ("create", "destroy"):
            rows = []
            for size in sizes:
                watched = _of(size, rate, destroying=doing == "destroy")
                seen.append(watched)
                bound = watched.bound(_settings(rate))
                rows.append((size, watched.report.seconds, bound))
            worst = max(rows, key=lambda row: row[1] / row[2])
            yield Row(
                f"makespan, {doing}, {rate:.0f} calls a second",
                worst[1],
                worst[2],
                "longest path, rate or parallelism, whichever is most",
                ratio=worst[1] / worst[2],
                target=1.05,
                note="; ".join(f"{size}: {took:.1f} of {bound:.1f} s" for size, took, bound in rows),
            )
        late = [wait.late for watched in seen for wait in watched.waits]
        note = f"median {statistics.median(late):.2f}, of {len(late)} waits"
        share = "of a tenth of the wait, or 5 s"
        yield Row(f"settled to noticed, {rate:.0f} calls a second", max(late), unit=share, target=1.0, note=note)
        polled = max(seen, key=lambda watched: watched.looks / watched.oracle)
        yield Row(
            f"polls, {rate:.0f} calls a second",
            polled.looks,
            polled.oracle,
            "an oracle that notices no later than that",
            unit="calls",
            ratio=polled.looks / polled.oracle,
            target=1.5,
            note="; ".join(f"{len(watched.plan.changes)}: {watched.looks} of {watched.oracle}" for watched in seen),
        )


def _settings(rate: float) -> Settings:
    return Settings(max_api_rate=rate, state=None)


def _of(size: int, rate: float, *, destroying: bool) -> Watched:
    """The apply of so many resources: a twelfth each environments and queues, as in a full account."""
    each = size // 12 if size >= 12 else (1 if size >= 3 else 0)
    text = manifest(each or int(size < 3), each, size - 2 * each if size >= 3 else 0)
    scene = Scene(_settings(rate))
    made = scene.apply(text)
    return scene.apply(text, destroying=True) if destroying else made
