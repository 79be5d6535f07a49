"""What of a feed was set aside and waits: the source records that a replay of what failed is made of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from hub.core.dead_letter import FAILED, UNDELIVERED, DeadLetter, LetterState
from hub.core.feed import Feed, Lane, lane_name
from hub.core.record import Position
from hub.ports.dead_letters import After, DeadLetters, Which

POSITIONS_MAX = 10_000
"""Of one replay, the oldest first; what is behind them comes with the next one."""
PAGE_LETTERS = 500


async def failed_in(letters: DeadLetters, feed: Feed) -> Sequence[Position]:
    """What could not be projected for the feed, or delivered to its recipient. Raises `StorageUnavailable`."""
    lanes = {lane_name(feed.name, lane) for lane in Lane}
    found: list[Position] = []
    for which in (
        Which(cause=UNDELIVERED, partner=feed.recipient, state=LetterState.WAITING),
        Which(cause=FAILED, state=LetterState.WAITING),
    ):
        async for letter in _all(letters, which):
            if letter.said.get("feed") in lanes:
                found.append(letter.position)
            if len(found) >= POSITIONS_MAX:
                return found
    return found


async def _all(letters: DeadLetters, which: Which) -> AsyncIterator[DeadLetter]:
    after: After | None = None
    while page := await letters.page(which, after=after, limit=PAGE_LETTERS):
        for letter in page:
            yield letter
        after = page[-1].since_us, page[-1].id
