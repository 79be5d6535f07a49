"""Files without what no agreement covers: what is left out, what stays as it was, and what cannot do without."""

from __future__ import annotations

import csv
import io
from typing import Any

import orjson
import pytest

from connectors.partner.strip import NotStrippable, stripped_file
from schemas.translate.item import Context, Translation
from schemas.translate.recognise import translator
from tests.edifact import GATE_IN, interchange, message
from tests.unit.tabular.tables import xlsx_of

TYPE = "customs.container.gate_in"
CONTEXT = Context(event_type=TYPE)
KEPT = ["occurred_at", "time_kind", "time_zone_source", "subjects", "updated_at", "place", "empty"]
NEEDED = {TYPE: KEPT}
HEADER = "Container number;Date and time;Kind of time;Place: UN/LOCODE;Empty;Size and type;Remarks;Driver"
ROW = "CSQU3054383;2026-11-22T10:00:00+01:00;ACTUAL;NLRTM;yes;22G1;call Jan;Piet"


def table(*rows: str, header: str = HEADER) -> bytes:
    return "\r\n".join((header, *rows, "")).encode()


def events(document: bytes) -> list[dict[str, Any]]:
    opened = translator("tabular")(document, CONTEXT)
    assert isinstance(opened, Translation), opened
    return [item.event or {} for item in opened.items]


def cells(document: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(document.decode("utf-8-sig"), newline=""), delimiter=";"))


def test_cells_that_nobody_needs_are_blank_and_their_events_otherwise_the_same() -> None:
    sent = stripped_file("tabular", table(ROW), NEEDED, CONTEXT)

    [before], [after] = events(table(ROW)), events(sent)
    assert cells(sent)[0] == ["sep=", ""]
    assert cells(sent)[2] == [*ROW.split(";")[:5], "", "", ""]
    assert {"size_type", "remarks", "extensions"} <= before["data"].keys()
    assert after == before | {"data": {name: each for name, each in before["data"].items() if name in KEPT}}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_whatever_a_table_is_written_in_what_stays_is_the_same_text(encoding: str) -> None:
    header = "Container number,Date and time,Kind of time,Empty,Place: name,Remarks"
    row = 'CSQU3054383,2026-11-22T10:00:00+01:00,ACTUAL,no,"Quai ""Été"", nord",x'
    document = table(row, header=header).decode().encode(encoding)

    [after] = events(stripped_file("tabular", document, NEEDED, CONTEXT))

    assert after["data"]["place"] == {"name": 'Quai "Été", nord'}
    assert "remarks" not in after["data"]


@pytest.mark.parametrize("needed", [{TYPE: ["*"]}, {}, {TYPE: [*KEPT, "size_type", "remarks", "extensions"]}])
def test_where_everything_is_needed_or_the_hub_alone_can_say_a_file_is_sent_to_the_letter(needed: Any) -> None:
    assert stripped_file("tabular", table(ROW), needed, CONTEXT) == table(ROW)


def test_each_row_goes_by_its_own_type() -> None:
    out = "customs.container.gate_out"
    document = table(f"{TYPE};{ROW}", f"{out};{ROW}", header=f"Type;{HEADER}")

    sent = stripped_file("tabular", document, NEEDED | {out: ["*"]}, Context())

    assert [row[7] for row in cells(sent)[2:]] == ["", "call Jan"]


def test_a_line_that_cannot_be_told_apart_into_cells_leaves_the_file_unsent() -> None:
    with pytest.raises(NotStrippable) as refused:
        stripped_file("tabular", table(ROW, 'CSQU3054383;"2026"x;y'), NEEDED, CONTEXT)

    assert [fault.code for fault in refused.value.faults] == ["ROW_MALFORMED"]


def test_a_workbook_is_not_written_anew_and_its_cells_are_named() -> None:
    with pytest.raises(NotStrippable) as refused:
        stripped_file("tabular", xlsx_of({"Moves": [HEADER.split(";"), ROW.split(";")]}), NEEDED, CONTEXT)

    assert {fault.found: fault.place for fault in refused.value.faults}["remarks"] == "Moves!G2"


def test_edifact_that_holds_what_nobody_needs_is_not_cut_and_its_segments_are_named() -> None:
    document = interchange(message("CODECO", *GATE_IN))

    with pytest.raises(NotStrippable) as refused:
        stripped_file("edifact", document, {TYPE: KEPT}, CONTEXT)

    named = {fault.found: fault.place for fault in refused.value.faults}
    assert named["seals"].startswith("message 1, segment 11 (SEL)")
    assert "extensions" not in named


@pytest.mark.parametrize("form", ["%s", "[%s]", "[ %s, %s ]", "%s\n%s\n"])
def test_events_in_any_form_are_cut_and_stay_in_it(form: str) -> None:
    one = orjson.dumps({"type": TYPE, "id": "a", "data": {"place": {"name": "x"}, "remarks": "y"}}).decode()

    sent = stripped_file("native", (form % ((one,) * form.count("%s"))).encode(), NEEDED, CONTEXT)

    assert b"remarks" not in sent
    assert sent.count(b'"place":{"name":"x"}') == form.count("%s")
    assert sent.startswith(form[:1].replace("%", "{").encode())


def test_what_cannot_be_read_at_all_is_left_to_the_hub_to_say() -> None:
    assert stripped_file("tabular", b"\x00", NEEDED, CONTEXT) == b"\x00"


@pytest.mark.parametrize("form", [b"%s\n", b" %s", b"%s\r\n\r\n%s", b"[ %s ]\n"])
def test_events_of_which_nothing_is_left_out_stay_as_they_are_laid_out(form: bytes) -> None:
    one = orjson.dumps({"id": "1", "type": TYPE, "data": dict.fromkeys(KEPT)})
    document = form.replace(b"%s", one)

    assert stripped_file("native", document, NEEDED, CONTEXT) == document
