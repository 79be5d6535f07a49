"""The first documents and copies of the soak, in the run of all tests: `python -m tests.soak` tries many more."""

from __future__ import annotations

from hashlib import sha256

import pytest

from hub.core.documents import PDFFinding, PDFReport
from tests.soak import copies
from tests.soak.mutate import mutated
from tests.soak.soak import soak
from tests.soak.trial import tried, weight

SHARE = 50


@pytest.mark.parametrize("share", [0, *(pytest.param(share, marks=pytest.mark.slow) for share in range(1, 40))])
def test_no_mutated_document_makes_a_translator_raise_tarry_or_swell(share: int) -> None:
    tally = soak(1, range(share * SHARE, (share + 1) * SHARE), report=lambda *_: None)

    assert tally.failures == []
    assert tally.count == SHARE
    assert len(tally.formats) > 3


@pytest.mark.parametrize("share", [0, *(pytest.param(share, marks=pytest.mark.slow) for share in range(1, 10))])
def test_no_mutated_copy_makes_its_examination_raise_tarry_or_swell(share: int) -> None:
    tally = soak(1, range(share * SHARE, (share + 1) * SHARE), report=lambda *_: None, of_copies=True)

    assert tally.failures == []
    assert len(tally.formats) > 3
    assert set(tally.verdicts) >= {"accept", "refuse"}


def test_a_copy_of_the_soak_is_the_same_each_time() -> None:
    assert [copies.copy_of(1, number) for number in range(20)] == [copies.copy_of(1, number) for number in range(20)]


def test_a_trial_of_a_copy_tells_what_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr("tests.soak.copies.unwrap", fail)

    assert copies.tried(b"{}", "").failures == ["raised RecursionError: too deep"]


def test_a_pdf_of_which_the_jail_says_nothing_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ended(*_: object) -> PDFReport:
        return PDFReport(findings=(PDFFinding("PDF_NOT_EXAMINED", "", "the examination ended without a report"),))

    monkeypatch.setattr("tests.soak.copies.available", lambda: True)
    monkeypatch.setattr("tests.soak.copies.JailedDocumentJudge.judge", ended)

    assert copies.judged([b"%PDF-1.7"]) == ["PDF_NOT_EXAMINED: the examination ended without a report"]


def test_a_document_of_the_soak_is_the_same_each_time() -> None:
    once, again = ([sha256(mutated(1, number)[1]).hexdigest() for number in range(20)] for _ in range(2))

    assert once == again


def test_a_trial_tells_what_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("no such member")

    monkeypatch.setattr("tests.soak.trial.open_document", fail)

    assert tried(b"{}", "").failures == ["raised KeyError: 'no such member'"]


def test_a_zip_weighs_what_it_says_is_in_it() -> None:
    workbook = next(document for number in range(10_000) if (document := mutated(2, number)[1]).startswith(b"PK"))

    assert weight(workbook) >= len(workbook)
    assert weight(b"PK\x03\x04 and no more") == len(b"PK\x03\x04 and no more")
