"""What lies in the log: records, positions, stamps, and how a source finds its partition."""

from __future__ import annotations

from functools import lru_cache

from msgspec import Struct

EVENTS = "hub.events"
NOTICES = "hub.notices"
QUARANTINE = "hub.quarantine"


class Position(Struct, frozen=True, order=True, array_like=True, gc=False):
    """A place in a stream: generation, partition, offset. In a feed record it is the stamp of its source record."""

    generation: int
    partition: int
    offset: int


class LogRecord(Struct, frozen=True, gc=False):
    """What is appended: the key finds no partition here (the caller names it), it is for readers' own use."""

    key: bytes
    header: bytes
    """One packed header (`schemas/formats/header.md`); opaque to every driver."""
    value: bytes


class StoredRecord(Struct, frozen=True, gc=False):
    """What is read back."""

    offset: int
    time_us: int
    """When the log took it, microseconds since 1970."""
    key: bytes
    header: bytes
    value: bytes


class Bounds(Struct, frozen=True):
    """The first offset still kept, and the offset that the next record will get."""

    start: int
    end: int


class Stream(Struct, frozen=True):
    """A named set of partitions and how long it keeps records (None: for ever)."""

    name: str
    partitions: int
    retention_seconds: int | None = None


@lru_cache(maxsize=65_536)
def partition_of(publisher: str, source: str, partitions: int) -> int:
    """The partition of a source: murmur2 over publisher ‖ 0x1F ‖ source, as Kafka's own clients partition by key."""
    return (_murmur2(f"{publisher}\x1f{source}".encode()) & 0x7FFF_FFFF) % partitions


def _murmur2(key: bytes) -> int:
    """Murmur2 with Kafka's seed (org.apache.kafka.common.utils.Utils.murmur2), 32 bits."""
    mask, m = 0xFFFF_FFFF, 0x5BD1_E995
    h = 0x9747_B28C ^ len(key)
    whole = len(key) & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(key[i : i + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    if rest := key[whole:]:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15
