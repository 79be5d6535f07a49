"""Feeds: what one recipient receives for one purpose, filtered; never without an agreement behind it."""

from __future__ import annotations

from msgspec.structs import replace

from hub.core.agreement import Agreement, Purpose, type_matches
from hub.core.feed import Feed, FeedStart, Way
from hub.core.filter import EventSchemas, widens
from hub.core.operator import AGREEMENTS, ANYONE, Effect
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.agreements import authority
from hub.operate.checks import Checks
from hub.operate.filters import check_filter

WAYS = (Way.PULL.value, Way.SSE.value)


class AddFeed(Request, frozen=True, kw_only=True):
    name: str
    recipient: str
    purpose: str
    types: tuple[str, ...] = ("*",)
    filter: str = ""
    start: str = FeedStart.EARLIEST.value
    urgent: tuple[str, ...] = ()
    """Event types of the urgent lane."""
    ways: tuple[str, ...] = WAYS


class ChangeFeed(Request, frozen=True, kw_only=True):
    """What is left out stays as it is."""

    name: str
    types: tuple[str, ...] | None = None
    filter: str | None = None
    urgent: tuple[str, ...] | None = None
    ways: tuple[str, ...] | None = None


class EndFeed(Request, frozen=True, kw_only=True):
    name: str


def add_feed(request: AddFeed, basis: Basis, checks: Checks) -> Changes:
    """A feed, decided by its first version from the next revision on."""
    recipient = authority("/recipient", request.recipient, basis, checks)
    feed = Feed(
        name=checks.new("/name", request.name, basis.snapshot.feeds),
        recipient=request.recipient,
        purpose=checks.choice("/purpose", request.purpose, Purpose),
        types=checks.types("/types", request.types, basis.event_types),
        filter=request.filter.strip(),
        start=checks.choice("/start", request.start, FeedStart),
        urgent=_urgent(request.urgent, basis, checks),
        ways=_ways(request.ways, basis, checks),
        since=basis.now,
    )
    check_filter(feed, basis, checks)
    if not checks.faults and recipient is not None:
        _check_agreements(feed, basis, checks)
    return (feed,)


def change_feed(request: ChangeFeed, basis: Basis, checks: Checks) -> Changes:
    """The next version, which decides what is stamped from the next revision on."""
    old = checks.known("/name", request.name, basis.snapshot.feeds)
    if old is None:
        return ()
    if old.ended:
        checks.invalid("/name", request.name, "a feed that has not ended")
    feed = replace(
        old,
        types=old.types if request.types is None else checks.types("/types", request.types, basis.event_types),
        filter=old.filter if request.filter is None else request.filter.strip(),
        urgent=old.urgent if request.urgent is None else _urgent(request.urgent, basis, checks),
        ways=old.ways if request.ways is None else _ways(request.ways, basis, checks),
    )
    if feed == old:
        return ()
    check_filter(feed, basis, checks)
    if not checks.faults:
        _check_agreements(feed, basis, checks)
    return (replace(feed, version=old.version + 1, since=basis.now),)


def end_feed(request: EndFeed, basis: Basis, checks: Checks) -> Changes:
    feed = checks.known("/name", request.name, basis.snapshot.feeds)
    return () if feed is None or feed.ended else (ended_feed(feed),)


def ended_feed(feed: Feed) -> Feed:
    return replace(feed, ended=True, version=feed.version + 1)


def share_a_type(feed: Feed, agreement: Agreement, event_types: EventSchemas) -> bool:
    """Whether the feed asks for any type that the agreement covers."""
    return any(_asks_for(feed, name) and agreement.covers_type(name) for name in event_types)


def _lets_more_through(before: Feed, after: Feed) -> bool:
    """Whether it may bring anything that it did not, or bring it another way.

    One that is no longer read from Kafka itself brings also what agreements keep from being read so.
    """
    new = [pattern for pattern in after.types if not any(_includes(each, pattern) for each in before.types)]
    other_ways = not set(after.ways) <= set(before.ways) or (Way.KAFKA in before.ways and Way.KAFKA not in after.ways)
    return bool(new) or other_ways or widens(before.filter, after.filter)


def _includes(pattern: str, other: str) -> bool:
    """Whether a pattern of types means all that another one does."""
    return pattern == other or (other != "*" and type_matches(pattern, other))


def _urgent(types: tuple[str, ...], basis: Basis, checks: Checks) -> tuple[str, ...]:
    return checks.types("/urgent", types, basis.event_types) if types else ()


def _ways(ways: tuple[str, ...], basis: Basis, checks: Checks) -> tuple[Way, ...]:
    checks.some("/ways", ways)
    if Way.KAFKA in ways and not any(basis.listeners.addresses.values()):
        expected = "a listener for recipients: `kafka.recipients_scram` or `kafka.recipients_mtls`"
        checks.invalid(f"/ways/{ways.index(Way.KAFKA)}", Way.KAFKA, expected)
    return tuple(dict.fromkeys(checks.choice(f"/ways/{index}", way, Way) for index, way in enumerate(ways)))


def _check_agreements(feed: Feed, basis: Basis, checks: Checks) -> None:
    """At least one agreement that still holds, or will, for this recipient and purpose, must share a type with it."""
    agreements = [
        agreement
        for agreement in basis.snapshot.agreements_for(feed.recipient, feed.purpose)
        if agreement.holds and (agreement.valid_to is None or basis.now < agreement.valid_to)
    ]
    if not agreements:
        found = f"none for {feed.recipient} and {feed.purpose}"
        checks.fault(
            "ACT_AGREEMENT_MISSING", "/recipient", found, f"an agreement with {feed.recipient}, {feed.purpose}"
        )
    elif not any(share_a_type(feed, agreement, basis.event_types) for agreement in agreements):
        covered = ", ".join(dict.fromkeys(pattern for agreement in agreements for pattern in agreement.types))
        checks.fault("ACT_AGREEMENT_MISSING", "/types", ", ".join(feed.types), f"a type agreed on: {covered}")


def _asks_for(feed: Feed, event_type: str) -> bool:
    return any(type_matches(pattern, event_type) for pattern in feed.types)


ACTS = {
    "feed.add": Act(AddFeed, add_feed, Effect.STARTS, AGREEMENTS, is_large=True),
    "feed.change": Act(ChangeFeed, change_feed, Effect.KEEPS, AGREEMENTS, is_large=True, starts=_lets_more_through),
    "feed.end": Act(EndFeed, end_feed, Effect.STOPS, ANYONE),
}
