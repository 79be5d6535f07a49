"""A record whose delivery was given up, brought to its endpoint again: by the endpoint and the agreements of now."""

from __future__ import annotations

from msgspec import Struct

from hub.core.dead_letter import DeadLetter
from hub.core.endpoint import Endpoint, Mode
from hub.core.errors import Trimmed
from hub.core.feed import Way
from hub.delivery.cursors import moved
from hub.delivery.dead import position_of
from hub.delivery.journal import Reader
from hub.delivery.means import Means, opened, standing, still_allows
from hub.delivery.merge import Taken
from hub.delivery.shelf import Stamped
from hub.delivery.source import Source
from hub.trust.cursor import Place
from schemas.headers import FeedHeader, NoticeHeader, unpack

GONE = "the feed does not hold it any more"
NOT_NOW = "the endpoint takes nothing now, or its feed does not go to it any more"
NOT_ALLOWED = "no agreement lets it be given any more"


class Parcel(Struct, frozen=True):
    """What would be sent, and where."""

    endpoint: Endpoint
    source: Source
    offset: int
    """In its stream."""
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
        endpoint, source = stands
        if not isinstance(offset, int) or letter.said.get("feed") != source.name:
            return GONE
        stamped = await self._read(source.stream, letter, offset)
        if stamped is None:
            return GONE
        if not source.admits()(stamped[0]):
            return NOT_ALLOWED
        return Parcel(endpoint, source, offset, stamped)

    async def deliver(self, letter: DeadLetter) -> str:
        """Post it, as a message of its own; why it was not taken, or empty. Raises `StorageUnavailable`."""
        parcel = await self.parcel(letter)
        if isinstance(parcel, str):
            return parcel
        means, endpoint, source, (stamp, value) = self._means, parcel.endpoint, parcel.source, parcel.stamped
        taken = Taken([value], [stamp], (), None, [parcel.offset])
        try:
            seal = await means.pull.seals.anew(source.name, taken)
        except Trimmed:
            return GONE
        reader = Reader(endpoint.id, endpoint.keys[-1].public)
        await source.note([stamp], [reader], Way.WEBHOOK)
        name = means.letters.message_id(f"again\x1f{endpoint.id}\x1f{letter.id}".encode())
        cursor = await self._cursor(parcel)
        still = still_allows(endpoint.id, [stamp], means)
        reply = await means.letters.send(endpoint, name, [value], cursor, seal, still)
        if reply.withheld:
            return NOT_ALLOWED
        means.observer.count("webhook_attempts", endpoint=endpoint.id, outcome="taken" if reply.taken else "failed")
        if not reply.taken:
            return reply.why or f"answered {reply.status}"
        await source.delivered(taken, Way.WEBHOOK)
        return ""

    async def _cursor(self, parcel: Parcel) -> str:
        """Where the endpoint stands; of a message that only says that there is something, right before this."""
        means, endpoint, source, stamp = self._means, parcel.endpoint, parcel.source, parcel.stamped[0]
        places = (await opened(endpoint, source, means)).delivered_up_to()
        if endpoint.mode is Mode.THIN:
            there = next(each for each in places if each.partition == stamp.partition)
            mark = stamp.offset - 1 if stamp.offset >= 0 else there.mark
            before = Place(stamp.partition, mark, parcel.offset)
            places = tuple(before if each is there else each for each in places)
        return means.pull.seal(moved(source.first(), places))

    async def _read(self, stream: str, letter: DeadLetter, offset: int) -> Stamped | None:
        position = letter.position
        async with self._means.log.reader(stream) as reader:
            try:
                records = await reader.read(position.partition, offset, records_max=1, bytes_max=1)
            except Trimmed:
                return None
        stamp = unpack(records[0].header) if records and records[0].offset == offset else None
        if not isinstance(stamp, FeedHeader | NoticeHeader):
            return None
        same = position_of(stamp, offset, self._means.log.generation) == position
        return (stamp, records[0].value) if same else None
