"""Who was given what: one entry for each time that events left the hub, or came nearer to it (`formats/access.md`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

import msgspec
from msgspec import Struct
from msgspec.structs import replace

BLOCK_OFFSETS = 1_024
"""An entry lies within one block of offsets, so that those about an event are found by its block."""


class Step(StrEnum):
    PUBLISHED = "published"
    """It is in a feed whose topic the recipient reads by itself."""
    DELIVERED = "delivered"
    PROCESSED = "processed"
    """Acknowledged: everything up to the mark, the last of its offsets."""
    REPLAYED = "replayed"
    LOOKED_UP = "looked_up"
    VIEWED = "viewed"
    """A copy of a document was opened."""
    COUNTED = "counted"
    """It counted in a figure that was told, and nothing else of it was."""


class Access(Struct, frozen=True, omit_defaults=True):
    """One recipient was given some events of one partition, all shown by the same agreements and revision."""

    step: Step
    time_us: int
    """Microseconds since 1970, before the bytes leave; 0: when it is written."""
    recipient: str
    purpose: str
    feed: str
    lane: str
    way: str
    """pull, sse, webhook, kafka, replay, view or count."""
    reader: str
    """The system, endpoint or Kafka principal that asked."""
    credential: str
    """By which it proved itself; empty where there was none."""
    agreements: tuple[str, ...]
    revision: int
    """Of the registry, which decided what was shown: the fields follow from the agreements' versions at it."""
    generation: int
    partition: int
    runs: bytes
    """Offsets in `hub.events`: MessagePack `[[first, count], …]`, ascending."""
    signature: str = ""
    """PROCESSED: the recipient's JWS over its acknowledgement (`formats/ack.md`)."""
    restriction: str = ""
    """The lawful restrictions under which the company is not told who it was, separated by spaces; empty: none."""


Runs = list[tuple[int, int]]
"""First offset and count, ascending."""
_decoder = msgspec.msgpack.Decoder(Runs)


def runs_of(offsets: Iterable[int]) -> bytes:
    """Offsets in any order as `Access.runs`; each counts once."""
    runs: list[list[int]] = []
    for offset in sorted(set(offsets)):
        if runs and runs[-1][0] + runs[-1][1] == offset:
            runs[-1][1] += 1
        else:
            runs.append([offset, 1])
    return msgspec.msgpack.encode(runs)


def runs_between(first: int, end: int) -> bytes:
    """All offsets from `first` on and below `end`, of which there is one at least."""
    return msgspec.msgpack.encode([(first, end - first)])


def run_list(runs: bytes) -> Runs:
    """Raises `msgspec.DecodeError` for what are no runs."""
    return _decoder.decode(runs)


def offsets_of(runs: bytes) -> Iterator[int]:
    """Ascending. Raises `msgspec.DecodeError`."""
    for first, count in run_list(runs):
        yield from range(first, first + count)


def holds(runs: bytes, offset: int) -> bool:
    return any(first <= offset < first + count for first, count in run_list(runs))


def mark_of(access: Access) -> int:
    """The last of its offsets; -1: it has none."""
    runs = run_list(access.runs)
    return sum(runs[-1]) - 1 if runs else -1


def block_of(access: Access) -> int:
    """Where `pieces` left it. An acknowledgement is about no block: it means everything up to its mark."""
    runs = run_list(access.runs)
    return -1 if access.step is Step.PROCESSED or not runs else runs[0][0] // BLOCK_OFFSETS


def lanes_of(entries: Iterable[Access]) -> Sequence[tuple[str, str, str]]:
    """Recipient, feed and lane of each that is of a feed, each once."""
    return list(dict.fromkeys((each.recipient, each.feed, each.lane) for each in entries if each.feed))


def pieces(access: Access) -> Iterator[Access]:
    """The same in entries that lie within a block each; an acknowledgement stays whole."""
    runs = run_list(access.runs)
    ends_at_once = not runs or runs[0][0] // BLOCK_OFFSETS == (sum(runs[-1]) - 1) // BLOCK_OFFSETS
    if ends_at_once or access.step is Step.PROCESSED:
        yield access
        return
    for part in by_block(offsets_of(access.runs)).values():
        yield replace(access, runs=runs_of(part))


def by_block(offsets: Iterable[int]) -> dict[int, list[int]]:
    """Offsets by the number of their block."""
    blocks: defaultdict[int, list[int]] = defaultdict(list)
    for offset in offsets:
        blocks[offset // BLOCK_OFFSETS].append(offset)
    return blocks
