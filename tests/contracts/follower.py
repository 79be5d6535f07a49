"""Follows a log until it is killed and says how far it came: `python -m tests.contracts.follower GROUND DIRECTORY`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.contracts.views_grounds import VIEWS_GROUNDS, follow, known


async def main(ground: str, directory: Path) -> None:
    async with VIEWS_GROUNDS[ground](directory) as views:
        for offset in range(0, 1_000_000, 3):
            await follow(views, *(known(n) for n in range(offset, offset + 3)))
            print(offset + 3, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
