"""Replays: the past of a feed, read again in a session of its own (`schemas/formats/replay.md`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum

import msgspec
from msgspec import Struct

from hub.core.event import Event
from hub.core.feed import Lane
from hub.core.record import Position
from schemas.headers import FeedHeader

Run = tuple[int, int]
"""The first offset, and the one behind the last."""


class Asked(StrEnum):
    """What a session was asked for by."""

    TIME = "time"
    CURSOR = "cursor"
    MISSING = "missing"
    FAILED = "failed"
    STAMPS = "stamps"


class Track(Struct, frozen=True, array_like=True):
    """What a session reads of one partition: ascending runs of offsets of `hub.events`, at least one."""

    generation: int
    partition: int
    runs: tuple[Run, ...]

    @property
    def first(self) -> int:
        return self.runs[0][0]

    @property
    def end(self) -> int:
        return self.runs[-1][1]

    def run_at(self, offset: int) -> Run | None:
        """What is left of the first run that has anything from `offset` on."""
        return next(((max(first, offset), end) for first, end in self.runs if end > offset), None)


class Replay(Struct, frozen=True, array_like=True):
    """An open session. Moments in microseconds since 1970 where they are of events, else in seconds."""

    id: str
    feed: str
    recipient: str
    lane: Lane | None
    """None: both, as one stream."""
    asked: Asked
    tracks: tuple[Track, ...]
    from_us: int
    to_us: int
    """Exclusive."""
    known_us: int
    """Nothing is shown that came later."""
    begun: int
    expires: int
    by: str
    """The system, or the operator, who began it."""

    def means(self, received_us: int) -> bool:
        """Whether it asks for what was received then."""
        return self.from_us <= received_us < self.to_us and received_us <= self.known_us


class Given(Struct, frozen=True):
    """A record as the feed shows it, and the stamp that it has there."""

    stamp: FeedHeader
    lane: Lane
    value: bytes


FOR_EVER_US = 1 << 62
_sessions = msgspec.msgpack.Decoder(tuple[Replay, ...])


def read_sessions(content: bytes) -> tuple[Replay, ...]:
    return _sessions.decode(content)


def write_sessions(sessions: Sequence[Replay]) -> bytes:
    return msgspec.msgpack.encode(sessions)


def tracks_of(positions: Sequence[Position]) -> tuple[Track, ...]:
    """Exactly these, in whatever order they come."""
    offsets: dict[tuple[int, int], set[int]] = {}
    for position in positions:
        offsets.setdefault((position.generation, position.partition), set()).add(position.offset)
    return tuple(Track(*place, tuple(_runs(sorted(those)))) for place, those in sorted(offsets.items()))


def _runs(offsets: Sequence[int]) -> Iterator[Run]:
    first = end = offsets[0]
    for offset in offsets:
        if offset > end:
            yield first, end
            first = offset
        end = offset + 1
    yield first, end


Erased = Callable[[Event], bool]
"""Whether an event was erased: it can be shown to nobody any more."""


def nothing_erased(_: Event) -> bool:
    return False
