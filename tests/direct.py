"""Reading from Kafka itself, for tests: who granted it, and what a recipient then holds."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from hub.core.feed import Way
from hub.core.proposal import Proposal
from hub.operate.follow import LiveRegistry
from hub.trust.sealed_password import seal_password

PASSWORD = "chp_0123456789ABCDEFGHJKMNPQRS"  # As long as one that is made by chance.


async def open_to_kafka(live: LiveRegistry, feed: str, **changes: Any) -> None:
    """Add Kafka to the ways of a feed, and let every agreement behind it allow that."""
    known = live.snapshot.feeds.get(feed)
    assert known is not None
    agreements = live.snapshot.agreements_for(known.recipient, known.purpose)
    opened = (
        replace(known, ways=(*known.ways, Way.KAFKA), version=known.version + 1, **changes),
        *(replace(each, direct=True) for each in agreements),
    )
    await live.write(Proposal(live.snapshot.revision, opened, "test", "test", ""))


def sealed_for(told: dict[str, Any], password: str = PASSWORD) -> dict[str, str]:
    """What a grant or rotation asks for, by what `kafka-access.next` told."""
    return {"user": told["user"], "sealed": seal_password(password, told["user"], told["key"])}
