"""The archive: what agreements ask for is kept beyond the log's time, whole, verified, and no longer than asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import pytest
from msgspec.structs import replace

from hub.core.agreement import AgreementState, Conditions, Provider, Purpose
from hub.core.errors import StorageUnavailable
from hub.core.feed import Feed
from hub.core.record import EVENTS
from hub.drivers.memory.positions import MemoryPositions
from hub.ports.blob_store import BlobKey, read_blob
from hub.trust.segment import SegmentDamaged, read_segment
from tests.faults import virtual
from tests.faults.fanout_world import AGREEMENT, event_record
from tests.replaying import DAY, KEEPING, PastWorld, past_world

SEGMENT = BlobKey("archive", "1-0-0-1")
INDEX = BlobKey("archive", "index-0-000000000000-1")


async def kept_for_long(agreement: Any = KEEPING, days: int = 40) -> PastWorld:
    """Two events that only the archive has, and one that the log has."""
    world = await past_world(agreement=agreement)
    await world.take("a")
    await world.take("b")
    await gone(world, days)
    await world.take("c")
    return world


async def gone(world: PastWorld, days: int = 40) -> None:
    """So many days later the log has let go of what it had, as far as the archive allows."""
    for _ in range(days // 8):
        await world.elapse(8 * DAY)
        await world.archivist.archive()
        before_us = world.clock.now_us() - 30 * DAY * 1_000_000
        waiting_us = await world.archivist.safe_before_us()
        await world.truth.purge(EVENTS, before_us if waiting_us is None else min(before_us, waiting_us))


async def tampered(world: PastWorld, content: bytes, key: BlobKey = SEGMENT) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield content

    await world.blobs.put(key, chunks())


def test_a_replay_reads_on_from_the_archive_into_the_log_and_nobody_notices() -> None:
    async def main() -> None:
        world = await kept_for_long()
        first = (await world.truth.bounds(EVENTS, 0)).start
        replay = await world.started()

        values = await world.all_values(replay, limit=1)

        assert first == 4
        assert values == await world.live()
        assert len(values) == 3
        assert not (await world.page(replay)).gap

    virtual.run(main())


def test_what_no_agreement_asks_for_is_not_archived_and_a_replay_says_that_it_is_gone() -> None:
    async def main() -> None:
        world = await kept_for_long(AGREEMENT)
        first = world.cursors.seal(world.cursors.first("risk", 1, "customs"))
        replay = await world.started(cursor=first)

        page = await world.page(replay)

        assert (len(page.records), page.gap) == (1, True)
        assert await world.blobs.older("", world.clock.now_us()) == []

    virtual.run(main())


@pytest.mark.parametrize(
    "narrow",
    [
        {"provider": Provider(partner="other")},
        {"types": ("customs.container.gate_out",)},
        {"conditions": Conditions(places=("DE",))},
        {"valid_from": 4_000_000_000},
    ],
)
def test_only_what_the_agreement_covers_is_archived(narrow: dict[str, Any]) -> None:
    async def main() -> None:
        world = await kept_for_long(replace(KEEPING, **narrow))

        index = await world.segments.index(0)

        assert [entry.name for entry in index.entries] == [""]
        assert index.looked_at == (1, 4)

    virtual.run(main())


def test_what_one_agreement_keeps_is_not_shown_under_another_that_does_not() -> None:
    async def main() -> None:
        world = await past_world(agreement=KEEPING)
        other = replace(AGREEMENT, id="other", purpose=Purpose.STATISTICS)
        world.register(other, Feed(name="statistics", recipient="customs", purpose=Purpose.STATISTICS))
        await world.take("a")
        await gone(world)

        assert await world.all(await world.started()) == ["a"]
        assert await world.all(await world.started(feed="statistics")) == []

    virtual.run(main())


def test_the_recipient_is_shown_nothing_older_than_it_may_keep_or_asks_for() -> None:
    async def main() -> None:
        world = await kept_for_long(replace(KEEPING, retention_days=35))
        shown = [await world.all(await world.started())]
        world.register(replace(KEEPING, retention_days=None, archive_days=36))
        shown.append(await world.all(await world.started()))

        assert shown == [["c"], ["c"]]

    virtual.run(main())


def test_the_log_waits_for_the_archive() -> None:
    async def main() -> None:
        world = await past_world(agreement=KEEPING)
        await world.take("a")
        taken_us = world.clock.now_us()
        await world.elapse(40 * DAY)

        waiting_us = await world.archivist.safe_before_us()
        await world.archivist.archive()

        assert waiting_us is not None
        assert waiting_us < taken_us
        assert "archive_lag" in world.observer.alarms()
        assert await world.archivist.safe_before_us() is None

    virtual.run(main())


def test_where_the_log_let_go_before_it_was_archived_somebody_is_told_how_much() -> None:
    async def main() -> None:
        world = await past_world(agreement=KEEPING)
        await world.take("a")
        await world.elapse(8 * DAY)
        await world.archivist.archive()
        await world.take("b")
        await world.elapse(31 * DAY)
        await world.truth.purge(EVENTS, world.clock.now_us())  # As Kafka's own retention does.
        await world.archivist.archive()

        assert "archive_behind_retention" in world.observer.alarms()

    virtual.run(main())


def test_what_is_young_waits_until_there_is_enough_for_a_segment() -> None:
    async def main() -> None:
        world = await past_world(agreement=KEEPING)
        await world.take("a")
        await world.archivist.archive()

        assert (await world.segments.index(0)).entries == ()

    virtual.run(main())


def test_what_was_not_judged_is_not_archived() -> None:
    async def main() -> None:
        world = await past_world(agreement=KEEPING)
        await world.put([event_record("a")])
        await world.elapse(20 * DAY)
        await world.archivist.archive()

        assert (await world.segments.index(0)).looked_at is None

    virtual.run(main())


def test_a_crash_between_segment_and_index_leaves_nothing_out_and_nothing_twice() -> None:
    async def main() -> None:
        world = await past_world(agreement=KEEPING)
        await world.take("a", "b")
        await world.elapse(8 * DAY)
        put_index = world.segments.put_index

        async def killed(*_: object) -> None:
            raise StorageUnavailable("killed")

        world.segments.put_index = killed  # type: ignore[method-assign, assignment]
        await world.archivist.archive()
        orphans = await world.blobs.older("1-", world.clock.now_us() + 1)
        world.segments.put_index = put_index  # type: ignore[method-assign]
        await world.take("c")
        await gone(world)

        assert orphans == [SEGMENT]
        assert await world.all(await world.started()) == ["a", "b", "c"]

    virtual.run(main())


def test_an_archivist_that_wakes_after_its_lease_was_taken_changes_nothing_that_counts() -> None:
    async def main() -> None:
        world = await past_world(agreement=KEEPING)
        await world.take("a")
        await world.elapse(8 * DAY)
        put, held = world.segments.put_index, asyncio.Event()

        async def stopped(*given: Any) -> None:
            world.segments.put_index = put  # type: ignore[method-assign]
            await held.wait()
            await put(*given)

        world.segments.put_index = stopped  # type: ignore[method-assign]
        sleeping = asyncio.create_task(world.archivist.archive())
        await world.elapse(3_600)
        world.archivist = world.archiving("two")
        await world.archivist.archive()
        await world.take("b")
        await gone(world)
        counts = await world.segments.index(0)
        held.set()
        await sleeping

        assert await world.segments.index(0) == counts
        assert await world.all(await world.started()) == ["a", "b"]

    virtual.run(main())


def test_what_a_crash_left_of_a_place_goes_when_it_is_written_again() -> None:
    async def main() -> None:
        world = await past_world(agreement=KEEPING)
        await world.take("a")
        await world.elapse(8 * DAY)
        await tampered(world, b"x", BlobKey("archive", "1-0-0-99"))

        await world.archivist.archive()

        assert await world.blobs.older("1-", world.clock.now_us() + 1) == [SEGMENT]
        assert await world.blobs.older("index-", world.clock.now_us() + 1) == [INDEX]

    virtual.run(main())


def test_two_archivists_at_once_write_each_stretch_once() -> None:
    async def main() -> None:
        world = await past_world(agreement=KEEPING)
        await world.take("a")
        await world.elapse(8 * DAY)
        assert await world.positions.acquire("archive/0", "other", 60.0) is not None

        await world.archivist.archive()
        held = await world.segments.index(0)
        await world.elapse(61)
        await world.archivist.archive()

        assert held.entries == ()
        assert len((await world.segments.index(0)).entries) == 1

    virtual.run(main())


@pytest.mark.parametrize(
    "after",
    [
        replace(KEEPING, state=AgreementState.ENDED),
        replace(KEEPING, archive_days=35),
        replace(KEEPING, valid_to=1),
    ],
)
def test_a_segment_goes_when_no_agreement_asks_for_it_any_more(after: Any) -> None:
    async def main() -> None:
        world = await kept_for_long()
        world.register(after)
        await world.archivist.archive()

        names = [key.name for key in await world.blobs.older("1-", world.clock.now_us() + 1)]

        assert SEGMENT.name not in names
        assert await world.all(await world.started()) in ([], ["c"])

    virtual.run(main())


def test_a_suspended_agreement_shows_nothing_and_loses_nothing() -> None:
    async def main() -> None:
        world = await kept_for_long()
        world.register(replace(KEEPING, state=AgreementState.SUSPENDED))
        await world.archivist.archive()
        suspended = await world.all(await world.started())
        world.register(KEEPING)

        assert suspended == []
        assert await world.all(await world.started()) == ["a", "b", "c"]

    virtual.run(main())


def test_a_segment_stays_while_one_of_two_agreements_asks_for_it() -> None:
    async def main() -> None:
        world = await past_world(agreement=KEEPING)
        world.register(replace(KEEPING, id="other"))
        await world.take("a")
        await gone(world)
        world.register(replace(KEEPING, state=AgreementState.ENDED))
        await world.archivist.archive()

        assert await world.all(await world.started()) == ["a"]

    virtual.run(main())


def test_the_log_is_trimmed_while_it_is_replayed_and_the_session_goes_on_in_the_archive() -> None:
    async def main() -> None:
        world = await past_world(agreement=KEEPING, session_seconds=30 * DAY)
        for name in ("a", "b", "c"):
            await world.take(name)
        replay = await world.started()
        first = await world.page(replay, limit=1)
        await world.elapse(8 * DAY)
        await world.archivist.archive()
        await world.truth.purge(EVENTS, world.clock.now_us())

        second = await world.page(replay, first.cursor)

        assert [len(first.records), len(second.records)] == [1, 2]
        assert (second.complete, second.gap) == (True, False)

    virtual.run(main())


def test_a_segment_that_was_changed_is_refused_with_an_alarm_and_never_shown() -> None:
    async def main() -> None:
        world = await kept_for_long()
        content = await read_blob(world.blobs, SEGMENT)
        await tampered(world, content.replace(b'"content":"x"', b'"content":"y"'))
        replay = await world.started()

        with pytest.raises(StorageUnavailable):
            await world.page(replay)

        assert world.observer.alarms() == {"segment_damaged"}

    virtual.run(main())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"content":"x"', b'"content":"y"'),
        (b"urn:tos", b"urn:tot"),
        (b'"size":1', b'"size":2'),
        (b'"hub":"hub"', b'"hub":"hut"'),
    ],
)
def test_an_event_that_differs_from_its_seal_is_found_though_the_index_agrees(before: bytes, after: bytes) -> None:
    async def main() -> None:
        world = await kept_for_long()
        content = await read_blob(world.blobs, SEGMENT)
        [entry, *_] = (await world.segments.index(0)).entries
        changed = content.replace(before, after)
        entry = replace(entry, sha256=sha256(changed).digest())

        assert changed != content
        with pytest.raises(SegmentDamaged):
            read_segment(changed, entry, lambda key, _: world.keys.seal_keys()[0].public)

    virtual.run(main())


def test_a_seal_of_a_key_that_was_compromised_then_is_believed_no_more() -> None:
    async def main() -> None:
        world = await kept_for_long()
        world.keys.rotate_seal_key(world.clock.now_us() // 1_000_000, compromised_since=0)

        with pytest.raises(StorageUnavailable):
            await world.page(await world.started())

    virtual.run(main())


@pytest.mark.parametrize("swap", ["indices", "segments"])
def test_what_is_kept_under_another_name_is_refused_with_an_alarm(swap: str) -> None:
    async def main() -> None:
        world = await past_world(2, agreement=KEEPING)
        await world.take("a", partition=0)
        await world.take("x", partition=1)
        await gone(world)
        prefix = "index-" if swap == "indices" else "1-"
        one, other = sorted(await world.blobs.older(prefix, world.clock.now_us() + 1), key=lambda key: key.name)
        contents = await read_blob(world.blobs, one), await read_blob(world.blobs, other)
        await tampered(world, contents[1], one)
        await tampered(world, contents[0], other)
        world.build()

        with pytest.raises(StorageUnavailable):
            await world.all(await world.started())

        assert world.observer.alarms() == {"segment_damaged"}

    virtual.run(main())


def test_an_older_index_put_back_is_refused_and_an_index_is_found_again_where_the_state_was_lost() -> None:
    async def main() -> None:
        world = await past_world(agreement=KEEPING)
        await world.take("a")
        await world.elapse(8 * DAY)
        await world.archivist.archive()
        old = await read_blob(world.blobs, INDEX)
        await world.take("b")
        await gone(world)
        [newer] = await world.blobs.older("index-", world.clock.now_us() + 1)
        counts, content = await world.segments.index(0), await read_blob(world.blobs, newer)
        await tampered(world, old, newer)
        with pytest.raises(StorageUnavailable):
            await world.segments.index(0)
        await tampered(world, content, newer)

        world.positions = MemoryPositions(world.clock)
        world.build()

        assert await world.segments.index(0) == counts

    virtual.run(main())


def test_a_segment_that_is_about_another_place_than_its_row_is_damaged() -> None:
    async def main() -> None:
        world = await kept_for_long()
        content = await read_blob(world.blobs, SEGMENT)
        [entry, *_] = (await world.segments.index(0)).entries

        for other in ({"name": "1-1-0-1"}, {"generation": 2}, {"first": 1}, {"end": entry.end + 1}):
            with pytest.raises(SegmentDamaged):
                read_segment(content, replace(entry, **other), lambda key, _: world.keys.seal_keys()[0].public)

    virtual.run(main())


def test_an_index_that_cannot_be_believed_is_an_alarm() -> None:
    async def main() -> None:
        world = await kept_for_long()
        [index] = await world.blobs.older("index-0-", world.clock.now_us() + 1)
        await tampered(world, b"\x91\xa1x", index)

        with pytest.raises(StorageUnavailable):
            await world.asked(from_us=0)

        assert "segment_damaged" in world.observer.alarms()

    virtual.run(main())
