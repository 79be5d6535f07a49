"""What one caller sees: decided as for a feed, by what was stamped, and taken away by what is true now."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from hub.core.agreement import Agreement, AgreementState, Provider
from hub.core.errors import Refusal
from hub.core.evidence import Principal
from hub.core.partner import Partner, Role, System, Tier
from hub.core.record import LogRecord, Position, StoredRecord
from hub.core.registry import Registered, Snapshot, Version
from hub.core.retention import DAY_SECONDS
from hub.core.settings import ViewsSettings
from hub.core.terms import Agreements, Terms
from hub.drivers.memory.views import MemoryViews
from hub.ports.views import KnownEvent, Mark
from hub.views.events import Events, Wanted
from hub.views.known import known_event
from hub.views.sight import Sight, Sights
from schemas.headers import EventHeader, pack, unpack
from tests.faults.fanout_world import AGREEMENT, AUTHORITY, COMPANY, FEED, RECEIVED_US, SECRET, event_record

NOW = RECEIVED_US // 1_000_000
BOTH = frozenset({"feeds:read", "receipts:read"})


def principal(partner: Partner = AUTHORITY, scopes: frozenset[str] = BOTH) -> Principal:
    return Principal(partner, System(f"{partner.id}.sys", partner.id, tuple(scopes)), "key", scopes, NOW + 600)


def sight(*revisions: Registered, caller: Principal | None = None, now: int = NOW) -> Sight:
    snapshot = Snapshot()
    for revision, item in enumerate((AUTHORITY, COMPANY, *revisions), 1):
        snapshot.apply([Version(revision, item, "test", "", 0)])
    sights = Sights(snapshot=lambda: snapshot, agreements=lambda: Agreements(snapshot), secret=lambda use: SECRET)
    found = sights.of(caller or principal(), None, now=now)
    assert not isinstance(found, Refusal)
    return found


def known(record: LogRecord | None = None, **members: Any) -> KnownEvent:
    record = record or event_record("a", revision=3)
    header = unpack(record.header)
    assert isinstance(header, EventHeader)
    header = replace(header, **members)
    return known_event(Position(1, 0, 0), StoredRecord(0, 0, b"", pack(header), record.value), header)


def agreement(**members: Any) -> Agreement:
    return replace(AGREEMENT, **members)


def test_what_came_while_an_agreement_was_suspended_is_found_by_no_look_up_whatever_feeds_are_made_later() -> None:
    seen = sight(AGREEMENT, agreement(state=AgreementState.SUSPENDED), AGREEMENT, FEED)

    assert [seen.shown(known(revision=number)) is not None for number in (3, 4, 5)] == [True, False, True]


def test_an_agreement_shows_what_it_names() -> None:
    assert sight(AGREEMENT).shown(known()) is not None
    assert sight().shown(known()) is None


@pytest.mark.parametrize(
    ("moment", "seen"), [(NOW - 1, True), (NOW, False), (NOW + 1, False)], ids=["before", "at the end", "after"]
)
def test_an_agreement_whose_time_is_over_shows_nothing_of_what_it_once_showed(moment: int, seen: bool) -> None:
    event = known(received_us=RECEIVED_US - 60_000_000)

    assert (sight(agreement(valid_to=NOW), now=moment).shown(event) is not None) == seen


def test_of_two_agreements_the_one_that_stands_still_shows_its_part() -> None:
    over, standing = agreement(valid_to=NOW - 1), agreement(id="other", fields=("/id",))

    shown = sight(over, standing).shown(known(revision=4, received_us=RECEIVED_US - 60_000_000))

    assert shown is not None
    assert shown.event["id"] == "a"
    assert set(shown.data) == {"occurred_at", "time_kind"}


def test_events_from_before_an_agreement_are_shown_with_a_feed_that_came_after_it_and_not_without() -> None:
    before = known(revision=2)

    assert sight(AGREEMENT).shown(before) is None
    assert sight(AGREEMENT, FEED).shown(before) is not None
    assert sight(AGREEMENT, FEED, replace(FEED, ended=True)).shown(before) is None
    assert sight(agreement(valid_from=NOW + 1), FEED).shown(before) is None


def test_the_stamped_facts_decide() -> None:
    only_aeo = agreement(provider=Provider(tier=Tier.AEO))

    assert sight(only_aeo).shown(known(facts=("aeo", "NL", (), None))) is not None
    assert sight(only_aeo).shown(known(facts=("small", "NL", (), None))) is None


@pytest.mark.parametrize(
    ("caller", "own", "others"),
    [
        (principal(COMPANY), True, False),
        (principal(COMPANY, frozenset({"feeds:read"})), False, False),
        (principal(AUTHORITY), False, True),
        (principal(AUTHORITY, frozenset({"receipts:read"})), False, False),
        (principal(replace(AUTHORITY, roles=(Role.CARRIER,))), False, False),
    ],
    ids=["publisher", "publisher that may only read feeds", "authority", "without the scope", "without the role"],
)
def test_scope_and_role_open_the_eyes(caller: Principal, own: bool, others: bool) -> None:
    eyes = sight(AGREEMENT, caller=caller)

    shown = eyes.shown(known())

    assert (shown is not None) == (own or others)
    assert (eyes.own == "acme", eyes.others) == (own, others)


def test_binary_mode_is_shown_as_structured_mode_is() -> None:
    structured = event_record("a", revision=3)
    event = orjson.loads(structured.value)
    attributes = {name: text for name, text in event.items() if name not in ("data", "specversion")}
    binary = event_record("a", revision=3, value=orjson.dumps(event["data"]))
    for fields in (("*",), ("/data",), ("/id", "/data/content")):
        eyes = sight(agreement(fields=fields))

        one, other = eyes.shown(known(structured)), eyes.shown(known(binary, attributes=attributes))

        assert one is not None
        assert other is not None
        assert one.event == other.event


async def test_cursors_are_of_one_size_and_do_not_tell_how_many_events_there_are() -> None:
    class Zeros:
        def bytes(self, count: int) -> bytes:
            return bytes(count)

    async def cursor(events: int) -> str:
        views = MemoryViews()
        numbered = [replace(known(), position=Position(1, 0, number)) for number in range(events)]
        await views.apply(numbered, Mark(Position(1, 0, events), RECEIVED_US))
        asked = Events(views, secret=SECRET, entropy=Zeros(), settings=ViewsSettings())
        listed = await asked.page(sight(AGREEMENT), Wanted(), cursor=None, limit=1)
        assert not isinstance(listed, Refusal)
        assert listed.next is not None
        return listed.next

    few, many = await cursor(2), await cursor(400)

    assert few != many
    assert len(few) == len(many)


class Opened:
    """The eyes of one process, and how often it worked out what stands for a recipient."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *revisions: Registered) -> None:
        self.snapshot, self.worked_out = Snapshot(), 0
        for item in (AUTHORITY, COMPANY, *revisions):
            self.register(item)
        standing = Terms.standing

        def counted(terms: Terms, now: int, *, until: int = 0) -> Terms:
            self.worked_out += 1
            return standing(terms, now, until=until)

        monkeypatch.setattr(Terms, "standing", counted)
        self.sights = Sights(
            snapshot=lambda: self.snapshot, agreements=lambda: Agreements(self.snapshot), secret=lambda use: SECRET
        )

    def register(self, item: Registered) -> None:
        self.snapshot.apply([Version(self.snapshot.revision + 1, item, "test", "", 0)])

    def sees(self, event: KnownEvent, now: int = NOW) -> bool:
        found = self.sights.of(principal(), None, now=now)
        assert not isinstance(found, Refusal)
        return found.shown(event) is not None


