"""The log's file read by another process than the hub: nothing is locked, written or checkpointed.

Each page is a statement of its own, so that a long reading holds nobody's write-ahead log back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from hub.core.errors import HubError, StorageUnavailable, Trimmed
from hub.core.record import Bounds, StoredRecord
from hub.drivers.sqlite.database import port_error
from hub.drivers.sqlite.lanes import batches_from, load_lanes
from hub.drivers.sqlite.tail import Lane, cut
from hub.ports.event_log import LogReader

LAYOUT = 1


class SQLiteLogFile:
    """A `ReadableLog`: what is committed. Each call blocks; for a process that does nothing else. Enter nothing."""

    def __init__(self, path: Path) -> None:
        """Raises `HubError` where there is no log of this layout."""
        if not path.is_file():
            raise HubError(f"there is no log at {path}")
        try:
            self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
            layout = self._connection.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.Error as error:
            raise port_error(error) from error
        if layout != LAYOUT:
            raise HubError(f"{path} has layout {layout}, this program knows layout {LAYOUT}")

    def close(self) -> None:
        self._connection.close()

    @asynccontextmanager
    async def reader(self, stream: str) -> AsyncIterator[LogReader]:
        yield _Reader(self._connection, self._lanes(stream))

    async def bounds(self, stream: str, partition: int) -> Bounds:
        lane = self._lanes(stream)[partition]
        return Bounds(lane.start, lane.end)

    def _lanes(self, stream: str) -> list[Lane]:
        try:
            return load_lanes(self._connection).get(stream, [])
        except sqlite3.Error as error:
            raise port_error(error) from error


class _Reader:
    def __init__(self, connection: sqlite3.Connection, lanes: Sequence[Lane]) -> None:
        self._connection = connection
        self._lanes = lanes

    async def read(
        self, partition: int, offset: int, *, records_max: int, bytes_max: int, wait_seconds: float = 0.0
    ) -> Sequence[StoredRecord]:
        """As the port says, except that it does not wait."""
        return self._from(partition, offset, records_max, bytes_max)

    async def read_batch(self, partition: int, offset: int) -> Sequence[StoredRecord]:
        try:
            batch = next(batches_from(self._connection, self._lanes[partition].id, offset), None)
        except sqlite3.Error as error:
            raise port_error(error) from error
        return batch.records if batch else ()

    def _from(self, partition: int, offset: int, records_max: int, bytes_max: int) -> Sequence[StoredRecord]:
        try:
            records = cut(
                batches_from(self._connection, self._lanes[partition].id, offset), offset, records_max, bytes_max
            )
        except sqlite3.Error as error:
            raise port_error(error) from error
        except IndexError as error:
            raise StorageUnavailable(f"there is no partition {partition}") from error
        if records and records[0].offset > offset:
            raise Trimmed(records[0].offset)
        return records
