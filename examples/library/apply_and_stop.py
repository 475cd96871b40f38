"""Apply with events as they happen, end a run from outside, and begin again where it ended."""

from concurrent.futures import Future
from pathlib import Path
from signal import SIGINT

from plans import Event
from providers import Target
from reconciler import Reconciler, load

TARGET = Target(provider="simulator", region="eu-west-1", speed=1000)
manifest = load([Path(__file__).parent.parent / "genomics"])

stop: Future[int] = Future()


def tell(event: Event) -> None:
    """Called in the thread that called `apply`; what it raises ends the run, so it had better raise nothing."""
    if event.event in ("called", "finished", "failed"):
        print(f"{event.event:>9} {event.step} {event.detail.get('error', '')}")
    if event.event == "finished" and not stop.done():
        stop.set_result(SIGINT)  # from any thread: what is in flight finishes, nothing new begins


report = Reconciler.connect(TARGET, stop=stop).apply(manifest, on_event=tell)
print(f"ended with {report.exit_code}: {dict(report.counts)}")
assert report.exit_code == 128 + SIGINT

report = Reconciler.connect(TARGET).apply(manifest, approve=lambda plan: not plan.refusals)
print(f"ended with {report.exit_code}: {dict(report.counts)}, {report.calls['CreateJobQueue']} queues made")
for outcome in report.failures:
    print(f"{outcome.step}: {outcome.error} ({outcome.hint})")
assert report.exit_code == 0
assert report.residue is not None
assert report.residue.empty  # it was looked at again, and nothing is left to do
