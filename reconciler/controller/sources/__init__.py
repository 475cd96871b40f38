"""Where stacks lie: a fetch gives a `Revision`, a folder that no longer changes, or the reason why there is no newer.

- `revision`: what a fetch gives.
- `git`, `folder`, `bucket`: a fetcher for each origin. They know nothing of each other.
- `remote`: where a repository lies, and what of this machine git may see.
- `trees`: what a source may hold, and the folders of what was fetched.
- `watched`: programs that are run for so long, and write so much.

Who fetches keeps the last good revision where the next one does not come.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from providers.clock import Clock, SystemClock
from providers.resources import EMPTY
from reconciler.controller.configuration import Folder, Git, Origin, Prefix
from reconciler.controller.sources.bucket import Bucket
from reconciler.controller.sources.folder import Local
from reconciler.controller.sources.git import Repository
from reconciler.controller.sources.revision import Fetcher, Revision
from reconciler.controller.sources.trees import Trees
from reconciler.controller.sources.watched import Runner, Watched

__all__ = ["Fetcher", "Revision", "fetcher"]


def fetcher(
    origin: Origin,
    cache: Path,
    *,
    s3: Callable[[str | None], Any],
    environ: Mapping[str, str] = EMPTY,
    run: Runner | None = None,
    clock: Clock | None = None,
    stop: Future[int] | None = None,
) -> Fetcher:
    """The fetcher of one source. `cache` is a folder of its own; `s3` gives a client for a region, None for the usual.

    `environ` is this machine's, of which git sees how the network is reached, and nothing else. `clock` is real time.
    Once `stop` is done a fetch ends where it is.
    """
    trees, clock = Trees(cache, stop=stop), clock or SystemClock()
    match origin:
        case Git():
            return Repository(origin, trees, run or Watched(clock, stop=stop), clock, environ)
        case Folder():
            return Local(origin, trees)
        case Prefix():
            return Bucket(origin, trees, lambda: s3(origin.region))
