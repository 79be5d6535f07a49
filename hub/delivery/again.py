"""A record whose delivery was given up, brought to its endpoint again: by the endpoint and the agreements of now."""

from __future__ import annotations

from msgspec import Struct

from hub.core.dead_letter import DeadLetter
from hub.core.endpoint import Endpoint, Mode
from hub.core.errors import Trimmed
from hub.core.feed import Feed, lane_name, stream_of
from hub.core.terms import may_leave
from hub.delivery.cursors import moved
from hub.delivery.journal import Reader, given
from hub.delivery.means import Means, opened, standing
from hub.delivery.shelf import Stamped
from hub.trust.cursor import Place
from schemas.headers import FeedHeader, unpack

GONE = "the feed does not hold it any more"
NOT_NOW = "the endpoint takes nothing now, or its feed does not go to it any more"
NOT_ALLOWED = "no agreement lets it be given any more"


class Parcel(Struct, frozen=True):
    """What would be sent, and where."""

    endpoint: Endpoint
    feed: Feed
    offset: int
    """In the feed's stream."""
    stamped: Stamped


class Again:
    def __init__(self, means: Means) -> None:
        self._means = means

    async def parcel(self, letter: DeadLetter) -> Parcel | str:
        """What a delivery would send now, or why it would not. Raises `StorageUnavailable`."""
        means, name = self._means, str(letter.said.get("endpoint", ""))
        offset = letter.said.get("offset")
        stands = standing(name, means)
        if stands is None or not means.confirmed():
            return NOT_NOW
        endpoint, feed = stands
        if not isinstance(offset, int) or letter.said.get("feed") != lane_name(feed.name, endpoint.lane):
            return GONE
        stamped = await self._read(stream_of(feed.name, endpoint.lane), letter, offset)
        if stamped is None:
            return GONE
        stamp = stamped[0]
        if not may_leave(stamp, means.snapshot(), means.now()):
            return NOT_ALLOWED
        return Parcel(endpoint, feed, offset, stamped)

    async def deliver(self, letter: DeadLetter) -> str:
        """Post it, as a message of its own; why it was not taken, or empty. Raises `StorageUnavailable`."""
        parcel = await self.parcel(letter)
        if isinstance(parcel, str):
            return parcel
        means, endpoint, feed, (stamp, value) = self._means, parcel.endpoint, parcel.feed, parcel.stamped
        reader = Reader(endpoint.id, endpoint.keys[-1].public)
        await means.pull.journal.add(given(feed, [stamp], reader, way="webhook", lane=endpoint.lane))
        name = means.letters.message_id(f"again\x1f{endpoint.id}\x1f{letter.id}".encode())
        cursor = await self._cursor(parcel)
        reply = await means.letters.send(endpoint, name, [value], cursor)
        means.observer.count("webhook_attempts", endpoint=endpoint.id, outcome="taken" if reply.taken else "failed")
        return "" if reply.taken else reply.why or f"answered {reply.status}"

    async def _cursor(self, parcel: Parcel) -> str:
        """Where the endpoint stands; of a message that only says that there is something, right before this."""
        means, endpoint, feed, stamp = self._means, parcel.endpoint, parcel.feed, parcel.stamped[0]
        first = means.cursors.first(lane_name(feed.name, endpoint.lane), feed.version, feed.recipient)
        places = (await opened(endpoint, feed, means)).delivered_up_to()
        if endpoint.mode is Mode.THIN:
            before = Place(stamp.partition, stamp.offset - 1, parcel.offset)
            places = tuple(before if each.partition == stamp.partition else each for each in places)
        return means.pull.seal(moved(first, places))

    async def _read(self, stream: str, letter: DeadLetter, offset: int) -> Stamped | None:
        position = letter.position
        async with self._means.log.reader(stream) as reader:
            try:
                records = await reader.read(position.partition, offset, records_max=1, bytes_max=1)
            except Trimmed:
                return None
        stamp = unpack(records[0].header) if records and records[0].offset == offset else None
        if not isinstance(stamp, FeedHeader):
            return None
        same = (stamp.generation, stamp.partition, stamp.offset) == (
            position.generation,
            position.partition,
            position.offset,
        )
        return (stamp, records[0].value) if same else None
