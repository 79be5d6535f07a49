"""What is told about feeds put together: how far behind they are, and what a filter would bring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import convert

from hub.assembly.reading import make_pull
from hub.core.errors import Refusal
from hub.core.feed import Feed
from hub.core.operator import CLIENT_PREFIX
from hub.delivery.lag import Lags
from hub.fanout.count import Asker, Counter, Counts, told
from hub.web.feeds import FeedsAPI, Told
from schemas.catalogue import Catalogue

if TYPE_CHECKING:
    from hub.assembly.hub import Hub


def make_lags(hub: Hub) -> Lags:
    return Lags(
        log=hub.ports.log,
        positions=hub.ports.positions,
        cursors=make_pull(hub)[0],
        snapshot=hub.snapshot,
        clock=hub.clock,
        observer=hub.observer,
        partitions=hub.events.partitions,
        feed_retention_seconds=hub.settings.log.feed_retention_seconds,
        late={
            "routing": hub.settings.delivery.published_seconds_max,
            "reading": hub.settings.delivery.processed_seconds_max,
        },
        committed=hub.groups.of,
    )


def make_counts(hub: Hub) -> Counts:
    return Counts(
        Counter(
            hub=hub.settings.hub_name,
            log=hub.ports.log,
            generation=hub.ports.log.generation,
            partitions=hub.events.partitions,
            index=hub.ports.index,
            snapshot=hub.snapshot,
            agreements=hub.agreements,
            secret=hub.ports.keys.secret,
            note=hub.journal.add,
            clock=hub.clock,
            observer=hub.observer,
            settings=hub.settings.delivery,
        )
    )


def feeds_api(hub: Hub) -> FeedsAPI:
    """Of one worker, which gives each recipient its share of the counts."""
    settings = hub.settings.delivery
    return FeedsAPI(
        Told(
            looks=hub.registrar.looks,
            counts=hub.counts,
            lag=hub.lags.of,
            kinds=sparse_schemas(hub.catalogue),
            url=hub.url,
        ),
        gate=hub.entrance.gate,
        bodies=hub.bodies,
        snapshot=hub.snapshot,
        clock=hub.clock,
        counts_per_hour_max=max(1, settings.counts_per_hour_max // hub.worker.of),
    )


def sparse_schemas(known: Catalogue) -> dict[str, list[dict[str, Any]]]:
    """Of each type's versions, without what some formats cannot carry."""
    found: dict[str, list[dict[str, Any]]] = {}
    for kind in known.types:
        found.setdefault(kind.name, []).append(kind.schema.sparse.flat)
    return found


async def preview(hub: Hub, asked: object, operator: str | None, user: str) -> dict[str, object] | Refusal:
    """What a feed would have brought, as an operator asks for it. Raises `HubError`."""
    drafted = await hub.registrar.looks.view("feed.draft", asked, operator=operator, user=user)
    if isinstance(drafted, Refusal):
        return drafted
    asker = Asker(CLIENT_PREFIX + (operator or user))
    counted = await hub.counts.count(convert(drafted["feed"], Feed), asker)
    return counted if isinstance(counted, Refusal) else told(counted)
