"""The hub ends what is over by itself, and notes what its recipient was given."""

from __future__ import annotations

from typing import Any

import pytest

from hub.core.agreement import Held
from hub.core.errors import Refusal, StorageUnavailable
from hub.core.record import Bounds, LogRecord, Stream
from hub.delivery.counted import counting
from hub.drivers.memory.event_log import MemoryEventLog
from hub.drivers.memory.positions import MemoryPositions
from hub.operate.agreement_watch import RETRY_SECONDS_MAX, AgreementWatch
from hub.trust.cursor import Cursor, Place, encode_plain
from schemas.headers import FeedHeader, FeedSealHeader, pack
from tests.unit.operate.agreements import Sides
from tests.unit.operate.conftest import START, Silent

DAY = 86_400
PARTITIONS = 2
EVENT = LogRecord(b"", pack(FeedHeader(1, 0, 0, 1, 1, 0)), b"")
SEAL = LogRecord(b"", pack(FeedSealHeader(b"", b"")), b"")


class Watched:
    def __init__(self, sides: Sides, log: Any = None) -> None:
        self.sides, self.desk = sides, sides.desk
        self.log = MemoryEventLog(self.desk.clock)
        self.positions = MemoryPositions(self.desk.clock)
        self.observer = Silent()
        self.watch = AgreementWatch(
            self.desk.registrar,
            snapshot=lambda: self.desk.live.snapshot,
            log=log or self.log,
            count=counting(log or self.log),
            positions=self.positions,
            partitions=PARTITIONS,
            clock=self.desk.clock,
            observer=self.observer,
        )

    async def feed(self, *records: int) -> None:
        """A feed `seals` with so many records in each partition."""
        await self.desk.do("feed.add", name="seals", recipient="risk", purpose="security-risk-assessment")
        await self.log.declare(Stream("hub.feed.seals", PARTITIONS, DAY))
        for partition, count in enumerate(records):
            await self.log.append("hub.feed.seals", partition, [EVENT] * count)

    async def acknowledge(self, *offsets: int) -> None:
        places = tuple(Place(partition, 0, offset) for partition, offset in enumerate(offsets))
        await self.positions.acknowledge(
            "risk", "seals", encode_plain(Cursor("seals", 1, 1, "risk", places, 0)), was=None
        )


@pytest.fixture
async def watched(desk: Any) -> Watched:
    return Watched(await Sides(desk).open())


async def test_an_agreement_ends_with_its_last_day_and_its_feed_with_it(watched: Watched) -> None:
    await watched.sides.agree(valid_to="2026-01-02")
    await watched.feed()
    await watched.watch.look()
    assert not watched.sides.agreement().ended

    watched.desk.clock.seconds = DAY
    await watched.watch.look()

    assert watched.sides.agreement().ended
    assert watched.desk.live.snapshot.feeds.get("seals").ended


async def test_how_much_the_recipient_holds_is_noted_when_it_ends(watched: Watched) -> None:
    await watched.sides.agree()
    await watched.feed(4, 3)
    await watched.acknowledge(2, 3)
    await watched.desk.do("agreement.end", id="a1")

    await watched.watch.look()

    assert watched.sides.agreement().copies == (Held("seals", published=7, acknowledged=5, until=START),)


async def test_copies_are_events_and_seals_over_cut_ones_are_none(watched: Watched) -> None:
    await watched.sides.agree()
    await watched.feed()
    for partition in range(PARTITIONS):
        await watched.log.append("hub.feed.seals", partition, [EVENT, SEAL, EVENT, EVENT, SEAL])
    await watched.acknowledge(4, 0)
    await watched.desk.do("agreement.end", id="a1")

    await watched.watch.look()

    assert watched.sides.agreement().copies == (Held("seals", published=6, acknowledged=3, until=START),)


async def test_of_what_the_log_let_go_of_the_copies_are_at_most_so_many(watched: Watched) -> None:
    await watched.sides.agree()
    await watched.feed(2)
    await watched.log.purge("hub.feed.seals", watched.desk.clock.now_us() + 1)
    await watched.log.append("hub.feed.seals", 0, [EVENT, SEAL])
    await watched.desk.do("agreement.end", id="a1")

    await watched.watch.look()

    assert watched.sides.agreement().copies == (Held("seals", published=3, acknowledged=0, at_most=True),)


async def test_what_was_never_read_and_never_made_is_noted_too(watched: Watched) -> None:
    await watched.sides.agree()
    await watched.desk.do("feed.add", name="seals", recipient="risk", purpose="security-risk-assessment")
    await watched.desk.do("agreement.end", id="a1")

    await watched.watch.look()

    assert watched.sides.agreement().copies == (Held("seals", published=0, acknowledged=0),)


async def test_while_the_log_is_away_nothing_is_noted_and_later_it_is(desk: Any) -> None:
    class Away:
        async def bounds(self, stream: str, partition: int) -> None:
            raise StorageUnavailable("away")

    watched = Watched(await Sides(desk).open(), log=Away())
    await watched.sides.agree()
    await watched.feed(1)
    await watched.desk.do("agreement.end", id="a1")

    await watched.watch.look()

    assert watched.sides.agreement().copies is None
    assert watched.observer.events == ["copies_not_noted"]


async def test_what_fails_is_tried_less_and_less_often_rings_after_a_minute_and_is_done_once_it_can_be(
    desk: Any,
) -> None:
    class Away(MemoryEventLog):
        away = True

        async def bounds(self, stream: str, partition: int) -> Bounds:
            if self.away:
                raise StorageUnavailable("away")
            return await super().bounds(stream, partition)

    log = Away(desk.clock)
    watched = Watched(await Sides(desk).open(), log=log)
    await watched.sides.agree()
    await watched.feed(1)
    await watched.desk.do("agreement.end", id="a1")

    for _ in range(600):
        await watched.watch.look()
        watched.desk.clock.seconds += 1
    tried = watched.observer.events.count("copies_not_noted")
    rung = watched.observer.events.count("alarm.copies_not_noted")
    log.away = False
    for _ in range(RETRY_SECONDS_MAX):
        await watched.watch.look()
        watched.desk.clock.seconds += 1

    assert (tried, rung) == (10, 4)
    assert watched.sides.agreement().copies is not None


async def test_an_end_that_is_refused_is_not_asked_for_each_second(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    await watched.sides.agree(valid_to="2026-01-02")
    watched.desk.clock.seconds = DAY
    perform, refused = watched.desk.registrar.perform, 3

    async def refusing(name: str, *asked: Any, **more: Any) -> Any:
        nonlocal refused
        refused -= 1
        return Refusal("ACT_REFUSED") if refused >= 0 else await perform(name, *asked, **more)

    monkeypatch.setattr(watched.desk.registrar, "perform", refusing)
    ended = []
    for _ in range(10):
        await watched.watch.look()
        ended.append(watched.sides.agreement().ended)
        watched.desk.clock.seconds += 1

    assert ended == [False] * 7 + [True] * 3
    assert watched.observer.events == ["agreement_not_ended"] * 3


async def test_the_trail_says_that_the_hub_ended_it(watched: Watched) -> None:
    await watched.sides.agree(valid_to="2026-01-02")
    watched.desk.clock.seconds = DAY

    await watched.watch.look()

    events = (await watched.desk.registrar.looks.audit(0, 100))["items"]
    assert [(each["act"], each["actor"], each["authority"]) for each in events[-2:]] == [
        ("agreement.lapse", "hub", "hub"),
        ("agreement.note-copies", "hub", "hub"),
    ]
