"""Ports that do as they are told, call by call: the next thing in `script` happens instead of the next call's work."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from hub.core.errors import HubError, Unknown
from hub.core.record import LogRecord
from hub.ports.event_log import EventLog, LogReader
from hub.ports.first_occurrence import FirstOccurrence, Occurrence


class ScriptedLog:
    """An `EventLog`: an exception is raised, `Unknown` is answered, an event is waited for before the real append."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.script: deque[HubError | Unknown | asyncio.Event] = deque()
        self.appends: list[Sequence[LogRecord]] = []
        """What each append was given, in order."""
        self.unreadable: HubError | None = None
        """While it is set, no reader is to be had."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def append(self, stream: str, partition: int, records: Sequence[LogRecord]) -> int | Unknown:
        self.appends.append(records)
        match self.script.popleft() if self.script else None:
            case Unknown() as answer:
                return answer
            case HubError() as error:
                raise error
            case asyncio.Event() as gate:
                await gate.wait()
        return await self._log.append(stream, partition, records)

    def reader(self, stream: str) -> AbstractAsyncContextManager[LogReader]:
        if self.unreadable is not None:
            raise self.unreadable
        return self._log.reader(stream)


class ScriptedIndex:
    """A `FirstOccurrence` whose look-ups go wrong while `away` is an error, or never end while it is an event."""

    def __init__(self, index: FirstOccurrence) -> None:
        self._index = index
        self.away: HubError | asyncio.Event | None = None
        self.asked: list[Sequence[bytes]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)

    async def look_up(self, identities: Sequence[bytes]) -> Sequence[Occurrence | None]:
        self.asked.append(identities)
        match self.away:
            case HubError() as error:
                raise error
            case asyncio.Event() as gate:
                await gate.wait()
        return await self._index.look_up(identities)
