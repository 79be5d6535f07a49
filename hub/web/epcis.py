"""The capture interface of EPCIS 2.0 (REST Bindings 2.0, `/capture`, `/events`), and what the hub says of its versions.

Captures are jobs; a single event is accepted before it is answered. Problems under `/epcis` carry the standard's type
(`epcisException:…`) beside the hub's code (`edge.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from aiohttp import web

from hub.core.errors import ERRORS, Refusal
from hub.core.evidence import Item, Mode, Principal, Verdict
from hub.core.settings import DocumentsSettings, IntakeSettings
from hub.intake.documents import Documents, Sent, in_chunks
from hub.intake.job_desk import JobDesk
from hub.intake.jobs import GIVEN_UP
from hub.intake.pipeline import Pipeline
from hub.intake.results import items_of
from hub.intake.stretches import FAMILIES, ROLLBACK, capture_events_max
from hub.ports.jobs import Job, JobKind, Jobs, JobState
from hub.trust.statement import utc_text
from hub.web import render
from hub.web.answers import asked_of, leaving_headers, names_of, senders_of
from hub.web.documents import source_of
from hub.web.edge import JSON, BodyReader, Handler, announcing, answer, language_of, number
from hub.web.epcis_problems import epcis_status, epcis_type
from hub.web.gate import ASKED, Gate
from hub.web.job_answers import own_job
from hub.web.problems import Refused, granted, problem
from hub.web.route import BINARY, LINKED
from schemas.translate.epcis import EPCIS_CONTEXT
from schemas.translate.item import Context

VERSION = "2.0.0"
"""Of EPCIS and of CBV."""
VERSIONS = {"GS1-EPCIS-Version": VERSION, "GS1-CBV-Version": VERSION}
_RANGE = {f"GS1-{of}-{end}": VERSION for of in ("EPCIS", "CBV") for end in ("Min", "Max")}
_EPC_FORMATS = ("No_Preference", "Never_Translates")
_BEHAVIOURS = (ROLLBACK, "proceed")
PER_PAGE, PER_PAGE_MAX = 30, 100
_TOKEN = re.compile(r"([0-9]{1,18})\.([a-z0-9-]{1,64})")
_FINE = {Verdict.ACCEPTED, Verdict.DUPLICATE, Verdict.NOT_SHARED}
NOT_OFFERED = Refusal("NOT_OFFERED", "offered are: GET /epcis, /epcis/capture, /epcis/events")
_RESOURCES = frozenset(
    ("queries", "eventTypes", "epcs", "bizSteps", "bizLocations", "readPoints", "dispositions", "nextPageToken")
)


class CaptureAPI:
    """Handlers of what brings EPCIS events."""

    def __init__(
        self,
        *,
        gate: Gate,
        bodies: BodyReader,
        pipeline: Pipeline,
        documents: Documents,
        runner: JobDesk,
        jobs: Jobs,
        bounds: IntakeSettings,
        settings: DocumentsSettings,
        body_bytes_max: int,
    ) -> None:
        self._gate = gate
        self._bodies = bodies
        self._pipeline = pipeline
        self._documents = documents
        self._runner = runner
        self._jobs = jobs
        self._bounds = bounds
        self._settings = settings
        self._body_bytes_max = body_bytes_max

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "epcis_discovery": self.discover,
            "epcis_capture": self.capture,
            "epcis_capture_jobs": self.captures,
            "epcis_capture_job": self.captured,
            "epcis_post_event": self.post_event,
            "epcis_other": self.other,
            "epcis_options": self._options("GET"),
            "epcis_capture_options": self._options("GET", "POST"),
            "epcis_capture_job_options": self._options("GET"),
            "epcis_events_options": self._options("GET", "POST"),
            "epcis_event_options": self._options("GET"),
        }

    async def discover(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        self._gate.enter(request, "events:write", "receipts:read")
        check_versions(request)
        members = {"@context": EPCIS_CONTEXT, "type": "Collection", "member": ["capture", "events"]}
        return answer(members, 200, VERSIONS)

    async def other(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        """What the standard has and the hub has not is 501; what neither has is nowhere."""
        self._gate.enter(request, "events:write", "receipts:read")
        raise Refused(NOT_OFFERED if names["other"].partition("/")[0] in _RESOURCES else Refusal("NOT_FOUND"))

    async def capture(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        """A document that can be opened becomes a job; what is wrong with its events is told there."""
        principal = self._admitted(request)
        behaviour = request.headers.get("GS1-Capture-Error-Behaviour", ROLLBACK)
        if behaviour not in _BEHAVIOURS:
            raise Refused(Refusal("BAD_REQUEST", "GS1-Capture-Error-Behaviour: rollback or proceed"))
        source = source_of(request)
        most = capture_events_max(behaviour, self._bounds, self._settings)
        with self._bodies.hold(request, sender=principal.sender.id) as held:
            body = await held.read()
            sent = self._sent(request, body, Context(source=source, items_max=most))
            granted(await self._documents.open(sent))
            parameters = {"behaviour": behaviour} | ({"source": source} if source else {})
            document = in_chunks(body)
            taken = await self._runner.take(principal, JobKind.CAPTURE, request.content_type, parameters, document)
        job = granted(taken)
        return web.Response(status=202, headers={"Location": f"/epcis/capture/{job.id}{asked_of(job)}", **VERSIONS})

    async def captured(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        principal = self._gate.enter(request, "events:write")
        check_versions(request)
        job = await own_job(request, principal, self._jobs, JobKind.CAPTURE, names["capture"])
        first = [item for each in await self._jobs.results(job.id, start=0, limit=1) for item in items_of(each)]
        headers = {**VERSIONS, **leaving_headers(first)}
        return answer(await self._document(job, language_of(request)), 200, headers)

    async def captures(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        principal = self._gate.enter(request, "events:write")
        check_versions(request)
        limit, before = per_page(request), _place_of(request)
        jobs = await self._jobs.page(principal.partner.id, JobKind.CAPTURE, before=before, limit=limit + 1)
        shown, headers = jobs[:limit], dict(VERSIONS)
        if len(jobs) > limit:
            headers |= next_link("/epcis/capture", {"perPage": limit}, f"{shown[-1].stored_us}.{shown[-1].id}")
        return answer([await self._document(job, language_of(request)) for job in shown], 200, headers)

    async def post_event(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        """One event, accepted before this is answered: 201 and the event; 200 where there was nothing to create."""
        principal = self._admitted(request)
        context = Context(source=source_of(request), items_max=1)
        with self._bodies.hold(request, sender=principal.sender.id) as held:
            body = await held.read()
            admitted = granted(self._pipeline.admit(principal, mode=Mode.BATCHED, atomic=False))
            judged = granted(await self._documents.submit(admitted, self._sent(request, body, context)))
        if len(judged.items) != 1:
            raise Refused(Refusal("BODY_MALFORMED", "one event; use /epcis/capture for documents without any"))
        return _event_answer(judged.items[0], body, language_of(request), names_of(judged.principal))

    def _admitted(self, request: web.BaseRequest) -> Principal:
        principal = self._gate.enter(request, "events:write")
        check_versions(request)
        self._bodies.media_type(request, (BINARY, LINKED))
        granted(self._pipeline.admit(principal, mode=Mode.BATCHED, atomic=False))
        return principal

    def _sent(self, request: web.BaseRequest, body: bytes, context: Context) -> Sent:
        return Sent(body, request.content_type, context, FAMILIES[JobKind.CAPTURE])

    async def _document(self, job: Job, language: str) -> dict[str, object]:
        """A capture job as the standard describes it (`CaptureJob`)."""
        success = job.state is not JobState.FAILED and set(job.counts) <= _FINE
        document: dict[str, object] = {
            "captureID": job.id,
            "createdAt": utc_text(job.stored_us),
            "running": not job.state.finished,
            "success": success,
            "captureErrorBehaviour": job.parameters.get("behaviour", ROLLBACK),
            "counts": job.counts,
            **senders_of(job),
            "errors": [] if success else await self._errors(job, language),
        }
        if job.finished_us is not None:
            document["finishedAt"] = utc_text(job.finished_us)
        return document

    async def _errors(self, job: Job, language: str) -> list[dict[str, object]]:
        stretches = await self._jobs.results(job.id, start=0, limit=max(job.done, 1))
        items = [item for stretch in stretches for item in items_of(stretch)]
        wrong = [item for item in items if item.refusal and item.verdict is not Verdict.NOT_ATTEMPTED]
        if job.code == GIVEN_UP or (job.code and not wrong):
            wrong.append(Item(0, "", "", Verdict.REJECTED, refusal=Refusal(job.code, job.detail)))
        return [_error(item, language) for item in wrong]

    def _options(self, *methods: str) -> Handler:
        headers = {
            "Allow": ", ".join(("OPTIONS", *methods)),
            **VERSIONS,
            **_RANGE,
            "GS1-EPC-Format": "Never_Translates",
        }
        if "POST" in methods:
            headers |= {
                "GS1-EPCIS-Capture-Limit": str(self._bounds.batch_events_max),  # Of either behaviour.
                "GS1-EPCIS-Capture-File-Size-Limit": str(self._body_bytes_max),
                "GS1-Capture-Error-Behaviour": "all",
            }

        async def handle(request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
            self._gate.enter(request, "events:write", "receipts:read")
            return web.Response(status=204, headers=headers)

        return handle


def check_versions(request: web.BaseRequest) -> None:
    """What the request asks for in GS1 headers is what the hub speaks. Raises `Refused`."""
    for of in ("EPCIS", "CBV"):
        version = request.headers.get(f"GS1-{of}-Version")
        low, high = request.headers.get(f"GS1-{of}-Min"), request.headers.get(f"GS1-{of}-Max")
        if (version and _number_of(version)[:2] != (2, 0)) or not (
            (not low or _number_of(low) <= (2, 0, 99)) and (not high or _number_of(high) >= (2, 0))
        ):
            raise Refused(Refusal("NOT_ACCEPTABLE", f"{of} {VERSION}"))
    if request.method == "GET" and request.headers.get("GS1-EPC-Format", "No_Preference") not in _EPC_FORMATS:
        raise Refused(Refusal("NOT_ACCEPTABLE", "GS1-EPC-Format: Never_Translates or No_Preference"))


def _number_of(version: str) -> tuple[int, ...]:
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,4}){0,2}", version):
        raise Refused(Refusal("BAD_REQUEST", "GS1 versions: such as 2.0.0"))
    return tuple(map(int, version.split(".")))


def per_page(request: web.BaseRequest) -> int:
    return min(max(1, number(request, "perPage", PER_PAGE)), PER_PAGE_MAX)


def next_link(path: str, query: Mapping[str, str | int], token: str) -> dict[str, str]:
    """The header that leads to the next page (RFC 8288), relative to the hub."""
    return {"Link": f'<{path}?{urlencode({**query, "nextPageToken": token})}>; rel="next"'}


def _place_of(request: web.BaseRequest) -> tuple[int, str] | None:
    token = request.query.get("nextPageToken")
    if token is None:
        return None
    if (match := _TOKEN.fullmatch(token)) is None:
        raise Refused(Refusal("CURSOR_INVALID"))
    return int(match[1]), match[2]


def _error(item: Item, language: str) -> dict[str, object]:
    """One event that was not taken, as a problem; the places of its faults are pointers into the document."""
    assert item.refusal is not None
    row = ERRORS[item.refusal.code]
    status = epcis_status(row.status)
    title = row.fr if language == "fr" else row.en
    return {"type": epcis_type(status), "title": title, "status": status, **render.item(item, language)}


def _event_answer(item: Item, body: bytes, language: str, names: Mapping[str, str]) -> web.Response:
    return announcing(_one_answer(item, body, language, names), leaving_headers([item]))


def _one_answer(item: Item, body: bytes, language: str, names: Mapping[str, str]) -> web.Response:
    headers = {"Location": f"/epcis/events/{quote(item.id, safe='')}", **VERSIONS}
    if item.verdict is Verdict.ACCEPTED:
        asked = {"source": item.source, "id": item.id} | ({ASKED: names["publisher"]} if names else {})
        headers["Link"] = f'</v1/receipts?{urlencode(asked)}>; rel="describedby"'
        return web.Response(status=201, body=body, content_type=JSON, headers=headers)
    if item.refusal is not None:
        extra = {"id": item.id, "source": item.source, "verdict": item.verdict, "place": item.place, **names}
        return problem(item.refusal, language=language, extra=extra)
    document = {**render.single_item(item, language), **names}
    return answer(document, 200, headers if item.verdict is Verdict.DUPLICATE else VERSIONS)
