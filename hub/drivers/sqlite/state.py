"""What the outputs of the log remember, in one SQLite file: the first-occurrence index, marks, leases and positions.

Theory of operation. They share a file because they share a transaction: whoever writes carries a lease, and the lease's
epoch is read in the transaction that writes. One thread owns the writing connection, another reads.

`synchronous=NORMAL`: a commit survives the end of the process, however it ends; the loss of power leaves the file
whole, but may take the newest commits. That is enough for what is a function of the log: the judge goes on from the
mark that was kept and writes the same again, an output finds its highest stamp in its feed. Leases may go back to an
epoch that was given before, but then every holder lost its power too, since one machine has the file. What a reader
acknowledged is in no log: that commit alone is made with `synchronous=FULL`.
"""

from __future__ import annotations

from pathlib import Path

from hub.drivers.sqlite.database import Database
from hub.drivers.sqlite.first_occurrence import SCHEMA as INDEX_SCHEMA
from hub.drivers.sqlite.first_occurrence import SQLiteFirstOccurrence
from hub.drivers.sqlite.positions import SCHEMA as POSITIONS_SCHEMA
from hub.drivers.sqlite.positions import SQLitePositions
from hub.drivers.sqlite.worker import CallWorker, OnWorkers
from hub.ports.system import Clock


class SQLiteState(OnWorkers):
    """Enter it to open the file; then `occurrences` keeps the FirstOccurrence port and `positions` the Positions port.

    `path`: the file; one process may have it open. `slice_seconds`: how much time a new slice of the index covers.
    """

    def __init__(self, path: Path, clock: Clock, *, slice_seconds: int) -> None:
        # Random keys touch a page each: a long write-ahead log lets many commits share the writing of a page.
        database = Database(
            path,
            f"{POSITIONS_SCHEMA};{INDEX_SCHEMA}",
            version=1,
            synchronous="NORMAL",
            checkpoint_pages=16_384,
            cache_bytes=16_777_216,
        )
        self._writer = CallWorker("state-writer", database.open_writer)
        self._reader = CallWorker("state-reader", database.open_reader)
        super().__init__(self._writer, self._reader)
        self.positions = SQLitePositions(self._writer, self._reader, clock)
        self.occurrences = SQLiteFirstOccurrence(self._writer, self._reader, slice_seconds=slice_seconds)

    async def _begin(self) -> None:
        await self.occurrences.load_slices()
