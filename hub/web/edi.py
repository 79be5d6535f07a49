"""Answers to EDIFACT in EDIFACT, on request: what was understood (CONTRL), or what became of it (APERAK).

They are final words: while it is not known of every item whether it is stored, the answer stays in JSON. So it does
where no interchange names a sender to be answered.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from aiohttp import web

from hub.core.evidence import Item, Verdict
from hub.core.words import words
from hub.intake.pipeline import Answer
from hub.ports.system import Clock, Entropy
from hub.web.answers import leaving_headers, outcome_status
from hub.web.route import EDIFACT
from schemas.translate.edifact import Result, aperak, contrl

CONTRL = "contrl"
FORMS = (CONTRL, "aperak")
_UNDECIDED = {Verdict.UNKNOWN, Verdict.NOT_ATTEMPTED, Verdict.HELD}
_TAKEN = {Verdict.ACCEPTED, Verdict.DUPLICATE, Verdict.NOT_SHARED, Verdict.VALID}
_REFERENCE_BYTES = 7
"""Two characters each: UNB 0020 has 14 (ISO 9735)."""


def edi_answer(
    form: str, document: bytes, judged: Answer, *, language: str, clock: Clock, entropy: Entropy
) -> web.Response | None:
    """The answer in this form and language, with the status that it would have in JSON; None: it is to be JSON."""
    if not judged.refused_whole and any(map(undecided, judged.items)):
        return None
    said = edi_text(form, document, judged.items, language=language, clock=clock, entropy=entropy)
    if not said:
        return None
    headers = leaving_headers(judged.items)
    return web.Response(status=outcome_status(judged), body=said, content_type=EDIFACT, headers=headers)


def undecided(item: Item) -> bool:
    """Whether it is not known yet if the item is stored."""
    return item.verdict in _UNDECIDED


def edi_text(
    form: str, document: bytes, items: Iterable[Item], *, language: str, clock: Clock, entropy: Entropy
) -> bytes:
    """The answer in this form and language; empty where no interchange names a sender to be answered."""
    made = datetime.fromtimestamp(clock.now_us() // 1_000_000, UTC)
    reference = entropy.bytes(_REFERENCE_BYTES).hex().upper()
    results = [_result(item, language) for item in items]
    if form == CONTRL:
        return contrl(document, results, made=made, reference=reference)
    return aperak(document, results, made=made, reference=reference, language=language)


def _result(item: Item, language: str) -> Result:
    refusal = item.refusal
    if refusal is None:
        return Result(item.place, item.verdict not in _TAKEN, item.warnings)
    title = refusal.row.fr if language == "fr" else refusal.row.en
    told = ": ".join(filter(None, (refusal.code, title, words().said(refusal.detail, language))))
    return Result(item.place, True, refusal.faults, "" if refusal.faults else told)
