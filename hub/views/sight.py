"""What one caller sees of what is known: its own events whole, those of others as a feed for one purpose shows them.

Everything that is answered, and every filter, looks at the events as they are shown here and at nothing else: what is
cut away can be found by no question. Of what lies behind a pseudonym, the pseudonym can be asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from msgspec import Struct

from hub.core.agreement import Purpose
from hub.core.errors import Refusal
from hub.core.event import Event
from hub.core.evidence import Principal
from hub.core.partner import Role
from hub.core.record import StoredRecord
from hub.core.registry import Snapshot
from hub.core.terms import Agreements, Decisions, Grant
from hub.ports.views import KnownEvent
from hub.trust.project import Projection, compile_projection, project_all
from schemas.headers import EventHeader, unpack

PROJECTIONS_KEPT_MAX = 64
RECIPIENTS_KEPT_MAX = 64
STANDS_SECONDS = 10
"""So long what stands now is worked out for, unless something ends or changes before."""


class Shown(Struct, frozen=True, gc=False):
    """One event as the caller sees it."""

    known: KnownEvent
    body: bytes
    """What a feed's record holds (`schemas/formats/feed-record.md`)."""
    event: Mapping[str, Any]
    """The same, parsed."""
    agreements: tuple[str, ...] = ()
    """By which it is shown; none: it is the caller's own."""
    revision: int = 0
    """Of the registry, by which that was decided."""

    @property
    def data(self) -> Mapping[str, Any]:
        data: Mapping[str, Any] = self.event["data"]
        return data


class Sight:
    """The eyes of one caller, for one request: opened with what is true now."""

    def __init__(
        self,
        *,
        own: str | None,
        decisions: Decisions | None,
        fields: tuple[str, ...],
        projection: Callable[[tuple[str, ...]], Projection],
        key: str,
        purpose: str = "",
    ) -> None:
        """`own`: whose events are seen whole. `fields`: what agreements allow at most; `key` tells sights apart;
        `purpose`: for which those of others are seen.
        """
        self.own = own
        self.key = key
        self.purpose = purpose
        self._decisions = decisions
        self._fields = fields
        self._projection = projection

    @property
    def others(self) -> bool:
        """Whether events of others may be seen at all."""
        return self._decisions is not None

    def may_find(self, *pointers: str, own: bool = True) -> bool:
        """Whether anything under the pointers is ever seen, in `own` events or in those of others."""
        return (own and self.own is not None) or any(
            field == "*" or f"{pointer}/".startswith(f"{field}/") or field.startswith(f"{pointer}/")
            for field in self._fields
            for pointer in pointers
        )

    def may_name(self, publisher: str) -> bool:
        """Whether another publisher's id is ever shown, and not a pseudonym for it."""
        fields = self._decisions.fields(publisher) if self._decisions is not None else ()
        return "*" in fields or "/publisher" in fields

    def shown(self, known: KnownEvent) -> Shown | None:
        """The event as this caller sees it; None: not even that there is one."""
        event = _event_of(known)
        if event.header.publisher == self.own:
            body = project_all(event)[1]
            return Shown(known, body, orjson.loads(body))
        grant = self._grant(event)
        if grant is None or self._decisions is None:
            return None
        body = self._projection(grant.fields)(event)[1]
        return Shown(known, body, orjson.loads(body), grant.agreements, self._decisions.revision(event.header))

    def allows(self, known: KnownEvent, pointer: str) -> bool:
        """Whether the caller sees all that stands under the pointer."""
        event = _event_of(known)
        if event.header.publisher == self.own:
            return True
        grant = self._grant(event)
        fields = grant.fields if grant is not None else ()
        return any(field == "*" or f"{pointer}/".startswith(f"{field}/") for field in fields)

    def _grant(self, event: Event) -> Grant | None:
        return self._decisions.decide(event.header, event) if self._decisions is not None else None


def _event_of(known: KnownEvent) -> Event:
    header = unpack(known.header)
    assert isinstance(header, EventHeader)
    record = StoredRecord(known.position.offset, known.received_us, b"", known.header, known.value)
    return Event(header, record)


def sight_of_owner(publisher: str) -> Sight:
    """The eyes of the publisher: for what is decided by the whole of an event, whoever asks."""
    return Sight(own=publisher, decisions=None, fields=(), projection=lambda _: project_all, key="")


