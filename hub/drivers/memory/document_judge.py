"""A judge for tests and rehearsals: it takes a PDF for what its unpacked text says, and no parser is behind it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterable

from hub.core.documents import PDFCode, PDFFinding, PDFReport

_NAMES: tuple[tuple[bytes, PDFCode], ...] = (
    (rb"/Encrypt\b", "PDF_ENCRYPTED"),
    (rb"/JavaScript\b|/JS\b", "PDF_SCRIPT"),
    (rb"/Launch\b", "PDF_LAUNCH"),
    (rb"/SubmitForm\b|/GoToR\b", "PDF_REMOTE"),
    (rb"/OpenAction\b|/AA\b", "PDF_AUTOMATIC"),
    (rb"/EmbeddedFile\b|/EF\b", "PDF_EMBEDDED"),
)


class MemoryDocumentJudge:
    """Keeps the `DocumentJudge` port for PDFs whose objects are not packed. No hub judges strangers by it."""

    async def judge(self, chunks: AsyncIterable[bytes]) -> PDFReport:
        document = b"".join([chunk async for chunk in chunks])
        header = re.match(rb"%PDF-(\d\.\d)", document)
        if header is None:
            return PDFReport(findings=(PDFFinding("PDF_BROKEN", "", "no header"),))
        findings = [PDFFinding(code) for name, code in _NAMES if re.search(name, document)]
        pages = len(re.findall(rb"/Type\s*/Page\b", document))
        return PDFReport(header[1].decode(), pages, 0, tuple(findings))
