"""Appends until it is killed and says what was acknowledged: `python -m tests.contracts.appender GROUND DIRECTORY`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from hub.core.record import LogRecord, Stream
from tests.contracts.grounds import LOG_GROUNDS

STREAM = "killed"
BATCH_RECORDS = 5


def record(number: int) -> LogRecord:
    """The record that belongs at this offset."""
    return LogRecord(b"key", b"header", b"%d" % number)


async def main(ground: str, directory: Path) -> None:
    async with LOG_GROUNDS[ground](directory).open() as log:
        await log.declare(Stream(STREAM, 1))
        number = 0
        while True:
            batch = [record(number + i) for i in range(BATCH_RECORDS)]
            first = await log.append(STREAM, 0, batch)
            assert first == number
            number += BATCH_RECORDS
            print(number, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
