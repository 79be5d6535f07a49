"""The demo as a whole: hub, companies and engines started, a day played, and all of it stopped again.

Whatever is started is ended on every way out, in reverse order: children, hub, Kafka, temporary directory. A stop that
is asked for is looked at between the steps; none of them takes long, but for the start of Kafka.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from uuid import uuid4

from msgspec import Struct
from msgspec.structs import replace

from hub.assembly import Hub, build
from hub.core.errors import HubError
from hub.core.settings import HTTPSettings, KafkaSettings, LogSettings, Settings
from hub.drivers.system.observer import configure_log
from hub.lab.demo.cast import CARRIER, COMPANIES, ENGINES, EXPORTER, TERMINAL
from hub.lab.demo.company import Company
from hub.lab.demo.crew import Crew
from hub.lab.demo.day import day, opening
from hub.lab.demo.operator import Operator
from hub.lab.demo.tally import Tally
from hub.lab.demo.view import Stage, View
from hub.lab.kafka import KafkaCluster
from hub.lab.kafka_install import KafkaLabError
from hub.lab.world import Client, hub_world

FLOW_SECONDS_MIN = 6.0
"""A day is played at least for so long, however late its start: less would leave out half of what there is to see."""
OPENING_SECONDS_MAX = 30.0
CATCH_UP_SECONDS_MAX = 5.0
FRAME_SECONDS = 0.25


class Options(Struct, frozen=True):
    """What is asked of a demo."""

    ground: Literal["sqlite", "kafka"] = "sqlite"
    bootstrap: str = ""
    """An existing Kafka; empty: one is started where `ground` is kafka."""
    data: Path | None = None
    """An empty or new directory to keep everything in; None: a temporary one."""
    seconds: float | None = None
    """How long the demo takes as a whole; None: until it is stopped."""


class Play:
    """One performance; `stop` ends it early."""

    def __init__(self, options: Options, *, tally: Tally, view: View, stop: asyncio.Event) -> None:
        self._options, self._tally, self._view, self._stop = options, tally, view, stop
        self._companies = {each.id: Company(each.id, tally) for each in COMPANIES}

    async def run(self) -> None:
        """Raises `HubError`, maybe in groups: something could not be started, or ended by itself."""
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
            drawing = tasks.create_task(self._draw())
            directory = self._directory(stack)
            configure_log(stack.enter_context((directory / "hub.log").open("a")))
            settings, clients = await self._set_up(directory, stack)
            if not self._stop.is_set():
                hub = await stack.enter_async_context(build(settings))
                await hub.prepared.wait()
                self._view.begin(Stage(hub.url, directory, settings.log.ground, self._options.seconds))
                async with Crew(hub.url, directory / "lab", clients, tally=self._tally) as crew:
                    await self._play(hub, crew, directory)
            drawing.cancel()

    async def _draw(self) -> None:
        while True:
            self._view.draw(self._tally)
            await asyncio.sleep(FRAME_SECONDS)

    def _directory(self, stack: AsyncExitStack) -> Path:
        if self._options.data is None:
            return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="customs-hub-demo-")))
        directory = self._options.data
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise HubError(f"{directory} is not empty: the demo begins in a directory of its own")
        return directory

    async def _set_up(self, directory: Path, stack: AsyncExitStack) -> tuple[Settings, Mapping[str, Client]]:
        """Register everybody, as an operator would, while Kafka starts if there is to be one."""
        settings = Settings(
            hub_name="demo-administration",
            http=HTTPSettings(port=0, operations_port=0),
            log=LogSettings(ground=self._options.ground, directory=str(directory)),
        )
        registering = asyncio.ensure_future(hub_world(settings, companies=COMPANIES, engines=ENGINES))
        bootstrap = self._options.bootstrap
        if self._options.ground == "kafka" and not bootstrap:
            self._tally.note("milestone", "demo", "starting Apache Kafka on this machine")
            bootstrap = await stack.enter_async_context(_kafka(directory / "kafka"))
        clients = await registering
        # A prefix of its own: what an earlier demo left on the same Kafka is none of this one's business.
        kafka = KafkaSettings(bootstrap=bootstrap or "127.0.0.1:9092", topic_prefix=f"demo-{uuid4().hex[:8]}.")
        return replace(settings, kafka=kafka), clients

    async def _play(self, hub: Hub, crew: Crew, directory: Path) -> None:
        """Open, play the day until its end, close; every event that was accepted is waited for at the engines."""
        for engine in ENGINES:
            await crew.start_engine(engine.id)
        for company in self._companies.values():
            await crew.start_company(company)
        if await self._open():
            hint = f"customs-hub partner suspend {EXPORTER.id} --data {directory}"
            self._tally.note("milestone", "demo", f"try it yourself, from another terminal: {hint}")
            await self._flow(hub, crew)
        await asyncio.gather(*(company.close() for company in self._companies.values()))
        with suppress(TimeoutError):
            await asyncio.wait_for(self._caught_up(), CATCH_UP_SECONDS_MAX)

    async def _open(self) -> bool:
        """Let every company send one event; whether all were answered before a stop was asked for."""
        for posting in opening(datetime.now(UTC)):
            self._companies[posting.company].hand_in(posting)
        opened, stopped = (asyncio.ensure_future(each) for each in (self._opened(), self._stop.wait()))
        waited_for = asyncio.wait((opened, stopped), timeout=OPENING_SECONDS_MAX, return_when=asyncio.FIRST_COMPLETED)
        done, waiting = await waited_for
        for task in waiting:
            task.cancel()
        if not done:
            raise HubError(f"the companies had no answer within {OPENING_SECONDS_MAX:.0f} s")
        return opened in done

    async def _opened(self) -> None:
        for company in self._companies.values():
            await company.opened.wait()

    async def _flow(self, hub: Hub, crew: Crew) -> None:
        seconds = self._options.seconds
        if seconds is not None:
            seconds = max(seconds - self._tally.seconds(), FLOW_SECONDS_MIN)
        stopped, rotated = self._companies[CARRIER.id], self._companies[TERMINAL.id]
        operator = Operator(hub, self._tally, stopped=stopped, rotated=rotated, succeed=crew.succeed)
        async with asyncio.TaskGroup() as tasks:
            busy = [tasks.create_task(company.knock()) for company in self._companies.values()]
            busy += [tasks.create_task(self._trade()), tasks.create_task(operator.work(seconds))]
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), seconds)
            for task in busy:
                task.cancel()

    async def _trade(self) -> None:
        """Hand in what the day brings, each event at its time."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for posting in day(datetime.now(UTC)):
            await asyncio.sleep(max(0.0, begun + posting.at - loop.time()))
            self._companies[posting.company].hand_in(posting)

    async def _caught_up(self) -> None:
        while not self._tally.all_delivered():  # noqa: ASYNC110 - asked once, at the end
            await asyncio.sleep(0.05)


@asynccontextmanager
async def _kafka(directory: Path) -> AsyncIterator[str]:
    """One broker, started in a thread; its bootstrap address. Stopped however the block ends."""
    cluster = KafkaCluster(directory)
    starting = asyncio.ensure_future(asyncio.to_thread(cluster.up, 1))
    try:
        await asyncio.shield(starting)
        yield cluster.bootstrap
    finally:
        with suppress(KafkaLabError):
            await starting  # A thread cannot be cancelled: only what has started can be stopped.
        await asyncio.to_thread(cluster.down)
