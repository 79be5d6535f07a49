"""An event as it lies in the log, opened no further than somebody asks."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
from msgspec import Raw, Struct

from hub.core.conditions import Said, said_by
from hub.core.record import StoredRecord
from schemas.headers import EventHeader
from schemas.identity import identity_key

_members = msgspec.json.Decoder(dict[str, Raw])
_ONE_DOT_ZERO = Raw(b'"1.0"')


class Event(Struct):
    """One event of the log; what is inside it is opened when the first feed asks, and kept for the others."""

    header: EventHeader
    record: StoredRecord
    opened: dict[str, Raw] | None = None
    parsed: dict[str, Any] | None = None
    heard: Said | None = None
    whole: tuple[bytes, bytes] | None = None
    """Key and value of what those are shown who may see everything: the same bytes in every feed."""
    digests: dict[str, str] | None = None
    """By pointer the salted digests (hex) of members that somebody is not shown: the same in every feed."""
    leaf: str = ""
    """The leaf (hex) of its statement, once somebody is not shown all of it."""

    @property
    def offset(self) -> int:
        return self.record.offset

    @property
    def identity(self) -> bytes:
        header = self.header
        return identity_key(header.publisher, header.source, header.id, header.version)

    @property
    def members(self) -> dict[str, Raw]:
        """The event's members, each as it was sent, to the letter. Raises ValueError if it is no JSON object."""
        if self.opened is None:
            attributes = self.header.attributes
            self.opened = _members.decode(self.record.value) if attributes is None else self._put_together(attributes)
        return self.opened

    def _put_together(self, attributes: dict[str, str]) -> dict[str, Raw]:
        """Binary mode (CloudEvents HTTP Protocol Binding 1.0.2 §3.1): attributes from headers, data from the body."""
        members = {"specversion": _ONE_DOT_ZERO}
        members |= {name: Raw(orjson.dumps(text)) for name, text in attributes.items()}
        return members | {"data": Raw(self.record.value)}

    @property
    def json(self) -> dict[str, Any]:
        """The event as a value, for filters. Raises ValueError."""
        if self.parsed is None:
            attributes = self.header.attributes
            value = orjson.loads(self.record.value)
            self.parsed = value if attributes is None else {**attributes, "data": value}
        return self.parsed

    @property
    def said(self) -> Said:
        """What it says of what agreements may ask for. Raises ValueError."""
        if self.heard is None:
            self.heard = said_by(self.json)
        return self.heard
