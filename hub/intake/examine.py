"""Examine: what a copy is by its own bytes, what a parser in a jail and a virus scanner say of it, and what follows.

The bytes stand in memory for as long as it takes, for few copies at a time: nothing readable is ever on a disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from mmap import mmap

from msgspec import Struct

from hub.core.documents import Decision, DocumentPolicy, decide
from hub.ports.document_judge import DocumentJudge, VirusScanner
from schemas.documents.sniff import PDF, Sniffed, sniff
from schemas.faults import Fault

AT_ONCE = 2
_STEP = 262_144


class Examined(Struct, frozen=True):
    media_type: str
    """As found; empty where the bytes tell none, and then it is refused."""
    decision: Decision


class Examiner:
    def __init__(self, *, judge: DocumentJudge | None, scanner: VirusScanner | None, policy: DocumentPolicy) -> None:
        """None: there is none, and nothing is said in its stead."""
        self._judge = judge
        self._scanner = scanner
        self._policy = policy
        self._places = asyncio.Semaphore(AT_ONCE)

    async def examine(self, chunks: AsyncIterator[bytes], size: int, claimed: str) -> Examined:
        """`size` is that of all chunks; `claimed` a media type as its sender wrote it."""
        async with self._places:
            if not size:
                return self._decided(sniff(b""), [])
            with mmap(-1, size) as document:
                async for chunk in chunks:
                    document.write(chunk)
                sniffed = await asyncio.to_thread(sniff, document, claimed)
                return self._decided(sniffed, await self._asked(document, sniffed))

    async def _asked(self, document: mmap, sniffed: Sniffed) -> list[Fault]:
        """What others say; nobody is asked of what is refused already."""
        if decide(sniffed.faults, self._policy).disposition == "refuse":
            return []
        faults: list[Fault] = []
        if self._judge is not None and sniffed.media_type == PDF:
            faults += (await self._judge.judge(_chunks(document))).faults()
        if self._scanner is not None:
            faults += (await self._scanner.scan(_chunks(document))).faults()
        return faults

    def _decided(self, sniffed: Sniffed, faults: list[Fault]) -> Examined:
        return Examined(sniffed.media_type or "", decide([*sniffed.faults, *faults], self._policy))


async def _chunks(document: mmap) -> AsyncIterator[bytes]:
    for at in range(0, len(document), _STEP):
        yield document[at : at + _STEP]
