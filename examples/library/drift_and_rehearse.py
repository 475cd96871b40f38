"""Play a plan before it is carried out, keep it, and see later what moved away."""

from pathlib import Path

from plans import dumps, loads
from providers import Target
from reconciler import Reconciler, load

manifest = load([Path(__file__).parent.parent / "genomics"])
reconciler = Reconciler.connect(Target(provider="simulator", region="eu-west-1", speed=1000))

rehearsal = reconciler.rehearse(manifest, faults="heavy", runs=6, seed=4)
print(f"sound: {rehearsal.sound}; {rehearsal.low:.0f} to {rehearsal.high:.0f} s, {sum(rehearsal.calls.values())} calls")
for trouble in rehearsal.troubles:
    print(f"  run {trouble.run}: {trouble.step}: {trouble.error}")

# A plan file holds the manifest too, in the clear; `batchwright apply FILE` takes it as well.
Path("held.plan").write_text(dumps(rehearsal.plan, manifest))
wish = loads(Path("held.plan").read_text())
report = reconciler.apply(wish.manifest, held=wish.held, asked=wish.asked)
assert report.exit_code == 0

# What somebody does by hand, on the client that the reconciler itself uses.
reconciler.connection.batch.update_job_queue(jobQueue="genomics-high", priority=1)
drift = reconciler.drift(manifest)
for change in drift.changes:
    for difference in change.differences:
        print(f"{change.address} {difference.path}: {difference.before} -> {difference.after} ({difference.origin})")
assert not drift.empty
