"""What is answered of a job whose items are told one by one: how far it has come, and what became of them."""

from __future__ import annotations

from aiohttp import web

from hub.core.errors import Refusal
from hub.core.evidence import Item, Principal
from hub.intake.results import items_of
from hub.ports.jobs import Job, JobKind, Jobs, JobState
from hub.trust.statement import utc_text
from hub.web import render
from hub.web.answers import ITEMS_MAX, asked_of, leaving_headers, senders_of, status_of
from hub.web.edge import answer, language_of, number
from hub.web.gate import publisher_asked
from hub.web.problems import Refused, problem


async def own_job(request: web.BaseRequest, principal: Principal, jobs: Jobs, kind: JobKind, name: str) -> Job:
    """The caller's own job, or one that it sent for another; another's is as little there as none. Raises `Refused`."""
    job = await jobs.get(publisher_asked(request, principal), name)
    if job is None or job.kind is not kind or principal.partner.id not in (job.partner, job.sender):
        raise Refused(Refusal("NOT_FOUND"))
    return job


async def taken_answer(request: web.BaseRequest, jobs: Jobs, job: Job, path: str) -> web.Response:
    """To whoever sent the document: its results, or where they will be, at `path` and the job's id."""
    language = language_of(request)
    items, following = await _page(request, jobs, job)
    place = {"Location": f"{path}/{job.id}{asked_of(job)}", **leaving_headers(items)}
    if job.state is JobState.FAILED:
        faults = next((item.refusal.faults for item in items if item.refusal), ())
        response = problem(Refusal(job.code, job.detail, faults), language=language, extra={"id": job.id})
        response.headers.update(place)
        return response
    status = status_of(job.counts, items) if job.state is JobState.DONE else 202
    return answer(_document(job, items, following, language), status, place)


async def job_answer(request: web.BaseRequest, jobs: Jobs, job: Job) -> web.Response:
    """To whoever asks for it: a page of its results."""
    items, following = await _page(request, jobs, job)
    return answer(_document(job, items, following, language_of(request)), headers=leaving_headers(items))


async def _page(request: web.BaseRequest, jobs: Jobs, job: Job) -> tuple[list[Item], int | None]:
    """Items from `cursor` on, and where the next page begins: None once all is judged and shown."""
    start, limit = number(request, "cursor", 0), min(max(1, number(request, "limit", ITEMS_MAX)), ITEMS_MAX)
    stretches = await jobs.results(job.id, start=start, limit=limit)
    numbered = (each for stretch in stretches for each in enumerate(items_of(stretch), stretch.first))
    found = [item for at, item in numbered if start <= at < start + limit]
    after = start + len(found)
    return found, after if after < job.done or not job.state.finished else None


def _document(job: Job, items: list[Item], following: int | None, language: str) -> dict[str, object]:
    document: dict[str, object] = {
        "id": job.id,
        "state": job.state.value,
        "format": job.format,
        "sha256": job.digest.hex(),
        "stored": utc_text(job.stored_us),
        "finished": None if job.finished_us is None else utc_text(job.finished_us),
        "counts": job.counts,
    }
    if job.code:
        document["code"] = job.code
    document |= senders_of(job)
    document["items"] = [render.item(item, language) for item in items]
    document["next"] = None if following is None else str(following)
    return document
