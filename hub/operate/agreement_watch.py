"""What the hub itself does about agreements: ends those whose last day has passed, and notes what was given under them.

Both are acts of the registrar, on the word of the hub. Delivery does not wait for them: it looks at the dates itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from msgspec import Struct, to_builtins

from hub.core.agreement import Agreement, Held
from hub.core.errors import HubError, Refusal, StorageUnavailable, Trimmed
from hub.core.feed import Feed, lane_name, lanes_of, stream_of
from hub.core.proposal import Authority
from hub.core.registry import Snapshot
from hub.operate.registrar import Done, Registrar
from hub.ports.event_log import ReadableLog
from hub.ports.observer import Observer
from hub.ports.positions import Positions
from hub.ports.system import Clock
from hub.trust.cursor import Place, decode_plain

LOOK_SECONDS = 1.0
RETRY_SECONDS_MAX = 300
ALARM_SECONDS = 60
"""What is tried so seldom has failed for a minute."""
ACTOR = "hub"


class Counted(Protocol):
    @property
    def events(self) -> int: ...

    @property
    def at_most(self) -> bool: ...


Count = Callable[[str, int, int], Awaitable[Counted]]


class _Failed(Struct, frozen=True):
    """When what failed is tried again, monotonic seconds, and after what pause."""

    pause: float = LOOK_SECONDS / 2
    until: float = 0.0


class AgreementWatch:
    def __init__(
        self,
        registrar: Registrar,
        *,
        snapshot: Callable[[], Snapshot],
        log: ReadableLog,
        count: Count,
        positions: Positions,
        partitions: int,
        clock: Clock,
        observer: Observer,
    ) -> None:
        """`count`: of a stream's partition, the events below an offset, and whether there may be fewer."""
        self._registrar = registrar
        self._snapshot = snapshot
        self._log = log
        self._count = count
        self._positions = positions
        self._partitions = partitions
        self._clock = clock
        self._observer = observer
        self._failed: dict[str, _Failed] = {}
        """By agreement."""

    async def run(self) -> None:
        while True:
            await self.look()
            await self._clock.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """End what is over, and note what was given; what cannot be done now is tried again, less and less often."""
        now = self._clock.now_us() // 1_000_000
        for agreement in [each for each in self._snapshot().agreements if not each.ended and _is_over(each, now)]:
            await self._try(agreement.id, "agreement_not_ended", partial(self._end, agreement))
        for agreement in [each for each in self._snapshot().agreements if each.ended and each.copies is None]:
            await self._try(agreement.id, "copies_not_noted", partial(self._note, agreement))

    async def _try(self, agreement: str, name: str, act: Callable[[], Awaitable[Done | Refusal]]) -> None:
        """Unless it failed not long ago. `name`: of what is said if it fails."""
        failed, now = self._failed.pop(agreement, _Failed()), self._clock.monotonic()
        if now < failed.until:
            self._failed[agreement] = failed
            return
        try:
            outcome = await act()
        except HubError as error:
            why = str(error)
        else:
            if not isinstance(outcome, Refusal):
                return
            why = outcome.code
        pause = min(failed.pause * 2, RETRY_SECONDS_MAX)
        self._failed[agreement] = _Failed(pause, now + pause)
        self._observer.event(name, agreement=agreement, error=why)
        if pause >= ALARM_SECONDS:
            self._observer.count("alarms", alarm=name)
            self._observer.event(f"alarm.{name}", agreement=agreement, error=why)

    async def _end(self, agreement: Agreement) -> Done | Refusal:
        return await self._perform("agreement.lapse", {"id": agreement.id})

    async def _note(self, agreement: Agreement) -> Done | Refusal:
        copies = [await self._held(feed) for feed in _feeds_of(agreement, self._snapshot())]
        return await self._perform("agreement.note-copies", {"id": agreement.id, "copies": to_builtins(copies)})

    async def _perform(self, act: str, request: Mapping[str, Any]) -> Done | Refusal:
        return await self._registrar.perform(act, request, actor=ACTOR, authority=Authority.HUB)

    async def _held(self, feed: Feed) -> Held:
        """Of all its lanes. Raises `StorageUnavailable`."""
        published, acknowledged, until = list[Counted](), list[Counted](), 0
        for lane in lanes_of(self._snapshot().feeds.versions(feed.name)):
            name, stream = lane_name(feed.name, lane), stream_of(feed.name, lane)
            published += await self._published(stream)
            for place in await self._acknowledged(feed.recipient, name):
                acknowledged.append(await self._count(stream, place.partition, place.offset))
                until = max(until, await self._time_of(stream, place))
        given, read = (sum(each.events for each in counted) for counted in (published, acknowledged))
        return Held(feed.name, given, read, until, any(each.at_most for each in (*published, *acknowledged)))

    async def _published(self, stream: str) -> Sequence[Counted]:
        try:
            ends = [(await self._log.bounds(stream, each)).end for each in range(self._partitions)]
            return [await self._count(stream, partition, end) for partition, end in enumerate(ends)]
        except StorageUnavailable:
            raise
        except HubError:
            return ()  # It was never declared, or is gone with a feed that ended before.

    async def _acknowledged(self, recipient: str, name: str) -> Sequence[Place]:
        kept = await self._positions.acknowledged(recipient, name)
        return decode_plain(kept).places if kept is not None else ()

    async def _time_of(self, stream: str, place: Place) -> int:
        """When the last record before the place came, seconds since 1970; 0: there is none, or it is gone."""
        if place.offset == 0:
            return 0
        async with self._log.reader(stream) as reader:
            try:
                records = await reader.read(place.partition, place.offset - 1, records_max=1, bytes_max=1)
            except Trimmed:
                return 0
        return records[0].time_us // 1_000_000 if records else 0


def _is_over(agreement: Agreement, now: int) -> bool:
    return agreement.valid_to is not None and agreement.valid_to <= now


def _feeds_of(agreement: Agreement, snapshot: Snapshot) -> Sequence[Feed]:
    """The feeds that its records went to: those of its recipient and purpose, ended ones too."""
    return [each for each in snapshot.feeds_of(agreement.recipient) if each.purpose is agreement.purpose]
