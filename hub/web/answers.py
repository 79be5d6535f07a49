"""What a request for events is answered: the status that its items share, and the items with their receipts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

import orjson
from aiohttp import web

from hub.core.evidence import Item, Mode, Principal, Verdict
from hub.intake.pipeline import Answer
from hub.ports.jobs import Job
from hub.web import render
from hub.web.edge import JSON, announcing
from hub.web.gate import ASKED
from hub.web.problems import RETRY_AFTER_SECONDS, problem
from schemas import deprecation
from schemas.translate.dcsa.feedback import feedback, json_path


def events_answer(judged: Answer, language: str, dcsa: Sequence[Mapping[str, str]] | None = None) -> web.Response:
    """The status of design §2: of the item for a single event, of what all items share for a batch."""
    if judged.mode in (Mode.STRUCTURED, Mode.BINARY):
        said: dict[str, object] = {"dry_run": True} if judged.dry_run else {}
        response = _single_answer(judged.items[0], language, said | names_of(judged.principal))
    else:
        response = _batch_answer(judged, language, dcsa)
    return announcing(response, leaving_headers(judged.items))


def leaving_headers(items: Iterable[Item]) -> dict[str, str]:
    """What an answer says of the versions that its items are of and that senders should leave."""
    return deprecation.headers(each.leaving for each in items)


def _batch_answer(judged: Answer, language: str, dcsa: Sequence[Mapping[str, str]] | None) -> web.Response:
    items = judged.items
    status = outcome_status(judged)
    document = _dry_document(items, language) if judged.dry_run else render.batch(items, language)
    document |= names_of(judged.principal)
    if judged.refused_whole:
        document["code"] = "BATCH_REFUSED"
    if dcsa is not None:
        document["feedbackElements"] = dcsa
    response = web.Response(status=status, body=orjson.dumps(document), content_type=JSON)
    if status in (503, 507):
        response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    return response


def feedback_of(items: Iterable[Item], language: str) -> list[dict[str, str]]:
    """What is wrong with the items in the words of DCSA (T&T 3.0.0, `feedbackElements`)."""
    elements: list[dict[str, str]] = []
    for item in items:
        refusal = item.refusal
        if refusal is not None and not refusal.faults:
            element = {"severity": "ERROR", "code": refusal.code}
            path = {"propertyPath": json_path(item.place)} if item.place else {}
            elements.append({**element, "message": refusal.row.fr if language == "fr" else refusal.row.en, **path})
        else:
            elements.extend(feedback(refusal.faults if refusal else item.warnings, language))
    return elements


ITEMS_MAX = 1_000
"""Items in the answer to a dry run, or in a page of results."""
_FINE = {Verdict.ACCEPTED, Verdict.DUPLICATE, Verdict.NOT_SHARED, Verdict.VALID}
_SINGLE = {Verdict.ACCEPTED: 201, Verdict.DUPLICATE: 200, Verdict.HELD: 202, Verdict.VALID: 200}


def names_of(principal: Principal | None) -> dict[str, str]:
    """Publisher and sender, where they are two."""
    if principal is None or principal.agent is None:
        return {}
    return {"publisher": principal.partner.id, "submitted_by": principal.system.id}


def senders_of(job: Job) -> dict[str, str]:
    """The same of a job."""
    return {} if job.sender == job.partner else {"publisher": job.partner, "submitted_by": job.system}


def asked_of(job: Job) -> str:
    """What its sender adds to the job's path, to ask for it."""
    return "" if job.sender == job.partner else f"?{ASKED}={job.partner}"


def _single_answer(item: Item, language: str, said: Mapping[str, object]) -> web.Response:
    if item.refusal is not None:
        extra = {"id": item.id, "source": item.source, "verdict": item.verdict, **said}
        return problem(item.refusal, language=language, extra=extra)
    document = {**render.single_item(item, language), **said}
    return web.Response(status=_SINGLE[item.verdict], body=orjson.dumps(document), content_type=JSON)


def _dry_document(items: Sequence[Item], language: str) -> render.Document:
    """All items; of more than `ITEMS_MAX`, so many of those of which there is something to say."""
    shown = items
    if len(items) > ITEMS_MAX:
        shown = [item for item in items if item.verdict is not Verdict.VALID or item.warnings][:ITEMS_MAX]
    counts = Counter(item.verdict.value for item in items)
    return {"dry_run": True, "counts": counts, **render.batch(shown, language)}


def outcome_status(judged: Answer) -> int:
    """What a batch, or a document, is answered."""
    return 422 if judged.refused_whole else batch_status(judged.items)


def batch_status(items: Sequence[Item]) -> int:
    return status_of({item.verdict for item in items}, items)


def status_of(verdicts: Collection[str], items: Sequence[Item]) -> int:
    """What a batch with these verdicts is answered; `items`: as many of them as say why they were refused."""
    verdicts = set(verdicts)
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
