"""Creating and destroying a full account over HTTP at 200 calls a second, on a server that is VALID at once.

Destroyed is an account whose definitions have three ACTIVE revisions each. What Terraform took is no figure of this
run: it was measured once elsewhere, on an account of one revision each; `terraform` measures it here when it may.
"""

from collections.abc import Sequence

from benchmarks.frame import BATCHWRIGHT, Row, Rows, Setting, alone, held_against, spend
from benchmarks.serving import FULL, SMALL, Holding, serving

ONCE = {"apply": 185.0, "destroy": 347.0}
NAMES = {"apply": "create", "destroy": "destroy"}


def measure(setting: Setting) -> Rows:
    holding = SMALL if setting.quick else FULL
    (setting.folder / "full.json").write_text(holding.manifest())
    for verb, before in (("apply", Holding()), ("destroy", holding)):
        yield _row(verb, [_took(setting, verb, before) for _ in range(setting.turns(3))], holding)


def _took(setting: Setting, verb: str, before: Holding) -> float:
    command = (BATCHWRIGHT, verb, "full.json", "--auto-approve", "--max-api-rate", "200")
    with serving(setting.folder, before) as endpoint:
        return spend(setting.folder, *command, "--endpoint-url", endpoint).wall


def _row(verb: str, ours: Sequence[float], holding: Holding) -> Row:
    name = f"{NAMES[verb]} {holding.environments} + {holding.queues} + {holding.definitions}"
    if holding != FULL:
        return alone(name, ours)
    note = f"{ONCE[verb]:.0f} s is no figure of this machine: measured once elsewhere, for 50 + 50 + 500"
    theirs = [ONCE[verb]] * len(ours)
    return held_against(name, ours, theirs, "Terraform with hashicorp/aws, once", target=1 / 20, note=note)
