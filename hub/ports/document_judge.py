"""Judges of documents: what is in a PDF, and what a virus scanner says. They report; the policy decides."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import Protocol

from hub.core.documents import PDFReport, Scan


class DocumentJudge(Protocol):
    async def judge(self, chunks: AsyncIterable[bytes]) -> PDFReport:
        """Examine the structure of a PDF, sent as chunks of any size.

        MUST answer whatever the bytes are; what is no PDF at all is `PDF_BROKEN`.
        MUST be bounded in time and memory, and say `PDF_BOMB` where the bounds end the examination.
        MUST NOT run, open, fetch or draw anything that the document names, nor write any of it to a disk.
        MUST say `PDF_NOT_EXAMINED` where it cannot examine: an absent finding means that it was looked for.
        MUST let an exception of `chunks` pass, and a cancellation; the next document is judged as if nothing had been.
        """


class VirusScanner(Protocol):
    async def scan(self, chunks: AsyncIterable[bytes]) -> Scan:
        """Ask whether the document holds malware.

        MUST answer `unknown` when the scanner is away, slow, or answers anything that is not understood.
        MUST NOT hold more than a few chunks. MUST let an exception of `chunks` pass, and a cancellation.
        """
