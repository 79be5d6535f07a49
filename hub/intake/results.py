"""What is kept of a job's items: verdict and code of each, and faults as far as there is room for them.

An item may have a hundred faults and a document a hundred thousand items: without a bound, few bytes would fill a disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from hub.core.evidence import Item
from hub.ports.jobs import Results
from schemas.faults import Fault, capped, fault

FAULTS_PER_ITEM_MAX = 20

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Item]).decode


def results(first: int, items: Sequence[Item]) -> Results:
    """Items in a row, as they are stored."""
    return Results(first, len(items), _encode(items))


def items_of(stored: Results) -> Sequence[Item]:
    """The verdicts of a stretch; the receipts of what was accepted are in the log."""
    return _decode(stored.body)


def shortened(items: Iterable[Item], *, used: int, bytes_max: int) -> tuple[list[Item], int]:
    """The items with the faults that are kept, and how many bytes of faults the job has then, of `used` before.

    The first item whose faults find no room says so; those behind it say nothing, however small. Warnings of what was
    taken find half the room: every row may have one, and why a late row was refused is worth more.
    """
    kept = []
    for item in items:
        faults = item.refusal.faults if item.refusal else item.warnings
        room = bytes_max if item.refusal else bytes_max // 2
        if faults and used < room:
            faults = capped(list(faults), FAULTS_PER_ITEM_MAX)
            used += len(_encode(faults))
            if used > room:
                faults, used = [_no_room(room, is_refused=item.refusal is not None)], room
        elif faults:
            faults = ()
        kept.append(_with(item, faults))
    return kept, used


def _no_room(bytes_max: int, *, is_refused: bool) -> Fault:
    expected = f"at most {bytes_max} bytes of faults in one document: from here on, verdicts and codes alone"
    if not is_refused:
        expected = (
            f"at most {bytes_max} bytes of warnings in one document: from here on, faults of what is refused alone"
        )
    return fault("TOO_MANY_FAULTS", "", "more", expected)


def _with(item: Item, faults: Sequence[Fault]) -> Item:
    if item.refusal is None:
        return replace(item, warnings=faults)
    return replace(item, refusal=replace(item.refusal, faults=faults))
