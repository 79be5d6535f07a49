"""The index of routes: it finds those feeds that would show an event, and is made anew only where it must be."""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace

from hub.core.agreement import AgreementState, Provider, Purpose
from hub.core.event import Event
from hub.core.feed import Feed, FeedStart
from hub.core.partner import PartnerState, Role, Tier
from hub.core.record import StoredRecord
from hub.core.registry import Registered, Snapshot, Version
from hub.core.terms import Agreements, kept_agreements
from hub.fanout.route import route_of
from hub.fanout.routes import Routes, kept_routes
from schemas.headers import EventHeader, unpack
from tests.faults.fanout_world import AGREEMENT, AUTHORITY, COMPANY, FEED, event_record

PUBLISHERS = ("acme", "borealis", "cygnus")
TYPES = ("customs.container.gate_in", "customs.seal.broken", "customs.seal.applied")
PATTERNS = (("*",), ("customs.seal.*",), ("customs.seal.broken", "customs.container.gate_in"))
PURPOSES = (Purpose.SECURITY_RISK, Purpose.STATISTICS)
FACTS = (("aeo", "NL", ("exporter",), None), ("small", "DE", ("carrier", "terminal"), None))


def write(snapshot: Snapshot, *items: Registered) -> None:
    revision = snapshot.revision + 1
    snapshot.apply([Version(revision, item, "test", "", 0) for item in items])


def registry(chance: random.Random) -> Snapshot:
    """Feeds and agreements that come, change and end."""
    snapshot = Snapshot()
    write(snapshot, AUTHORITY, replace(AUTHORITY, id="other"))
    for _ in range(40):
        kind = chance.choice(("agreement", "feed", "feed", "partner"))
        match kind:
            case "agreement":
                provider = chance.choice(
                    [
                        Provider(),
                        Provider(partner=chance.choice(PUBLISHERS)),
                        Provider(tier=Tier.AEO),
                        Provider(country="DE"),
                    ]
                )
                write(
                    snapshot,
                    replace(
                        AGREEMENT,
                        id=f"a{chance.randrange(8)}",
                        provider=provider,
                        types=chance.choice(PATTERNS),
                        recipient=chance.choice(("customs", "other")),
                        purpose=chance.choice(PURPOSES),
                        state=chance.choice((AgreementState.ACTIVE, AgreementState.ACTIVE, AgreementState.SUSPENDED)),
                    ),
                )
            case "feed":
                number = chance.randrange(6)
                write(
                    snapshot,
                    Feed(
                        name=f"f{number}",
                        recipient=("customs", "other")[number % 2],
                        purpose=PURPOSES[number % 2],
                        types=chance.choice(PATTERNS),
                        start=(FeedStart.EARLIEST, FeedStart.NOW)[number % 2],
                        urgent=chance.choice(((), ("customs.seal.*",))),
                        version=snapshot.revision,
                        ended=chance.random() < 0.1,
                    ),
                )
            case "partner":
                state = chance.choice((PartnerState.ACTIVE, PartnerState.ACTIVE, PartnerState.SUSPENDED))
                write(snapshot, replace(AUTHORITY, id="other", state=state))
    return snapshot


def event(**members: object) -> Event:
    record = event_record("a")
    header = unpack(record.header)
    assert isinstance(header, EventHeader)
    return Event(replace(header, **members), StoredRecord(0, 0, b"", b"", record.value))


def events(snapshot: Snapshot) -> list[Event]:
    return [
        event(publisher=publisher, type=type_, facts=facts, revision=revision)
        for publisher in PUBLISHERS
        for type_ in TYPES
        for facts in FACTS
        for revision in range(1, snapshot.revision + 1, 3)
    ]


@pytest.mark.parametrize("seed", range(30))
def test_the_index_finds_every_stream_that_shows_an_event_and_no_other(seed: int) -> None:
    snapshot = registry(random.Random(seed))
    agreements = Agreements(snapshot)
    routes = Routes(snapshot, agreements)
    known = {feed.name: route_of(snapshot, agreements, feed.name) for feed in snapshot.feeds}

    for each in events(snapshot):
        header = each.header
        shown = {
            route.ruling(header.revision).stream(header.type)
            for route in known.values()
            if route is not None and route.decide(each) is not None
        }
        assert {stream for stream, _ in routes.candidates(header)} == shown
        assert {stream for stream, ruling in routes.candidates(header) if ruling.decide(each)} == shown


def test_facts_that_nobody_knows_are_left_to_every_feed_that_asks_for_the_type() -> None:
    snapshot = Snapshot()
    write(snapshot, AUTHORITY, AGREEMENT, FEED, replace(FEED, name="seals", types=("customs.seal.*",)))
    routes = Routes(snapshot, Agreements(snapshot))

    [(stream, ruling)] = routes.candidates(event(facts=("gold", "NL", (), None)).header)

    assert stream == "hub.feed.risk"
    with pytest.raises(ValueError, match="gold"):
        ruling.decide(event(facts=("gold", "NL", (), None)))


@pytest.mark.parametrize(
    ("change", "anew"),
    [
        (COMPANY, False),
        (replace(AUTHORITY, state=PartnerState.SUSPENDED), True),
        (replace(AGREEMENT, state=AgreementState.ENDED), True),
        (replace(FEED, ended=True), True),
        (replace(AUTHORITY, id="nobody", roles=(Role.CARRIER,)), False),
    ],
    ids=["a partner", "a recipient", "an agreement", "a feed", "a partner without feeds"],
)
def test_routes_are_worked_out_anew_only_where_a_revision_changes_them(change: Registered, anew: bool) -> None:
    snapshot = Snapshot()
    write(snapshot, AUTHORITY, AGREEMENT, FEED)
    routes = kept_routes(lambda: snapshot, kept_agreements(lambda: snapshot))
    before = routes()

    write(snapshot, change)

    assert (routes() is not before) == anew
    assert routes().revision == snapshot.revision


def test_the_version_in_force_at_the_records_revision_decides_also_after_a_change() -> None:
    snapshot = Snapshot()
    write(snapshot, AUTHORITY, AGREEMENT, FEED)
    write(snapshot, replace(FEED, urgent=("customs.seal.*",), version=2))
    write(snapshot, replace(FEED, types=("customs.seal.*",), version=3))
    routes = Routes(snapshot, Agreements(snapshot))

    def decided(type_: str, revision: int) -> list[tuple[str, int]]:
        header = event(type=type_, revision=revision).header
        return [(stream, ruling.feed.version) for stream, ruling in routes.candidates(header)]

    assert [decided("customs.seal.broken", revision) for revision in (1, 2, 3)] == [
        [("hub.feed.risk", 1)],
        [("hub.feed.risk.urgent", 2)],
        [("hub.feed.risk", 3)],
    ]
    assert [decided("customs.container.gate_in", revision) for revision in (2, 3)] == [[("hub.feed.risk", 2)], []]
    assert routes.streams == {"hub.feed.risk": ("risk", ""), "hub.feed.risk.urgent": ("risk", "urgent")}
