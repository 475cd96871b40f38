"""An apply inside asyncio: events as a queue, and the task's cancellation as the run's."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Future
from pathlib import Path
from signal import SIGINT

from plans import Event, Manifest, Report
from providers import Target
from reconciler import Reconciler, load

TARGET = Target(provider="simulator", region="eu-west-1", speed=1000)


async def applying(manifest: Manifest) -> AsyncIterator[Event | Report]:
    """The events of an apply, the report last. Whoever stops listening stops the run, and waits for its calls."""
    loop, told = asyncio.get_running_loop(), asyncio.Queue[Event | None]()
    stop: Future[int] = Future()
    reconciler = Reconciler.connect(TARGET, stop=stop)

    def tell(event: Event) -> None:
        loop.call_soon_threadsafe(told.put_nowait, event)

    run = asyncio.ensure_future(asyncio.to_thread(reconciler.apply, manifest, on_event=tell))
    run.add_done_callback(lambda _: told.put_nowait(None))
    try:
        while (event := await told.get()) is not None:
            yield event
        yield run.result()
    finally:
        if not run.done():
            stop.set_result(SIGINT)
            await asyncio.wait({run})
            run.exception()  # nobody listens any more; asyncio would tell of an error that nobody asked for


async def main() -> None:
    manifest = load([Path(__file__).parent.parent / "genomics"])
    async for told in applying(manifest):
        if isinstance(told, Report):
            print(f"ended with {told.exit_code}: {dict(told.counts)}")
        elif told.event == "called":
            print(f"{told.step}: {told.detail['call']}")


asyncio.run(main())
