"""Headers: in English and French, as people write them; and every way to get them wrong."""

from __future__ import annotations

import pytest

from schemas.catalogue import EventType, catalogue
from schemas.identifiers import SCHEMES
from schemas.translate.tabular.columns import columns_of
from schemas.translate.tabular.labels import WORDS, french_columns, headers_of, key, label
from schemas.words import words
from tests.unit.tabular.tables import GATE_IN, HEADS, ROW, csv_of, items, judged, kind, refused, told, xlsx_of

TYPES = [pytest.param(each, id=each.name) for each in catalogue().types]


@pytest.mark.parametrize("event_type", TYPES)
def test_every_label_leads_back_to_its_column_in_both_languages(event_type: EventType) -> None:
    known = headers_of(event_type)

    for column in columns_of(event_type):
        assert known[key(column.name)] is column
        if column.shown:
            assert known[key(label(column, "en"))] is column
            assert known[key(label(column, "fr"))] is column


def test_every_scheme_and_type_has_its_words() -> None:
    assert WORDS["schemes"].keys() == SCHEMES.keys()
    assert WORDS["types"].keys() == {each.name for each in catalogue().types}


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("Container number", "subjects.iso6346"),
        ("  CONTAINER   NUMBER * ", "subjects.iso6346"),
        ("Container No.", "subjects.iso6346"),
        ("container_number (required)", "subjects.iso6346"),
        ("Numéro de conteneur (obligatoire)", "subjects.iso6346"),
        ("NUMERO DE CONTENEUR", "subjects.iso6346"),
        ("N° conteneur", "subjects.iso6346"),
        ("subjects.iso6346", "subjects.iso6346"),
        ("Lieu : UN/LOCODE", "place.unlocode"),
        ("UN/LOCODE", "place.unlocode"),
        ("unlocode", "place.unlocode"),
        ("Place\u00a0: UN/LOCODE", "place.unlocode"),
        ("seals.3.number", "seals.3.number"),
        ("Scellé 20 : numéro", "seals.20.number"),
        ("Poids brut", "weighed_mass_kg"),
        ("VGM", "weighed_mass_kg"),
        ("Consignee", None),
        ("Scellé 21 : numéro", None),
    ],
)
def test_a_header_is_understood_without_case_accents_and_marks(header: str, column: str | None) -> None:
    found = headers_of(kind(GATE_IN)).get(key(header))

    assert (found.name if found else None) == column


def test_a_column_that_no_schema_knows_is_kept_and_warned_about_once_with_a_guess() -> None:
    first, second = items(
        csv_of((*HEADS, "Remarqs", "Berth"), (*ROW, "late", "B7"), ("MSKU1234570", *ROW[1:], "", "B8"))
    )

    assert told(first.faults) == [
        ("COLUMN_UNKNOWN", "row 1, column G (Remarqs)"),
        ("COLUMN_UNKNOWN", "row 1, column H (Berth)"),
    ]
    assert "perhaps Remarks (remarks)" in first.faults[0].expected
    assert first.event is not None
    assert first.event["data"]["extensions"] == {"columns": {"Remarqs": "late", "Berth": "B7"}}
    assert second.faults == ()


def test_a_missing_column_is_told_once_with_the_header_that_was_perhaps_meant() -> None:
    heads = tuple(head.replace("Kind of time", "Kind off time") for head in HEADS)

    missing, strange = refused(csv_of(heads, ROW, ROW))

    assert (missing.code, missing.place, missing.expected) == ("COLUMN_MISSING", "row 1", "Kind of time (time_kind)")
    assert "Kind off time" in missing.found
    assert strange.code == "COLUMN_UNKNOWN"


def test_one_column_of_a_group_is_enough_and_none_is_told() -> None:
    heads = [head.replace("Place: UN/LOCODE", "Place: name") for head in HEADS]

    (found,) = judged(csv_of(heads, ROW))
    (missing,) = refused(csv_of([head for head in heads if head != "Place: name"], ROW))

    assert found.faults == []
    assert missing.expected.startswith("Place: UN/LOCODE (place.unlocode) or ")


def test_two_columns_for_one_member_are_refused() -> None:
    (repeated,) = refused(csv_of((*HEADS, "Vide"), (*ROW, "oui")))

    assert (repeated.code, repeated.place) == ("COLUMN_REPEATED", "row 1, column G (Vide)")


def test_two_identifiers_where_one_may_be_are_refused_in_the_row() -> None:
    heads = (*HEADS, "Transport: mode", "Transport: IMO number", "Transport: flight number")

    alone, both = items(csv_of(heads, (*ROW, "AIR", "", "KL0835"), (*ROW, "AIR", "9074729", "KL0836")))

    assert alone.faults == ()
    assert told(both.faults)[0] == ("COLUMN_REPEATED", "row 3, column I (Transport: flight number)")


def test_a_value_under_no_header_is_refused_and_an_empty_column_is_not() -> None:
    first, second = items(csv_of((*HEADS, "", "Remarks"), (*ROW, "", "x"), ("MSKU1234570", *ROW[1:], "stray")))

    assert first.faults == ()
    assert told(second.faults) == [("COLUMN_UNNAMED", "row 3, column G")]


def test_a_title_above_the_headers_is_passed_over() -> None:
    (item,) = items(csv_of(("Gate moves of November",), (), HEADS, ROW))

    assert (item.place, item.faults) == ("row 4", ())


def test_a_table_without_headers_is_refused_with_what_they_could_be() -> None:
    (missing,) = refused(csv_of(ROW, ROW))

    assert (missing.code, missing.place) == ("HEADER_MISSING", "row 1")
    assert "Date and time" in missing.expected


def test_the_verdicts_of_an_earlier_upload_are_passed_over() -> None:
    (item,) = items(csv_of((*HEADS, "Résultat"), (*ROW, "Refusé")))

    assert item.faults == ()
    assert item.event is not None
    assert "extensions" not in item.event["data"]


def test_merged_headers_and_merged_values_are_told() -> None:
    def merge(book: object, sheets: dict[str, object]) -> None:
        sheets["container.gate_in"].merge_range(1, 4, 2, 4, "NLRTM")  # type: ignore[attr-defined]

    def merge_head(book: object, sheets: dict[str, object]) -> None:
        sheets["container.gate_in"].merge_range(0, 6, 0, 7, "Remarks")  # type: ignore[attr-defined]

    rows = [HEADS, ROW, ("MSKU1234570", *ROW[1:4], "", "no")]

    _, second = items(xlsx_of({"container.gate_in": rows}, merge))
    (head,) = refused(xlsx_of({"container.gate_in": rows}, merge_head))

    assert told(second.faults) == [("CELL_MERGED", "container.gate_in!E3")]
    assert told([head]) == [("CELL_MERGED", "container.gate_in!H1")]


def test_a_missing_column_is_named_in_the_language_asked() -> None:
    faults = refused(csv_of(HEADS[1:], ROW[1:]))

    english, french = (words().fault(faults[0], language)["expected"] for language in ("en", "fr"))

    assert english.startswith("Container number (subjects.iso6346)")
    assert french == " ou ".join(french_columns()[each] for each in english.split(" or "))
    assert french != english
