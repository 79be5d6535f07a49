"""Rows of a table that do not say when they were changed: which version each is, told by what is known already.

A corrected file is sent again whole. A row that means what its newest known version means is that version, and so a
repeat, in whatever notation it says it; so is a row that says when it was changed, of that version. One that means
something else is a new version as of the moment at which the table was stored: the same moment whenever the job is
begun again, so that a crash changes nothing. Where the newest known version is of a later moment still, it is the
moment behind that one: a correction counts (`schemas/formats/translated.md`).
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
from schemas.identity import instant_us
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
        ids = [id_ for item in items if item.event is not None and isinstance(id_ := item.event.get("id"), str)]
        known = await self._views.newest(job.partner, _source_of(job), ids) if ids else {}
        return [self._settled(job, item, known) for item in items]

    def _settled(self, job: Job, item: Item, known: Mapping[str, KnownEvent]) -> Item:
        event = item.event
        newest = known.get(str(event.get("id"))) if event is not None else None
        if event is None or newest is None:
            return item
        first = orjson.loads(newest.value)
        is_open, version_us = _is_open(event), _version_us(first)
        is_that = version_us is not None and _version_us(event) == version_us
        if (is_open or is_that) and same_meaning(event, first):
            return replace(item, event={**event, "time": first["time"], "data": first["data"]})
        if not is_open:
            return item
        made_us = job.stored_us if version_us is None else max(job.stored_us, version_us + 1)
        return replace(item, event=with_version(event, utc_text(made_us)))

    async def _is_followed(self, partition: int, end: int) -> bool:
        mark = await self._views.mark(self._log.generation, partition)
        return end == 0 or (mark is not None and mark.position.offset >= end)


def _is_open(event: Event) -> bool:
    """Whether its version is for the hub to tell."""
    data = event.get("data")
    return isinstance(data, dict) and "updated_at" not in data


def _version_us(event: Event) -> int | None:
    """When it says that it was made, in microseconds since 1970."""
    data = event.get("data")
    updated_at = data.get("updated_at") if isinstance(data, dict) else None
    return instant_us(updated_at) if isinstance(updated_at, str) else None


def _source_of(job: Job) -> str:
    """The one source of all rows."""
    return job.parameters.get("source") or SOURCE
