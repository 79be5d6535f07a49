"""Works on a state until it is killed and says how far it came: `python -m tests.contracts.keeper GROUND DIRECTORY`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from hub.core.record import Position
from hub.ports.first_occurrence import Occurrence
from hub.ports.positions import FeedPosition
from tests.clock import START_US
from tests.contracts.state_grounds import STATE_GROUNDS

OUTPUT = "feed"


def event(number: int) -> Occurrence:
    """The event at this offset of partition 0."""
    return Occurrence(b"%016d" % number, b"%032d" % number, Position(1, 0, number), START_US + number)


async def main(ground: str, directory: Path) -> None:
    async with STATE_GROUNDS[ground](directory).open() as state:
        lease = await state.positions.acquire(OUTPUT, "keeper", 60)
        assert lease is not None
        for number in range(1_000_000):
            await state.occurrences.judge(lease, [event(number)])
            await state.occurrences.set_mark(lease, Position(1, 0, number + 1))
            await state.positions.store(lease, OUTPUT, 1, 0, FeedPosition(number + 1, number + 1))
            print(number + 1, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
