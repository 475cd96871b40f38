"""A controller, put together from its configuration: everything that the loop is given."""

import random
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial
from importlib import metadata

from providers.clients import bucket_client
from providers.clock import Clock, SystemClock
from reconciler.controller.configuration import Configuration
from reconciler.controller.flight import Flight
from reconciler.controller.front import Front
from reconciler.controller.guard import hosts_of
from reconciler.controller.leader import leader
from reconciler.controller.logs import Bridge, Log
from reconciler.controller.loop import Loop
from reconciler.controller.serving import serve
from reconciler.controller.sources import fetcher
from reconciler.controller.targets import Targets
from reconciler.controller.web import application
from reconciler.store import Store


def run(
    configuration: Configuration,
    *,
    environ: Mapping[str, str],
    log: Log,
    stop: Future[int],
    serving: Callable[[int], None],
    clock: Clock | None = None,
) -> None:
    """Run a controller until `stop` is done; `serving` is told the port of its API.

    Raises StoreError or InputError before it begins, LockHeld where another one has the store and
    none can follow it.
    """
    clock = clock or SystemClock()
    with ExitStack() as ended:
        store = ended.enter_context(closing(Store.open(configuration.store, clock)))
        leading = leader(store, clock=clock)
        ended.callback(leading.release)
        leading.lead()
        bridge = Bridge(log)
        bridge.begin()
        ended.callback(bridge.end)
        pool = ended.enter_context(ThreadPoolExecutor(3 * configuration.workers, "worker"))
        targets = Targets(configuration.targets, environ)
        loop = Loop(
            configuration=configuration,
            store=store,
            leader=leading,
            fetchers={
                name: fetcher(
                    origin,
                    configuration.cache / name,
                    s3=partial(bucket_client, environ=environ),
                    environ=environ,
                    clock=clock,
                    stop=stop,
                )
                for name, origin in configuration.sources.items()
            },
            reconcilers=targets,
            expired=targets.forget,
            flight=Flight(pool),
            clock=clock,
            rng=random.Random(),
            log=log,
        )
        app = application(
            Front(loop, store, clock, log),
            clock=clock,
            log=log,
            version=metadata.version("batchwright"),
            tokens=configuration.tokens,
            hooks=configuration.hooks,
            hosts=hosts_of(configuration.host, configuration.hosts),
        )
        served = serve(app, configuration.host, configuration.port)
        ended.callback(served.close)
        serving(served.port)
        loop.run(stop)
