"""A plan of a full account that is as it should be, against the least that reads it, and against Terraform's core.

The account holds 50 environments, 50 queues, and 500 definitions with three ACTIVE revisions each. Whole processes are
held against each other, since that is what is started by hand and in CI: the command line against
`benchmarks.bare`. What of its processor time is neither import nor HTTP is what is left once both have
lost what a process takes that only imports the same modules, and ours then loses theirs.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import bare, terraform
from benchmarks.account import as_yaml
from benchmarks.frame import (
    BATCHWRIGHT,
    PYTHON,
    REGION,
    Rows,
    Setting,
    Spent,
    alone,
    held_against,
    in_turns,
    spend,
    timed,
)
from benchmarks.serving import FULL, SMALL, serving

FAST = ("--max-api-rate", "200", "--parallelism", "16")
BARE = "boto3 paging the same, all listings at once"

# Runs a module or a command line and then tells what it has imported.
_TOLD = """
import json, sys
from contextlib import redirect_stdout
sys.argv = sys.argv[1:]
with redirect_stdout(sys.stderr):
    {run}
print("\\n" + json.dumps([name for name in sys.modules]))
"""
_COMMAND = "from reconciler.cli import run; assert run(sys.argv[1:]) == 0"
_READING = "from benchmarks.bare import main; main()"
_IMPORTS = """
import importlib, json, sys
for name in json.load(open(sys.argv[1])):
    try:
        importlib.import_module(name)
    except Exception:
        pass
"""


def measure(setting: Setting) -> Rows:
    folder, holding = setting.folder, SMALL if setting.quick else FULL
    text = holding.manifest()
    (folder / "full.json").write_text(text)
    (folder / "full.yaml").write_text(as_yaml(text))
    with serving(folder, holding, frozen=True) as endpoint:
        yield from processes(setting, endpoint)
        yield from library(setting, endpoint)


def plan(folder: Path, manifest: str, endpoint: str, *more: str) -> Callable[[], Spent]:
    command = (BATCHWRIGHT, "plan", str(folder / manifest), "--endpoint-url", endpoint, *more)
    return lambda: spend(folder, *command)


def processes(setting: Setting, endpoint: str) -> Rows:
    folder, rounds = setting.folder, setting.turns(9)
    ours = {form: plan(folder, f"full.{form}", endpoint, *FAST) for form in ("yaml", "json")}
    usual = plan(folder, "full.yaml", endpoint)
    reading = (PYTHON, "-m", "benchmarks.bare", endpoint)
    imports = {
        name: _imports(folder, name, code, *arguments)
        for name, code, arguments in (
            ("ours", _COMMAND, ours_arguments(folder, endpoint)),
            ("theirs", _READING, (endpoint,)),
        )
    }
    kept: dict[str, list[Spent]] = {"yaml": [], "json": [], "bare": [], "ours": [], "theirs": [], "usual": []}

    def keeping(name: str, run: Callable[[], Spent]) -> Callable[[], float]:
        def kept_run() -> float:
            kept[name].append(run())
            return kept[name][-1].wall

        return kept_run

    runs = [
        keeping("yaml", ours["yaml"]),
        keeping("bare", lambda: spend(folder, *reading)),
        keeping("json", ours["json"]),
        keeping("ours", imports["ours"]),
        keeping("theirs", imports["theirs"]),
        keeping("usual", usual),
    ]
    terraform_plan = terraform.core(setting)
    if terraform_plan is not None:
        runs.append(terraform_plan)
    walls = in_turns(rounds, *runs)
    spent = {name: row[1:] for name, row in kept.items()}
    yaml, least = walls[0], walls[1]
    yield held_against("no-change plan, process", yaml, least, BARE)
    bound = [1.3 * each + 0.25 for each in least]
    yield held_against("no-change plan, bound", yaml, bound, "1.3 x that, and 250 ms", target=1.0)
    yield alone("no-change plan, overhead", [one - other for one, other in zip(yaml, least, strict=True)])
    beside = _zip(lambda bare, theirs: bare.cpu - theirs.cpu, spent["bare"], spent["theirs"])
    for form, most in (("yaml", 0.5), ("json", 0.25)):
        own = _zip(lambda ours, imported: ours.cpu - imported.cpu, spent[form], spent["ours"])
        told = [mine - other for mine, other in zip(own, beside, strict=True)]
        name = f"no-change plan, CPU beyond imports and HTTP, {form.upper()}"
        yield alone(name, told, target=None if setting.quick else most)
    yield alone("no-change plan, CPU of imports", [each.cpu for each in spent["ours"]])
    yield alone("no-change plan, peak memory", [each.mib for each in spent["yaml"]], unit="MiB")
    yield held_against("no-change plan, usual rate of 10 a second", walls[5], least, BARE)
    if terraform_plan is None:
        yield terraform.ABSENT
    else:
        target = None if setting.quick else 1.0
        yield held_against("no-change plan, Terraform's core", yaml, walls[6], terraform.CORE, target=target)
    if not setting.quick:
        note = "16.3 s is no figure of this machine: measured once elsewhere, against moto"
        bound = [16.3] * len(yaml)
        yield held_against("no-change plan, hashicorp/aws once", yaml, bound, "600 calls", target=1 / 15, note=note)


def ours_arguments(folder: Path, endpoint: str) -> tuple[str, ...]:
    return ("plan", str(folder / "full.yaml"), "--endpoint-url", endpoint, *FAST)


def _zip(take: Callable[[Spent, Spent], float], ones: Sequence[Spent], others: Sequence[Spent]) -> list[float]:
    return [take(one, other) for one, other in zip(ones, others, strict=True)]


def _imports(folder: Path, name: str, code: str, *arguments: str) -> Callable[[], Spent]:
    """A process that imports all that another has imported by its end, in the same order, and no more."""
    printed = spend(folder, PYTHON, "-c", _TOLD.format(run=code), "bench", *arguments).printed
    modules = [each for each in json.loads(printed.splitlines()[-1]) if each != "__main__"]
    listed = folder / f"{name}.modules.json"
    listed.write_text(json.dumps(modules))
    return lambda: spend(folder, PYTHON, "-c", _IMPORTS, str(listed))


def library(setting: Setting, endpoint: str) -> Rows:
    """The same within a process in which all is imported and connected, as other tools use it."""
    from plans.manifest import Source, parse
    from providers import model
    from providers.kinds import bind
    from providers.resources import Target
    from reconciler import Reconciler, Settings, load

    settings = Settings(parallelism=16, max_api_rate=1e6)
    reconciler = Reconciler.connect(Target(region=REGION, endpoint_url=endpoint), settings=settings)
    kinds = bind(model.load())
    wanted = load([setting.folder / "full.json"], kinds=kinds)
    text = (setting.folder / "full.yaml").read_bytes()
    client = bare.client(endpoint, REGION)

    def planned() -> None:
        made = reconciler.plan(wanted)
        assert made.empty, made.summary

    ours, theirs, reading, composing = in_turns(
        setting.turns(9),
        timed(planned),
        timed(lambda: bare.read(client)),
        timed(lambda: parse([Source("full.yaml", text)], variables={}, kinds=kinds)),
        timed(lambda: bare.compose(text)),
    )
    yield held_against("no-change plan, library", ours, theirs, "the same by boto3, in the same process")
    yield alone("no-change plan, library, overhead", [one - other for one, other in zip(ours, theirs, strict=True)])
    yield held_against("manifest from YAML", reading, composing, "yaml.compose with libyaml")
