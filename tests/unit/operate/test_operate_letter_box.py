"""The letter box keeps what lies in quarantine once, and says when it waits too long or is too much."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import msgspec
import orjson
import pytest
from msgspec.structs import replace

from hub.core.dead_letter import DeadLetter, LetterState, letter_id
from hub.core.record import EVENTS, QUARANTINE, LogRecord, Position, Stream
from hub.core.settings import QuarantineSettings
from hub.drivers.memory.dead_letters import MemoryDeadLetters
from hub.drivers.memory.event_log import MemoryEventLog
from hub.drivers.system.clock import SystemClock
from hub.operate.dead_letters import personal_of
from hub.operate.letter_box import LetterBox, looked_up
from hub.operate.letter_desk import Difference, Opened, masked
from hub.ports.dead_letters import Which
from schemas.headers import EventHeader, NoticeHeader, pack
from tests.contracts.dead_letter_grounds import behind, letter
from tests.faults.virtual import ListObserver

SETTINGS = QuarantineSettings(letters_per_partner_max=2, waiting_seconds_max=60)
HEADER = pack(
    EventHeader(
        publisher="delta", submitted_by="bolt.sys", source="s", id="e1", version=None, type="t", dataschema="d",
        received_us=1, raw_digest=b"", canonical_digest=b"", salt=b"", revision=1, facts=("trusted", "NL", (), None),
        format="ce-json/1", key="k:v",
    )
)  # fmt: skip


class Box:
    """A letter box over a log in memory, with what it keeps."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.log = MemoryEventLog(self.clock)
        self.letters = MemoryDeadLetters()
        self.observer = ListObserver()
        self.box = LetterBox(
            log=self.log,
            letters=self.letters,
            clock=self.clock,
            observer=self.observer,
            settings=SETTINGS,
            partitions=1,
        )

    async def set_aside(self, *parts: bytes, cause: str = "CONFLICT", offset: int = 0, output: str = "") -> None:
        about = NoticeHeader("delta", cause, self.log.generation, 0, offset, output)
        kept = LogRecord(b"delta", pack(about), msgspec.msgpack.encode(parts))
        await self.log.append(QUARANTINE, 0, [kept])

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Until all that lies there was taken in."""
        task = asyncio.create_task(self.box.run())
        try:
            while await self.letters.mark(self.log.generation, 0) != (await self.log.bounds(QUARANTINE, 0)).end:
                await self.clock.sleep(0.005)
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def kept(self) -> list[DeadLetter]:
        async with self.running():
            return list(await self.letters.page(Which(), after=None, limit=100))


@pytest.fixture
async def box() -> Box:
    made = Box()
    for stream in (EVENTS, QUARANTINE):
        await made.log.declare(Stream(stream, 1))
    return made


async def test_a_record_that_is_there_twice_is_one_letter_with_its_sender_and_digest(box: Box) -> None:
    for _ in range(2):
        await box.set_aside(HEADER, b'{"id":"e1"}')

    [kept] = await box.kept()

    assert (kept.id, kept.agent, kept.value) == (letter_id(kept.position, "CONFLICT", ""), "bolt", b'{"id":"e1"}')
    assert (kept.state, len(kept.digest)) == (LetterState.WAITING, 32)


async def test_what_was_too_large_is_looked_up_where_it_lies(box: Box) -> None:
    await box.log.append(EVENTS, 0, [LogRecord(b"", HEADER, b'{"large":true}')])
    await box.set_aside(
        b"", b"", orjson.dumps({"feed": "risk", "error": "ValueError"}), cause="INTERNAL", output="risk"
    )
    await box.set_aside(b"", b"", cause="INTERNAL", offset=9)

    found, lost = sorted(await box.kept(), key=lambda each: each.position)

    assert (found.header, found.value, found.said["feed"]) == (HEADER, b'{"large":true}', "risk")
    assert (lost.event, lost.value) == (None, b"")


async def test_what_is_no_record_of_the_quarantine_is_an_alarm_and_holds_up_nothing(box: Box) -> None:
    await box.log.append(QUARANTINE, 0, [LogRecord(b"", b"\xc1", b"\xc1")])
    await box.set_aside(HEADER, b"{}")

    assert [each.partner for each in await box.kept()] == ["delta"]
    assert "letter_unreadable" in box.observer.alarms()


async def test_a_stream_that_ends_below_the_mark_is_taken_in_from_its_start_and_nothing_is_lost(box: Box) -> None:
    await box.letters.take([letter(5)], Position(box.log.generation, 0, 7))
    await box.set_aside(HEADER, b"{}")

    assert sorted(each.position.offset for each in await box.kept()) == [0, 5]


async def test_what_waits_too_long_is_an_alarm_once_and_what_was_settled_is_none(box: Box) -> None:
    await box.letters.take([letter(1), letter(2, partner="acme")], behind(3))
    await box.letters.store(replace(letter(2, partner="acme"), state=LetterState.DISCARDED, settled_us=3))

    await box.box.look()
    await box.box.look()

    assert [name for name, _ in box.observer.events] == ["alarm.dead_letters_wait"]


async def test_more_letters_of_a_partner_than_the_bound_are_an_alarm_and_all_of_them_are_kept(box: Box) -> None:
    now_us = box.clock.now_us()
    await box.letters.take([letter(n, since_us=now_us) for n in range(3)], behind(3))

    await box.box.look()

    assert [name for name, _ in box.observer.events] == ["alarm.dead_letters_full"]
    assert await box.letters.purge(before_us=now_us, kept_max=SETTINGS.letters_per_partner_max) == 0


async def test_letters_beyond_the_bound_leave_their_content_in_the_log_where_it_is_found_again(box: Box) -> None:
    values = [b'{"id":"e%d"}' % n for n in range(4)]
    for offset, value in enumerate(values):
        await box.log.append(EVENTS, 0, [LogRecord(b"", HEADER, value)])
        await box.set_aside(HEADER, value, offset=offset)

    kept = sorted(await box.kept(), key=lambda each: each.position)

    assert [each.value for each in kept] == [*values[:2], b"", b""]
    assert [(await looked_up(box.log, each)).value for each in kept] == values
    assert [each.is_in_log_alone for each in kept] == [False, False, True, True]
    assert box.observer.counts["dead_letters_without_content", ()] == 2


async def test_what_lies_in_the_place_of_a_letter_and_is_not_its_content_is_not_taken_for_it(box: Box) -> None:
    await box.log.append(EVENTS, 0, [LogRecord(b"", HEADER, b"another")])
    short = replace(letter(0, value=b"", digest=b"d" * 32), position=Position(box.log.generation, 0, 0))

    assert await looked_up(box.log, short) == short


def test_differences_name_members_on_either_side_and_within_lists_of_one_length() -> None:
    found = {"data": {"a": 1, "b": [1, 2], "c/d": None}}
    first = {"data": {"b": [1, 3], "c/d": None, "e": {"f": 1}}}

    differences = Opened(letter(1), found, first).differences()

    assert differences == [
        Difference("/data/b/1", 2, 3),
        Difference("/data/e", None, {"f": 1}),
        Difference("/data/a", 1, None),
    ]


def test_what_is_personal_is_masked_at_any_depth_and_of_an_unknown_schema_all_data_is() -> None:
    personal = personal_of("urn:customs-hub:schema:customs.booking.confirmed:1.0")
    carrier = {"carrier": {"name": "Ann", "country": "NL"}, "remarks": "Call Ann"}

    assert masked({"data": carrier}, "", personal) == {
        "data": {"carrier": {"name": "***", "country": "NL"}, "remarks": "***"}
    }
    assert masked({"id": "1", "data": carrier}, "", personal_of("urn:x"))["data"] == dict.fromkeys(carrier, "***")
    [shown] = Opened(letter(1), {"data": carrier}, {"data": {**carrier, "remarks": "x"}}).differences(personal)
    assert shown == Difference("/data/remarks", "***", "***")
