"""Rows of a table that do not say when they were changed: which version each is, told by what is known already.

A corrected file is sent again whole. A row that means what its newest known version means is that version, and so a
repeat. One that means something else is a new version as of the moment at which the table was stored: the same moment
whenever the job is begun again, so that a crash changes nothing (`schemas/formats/translated.md`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson
from msgspec.structs import replace

from hub.core.errors import StorageUnavailable
from hub.core.record import EVENTS, partition_of
from hub.ports.event_log import EventLog
from hub.ports.jobs import Job
from hub.ports.system import Clock
from hub.ports.views import KnownEvent, Views
from hub.trust.statement import utc_text
from schemas.translate.item import Event, Item
from schemas.translate.tabular.identity import SOURCE, same_meaning, with_version

FOLLOWED_SECONDS_MAX = 30.0
FOLLOWED_POLL_SECONDS = 0.02


class Versions:
    def __init__(self, *, views: Views, log: EventLog, clock: Clock, partitions: int) -> None:
        self._views = views
        self._log = log
        self._clock = clock
        self._partitions = partitions

    async def followed(self, job: Job) -> None:
        """Wait until what is known holds everything that the log holds now; what the job itself brings from now on is
        no version of a row of its own, since a row stands in a table once.

        Raises HubError while what is known lags behind the log, or cannot be asked.
        """
        partition = partition_of(job.partner, _source_of(job), self._partitions)
        end = (await self._log.bounds(EVENTS, partition)).end
        try:
            async with self._clock.deadline(FOLLOWED_SECONDS_MAX):
                while not await self._is_followed(partition, end):
                    await self._clock.sleep(FOLLOWED_POLL_SECONDS)
        except TimeoutError as e:
            raise StorageUnavailable("what is known lags behind the log") from e

    async def settle(self, job: Job, items: Sequence[Item]) -> list[Item]:
        """The items, each with the `updated_at` of its version where it has one and does not say so itself."""
        ids = [str(item.event["id"]) for item in items if item.event is not None and _is_open(item.event)]
        known = await self._views.newest(job.partner, _source_of(job), ids) if ids else {}
        return [self._settled(job, item, known) for item in items]

    def _settled(self, job: Job, item: Item, known: Mapping[str, KnownEvent]) -> Item:
        event = item.event
        if event is None or not _is_open(event):
            return item
        newest = known.get(str(event["id"]))
        if newest is None:
            return item
        first = orjson.loads(newest.value)
        if same_meaning(event, first):
            return replace(item, event=_like(event, first))
        return replace(item, event=with_version(event, utc_text(job.stored_us)))

    async def _is_followed(self, partition: int, end: int) -> bool:
        mark = await self._views.mark(self._log.generation, partition)
        return end == 0 or (mark is not None and mark.position.offset >= end)


def _is_open(event: Event) -> bool:
    """Whether its version is for the hub to tell."""
    data = event.get("data")
    return isinstance(data, dict) and "updated_at" not in data and isinstance(event.get("id"), str)


def _source_of(job: Job) -> str:
    """The one source of all rows."""
    return job.parameters.get("source") or SOURCE


def _like(event: Event, known: Event) -> Event:
    """The event as that version of it which says the same: what does not count as meaning is that version's."""
    updated_at = known["data"].get("updated_at")
    data = event["data"] if updated_at is None else {**event["data"], "updated_at": updated_at}
    return {**event, "time": known["time"], "data": data}
