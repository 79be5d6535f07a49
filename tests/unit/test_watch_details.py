"""What a document does not say of itself, as a clerk says it: by a name, or by a few lines beside it."""

from __future__ import annotations

import pytest

from connectors.watch.details import DetailsInvalid, DetailsMissing, described, details_of, form, read
from schemas.vocabularies import words


@pytest.mark.parametrize(
    ("name", "kind", "reference"),
    [
        ("commercial invoice INV-42.pdf", "380", "INV-42"),
        ("invoice INV-42.pdf", "380", "INV-42"),
        ("Facture F-7.pdf", "380", "F-7"),
        ("Commercial_Invoice_INV_42.PDF", "380", "INV_42"),
        ("Facture commerciale 42.png", "380", "42"),
        ("connaissement principal (master) EX600822199A.jpg", "704", "EX600822199A"),
        ("certificat d'analyse A.1.pdf", "1", "A.1"),
        ("déclaration d'exportation 7.pdf", "830", "7"),
    ],
)
def test_a_name_tells_the_kind_and_the_reference(name: str, kind: str, reference: str) -> None:
    assert dict(details_of(name, b"", None, wrapped=False)) == {"kind": kind, "reference": reference}


@pytest.mark.parametrize(
    "name",
    ["scan0001.pdf", "380 INV-42.pdf", "12 pallets.pdf", "commercial invoice.pdf", "commercial invoice for May.pdf",
     "commercial invoice INV 42.pdf", "commercial invoice INV-42 (1).pdf", "invoice.pdf", "caf\udce9.pdf"],
)  # fmt: skip
def test_a_name_that_tells_less_tells_nothing(name: str) -> None:
    with pytest.raises(DetailsMissing, match="kind, reference"):
        details_of(name, b"", None, wrapped=False)


def test_details_come_before_the_name_and_several_subjects_are_kept() -> None:
    written = b"Reference = 2026/42\r\n\r\n# a remark\r\nsubject: iso6346:A\r\nSUBJECT: iso6346:B\r\ntitle: \r\n"

    said = details_of("commercial invoice INV-42.pdf", b"", written, wrapped=False)

    assert said == (("reference", "2026/42"), ("subject", "iso6346:A"), ("subject", "iso6346:B"), ("kind", "380"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_details_are_read_as_editors_write_them(encoding: str) -> None:
    assert read("kind: facture commerciale\r\ntitle: été".encode(encoding)) == (("kind", "380"), ("title", "été"))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b"kind 380", "Line 1"),
        (b"kind: 380\nnumber: 1", "Line 2"),
        (b"kind: 380\nkind: 705", "for the second time"),
        ("title: été".encode("cp1252"), "encoding UTF-8"),
    ],
)
def test_details_that_cannot_be_read_are_told_where(written: bytes, said: str) -> None:
    with pytest.raises(DetailsInvalid, match=said):
        read(written)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_form_is_details_once_it_is_filled_in(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTOMS_LANG", language)
    empty = form("scan.pdf")

    filled = empty.replace(b"kind:\r", b"kind: 380\r").replace(b"reference:\r", b"reference: 42\r")

    assert read(empty) == ()
    assert read(filled) == (("kind", "380"), ("reference", "42"))


def test_of_several_wrapped_documents_none_speaks_for_the_file() -> None:
    one = b'{"type": "VerifiableCredential", "credentialSubject": {"type": "Invoice", "invoiceNumber": "1"}}'

    assert dict(details_of("a.json", one, None, wrapped=True)) == {"kind": "380", "reference": "1"}
    with pytest.raises(DetailsMissing):
        two = b'{"type": "VerifiablePresentation", "verifiableCredential": [' + one + b"," + one + b"]}"
        details_of("a.json", two, None, wrapped=True)


def test_no_two_kinds_have_one_name() -> None:
    names = [name.casefold() for word in words("document_names").values() for name in {word.en, word.fr}]

    assert len(names) == len(set(names))


def test_only_files_beside_documents_are_details() -> None:
    assert described("invoice.PDF.txt") == "invoice.PDF"
    assert [described(name) for name in ("moves.txt", "invoice.pdf", "a.csv.txt", ".txt")] == [None] * 4
