"""What is known, asked for over HTTP: events by what they are about, and objects with what is told of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from aiohttp import web

from hub.core.errors import Refusal
from hub.core.evidence import Principal
from hub.core.settings import ViewsSettings
from hub.delivery.journal import Journal
from hub.ports.system import Clock
from hub.trust.statement import utc_text
from hub.views.events import Events, Wanted
from hub.views.looked_up import looked_up
from hub.views.named import Name, kind_of, kinds, text_of
from hub.views.objects import About, Objects, ObjectView
from hub.views.sight import Sight, Sights
from hub.views.states import Judged
from hub.web.edge import Handler, answer, language_of, only
from hub.web.gate import ASKED, Gate
from hub.web.problems import Refused, fault_documents, granted
from schemas.faults import fault
from schemas.gs1 import identifier_of
from schemas.headers import EventHeader, unpack
from schemas.identifiers import SCHEMES, objection
from schemas.identity import instant_us
from schemas.lifecycle import State

PARAMETERS = frozenset(
    ("publisher", "object", "type", "time", "from", "to", "status", "tied", "order", "purpose", "cursor", "limit")
)
_FOR_EVER = 1 << 62
_TEXT_CHARACTERS_MAX = 600


class ViewsAPI:
    """Handlers of the routes that tell what is known, to publishers and recipients alike."""

    def __init__(
        self,
        *,
        gate: Gate,
        judged: Handler,
        sights: Sights,
        journal: Journal,
        events: Events,
        objects: Objects,
        known_up_to_us: Callable[[], Awaitable[int | None]],
        clock: Clock,
        settings: ViewsSettings,
    ) -> None:
        """`judged` answers for one identity; `known_up_to_us`: until when everything that the hub took is known."""
        self._gate = gate
        self._judged = judged
        self._sights = sights
        self._journal = journal
        self._events = events
        self._objects = objects
        self._known_up_to_us = known_up_to_us
        self._clock = clock
        self._settings = settings

    def handlers(self) -> Mapping[str, Handler]:
        return {"get_events": self.get_events, "get_object": self.get_object}

    async def get_events(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        if {"source", "id", ASKED} & request.query.keys():
            return await self._judged(request, names)
        principal, sight = self._sight(request)
        only(request, PARAMETERS)
        wanted = _wanted(request)
        known_up_to = await self._known_up_to()  # Asked first, so that it is never said of too much.
        cursor, limit = request.query.get("cursor"), self._limit(request)
        listed = granted(await self._events.page(sight, wanted, cursor=cursor, limit=limit))
        await self._journal.add(looked_up((each.shown for each in listed.events), sight, principal))
        items = [_listed(each, sight) for each in listed.events]
        document = {"items": items, "next": listed.next, "known_up_to": known_up_to}
        return answer(document | _doubts(request, wanted.object, "object"))

    async def get_object(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        principal, sight = self._sight(request)
        only(request, {"purpose"})
        kind = kind_of(names["scheme"])
        if kind is None:
            raise Refused(Refusal("BAD_REQUEST", f"scheme: one of {', '.join(sorted(kinds()))}"))
        name = _canonical((names["scheme"], names["value"]), "value")
        known_up_to = await self._known_up_to()
        view = await self._objects.of(sight, name, kind)
        await self._journal.add(looked_up((each.shown for each in view.events), sight, principal))
        document = _object_document(view) | {"known_up_to": known_up_to}
        return answer(document | _doubts(request, name, "value"))

    def _sight(self, request: web.BaseRequest) -> tuple[Principal, Sight]:
        principal = self._gate.enter(request, "receipts:read", "feeds:read")
        purpose = request.query.get("purpose")
        return principal, granted(self._sights.of(principal, purpose, now=self._clock.now_us() // 1_000_000))

    async def _known_up_to(self) -> str | None:
        known_up_to_us = await self._known_up_to_us()
        return None if known_up_to_us is None else utc_text(known_up_to_us)

    def _limit(self, request: web.BaseRequest) -> int:
        text = request.query.get("limit", str(self._settings.page_events_max))
        if not (text.isascii() and text.isdigit() and len(text) <= 6 and int(text) > 0):
            raise Refused(Refusal("BAD_REQUEST", "limit: a whole number from 1, at most 6 digits"))
        return min(int(text), self._settings.page_events_max)


def _listed(judged: Judged, sight: Sight) -> dict[str, object]:
    """With who sent it, where it is the caller's own."""
    shown = judged.shown
    item: dict[str, object] = {"status": judged.state.value, "event": orjson.Fragment(shown.body)}
    if shown.known.publisher != sight.own:
        return item
    header = unpack(shown.known.header)
    assert isinstance(header, EventHeader)
    return item | {"submitted_by": header.submitted_by}


