"""The tables of the event log, and what is done to them beside appending: each function is one transaction or less.

A batch's row number is its lane's number and the offset of its first record in one integer, so that the batches of a
lane lie side by side, in order, and need no second index.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import takewhile

from hub.core.record import Stream
from hub.drivers.sqlite.frames import unpack
from hub.drivers.sqlite.tail import Batch, Lane, batch_of
from hub.drivers.sqlite.worker import transaction

OFFSET_BITS = 40
"""2^40 records a lane are 3,400 years at 10,000 a second; 2^23 lanes are left in a row number."""
_OFFSETS = (1 << OFFSET_BITS) - 1
_EVER = 1 << 62
_BATCHES_AT_ONCE = 64
"""So many are deleted in one transaction, so that appends get their turn."""

SCHEMA = """
CREATE TABLE lane (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    stream TEXT,              -- NULL once dropped, until its batches are gone
    partition INTEGER NOT NULL,
    start INTEGER NOT NULL,   -- the first offset kept
    UNIQUE (stream, partition)
);
CREATE TABLE batch (
    id INTEGER PRIMARY KEY,   -- lane << 40 | offset of the first record
    count INTEGER NOT NULL,
    time_us INTEGER NOT NULL,
    frame BLOB NOT NULL
)
"""

_IDENTITY = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS identity (id TEXT NOT NULL);
INSERT INTO identity SELECT lower(hex(randomblob(16))) WHERE NOT EXISTS (SELECT 1 FROM identity);
COMMIT
"""
"""Beside the layout: files that were made before it get one when they are opened."""
_LANES = """
SELECT stream, id, start, coalesce(
    (SELECT batch.id - (lane.id << 40) + count FROM batch
     WHERE batch.id BETWEEN lane.id << 40 AND (lane.id + 1 << 40) - 1 ORDER BY batch.id DESC LIMIT 1), start)
FROM lane WHERE stream IS NOT NULL ORDER BY stream, partition
"""
_TIMES = """
SELECT lane.id, batch.time_us FROM lane, batch WHERE batch.id = (
    SELECT id FROM batch WHERE id BETWEEN lane.id << 40 AND (lane.id + 1 << 40) - 1 ORDER BY id DESC LIMIT 1)
"""
_FROM = """
SELECT id, time_us, frame FROM batch
WHERE id >= coalesce((SELECT id FROM batch WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1), ?2) AND id < ?3
ORDER BY id
"""


def identity_of(connection: sqlite3.Connection) -> str:
    """What tells this log from every other: 16 random bytes as hex, made once."""
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'identity'").fetchone():
        connection.executescript(_IDENTITY)
    found: str = connection.execute("SELECT id FROM identity").fetchone()[0]
    return found


def load_lanes(connection: sqlite3.Connection) -> dict[str, list[Lane]]:
    """Every stream's lanes in order of partition, with their bounds as committed."""
    streams: dict[str, list[Lane]] = {}
    for stream, id_, start, end in connection.execute(_LANES):
        streams.setdefault(stream, []).append(Lane(id_, start, end))
    return streams


def load_times(connection: sqlite3.Connection) -> dict[int, int]:
    """The time of each lane's newest batch, by the lane's number; absent where a lane holds none."""
    return dict(connection.execute(_TIMES))


def create_lanes(stream: Stream, connection: sqlite3.Connection) -> list[Lane]:
    """The lanes of a stream, made if there are none; as they are, whatever their count, if there are."""
    with transaction(connection):
        if not connection.execute("SELECT 1 FROM lane WHERE stream = ?", (stream.name,)).fetchone():
            rows = [(stream.name, partition) for partition in range(stream.partitions)]
            connection.executemany("INSERT INTO lane (stream, partition, start) VALUES (?, ?, 0)", rows)
    return load_lanes(connection)[stream.name]


def forget_stream(stream: str, connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE lane SET stream = NULL WHERE stream = ?", (stream,))


def purge_some(lane_id: int, before_us: int, connection: sqlite3.Connection) -> int:
    """Delete the oldest batches of a lane, while they were stored before `before_us`; return how many records went."""
    oldest = connection.execute(
        "SELECT id, count, time_us FROM batch WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?",
        (lane_id << OFFSET_BITS, lane_id << OFFSET_BITS | _OFFSETS, _BATCHES_AT_ONCE),
    )
    old = list(takewhile(lambda row: row[2] < before_us, oldest.fetchall()))
    if not old:
        return 0
    last_id, last_count, _ = old[-1]
    with transaction(connection):
        connection.execute("DELETE FROM batch WHERE id BETWEEN ? AND ?", (lane_id << OFFSET_BITS, last_id))
        connection.execute("UPDATE lane SET start = ? WHERE id = ?", ((last_id & _OFFSETS) + last_count, lane_id))
    return sum(count for _, count, _ in old)


def sweep_some(connection: sqlite3.Connection) -> bool:
    """Delete some batches of a dropped lane, or the lane with the last of them; False if there is none."""
    dropped = connection.execute("SELECT id FROM lane WHERE stream IS NULL LIMIT 1").fetchone()
    if dropped is None:
        return False
    if not purge_some(dropped[0], _EVER, connection):
        connection.execute("DELETE FROM lane WHERE id = ?", dropped)
    return True


def batches_from(connection: sqlite3.Connection, lane_id: int, offset: int) -> Iterator[Batch]:
    """The batch that holds `offset`, or else the next one, and those after it, read as they are asked for."""
    first, wanted, behind = lane_id << OFFSET_BITS, lane_id << OFFSET_BITS | offset, lane_id + 1 << OFFSET_BITS
    for id_, time_us, frame in connection.execute(_FROM, (first, wanted, behind)):
        yield batch_of(unpack(frame, id_ & _OFFSETS, time_us))
