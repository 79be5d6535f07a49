"""What agreements let a feed see: by the stamped revision and facts, and taken away by what is true now."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from hub.core.agreement import Agreement, AgreementState, Conditions, Provider, Purpose
from hub.core.event import Event
from hub.core.fields import join, meet
from hub.core.partner import PartnerState, Role, Tier
from hub.core.record import StoredRecord
from hub.core.registry import Registered, Snapshot, Version
from hub.core.retention import stand
from hub.core.terms import Agreements, Decisions, Grant
from hub.fanout.route import route_of
from schemas.headers import EventHeader, unpack
from tests.faults.fanout_world import AGREEMENT, AUTHORITY, FEED, event_record

EVERYTHING = Grant(("*",), ("all-to-customs",))
DAY = 86_400


class Book:
    """A registry written revision by revision."""

    def __init__(self, *revisions: Registered | tuple[Registered, ...]) -> None:
        self.snapshot = Snapshot()
        self.snapshot.apply([Version(1, AUTHORITY, "test", "", 0)])
        for items in revisions:
            self.write(*(items if isinstance(items, tuple) else (items,)))

    def write(self, *items: Registered) -> None:
        revision = self.snapshot.revision + 1
        self.snapshot.apply([Version(revision, item, "test", "", 0) for item in items])

    def decide(self, header: EventHeader, feed: str = "risk", **data: Any) -> Grant | None:
        """`data`: of the event; it may be no event at all where nobody looks into it."""
        route = route_of(self.snapshot, Agreements(self.snapshot), feed)
        assert route is not None
        value = orjson.dumps({"data": data}) if data else b"no JSON"
        return route.decide(Event(header, StoredRecord(0, header.received_us, b"", b"", value)))


def event(revision: int = 2, **members: Any) -> EventHeader:
    header = unpack(event_record("a", revision=revision).header)
    assert isinstance(header, EventHeader)
    return replace(header, **members)


def agreement(name: str = "all-to-customs", **members: Any) -> Agreement:
    return replace(AGREEMENT, id=name, **members)


def test_without_an_agreement_nothing_is_seen() -> None:
    assert Book(FEED).decide(event()) is None


def test_an_agreement_lets_its_feed_see_what_it_names() -> None:
    assert Book((AGREEMENT, FEED)).decide(event()) == EVERYTHING


def test_what_is_shared_by_name_only_reaches_no_feed_under_a_wider_agreement() -> None:
    observed = event(type="customs.goods.observed")
    named = agreement("named", types=("customs.goods.observed",))

    assert Book((AGREEMENT, FEED)).decide(observed) is None
    assert Book((AGREEMENT, named, FEED)).decide(observed) == Grant(("*",), ("named",))


@pytest.mark.parametrize(
    "members",
    [
        {"purpose": Purpose.STATISTICS},
        {"recipient": "somebody-else"},
        {"types": ("customs.seal.*",)},
        {"provider": Provider(partner="borealis")},
        {"provider": Provider(tier=Tier.SMALL)},
        {"provider": Provider(role=Role.CARRIER)},
        {"provider": Provider(partner="acme", country="FR")},
    ],
    ids=str,
)
def test_an_agreement_about_something_else_lets_nothing_be_seen(members: dict[str, Any]) -> None:
    assert Book((agreement(**members), FEED)).decide(event()) is None


def test_the_stamped_facts_decide_not_the_present_ones() -> None:
    book = Book((agreement(provider=Provider(tier=Tier.AEO)), FEED))

    assert book.decide(event(facts=("aeo", "NL", (), None))) == EVERYTHING
    assert book.decide(event(facts=("small", "NL", (), None))) is None


def test_a_record_is_decided_by_the_agreements_of_its_own_revision() -> None:
    book = Book(FEED, AGREEMENT)

    assert book.decide(event(revision=2)) is None
    assert book.decide(event(revision=3)) == EVERYTHING


def test_a_feed_made_after_an_agreement_shows_what_came_before_both() -> None:
    book = Book(AGREEMENT, FEED)

    assert book.decide(event(revision=1)) == EVERYTHING


def test_an_agreement_that_has_ended_since_takes_everything_away() -> None:
    book = Book((AGREEMENT, FEED), agreement(state=AgreementState.ENDED))

    assert book.decide(event(revision=2)) is None


def test_an_agreement_that_became_narrower_takes_fields_away_and_one_that_became_wider_gives_none() -> None:
    first = agreement(fields=("/id", "/data/seal"))
    book = Book((first, FEED), replace(first, fields=("/data",)))

    assert book.decide(event(revision=2)) == Grant(("/data/seal",), ("all-to-customs",))
    assert book.decide(event(revision=3)) == Grant(("/data",), ("all-to-customs",))


def test_dates_are_compared_with_the_moment_the_event_was_received_the_end_exclusive() -> None:
    book = Book((agreement(valid_from=DAY, valid_to=2 * DAY), FEED))
    moments = [DAY * 1_000_000 - 1, DAY * 1_000_000, 2 * DAY * 1_000_000 - 1, 2 * DAY * 1_000_000]

    assert [book.decide(event(received_us=moment)) for moment in moments] == [None, EVERYTHING, EVERYTHING, None]


def test_several_agreements_allow_together_what_any_of_them_allows() -> None:
    one, other = agreement("one", fields=("/id", "/data/seal")), agreement("other", fields=("/data",), valid_from=DAY)
    book = Book((one, other, FEED))

    assert book.decide(event(received_us=DAY * 1_000_000 - 1)) == Grant(("/data/seal", "/id"), ("one",))
    assert book.decide(event(received_us=DAY * 1_000_000)) == Grant(("/data", "/id"), ("one", "other"))


def test_a_record_rests_on_no_agreement_that_gives_it_nothing() -> None:
    book = Book((agreement("narrow", fields=("/id",)), AGREEMENT, FEED))

    assert book.decide(event()) == EVERYTHING


def test_a_feed_shows_its_own_types_only() -> None:
    book = Book((AGREEMENT, replace(FEED, types=("customs.seal.*",))))

    assert book.decide(event()) is None
    assert book.decide(event(type="customs.seal.broken")) == EVERYTHING


@pytest.mark.parametrize(
    "state",
    [replace(FEED, ended=True), replace(AUTHORITY, state=PartnerState.SUSPENDED)],
    ids=["ended", "recipient suspended"],
)
def test_a_feed_that_may_not_go_on_has_no_route(state: Registered) -> None:
    book = Book((AGREEMENT, FEED), state)

    assert route_of(book.snapshot, Agreements(book.snapshot), "risk") is None


@pytest.mark.parametrize(
    ("one", "other", "both", "any_"),
    [
        (("*",), ("/id",), ("/id",), ("*",)),
        (("/data",), ("/data/seal", "/id"), ("/data/seal",), ("/data", "/id")),
        (("/data/seal",), ("/data/sealer",), (), ("/data/seal", "/data/sealer")),
        ((), ("/id",), (), ("/id",)),
    ],
)
def test_sets_of_fields_meet_and_join(
    one: tuple[str, ...], other: tuple[str, ...], both: tuple[str, ...], any_: tuple[str, ...]
) -> None:
    assert meet(one, other) == meet(other, one) == both
    assert join([one, other]) == join([other, one]) == any_


def test_what_comes_while_an_agreement_is_suspended_is_shown_to_nobody_also_later() -> None:
    book = Book((AGREEMENT, FEED), agreement(state=AgreementState.SUSPENDED))
    assert book.decide(event(revision=2)) is None

    book.write(AGREEMENT)
    assert book.decide(event(revision=2)) == EVERYTHING
    assert book.decide(event(revision=3)) is None
    assert book.decide(event(revision=4)) == EVERYTHING


def test_what_came_while_an_agreement_was_suspended_is_in_no_feed_that_is_made_later_either() -> None:
    book = Book(AGREEMENT, agreement(state=AgreementState.SUSPENDED), AGREEMENT, FEED)

    assert [book.decide(event(revision=number)) for number in range(1, 6)] == [
        EVERYTHING,
        EVERYTHING,
        None,
        EVERYTHING,
        EVERYTHING,
    ]


def test_what_came_while_one_agreement_was_suspended_is_shown_by_another_alone() -> None:
    seal = agreement("seal", fields=("/data/seal",))
    book = Book((AGREEMENT, seal), agreement(state=AgreementState.SUSPENDED), AGREEMENT, FEED)

    assert book.decide(event(revision=3)) == Grant(("/data/seal",), ("seal",))


@pytest.mark.parametrize(
    ("conditions", "data", "met"),
    [
        ({"places": ("NLRTM",)}, {"place": {"unlocode": "NLRTM"}}, True),
        ({"places": ("NL",)}, {"place_of_loading": {"unlocode": "NLRTM"}}, True),
        ({"places": ("NL",)}, {"place": {"name": "Rotterdam", "country": "NL"}}, True),
        ({"places": ("NL", "BE")}, {"place": {"unlocode": "DEHAM"}}, False),
        ({"places": ("NLRTM",)}, {"place": {"unlocode": "NLAMS"}}, False),
        ({"places": ("NL",)}, {"consignor": {"country": "NL"}}, False),
        ({"places": ("NL",)}, {"extensions": {"place": {"unlocode": "NLRTM"}}}, False),
        ({"chapters": ("93",)}, {"goods": [{"hs": "010121"}, {"hs": "930100"}]}, True),
        ({"chapters": ("93",)}, {"goods": [{"hs": "019300"}]}, False),
        ({"chapters": ("93",)}, {"goods": {"hs": "930100"}}, False),
        ({"modes": ("AIR", "ROAD")}, {"transport": {"mode": "AIR"}}, True),
        ({"modes": ("AIR",)}, {"transport": {"mode": "MARITIME"}}, False),
        ({"modes": ("AIR",)}, {"transport": "AIR"}, False),
        ({"modes": ("AIR",), "places": ("NL",)}, {"transport": {"mode": "AIR"}}, False),
        ({"modes": ("AIR",), "places": ("NL",)}, {"transport": {"mode": "AIR"}, "place": {"unlocode": "NLAMS"}}, True),
        ({"places": ("NL",)}, {"remarks": "NL"}, False),
    ],
)
def test_an_agreement_with_conditions_covers_what_says_so_itself(
    conditions: dict[str, Any], data: dict[str, Any], met: bool
) -> None:
    book = Book((agreement(conditions=Conditions(**conditions)), FEED))

    assert book.decide(event(), **data) == (EVERYTHING if met else None)


def test_conditions_hold_as_they_were_and_as_they_are_now() -> None:
    book = Book((AGREEMENT, FEED), agreement(conditions=Conditions(places=("NL",))))

    assert book.decide(event(), place={"unlocode": "NLRTM"}) == EVERYTHING
    assert book.decide(event(), place={"unlocode": "DEHAM"}) is None


def test_one_agreement_shows_what_the_conditions_of_another_leave_out() -> None:
    seal = agreement("seal", fields=("/data/seal",))
    book = Book((seal, agreement(conditions=Conditions(modes=("AIR",))), FEED))

    assert book.decide(event(), transport={"mode": "AIR"}) == EVERYTHING
    assert book.decide(event(), transport={"mode": "ROAD"}) == Grant(("/data/seal",), ("seal",))


def test_without_conditions_no_event_is_opened() -> None:
    assert Book((AGREEMENT, FEED)).decide(event()) == EVERYTHING


def test_what_is_older_than_a_recipient_may_keep_it_no_longer_stands() -> None:
    book = Book((agreement(retention_days=30), FEED))
    day_us = DAY * 1_000_000

    assert stand(("all-to-customs",), 5 * day_us, book.snapshot, 35 * DAY)
    assert not stand(("all-to-customs",), 5 * day_us - 1, book.snapshot, 35 * DAY)
    assert not stand(("all-to-customs", "unheard-of"), 5 * day_us, book.snapshot, 35 * DAY)


def test_a_look_up_shows_nothing_older_than_its_recipient_may_keep() -> None:
    book = Book((agreement(retention_days=30), FEED))
    terms = Agreements(book.snapshot).between("customs", Purpose.SECURITY_RISK).standing(35 * DAY)
    headers = [event(received_us=moment) for moment in (5 * DAY * 1_000_000, 5 * DAY * 1_000_000 - 1)]

    shown = [Decisions(terms).decide(each, Event(each, StoredRecord(0, 0, b"", b"", b""))) for each in headers]

    assert shown == [EVERYTHING, None]