def _wanted(request: web.BaseRequest) -> Wanted:
    time = _choice(request, "time", {"received": "received", "occurred": "occurred"}, "received")
    span = span_of(request)
    return Wanted(
        publisher=_text(request, "publisher"),
        object=_object(request),
        type=_text(request, "type"),
        received_us=span if time == "received" else None,
        occurred_us=span if time == "occurred" else None,
        state=_choice(request, "status", {state.value: state for state in State}, None),
        tied=_choice(request, "tied", {"true": True, "false": False}, None),
        newest_first=_choice(request, "order", {"newest": True, "oldest": False}, True),
    )


def _choice(request: web.BaseRequest, name: str, choices: Mapping[str, Any], default: Any) -> Any:
    text = request.query.get(name)
    if text is not None and text not in choices:
        raise Refused(Refusal("BAD_REQUEST", f"{name}: one of {', '.join(choices)}"))
    return default if text is None else choices[text]


def _text(request: web.BaseRequest, name: str) -> str | None:
    text = request.query.get(name)
    if text is not None and not 0 < len(text) <= _TEXT_CHARACTERS_MAX:
        raise Refused(Refusal("BAD_REQUEST", f"{name}: 1 to {_TEXT_CHARACTERS_MAX} characters"))
    return text


def _object(request: web.BaseRequest) -> Name | None:
    text = _text(request, "object")
    if text is None:
        return None
    scheme, colon, value = text.partition(":")
    if not (scheme and colon and value):
        raise Refused(Refusal("BAD_REQUEST", "object: scheme:value, such as iso6346:MSKU1234565"))
    return _canonical((scheme, value), "object")


def _canonical(name: Name, place: str) -> Name:
    """An EPC URN or a Digital Link is the identifier that it stands for; all else is looked for as it is written.

    What does not have the form of its scheme can be in no event: "nothing is known of it" would be a false comfort.
    Raises `Refused`.
    """
    scheme, value = name
    if scheme in ("uri", "digital_link") and (found := identifier_of(value))[0] != "uri":
        return found
    wrong = objection(SCHEMES[scheme], value) if scheme in SCHEMES else None
    if wrong is not None and wrong.code == "IDENTIFIER_MALFORMED":
        raise Refused(Refusal("BAD_REQUEST", faults=[fault(wrong.code, place, value, wrong.expected)]))
    return name


def _doubts(request: web.BaseRequest, name: Name | None, place: str) -> dict[str, object]:
    """What speaks against the identifier that was asked for, such as its check digit: it may have been mistyped."""
    wrong = objection(SCHEMES[name[0]], name[1]) if name is not None and name[0] in SCHEMES else None
    if name is None or wrong is None:
        return {}
    return {"faults": fault_documents([fault(wrong.code, place, name[1], wrong.expected)], language_of(request))}


def span_of(request: web.BaseRequest) -> tuple[int, int] | None:
    """`from` and `to`: microseconds since 1970, the second exclusive. Raises `Refused`."""
    begins, ends = _moment(request, "from"), _moment(request, "to")
    return None if begins is None and ends is None else (begins or 0, _FOR_EVER if ends is None else ends)


def _moment(request: web.BaseRequest, name: str) -> int | None:
    """Microseconds since 1970; a `+` that was not percent-encoded has become a space on its way."""
    text = request.query.get(name)
    if text is None:
        return None
    moment = instant_us(text.replace(" ", "+"))
    if moment is None:
        raise Refused(Refusal("BAD_REQUEST", f"{name}: an RFC 3339 time with offset"))
    return moment


def _object_document(view: ObjectView) -> dict[str, object]:
    place = view.place
    return {
        **_identifier(view.name),
        "kind": view.kind,
        "identifiers": [
            {**_identifier(name), "kind": kind_of(name[0]), "event": _reference(by)} for name, by in view.tied.items()
        ],
        "milestones": [_milestone(each) for each in view.milestones],
        "place": None
        if place is None
        else {**place.shown.data["place"], "at": place.shown.data["occurred_at"], "event": _reference(place)},
        "seals": [
            {**seal.seal, "on": seal.on, "broken": seal.broken, "event": _reference(seal.by)} for seal in view.seals
        ],
        "events": [
            {"status": each.judged.state.value, **_report(each), **_reference(each.judged)} for each in view.events
        ],
        "complete": view.complete,
    }


def _identifier(name: Name) -> dict[str, str]:
    return {"scheme": name[0], "value": name[1]}


def _milestone(each: About) -> dict[str, object]:
    place = each.shown.data.get("place")
    return {**_report(each), "place": place if isinstance(place, dict) else None, "event": _reference(each.judged)}


def _report(each: About) -> dict[str, object]:
    """What an event says, in one line."""
    data = each.shown.data
    return {
        "type": each.shown.known.type,
        "object": text_of(each.through),
        "time_kind": data["time_kind"],
        "occurred_at": data["occurred_at"],
    }


def _reference(judged: Judged) -> dict[str, object]:
    """Which event: its names as the caller sees them, which never show where it lies."""
    event, data = judged.shown.event, judged.shown.data
    reference = {name: event[name] for name in ("publisher", "source", "id")}
    reference["received"] = event["receivedtime"]
    return reference | {"version": data["updated_at"]} if "updated_at" in data else reference
