"""What customs answers companies, put together."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson
from msgspec import convert, to_builtins

from hub.core.dispatch import OPERATORS, Dispatch, Kind, Sent, Step, dispatch_id
from hub.core.errors import Refusal
from hub.delivery.answered import NoticeAcknowledgements
from hub.delivery.answering import Answering, Asked, told
from hub.delivery.shown import ShownRecords
from hub.operate.announcements import SendNotice
from hub.web.answering import AnsweringAPI, sent_document
from schemas.canonical import canonical_bytes

if TYPE_CHECKING:
    from hub.assembly.hub import Hub

LISTED_MAX = 500


def answering_api(hub: Hub) -> AnsweringAPI:
    ports = hub.ports
    shown = ShownRecords(
        ports.log,
        snapshot=hub.snapshot,
        partitions=hub.events.partitions,
        spread_seconds=hub.settings.intake.append_seconds_max,
        feed_retention_seconds=hub.settings.log.feed_retention_seconds,
    )
    answering = Answering(
        ports.dispatches,
        shown=shown,
        views=ports.views,
        agreements=hub.agreements,
        snapshot=hub.snapshot,
        clock=hub.clock,
        sent_hour_max=hub.settings.delivery.notices_sent_hour_max,
    )
    acknowledgements = NoticeAcknowledgements(
        ports.dispatches,
        snapshot=hub.snapshot,
        clock=hub.clock,
        observer=hub.observer,
        hub=hub.settings.hub_name,
    )
    return AnsweringAPI(
        gate=hub.entrance.gate,
        bodies=hub.bodies,
        answering=answering,
        acknowledgements=acknowledgements,
        dispatches=ports.dispatches,
    )


async def notice_act(
    hub: Hub, name: str, asked: object, operator: str | None, user: str
) -> Mapping[str, object] | Refusal:
    """What an operator asks of notices, once it was noted who asked. Raises `HubError`."""
    seen = await hub.registrar.looks.view(name, asked, operator=operator, user=user)
    if isinstance(seen, Refusal):
        return seen
    dispatches = hub.ports.dispatches
    if name == "notice.list":
        step = Step.OVERDUE if seen["overdue"] else None
        found = await dispatches.page(seen["sender"], step=step, before=None, limit=LISTED_MAX + 1)
        return {"items": [*map(_listed, found[:LISTED_MAX])], "more": len(found) > LISTED_MAX}
    request = convert(asked, SendNotice)
    sent = _announced(request, seen, hub.clock.now_us(), operator or user)
    if not await dispatches.add(sent):
        before = await dispatches.sent_as(OPERATORS, request.id)
        if any(each.dispatch.digest != sent[0].digest for each in before):
            return Refusal("NOTICE_CONFLICT")
        return {"id": request.id, "partners": len(before)}
    return {"id": request.id, "partners": len(sent)}


def _announced(request: SendNotice, seen: Mapping[str, Any], now_us: int, by: str) -> list[Dispatch]:
    """One for each partner."""
    asked = Asked(
        own=request.id,
        digest=sha256(canonical_bytes({**to_builtins(request), "reason": ""})).digest(),
        kind=Kind(request.kind),
        feed="",
        text=request.text,
        language=request.language,
        due_us=seen["due"] * 1_000_000,
        wanted=request.acknowledge,
    )
    members = orjson.dumps(told(asked, now_us, {}))
    return [
        Dispatch(
            id=dispatch_id(OPERATORS, request.id, number),
            sender=OPERATORS,
            own=request.id,
            digest=asked.digest,
            by=by,
            partner=partner,
            kind=asked.kind,
            members=members,
            sent_us=now_us,
            due_us=asked.due_us,
            wanted=asked.wanted or asked.due_us > 0,
        )
        for number, partner in enumerate(seen["partners"])
    ]


def _listed(sent: Sent) -> dict[str, Any]:
    """All that is known of it, but for what it is about."""
    dispatch, document = sent.dispatch, sent_document(sent)
    del document["about"]
    whose = {"sender": dispatch.sender, "by": dispatch.by, "partner": dispatch.partner, "agent": dispatch.agent}
    answered = {"acknowledged_by": sent.acknowledged_by, "signature": sent.signature}
    return {**document, **whose, "agreements": list(dispatch.agreements), **answered}
