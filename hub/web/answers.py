"""What a request for events is answered: the status that its items share, and the items with their receipts."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from aiohttp import web

from hub.core.evidence import Item, Mode, Verdict
from hub.intake.pipeline import Answer
from hub.web import render
from hub.web.edge import JSON, RETRY_AFTER_SECONDS, problem


def events_answer(judged: Answer, language: str) -> web.Response:
    """The status of design §2: of the item for a single event, of what all items share for a batch."""
    items = judged.items
    if judged.mode in (Mode.STRUCTURED, Mode.BINARY):
        return _single_answer(items[0], language)
    status = 422 if judged.refused_whole else batch_status(items)
    document = render.batch(items, language)
    if judged.refused_whole:
        document["code"] = "BATCH_REFUSED"
    response = web.Response(status=status, body=orjson.dumps(document), content_type=JSON)
    if status in (503, 507):
        response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    return response


_FINE = {Verdict.ACCEPTED, Verdict.DUPLICATE, Verdict.NOT_SHARED, Verdict.VALID}
_SINGLE = {Verdict.ACCEPTED: 201, Verdict.DUPLICATE: 200, Verdict.HELD: 202, Verdict.VALID: 200}


def _single_answer(item: Item, language: str) -> web.Response:
    document = render.single_item(item, language)
    if item.refusal is not None:
        return problem(
            item.refusal, language=language, extra={"id": item.id, "source": item.source, "verdict": item.verdict}
        )
    return web.Response(status=_SINGLE[item.verdict], body=orjson.dumps(document), content_type=JSON)


def batch_status(items: Sequence[Item]) -> int:
    verdicts = {item.verdict for item in items}
    if verdicts <= _FINE:
        return 200
    if verdicts == {Verdict.HELD}:
        return 202
    refusals = [item.refusal.row for item in items if item.refusal]
    if verdicts <= {Verdict.REJECTED, Verdict.CONFLICT}:
        return 403 if all(row.status == 403 for row in refusals) else 422
    if verdicts <= {Verdict.UNKNOWN, Verdict.NOT_ATTEMPTED}:
        return 507 if any(row.status == 507 for row in refusals) else 503
    return 207