def test_what_stands_for_a_recipient_is_worked_out_once_for_all_its_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Opened(monkeypatch, AGREEMENT)

    assert [opened.sees(known(), NOW + second) for second in (0, 0, 1, 9)] == [True] * 4
    assert opened.worked_out == 1


def test_a_change_is_seen_by_the_next_request(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Opened(monkeypatch, AGREEMENT)
    before = opened.sees(known())

    opened.register(agreement(state=AgreementState.SUSPENDED))

    assert (before, opened.sees(known())) == (True, False)


def test_the_end_of_an_agreement_is_seen_by_the_next_request(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Opened(monkeypatch, agreement(valid_to=NOW + 3))
    event = known(received_us=RECEIVED_US - 1)

    assert [opened.sees(event, NOW + second) for second in (0, 2, 3)] == [True, True, False]


def test_nothing_is_seen_that_is_older_than_it_may_be_kept_at_any_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Opened(monkeypatch, agreement(retention_days=1))
    old = [known(received_us=(NOW + age - DAY_SECONDS) * 1_000_000) for age in (1, 20)]
    late = NOW + 2

    assert opened.sees(old[1])
    assert not opened.sees(old[0], late)


def test_recipients_are_kept_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Opened(monkeypatch, AGREEMENT)
    monkeypatch.setattr("hub.views.sight.RECIPIENTS_KEPT_MAX", 2)

    for name in ("a", "b", "c"):
        opened.sights.of(principal(replace(AUTHORITY, id=name)), None, now=NOW)

    assert len(opened.sights._standing) <= 2
