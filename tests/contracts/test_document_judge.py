"""What every judge of documents promises, on PDFs whose objects are not packed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from hub.drivers.memory.document_judge import MemoryDocumentJudge
from hub.drivers.system.jail.judge import JailedDocumentJudge, available
from hub.ports.document_judge import DocumentJudge
from tests.unit.documents.make import pdf, stream

KNOWN = {
    "plain": (pdf(), set()),
    "encrypted": (pdf(trailer=b"/Encrypt<</Filter/Mine>>"), {"PDF_ENCRYPTED"}),
    "scripted": (pdf(page=b"/Annots[<</A<</S/JavaScript/JS(1)>>>>]"), {"PDF_SCRIPT"}),
    "launching": (pdf(root=b"/OpenAction<</S/Launch/F(a)>>"), {"PDF_LAUNCH", "PDF_AUTOMATIC"}),
    "submitting": (pdf(page=b"/Annots[<</A<</S/SubmitForm/F(a)>>>>]"), {"PDF_REMOTE"}),
    "carrying": (pdf(stream(b"x"), page=b"/AF[<</Type/Filespec/EF<</F 4 0 R>>>>]"), {"PDF_EMBEDDED"}),
}


class Cut(Exception):
    """A sender that goes away."""


async def chunks(document: bytes, size: int = 100, *, cut: bool = False) -> AsyncIterator[bytes]:
    for at in range(0, len(document), size):
        yield document[at : at + size]
    if cut:
        raise Cut


@pytest.fixture(
    params=["memory", pytest.param("jail", marks=pytest.mark.skipif(not available(), reason="the jail is Linux"))]
)
async def judge(request: pytest.FixtureRequest) -> AsyncIterator[DocumentJudge]:
    if request.param == "memory":
        yield MemoryDocumentJudge()
    else:
        async with JailedDocumentJudge(wardens=2) as jailed:
            yield jailed


async def test_what_is_in_a_pdf_is_reported(judge: DocumentJudge) -> None:
    found = {name: await judge.judge(chunks(document)) for name, (document, _) in KNOWN.items()}

    assert {name: {each.code for each in report.findings} for name, report in found.items()} == {
        name: codes for name, (_, codes) in KNOWN.items()
    }


async def test_version_and_pages_are_reported(judge: DocumentJudge) -> None:
    report = await judge.judge(chunks(pdf()))

    assert (report.version, report.pages, report.updates) == ("1.7", 1, 0)


@pytest.mark.parametrize("document", [b"", b"x", b"\0" * 100_000, b"{}"])
async def test_what_is_no_pdf_is_broken(judge: DocumentJudge, document: bytes) -> None:
    assert "PDF_BROKEN" in {each.code for each in (await judge.judge(chunks(document, 1_000))).findings}


async def test_documents_sent_at_once_each_get_their_own_report(judge: DocumentJudge) -> None:
    documents = [document for document, _ in KNOWN.values()] * 3

    reports = await asyncio.gather(*[judge.judge(chunks(each)) for each in documents])

    expected = [codes for _, codes in KNOWN.values()] * 3
    assert [{each.code for each in report.findings} for report in reports] == expected


async def test_a_sender_that_goes_away_takes_nobody_with_it(judge: DocumentJudge) -> None:
    for _ in range(3):
        with pytest.raises(Cut):
            await judge.judge(chunks(pdf(), cut=True))

    assert (await judge.judge(chunks(pdf()))).pages == 1


async def test_a_caller_that_gives_up_takes_nobody_with_it(judge: DocumentJudge) -> None:
    begun = asyncio.Event()

    async def stalls() -> AsyncIterator[bytes]:
        yield b"%PDF"
        begun.set()
        await asyncio.Event().wait()

    for _ in range(3):
        given_up = asyncio.create_task(judge.judge(stalls()))
        await begun.wait()
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)

    assert (await judge.judge(chunks(pdf()))).pages == 1
