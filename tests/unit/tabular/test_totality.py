"""Whatever the bytes, a table is answered with items and faults: nothing is raised, and little is spent."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.catalogue import catalogue
from schemas.translate.item import Context
from schemas.translate.tabular import translate
from schemas.translate.tabular.marked import RowVerdict, marked_workbook
from schemas.verdict import judge
from tests.unit.tabular.tables import GATE_IN, HEADS, NOW_US, ROW, xlsx_of

CSV = ("\r\n".join(";".join(row) for row in (HEADS, ROW, ROW)) + "\r\n").encode()
XLSX = xlsx_of({"container.gate_in": [HEADS, ROW, [*ROW[:-1], True]], "Other": [["a"]]})
CONTEXTS = (Context(event_type=GATE_IN, time_zone="Europe/Paris"), Context(), Context(items_max=1))


def gone_through(document: bytes) -> None:
    """Translate, judge, and mark what comes of it."""
    for context in CONTEXTS:
        translation = translate(document, context)
        verdicts = {}
        if isinstance(translation, list):
            assert translation
            verdicts[""] = RowVerdict("REJECTED", translation)
        else:
            for item in translation.items:
                found = judge(item, translation, catalogue(), now_us=NOW_US)
                assert item.event is not None or item.faults
                verdicts[item.place] = RowVerdict(found.verdict, found.faults)
        assert marked_workbook(document, verdicts, "fr", context.event_type).startswith(b"PK")


@given(st.binary(max_size=2_000))
def test_random_bytes_are_answered(document: bytes) -> None:
    gone_through(document)


cells = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["1E5", "1.5E+17", "45987.5", "1/2/2026 10:00", "31/02/2026 10:00", "2026-13-01", "0001-01-01 00:00 +15:00",
         "9999-12-31 23:59", "#N/A", "NA", "=1+1", "-", "1,234", "9" * 40, "Europe/Paris", "../etc/passwd", "+99:99"]
    ),
)  # fmt: skip


@given(st.lists(st.lists(cells, max_size=8), max_size=6), st.sampled_from(",;\t"))
def test_any_cells_under_known_headers_are_answered(rows: list[list[str]], separator: str) -> None:
    quoted = [separator.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    gone_through("\r\n".join([separator.join(HEADS), *quoted]).encode("utf-8", "replace"))


@given(st.data())
def test_a_mutated_file_is_answered(data: st.DataObject) -> None:
    document = bytearray(data.draw(st.sampled_from([CSV, XLSX])))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(document) - 1))
        document[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))

    gone_through(bytes(document))


MEMBERS = {
    info.filename: zipfile.ZipFile(io.BytesIO(XLSX)).read(info) for info in zipfile.ZipFile(io.BytesIO(XLSX)).infolist()
}


def packed(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@settings(max_examples=150)
@given(st.data())
def test_a_workbook_with_a_mutated_member_is_answered(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(MEMBERS)))
    content = bytearray(MEMBERS[name])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(len(content) - 1, 0)))
        put = data.draw(
            st.one_of(
                st.binary(max_size=4), st.sampled_from([b'"', b"<", b"/>", b"99999999", b"A1:XFD9", b"-1", b'r="A0"'])
            )
        )
        content[at : at + data.draw(st.integers(0, 5))] = put

    gone_through(packed(MEMBERS | {name: bytes(content)}))


@pytest.mark.parametrize("name", sorted(MEMBERS))
def test_a_workbook_without_one_of_its_members_is_answered(name: str) -> None:
    gone_through(packed({other: content for other, content in MEMBERS.items() if other != name}))
