"""Examine: what a copy is by its own bytes, what a parser in a jail and a virus scanner say of it, and what follows.

The bytes stand in memory for as long as it takes, for few copies at a time: nothing readable is ever on a disk. A
trade document that is wrapped in a credential is opened, and what an officer would look it up by goes into its event.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import nullcontext
from mmap import mmap
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from hub.core.copies import Asked
from hub.core.documents import Decision, DocumentPolicy, decide
from hub.core.issuer import IssuerKey
from hub.intake.turns import Turns
from hub.ports.document_judge import DocumentJudge, VirusScanner
from hub.ports.system import Clock
from hub.trust.credential import Judged, KeyBook, judge, standing_fault
from schemas.documents.credential import Credential, unwrap
from schemas.documents.sniff import JSON, PDF, VC_JWT, VP_JWT, Sniffed, sniff
from schemas.documents.validity import Validity, validity, validity_fault
from schemas.faults import Fault, Severity, fault

AT_ONCE = 2
LARGE_BYTES = 1_048_576
"""Of what is opened, it takes up to sixteen times its size: larger ones are opened one at a time."""
REFERENCES_MAX = 50
CREDENTIALS_MAX = 20
_STEP = 262_144


Issuers = Callable[[str], Sequence[IssuerKey]]
"""The keys that the hub's book has of an issuer, by its URI, as of now."""
References = tuple[dict[str, str], ...]
_OPENED = frozenset({JSON, VC_JWT, VP_JWT})


class Wrapped(Struct, frozen=True):
    """A credential, whose word it is, and why it does not count today, if it does not."""

    credential: Credential
    judged: Judged
    validity: Validity | None

    def faults(self, now: int) -> list[Fault]:
        times = self.credential.valid_from, self.credential.valid_until
        found = standing_fault(self.credential, self.judged), validity_fault(self.credential.place, *times, now=now)
        return [each for each in found if each is not None]


class Examined(Struct, frozen=True):
    media_type: str
    """As found; empty where the bytes tell none, and then it is refused."""
    decision: Decision
    references: References = ()
    """What a wrapped trade document names, each once."""
    credentials: tuple[dict[str, Any], ...] = ()
    """Whose word it is: members as in the event's extension."""


class Examiner:
    def __init__(
        self,
        *,
        judge: DocumentJudge,
        scanner: VirusScanner | None,
        policy: DocumentPolicy,
        issuers: Issuers,
        clock: Clock,
    ) -> None:
        """`scanner`: None where documents are not scanned."""
        self._judge = judge
        self._scanner = scanner
        self._policy = policy
        self._issuers = issuers
        self._clock = clock
        self._turns = Turns(AT_ONCE)
        self._large = asyncio.Lock()

    async def examine(
        self, chunks: AsyncIterator[bytes], size: int, claimed: str, *, asked: Asked, sender: str
    ) -> Examined:
        """`size` is that of all chunks; `claimed` a media type as its sender wrote it. Senders take turns."""
        async with self._turns.turn(sender):
            if not size:
                return self._examined(sniff(b""))
            with mmap(-1, size) as document:
                async for chunk in chunks:
                    document.write(chunk)
                sniffed = await asyncio.to_thread(sniff, document, claimed)
                if decide(sniffed.faults, self._policy).disposition == "refuse":
                    return self._examined(sniffed)
                faults, named, wrapped = await self._opened(document, sniffed, asked)
                return self._examined(sniffed, faults + await self._asked(document, sniffed), named, wrapped)

    async def _asked(self, document: mmap, sniffed: Sniffed) -> list[Fault]:
        """What others say of it."""
        faults: list[Fault] = []
        if sniffed.media_type == PDF:
            faults += (await self._judge.judge(_chunks(document))).faults()
        if self._scanner is not None:
            faults += (await self._scanner.scan(_chunks(document))).faults()
        return faults

    async def _opened(
        self, document: mmap, sniffed: Sniffed, asked: Asked
    ) -> tuple[list[Fault], References, list[Wrapped]]:
        """On a thread, for it may take seconds; the book is looked into by the loop that keeps it."""
        if sniffed.media_type not in _OPENED:
            return [], (), []
        async with self._large if len(document) > LARGE_BYTES else nullcontext():
            unwrapped = await asyncio.to_thread(unwrap, document[:])
            issuers = {each.issuer.id for each in unwrapped.credentials if each.issuer is not None}
            book = {issuer: self._issuers(issuer) for issuer in issuers}
            now = self._clock.now_us() // 1_000_000
            wrapped = await asyncio.to_thread(_judged, unwrapped.credentials, book, now)
            faults = [*unwrapped.faults, *(found for each in wrapped for found in each.faults(now))]
            if not unwrapped.wrapped:
                faults = [] if unwrapped.credentials else [_of_reading(each) for each in unwrapped.faults]
            faults += _differing(unwrapped.credentials, asked)
            return faults, _references(unwrapped.credentials), wrapped

    def _examined(
        self, sniffed: Sniffed, faults: Sequence[Fault] = (), named: References = (), wrapped: Sequence[Wrapped] = ()
    ) -> Examined:
        return Examined(
            sniffed.media_type or "",
            decide([*sniffed.faults, *faults], self._policy),
            named,
            tuple(_told(each) for each in wrapped[:CREDENTIALS_MAX]),
        )


def _judged(credentials: Sequence[Credential], book: KeyBook, now: int) -> list[Wrapped]:
    """A bare trade document is nobody's word."""
    return [
        Wrapped(each, judge(each, book, now=now), validity(each.valid_from, each.valid_until, now=now))
        for each in credentials
        if each.issuer is not None
    ]


def _of_reading(found: Fault) -> Fault:
    """JSON that the hub does not look into is a document all the same, unless two readers may see two in it."""
    return found if found.code == "JSON_MEMBER_REPEATED" else replace(found, severity=Severity.WARNING)


def _differing(credentials: Sequence[Credential], asked: Asked) -> list[Fault]:
    """Whether the documents that are wrapped are all others than the request says; what is not told differs from
    nothing."""
    inside = [(each.kind, each.reference) for credential in credentials for each in credential.documents]
    named = [each for each in inside if any(each)]
    if not named or any(kind in ("", asked.kind) and reference in ("", asked.reference) for kind, reference in named):
        return []
    expected = f"kind {asked.kind} and reference {asked.reference}, as the request says"
    return [fault("CREDENTIAL_DIFFERS", credentials[0].place, " ".join(filter(None, named[0])), expected)]


def _references(credentials: Sequence[Credential]) -> References:
    named = {
        (each.scheme, each.value): None
        for credential in credentials
        for document in credential.documents
        for each in document.identifiers
    }
    return tuple({"scheme": scheme, "value": value} for scheme, value in list(named)[:REFERENCES_MAX])


def _told(wrapped: Wrapped) -> dict[str, Any]:
    credential, judged = wrapped.credential, wrapped.judged
    told = {
        "types": list(credential.types),
        "issuer": credential.issuer.id if credential.issuer is not None else "",
        "standing": judged.standing,
        "key": judged.key,
        "validity": wrapped.validity,
        "valid_from": credential.valid_from,
        "valid_until": credential.valid_until,
        "documents": [{"kind": each.kind, "reference": each.reference} for each in credential.documents],
    }
    return {name: member for name, member in told.items() if member}


async def _chunks(document: mmap) -> AsyncIterator[bytes]:
    for at in range(0, len(document), _STEP):
        yield document[at : at + _STEP]
