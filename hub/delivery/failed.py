"""What of a feed was set aside and waits: the source records that a replay of what failed is made of."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from hub.core.dead_letter import FAILED, UNDELIVERED, LetterState
from hub.core.feed import Feed, Lane, lane_name
from hub.core.record import Position
from hub.ports.dead_letters import After, DeadLetters, Which

POSITIONS_MAX = 10_000
"""Of one replay, the oldest of each lane and cause first; what is behind them comes with the next one."""
PAGE_LETTERS = 100
"""They come with all that they hold."""


async def failed_in(letters: DeadLetters, feed: Feed) -> Sequence[Position]:
    """What could not be projected for the feed, or delivered to its recipient. Raises `StorageUnavailable`."""
    found: list[Position] = []
    for lane, (cause, partner) in product(Lane, ((UNDELIVERED, feed.recipient), (FAILED, None))):
        name = lane_name(feed.name, lane)
        which = Which(cause=cause, partner=partner, state=LetterState.WAITING, feed=name)
        after: After | None = None
        while len(found) < POSITIONS_MAX and (page := await letters.page(which, after=after, limit=PAGE_LETTERS)):
            found += [letter.position for letter in page]
            after = page[-1].since_us, page[-1].id
    return found[:POSITIONS_MAX]
