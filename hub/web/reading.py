"""The reader's side of the API: feeds, notices, receipts and what was judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Annotated

import msgspec
import orjson
from aiohttp import web
from msgspec import Meta, Struct

from hub.core.errors import HubError, Refusal, Trimmed
from hub.core.evidence import Principal
from hub.core.feed import Lane, lane_name
from hub.core.registry import Snapshot
from hub.core.settings import DeliverySettings
from hub.delivery.acknowledge import Acknowledgements, Said
from hub.delivery.journal import Reader
from hub.delivery.notices import Notices
from hub.delivery.pull import EARLIEST, NOW, Page, Pull
from hub.delivery.source import Begun, begin_feed
from hub.delivery.stream import Group, Streams, one_line
from hub.ports.observer import Observer
from hub.ports.system import Clock
from hub.trust.statement import utc_text
from hub.views.receipts import Receipts
from hub.views.status import EventStatus, Statuses
from hub.web import render
from hub.web.edge import JSON, SERVER, BodyReader, Handler, answer, number, only
from hub.web.gate import Gate, publisher_asked
from hub.web.problems import Refused, granted
from schemas.identity import ID_BYTES_MAX, SOURCE_BYTES_MAX, utc_instant

ACK_BODY_BYTES_MAX = 16_384
MARKS_MAX = 128
"""As many as there are partitions at most."""
OCCURRENCES_MAX = 100
"""Receipts or judgements in an answer: an event may have been sent again any number of times."""
CHUNK_BYTES_MAX = 64
"""What the chunked coding adds to a group."""
LOW_WATER_SHARE = 4
"""Of a transport's limit, by default."""
LOOK_SECONDS = 0.25
"""How long a credential that stood is not looked at again by its stream, while the registry says the same."""
STREAM_STALLED_SECONDS_MAX = 5.0
"""How long a reader may leave the whole unsent buffer untouched before its stream is cut."""


class _AckBody(Struct, frozen=True):
    cursor: str | None = None
    marks: Annotated[tuple[tuple[int, int, int], ...], Meta(min_length=1, max_length=MARKS_MAX)] | None = None
    time: int = 0
    signature: str = ""


_ack_body = msgspec.json.Decoder(_AckBody)


