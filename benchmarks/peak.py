"""The peak of a process's own memory. `python -m benchmarks.peak ARGUMENT ...` runs the command line and prints it.

What `getrusage` and `wait4` tell is at least the peak of whoever started the process: Linux keeps that through exec
(`setmax_mm_hiwater_rss` in fs/exec.c), so that under a large parent a small child looks large.
"""

import atexit
import re
import resource
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_mib() -> int:
    """In MiB, since the process began to run what it runs; where the system does not tell that, as getrusage has it."""
    told = re.search(r"VmHWM:\s+(\d+) kB", _STATUS.read_text()) if _STATUS.exists() else None
    kib = int(told[1]) if told else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kib // 1024


def main() -> None:
    from reconciler import cli

    atexit.register(lambda: print(f"\n{peak_mib()}"))
    cli.main()


if __name__ == "__main__":
    main()
