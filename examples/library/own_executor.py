"""Make calls in threads of your own: those of a pool that is lent, or of one that is made for each run."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from providers import Target
from reconciler import InlinePool, Reconciler, Settings, load

TARGET = Target(provider="simulator", region="eu-west-1", speed=1000)
manifest = load([Path(__file__).parent.parent / "genomics"])

# Lent: it stays open. A run waits in the thread that called it, which must be none of these.
with ThreadPoolExecutor(4, thread_name_prefix="acme") as threads:
    reconciler = Reconciler.connect(TARGET, pool=threads)
    assert reconciler.apply(manifest).exit_code == 0
    assert reconciler.plan(manifest).empty

# Made for each run, with as many threads as there are calls at once, and shut down after it.
own = partial(ThreadPoolExecutor, thread_name_prefix="acme")
reconciler = Reconciler.connect(TARGET, pool=own, settings=Settings(parallelism=2))
print(dict(reconciler.plan(manifest).summary))

# In the thread that called, one call after the other: for a test, or where there may be no threads.
reconciler = Reconciler.connect(TARGET, pool=InlinePool())
print(dict(reconciler.plan(manifest).summary))