class ReaderAPI:
    """Handlers of the routes that recipients and publishers read by."""

    def __init__(
        self,
        *,
        gate: Gate,
        bodies: BodyReader,
        pull: Pull,
        acknowledgements: Acknowledgements,
        streams: Streams,
        notices: Notices,
        receipts: Receipts,
        statuses: Statuses,
        snapshot: Callable[[], Snapshot],
        stopping: Callable[[], bool],
        clock: Clock,
        observer: Observer,
        settings: DeliverySettings,
        waiting_max: int,
    ) -> None:
        """`waiting_max`: how many of the requests that may wait one partner may have under way."""
        self._gate = gate
        self._bodies = bodies
        self._pull = pull
        self._acknowledgements = acknowledgements
        self._streams = streams
        self._notices = notices
        self._receipts = receipts
        self._statuses = statuses
        self._snapshot = snapshot
        self._stopping = stopping
        self._clock = clock
        self._observer = observer
        self._settings = settings
        self._waiting_max = waiting_max
        self._waiting: Counter[str] = Counter()

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "get_receipts": self.get_receipts,
            "get_notices": self._with_a_place("receipts:read", self.get_notices),
            "list_feeds": self.list_feeds,
            "get_records": self._with_a_place("feeds:read", self.get_records),
            "acknowledge": self.acknowledge,
            "stream": self._with_a_place("feeds:read", self.stream),
            "stream_notices": self._with_a_place("receipts:read", self.stream_notices),
        }

    def _with_a_place(self, scope: str, handler: Handler) -> Handler:
        """The handler of a route that may wait: no partner takes the places of all others."""

        async def handle(request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
            partner = self._gate.enter(request, scope).partner.id
            if self._waiting[partner] >= self._waiting_max:
                raise Refused(Refusal("TOO_MANY_REQUESTS", f"at most {self._waiting_max} pages and streams at a time"))
            self._waiting[partner] += 1
            try:
                return await handler(request, names)
            finally:
                self._waiting[partner] -= 1
                self._waiting += Counter()  # Drops what has come to zero.

        return handle

    async def list_feeds(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        principal = self._gate.enter(request, "feeds:read")
        feeds = [
            {
                "name": feed.name,
                "purpose": feed.purpose.value,
                "types": feed.types,
                "filter": feed.filter,
                "urgent": feed.urgent,
                "version": feed.version,
            }
            for feed in self._snapshot().feeds_of(principal.partner.id)
            if not feed.ended
        ]
        return answer({"items": feeds, "next": None})

    async def get_records(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        principal = self._gate.enter(request, "feeds:read")
        limit, wait = self._page_of(request)
        page = await self._pull.page(
            principal.partner.id,
            _lane_asked(request, names),
            _place_of(request),
            reader=_reader(principal),
            limit=limit,
            wait=wait,
            proof=proof_asked(request),
        )
        self._gate.enter(request, "feeds:read")  # It may have waited long: who asks is looked at again.
        return _page_answer(page)

    async def get_notices(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        principal = self._gate.enter(request, "receipts:read")
        only(request, ("cursor", "limit", "wait"))
        limit, wait = self._page_of(request)
        page = await self._notices.page(principal.partner.id, request.query.get("cursor"), limit=limit, wait=wait)
        self._gate.enter(request, "receipts:read")
        return _page_answer(page)

    async def acknowledge(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        principal = self._gate.enter(request, "feeds:read")
        self._bodies.media_type(request, (JSON,))
        said = _said(await self._bodies.read(request, bytes_max=ACK_BODY_BYTES_MAX))
        self._gate.enter(request, "feeds:read")  # The body may have taken seconds: who asks is looked at again.
        refusal = await self._acknowledgements.take(
            principal.partner.id, _lane_asked(request, names), said, _reader(principal)
        )
        if refusal is not None:
            raise Refused(refusal)
        return web.Response(status=204)

    async def stream(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        principal = self._gate.enter(request, "feeds:read")
        cursor = request.headers.get("Last-Event-ID") or _place_of(request)
        begun = await begin_feed(self._pull, principal.partner.id, _lane_asked(request, names), cursor)
        return await self._stream(request, principal, begun, "feeds:read", proof=proof_asked(request))

    async def stream_notices(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        principal = self._gate.enter(request, "receipts:read")
        only(request, ("cursor",))
        cursor = request.headers.get("Last-Event-ID") or request.query.get("cursor")
        begun = self._notices.begin(principal.partner.id, cursor)
        return await self._stream(request, principal, begun, "receipts:read")

    async def _stream(
        self, request: web.BaseRequest, principal: Principal, begun: Begun, scope: str, *, proof: bool = False
    ) -> web.StreamResponse:
        """Server-Sent Events (HTML Living Standard §9.2): the last event of each group carries the cursor as its id."""
        watch = self._watch(request, principal, scope)
        async with self._streams.open(begun, _reader(principal), watch, proof=proof) as groups:
            if isinstance(groups, Refusal):
                raise Refused(groups)
            response = web.StreamResponse(
                headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", **SERVER}
            )
            await response.prepare(request)
            if request.transport is not None:
                request.transport.set_write_buffer_limits(high=self._settings.stream_unsent_bytes_max)
            self._observer.gauge("streams", self._streams.count)
            try:
                async for group in groups:
                    await self._send(request, response, group.encoded(_sse))
            except TimeoutError:
                self._cut(request, "slow")
            except ConnectionError:
                self._observer.count("streams_cut", reason="gone")
            except HubError as e:
                reason = "gap" if isinstance(e, Trimmed) else "storage"
                self._observer.count("streams_cut", reason=reason)
        self._observer.gauge("streams", self._streams.count)
        return response

    async def get_receipts(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        principal = self._gate.enter(request, "receipts:read")
        part, (publisher, sender) = _part_of(request), of_whom(request, principal)
        receipts, more = await self._receipts.of(publisher, *identity_of(request), sender=sender, part=part)
        items = [render.receipt_with_proof(receipt) for receipt in receipts]
        return answer({"items": items, "next": str(part.stop) if more else None})

    async def get_event(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        """What was judged of an identity; `GET /v1/events` comes here where `source` or `id` is named."""
        principal = self._gate.enter(request, "receipts:read")
        part, (publisher, sender) = _part_of(request), of_whom(request, principal)
        status = await self._statuses.of(publisher, *identity_of(request), sender=sender, part=part)
        return answer(_status_document(status, part))

    def _page_of(self, request: web.BaseRequest) -> tuple[int, float]:
        """`limit` and `wait` of a page; no waiting while the hub stops."""
        limit = number(request, "limit", self._settings.page_records_max)
        wait = number(request, "wait", 0)
        return max(1, limit), 0.0 if self._stopping() else min(wait, self._settings.wait_seconds_max)

    async def _send(self, request: web.BaseRequest, response: web.StreamResponse, group: bytes) -> None:
        """Raises `TimeoutError` for a reader who leaves too much unread.

        Below the mark at which a transport that was full takes more again, nobody is waited for: no timer is needed.
        """
        unsent = 0 if request.transport is None else request.transport.get_write_buffer_size()
        if (unsent + len(group) + CHUNK_BYTES_MAX) * LOW_WATER_SHARE <= self._settings.stream_unsent_bytes_max:
            await response.write(group)
            return
        async with self._clock.deadline(STREAM_STALLED_SECONDS_MAX):
            await response.write(group)

    def _watch(self, request: web.BaseRequest, principal: Principal, scope: str) -> Callable[[], bool]:
        """Whether a stream must stop: the hub stops or decides nothing, the reader has gone, or its token, key or
        partner no longer stands. It is asked at every group; while the registry says the same, who reads is looked at
        now and then."""
        looked, is_out = self._pull.moment(), False

        def must_stop() -> bool:
            nonlocal looked, is_out
            transport, (revision, now) = request.transport, self._pull.moment()
            if is_out or self._stopping() or transport is None or transport.is_closing():
                return True
            if not self._gate.decides() or revision != looked[0] or now - looked[1] >= LOOK_SECONDS:
                looked, is_out = (revision, now), self._is_out(request, principal, scope)
            return is_out

        return must_stop

    def _is_out(self, request: web.BaseRequest, principal: Principal, scope: str) -> bool:
        try:
            return self._gate.enter(request, scope).partner.id != principal.partner.id
        except Refused as e:
            reason = "registry" if e.refusal.code == "REGISTRY_STALE" else "credential"
            self._observer.count("streams_cut", reason=reason)
            return True

    def _cut(self, request: web.BaseRequest, reason: str) -> None:
        """End it at once: what is unsent is dropped, the reader resumes from its last id."""
        self._observer.count("streams_cut", reason=reason)
        if request.transport is not None:
            request.transport.abort()


def _said(body: bytes) -> Said:
    """Raises `Refused`. A cursor that is no text is none of ours; it is not looked at any closer."""
    try:
        sent = _ack_body.decode(body)
    except msgspec.ValidationError as e:
        raise Refused(Refusal("CURSOR_INVALID")) from e
    except msgspec.DecodeError as e:
        raise Refused(Refusal("BODY_MALFORMED", '{"cursor": "…"}')) from e
    if (sent.cursor is None) == (sent.marks is None):
        raise Refused(Refusal("BODY_MALFORMED", "cursor, or else marks"))
    return Said(sent.cursor or sent.marks or "", sent.time, sent.signature)


def _reader(principal: Principal) -> Reader:
    return Reader(principal.system.id, principal.key_id)


def _page_answer(outcome: Page | Refusal) -> web.Response:
    page = granted(outcome)
    document: render.Document = {
        "items": [orjson.Fragment(record) for record in page.records],
        "next": page.cursor,
    }
    return answer(document if page.seals is None else document | {"seals": [*map(render.feed_seal, page.seals)]})


def _sse(group: Group) -> bytes:
    if not group.records:
        return b": here\nid: " + group.cursor.encode() + b"\n\n"
    begin = b"event: " + group.source.word.encode() + b"\n"
    *others, last = map(one_line, group.records)
    seals = b"".join(b"event: seal\ndata: %b\n\n" % orjson.dumps(render.feed_seal(seal)) for seal in group.seals)
    lines = b"".join(begin + b"data: " + record + b"\n\n" for record in others)
    return seals + lines + begin + b"id: " + group.cursor.encode() + b"\ndata: " + last + b"\n\n"


def _status_document(status: EventStatus, part: slice) -> dict[str, object]:
    items = [
        {
            "judgement": each.judgement.value,
            "received": utc_text(each.received_us),
            **({"submitted_by": each.submitted_by} if each.submitted_by else {}),
        }
        for each in status.occurrences
    ]
    judged_up_to = status.judged_up_to_us
    return {
        "items": items,
        "judged": status.judged,
        "judged_up_to": None if judged_up_to is None else utc_text(judged_up_to),
        "next": str(part.stop) if status.more else None,
    }


def of_whom(request: web.BaseRequest, principal: Principal) -> tuple[str, str | None]:
    """The publisher of what is asked about, and, where that is another partner, who must have sent it."""
    publisher = publisher_asked(request, principal)
    return publisher, None if publisher == principal.partner.id else principal.partner.id


def identity_of(request: web.BaseRequest) -> tuple[str, str, str | None]:
    """source, id and, where it was sent with `updated_at`, version: any RFC 3339 form of the instant."""
    source, id_, version = request.query.get("source", ""), request.query.get("id", ""), request.query.get("version")
    if not 0 < len(source.encode()) <= SOURCE_BYTES_MAX or not 0 < len(id_.encode()) <= ID_BYTES_MAX:
        raise Refused(Refusal("BAD_REQUEST", "source and id, as they were sent"))
    if version is not None and (version := utc_instant(version)) is None:
        raise Refused(Refusal("BAD_REQUEST", "version: the event's data.updated_at, an RFC 3339 time with offset"))
    return source, id_, version


def _place_of(request: web.BaseRequest) -> str | None:
    """The cursor; without one `from=earliest` or `from=now`, or else the place acknowledged last."""
    begins = request.query.get("from")
    if begins not in (None, EARLIEST, NOW):
        raise Refused(Refusal("BAD_REQUEST", "from: earliest, now, or left out"))
    return request.query.get("cursor", begins)


def _lane_asked(request: web.BaseRequest, names: Mapping[str, str]) -> str:
    """The feed, and which of its lanes: `lane=urgent`, or the other one."""
    lane = request.query.get("lane", Lane.MAIN)
    if lane not in tuple(Lane) or "/" in names["feed"]:
        raise Refused(Refusal("BAD_REQUEST", "lane: urgent, or left out"))
    return lane_name(names["feed"], Lane(lane))


def proof_asked(request: web.BaseRequest) -> bool:
    asked = request.query.get("proof")
    if asked not in (None, "yes"):
        raise Refused(Refusal("BAD_REQUEST", "proof: yes, or left out"))
    return asked is not None


def _part_of(request: web.BaseRequest) -> slice:
    """`limit` occurrences behind `cursor`: the number of those already seen, to readers as opaque as any cursor."""
    seen, limit = number(request, "cursor", 0), number(request, "limit", OCCURRENCES_MAX)
    return slice(seen, seen + min(max(1, limit), OCCURRENCES_MAX))
