"""Feeds: what one recipient receives for one purpose, filtered; never without an agreement behind it."""

from __future__ import annotations

from msgspec.structs import replace

from hub.core.agreement import Agreement, Purpose, type_matches
from hub.core.feed import Feed, FeedStart
from hub.core.filter import ARRAY_INDEX_MAX, EventSchemas, is_empty
from hub.core.operator import AGREEMENTS, ANYONE, Effect
from hub.core.pointer import array_index, tokens
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.agreements import authority
from hub.operate.checks import Checks


class AddFeed(Request, frozen=True, kw_only=True):
    name: str
    recipient: str
    purpose: str
    types: tuple[str, ...] = ("*",)
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Pointers into the event, each with the values that let it through."""
    start: str = FeedStart.EARLIEST.value


class EndFeed(Request, frozen=True, kw_only=True):
    name: str


def add_feed(request: AddFeed, basis: Basis, checks: Checks) -> Changes:
    recipient = authority("/recipient", request.recipient, basis, checks)
    _check_where(request.where, checks)
    feed = Feed(
        name=checks.new("/name", request.name, basis.snapshot.feeds),
        recipient=request.recipient,
        purpose=checks.choice("/purpose", request.purpose, Purpose),
        types=checks.types("/types", request.types, basis.event_types),
        where=request.where,
        start=checks.choice("/start", request.start, FeedStart),
    )
    if checks.faults or recipient is None:
        return ()
    if is_empty(feed, basis.event_types):
        checks.fault("ACT_FILTER_EMPTY", "/where", f"{len(feed.where)} conditions", "a filter that some event can pass")
    _check_agreements(feed, basis, checks)
    return (feed,)


def end_feed(request: EndFeed, basis: Basis, checks: Checks) -> Changes:
    feed = checks.known("/name", request.name, basis.snapshot.feeds)
    return () if feed is None or feed.ended else (ended_feed(feed),)


def ended_feed(feed: Feed) -> Feed:
    return replace(feed, ended=True, version=feed.version + 1)


def share_a_type(feed: Feed, agreement: Agreement, event_types: EventSchemas) -> bool:
    """Whether the feed asks for any type that the agreement covers."""
    return any(_asks_for(feed, name) and agreement.covers_type(name) for name in event_types)


def _check_where(where: tuple[tuple[str, tuple[str, ...]], ...], checks: Checks) -> None:
    checks.some("/where", where, least=0)
    for index, (pointer, values) in enumerate(where):
        checks.pointer(f"/where/{index}/0", pointer)
        checks.some(f"/where/{index}/1", values)
        if any((array_index(token) or 0) > ARRAY_INDEX_MAX for token in tokens(pointer)):
            checks.invalid(f"/where/{index}/0", pointer, f"array positions up to {ARRAY_INDEX_MAX}")


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
    "feed.add": Act(AddFeed, add_feed, Effect.STARTS, AGREEMENTS),
    "feed.end": Act(EndFeed, end_feed, Effect.STOPS, ANYONE),
}
