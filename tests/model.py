"""What a log is, in sixty lines: the oracle for contracts, kill harness and simulation."""

from __future__ import annotations

from dataclasses import dataclass, field

from hub.core.record import Bounds, LogRecord


@dataclass
class PartitionModel:
    """Batches as they were acknowledged, with the time of each; offsets count from 0 and are never given twice."""

    batches: list[tuple[int, int, tuple[LogRecord, ...]]] = field(default_factory=list)
    """First offset, append time in microseconds, records."""
    start: int = 0
    end: int = 0

    def append(self, records: list[LogRecord], time_us: int) -> int:
        first = self.end
        self.batches.append((first, time_us, tuple(records)))
        self.end += len(records)
        return first

    def purge(self, before_us: int) -> int:
        """Whole batches go, from the start, while they are old enough."""
        gone = 0
        while self.batches and self.batches[0][1] < before_us:
            gone += len(self.batches.pop(0)[2])
        self.start += gone
        return gone

    @property
    def bounds(self) -> Bounds:
        return Bounds(self.start, self.end)

    def read(self, offset: int, records_max: int) -> list[tuple[int, LogRecord]] | None:
        """Offsets and records from `offset` on; None where they are trimmed."""
        if offset < self.start:
            return None
        kept = [(first + i, record) for first, _, records in self.batches for i, record in enumerate(records)]
        return [entry for entry in kept if entry[0] >= offset][:records_max]

    def batch(self, offset: int) -> list[tuple[int, LogRecord]]:
        """The batch that holds `offset`."""
        return next(
            [(first + i, record) for i, record in enumerate(records)]
            for first, _, records in self.batches
            if first <= offset < first + len(records)
        )
