"""Why jobs do not run: hypotheses from what was read, the likeliest first. Pure: it reads nothing itself.

`scene` is what a queue looks like and what a check finds in it, `checks`, `places` and `training` are the checks,
`fitting` is what a job may lack in an environment, `needs` what a job needs, `sizes` what instance types hold, `words`
what AWS says itself. Nothing is certain here: a hypothesis is *likely* or *possible*, and quotes what speaks for it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from plans.diagnosis import checks, training
from plans.diagnosis.needs import supplies
from plans.diagnosis.scene import Check, Diagnosis, Finding, Found, Front, Scene, ago, told
from plans.diagnosis.words import quoted
from providers.kinds.facts import GUIDE

__all__ = ["LONG", "Diagnosis", "Finding", "Found", "Front", "Scene", "diagnose", "supplies", "to_json"]

FORMAT = 1
"""The format of its JSON."""
LONG = 600.0
"""Seconds after which a job that waits without any visible cause is a finding of its own."""

_EVIDENCE = 8
"""Up to so many pieces of evidence are kept of one hypothesis."""


def diagnose(scene: Scene) -> Diagnosis:
    """The hypotheses of one queue.

    First what holds up the first in line, or the whole queue; of these the likely ones first, each in the order of the
    tables: what never passes before what passes by itself. Then what concerns jobs further behind.
    """
    found = [*_asked(scene, (*checks.BEFORE, *training.BEFORE))]
    for words, said in quoted(scene):
        place = next((n for n, it in enumerate(found) if it.code in words.explained_by and it.found.urgent), None)
        if place is None:
            found.append(Finding(words.code, words.source, said))
        else:
            found[place] = _with_evidence(found[place], said.evidence)
    found += _asked(scene, (*checks.AFTER, *training.AFTER))
    if not any(it.found.urgent and it.found.jobs for it in found):
        found += _unexplained(scene)
    ranked = sorted(found, key=lambda it: (not it.found.urgent, it.found.likelihood != "likely"))
    began = [job["createdAt"] / 1000 for job in scene.in_line if job.get("createdAt")]
    oldest = max(0.0, scene.now - min(began)) if began else None
    return Diagnosis(
        scene.name,
        scene.queue["jobQueueArn"],
        scene.counts,
        scene.more,
        oldest,
        tuple(ranked),
        scene.unread,
        len(scene.waiting),
    )


def _asked(scene: Scene, table: tuple[Check, ...]) -> Iterator[Finding]:
    """What the checks find, the jobs of which the same is said together."""
    for check in table:
        together: dict[str, Found] = {}
        for one in check.ask(scene):
            before = together.get(one.says)
            together[one.says] = one if before is None else _both(before, one)
        yield from (Finding(check.code, check.source, one) for one in together.values())


def _both(one: Found, other: Found) -> Found:
    return attrs.evolve(
        one,
        evidence=tuple(dict.fromkeys((*one.evidence, *other.evidence)))[:_EVIDENCE],
        jobs=tuple(dict.fromkeys((*one.jobs, *other.jobs))),
        urgent=one.urgent or other.urgent,
    )


def _with_evidence(finding: Finding, more: tuple[str, ...]) -> Finding:
    return attrs.evolve(finding, found=attrs.evolve(finding.found, evidence=(*finding.found.evidence, *more)))


def _unexplained(scene: Scene) -> Iterator[Finding]:
    """Jobs wait for long, and nothing that was read says why."""
    first = scene.first
    since = (scene.front.since if scene.front else None) or (first or {}).get("createdAt", 0) / 1000
    if first is None or not since or scene.now - since < LONG:
        return
    waits = f"{told(first)} is first in line since {ago(scene.now - since)}"
    sizes = [
        f"desiredvCpus of environment {it['computeEnvironmentName']} is {desired}"
        for it in scene.environments
        if (desired := (it.get("computeResources") or {}).get("desiredvCpus"))
    ]
    if sizes and not scene.taken and not any(scene.counts.get(status) for status in ("STARTING", "RUNNING")):
        yield Finding(
            "no-host",
            f"{GUIDE}job_stuck_in_runnable.html",
            Found(
                "instances were asked for, and no job has come to one: they may not reach ECS, or may not start",
                (waits, *sizes),
                "look at instanceRole, at the way from the subnets to ECS, at securityGroupIds, image and user data",
                "possible",
                (first["jobId"],),
            ),
        )
        return
    yield Finding(
        "unexplained",
        f"{GUIDE}job_stuck_in_runnable.html",
        Found(
            "jobs wait, and nothing that was read says why",
            (waits, *sizes),
            "look at instanceRole, quotas of EC2, subnets and security groups of the environments",
            "possible",
            (first["jobId"],),
        ),
    )


def to_json(
    diagnoses: tuple[Diagnosis, ...], account: str | None, region: str, target: Mapping[str, str]
) -> Mapping[str, Any]:
    """All diagnoses as `batchwright doctor --json` prints them; its schema is `plans.schema.doctor_schema`.

    `target` is how the place was reached, as a `Target` tells it.
    """
    return {
        "format": FORMAT,
        "account": account,
        "region": region,
        "target": dict(target),
        "queues": [
            {
                "queue": it.queue,
                "arn": it.arn,
                "jobs": {"by_status": dict(it.counts), "more": sorted(it.more), "looked_at": it.looked_at},
                "oldest_runnable_seconds": None if it.oldest is None else round(it.oldest, 1),
                "findings": [
                    {
                        "code": one.code,
                        "likelihood": one.found.likelihood,
                        "says": one.found.says,
                        "evidence": list(one.found.evidence),
                        "mend": one.found.mend,
                        "source": one.source,
                        "jobs": list(one.found.jobs),
                    }
                    for one in it.findings
                ],
                "unread": dict(it.unread),
            }
            for it in diagnoses
        ],
    }
