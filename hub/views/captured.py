"""A publisher's own events that came as EPCIS, by the plain parameters of the EPCIS query language (EPCIS 2.0 §8.2.7).

Both forms of a standard's word and of an identifier are one: `shipping` and its URI, an EPC URN and its Digital Link.
A page looks at a bounded number of events; its cursor is sealed and good for the same caller and question only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from struct import Struct as Layout
from typing import Any

import msgspec
import orjson
from msgspec import Struct
from msgspec.structs import replace

from hub.core.errors import Refusal
from hub.core.record import partition_of
from hub.core.settings import ViewsSettings
from hub.ports.event_log import EventLog
from hub.ports.system import Clock, Entropy
from hub.ports.views import KnownEvent, Place, Query, Views
from hub.trust.cursor import NONCE_BYTES, Box
from hub.views.follow import until_known
from schemas.gs1 import identifier_of
from schemas.identity import identity_key

Event = Mapping[str, Any]

AT_ONCE = 100
VERSIONS_MAX = 100
"""Of one event: itself, and what took it back."""
_PLACE = Layout(">16sqq")


class Asked(Struct, frozen=True, kw_only=True):
    """What an event must have; empty: anything. Spans: microseconds since 1970, the second exclusive."""

    types: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    dispositions: tuple[str, ...] = ()
    epcs: tuple[str, ...] = ()
    """One of them is in `epcList` or `childEPCs`."""
    ids: tuple[str, ...] = ()
    occurred_us: tuple[int, int] | None = None
    received_us: tuple[int, int] | None = None


class Captured:
    def __init__(
        self,
        views: Views,
        *,
        log: EventLog,
        clock: Clock,
        entropy: Entropy,
        secret: bytes,
        partitions: int,
        settings: ViewsSettings,
    ) -> None:
        """`secret`: 32 bytes, for cursors."""
        self._views = views
        self._log = log
        self._clock = clock
        self._entropy = entropy
        self._box = Box(secret, b"customs-hub-epcis/1")
        self._partitions = partitions
        self._settings = settings

    async def page(
        self, publisher: str, asked: Asked, *, cursor: str | None, limit: int
    ) -> tuple[list[Event], str | None] | Refusal:
        """The next events, newest first, and where to go on. `CURSOR_INVALID`: not of this caller and question."""
        question = sha256(f"{publisher}\x1f".encode() + msgspec.json.encode(asked)).digest()[:16]
        after = None if cursor is None else self._opened(cursor, question)
        if cursor is not None and after is None:
            return Refusal("CURSOR_INVALID")
        query = Query(publisher=publisher, occurred_us=asked.occurred_us, received_us=asked.received_us)
        found: list[Event] = []
        left, room = self._settings.looked_at_max, self._settings.page_bytes_max
        while left > 0 and room > 0:
            wanted = replace(query, after=after)
            page = await self._views.events(wanted, limit=min(AT_ONCE, left), looked_at_max=left, bytes_max=room)
            for known, place in zip(page.events, page.places, strict=True):
                if (event := _fitting(known, asked)) is not None:
                    found.append(event)
                    room -= len(known.value)
                    if len(found) == limit:
                        return found, self._sealed(place, question)
            if page.next is None:
                return found, None
            after, left = page.next, left - page.looked_at
        return found, self._sealed(after, question) if after is not None else None

    async def versions(self, publisher: str, source: str, id: str) -> list[Event]:  # noqa: A002
        """One event with what took it back, newest first; one that was sent just now is waited for."""
        if not (found := await self._versions(publisher, source, id)):
            place = (partition_of(publisher, source, self._partitions),)
            await until_known(self._views, log=self._log, clock=self._clock, partitions=place)
            found = await self._versions(publisher, source, id)
        return found

    async def _versions(self, publisher: str, source: str, id: str) -> list[Event]:  # noqa: A002
        series = [identity_key(publisher, source, id, None)]
        room = self._settings.page_bytes_max
        known = await self._views.versions(series, each_max=VERSIONS_MAX, bytes_max=room)
        return [event for each in known if (event := _fitting(each, Asked())) is not None]

    def _sealed(self, place: Place, question: bytes) -> str:
        return self._box.seal(_PLACE.pack(question, *place), self._entropy.bytes(NONCE_BYTES))

    def _opened(self, cursor: str, question: bytes) -> Place | None:
        content = self._box.open(cursor)
        if content is None or len(content) != _PLACE.size:
            return None
        asked, received_us, number = _PLACE.unpack(content)
        return Place(received_us, number) if asked == question else None


def word(value: object) -> str:
    """The bare word of a value of the CBV: `shipping` of its URN or URI too; anything else as it is."""
    text = value if isinstance(value, str) else ""
    if text.startswith("urn:epcglobal:cbv:"):
        return text.rpartition(":")[2]
    if text.startswith("https://ref.gs1.org/cbv/"):
        return text.rpartition("-")[2]
    return text


def _fitting(known: KnownEvent, asked: Asked) -> Event | None:
    """The canonical event, if it came as EPCIS and is one of those asked for."""
    event: dict[str, Any] = orjson.loads(known.value)
    sent = event["data"].get("extensions", {}).get("epcis")
    if not isinstance(sent, dict):
        return None
    fits = (
        (not asked.ids or event["id"] in asked.ids)
        and (not asked.types or sent.get("type") in asked.types)
        and (not asked.actions or sent.get("action") in asked.actions)
        and (not asked.steps or word(sent.get("bizStep")) in asked.steps)
        and (not asked.dispositions or word(sent.get("disposition")) in asked.dispositions)
        and (not asked.epcs or not _epcs(sent).isdisjoint(map(identifier_of, asked.epcs)))
    )
    return event if fits else None


def _epcs(sent: Event) -> set[tuple[str, str]]:
    lists: Sequence[object] = (sent.get("epcList"), sent.get("childEPCs"))
    return {identifier_of(epc) for each in lists if isinstance(each, list) for epc in each if isinstance(epc, str)}
