"""Digital copies of documents to the hub, with what is said of them, and the receipt back."""

from __future__ import annotations

import asyncio
import re
from pathlib import PurePath
from typing import Any

import orjson

from connectors.language import language
from connectors.partner.client import is_about_content
from connectors.partner.documents import MEDIA_TYPES, Handed, hand_in, keep
from connectors.partner.outcome import TAKEN, Verdict
from connectors.partner.receipts import ReceiptBook
from connectors.session import HubRefused, HubSession
from connectors.watch import details
from connectors.watch.details import DetailsInvalid, DetailsMissing
from connectors.watch.reply import Incomplete, NotNow, Reply, not_now, of_items, refused_whole
from schemas.documents.credential import unwrap

FAMILY = "document"
_COPY = re.compile(rb"%PDF-|\xff\xd8\xff|\x89PNG\r\n")
_MISSING = {
    "en": "The hub cannot tell what this document is: {missing} missing. Either name the file by both, such as "
    "`commercial invoice INV-42.pdf`; or fill in the file {form} beside it. Then move the document, and that file if "
    "you filled it in, back to the folder that is watched.",
    "fr": "Le hub ne peut savoir ce qu'est ce document : il manque {missing}. Donnez les deux dans le nom du fichier, "
    "par exemple `facture commerciale INV-42.pdf` ; ou remplissez le fichier {form} à côté. Remettez ensuite le "
    "document, et ce fichier si vous l'avez rempli, dans le dossier surveillé.",
}
_ENDING = {
    "en": "This is a PDF, JPEG or PNG: let its name end with .pdf, .jpg or .png, and move it back to the folder that "
    "is watched.",
    "fr": "C'est un PDF, JPEG ou PNG : que son nom finisse par .pdf, .jpg ou .png, et remettez-le dans le dossier "
    "surveillé.",
}


def is_copy(document: bytes) -> bool:
    """Whether these are the bytes of a PDF, a JPEG or a PNG."""
    return _COPY.match(document) is not None


def is_wrapped(document: bytes) -> bool:
    """Whether trade documents are wrapped in this one, in which no events were found."""
    return document.lstrip().startswith((b"{", b"[")) and bool(unwrap(document).credentials)


class Copies:
    """Hands copies in, in one session; keeps their receipts in `book`."""

    def __init__(self, session: HubSession, book: ReceiptBook | None) -> None:
        self._session, self._book = session, book

    async def send(self, name: str, document: bytes, written: bytes | None, *, wrapped: bool) -> Reply:
        """Hand a copy in; `written`: the details beside it. Raises `Incomplete`, `NotNow`, `HubUnreachable`."""
        try:
            asked = await asyncio.to_thread(details.details_of, name, document, written, wrapped=wrapped)
        except DetailsInvalid as e:
            return refused_whole("DETAILS_INVALID", str(e), family=FAMILY)
        except DetailsMissing as e:
            raise Incomplete(_lacking(name, str(e))) from e
        try:
            handed = await hand_in(self._session, document, asked, PurePath(name).suffix)
        except HubRefused as e:
            if is_about_content(e):
                return refused_whole(e.code, e.words, e.problem.get("faults") or (), FAMILY)
            raise not_now(e) from e
        return await self._of(handed)

    async def _of(self, handed: Handed) -> Reply:
        verdict = handed.answer["verdict"]
        if verdict not in TAKEN:
            raise NotNow(f"the hub answers {verdict}", of_file=verdict in (Verdict.HELD, Verdict.UNKNOWN))
        if self._book is not None:
            await asyncio.to_thread(keep, self._book, handed)
        item: dict[str, Any] = {name: each for name, each in handed.answer.items() if name != "receipt"}
        if handed.fault:
            item["receipt_fault"] = handed.fault
        withdrawn = item.get("state") == "withdrawn"  # Then it does not count, though the hub has it.
        reply = of_items(FAMILY, {verdict: 1}, [item], fine=not handed.fault and not withdrawn)
        receipt = orjson.dumps(handed.answer["receipt"], option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        return Reply(reply.room, reply.result, {".receipt.json": receipt})


def _lacking(name: str, missing: str) -> Reply:
    if PurePath(name).suffix.lower() not in MEDIA_TYPES:
        return refused_whole("DETAILS_MISSING", _ENDING[language()], family=FAMILY)
    shown = f"{name.encode(errors='replace').decode()}{details.ENDING}"
    said = refused_whole("DETAILS_MISSING", _MISSING[language()].format(missing=missing, form=shown), family=FAMILY)
    return Reply(said.room, said.result, {details.ENDING: details.form(name)})
