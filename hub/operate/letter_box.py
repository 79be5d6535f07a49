"""The letter box: follows `hub.quarantine` and keeps each record once, as a dead letter that waits to be settled.

What it keeps is a function of the stream: taken in anew, what is known already stays as it is. Each partition is
followed from a mark that moves in one transaction with what was taken. What cannot be opened is kept with what its
header tells; a record that was too large for its append is looked up where it lies, as long as the log holds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from hashlib import sha256

import msgspec
import orjson
from msgspec.structs import replace

from hub.core.dead_letter import UNDELIVERED, DeadLetter, LetterState
from hub.core.errors import HubError, Trimmed, place_of
from hub.core.record import EVENTS, QUARANTINE, Position, StoredRecord
from hub.core.settings import QuarantineSettings
from hub.ports.dead_letters import DeadLetters
from hub.ports.event_log import EventLog, LogReader
from hub.ports.observer import Observer
from hub.ports.system import Clock, end_if_cancelled
from schemas.headers import EventHeader, NoticeHeader, unpack

RETRY_SECONDS = 0.5
WAIT_SECONDS = 5.0
MEASURE_SECONDS = 10.0
BATCH_RECORDS, BATCH_BYTES = 200, 8_388_608
WARNED_EVERY_SECONDS = 3_600.0

_parts = msgspec.msgpack.Decoder(list[bytes])


class LetterBox:
    def __init__(
        self,
        *,
        log: EventLog,
        letters: DeadLetters,
        clock: Clock,
        observer: Observer,
        settings: QuarantineSettings,
        partitions: int,
        taken: Callable[[], None] = lambda: None,
    ) -> None:
        """`taken` is told of each batch."""
        self._log = log
        self._letters = letters
        self._clock = clock
        self._observer = observer
        self._settings = settings
        self._partitions = partitions
        self._taken = taken
        self._warned: dict[tuple[str, str], float] = {}
        self._waiting: dict[str, int] = {}
        """Letters of each partner: as they were counted last, and what was taken in since."""

    async def run(self) -> None:
        """Follow until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep(self._measure))
            for partition in range(self._partitions):
                group.create_task(self._keep(partial(self._follow, partition)))

    async def _keep(self, work: Callable[[], Awaitable[None]]) -> None:
        """Again after every failure that another try may mend."""
        while True:
            try:
                await work()
            except HubError as error:
                self._observer.event("letter_box.interrupted", error=type(error).__name__)
            except Exception as error:  # noqa: BLE001  A supervisor: one partition must not stop the others.
                self._alarm("letter_box_failed", error=place_of(error))
            await self._clock.sleep(RETRY_SECONDS)

    async def _follow(self, partition: int) -> None:
        offset = await self._start(partition)
        async with self._log.reader(QUARANTINE) as reader:
            while True:
                end_if_cancelled()
                try:
                    records = await reader.read(
                        partition,
                        offset,
                        records_max=BATCH_RECORDS,
                        bytes_max=BATCH_BYTES,
                        wait_seconds=WAIT_SECONDS,
                    )
                except Trimmed as trimmed:
                    offset = trimmed.start
                    continue
                if records:
                    offset = records[-1].offset + 1
                    letters = [letter for record in records if (letter := await self._letter(record)) is not None]
                    letters = [self._within_bound(letter) for letter in letters]
                    await self._letters.take(letters, Position(self._log.generation, partition, offset))
                    self._taken()

    async def _start(self, partition: int) -> int:
        """Where it stood. Where the stream ends below that it is another one, and is followed from its start."""
        bounds = await self._log.bounds(QUARANTINE, partition)
        mark = await self._letters.mark(self._log.generation, partition)
        if mark is None or mark > bounds.end:
            if mark is not None:
                self._observer.event("letter_box.rebuilt", partition=partition)
                await self._letters.forget_marks()
            return bounds.start
        return max(mark, bounds.start)

    async def _letter(self, record: StoredRecord) -> DeadLetter | None:
        """None, with an alarm: it is no record of the quarantine."""
        try:
            about = unpack(record.header)
            parts = _parts.decode(record.value)
        except msgspec.DecodeError:
            about, parts = None, []
        if not isinstance(about, NoticeHeader):
            self._alarm("letter_unreadable", offset=record.offset)
            return None
        header, value = (*parts, b"", b"")[:2]
        said = orjson.loads(parts[2]) if len(parts) > 2 else {}
        letter = DeadLetter(
            position=Position(about.generation, about.partition, about.offset),
            cause=about.cause,
            output=about.id,
            partner=about.partner,
            since_us=record.time_us,
            header=header,
            value=value,
            digest=sha256(value).digest() if value else b"",
            said=said,
        )
        return self._with_agent(letter if value or letter.cause == UNDELIVERED else await looked_up(self._log, letter))

    def _within_bound(self, letter: DeadLetter) -> DeadLetter:
        """Without its content where so many of its partner wait already: nothing is lost as long as the log has it."""
        count = self._waiting[letter.partner] = self._waiting.get(letter.partner, 0) + 1
        if count <= self._settings.letters_per_partner_max or not letter.value:
            return letter
        self._observer.count("dead_letters_without_content")
        return replace(letter, value=b"")

    def _with_agent(self, letter: DeadLetter) -> DeadLetter:
        header = letter.event
        is_sent_by_another = header is not None and header.sender != header.publisher
        return replace(letter, agent=header.sender) if header is not None and is_sent_by_another else letter

    async def _measure(self) -> None:
        """Count what waits, and raise the alarm for what waits too long or is too much."""
        while True:
            await self.look()
            await self._clock.sleep(MEASURE_SECONDS)

    async def look(self) -> None:
        """Raises `HubError`."""
        groups, now_us = await self._letters.groups(), self._clock.now_us()
        waiting = [each for each in groups if each.state is LetterState.WAITING]
        causes: dict[str, int] = {}
        held: dict[str, int] = {}
        for each in waiting:
            causes[each.cause] = causes.get(each.cause, 0) + each.count
            held[each.partner] = held.get(each.partner, 0) + each.count
            waited = (now_us - each.oldest_us) / 1e6
            if waited > self._settings.waiting_seconds_max:
                self._warn("dead_letters_wait", each.partner, cause=each.cause, seconds=int(waited), count=each.count)
        for cause, count in causes.items() | {(each.cause, 0) for each in groups if each.cause not in causes}:
            self._observer.gauge("dead_letters_waiting", count, cause=cause)
        self._waiting = held
        oldest_us = min((each.oldest_us for each in waiting), default=now_us)
        self._observer.gauge("dead_letters_oldest_seconds", (now_us - oldest_us) / 1e6)
        for partner, count in held.items():
            if count > self._settings.letters_per_partner_max:
                self._warn("dead_letters_full", partner, count=count)

    def _warn(self, name: str, partner: str, **facts: str | int) -> None:
        """Again every hour."""
        now, warned = self._clock.monotonic(), self._warned.get((name, partner))
        if warned is None or now - warned >= WARNED_EVERY_SECONDS:
            self._warned[name, partner] = now
            self._alarm(name, partner=partner, **facts)

    def _alarm(self, name: str, **facts: str | int) -> None:
        self._observer.count("alarms", alarm=name)
        self._observer.event(f"alarm.{name}", **facts)


async def looked_up(log: EventLog, letter: DeadLetter) -> DeadLetter:
    """With what the log holds at its place, if that is what it was. Raises `StorageUnavailable`."""
    if letter.position.generation != log.generation:
        return letter
    async with log.reader(EVENTS) as reader:
        record = await record_at(reader, letter.position)
    if record is None or (digest := sha256(record.value).digest()) != (letter.digest or digest):
        return letter
    return replace(letter, header=record.header, value=record.value, digest=digest)


async def record_at(reader: LogReader, position: Position) -> StoredRecord | None:
    """The event at this place of `hub.events`; None where the log has let it go. Raises `StorageUnavailable`."""
    try:
        records: Sequence[StoredRecord] = await reader.read(
            position.partition, position.offset, records_max=1, bytes_max=1
        )
    except Trimmed:
        return None
    if not records or records[0].offset != position.offset:
        return None
    try:
        return records[0] if isinstance(unpack(records[0].header), EventHeader) else None
    except msgspec.DecodeError:
        return None
