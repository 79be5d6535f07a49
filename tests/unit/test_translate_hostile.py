"""Small documents like those with which the soak made a translator raise: each is answered with faults."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
import xlsxwriter

from schemas.faults import Severity
from schemas.translate import epcis, tabular
from schemas.translate.item import Context, Translation
from tests.unit.valid_events import KIND

TWICE = "urn:epc:id:sscc:4012345.0000000333"
OBSERVED = {
    "type": "ObjectEvent", "eventTime": "2026-11-20T10:00:00+01:00", "eventTimeZoneOffset": "+01:00",
    "action": "OBSERVE", "epcList": [TWICE],
}  # fmt: skip


@pytest.mark.parametrize(
    "members",
    [
        {"epcList": [TWICE, TWICE, [TWICE]]},
        {"epcList": [TWICE, TWICE, {"id": TWICE}]},
        {"persistentDisposition": {"set": [{"a": 1}]}},
        {"bizStep": {"a": 1}},
        {"disposition": [["in_transit"]]},
        {"errorDeclaration": {"declarationTime": "2026-11-20T10:00:00Z", "reason": {"a": 1}}},
    ],
)
def test_an_epcis_event_with_objects_in_place_of_words_is_refused(members: dict[str, Any]) -> None:
    document = {"@context": epcis.EPCIS_CONTEXT, **OBSERVED, **members}

    opened = epcis.translate(json.dumps(document).encode(), Context())

    [item] = opened.items if isinstance(opened, Translation) else [None]
    faults = item.faults if item is not None else opened
    assert any(each.severity is Severity.ERROR for each in faults)  # type: ignore[union-attr]


def test_a_workbook_whose_error_is_told_in_several_pieces_of_text_is_refused() -> None:
    whole, changed = io.BytesIO(), io.BytesIO()
    with xlsxwriter.Workbook(whole, {"in_memory": True}) as book:
        sheet = book.add_worksheet("gate")
        sheet.write_row(0, 0, ["type", "container number"])
        sheet.write_row(1, 0, [KIND.name, 12])
    with zipfile.ZipFile(whole) as before, zipfile.ZipFile(changed, "w") as after:
        for name in before.namelist():
            after.writestr(name, before.read(name).replace(b'"B2"><v>12<', b'"B2" t="e"><v>x&amp;x<'))

    opened = tabular.translate(changed.getvalue(), Context())

    assert isinstance(opened, list)
    assert [each.code for each in opened] == ["TABLE_UNREADABLE"]
