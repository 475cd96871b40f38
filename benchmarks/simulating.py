"""The simulator by itself, empty and full, and the ending of the jobs of a full queue: both run as processes."""

import json

from benchmarks.frame import PYTHON, Row, Rows, Setting, Skipped, spend

# What is measured, by its name and by that of what it is held against in `benchmarks.control_plane`.
HELD = (
    ("simulated call under boto3", "describe through boto3", "boto3 alone"),
    ("simulated call, full store", "describe, full store", "describe"),
    ("simulated submission, full store", "submit, full store", "submit"),
    ("simulated call over HTTP, full store", "describe, HTTP, full store", "describe, HTTP"),
    ("simulated page of jobs, full store", "a page of waiting jobs, full store", "a page of waiting jobs"),
    ("simulated revision, 5,000 INACTIVE before", "the ACTIVE revision, after many", "the ACTIVE revision"),
    ("simulated call, store in a file", "describe, file", "describe"),
    ("simulated submission, store in a file", "submit, file", "submit"),
)


def measure(setting: Setting) -> Rows:
    if setting.quick:
        yield Skipped("the simulator, full", "it takes a minute to fill, and this is the quick run")
        return
    took = json.loads(spend(setting.folder, PYTHON, "-m", "benchmarks.control_plane").printed)
    for name, ours, theirs in HELD:
        yield Row(name, took[ours], took[theirs], theirs, ratio=took[ours] / took[theirs])
    yield Row("simulated calls a second over HTTP, full store", 1 / took["describe, HTTP, full store"], unit="calls")
    yield Row("simulator's peak memory, full store", took["peak_mib"], unit="MiB")


def emptying(setting: Setting) -> Rows:
    if setting.quick:
        yield Skipped("ending 50,000 jobs", "this is the quick run")
        return
    took = json.loads(spend(setting.folder, PYTHON, "-m", "benchmarks.emptying").printed)
    yield Row("ending 50,000 jobs", took["calls"], unit="calls")
    yield Row("ending 50,000 jobs, peak memory", took["peak_mib"], unit="MiB")
