"""What customs answers, over HTTP: engines send notices and see how far they came, companies acknowledge them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any, TypeVar

import msgspec
import orjson
from aiohttp import web
from msgspec import Meta, Struct

from hub.core.dispatch import Defect, Kind, Language, OwnId, Sent, Step, Text
from hub.core.errors import Refusal
from hub.core.evidence import Principal
from hub.core.partner import Role
from hub.delivery.answered import NoticeAcknowledgements, SaidOfNotice
from hub.delivery.answering import Answering, Asked, Named, Subject
from hub.ports.dispatches import Dispatches, Place
from hub.trust.statement import utc_text
from hub.web.edge import JSON, BodyReader, Handler, answer, number, only
from hub.web.gate import Gate
from hub.web.problems import Refused, granted
from schemas import guard
from schemas.canonical import canonical_bytes
from schemas.identity import instant_us

SENDS, READS = "notices:write", "receipts:read"
BODY_BYTES_MAX = 32_768
PAGE_MAX = 200
POINTER_CHARACTERS_MAX = 256

Name = Annotated[str, Meta(max_length=1_024)]
Pointer = Annotated[str, Meta(max_length=POINTER_CHARACTERS_MAX, pattern=r"\A(/([^~/\x00-\x1f]|~[01])*)*\Z")]
_CURSOR = re.compile(r"([0-9]{1,16})\.([0-9a-f]{32})")


class _Body(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: OwnId
    kind: Kind
    feed: Annotated[str, Meta(max_length=64)]
    event: Named | None = None
    object: Subject | None = None
    publisher: Name = ""
    text: Text
    language: Language
    deadline: Annotated[str, Meta(max_length=64)] | None = None
    acknowledge: bool = False
    defect: Defect | None = None
    pointer: Pointer = ""


class _Acknowledged(Struct, frozen=True, forbid_unknown_fields=True):
    time: Annotated[int, Meta(ge=0, le=2**53)] = 0
    signature: Annotated[str, Meta(max_length=8_192)] = ""


B = TypeVar("B")


class AnsweringAPI:
    def __init__(
        self,
        *,
        gate: Gate,
        bodies: BodyReader,
        answering: Answering,
        acknowledgements: NoticeAcknowledgements,
        dispatches: Dispatches,
    ) -> None:
        self._gate = gate
        self._bodies = bodies
        self._answering = answering
        self._acknowledgements = acknowledgements
        self._dispatches = dispatches

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "send_notice": self.send,
            "sent_notices": self.sent,
            "acknowledge_notice": self.acknowledge,
        }

    async def send(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        principal, value = await self._read(request, SENDS, "schemas/formats/notice.md says what can be sent")
        if Role.AUTHORITY not in principal.partner.roles:
            raise Refused(Refusal("ROLE_NOT_PERMITTED", "notices are sent by: authority"))
        asked = _asked(value)
        sent = granted(await self._answering.send(principal, asked))
        is_new = all(not each.written_us for each in sent)
        return answer({"items": [*map(sent_document, sent)], "next": None}, 201 if is_new else 200)

    async def sent(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        principal = self._gate.enter(request, SENDS)
        only(request, ("id", "overdue", "cursor", "limit"))
        partner, limit = principal.partner.id, min(max(1, number(request, "limit", PAGE_MAX)), PAGE_MAX)
        if (own := request.query.get("id")) is not None:
            found = await self._dispatches.sent_as(partner, own)
            return answer({"items": [*map(sent_document, found)], "next": None})
        overdue = request.query.get("overdue")
        if overdue not in (None, "yes"):
            raise Refused(Refusal("BAD_REQUEST", "overdue: yes, or left out"))
        step = Step.OVERDUE if overdue else None
        page = await self._dispatches.page(partner, step=step, before=_place(request), limit=limit + 1)
        items = page[:limit]
        following = f"{items[-1].dispatch.sent_us}.{items[-1].dispatch.id}" if len(page) > limit else None
        return answer({"items": [*map(sent_document, items)], "next": following})

    async def acknowledge(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        principal, value = await self._read(request, READS, _ACKNOWLEDGED_FORM)
        said = _as(value, _Acknowledged, _ACKNOWLEDGED_FORM)
        if bool(said.time) != bool(said.signature):
            raise Refused(Refusal("BODY_MALFORMED", _ACKNOWLEDGED_FORM))
        done = granted(
            await self._acknowledgements.take(principal, names["notice"], SaidOfNotice(said.time, said.signature))
        )
        return answer({"notice": done.dispatch.id, "acknowledged": utc_text(done.acknowledged_us)})

    async def _read(self, request: web.BaseRequest, scope: str, form: str) -> tuple[Principal, dict[str, Any]]:
        """Who asks, and an object, parsed as strictly as events are."""
        self._gate.enter(request, scope)
        only(request, ())
        self._bodies.media_type(request, (JSON,))
        parsed = guard.parse(await self._bodies.read(request, bytes_max=BODY_BYTES_MAX))
        principal = self._gate.enter(request, scope)  # The body may have taken seconds: who asks is looked at again.
        if isinstance(parsed, list):
            raise Refused(Refusal("BODY_MALFORMED", form, tuple(parsed)))
        return principal, parsed.value


_ACKNOWLEDGED_FORM = '{}, or {"time": …, "signature": "…"}'


def sent_document(sent: Sent) -> dict[str, Any]:
    """As its sender sees it: of who acknowledged it only that somebody did, since the feed may withhold who that is."""
    dispatch = sent.dispatch
    return {
        "notice": dispatch.id,
        "id": dispatch.own,
        "kind": dispatch.kind.value,
        "state": sent.state,
        "about": orjson.loads(dispatch.about),
        **({"deadline": utc_text(dispatch.due_us)} if dispatch.due_us else {}),
        "sent": utc_text(dispatch.sent_us),
        "written": _time(sent.written_us),
        "read": _time(sent.read_us),
        "overdue": _time(sent.overdue_us),
        "acknowledged": _time(sent.acknowledged_us),
        "signed": bool(sent.signature),
    }


def _time(time_us: int) -> str | None:
    return utc_text(time_us) if time_us else None


def _asked(value: dict[str, Any]) -> Asked:
    """Raises `Refused`."""
    said = _as(value, _Body, "schemas/formats/notice.md says what can be sent")
    if (said.event is None) == (said.object is None):
        raise Refused(Refusal("BODY_MALFORMED", "event, or else object"))
    if said.publisher and said.object is None:
        raise Refused(Refusal("BODY_MALFORMED", "publisher goes with object; an event has its own"))
    of_data = said.kind is Kind.DATA_QUALITY
    if of_data != (said.defect is not None) or (said.pointer and not of_data) or (of_data and said.event is None):
        raise Refused(Refusal("BODY_MALFORMED", "defect and pointer go with data-quality, and that with an event"))
    return Asked(
        own=said.id,
        digest=sha256(canonical_bytes(value)).digest(),
        kind=said.kind,
        feed=said.feed,
        event=said.event,
        received_us=_moment("event.receivedtime", said.event.receivedtime) if said.event is not None else 0,
        object=said.object,
        publisher=said.publisher,
        text=said.text,
        language=said.language,
        due_us=_moment("deadline", said.deadline) if said.deadline is not None else 0,
        wanted=said.acknowledge,
        defect=said.defect,
        pointer=said.pointer,
    )


def _as(value: dict[str, Any], shape: type[B], form: str) -> B:
    """Raises `Refused`."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise Refused(Refusal("BODY_MALFORMED", form)) from error


def _moment(name: str, text: str) -> int:
    moment = instant_us(text)
    if moment is None:
        raise Refused(Refusal("BODY_MALFORMED", f"{name}: an RFC 3339 time with offset"))
    return max(0, moment)


def _place(request: web.BaseRequest) -> Place | None:
    """Raises `Refused`."""
    cursor = request.query.get("cursor")
    if cursor is None:
        return None
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise Refused(Refusal("CURSOR_INVALID"))
    return int(match[1]), match[2]
