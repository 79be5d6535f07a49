"""Customs answers back: what a risk engine tells a company about an event or object that its feed showed.

Nobody is told more by it than before: the engine learns nothing of an event that it was not shown, the company nothing
of the engine. Sent is only what an agreement in force lets it send that covers the event (`schemas/formats/notice.md`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from msgspec import Struct

from hub.core.dispatch import Defect, Dispatch, Kind, Sent, dispatch_id
from hub.core.errors import Refusal
from hub.core.event import Event
from hub.core.evidence import Principal
from hub.core.feed import Feed
from hub.core.permission import may_stand_in
from hub.core.record import Position
from hub.core.registry import Snapshot
from hub.core.terms import Agreements, Decisions
from hub.delivery.shown import Match, ShownRecord, ShownRecords
from hub.ports.dispatches import Dispatches
from hub.ports.system import Clock
from hub.ports.views import Query, Views
from hub.trust.statement import utc_text
from schemas.headers import EventHeader, FeedHeader

EVENTS_OF_AN_OBJECT_MAX = 32
LOOKED_AT_MAX = 1_000
VIEW_BYTES_MAX = 4_194_304
HOUR_US = 3_600_000_000
DAYS_MAX = 366


class Named(Struct, frozen=True, forbid_unknown_fields=True):
    """An event, as a record of the feed names it."""

    source: str
    id: str
    publisher: str
    receivedtime: str


class Subject(Struct, frozen=True, forbid_unknown_fields=True):
    scheme: str
    value: str


class Asked(Struct, frozen=True, kw_only=True):
    """What a sender wants told. Either `event` or `object`; times in microseconds since 1970."""

    own: str
    digest: bytes
    kind: Kind
    feed: str
    event: Named | None = None
    received_us: int = 0
    """When the event was received, as named."""
    object: Subject | None = None
    publisher: str = ""
    """With `object`: to this one alone, as the feed shows it."""
    text: str
    language: str
    due_us: int = 0
    wanted: bool = False
    defect: Defect | None = None
    pointer: str = ""


class Target(Struct, frozen=True):
    """One event that was shown, and how."""

    event: Event
    record: ShownRecord


class Answering:
    """Takes what engines send."""

    def __init__(
        self,
        dispatches: Dispatches,
        *,
        shown: ShownRecords,
        views: Views,
        agreements: Callable[[], Agreements],
        snapshot: Callable[[], Snapshot],
        clock: Clock,
        sent_hour_max: int,
    ) -> None:
        self._dispatches = dispatches
        self._shown = shown
        self._views = views
        self._agreements = agreements
        self._snapshot = snapshot
        self._clock = clock
        self._sent_hour_max = sent_hour_max

    async def send(self, sender: Principal, asked: Asked) -> Sequence[Sent] | Refusal:
        """Keep it, and say what is kept; what was sent before under the same id is answered as it is now.

        `NOTICE_CONFLICT`, `NOT_FOUND`, `FEED_GONE`, `NOTICE_NOT_AGREED`, `TOO_MANY_REQUESTS`, `BAD_REQUEST`.
        Raises `StorageUnavailable`, `StorageFull`, `OutcomeUnknown`.
        """
        partner, now_us = sender.partner.id, self._clock.now_us()
        if before := await self._dispatches.sent_as(partner, asked.own):
            return _same(before, asked)
        if asked.due_us and not now_us < asked.due_us <= now_us + DAYS_MAX * 24 * HOUR_US:
            return Refusal("BAD_REQUEST", f"deadline: later than now, within {DAYS_MAX} days")
        feed = self._snapshot().feeds.get(asked.feed)
        if feed is None or feed.recipient != partner:
            return Refusal("NOT_FOUND", "`GET /v1/feeds` lists the feeds that you may read")
        if feed.ended:
            return Refusal("FEED_GONE")
        if await self._dispatches.count(partner, now_us - HOUR_US) >= self._sent_hour_max:
            return Refusal("TOO_MANY_REQUESTS", f"at most {self._sent_hour_max} notices in an hour")
        targets = await self._targets(feed, asked)
        if not targets:
            return Refusal("NOT_FOUND", f"the feed {feed.name} holds no record that is named like this")
        letters = self._letters(sender, feed, asked, targets)
        if isinstance(letters, Refusal):
            return letters
        if await self._dispatches.add(letters):
            return [Sent(each) for each in letters]
        return _same(await self._dispatches.sent_as(partner, asked.own), asked)

    async def _targets(self, feed: Feed, asked: Asked) -> Sequence[Target]:
        """The events that are meant, one of each company."""
        if asked.event is not None:
            record = await self._shown.find(feed, asked.received_us, _is_named(asked.event))
            target = await self._target(record)
            return [target] if target is not None else []
        return await self._about(feed, asked.object, asked.publisher) if asked.object is not None else []

    async def _target(self, record: ShownRecord | None) -> Target | None:
        event = await self._shown.event(record.stamp) if record is not None else None
        return Target(event, record) if event is not None and record is not None else None

    async def _about(self, feed: Feed, subject: Subject, publisher: str) -> Sequence[Target]:
        """The newest event of each company about an object, as far as the feed showed them with it in clear."""
        query = Query(object=f"{subject.scheme}:{subject.value}")
        page = await self._views.events(
            query, limit=EVENTS_OF_AN_OBJECT_MAX, looked_at_max=LOOKED_AT_MAX, bytes_max=VIEW_BYTES_MAX
        )
        found: dict[str, Target] = {}
        for known in page.events:
            if known.publisher in found:
                continue
            at = known.position
            record = await self._shown.find(feed, known.received_us, _is_at(at, subject), partition=at.partition)
            if record is not None and publisher in ("", record.body["publisher"]):
                target = await self._target(record)
                if target is not None:
                    found[known.publisher] = target
        return list(found.values())

    def _letters(
        self, sender: Principal, feed: Feed, asked: Asked, targets: Sequence[Target]
    ) -> list[Dispatch] | Refusal:
        """One for each company whose event an agreement covers that lists the kind."""
        now_us = self._clock.now_us()
        terms = self._agreements().between(feed.recipient, feed.purpose).standing(now_us // 1_000_000)
        decisions = Decisions(terms, since=self._snapshot().feeds.created(feed.name), types=feed.types)
        covered = [(target, decisions.covering(target.event)) for target in targets]
        listing = [
            (target, names)
            for target, agreements in covered
            if (names := tuple(sorted(each.id for each in agreements if asked.kind in each.notices)))
        ]
        if not listing:
            silent = sorted({each.id for _, agreements in covered for each in agreements})
            why = f"{asked.kind} is not in: {', '.join(silent)}" if silent else "no agreement in force covers it"
            return Refusal("NOTICE_NOT_AGREED", why)
        return [
            self._letter(sender, asked, target, agreements, number, now_us)
            for number, (target, agreements) in enumerate(listing)
        ]

    def _letter(
        self,
        sender: Principal,
        asked: Asked,
        target: Target,
        agreements: tuple[str, ...],
        number: int,
        now_us: int,
    ) -> Dispatch:
        header, snapshot = target.event.header, self._snapshot()
        agent = header.sender if header.sender != header.publisher else ""
        if agent and not may_stand_in(agent, header.publisher, snapshot, now_us // 1_000_000):
            agent = ""
        return Dispatch(
            id=dispatch_id(sender.partner.id, asked.own, number),
            sender=sender.partner.id,
            own=asked.own,
            digest=asked.digest,
            by=sender.system.id,
            credential=sender.key_id,
            partner=header.publisher,
            agent=agent,
            kind=asked.kind,
            members=orjson.dumps(told(asked, now_us, _named(header) if asked.event is not None else {})),
            about=orjson.dumps(_as_shown(asked, target.record)),
            agreements=agreements,
            sent_us=now_us,
            due_us=asked.due_us,
            wanted=asked.wanted or asked.due_us > 0,
        )


def told(asked: Asked, now_us: int, event: Mapping[str, str]) -> dict[str, Any]:
    """What a company reads: nothing of who sends it, for what purpose, by which agreement."""
    members: dict[str, Any] = {"time": utc_text(now_us), **event}
    if asked.object is not None:
        members["object"] = {"scheme": asked.object.scheme, "value": asked.object.value}
    members |= {"text": asked.text, "language": asked.language}
    if asked.due_us:
        members["deadline"] = utc_text(asked.due_us)
    if asked.wanted or asked.due_us:
        members["acknowledge"] = True
    if asked.defect is not None:
        members |= {"defect": asked.defect.value, "pointer": asked.pointer}
    return members


def _same(sent: Sequence[Sent], asked: Asked) -> Sequence[Sent] | Refusal:
    return sent if all(each.dispatch.digest == asked.digest for each in sent) else Refusal("NOTICE_CONFLICT")


def _named(header: EventHeader) -> dict[str, str]:
    """The event as its publisher knows it."""
    version = {"version": header.version} if header.version is not None else {}
    by_agent = header.sender != header.publisher
    sender = {"publisher": header.publisher, "submitted_by": header.submitted_by} if by_agent else {}
    return {"source": header.source, "id": header.id, **version, "received": utc_text(header.received_us), **sender}


def _as_shown(asked: Asked, record: ShownRecord) -> dict[str, Any]:
    """What it is about, as the sender knows it."""
    names = ("source", "id", "publisher", "receivedtime")
    event = {"event": {name: record.body[name] for name in names}}
    if asked.object is None:
        return {"feed": asked.feed, **event}
    subject = {"scheme": asked.object.scheme, "value": asked.object.value}
    return {"feed": asked.feed, "object": subject, "publisher": record.body["publisher"]}


def _is_named(named: Named) -> Match:
    names = {"source": named.source, "id": named.id, "publisher": named.publisher}
    return lambda _, body: all(body.get(name) == text for name, text in names.items())


def _is_at(position: Position, subject: Subject) -> Match:
    def match(stamp: FeedHeader, body: Mapping[str, Any]) -> bool:
        return Position(stamp.generation, stamp.partition, stamp.offset) == position and _names(body, subject)

    return match


def _names(body: Mapping[str, Any], subject: Subject) -> bool:
    """Whether the record shows that it is about the object."""
    subjects = body["data"].get("subjects")
    return any(
        isinstance(each, dict) and (each.get("scheme"), each.get("value")) == (subject.scheme, subject.value)
        for each in (subjects if isinstance(subjects, list) else ())
    )
