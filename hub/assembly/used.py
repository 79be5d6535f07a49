"""All that was done under a credential since a moment, read from the log and the registry beside a hub that may run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hub.assembly.given import given
from hub.assembly.grounds import events_partitions
from hub.assembly.rehearsal import readable
from hub.assembly.state import versions_beside
from hub.core.errors import HubError
from hub.core.record import EVENTS
from hub.core.registry import Snapshot, kind_of, object_id
from hub.core.settings import Settings
from hub.drivers.system.clock import SystemClock
from hub.operate.accesses import told
from hub.operate.credentials import Credential, credential_of
from hub.operate.suspects import Suspect, sent_under
from hub.ports.access_journal import Query
from hub.trust.statement import utc_text

Plain = dict[str, Any]
_FOR_EVER = 1 << 62


async def used_under(settings: Settings, name: str, *, since: int, tell: Callable[[Plain], None]) -> Plain:
    """Tell each event that came under the credential from `since` (seconds since 1970) on; return what else is known:
    what it was given and acknowledged, and what its system changed.

    Raises `HubError` where there is no such credential, or no log to read.
    """
    clock, snapshot = SystemClock(), Snapshot()
    versions = await versions_beside(settings, clock)
    snapshot.apply(versions)
    credential = credential_of(snapshot, name)
    if credential is None:
        raise HubError(f"there is no key or certificate {name}: see `customs-hub key list`")
    count = 0
    async with readable(settings, clock) as log:
        ends = [(await log.bounds(EVENTS, partition)).end for partition in range(events_partitions(settings))]
        async for suspect in sent_under(log, credential.id, credential.system, since=since, ends=ends):
            tell(_event(suspect))
            count += 1
    under = Query(credential=credential.id, time_us=(since * 1_000_000, _FOR_EVER))
    reads = [told(entry.access) async for entry in given(settings, clock, under)]
    acts = [
        {"time": utc_text(version.time_us), "kind": kind_of(version.object), "id": object_id(version.object)}
        for version in versions
        if version.actor == credential.system and version.time_us >= since * 1_000_000
    ]
    return {
        "key": credential.id,
        "system": credential.system,
        "events": count,
        "acts": acts,
        "reads": reads,
        **_reach(credential, snapshot),
    }


def _event(suspect: Suspect) -> Plain:
    header = suspect.header
    return {
        "received": utc_text(header.received_us),
        "publisher": header.publisher,
        "type": header.type,
        "source": header.source,
        "id": header.id,
        "certain": bool(header.credential),
    }


def _reach(credential: Credential, snapshot: Snapshot) -> Plain:
    """What it could read."""
    system = snapshot.systems.get(credential.system)
    if system is None:
        return {"scopes": [], "could_read": []}
    reads = "feeds:read" in system.scopes
    feeds = [feed.name for feed in snapshot.feeds_of(system.partner) if not feed.ended] if reads else []
    return {"scopes": list(system.scopes), "could_read": feeds}
