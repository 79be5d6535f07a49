"""Readers of feeds, as `Seen`.

One stores its place together with its work, and forgets the rest whenever it falls over; one reads from the start.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Any, NamedTuple

from connectors.backoff import Backoff
from connectors.risk.reader import Reader
from connectors.session import HubRefused, HubSession, HubUnreachable
from tests.faults.history import Key, Seen
from tests.faults.load import content_of

IMPATIENT = Backoff(first_seconds=0.05, wait_seconds_max=0.25)
PAGE_RECORDS_MAX = 1_000
FALL_CHANCE = 0.05
STREAM_CHANCE = 0.4


class Given(NamedTuple):
    """What came over the wire, and by which way."""

    way: str
    key: Key


def seen(record: Mapping[str, Any]) -> Seen:
    return Seen(Key(record["publisher"], record["source"], record["id"]), content_of(record["data"]))


async def first_place(session: HubSession, feed: str) -> str:
    """The cursor at the start of a feed of which nothing was acknowledged yet."""
    page = await session.get(f"/v1/feeds/{feed}/records", {"limit": "1"})
    assert page["items"] == []
    return str(page["next"])


class CheckpointedReader:
    """Reads by pull in one life, by stream in another.

    What it holds and its place change together, as in one transaction; falling over loses the group in hand.
    """

    def __init__(self, session: HubSession, feed: str, token: str, chance: random.Random) -> None:
        self.held: list[Seen] = []
        self.restarts = 0
        self.got: Counter[Given] = Counter()
        """Whatever it was given, held or not."""
        self._session, self._feed, self._token, self._chance = session, feed, token, chance

    async def run(self) -> None:
        while True:
            await self._life()
            self.restarts += 1

    async def _life(self) -> None:
        limit = self._chance.choice((7, 100, PAGE_RECORDS_MAX))
        reader = Reader(self._session, self._feed, token=self._token, limit=limit, wait_seconds=2, backoff=IMPATIENT)
        way = "sse" if self._chance.random() < STREAM_CHANCE else "pull"
        reading = reader.stream() if way == "sse" else reader.pull()
        async with aclosing(reading) as groups:
            async for group in groups:
                self.got.update(Given(way, seen(record).key) for record in group.records)
                if self._chance.random() < FALL_CHANCE:
                    return
                self.held += map(seen, group.records)
                self._token = group.token
                if self._chance.random() < 0.2:
                    with suppress(HubUnreachable, HubRefused):
                        await reader.acknowledge(group.token)

    async def acknowledge(self) -> None:
        """Say that all is done that it holds. Raises `HubRefused`, `HubUnreachable`."""
        await Reader(self._session, self._feed).acknowledge(self._token)


async def until_held(held: Sequence[Seen], keys: Collection[Key], seconds_max: float) -> bool:
    """Whether a view comes to hold all of them within the time."""
    missing = set(keys)
    try:
        async with asyncio.timeout(seconds_max):
            looked_at = 0
            while missing:
                missing -= {each.key for each in held[looked_at:]}
                looked_at = len(held)
                await asyncio.sleep(0.05)
    except TimeoutError:
        return False
    return True


async def read_all(session: HubSession, path: str, cursor: str | None = None) -> list[dict[str, Any]]:
    """Every record from a cursor, or from the start, to the end as it is now."""
    records: list[dict[str, Any]] = []
    while True:
        at = {} if cursor is None else {"cursor": cursor}
        page = await session.get(path, {"limit": str(PAGE_RECORDS_MAX), "wait": "1", **at})
        cursor = page["next"]
        records += page["items"]
        if not page["items"]:
            return records
