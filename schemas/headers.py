"""The packed record header: one MessagePack array per record, whose first element says which kind and version it is.

The page is `formats/header.md`; elements are only ever added at the end, and a new meaning gets a new number.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct


class EventHeader(Struct, frozen=True, array_like=True, tag_field="kind", tag=1, gc=False):
    """What the hub knows of an event in `hub.events`; the value is what the partner sent, unchanged."""

    publisher: str
    submitted_by: str
    """The system that sent it (OAuth client id)."""
    source: str
    id: str
    version: str | None
    """`updated_at` as a UTC instant, see `formats/identity.md`."""
    type: str
    dataschema: str
    received_us: int
    """Microseconds since 1970, when the hub decided to take it."""
    raw_digest: bytes
    canonical_digest: bytes
    salt: bytes
    revision: int
    """The registry revision it was decided by."""
    facts: tuple[str, str, tuple[str, ...], str | None]
    """Tier, country, roles, AEO type of the publisher, as stamped."""
    format: str
    """`ce-json/1`: the value is the event itself; `ce-binary/1`: the value is its data, the rest is in `attributes`;
    any other names the format that the event in the value was translated from (`formats/translated.md`)."""
    key: str
    """The object that the event is about: `scheme:value` of the first subject by the type's scheme order."""
    flags: int = 0
    traceparent: str | None = None
    attributes: dict[str, str] | None = None
    """Binary mode: the CloudEvents attributes that were sent as headers."""
    warnings: tuple[str, ...] = ()
    """Fault codes of severity WARNING."""
    place: str = ""
    """Where a translated event stood in the document whose SHA-256 is the raw digest."""
    credential: str = ""
    """The id of the key, certificate or API key that its sender proved itself with; empty in records of old."""
    proof: bytes = b""
    """SHA-256 of the sender's signed request (`formats/request-proof.md`); empty: it was not signed."""

    @property
    def sender(self) -> str:
        """The partner whose system sent it: the publisher, or its agent."""
        return self.submitted_by.partition(".")[0]


FLAG_POSSIBLE_REPEAT = 1
"""`time` is older than the index remembers: it may have been seen before."""
FLAG_LATE = 2
"""It happened long before it was sent."""


class SealHeader(Struct, frozen=True, array_like=True, tag_field="kind", tag=2, gc=False):
    """The last record of a batch in `hub.events`; the value is all leaf hashes, 32 bytes each, in batch order."""

    body: bytes
    """The signed seal, canonical JSON (`formats/seal.md`)."""
    signature: bytes


class FeedHeader(Struct, frozen=True, array_like=True, tag_field="kind", tag=3, gc=False):
    """What a feed record says of its source record: the stamp, and when the hub accepted it."""

    generation: int
    partition: int
    offset: int
    feed_version: int
    revision: int
    """The registry revision that decided what is in it."""
    received_us: int
    agreements: tuple[str, ...] = ()
    """The agreements that it rests on: when one of them ends, the record is given to nobody any more."""


class NoticeHeader(Struct, frozen=True, array_like=True, tag_field="kind", tag=4, gc=False):
    """A notice from customs to a partner (`hub.notices`), or a record in `hub.quarantine` with its cause."""

    partner: str
    cause: str
    generation: int
    partition: int
    offset: int
    """The stamp of the record in `hub.events` that it is about; offset -1: it is about no single one."""
    id: str = ""
    """Of a notice about no single record: one that is written again after a crash has the same."""
    agent: str = ""
    """The partner that sent the event in its publisher's place, who is told as well; empty: nobody else."""


class FeedSealHeader(Struct, frozen=True, array_like=True, tag_field="kind", tag=5, gc=False):
    """The last record of a feed batch that holds cut records; the value is their leaf hashes, 32 bytes each."""

    body: bytes
    """The signed seal, canonical JSON (`formats/feed-seal.md`)."""
    signature: bytes


Header = EventHeader | SealHeader | FeedHeader | NoticeHeader | FeedSealHeader

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Header] = msgspec.msgpack.Decoder(Header)


def pack(header: Header) -> bytes:
    return _encoder.encode(header)


def unpack(packed: bytes) -> Header:
    """Decode a packed header. Raises `msgspec.DecodeError` for anything that is not one."""
    return _decoder.decode(packed)
