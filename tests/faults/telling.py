"""Whether companies are told of everything that was given of theirs, each time, and how far each event came."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from time import monotonic

from connectors.session import HubSession
from tests.faults.history import Finding, Key, Kind
from tests.faults.reading import Given

FOLLOWED_SECONDS_MAX = 60.0
"""So long the journal's followers may take to see whose the events are."""
CHAINS_LOOKED_AT = 100
SHARED = "sse"
STEPS = ("published", "delivered", "processed")


async def untold(
    session: HubSession, publisher: str, got: Mapping[str, Counter[Given]], seconds_max: float = FOLLOWED_SECONDS_MAX
) -> list[Finding]:
    """What recipients were given of a publisher's events more often than it is told of. `got`: by recipient.

    Streams of one system that are given the same at nearly the same time are told of once.
    """
    given = Counter(
        {
            (name, each): 1 if each.way == SHARED else count
            for name, counts in got.items()
            for each, count in counts.items()
            if each.key.publisher == publisher
        }
    )
    until = monotonic() + seconds_max
    while True:
        missing = given - await _told(session, publisher)
        if not missing or monotonic() > until:
            break
        await asyncio.sleep(1)
    return [
        Finding(Kind.UNTOLD, f"{recipient}, {way}", (key,), f"given, and its company is not told {count} times of it")
        for (recipient, (way, key)), count in sorted(missing.items())
    ]


async def _told(session: HubSession, publisher: str) -> Counter[tuple[str, Given]]:
    told: Counter[tuple[str, Given]] = Counter()
    query: dict[str, str] = {}
    while True:
        page = await session.get("/v1/accesses", query)
        for item in page["items"]:
            told.update(
                (item["recipient"], Given(item["way"], Key(publisher, each["source"], each["id"])))
                for each in item["events"]
            )
        if page["next"] is None:
            return told
        query = {"cursor": page["next"]}


async def unchained(
    session: HubSession, keys: Sequence[Key], recipients: Collection[str], chance: random.Random
) -> list[Finding]:
    """Of some of the acknowledged events of a publisher: the steps that their chains lack; every recipient holds and
    has acknowledged all of them."""
    chosen = chance.sample(keys, min(CHAINS_LOOKED_AT, len(keys)))
    return [finding for key in chosen for finding in await _lacking(session, key, recipients)]


async def _lacking(session: HubSession, key: Key, recipients: Collection[str]) -> Iterator[Finding]:
    identity = {"source": key.source, "id": key.id}
    chain = await session.get("/v1/receipts/chain", identity)
    receipts = (await session.get("/v1/receipts", identity))["items"]
    links = {link["recipient"]: link for link in chain["recipients"]}
    lacks = [
        f"{recipient}: {step}" for recipient in recipients for step in STEPS if not links.get(recipient, {}).get(step)
    ]
    if chain["accepted"] is None or not receipts:
        lacks.append("accepted, or its receipt")
    return (Finding(Kind.UNTOLD, "", (key,), f"its chain lacks {lack}") for lack in lacks)
