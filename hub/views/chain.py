"""How far an event came: accepted, published, delivered, processed, for each recipient, and when.

A company is told that, and by which way; not what anybody does with it, nor which feeds and systems there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from hub.core.access import Access, Step
from hub.core.feed import Lane
from hub.core.record import Position
from hub.core.restriction import Telling
from hub.ports.first_occurrence import FirstOccurrence
from hub.views.accesses import Accesses
from hub.views.in_feeds import InFeeds
from schemas.identity import identity_key

_NEVER_US = 1 << 62
GIVEN = frozenset({Step.DELIVERED, Step.REPLAYED})
_TOLD = GIVEN | {Step.PUBLISHED}


class Link(Struct, frozen=True):
    """One recipient; times in microseconds since 1970, None: not yet."""

    recipient: str
    """Empty: an authority, and no more is told."""
    purpose: str
    published_us: int | None = None
    delivered_us: int | None = None
    way: str = ""
    processed_us: int | None = None
    signature: str = ""
    """JWS over the acknowledgement."""


class Chain(Struct, frozen=True):
    accepted_us: int
    links: Sequence[Link]


class Chains:
    def __init__(self, accesses: Accesses, *, in_feeds: InFeeds, index: FirstOccurrence) -> None:
        self._accesses = accesses
        self._in_feeds = in_feeds
        self._index = index

    async def of(
        self, publisher: str, source: str, event_id: str, version: str | None, *, sender: str | None = None
    ) -> Chain | None:
        """Of the first occurrence of an identity, which alone is passed on; None: it is not known, or with `sender`,
        this partner did not send it. Raises `StorageUnavailable`.
        """
        found = await self._index.occurrences(identity_key(publisher, source, event_id, version))
        if not found:
            return None
        position = found[0].position
        header = await self._accesses.named(position)
        if sender is not None and (header is None or header.sender != sender):
            return None
        accepted_us = header.received_us if header is not None else found[0].time_us
        entries = [entry.access for entry in await self._accesses.about(position)]
        given = [(access, self._accesses.telling(access)) for access in entries if access.step in _TOLD]
        told = [access for access, telling in given if telling is None]
        published_us = _earliest(told, _to)
        delivered_us = _earliest((access for access in told if access.step in GIVEN), _to)
        links: dict[tuple[str, str], Link] = {}
        for access, telling in given:
            known_us = published_us if access.step is Step.PUBLISHED else delivered_us
            # What a restriction hides is told only where nobody was told before that the event came this far to them.
            if telling is None or known_us.get(_to(access), _NEVER_US) > access.time_us:
                await self._add(links, access, telling, position)
        shown = set(map(_lane, told))
        hidden_us = _earliest((access for access, telling in given if telling is not None), _lane)
        for access in entries:
            is_after = access.time_us >= hidden_us.get(_lane(access), _NEVER_US)
            if access.step is Step.PROCESSED and _lane(access) in shown and not is_after:
                self._complete(links, access)
        for access in await self._in_feeds.of(header, position) if header is not None else ():
            link = links.get(_to(access)) or Link(*_to(access))
            links[_to(access)] = replace(link, published_us=_first(link.published_us, access))
        return Chain(accepted_us, list(links.values()))

    def _complete(self, links: dict[tuple[str, str], Link], access: Access) -> None:
        """An acknowledgement tells only of what is told without it: else it would undo a restriction of a giving that
        came before it. What came before that giving stays as it was told."""
        link = links.get((access.recipient, access.purpose))
        if link is not None and link.processed_us is None and self._accesses.telling(access) is None:
            links[access.recipient, access.purpose] = replace(
                link, processed_us=access.time_us, signature=access.signature
            )

    async def _add(
        self, links: dict[tuple[str, str], Link], access: Access, telling: Telling | None, position: Position
    ) -> None:
        if telling is Telling.NOTHING:
            return
        key = ("", "") if telling is not None else (access.recipient, access.purpose)
        link = links.get(key) or Link(*key)
        if telling is not None:
            link = replace(link, delivered_us=_first(link.delivered_us, access))
        elif access.step is Step.PUBLISHED:
            link = replace(link, published_us=_first(link.published_us, access), way=link.way or access.way)
        else:
            published_us = link.published_us or await self._in_feeds.since_us(access.feed, Lane(access.lane), position)
            delivered_us = _first(link.delivered_us, access)
            link = replace(link, published_us=published_us, delivered_us=delivered_us, way=link.way or access.way)
        links[key] = link


def _earliest(accesses: Iterable[Access], key: Callable[[Access], tuple[str, ...]]) -> Mapping[tuple[str, ...], int]:
    found: dict[tuple[str, ...], int] = {}
    for access in accesses:
        found[key(access)] = min(access.time_us, found.get(key(access), access.time_us))
    return found


def _to(access: Access) -> tuple[str, str]:
    return access.recipient, access.purpose


def _lane(access: Access) -> tuple[str, str, str]:
    return access.recipient, access.feed, access.lane


def _first(known_us: int | None, access: Access) -> int:
    return access.time_us if known_us is None else min(known_us, access.time_us)
