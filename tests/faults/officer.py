"""An operator at work while the hub dies around him: feeds begin, change and end, agreements pause, go on and end.

He writes down, in the clients' own sequence, between which two moments each act came into force; from this alone
follows what each feed owes and what it must never show (`Due`).
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any

import aiohttp
from msgspec import Struct

from connectors.session import HubRefused, HubSession, HubUnreachable
from hub.core.agreement import Purpose
from tests.faults.history import Attempt, Due, Finding, History, Key, Kind, Outcome, View
from tests.faults.load import WrongAnswer
from tests.faults.reading import Given, read_all, seen

WATCH, LATE = "watch", "late"
"""Recipients: one has an agreement with each publisher (`watch-1` is with `PAUSED`), one with all of them at once."""
PAUSED = "acme"
IN_FORCE_SECONDS = 1.5
"""A worker that has not asked the registry for a second takes nothing."""
ANSWER_SECONDS_MAX = 5.0
AGAIN_SECONDS = 0.2
LATE_FEEDS_MAX = 6
NARROW = f"partner = {PAUSED}"


class Span(Struct):
    """An act and the one that takes it back, as numbers of the history: asked for, and in force at the latest."""

    asked: float
    in_force: float = inf
    ended_asked: float = inf
    ended: float = inf


class Officer:
    def __init__(self, data: Path, sessions: Mapping[str, HubSession], history: History, chance: random.Random) -> None:
        self.acts = 0
        self.findings: list[Finding] = []
        self.got: defaultdict[str, Counter[Given]] = defaultdict(Counter)
        """By recipient: what he looked at himself, to see whether it is still shown."""
        self._socket, self._sessions = data / "admin.sock", sessions
        self._history, self._chance = history, chance
        self._pauses: list[Span] = []
        self._late: dict[str, Span | None] = {}
        """Feeds that go on, and since when each is narrow."""
        self._made = 0

    async def run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            self._made += 1
            await self._chance.choice((self._pause, self._begin, self._brief))()
            await asyncio.sleep(self._chance.uniform(0, 2))

    async def _pause(self) -> None:
        span = Span(self._history.now)
        self._pauses.append(span)
        await self._act("agreement/suspend", id=f"{WATCH}-1")
        span.in_force = await self._in_force()
        await asyncio.sleep(self._chance.uniform(0, 2))
        span.ended_asked = self._history.now
        await self._act("agreement/resume", id=f"{WATCH}-1")
        span.ended = await self._in_force()

    async def _begin(self) -> None:
        """A feed of all that ever came; some are narrowed, some end."""
        if len(self._late) >= LATE_FEEDS_MAX:
            return
        name = f"{LATE}-{self._made}"
        await self._act("feed/add", name=name, recipient=LATE, purpose=Purpose.SECURITY_RISK.value)
        self._late[name] = None
        await asyncio.sleep(self._chance.uniform(0, 2))
        draw = self._chance.random()
        if draw < 0.4:
            span = self._late[name] = Span(self._history.now)
            await self._act("feed/change", name=name, filter=NARROW)
            span.in_force = await self._in_force()
        elif draw < 0.7:
            del self._late[name]
            await self._act("feed/end", name=name)
            await self._is_gone(LATE, name)

    async def _brief(self) -> None:
        """An agreement with a feed of its own, and its end."""
        name, purpose = f"brief-{self._made}", self._chance.choice((Purpose.STATISTICS, Purpose.DUTY_RISK)).value
        terms = {"provider": {"all": True}, "types": ["*"], "fields": ["*"]}
        await self._act("agreement/add", id=name, recipient=WATCH, purpose=purpose, **terms)
        await self._act("feed/add", name=name, recipient=WATCH, purpose=purpose)
        await asyncio.sleep(self._chance.uniform(0, 2))
        await self._act("agreement/end", id=name)
        await self._is_gone(WATCH, name)

    async def _act(self, act: str, /, **request: Any) -> None:
        """Until it is done. Raises `WrongAnswer` for what the hub never should have refused."""
        is_again = False
        while True:
            try:
                timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS_MAX)
                async with (
                    aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(self._socket)), timeout=timeout) as http,
                    http.post(f"http://hub/admin/v1/{act}", json=request) as answer,
                ):
                    document = await answer.json(content_type=None)
                    if answer.status == 200 or (is_again and _is_done(document)):
                        self.acts += 1
                        return
                    if not document.get("retryable") and document["code"] != "REGISTRY_MOVED":
                        raise WrongAnswer(f"{act} {request}: {document}")
            except (aiohttp.ClientError, TimeoutError, ValueError):
                is_again = True  # It may have been done.
            await asyncio.sleep(AGAIN_SECONDS)

    async def _in_force(self) -> int:
        await asyncio.sleep(IN_FORCE_SECONDS)
        return self._history.now

    async def _is_gone(self, recipient: str, feed: str) -> None:
        """Whether it is not read any more a second after its end."""
        await self._in_force()
        while True:
            try:
                page = await self._sessions[recipient].get(f"/v1/feeds/{feed}/records", {"limit": "100"})
            except HubUnreachable:
                pass
            except HubRefused as refused:
                if refused.code == "FEED_GONE":
                    return
                if not refused.retryable:
                    raise WrongAnswer(f"{feed} has ended, and is answered {refused.code}") from refused
            else:
                keys = tuple(seen(record).key for record in page["items"])
                self.got[recipient].update(Given("pull", key) for key in keys)
                self.findings.append(Finding(Kind.LEAKED, feed, keys[:1], "a page, a second after its end"))
                return
            await asyncio.sleep(AGAIN_SECONDS)

    async def read(self) -> dict[str, View]:
        """What is to be seen now, from their start, of the feeds that he made and that go on."""
        views: dict[str, View] = {}
        for name in self._late:
            records = await read_all(self._sessions[LATE], f"/v1/feeds/{name}/records")
            views[name] = [seen(record) for record in records]
            self.got[LATE].update(Given("pull", each.key) for each in views[name])
        return views

    def dues(self, attempts: Sequence[Attempt]) -> dict[str, Due]:
        """Of the feeds that he had a hand in."""
        first, heard = _times(attempts)
        ended = max((span.ended for span in self._pauses), default=-1)
        paused = {
            key
            for key, sent in first.items()
            for span in self._pauses
            if key.publisher == PAUSED and span.in_force < sent and heard[key] < span.ended_asked
        }

        def owed(key: Key) -> bool:  # What was on its way to the feed when it paused may be passed over.
            return key.publisher != PAUSED or ended < first.get(key, inf)

        return {WATCH: Due(owed, paused)} | {
            name: Due(
                lambda key: key.publisher == PAUSED,
                {key for key, sent in first.items() if key.publisher != PAUSED and span.in_force < sent},
            )
            for name, span in self._late.items()
            if span is not None
        }


def _is_done(document: dict[str, Any]) -> bool:
    """Whether an act that may have been done is refused because it was."""
    return [fault["code"] for fault in document.get("faults", ())] == ["ACT_NAME_TAKEN"]


def _times(attempts: Sequence[Attempt]) -> tuple[dict[Key, int], defaultdict[Key, float]]:
    """When each identity was sent for the first time, and when its first OK was heard."""
    first: dict[Key, int] = {}
    heard: defaultdict[Key, float] = defaultdict(lambda: inf)
    for each in attempts:
        first[each.key] = min(first.get(each.key, each.sent), each.sent)
        if each.outcome is Outcome.OK and each.answered is not None:
            heard[each.key] = min(heard[each.key], each.answered)
    return first, heard
