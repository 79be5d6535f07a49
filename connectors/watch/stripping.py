"""Files on their way to the hub without what no agreement covers: what is sent is in the journal before it is sent, so
that a file is sent again as it was, whatever agreements say by then."""

from __future__ import annotations

import asyncio

from connectors.language import language
from connectors.partner.agreements import needed_by
from connectors.partner.outcome import EventUnsendable
from connectors.partner.strip import NotStrippable, stripped_file
from connectors.session import HubSession
from connectors.watch.reply import AS_IT_IS, Mark, Reply, refused_whole, said
from schemas.translate.item import Context

ITEMS_MAX = 1_000_000
SENT = ".sent"
"""Behind the name of a file, and before the ending of what was sent in its place."""
_ENDINGS = {"native": f"{SENT}.json", "tabular": f"{SENT}.csv"}
_WHY = {
    "en": "Nothing was sent. This folder leaves out what no agreement covers (--strip); in {format} that would make "
    "other events of it, for what they are is read from their members. Leave out what is named here where the file is "
    "made (of a workbook, the columns; or save it as CSV), or watch without --strip.",
    "fr": "Rien n'a été envoyé. Ce dossier omet ce qu'aucun accord ne couvre (--strip) ; en {format} cela en ferait "
    "d'autres événements, car ce qu'ils sont se lit dans leurs membres. Omettez ce qui est nommé ici là où le fichier "
    "est fait (d'un classeur, les colonnes ; ou enregistrez-le en CSV), ou surveillez sans --strip.",
}


class Stripping:
    """Asks what agreements cover, anew for each file. `event_type` and `source`: as of `Sending`."""

    def __init__(self, session: HubSession, *, event_type: str | None, source: str | None) -> None:
        self._session = session
        self._context = Context(source=source, event_type=event_type, items_max=ITEMS_MAX)

    async def sent(self, family: str, document: bytes, mark: Mark) -> bytes | Reply:
        """What is sent in a file's place; the reply to it where nothing is. Raises `HubRefused`, `HubUnreachable`."""
        if mark.sent is not None:
            return mark.sent or document
        needed = await needed_by(self._session)
        try:
            without = await asyncio.to_thread(stripped_file, family, document, needed, self._context)
        except NotStrippable as e:
            detail = _WHY[language()].format(format=e.format)
            return refused_whole("FIELD_NOT_NEEDED", detail, said(e.faults), family)
        except EventUnsendable:
            return document
        is_other = without != document
        mark.note_sent(_ENDINGS[family] if is_other else AS_IT_IS, without if is_other else b"")
        return without
