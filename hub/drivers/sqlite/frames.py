"""How the records of one append lie in one row: a MessagePack array of key, header, value, key, header, value, …

Offsets and the append time are columns of the row, so a frame can be made before either is known.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hub.core.record import LogRecord, StoredRecord

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[bytes])


def pack(records: Sequence[LogRecord]) -> bytes:
    return _encoder.encode([part for record in records for part in (record.key, record.header, record.value)])


def unpack(frame: bytes, base: int, time_us: int) -> list[StoredRecord]:
    parts = _decoder.decode(frame)
    offsets = range(base, base + len(parts) // 3)
    columns = zip(offsets, parts[0::3], parts[1::3], parts[2::3], strict=True)
    return [StoredRecord(offset, time_us, key, header, value) for offset, key, header, value in columns]
