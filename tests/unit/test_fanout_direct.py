"""What is read from Kafka itself is read as a whole: its streams hold nothing that may not be read so."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from hub.core.feed import Way
from hub.core.kafka_access import bars, read_since
from hub.core.terms import Agreements, Grant
from tests.faults.fanout_world import AGREEMENT, FEED
from tests.unit.test_fanout_route import Book, agreement, event

READ = replace(FEED, ways=(Way.PULL, Way.KAFKA))
DIRECT = agreement("direct", direct=True, fields=("/data/place",))


def test_a_feed_that_is_read_from_kafka_shows_what_its_direct_agreements_allow_and_nothing_of_others() -> None:
    assert Book((AGREEMENT, READ)).decide(event()) is None
    assert Book((AGREEMENT, DIRECT, READ)).decide(event()) == Grant(("/data/place",), ("direct",))
    assert Book((AGREEMENT, DIRECT, FEED)).decide(event()) == Grant(("*",), ("all-to-customs",))


def test_a_feed_that_comes_to_be_read_from_kafka_is_cut_from_that_revision_on() -> None:
    book = Book((AGREEMENT, FEED), READ)

    assert book.decide(event(revision=2)) is not None
    assert book.decide(event(revision=3)) is None


def test_what_may_be_read_from_kafka_is_looked_for_once_for_all_feeds_of_a_recipient_and_purpose() -> None:
    terms = Agreements(Book((AGREEMENT, DIRECT)).snapshot).between(FEED.recipient, FEED.purpose)

    assert (terms.fields(), terms.direct.fields()) == (("*",), DIRECT.fields)
    assert terms.direct is terms.direct


@pytest.mark.parametrize(
    ("versions", "since"),
    [([(3, READ)], 3), ([(3, FEED), (5, READ), (8, READ)], 5), ([(3, READ), (5, FEED), (8, READ)], 8)],
)
def test_a_feed_holds_what_may_be_read_so_since_it_was_read_so_without_a_break(versions: Any, since: int) -> None:
    assert read_since(versions) == since


@pytest.mark.parametrize(
    ("types", "of_feed", "expected"),
    [
        (("*",), ("customs.seal.*",), True),
        (("customs.seal.*",), ("*",), True),
        (("customs.seal.*",), ("customs.seal.broken",), True),
        (("customs.seal.broken",), ("customs.seal.*",), True),
        (("customs.seal.broken",), ("customs.seal.applied", "customs.container.*"), False),
    ],
)
def test_an_agreement_bars_a_feed_with_which_it_shares_any_type(
    types: tuple[str, ...], of_feed: tuple[str, ...], expected: bool
) -> None:
    assert bars(agreement(types=types), [replace(FEED, types=of_feed)]) == expected
    assert not bars(agreement(types=types, direct=True), [replace(FEED, types=of_feed)])
