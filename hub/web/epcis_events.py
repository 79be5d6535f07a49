"""One's own EPCIS events over HTTP (EPCIS 2.0 REST Bindings, `GET /events`), by the parameters that are offered."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from hub.core.errors import Refusal
from hub.ports.system import Clock
from hub.trust.statement import utc_text
from hub.views.captured import Asked, Captured, word
from hub.web.documents import source_of
from hub.web.edge import Handler, answer
from hub.web.epcis import VERSIONS, check_versions, next_link, per_page
from hub.web.gate import Gate
from hub.web.problems import Refused, granted
from schemas.faults import FOUND_CHARACTERS_MAX, cut
from schemas.identity import instant_us
from schemas.translate.epcis import document

SOURCE = "epcis"
"""Of EPCIS events, unless the request that brought them named another (`schemas/formats/translated.md`)."""
HEADERS = {**VERSIONS, "GS1-EPC-Format": "Never_Translates"}
_LISTS = {
    "eventType": "types",
    "EQ_action": "actions",
    "EQ_bizStep": "steps",
    "EQ_disposition": "dispositions",
    "MATCH_epc": "epcs",
    "EQ_eventID": "ids",
}
_SPANS = {"eventTime": "occurred_us", "recordTime": "received_us"}
_PAGING = ("perPage", "nextPageToken")
OFFERED = (*_LISTS, *(f"{end}_{name}" for name in _SPANS for end in ("GE", "LT")), *_PAGING)
_ACTIONS = frozenset(("ADD", "OBSERVE", "DELETE"))
_FIRST, _LAST = -(1 << 62), 1 << 62
VALUES_MAX = 50
PATTERN = "urn:epc:idpat:"


class EPCISEventsAPI:
    """Handlers of what asks for EPCIS events."""

    def __init__(self, *, gate: Gate, captured: Captured, clock: Clock) -> None:
        self._gate = gate
        self._captured = captured
        self._clock = clock

    def handlers(self) -> Mapping[str, Handler]:
        return {"epcis_events": self.events, "epcis_event": self.event}

    async def events(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        principal = self._gate.enter(request, "receipts:read")
        check_versions(request)
        asked, limit = _asked(request), per_page(request)
        token = request.query.get("nextPageToken")
        page = granted(await self._captured.page(principal.partner.id, asked, cursor=token, limit=limit))
        events, following = page
        headers = dict(HEADERS)
        if following is not None:
            query = {name: text for name, text in request.query.items() if name != "nextPageToken"}
            headers |= next_link("/epcis/events", query, following)
        return answer(document(events, created=self._now()), 200, headers)

    async def event(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        principal = self._gate.enter(request, "receipts:read")
        check_versions(request)
        source = source_of(request) or SOURCE
        events = await self._captured.versions(principal.partner.id, source, names["event"])
        if not events:
            raise Refused(Refusal("NOT_FOUND"))
        return answer(document(events, created=self._now()), 200, HEADERS)

    def _now(self) -> str:
        return utc_text(self._clock.now_us())


def _asked(request: web.BaseRequest) -> Asked:
    """The question of a query string. Raises `Refused`: what is not offered is told, not passed over."""
    for name in request.query:
        if name not in OFFERED:
            named = cut(name, FOUND_CHARACTERS_MAX)
            raise Refused(Refusal("NOT_OFFERED", f"unknown parameter {named}; known are: {', '.join(OFFERED)}"))
        if len(request.query.getall(name)) > 1:
            raise Refused(Refusal("BAD_REQUEST", "every parameter once; several values with | between them"))
    lists = {member: _values(request, name) for name, member in _LISTS.items()}
    if not _ACTIONS.issuperset(lists["actions"]):
        raise Refused(Refusal("BAD_REQUEST", "EQ_action: ADD, OBSERVE or DELETE"))
    if any(epc.startswith(PATTERN) for epc in lists["epcs"]):
        raise Refused(Refusal("NOT_OFFERED", "MATCH_epc: whole identifiers, no patterns"))
    for member in ("steps", "dispositions"):
        lists[member] = tuple(map(word, lists[member]))
    spans = {member: _span(request, name) for name, member in _SPANS.items()}
    return Asked(
        types=lists["types"],
        actions=lists["actions"],
        steps=lists["steps"],
        dispositions=lists["dispositions"],
        epcs=lists["epcs"],
        ids=lists["ids"],
        occurred_us=spans["occurred_us"],
        received_us=spans["received_us"],
    )


def _values(request: web.BaseRequest, name: str) -> tuple[str, ...]:
    text = request.query.get(name)
    if text is None:
        return ()
    values = tuple(text.split("|"))
    if not all(values) or len(values) > VALUES_MAX:
        raise Refused(Refusal("BAD_REQUEST", f"{name}: at most {VALUES_MAX} values with | between them"))
    return values


def _span(request: web.BaseRequest, name: str) -> tuple[int, int] | None:
    ends = [request.query.get(f"{end}_{name}") for end in ("GE", "LT")]
    if ends == [None, None]:
        return None
    times = [default if text is None else instant_us(text) for text, default in zip(ends, (_FIRST, _LAST), strict=True)]
    if times[0] is None or times[1] is None:
        raise Refused(Refusal("BAD_REQUEST", f"GE_{name}, LT_{name}: RFC 3339 times with offset; + is %2B in a query"))
    return times[0], times[1]
