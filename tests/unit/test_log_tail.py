"""The newest records in memory: bounded, without gaps, and never more than the log itself would say."""

from __future__ import annotations

from hub.core.record import StoredRecord
from hub.drivers.sqlite.tail import Batch, Lane, Tail, batch_of, cut


def batch(base: int, count: int = 5) -> Batch:
    return batch_of([StoredRecord(base + n, 0, b"", b"", b"x" * 100) for n in range(count)])


def offsets(lane: Lane) -> list[int]:
    return [record.offset for each in lane.batches for record in each.records]


def test_batches_that_follow_each_other_are_read_as_one() -> None:
    lane, tail = Lane(1, 0, 0), Tail(1_000_000)
    for base in (0, 5, 10):
        tail.add(lane, batch(base))

    assert lane.batch_at(7) == 1
    assert [record.offset for record in cut(lane.batches[1:], 7, 100, 1_000_000)] == list(range(7, 15))


def test_a_batch_behind_a_gap_begins_the_tail_anew() -> None:
    lane, tail = Lane(1, 0, 0), Tail(1_000_000)
    tail.add(lane, batch(0))

    tail.add(lane, batch(10))

    assert offsets(lane) == list(range(10, 15))
    assert lane.batch_at(3) is None


def test_an_offset_outside_the_tail_is_not_in_it() -> None:
    lane, tail = Lane(1, 0, 0), Tail(1_000_000)
    tail.add(lane, batch(5))

    assert [lane.batch_at(offset) for offset in (4, 5, 9, 10)] == [None, 0, 0, None]


def test_the_oldest_batches_of_all_lanes_leave_first() -> None:
    one, other = Lane(1, 0, 0), Lane(2, 0, 0)
    tail = Tail(3 * batch(0).memory_bytes)
    for lane, base in ((one, 0), (other, 0), (one, 5), (other, 5)):
        tail.add(lane, batch(base))

    assert offsets(one) == list(range(5, 10))
    assert offsets(other) == list(range(10))


def test_a_batch_larger_than_the_tail_passes_through() -> None:
    lane, tail = Lane(1, 0, 0), Tail(100)

    tail.add(lane, batch(0))

    assert offsets(lane) == []
