"""Which row is which event: its id, its version, and rows of one file that are about the same event."""

from __future__ import annotations

from hashlib import sha256

import pytest

from schemas.translate.tabular import meaning, same_meaning, with_version
from tests.unit.tabular.tables import GATE_IN, HEADS, ROW, csv_of, items, row_with, told, xlsx_of


def test_a_row_without_an_id_is_known_by_its_type_subjects_and_instant() -> None:
    (item,) = items(csv_of(HEADS, ROW))
    key = f'["{GATE_IN}",[["iso6346","MSKU1234565"]],"2026-11-22T09:00:00Z"]'

    assert item.id == f"row:{sha256(key.encode()).hexdigest()[:32]}"
    assert item.event is not None
    assert (item.event["id"], item.event["source"], item.event["time"]) == (
        item.id,
        "table",
        ROW[1].replace(" ", "T") + "+01:00",
    )


def test_the_derived_id_does_not_hang_on_how_a_row_is_written() -> None:
    (one,) = items(csv_of(HEADS, ROW))
    written = row_with(
        **{"Container number": "msku 123456-5", "Date and time": "22/11/2026 09:00", "UTC offset": "UTC"}
    )

    (other,) = items(csv_of(*written, separator=";"))
    (workbook,) = items(xlsx_of({"container.gate_in": [HEADS, ROW]}))

    assert one.id == other.id == workbook.id


def test_an_id_and_a_version_of_the_sender_are_taken() -> None:
    (item,) = items(csv_of((*HEADS, "id", "updated_at"), (*ROW, "0017", "2026-11-22 10:05")), source="urn:acme:yard")

    assert item.event is not None
    assert (item.id, item.event["source"], item.event["time"]) == ("0017", "urn:acme:yard", "2026-11-22T10:05:00+01:00")
    assert item.event["data"]["updated_at"] == "2026-11-22T10:05:00+01:00"


def test_a_row_whose_time_cannot_be_read_has_no_derived_id() -> None:
    (item,) = items(csv_of(*row_with(**{"Date and time": "soon"})))

    assert item.id == ""


def test_a_row_that_says_the_same_as_another_is_a_warning_that_names_it() -> None:
    first, second = items(csv_of(HEADS, ROW, ROW))

    assert first.faults == ()
    assert told(second.faults) == [("ROW_REPEATED", "row 3")]
    assert "row 2" in second.faults[0].expected


def test_two_rows_of_one_event_that_differ_are_a_conflict_unless_they_are_versions() -> None:
    heads = (*HEADS, "updated_at")

    _, conflict = items(csv_of(heads, (*ROW, ""), (*ROW[:5], "yes", "")))
    _, version = items(csv_of(heads, (*ROW, ""), (*ROW[:5], "yes", "2026-11-22T10:05:00Z")))

    assert told(conflict.faults) == [("ROW_CONFLICT", "row 3")]
    assert (conflict.faults[0].found, "row 2" in conflict.faults[0].expected) == (
        "MSKU1234565, 2026-11-22T10:00:00+01:00",
        True,
    )
    assert version.faults == ()


def test_meaning_is_without_version_and_time_and_with_everything_else() -> None:
    (item,) = items(csv_of((*HEADS, "VGM", "Berth"), (*ROW, "14250.5", "B7")))
    event = item.event
    assert event is not None

    later = with_version(event, "2026-11-22T12:00:00Z")

    assert later["time"] == later["data"]["updated_at"] == "2026-11-22T12:00:00Z"
    assert same_meaning(event, later)
    assert meaning(event) == meaning({**event, "traceparent": "00-…"})
    assert "updated_at" not in event["data"]


@pytest.mark.parametrize(
    "change",
    [
        {"occurred_at": "2026-11-22T09:00:00Z"},
        {"occurred_at": "2026-11-22T18:00:00.0+09:00"},
        {"weighed_mass_kg": 14250.0},
    ],
)
def test_another_notation_of_the_same_value_is_the_same_meaning(change: dict[str, object]) -> None:
    (item,) = items(csv_of((*HEADS, "VGM"), (*ROW, "14250")))
    assert item.event is not None
    event = {**item.event, "data": item.event["data"] | {"occurred_at": "2026-11-22T10:00:00+01:00"}}

    assert same_meaning(event, {**event, "data": event["data"] | change})


@pytest.mark.parametrize(
    "change",
    [
        {"empty": True},
        {"occurred_at": "2026-11-22T10:00:01Z"},
        {"weighed_mass_kg": 14250.6},
        {"extensions": {"columns": {"Berth": "B8"}}},
    ],
)
def test_any_other_value_is_another_meaning(change: dict[str, object]) -> None:
    (item,) = items(csv_of((*HEADS, "VGM", "Berth"), (*ROW, "14250.5", "B7")))
    assert item.event is not None

    assert not same_meaning(item.event, {**item.event, "data": item.event["data"] | change})


def test_what_retracts_an_event_is_about_that_event() -> None:
    heads = ("Date and time", "UTC offset", "Retracted event: id", "Retracted event: source", "Reason: text")
    row = ("2026-11-22 10:00", "+01:00", "0017", "table", "entered twice")

    (item,) = items(csv_of(heads, row), event_type="event.retracted")

    assert item.event is not None
    assert item.event["data"]["subjects"] == [{"scheme": "event", "value": "table 0017"}]
    assert item.event["data"]["time_kind"] == "ACTUAL"
