"""One file to the hub: what it is, by which route it goes, and what the hub says of it.

Copies of documents are known by their bytes, or by the details that lie beside them; events by what they are; what
holds no events may still wrap a document of the trade.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

from msgspec import Struct, to_builtins

from connectors.language import language
from connectors.partner.client import UNREACHABLE, Client, DocumentRefused
from connectors.partner.outcome import EventUnsendable, Outcome, OutgoingEvent, Verdict, events_of
from connectors.partner.receipts import ReceiptBook
from connectors.session import KEY_HISTORY_PATH, HubRefused, HubSession, HubUnreachable
from connectors.watch import edifact
from connectors.watch.captures import Captures
from connectors.watch.copies import Copies, is_copy, is_wrapped
from connectors.watch.interchanges import Interchanges
from connectors.watch.jobs import FAILED
from connectors.watch.reply import ITEMS_MAX, Incomplete, Mark, NotNow, Reply, not_now, of_items, refused_whole, said
from connectors.watch.stripping import Stripping
from connectors.watch.tables import Tables
from schemas.faults import Fault
from schemas.translate.recognise import XLSX, recognise_file

FINE = edifact.FINE
REFUSED = frozenset((Verdict.REJECTED, Verdict.CONFLICT))
DOCUMENT_SECONDS_MAX = 40.0
"""The hub gives a body 8 s and answers within 10 s more; what comes between may be slow."""
_MEDIA_TYPES = {
    "epcis": "application/ld+json",
    "dcsa": "application/json",
    "onerecord": "application/ld+json",
    "edifact": "application/edifact",
}
_EMPTY = {"en": "The file is empty: 0 bytes.", "fr": "Le fichier est vide : 0 octet."}
_TOO_LARGE = "BODY_TOO_LARGE"
AT_ONCE_BYTES_MAX = 4_194_304
"""What a hub answers at once, unless it is set up otherwise. More EDIFACT goes as a job without having been refused: a
refusal that comes while a body is on its way may be lost."""
_OF_FILE = frozenset(("INTERNAL", "OUTCOME_UNKNOWN"))
"""What a hub that is there may say of this file again and again, and of no other."""


class File(Struct, frozen=True):
    """A file that was read. `details`: what lies beside it to say what it is."""

    name: str
    document: bytes
    details: bytes | None = None


class Sending:
    """Sends files in one session. `event_type` and `source`: what tables and documents do not say themselves. `strip`:
    what no agreement covers is left out."""

    def __init__(
        self,
        session: HubSession,
        client: Client,
        *,
        event_type: str | None = None,
        source: str | None = None,
        receipts: ReceiptBook | None = None,
        strip: bool = False,
    ) -> None:
        self._session, self._client = session, client
        self._copies = Copies(session, receipts)
        self._stripping = Stripping(session, event_type=event_type, source=source) if strip else None
        self._query = {"source": source} if source else {}
        self._captures = Captures(session, self._query)
        self._interchanges = Interchanges(session, self._query)
        self._tables = Tables(session, self._query | ({"type": event_type} if event_type else {}))

    async def send(self, file: File, mark: Mark) -> Reply:
        """Send a file and say what became of all of it. Raises `NotNow`, `HubRefused`: it stays, to be sent again;
        `Incomplete`: more of it may be coming."""
        try:
            return await self._send(file, mark)
        except HubUnreachable as e:
            raise NotNow(str(e), of_file=await self._is_there()) from e

    async def _is_there(self) -> bool:
        """Whether the hub answers anything: then it is this file that does not get through."""
        try:
            await self._session.public(KEY_HISTORY_PATH)
        except (HubUnreachable, HubRefused):
            return False
        return True

    async def _send(self, file: File, mark: Mark) -> Reply:
        document = file.document
        if not document:
            raise Incomplete(refused_whole("BODY_MALFORMED", _EMPTY[language()]))
        if file.details is not None or is_copy(document):
            wrapped = not is_copy(document)
            return await self._copies.send(file.name, document, file.details, wrapped=wrapped)
        family = await asyncio.to_thread(recognise_file, file.name, document)
        if isinstance(family, Fault):
            if await asyncio.to_thread(is_wrapped, document):
                return await self._copies.send(file.name, document, None, wrapped=True)
            return refused_whole(family.code, "", said([family]))
        if self._stripping is not None:
            sent = await self._stripping.sent(family, document, mark)
            if isinstance(sent, Reply):
                return sent
            document = sent
        return await self._send_as(family, document, mark)

    async def _send_as(self, family: str, document: bytes, mark: Mark) -> Reply:
        if family == "native":
            return await self._send_native(document)
        if family == "tabular":
            return await self._send_table(document, mark)
        if family == "epcis" and mark.job:
            return await self._capture(document, mark)
        if family == "edifact" and (mark.job or len(document) > AT_ONCE_BYTES_MAX):
            return await self._interchange(document, mark)
        return await self._send_document(family, document, mark)

    async def _send_native(self, document: bytes) -> Reply:
        try:
            raws = await asyncio.to_thread(events_of, document)
        except EventUnsendable as e:
            return refused_whole("EVENT_INVALID", "", said(e.faults))
        kept: list[Outcome | None] = []
        events: list[OutgoingEvent] = []
        for raw in raws:
            try:
                events.append(OutgoingEvent.of(raw))
                kept.append(None)
            except EventUnsendable as e:
                kept.append(Outcome("", "", Verdict.REJECTED, "EVENT_INVALID", faults=said(e.faults)))
        sent = iter(await self._client.send(events))
        return _of_outcomes("native", [each or next(sent) for each in kept])

    async def _send_table(self, document: bytes, mark: Mark) -> Reply:
        media_type = XLSX if document.startswith(b"PK") else "text/csv"
        try:
            return _of_table(*await self._tables.send(document, media_type, job=mark.job, note_job=mark.note_job))
        except DocumentRefused as e:
            return refused_whole(e.code, e.words, e.faults, "tabular")
        except HubRefused as e:
            raise not_now(e) from e

    async def _capture(self, document: bytes, mark: Mark) -> Reply:
        try:
            return _of_capture(await self._captures.send(document, job=mark.job, note_job=mark.note_job))
        except DocumentRefused as e:
            return refused_whole(e.code, e.words, e.faults, "epcis")
        except HubRefused as e:
            raise not_now(e) from e

    async def _interchange(self, document: bytes, mark: Mark) -> Reply:
        try:
            return _of_interchange(*await self._interchanges.send(document, job=mark.job, note_job=mark.note_job))
        except DocumentRefused as e:
            reply = refused_whole(e.code, e.words, e.faults, "edifact")
            return await _answered(reply, document, edifact.refused_whole(e.code, e.words, e.faults), mark)
        except HubRefused as e:
            raise not_now(e) from e

    async def _send_document(self, family: str, document: bytes, mark: Mark) -> Reply:
        try:
            outcomes = await self._client.send_document(
                document, _MEDIA_TYPES[family], seconds_max=DOCUMENT_SECONDS_MAX, **self._query
            )
            reply = _of_outcomes(family, outcomes)
            items = [to_builtins(each) for each in outcomes]
        except DocumentRefused as e:
            if family == "epcis" and e.code == _TOO_LARGE:
                return await self._capture(document, mark)
            if family == "edifact" and e.code == _TOO_LARGE:
                return await self._interchange(document, mark)
            reply = refused_whole(e.code, e.words, e.faults, family)
            items = edifact.refused_whole(e.code, e.words, e.faults)
        except HubRefused as e:
            raise not_now(e) from e
        return await _answered(reply, document, items, mark) if family == "edifact" else reply


async def _answered(reply: Reply, document: bytes, items: list[dict[str, Any]], mark: Mark) -> Reply:
    """The reply to EDIFACT, with CONTRL and APERAK beside it."""
    beside = await asyncio.to_thread(edifact.answers, document, items, mark.reference)
    return Reply(reply.room, reply.result, beside)


def _of_outcomes(family: str, outcomes: Sequence[Outcome]) -> Reply:
    """Raises `NotNow`, `HubUnreachable`, as long as one event has no final answer."""
    for each in outcomes:
        if each.verdict not in FINE and each.verdict not in REFUSED:
            if each.code == UNREACHABLE:
                raise HubUnreachable(each.detail)
            words_ = " ".join(filter(None, (each.code or each.verdict, each.detail)))
            of_file = (
                each.verdict in (Verdict.UNKNOWN, Verdict.HELD)
                or each.code in _OF_FILE
                or each.code.startswith("HTTP_5")
            )
            raise NotNow(words_, of_file=of_file)
    items = [to_builtins(each) for each in outcomes]
    fine = all(each.verdict in FINE and not each.receipt_fault for each in outcomes)
    return of_items(family, dict(Counter(str(each.verdict) for each in outcomes)), items, fine=fine)


def _of_capture(job: dict[str, Any]) -> Reply:
    errors = job["errors"][:ITEMS_MAX]
    reply = of_items("epcis", job["counts"], errors, fine=job["success"])
    return Reply(reply.room, reply.result | {"capture": job["captureID"]})


def _of_job(family: str, document: dict[str, Any], items: list[dict[str, Any]]) -> Reply:
    if document["state"] == FAILED:
        faults = [each for item in items for each in item.get("faults") or ()]
        return refused_whole(document.get("code", FAILED), document.get("detail", ""), faults, family)
    fine = {verdict for verdict, count in document["counts"].items() if count} <= FINE
    return of_items(family, document["counts"], items, fine=fine)


def _of_interchange(document: dict[str, Any], items: list[dict[str, Any]], answers: dict[str, bytes]) -> Reply:
    reply = _of_job("edifact", document, items)
    return Reply(reply.room, reply.result | {"interchange": document["id"]}, answers)


def _of_table(document: dict[str, Any], items: list[dict[str, Any]], workbook: bytes | None) -> Reply:
    reply = _of_job("tabular", document, items)
    beside = {".marked.xlsx": workbook} if workbook else {}
    return Reply(reply.room, reply.result | {"table": document["id"]}, beside)
