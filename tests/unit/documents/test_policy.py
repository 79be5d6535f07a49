"""What becomes of a document in which something was found."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from hub.core.documents import Disposition, DocumentPolicy, PDFCode, PDFFinding, PDFReport, Scan, decide
from schemas.documents.fault_texts import ROWS
from schemas.documents.sniff import sniff
from schemas.faults import FAULTS, Severity, fault
from tests.unit.documents.make import pdf

POLICY = DocumentPolicy()


def report(*codes: PDFCode) -> PDFReport:
    return PDFReport("1.7", 1, 0, tuple(PDFFinding(code, "object 4", "x") for code in codes))


def test_a_document_without_findings_is_accepted() -> None:
    decision = decide([*sniff(pdf()).faults, *report().faults(), *Scan("clean").faults()], POLICY)

    assert (decision.disposition, decision.faults) == ("accept", ())


@pytest.mark.parametrize(
    ("codes", "disposition"),
    [
        (["PDF_LINK"], "accept"), (["PDF_LINK", "PDF_EMBEDDED"], "quarantine"),
        (["PDF_SCRIPT", "PDF_EMBEDDED", "PDF_LINK"], "refuse"), (["PDF_NOT_EXAMINED"], "quarantine"),
    ],
)  # fmt: skip
def test_the_gravest_finding_decides(codes: list[PDFCode], disposition: str) -> None:
    assert decide(report(*codes).faults(), POLICY).disposition == disposition


def test_only_what_refuses_a_document_is_an_error() -> None:
    decision = decide(report("PDF_LINK", "PDF_SCRIPT").faults(), POLICY)

    severities = {each.code: each.severity for each in decision.faults}
    assert severities == {"PDF_SCRIPT": Severity.ERROR, "PDF_LINK": Severity.WARNING}


def test_a_policy_can_take_what_another_refuses() -> None:
    lenient = DocumentPolicy(pdf_script="accept")

    assert decide(report("PDF_SCRIPT").faults(), lenient).disposition == "accept"


@pytest.mark.parametrize(
    ("scan", "disposition"),
    [(Scan("found", "Eicar"), "refuse"), (Scan("unknown", "TimeoutError"), "quarantine"), (Scan("clean"), "accept")],
)
def test_the_word_of_the_virus_scanner_counts(scan: Scan, disposition: str) -> None:
    assert decide(scan.faults(), POLICY).disposition == disposition


def test_an_error_that_has_no_line_in_the_policy_refuses_and_a_warning_does_not() -> None:
    warning = fault("CHECK_DIGIT_WRONG", "", "1", "2")

    assert decide(sniff(b"MZ").faults, POLICY).disposition == "refuse"
    assert decide([warning], POLICY).disposition == "accept"


def test_every_line_of_the_policy_is_a_fault_and_every_finding_of_a_pdf_has_one() -> None:
    lines = {each.name.upper() for each in msgspec.structs.fields(DocumentPolicy)}

    assert lines - {"JSON_MEMBER_REPEATED"} <= {code for code, *_ in ROWS} <= FAULTS.keys()
    assert lines <= FAULTS.keys()
    assert set(get_args(PDFCode)) <= lines
    assert {getattr(POLICY, each.lower()) for each in lines} <= set(get_args(Disposition))
