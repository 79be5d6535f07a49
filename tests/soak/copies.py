"""Digital copies of documents, changed at random, and one through all that is done with it before it is kept.

A PDF is examined in the jail, which has limits of its own: a share of them says enough of what it answers.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from functools import cache
from random import Random
from time import process_time
from typing import Final

from hub.core.documents import DocumentPolicy, PDFReport, decide
from hub.core.words import words
from hub.drivers.system.jail.judge import JailedDocumentJudge, available
from schemas.documents.credential import unwrap
from schemas.documents.sniff import JPEG, PDF, PNG, XML, sniff
from schemas.faults import Fault, Severity
from tests.samples import sample, samples
from tests.soak.by_object import OF_JPEG, OF_PDF, OF_PNG, OF_XML
from tests.soak.by_tree import OF_JSON
from tests.soak.mutate import changed
from tests.soak.mutation import Mutation
from tests.soak.seeds import Seed
from tests.soak.trial import Outcome, in_time, wrongly_said
from tests.unit.documents.make import jpeg, pdf, png, segment, stream, text_chunk
from tests.wire.hostile_pdfs import HOSTILE

POLICY: Final = DocumentPolicy()
CLAIMS = (*[""] * 12, PDF, PNG, JPEG, XML, "application/json", "text/xml", "application/octet-stream")
IN_THE_JAIL_EVERY = 20
_UNOPENED = frozenset({None, PDF, JPEG, PNG, XML})
_HOSTILE_BYTES_MAX = 65_536
_INVOICE = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2">'
    b"<ID>INV-42</ID><IssueDate>2026-11-22</IssueDate><Note languageID='en'>Sold as seen &amp; paid.</Note></Invoice>"
)


@cache
def families() -> tuple[tuple[tuple[Seed, ...], tuple[Mutation, ...]], ...]:
    """The seeds of each type, and what changes them."""
    pdfs = [pdf(), pdf(stream(b"0 0 m", b"/Filter/FlateDecode")), *(each for each, _ in HOSTILE.values())]
    pdfs = [each for each in pdfs if len(each) <= _HOSTILE_BYTES_MAX]
    credentials = [Seed(path, sample(path)) for path in samples("trade-documents/**/*.json")]
    return (
        (tuple(Seed(f"{number}.pdf", each) for number, each in enumerate(pdfs)), OF_PDF),
        ((Seed("a.png", png()), Seed("text.png", png(text_chunk(b"Faktura")))), OF_PNG),
        ((Seed("a.jpg", jpeg()), Seed("exif.jpg", jpeg(segment(0xE1, b"Exif\0\0" + b"\0" * 40)))), OF_JPEG),
        ((Seed("invoice.xml", _INVOICE),), OF_XML),
        (tuple(credentials), OF_JSON),
    )


def copy_of(seed: int, number: int) -> tuple[Seed, bytes, str]:
    """The copy of a number, and the type that its sender claims."""
    chance = Random(f"{seed}:{number}:copy")
    seeds, kinds = chance.choice(families())
    origin = chance.choice(seeds)
    return origin, changed(chance, origin.content, kinds), chance.choice(CLAIMS)


def tried(document: bytes, claimed: str) -> Outcome:
    """The copy sniffed, opened if it may be a credential, and decided on; every fault said in French; in time."""
    began = process_time()
    verdicts: Counter[str] = Counter()
    try:
        sniffed = sniff(document, claimed)
        faults, failures = list(sniffed.faults), []
        if sniffed.media_type not in _UNOPENED:
            unwrapped = unwrap(document)
            faults += unwrapped.faults
            for credential in unwrapped.credentials:
                str(credential).encode()
        decision = decide(faults, POLICY)
        verdicts[decision.disposition] += 1
        failures += wrongly_said(list(decision.faults), words())
        if (sniffed.media_type is None) > (decision.disposition == "refuse"):
            failures.append("taken without a type")
    except Exception as e:  # noqa: BLE001 -- this is what is looked for
        return Outcome("raised", Counter(), [f"raised {type(e).__name__}: {str(e)[:200]}"], process_time() - began)
    seconds = process_time() - began
    return Outcome(sniffed.media_type or "none", verdicts, [*failures, *in_time(document, seconds)], seconds)


def judged(documents: Iterable[bytes]) -> list[str]:
    """What the jail should not have answered about PDFs."""
    return asyncio.run(_judged(documents)) if available() else []


async def _judged(documents: Iterable[bytes]) -> list[str]:
    failures = []
    async with JailedDocumentJudge(wardens=1) as judge:
        for document in documents:
            failures += _wrong(await judge.judge(_chunks(document)))
    return failures


def _wrong(report: PDFReport) -> Iterator[str]:
    faults: list[Fault] = report.faults()
    yield from wrongly_said(faults, words())
    yield from (f"{each.code}: {each.found}" for each in faults if each.code == "PDF_NOT_EXAMINED")
    if not faults and not report.pages:
        yield "a PDF without pages is plain"
    if len({each.code for each in faults}) < len(faults) or any(each.severity not in Severity for each in faults):
        yield "a code is told twice"


async def _chunks(document: bytes) -> AsyncIterator[bytes]:
    yield document
