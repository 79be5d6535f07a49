"""What bad readers cost the others: `python -m tests.measure_delivery` prints each figure beside its bound.

One hub in a process of its own, with a feed that is brought to an endpoint and read as a stream; beside it, or not, an
endpoint that always hangs, one that always fails, and a reader of a stream that never reads. Phases with and without
them take turns, and each way's p99 from before the event is sent until it is there is compared within each pair of
phases; their median counts. The ratio is the machine's own, the figures are not.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from pathlib import Path
from statistics import median, quantiles
from time import monotonic

import aiohttp
from msgspec.structs import replace

from connectors.risk.reader import Reader
from connectors.session import HubUnreachable
from hub.assembly.offline import open_registrar
from hub.core.errors import Refusal
from hub.core.settings import Settings, WebhookSettings
from tests.endpoints import sealed_for
from tests.faults.load import outgoing
from tests.faults.stage import FEEDS, Stage, stage
from tests.measure_registry import told
from tests.receiver import Came, Receiver, receiving

RATIO_MAX, GROWTH_MIB_MAX = 1.10, 64.0
PAUSE_SECONDS = 0.005
"""After an answer, until the next event leaves: some hundred in a phase, so that its p99 is no single one of them."""
SOURCES = 10
SETTLE_SECONDS = 0.5
HUNG, FAILING, GOOD = "hung", "failing", "good"
FEED, WAYS = "brought", ("webhook", "sse")


class Watch:
    """When each event left, and how long it took by each way, by phase."""

    def __init__(self) -> None:
        self.left: dict[str, float] = {}
        self.took: dict[str, list[float]] = {way: [] for way in WAYS}

    def came(self, way: str, event_id: str) -> None:
        if event_id in self.left:
            self.took[way].append(monotonic() - self.left[event_id])

    def p99s(self) -> dict[str, float]:
        """In milliseconds, of what came since this was asked last."""
        found = {way: quantiles(took, n=100)[98] * 1_000 for way, took in self.took.items()}
        self.took = {way: [] for way in WAYS}
        return found


class Bench:
    def __init__(self, on: Stage, receivers: dict[str, Receiver]) -> None:
        self.on, self.watch = on, Watch()
        self._receivers = receivers
        self._number = 0

    async def phase(self, seconds: float) -> dict[str, float]:
        desk, until, sent = self.on.desks["acme"], monotonic() + seconds, list[str]()
        while monotonic() < until:
            self._number += 1
            name = f"e{self._number}"
            self.watch.left[name] = monotonic()
            await desk.settle([outgoing("acme", f"urn:{self._number % SOURCES}", name, 2_000)], random.Random(1))
            sent.append(name)
            await asyncio.sleep(PAUSE_SECONDS)
        while any(len(took) < len(sent) for took in self.watch.took.values()):
            await asyncio.sleep(0.01)
        return self.watch.p99s()

    async def listen(self) -> None:
        reader = Reader(self.on.sessions[FEEDS[0]], FEED, from_start=True)
        async with aclosing(reader.stream()) as groups:
            async for group in groups:
                for record in group.records:
                    self.watch.came("sse", record["id"])

    @asynccontextmanager
    async def bad_company(self) -> AsyncIterator[None]:
        for name in (HUNG, FAILING):
            await self._act("endpoint/resume", name)
        deaf = asyncio.create_task(self._never_read())
        await asyncio.sleep(SETTLE_SECONDS)
        try:
            yield
        finally:
            deaf.cancel()
            for name in (HUNG, FAILING):
                await self._act("endpoint/pause", name)
            await asyncio.sleep(SETTLE_SECONDS)

    async def _never_read(self) -> None:
        """A stream from the start, of which nothing is taken from the socket; again when the hub cuts it."""
        while True:
            with suppress(HubUnreachable):
                async with self.on.sessions[FEEDS[0]].open(
                    {"Accept": "text/event-stream"},
                    method="GET",
                    path=f"/v1/feeds/{FEED}/stream",
                    params={"from": "earliest"},
                ) as response:
                    while response.connection is not None and not response.content.is_eof():
                        if response.connection.transport is not None:
                            response.connection.transport.pause_reading()  # type: ignore[attr-defined]
                        await asyncio.sleep(0.2)

    async def _act(self, act: str, name: str) -> None:
        connector = aiohttp.UnixConnector(str(Path(self.on.settings.log.directory) / "admin.sock"))
        async with (
            aiohttp.ClientSession(connector=connector) as http,
            http.post(f"http://hub/admin/v1/{act}", json={"id": name}) as answer,
        ):
            assert answer.status == 200, await answer.text()


async def _register(settings: Settings, receivers: dict[str, Receiver]) -> None:
    async with open_registrar(settings) as registrar:

        async def done(act: str, **request: object) -> None:
            outcome = await registrar.perform(act, request, actor="test")
            assert not isinstance(outcome, Refusal), outcome

        ways = ["pull", "sse", "webhook"]
        await done("feed.add", name=FEED, recipient=FEEDS[0], purpose="security-risk-assessment", ways=ways)
        for name, receiver in receivers.items():
            shown = await registrar.looks.view("endpoint.next", {"id": name})
            assert isinstance(shown, dict)
            await done("endpoint.add", id=name, feed=FEED, url=receiver.url, batch_ms=10, **sealed_for(shown))


def _failing(_: Came) -> int:
    return 500


async def measure(rounds: int, seconds: float) -> bool:
    """Whether every figure is within its bound."""
    settings = replace(Settings(), webhooks=WebhookSettings(networks="127.0.0.0/8"))
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        receivers = {name: await stack.enter_async_context(receiving()) for name in (GOOD, HUNG, FAILING)}
        receivers[HUNG].hanging, receivers[FAILING].answering = asyncio.Event(), _failing
        on = await stack.enter_async_context(stage(settings, directory))
        bench = Bench(on, receivers)

        def good(came: Came) -> int:
            for name in came.ids:
                bench.watch.came("webhook", name)
            return 204

        receivers[GOOD].answering = good
        await _register(on.settings, receivers)
        await on.start()
        listening = asyncio.create_task(bench.listen())
        await bench.phase(seconds)  # Warm.
        for name in (HUNG, FAILING):
            await bench._act("endpoint/pause", name)
        alone, beside, before = list[dict[str, float]](), list[dict[str, float]](), on.hub.rss_bytes_max
        for number in range(2 * rounds):
            if number % 4 in (0, 3):  # Each is as often the first of its pair as the other.
                alone.append(await bench.phase(seconds))
            else:
                async with bench.bad_company():
                    beside.append(await bench.phase(seconds))
        listening.cancel()
        growth = (on.hub.rss_bytes_max - before) / 1_048_576
        is_good = True
        for way in WAYS:
            one, other = (median(each[way] for each in phases) for phases in (alone, beside))
            ratio = median(bad[way] / good[way] for good, bad in zip(alone, beside, strict=True))
            is_good &= ratio <= RATIO_MAX
            print(f"p99 by {way}: {one:.1f} ms alone, {other:.1f} ms beside bad readers")
            told(f"ratio by {way}", ratio, RATIO_MAX, "")
        told("memory of the hub, more", growth, GROWTH_MIB_MAX, "MiB")
        return is_good and growth <= GROWTH_MIB_MAX


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure what bad readers cost the others.")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=4.0)
    given = parser.parse_args()
    return 0 if asyncio.run(measure(given.rounds, given.seconds)) else 1


if __name__ == "__main__":
    sys.exit(main())
