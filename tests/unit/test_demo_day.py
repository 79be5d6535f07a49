"""The demo's day: consistent but for the faults on purpose, and every event one that the hub takes."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice, takewhile
from typing import Any

import pytest

from hub.lab.demo.cast import CARRIER, COMPANIES, KNOWN_CONSIGNORS, TERMINAL
from hub.lab.demo.day import ROUND_SHIPMENTS, VOYAGE_SECONDS, VOYAGE_SHIPMENTS, Fault, Posting, day, opening
from hub.lab.demo.shipment import DEPARTED, DOCUMENT, FILING, GATE_IN, LOADED, SEAL_BROKEN
from schemas.catalogue import EventType, catalogue
from schemas.faults import Severity
from schemas.rules import check

STARTS = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
ROUND_SECONDS = ROUND_SHIPMENTS / VOYAGE_SHIPMENTS * VOYAGE_SECONDS


@pytest.fixture(scope="module")
def postings() -> list[Posting]:
    """Two rounds: every fault has come, and its consequences."""
    return list(takewhile(lambda posting: posting.at < 2 * ROUND_SECONDS, day(STARTS)))


def of_type(postings: list[Posting], event_type: str) -> list[Posting]:
    return [posting for posting in postings if posting.event["type"] == event_type]


def container(posting: Posting) -> str:
    return next(each["value"] for each in posting.event["data"]["subjects"] if each["scheme"] == "iso6346")


def errors(posting: Posting) -> list[str]:
    event_type = catalogue().find(posting.event["type"])
    assert isinstance(event_type, EventType)
    now_us = int((STARTS.timestamp() + posting.at) * 1e6)
    faults = check(posting.event, event_type, now_us=now_us)
    return [fault.place for fault in faults if fault.severity is Severity.ERROR]


def test_events_are_valid_but_for_the_bad_fields_on_purpose(postings: list[Posting]) -> None:
    wrong = {posting.fault: errors(posting) for posting in [*opening(STARTS), *postings] if errors(posting)}

    assert set(wrong) == {Fault.BAD_FIELD}
    assert sorted(wrong[Fault.BAD_FIELD]) == ["/data/consignee/country", "/data/goods/0/hs"]


def test_identifiers_have_their_check_digits(postings: list[Posting]) -> None:
    for posting in postings:
        event_type = catalogue().find(posting.event["type"])
        assert isinstance(event_type, EventType)
        found = check(posting.event, event_type, now_us=int((STARTS.timestamp() + posting.at) * 1e6))
        assert not [fault for fault in found if fault.code == "CHECK_DIGIT_WRONG"]


def test_every_loaded_container_came_in_through_the_gate_before(postings: list[Posting]) -> None:
    gated = {container(posting): posting.at for posting in of_type(postings, GATE_IN)}

    loaded = of_type(postings, LOADED)

    assert len(loaded) > ROUND_SHIPMENTS
    assert all(gated[container(posting)] < posting.at for posting in loaded)


def test_every_loaded_container_was_filed_for_before(postings: list[Posting]) -> None:
    filed = {container(p): p.at for p in of_type(postings, FILING) if p.fault is not Fault.BAD_FIELD}

    assert all(filed[container(posting)] < posting.at for posting in of_type(postings, LOADED))


def test_a_vessel_leaves_after_all_that_it_loads(postings: list[Posting]) -> None:
    voyage = "transport", "voyage"
    left = {p.event["data"][voyage[0]][voyage[1]]: p.at for p in of_type(postings, DEPARTED) if p.company == CARRIER.id}

    for posting in of_type(postings, LOADED):
        assert posting.at < left.get(posting.event["data"]["transport"]["voyage"], float("inf"))


def test_every_fault_comes_within_the_first_seconds_of_each_round(postings: list[Posting]) -> None:
    for begins in (0.0, ROUND_SECONDS):
        seen = {posting.fault for posting in postings if begins <= posting.at < begins + 7.0}
        assert seen >= set(Fault)


def test_postings_come_in_the_order_of_their_times_which_are_those_in_the_events(postings: list[Posting]) -> None:
    assert [posting.at for posting in postings] == sorted(posting.at for posting in postings)
    for posting in postings:
        if posting.fault is not Fault.REPEAT:
            told = datetime.fromisoformat(posting.event["time"]).timestamp()
            assert told == pytest.approx(STARTS.timestamp() + posting.at, abs=0.01)


def test_only_what_is_repeated_or_corrected_has_an_identity_twice(postings: list[Posting]) -> None:
    seen: dict[tuple[str, str], Posting] = {}
    for posting in postings:
        identity = posting.event["source"], posting.event["id"]
        first = seen.setdefault(identity, posting)
        if first is not posting:
            assert posting.fault is Fault.REPEAT or first.fault is Fault.BAD_FIELD
            assert (posting.event == first.event) is (posting.fault is Fault.REPEAT)


def test_a_late_filing_comes_well_after_its_gate_in(postings: list[Posting]) -> None:
    gated = {container(posting): posting.at for posting in of_type(postings, GATE_IN)}

    late = [posting for posting in postings if posting.fault is Fault.LATE_FILING]

    assert late
    assert all(posting.at > gated[container(posting)] + 3.0 for posting in late)


def test_the_day_is_a_function_of_its_start() -> None:
    assert list(islice(day(STARTS), 500)) == list(islice(day(STARTS), 500))


def test_faults_are_told_by_those_who_see_them(postings: list[Posting]) -> None:
    tellers = {posting.fault: posting.company for posting in postings if posting.fault}

    assert tellers[Fault.SEAL_BROKEN] == tellers[Fault.NO_AGREEMENT] == TERMINAL.id
    assert {posting.company for posting in opening(STARTS)} == {company.id for company in COMPANIES}
    assert len(of_type(postings, SEAL_BROKEN)) == 2
    assert of_type(postings, DOCUMENT)


def test_only_the_stranger_is_unknown(postings: list[Posting]) -> None:
    def known(event: dict[str, Any]) -> bool:
        identifiers = event["data"]["consignor"].get("identifiers", ())
        return any(f"{each['scheme']}:{each['value']}" in KNOWN_CONSIGNORS for each in identifiers)

    for posting in of_type(postings, FILING):
        assert known(posting.event) is (posting.fault is not Fault.UNKNOWN_CONSIGNOR)
