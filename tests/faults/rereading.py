"""Somebody who reads the past of a feed again, session after session, while the hub dies around him."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing

from connectors.risk.replay import Replay, begin, end, replays
from connectors.session import HubRefused, HubSession, HubUnreachable
from tests.faults.history import Due, Key, Seen, View
from tests.faults.reading import IMPATIENT, Given, seen

SINCE = "2000-01-01T00:00:00Z"
AGAIN_SECONDS = 0.2
REST_SECONDS_MAX = 5.0
SESSIONS_JUDGED = 3
"""The last ones: each has everything that those before it had."""


class Rereader:
    """`held`: what somebody holds of the same feed. What he held when a session began was judged: it gives all of it,
    once, and in order."""

    def __init__(self, session: HubSession, feed: str, held: Sequence[Seen], chance: random.Random) -> None:
        self.got: Counter[Given] = Counter()
        self._session, self._feed, self._held, self._chance = session, feed, held, chance
        self._whole: list[tuple[frozenset[Key], list[Seen]]] = []

    async def run(self) -> None:
        while True:
            await self.again()
            await asyncio.sleep(self._chance.uniform(0, REST_SECONDS_MAX))

    async def again(self) -> None:
        """One session, to its end. Raises `HubRefused` where the hub knows it no more."""
        owed = frozenset(each.key for each in self._held)
        reading = Replay(self._session, await self._begun(), wait_seconds=2, backoff=IMPATIENT)
        shown: list[Seen] = []
        async with aclosing(reading.pull()) as groups:
            async for group in groups:
                records = [seen(record) for record in group.records]
                self.got.update(Given("replay", each.key) for each in records)
                shown += records
        self._whole = [*self._whole, (owed, shown)][-SESSIONS_JUDGED:]

    async def _begun(self) -> str:
        """The only session there is: of one that was asked for in vain it is not known whether it began."""
        while True:
            try:
                for open_one in await replays(self._session):
                    await end(self._session, open_one["id"])
                return await begin(self._session, self._feed, since=SINCE)
            except HubUnreachable:
                pass
            except HubRefused as refused:
                if not refused.retryable and refused.code != "NOT_FOUND":
                    raise
            await asyncio.sleep(AGAIN_SECONDS)

    def views(self) -> dict[str, View]:
        return {self._named(number): shown for number, (_, shown) in enumerate(self._whole)}

    def dues(self) -> dict[str, Due]:
        return {self._named(number): Due(owed.__contains__) for number, (owed, _) in enumerate(self._whole)}

    def _named(self, number: int) -> str:
        return f"{self._feed}, replay {number - len(self._whole)}"
