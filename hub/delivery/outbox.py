"""What one endpoint has to be sent: messages whose records are fixed, and the place up to which the feed was looked at.

A message that fails waits for its next attempt; in an ordered outbox it holds back the records of its source, of which
only the first is remembered: when the message is done they are searched for from there. So what is kept is bounded by
the number of messages, however long one of them fails.

What a message holds must be kept before its first attempt, that it was given up before it is buried. That it is done,
or failed once more, may be kept later: who begins again from what was kept repeats it under the same id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from hub.core.endpoint import Endpoint, Mode
from hub.trust.cursor import Place

LADDER_SECONDS = (5, 30, 300, 1_800, 7_200, 21_600, 43_200, 86_400)
"""Between attempts; the last goes on."""
GIVEN_UP_SECONDS = 72 * 3_600
"""After the first attempt."""
RETRY_AFTER_SECONDS_MAX = 6 * 3_600
_NOWHERE = -1


class Found(Struct, frozen=True, gc=False):
    """A record of the feed that is to be sent."""

    partition: int
    offset: int
    """In the feed's stream."""
    source_offset: int
    received_us: int
    source: str
    """By which it is ordered; empty where it is not."""
    size: int


Key = tuple[int, str, tuple[int, ...], tuple[Place, ...]]


class Message(Struct, frozen=True, array_like=True):
    source: str
    """Whose records it holds; empty where there is no order."""
    partition: int
    offsets: tuple[int, ...]
    """Of the feed's stream. None: it is a notification, or a search."""
    marks: tuple[int, int]
    """Of the reader rule, before its first record and behind its last one."""
    oldest_us: int
    behind: int = _NOWHERE
    """From which offset on later records of its source may be; −1: there are none."""
    attempts: int = 0
    since_us: int = 0
    """When it was attempted first."""
    next_us: int = 0
    """When it is attempted next; 0: at once."""
    before: tuple[Place, ...] = ()
    """Of a notification: from where there is something."""
    source_offsets: tuple[int, ...] = ()
    """Of the events that its records show."""
    lost: tuple[int, ...] = ()
    """Of the offsets: the log has let go of them before they were sent, and they are dead letters."""
    why: str = ""
    """It was given up, and is to become a dead letter; empty: it was not."""
    size: int = 0
    """Bytes of its records."""

    @property
    def is_search(self) -> bool:
        """Its records are still to be found."""
        return not self.offsets and not self.before

    @property
    def key(self) -> Key:
        return self.partition, self.source, self.offsets[:1], self.before

    def meant(self, endpoint: str, generation: int) -> bytes:
        """What its id follows from: the same at every attempt, and of no other message."""
        return msgspec.msgpack.encode([endpoint, generation, self.partition, self.offsets, self.before])

    def begins(self) -> Sequence[Place]:
        """Where what it stands for begins."""
        first = self.offsets[0] if self.offsets else self.behind
        return self.before or (Place(self.partition, self.marks[0], first),)


class _Book(Struct, frozen=True, array_like=True):
    """An outbox as it is kept over a crash."""

    generation: int
    places: tuple[Place, ...]
    messages: tuple[Message, ...]
    failing_since_us: int


