"""How long a recipient may keep what it is shown, and whether it may still be given: by what is true now."""

from __future__ import annotations

import math
from collections.abc import Iterable

from hub.core.agreement import Agreement, AgreementState, patterns_meet
from hub.core.feed import Way
from hub.core.registry import Snapshot
from schemas.headers import FeedHeader

DAY_SECONDS = 86_400
_MICROSECONDS = 1_000_000


def oldest_kept(agreement: Agreement, now: int) -> int:
    """From which moment on what was received may still be kept by the recipient at `now`; seconds since 1970."""
    days = agreement.retention_days
    return 0 if days is None else now - days * DAY_SECONDS


def oldest_archived(agreement: Agreement, now: int) -> int:
    """From which moment on it asks for what was received to be kept, and lets its recipient keep it."""
    return max(now - agreement.archive_days * DAY_SECONDS, oldest_kept(agreement, now))


def kept_seconds(name: str, snapshot: Snapshot, most: int) -> int:
    """How long a feed's records are kept: `most`, or less where no agreement behind it lets its recipient keep them so
    long. Brokers show a topic as a whole: of a feed that is read from Kafka itself, no longer than each lets it.
    """
    feed = snapshot.feeds.get(name)
    if feed is None:
        return most
    days = [
        math.inf if each.retention_days is None else each.retention_days
        for each in snapshot.agreements_for(feed.recipient, feed.purpose)
        if each.state not in (AgreementState.PROPOSED, AgreementState.ENDED) and patterns_meet(each.types, feed.types)
    ]
    permitted = min if Way.KAFKA in feed.ways else max
    return int(min(most, permitted(days) * DAY_SECONDS)) if days else most


def stand(names: Iterable[str], received_us: int, snapshot: Snapshot, now: int) -> bool:
    """Whether all agreements that something shown rests on still let it be given at `now` (seconds since 1970).

    Only their ends are asked for, and how long it may be kept: from when on an agreement shows records is a matter of
    when they were received.
    """
    agreements = map(snapshot.agreements.get, names)
    return all(
        each is not None
        and each.holds
        and (each.valid_to is None or now < each.valid_to)
        and oldest_kept(each, now) * _MICROSECONDS <= received_us
        for each in agreements
    )


def may_leave(stamp: FeedHeader, snapshot: Snapshot, now: int) -> bool:
    """Whether a record of a feed may be given to its readers at `now` (seconds since 1970).

    What was decided before an agreement was suspended, and lay in the feed then, comes no more once that is resumed:
    for nobody, whether they read meanwhile or not. A replay brings it.
    """
    return all(snapshot.resumed.get(name, 0) <= stamp.revision for name in stamp.agreements) and stand(
        stamp.agreements, stamp.received_us, snapshot, now
    )
