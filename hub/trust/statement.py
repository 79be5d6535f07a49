"""What the hub states of one accepted event: the leaf of a seal, and the part of a receipt that a partner reads.

The page is `schemas/formats/statement.md`. The statement is rebuilt from the record's header alone, byte for byte, so
that a receipt can be given again as long as the log keeps the record.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

import orjson

from schemas.headers import EventHeader

STATEMENT_FORMAT = "customs-hub-statement/1"
STATEMENT_BYTES_MAX = 1_024
SALT_BYTES = 16


def statement_bytes(hub: str, header: EventHeader) -> bytes:
    """The statement of an accepted event: RFC 8785 JSON of strings (here: orjson, sorted)."""
    members = {
        "canonical_sha256": header.canonical_digest.hex(),
        "format": STATEMENT_FORMAT,
        "hub": hub,
        "id": header.id,
        "publisher": header.publisher,
        "raw_sha256": header.raw_digest.hex(),
        "received": utc_text(header.received_us),
        "salt": header.salt.hex(),
        "source": header.source,
        "verdict": "ACCEPTED",
    }
    if header.version is not None:
        members["version"] = header.version
    if header.sender != header.publisher:
        members["submitted_by"] = header.submitted_by
    return orjson.dumps(members, option=orjson.OPT_SORT_KEYS)


def is_sent_by(partner: str, statement: bytes) -> bool:
    """Whether this partner sent what the statement is about, for itself or for another."""
    members = orjson.loads(statement)
    return str(members.get("submitted_by", members["publisher"])).partition(".")[0] == partner


def utc_text(time_us: int) -> str:
    """Microseconds since 1970 as `YYYY-MM-DDTHH:MM:SS.ffffffZ`."""
    seconds, fraction = divmod(time_us, 1_000_000)
    return f"{_utc_second(seconds)}.{fraction:06d}Z"


@lru_cache(maxsize=64)
def _utc_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()
