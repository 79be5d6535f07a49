"""Leases, positions and acknowledgements in memory: what the port says, in the plainest code."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from hub.core.errors import LeaseLost
from hub.ports.positions import FeedPosition, Lease
from hub.ports.system import Clock


class MemoryPositions:
    """A `Positions` that ends with its process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._leases: dict[str, Lease] = {}
        """The newest lease of each name; one that was given back has no holder."""
        self._positions: dict[tuple[str, int, int], FeedPosition] = {}
        self._acknowledged: dict[tuple[str, str], bytes] = {}
        self._kept: dict[str, bytes] = {}

    async def acquire(self, name: str, holder: str, seconds: float) -> Lease | None:
        last = self._leases.get(name, Lease(name, "", 0, 0))
        now_us = self._clock.now_us()
        if last.holder not in ("", holder) and last.expires_us > now_us:
            return None
        self._leases[name] = Lease(name, holder, last.epoch + 1, now_us + round(seconds * 1e6))
        return self._leases[name]

    async def renew(self, lease: Lease, seconds: float) -> Lease:
        self.check(lease)
        self._leases[lease.name] = replace(lease, expires_us=self._clock.now_us() + round(seconds * 1e6))
        return self._leases[lease.name]

    async def release(self, lease: Lease) -> None:
        if self._is_current(lease):
            self._leases[lease.name] = replace(lease, holder="")

    async def load(self, output: str, generation: int, partition: int) -> FeedPosition | None:
        return self._positions.get((output, generation, partition))

    async def store(self, lease: Lease, output: str, generation: int, partition: int, position: FeedPosition) -> None:
        await self.store_all(lease, generation, partition, {output: position})

    async def store_all(
        self, lease: Lease, generation: int, partition: int, positions: Mapping[str, FeedPosition]
    ) -> None:
        self.check(lease)
        for output, position in positions.items():
            stored = self._positions.get((output, generation, partition))
            if stored is None or position.source_offset >= stored.source_offset:
                self._positions[output, generation, partition] = position

    async def acknowledge(self, reader: str, feed: str, cursor: bytes, *, was: bytes | None) -> bool:
        if self._acknowledged.get((reader, feed), was) != was:
            return False
        self._acknowledged[reader, feed] = cursor
        return True

    async def acknowledged(self, reader: str, feed: str) -> bytes | None:
        return self._acknowledged.get((reader, feed))

    async def keep(self, lease: Lease, content: bytes) -> None:
        self.check(lease)
        self._kept[lease.name] = content

    async def kept(self, name: str) -> bytes | None:
        return self._kept.get(name)

    def check(self, lease: Lease) -> None:
        """Raise LeaseLost unless the lease's epoch is the one that may write."""
        if not self._is_current(lease):
            raise LeaseLost(f"the lease on {lease.name} is no longer held as epoch {lease.epoch}")

    def _is_current(self, lease: Lease) -> bool:
        last = self._leases.get(lease.name)
        return last is not None and last.epoch == lease.epoch and last.holder != ""
