"""Examine: what a copy is by its own bytes, what a parser in a jail and a virus scanner say of it, and what follows.

The bytes stand in memory for as long as it takes, for few copies at a time: nothing readable is ever on a disk. A
trade document that is wrapped in a credential is opened, and what an officer would look it up by goes into its event.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from mmap import mmap
from typing import Any

from msgspec import Struct

from hub.core.documents import Decision, DocumentPolicy, decide
from hub.ports.document_judge import DocumentJudge, VirusScanner
from hub.trust.credential import KeyBook, standing, standing_fault
from schemas.documents.credential import Credential, unwrap
from schemas.documents.sniff import JSON, PDF, Sniffed, sniff
from schemas.faults import Fault

AT_ONCE = 2
UNWRAPPED_BYTES_MAX = 1_048_576
"""A larger JSON document is kept as it is: opened, it would take many times its size."""
REFERENCES_MAX = 50
CREDENTIALS_MAX = 20
_STEP = 262_144


class Examined(Struct, frozen=True):
    media_type: str
    """As found; empty where the bytes tell none, and then it is refused."""
    decision: Decision
    references: tuple[dict[str, str], ...] = ()
    """What a wrapped trade document names, each once."""
    credentials: tuple[dict[str, Any], ...] = ()
    """Whose word it is: members as in the event's extension."""


class Examiner:
    def __init__(
        self, *, judge: DocumentJudge, scanner: VirusScanner | None, policy: DocumentPolicy, keys: KeyBook
    ) -> None:
        """`scanner`: None where documents are not scanned. `keys`: of the issuers of credentials."""
        self._judge = judge
        self._scanner = scanner
        self._policy = policy
        self._keys = keys
        self._places = asyncio.Semaphore(AT_ONCE)

    async def examine(self, chunks: AsyncIterator[bytes], size: int, claimed: str) -> Examined:
        """`size` is that of all chunks; `claimed` a media type as its sender wrote it."""
        async with self._places:
            if not size:
                return self._examined(sniff(b""), [], ())
            with mmap(-1, size) as document:
                async for chunk in chunks:
                    document.write(chunk)
                sniffed = await asyncio.to_thread(sniff, document, claimed)
                if decide(sniffed.faults, self._policy).disposition == "refuse":
                    return self._examined(sniffed, [], ())
                faults, credentials = await self._opened(document, sniffed)
                return self._examined(sniffed, faults + await self._asked(document, sniffed), credentials)

    async def _asked(self, document: mmap, sniffed: Sniffed) -> list[Fault]:
        """What others say of it."""
        faults: list[Fault] = []
        if sniffed.media_type == PDF:
            faults += (await self._judge.judge(_chunks(document))).faults()
        if self._scanner is not None:
            faults += (await self._scanner.scan(_chunks(document))).faults()
        return faults

    async def _opened(self, document: mmap, sniffed: Sniffed) -> tuple[list[Fault], tuple[Credential, ...]]:
        if sniffed.media_type != JSON or len(document) > UNWRAPPED_BYTES_MAX:
            return [], ()
        unwrapped = await asyncio.to_thread(unwrap, document[:])
        wrapped = [each for each in unwrapped.credentials if each.issuer is not None]
        unproven = [standing_fault(each, standing(each, self._keys)) for each in wrapped]
        faults = [*unwrapped.faults, *filter(None, unproven)] if wrapped else []
        return faults, unwrapped.credentials

    def _examined(self, sniffed: Sniffed, faults: list[Fault], credentials: tuple[Credential, ...]) -> Examined:
        named = {
            (each.scheme, each.value): None
            for credential in credentials
            for document in credential.documents
            for each in document.identifiers
        }
        return Examined(
            sniffed.media_type or "",
            decide([*sniffed.faults, *faults], self._policy),
            tuple({"scheme": scheme, "value": value} for scheme, value in list(named)[:REFERENCES_MAX]),
            tuple(self._told(each) for each in credentials[:CREDENTIALS_MAX] if each.issuer is not None),
        )

    def _told(self, credential: Credential) -> dict[str, Any]:
        told = {
            "types": list(credential.types),
            "issuer": credential.issuer.id if credential.issuer is not None else "",
            "standing": standing(credential, self._keys),
            "valid_from": credential.valid_from,
            "valid_until": credential.valid_until,
            "documents": [{"kind": each.kind, "reference": each.reference} for each in credential.documents],
        }
        return {name: member for name, member in told.items() if member}


async def _chunks(document: mmap) -> AsyncIterator[bytes]:
    for at in range(0, len(document), _STEP):
        yield document[at : at + _STEP]
