"""Where readers stand: opened, checked, moved on and sealed again.

A cursor belongs to one feed and one recipient, whose systems share it. It carries the mark of every partition, so that
nothing is shown twice however it is used (reader rule, `schemas/formats/stamp.md`).
"""

from __future__ import annotations

from hub.core.errors import Refusal
from hub.ports.system import Clock, Entropy
from hub.trust.cursor import NONCE_BYTES, Cursor, CursorBox, Place, decode_plain, encode_plain


class Cursors:
    def __init__(
        self,
        secret: bytes,
        *,
        clock: Clock,
        entropy: Entropy,
        generation: int,
        partitions: int,
        seconds: int,
    ) -> None:
        """`secret`: 32 bytes; `seconds`: how long a cursor lives."""
        self._box = CursorBox(secret)
        self._clock = clock
        self._entropy = entropy
        self._generation = generation
        self._partitions = partitions
        self._seconds = seconds

    def first(self, feed: str, version: int, reader: str) -> Cursor:
        """The earliest record of a feed, nothing seen yet."""
        places = tuple(Place(partition, -1, 0) for partition in range(self._partitions))
        return Cursor(feed, version, self._generation, reader, places, self._expiry())

    def open(self, sealed: str, *, feed: str, reader: str) -> Cursor | Refusal:
        """`CURSOR_INVALID` if it is not this hub's, feed's and reader's own; `CURSOR_EXPIRED` with a fresh one."""
        cursor = self.marks(sealed, feed=feed, reader=reader)
        if cursor is None:
            return Refusal("CURSOR_INVALID")
        if cursor.expires <= self._now():
            return self.expired(cursor)
        return cursor

    def marks(self, sealed: str, *, feed: str, reader: str) -> Cursor | None:
        """A cursor for the marks in it, however old it is; None if it is not this hub's, feed's and reader's own."""
        cursor = self._box.open(sealed)
        if cursor is None or (cursor.feed, cursor.reader) != (feed, reader) or not self._fits(cursor):
            return None
        return cursor

    def expired(self, cursor: Cursor) -> Refusal:
        """`CURSOR_EXPIRED` with a fresh cursor: from the earliest record on, with the marks kept."""
        places = tuple(Place(place.partition, place.mark, 0) for place in cursor.places)
        return Refusal("CURSOR_EXPIRED", cursor=self.seal(moved(cursor, places)))

    def seal(self, cursor: Cursor) -> str:
        """The opaque form, good from now on for as long as cursors live."""
        fresh = _at(cursor, cursor.places, self._expiry())
        return self._box.seal(fresh, self._entropy.bytes(NONCE_BYTES))

    def plain(self, cursor: Cursor) -> bytes:
        """The form that the hub keeps."""
        return encode_plain(cursor)

    def kept(self, plain: bytes | None) -> Cursor | None:
        """A cursor that the hub kept; None if there is none for the log as it is now."""
        if plain is None:
            return None
        cursor = decode_plain(plain)
        return cursor if self._fits(cursor) else None

    def _fits(self, cursor: Cursor) -> bool:
        partitions = [place.partition for place in cursor.places]
        return cursor.generation == self._generation and partitions == list(range(self._partitions))

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000

    def _expiry(self) -> int:
        return self._now() + self._seconds


def moved(cursor: Cursor, places: tuple[Place, ...]) -> Cursor:
    return _at(cursor, places, cursor.expires)


def furthest(one: Cursor, other: Cursor) -> Cursor:
    """Of each partition the place that is further on: acknowledging never goes back."""
    pairs = zip(one.places, other.places, strict=True)
    return moved(one, tuple(Place(a.partition, max(a.mark, b.mark), max(a.offset, b.offset)) for a, b in pairs))


def _at(cursor: Cursor, places: tuple[Place, ...], expires: int) -> Cursor:
    return Cursor(cursor.feed, cursor.feed_version, cursor.generation, cursor.reader, places, expires)
