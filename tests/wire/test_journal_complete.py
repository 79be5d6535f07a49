"""The access journal is complete: what came over the wire is in it, by every way, also where it fails at any moment.

Random feeds, readers and ways over a running hub. Without failures companies are told exactly what was given; with a
journal that fails before or after it has written, no more is given than was written: written and not given may be.
A seed plays one again: `SEED=7 pytest tests/wire/test_journal_complete.py`.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from msgspec.structs import replace

from hub.assembly.grounds import Ports
from hub.core.access import Access
from hub.core.errors import StorageUnavailable
from hub.core.record import EVENTS
from hub.core.settings import Settings
from hub.ports.access_journal import AccessJournal
from tests.wire.test_accesses import accesses, known
from tests.world import GATE_IN, Caller, HubWorld, event, hub_world, settings_in

SEEDS = [int(os.environ["SEED"])] if "SEED" in os.environ else range(6)
COMPANIES = ("acme", "borealis", "cygnus")
TYPES = (GATE_IN, "customs.container.gate_out")
GOOD_EVENTS = 24
Given = set[tuple[str, str, str]]
"""Recipient, way, id."""


def settings_of(directory: Path, seed: int) -> Settings:
    return settings_in(directory, ground=("memory", "sqlite")[seed % 2], delivery={"stream_heartbeat_seconds": 0.1})


class FailingJournal:
    """Fails before it has written, or after; as one that is killed between the two."""

    def __init__(self, kept: AccessJournal, chance: random.Random) -> None:
        self._kept, self._chance = kept, chance
        self.fails = False

    async def add(self, entries: Sequence[Access]) -> None:
        fate = self._chance.choice(("written", "before", "after")) if self.fails else "written"
        if fate != "before":
            await self._kept.add(entries)
        if fate != "written":
            raise StorageUnavailable(f"killed {fate}")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kept, name)


class Story:
    """Companies that report, and authorities that read in every way."""

    def __init__(self, world: HubWorld, chance: random.Random) -> None:
        self.world, self.chance = world, chance
        self.companies: list[Caller] = []
        self.readers: list[Caller] = []
        self.wire: Given = set()
        self.sent: dict[str, int] = {}

    async def set_up(self) -> None:
        for number in range(3):
            provider = self.chance.choice(({"all": True}, {"partner": COMPANIES[number]}))
            types = self.chance.choice((["*"], [self.chance.choice(TYPES)]))
            if number == 0:
                self.companies = [await self.world.company(name) for name in COMPANIES]
            self.readers.append(await self.world.reader(f"reader{number}", provider=provider, types=types))
        self.readers.append(await self.world.reader("silent", provider={"partner": "acme"}, feed=False))

    async def report(self) -> None:
        for number in range(GOOD_EVENTS):
            company = self.chance.choice(self.companies)
            answer = await company.post(event(f"e{number}", type=self.chance.choice(TYPES)))
            assert answer.status in (201, 403), answer  # Nobody may have asked for it.
            self.sent[company.partner] = self.sent.get(company.partner, 0) + (answer.status == 201)
        for company in self.companies:
            await known(company, self.sent.get(company.partner, 0))
        await self._passed_on()

    async def _passed_on(self) -> None:
        """Until fan-out has looked at everything for every feed: nothing is on its way to a reader any more."""
        hub, log = self.world.hub, self.world.hub.ports.log
        end = (await log.bounds(EVENTS, 0)).end
        for feed in hub.snapshot().feeds:
            while (
                at := await hub.ports.positions.load(feed.stream, log.generation, 0)
            ) is None or at.source_offset < end:
                await asyncio.sleep(0.005)

    async def read(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for reader in self.readers:
                tasks.create_task(self._pull(reader))
                tasks.create_task(self._look(reader))
                tasks.create_task(self._stream(reader))

    async def _pull(self, reader: Caller) -> None:
        cursor: dict[str, str] = {"from": "earliest"}
        for _ in range(12):
            limit = self.chance.randint(1, 9)
            answer = await reader.get(f"/v1/feeds/{reader.partner}/records", limit=limit, **cursor)
            if answer.status == 200:
                self._came(reader, "pull", answer.json["items"])
                cursor = {"cursor": answer.json["next"]}

    async def _look(self, reader: Caller) -> None:
        for _ in range(4):
            answer = await reader.get("/v1/events", limit=self.chance.randint(1, 40))
            if answer.status == 200:
                self._came(reader, "view", [item["event"] for item in answer.json["items"]])

    async def _stream(self, reader: Caller) -> None:
        """Until a sign of life says that nothing more is there."""
        headers = {"Authorization": f"Bearer {reader.token}"}
        url = f"{self.world.hub.url}/v1/feeds/{reader.partner}/stream?from=earliest"
        try:
            async with self.world.http.get(url, headers=headers) as response:
                async for line in response.content:
                    if line.startswith(b": here"):
                        return
                    if line.startswith(b"data: "):
                        self._came(reader, "sse", [orjson.loads(line[6:])])
        except aiohttp.ClientError:
            return  # The journal failed: the hub cuts the stream.

    def _came(self, reader: Caller, way: str, records: Sequence[dict[str, Any]]) -> None:
        self.wire |= {(reader.partner, way, record["id"]) for record in records}

    async def told(self) -> Given:
        """What all companies together are told."""
        return {
            (item["recipient"], item["way"], each["id"])
            for company in self.companies
            for item in await accesses(company)
            for each in item["events"]
        }


@pytest.mark.parametrize("seed", SEEDS)
async def test_companies_are_told_exactly_what_came_over_the_wire(tmp_path: Path, seed: int) -> None:
    async with hub_world(settings_of(tmp_path, seed)) as world:
        story = Story(world, random.Random(seed))
        await story.set_up()
        await story.report()

        await story.read()

        assert story.wire
        assert await story.told() == story.wire


@pytest.mark.parametrize("seed", SEEDS)
async def test_nothing_is_given_that_was_not_written_wherever_the_journal_fails(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    journals: list[FailingJournal] = []

    def wrap(ports: Ports) -> Ports:
        journals.append(FailingJournal(ports.accesses, chance))
        return replace(ports, accesses=journals[0])

    async with hub_world(settings_of(tmp_path, seed), wrap) as world:
        story = Story(world, chance)
        await story.set_up()
        await story.report()

        journals[0].fails = True
        await story.read()
        journals[0].fails = False

        assert story.wire <= await story.told()
        assert story.wire
