"""Changes of AEO status as events of the administration itself, whatever way they came into the registry.

Theory of operation. What is to be said follows from the registry alone: each version of an authorisation whose status
is another than that of the version before becomes one event, whose id, time and words are the same whenever it is made.
The mark is the last revision of which all was taken; it is stored under a lease behind what was appended. After a crash
between the two the same events are sent again and are repeats, which no feed shows.

The reason of a change stays out: it is confidential.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from msgspec import Struct

from hub.core.aeo import Authorisation
from hub.core.errors import HubError, StorageUnavailable, place_of
from hub.core.evidence import Item, Verdict
from hub.core.partner import Partner, Role
from hub.core.registry import Snapshot
from hub.ports.observer import Observer
from hub.ports.positions import FeedPosition, Positions
from hub.ports.system import Clock
from hub.trust.statement import utc_text
from schemas.identifiers import OBJECTS

TYPE = "customs.aeo.status_changed"
SOURCE = "urn:customs-hub:aeo"
OUTPUT = "aeo/statuses"
LOOK_SECONDS = 0.5
LEASE_SECONDS = 30.0
BATCH_EVENTS = 200
TAKEN = (Verdict.ACCEPTED, Verdict.DUPLICATE)

Publish = Callable[[Partner, Sequence[Mapping[str, Any]]], Awaitable[Sequence[Item]]]
"""Take events of a partner as intake would. Raises `HubError` when nothing was."""


class Change(Struct, frozen=True):
    """The status of an authorisation became another one."""

    revision: int
    version: int
    """Of the authorisation, from 1."""
    authorisation: Authorisation

    @property
    def id(self) -> str:
        return f"{self.authorisation.id}.{self.revision}.{self.version}"


class StatusEvents:
    """`publisher` is the partner that stands for the administration: it alone says how its authorisations stand."""

    def __init__(
        self,
        publish: Publish,
        *,
        publisher: str,
        snapshot: Callable[[], Snapshot],
        positions: Positions,
        generation: int,
        holder: str,
        clock: Clock,
        observer: Observer,
    ) -> None:
        self._publish = publish
        self._publisher = publisher
        self._snapshot = snapshot
        self._positions = positions
        self._generation = generation
        self._holder = holder
        self._clock = clock
        self._observer = observer
        self._seen = 0
        self._missing = False

    async def run(self) -> None:
        """Publish until cancelled; what cannot be taken now is sent again later."""
        while True:
            try:
                await self.look()
            except HubError as error:
                self._observer.event("status_events.interrupted", error=place_of(error))
            except Exception as error:  # noqa: BLE001  A supervisor: a fault here must not stop the hub.
                self._alarm("status_events_failed", error=place_of(error))
            await self._clock.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Publish what changed since the mark. Raises `HubError`."""
        snapshot = self._snapshot()
        revision = snapshot.revision
        if revision == self._seen:
            return
        publisher = self._found(snapshot)
        lease = await self._positions.acquire(OUTPUT, self._holder, LEASE_SECONDS) if publisher else None
        if publisher is None or lease is None:
            return
        stored = await self._positions.load(OUTPUT, self._generation, 0)
        mark = stored.source_offset if stored is not None else 0
        for made, changes in groupby(status_changes(snapshot, mark), attrgetter("revision")):
            await self._say(publisher, list(changes), snapshot)
            await self._positions.store(lease, OUTPUT, self._generation, 0, FeedPosition(made, 0))
        self._seen = revision

    async def _say(self, publisher: Partner, changes: Sequence[Change], snapshot: Snapshot) -> None:
        events = [event for change in changes if (event := self._event(change, snapshot)) is not None]
        for begin in range(0, len(events), BATCH_EVENTS):
            for item in await self._publish(publisher, events[begin : begin + BATCH_EVENTS]):
                self._settle(item)

    def _settle(self, item: Item) -> None:
        """Raises `StorageUnavailable` if it is to be sent again."""
        self._observer.count("aeo_statuses_published", verdict=item.verdict.value)
        if item.verdict in (Verdict.UNKNOWN, Verdict.NOT_ATTEMPTED):
            raise StorageUnavailable("a change of AEO status may not have been taken")
        nobody_asks = item.refusal is not None and item.refusal.code == "NOT_PERMITTED"
        if item.verdict not in TAKEN and not nobody_asks:
            self._alarm("status_event_refused", event=item.id, code=item.refusal.code if item.refusal else "")

    def _event(self, change: Change, snapshot: Snapshot) -> Mapping[str, Any] | None:
        """None, with an alarm, where the partner has no identifier that an event could name it by."""
        authorisation, made = change.authorisation, snapshot.made[change.revision]
        partner = snapshot.partners.at(authorisation.partner, change.revision)
        identifiers = partner.identifiers if partner is not None else ()
        subjects = [{"scheme": each.scheme, "value": each.value} for each in identifiers if each.scheme in _PARTY]
        if not subjects:
            self._alarm("aeo_status_untold", authorisation=authorisation.id, partner=authorisation.partner)
            return None
        time = utc_text(made.time_us)
        return {
            "specversion": "1.0",
            "id": change.id,
            "source": SOURCE,
            "type": TYPE,
            "time": time,
            "data": {
                "occurred_at": time,
                "time_kind": "ACTUAL",
                "subjects": subjects,
                "aeo_status": authorisation.status.value.upper(),
                "authorisation": {
                    "country": authorisation.issuer,
                    "programme": "AEO",
                    "number": authorisation.number,
                    "type": authorisation.type.value,
                },
            },
        }

    def _found(self, snapshot: Snapshot) -> Partner | None:
        """The publisher, if it may speak; else everything waits for it, with one alarm."""
        partner = snapshot.partners.get(self._publisher)
        if partner is not None and Role.AUTHORITY in partner.roles and not partner.stopped:
            self._missing = False
            return partner
        if not self._missing and len(snapshot.authorisations):
            self._missing = True
            self._alarm("hub_partner_missing", partner=self._publisher)
        return None

    def _alarm(self, name: str, **facts: str) -> None:
        self._observer.count("alarms", alarm=name)
        self._observer.event(f"alarm.{name}", **facts)


def status_changes(snapshot: Snapshot, after: int) -> Iterator[Change]:
    """What the revisions after `after` made of statuses, oldest first; a first authorisation is a change too."""
    numbers: dict[str, int] = {}
    for revision, key in snapshot.authorisations.changed_after(after):
        versions = snapshot.authorisations.versions(key)
        number = numbers[key] = numbers.get(key, sum(made <= after for made, _ in versions)) + 1
        authorisation = versions[number - 1][1]
        if number == 1 or versions[number - 2][1].status is not authorisation.status:
            yield Change(revision, number, authorisation)


_PARTY = frozenset(OBJECTS["party"])