class _Given(Struct, frozen=True):
    """What one recipient is shown for one purpose, and what that is at most."""

    decisions: Decisions
    fields: tuple[str, ...]


class _Standing(Struct, frozen=True):
    """What a recipient is given, by purpose: as it stands at `revision`, from one moment until another (exclusive)."""

    revision: int
    begins: int
    ends: int
    given: Mapping[str, _Given]

    def holds(self, revision: int, now: int) -> bool:
        return self.revision == revision and self.begins <= now < self.ends


class Sights:
    """Opens the eyes of callers."""

    def __init__(
        self,
        *,
        snapshot: Callable[[], Snapshot],
        agreements: Callable[[], Agreements],
        secret: Callable[[str], bytes],
    ) -> None:
        """`secret` gives a 32-byte secret for a use; pseudonyms are the same for one recipient and purpose."""
        self._snapshot = snapshot
        self._agreements = agreements
        self._secret = secret
        self._projections: dict[tuple[str, tuple[str, ...]], Projection] = {}
        self._standing: dict[str, _Standing] = {}

    def of(self, principal: Principal, purpose: str | None, *, now: int) -> Sight | Refusal:
        """What the principal sees at `now` (seconds since 1970). `BAD_REQUEST` names the purposes to choose from."""
        partner, scopes = principal.partner, principal.scopes
        own = partner.id if "receipts:read" in scopes else None
        receives = "feeds:read" in scopes and Role.AUTHORITY in partner.roles
        given = self._given(partner.id, now) if receives else {}
        if (purpose is None and len(given) > 1) or (purpose is not None and purpose not in given):
            return Refusal("BAD_REQUEST", f"purpose: one of {', '.join(given)}" if given else "purpose: none is agreed")
        chosen = purpose or next(iter(given), None)
        seen = given.get(chosen) if chosen is not None else None
        return Sight(
            own=own,
            decisions=seen.decisions if seen is not None else None,
            fields=seen.fields if seen is not None else (),
            projection=self._projections_of(f"{partner.id}:{chosen}"),
            key=f"{own or ''}\x1f{partner.id}\x1f{chosen or ''}",
            purpose=chosen or "",
        )

    def _given(self, recipient: str, now: int) -> Mapping[str, _Given]:
        """By purpose, what agreements that still stand let the recipient see: worked out once for many requests."""
        revision, kept = self._snapshot().revision, self._standing.get(recipient)
        if kept is None or not kept.holds(revision, now):
            if len(self._standing) >= RECIPIENTS_KEPT_MAX:
                self._standing.clear()
            kept = self._standing[recipient] = self._stand(recipient, revision, now)
        return kept.given

    def _stand(self, recipient: str, revision: int, now: int) -> _Standing:
        """An event is decided as in the newest of the recipient's feeds for that purpose: from the revision on at which
        that began, what came before is shown too, as far back as `valid_from` says (`hub/core/terms.py`). What grows
        too old to be kept within the time that this stands for is left out from the first.
        """
        agreements, given, ends = self._agreements(), {}, now + STANDS_SECONDS
        for purpose in agreements.purposes(recipient):
            terms = agreements.between(recipient, purpose).standing(now, until=now + STANDS_SECONDS)
            if fields := terms.fields():
                given[purpose.value] = _Given(Decisions(terms, since=self._since(recipient, purpose)), fields)
                ends = min(ends, terms.ends())
        return _Standing(revision, now, ends, given)

    def _since(self, recipient: str, purpose: Purpose) -> int:
        snapshot = self._snapshot()
        live = [each.name for each in snapshot.feeds_of(recipient) if not each.ended and each.purpose is purpose]
        return max(map(snapshot.feeds.since, live), default=0)

    def _projections_of(self, viewer: str) -> Callable[[tuple[str, ...]], Projection]:
        def projection(fields: tuple[str, ...]) -> Projection:
            found = self._projections.get((viewer, fields))
            if found is None:
                if len(self._projections) >= PROJECTIONS_KEPT_MAX:
                    self._projections.clear()
                secret = self._secret(f"pseudonym:view:{viewer}")
                found = self._projections[viewer, fields] = compile_projection(fields, secret)
            return found

        return projection