class Outbox:
    """`places`: up to where the feed was looked at; `failing_since_us`: the first failure after the last success."""

    def __init__(self, generation: int, places: tuple[Place, ...]) -> None:
        self.generation = generation
        self.places = places
        self.failing_since_us = 0
        self.messages: dict[Key, Message] = {}
        self.is_changed = False
        """Since it was kept."""
        self.is_owed = False
        """It must be kept before anything more of it is begun."""

    @classmethod
    def decode(cls, content: bytes, generation: int, partitions: int) -> Outbox | None:
        """None: it is of another log."""
        book = msgspec.msgpack.decode(content, type=_Book)
        if book.generation != generation or [place.partition for place in book.places] != list(range(partitions)):
            return None
        outbox = cls(generation, book.places)
        outbox.failing_since_us = book.failing_since_us
        outbox.messages = {message.key: message for message in book.messages}
        return outbox

    def kept(self) -> None:
        """As it is now."""
        self.is_changed = self.is_owed = False

    def encoded(self) -> bytes:
        return msgspec.msgpack.encode(
            _Book(self.generation, self.places, tuple(self.messages.values()), self.failing_since_us)
        )

    def begin_again(self) -> None:
        """Look at the feed from the earliest record on that is kept, with the marks as they are."""
        self.places = tuple(Place(place.partition, place.mark, 0) for place in self.places)
        self.is_changed = self.is_owed = True

    def delivered_up_to(self) -> tuple[Place, ...]:
        """Everything before it is done with."""
        places = {place.partition: place for place in self.places}
        for begin in (begin for message in self.messages.values() for begin in message.begins()):
            there = places[begin.partition]
            low = Place(begin.partition, min(begin.mark, there.mark), min(begin.offset, there.offset))
            places[begin.partition] = low
        return tuple(places[place.partition] for place in self.places)

    def plan(self, found: Sequence[Found], places: tuple[Place, ...], endpoint: Endpoint) -> None:
        """Take up what was found on the way to `places`."""
        if endpoint.mode is Mode.THIN and found:
            oldest_us = min(each.received_us for each in found)
            self._owe(Message("", 0, (), (_NOWHERE, _NOWHERE), oldest_us, before=self.places))
        elif endpoint.ordered:
            first: dict[tuple[int, str], int] = {}
            for each in found:
                first.setdefault((each.partition, each.source), each.offset)
            for message in list(self.messages.values()):
                later = first.get((message.partition, message.source))
                if message.behind == _NOWHERE and later is not None:
                    self._put(replace(message, behind=later))
            waiting = {(each.partition, each.source) for each in self.messages.values()}
            found = [each for each in found if (each.partition, each.source) not in waiting]
        if endpoint.mode is not Mode.THIN:
            for message in _messages(found, endpoint):
                self._owe(message)
        self.is_changed = self.is_changed or places != self.places
        self.places = places

    def done(self, key: Key) -> None:
        """It was taken, given up, or nothing of it may be sent any more."""
        message = self.messages.pop(key)
        self.is_changed = True
        if message.behind != _NOWHERE:
            marks = message.marks[1], message.marks[1]
            self._put(Message(message.source, message.partition, (), marks, message.oldest_us, message.behind))

    def lost(self, key: Key, offsets: Iterable[int]) -> None:
        """These records are dead letters; the others are sent still."""
        message = self.messages[key]
        self._owe(replace(message, lost=(*message.lost, *offsets)))

    def give_up(self, key: Key, why: str) -> None:
        self._owe(replace(self.messages[key], why=why, next_us=0))

    def rest(self, key: Key, until_us: int) -> None:
        """Nothing is begun with it before."""
        self._put(replace(self.messages[key], next_us=until_us))

    def searched(self, key: Key, found: Sequence[Found], up_to: int, endpoint: Endpoint) -> None:
        """The search found these records of its source, and looked no further than `up_to`."""
        message = self.messages.pop(key)
        self.is_changed = True
        later = up_to if up_to < self.places[message.partition].offset else _NOWHERE
        for made in _messages(found, endpoint):
            self._owe(replace(made, behind=later if made.behind == _NOWHERE else made.behind))
        if not found and later != _NOWHERE:
            self._put(replace(message, behind=later))

    def failed(self, key: Key, began_us: int, now_us: int, *, retry_after: int | None, chance: float) -> bool:
        """An attempt was made in vain: wait for the next one; False: it is to be given up. `chance`: 0 to 1."""
        message = self.messages[key]
        message = replace(message, attempts=message.attempts + 1, since_us=message.since_us or began_us)
        step = LADDER_SECONDS[min(message.attempts, len(LADDER_SECONDS)) - 1]
        seconds = max(step * (1 + chance / 10), min(retry_after or 0, RETRY_AFTER_SECONDS_MAX))
        last_us = message.since_us + GIVEN_UP_SECONDS * 1_000_000
        self._put(replace(message, next_us=min(now_us + round(seconds * 1e6), last_us)))
        return now_us < last_us

    def hurry(self) -> None:
        """Whatever waits for its next attempt is attempted at once: what was in the way has gone."""
        for message in list(self.messages.values()):
            self._put(replace(message, next_us=0))

    def _owe(self, message: Message) -> None:
        self._put(message)
        self.is_owed = True

    def _put(self, message: Message) -> None:
        self.messages[message.key] = message
        self.is_changed = True


def failing_since_us(content: bytes) -> int:
    """Of an outbox as it is kept, of whatever log; 0: what was tried last was taken, or nothing was."""
    return msgspec.msgpack.decode(content, type=_Book).failing_since_us


def _messages(found: Sequence[Found], endpoint: Endpoint) -> Iterator[Message]:
    """Messages of the records: one of each source where they are ordered, else as many as it takes."""
    records_max = endpoint.batch_records if endpoint.mode is Mode.BATCH else 1
    groups: dict[tuple[int, str], list[Found]] = {}
    for each in found:
        groups.setdefault((each.partition, each.source), []).append(each)
    for group in groups.values():
        while group:
            count = _fitting(group, records_max, endpoint.batch_bytes)
            behind = group[count].offset if endpoint.ordered and count < len(group) else _NOWHERE
            yield _message(group[:count], behind)
            group = [] if endpoint.ordered else group[count:]


def _fitting(group: Sequence[Found], records_max: int, bytes_max: int) -> int:
    """How many of them make one message; one at least."""
    size = 0
    for count, each in enumerate(group[:records_max]):
        size += each.size
        if count and size > bytes_max:
            return count
    return min(len(group), records_max)


def _message(records: Sequence[Found], behind: int) -> Message:
    first, last = records[0], records[-1]
    marks = first.source_offset - 1, last.source_offset
    oldest_us = min(each.received_us for each in records)
    return Message(
        first.source,
        first.partition,
        tuple(each.offset for each in records),
        marks,
        oldest_us,
        behind,
        source_offsets=tuple(each.source_offset for each in records),
        size=sum(each.size for each in records),
    )
