"""Whose the events are: kept beside the access journal, so that each company finds who was given its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import orjson

from hub.core.access import BLOCK_OFFSETS, runs_of
from hub.core.partner import Identifier, Role
from hub.core.registry import Snapshot
from hub.ports.access_journal import Owned
from hub.ports.views import KnownEvent

TARGETING = ("customs.control.", "customs.security.")
"""Families of events that tell what an administration looks at: no company is concerned by them."""

Concerned = Callable[[KnownEvent], Iterable[str]]
"""The partners, beside its publisher, whom an event concerns."""


def concerned(partner: str) -> str:
    """In the place of a publisher: the events of others that concern the partner. No id of a partner is like this."""
    return f"@{partner}"


def owned_by(events: Sequence[KnownEvent], others: Concerned) -> list[Owned]:
    """The events by whose they are, and by block."""
    found: defaultdict[tuple[str, int, int, int], list[KnownEvent]] = defaultdict(list)
    for event in events:
        generation, partition, offset = event.position.generation, event.position.partition, event.position.offset
        block = generation, partition, offset // BLOCK_OFFSETS
        for name in (event.publisher, *(concerned(other) for other in others(event) if other != event.publisher)):
            found[name, *block].append(event)
    return [
        Owned(
            name,
            max(event.received_us for event in these),
            generation,
            partition,
            runs_of(event.position.offset for event in these),
        )
        for (name, generation, partition, _), these in found.items()
    ]


def nobody_else(_: KnownEvent) -> Iterable[str]:
    return ()


def consignors(snapshot: Callable[[], Snapshot]) -> Concerned:
    """Whoever a company's event names as consignor, by an identifier that the registry has of a partner."""

    def named(event: KnownEvent) -> Iterable[str]:
        if event.type.startswith(TARGETING) or b'"consignor"' not in event.value:
            return ()
        publisher = snapshot().partners.get(event.publisher)
        if publisher is None or Role.AUTHORITY in publisher.roles:
            return ()
        data = orjson.loads(event.value).get("data")
        party = data.get("consignor") if isinstance(data, dict) else None
        listed = party.get("identifiers") if isinstance(party, dict) else None
        identifiers = [
            Identifier(each["scheme"], each["value"])
            for each in (listed if isinstance(listed, list) else ())
            if isinstance(each, dict) and isinstance(each.get("scheme"), str) and isinstance(each.get("value"), str)
        ]
        return {partner for each in identifiers if (partner := snapshot().partner_of(each)) is not None}

    return named
