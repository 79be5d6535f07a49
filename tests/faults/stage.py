"""A stage for fault stories: a hub of its own, two publishers and two feeds, and a history of all that is sent."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from msgspec.structs import replace

from connectors.keys import read_key
from connectors.session import KEY_HISTORY_PATH, HubSession
from connectors.verify import KeyHistory
from hub.core.settings import Settings
from hub.lab.kafka import free_ports
from hub.lab.world import AEO, Client, Company, Engine, hub_world
from tests.faults.history import Due, Finding, History, Key, View, judge
from tests.faults.hub_process import HubProcess
from tests.faults.load import Desk
from tests.faults.reading import Given, first_place, read_all, seen

PUBLISHERS = ("acme", "borealis")
FEEDS = ("risk", "mirror")
"""Each of an authority of its own; both are given everything."""


class Stage:
    """`desks` are there once the hub listened for the first time, `starts` once it was ready."""

    def __init__(self, hub: HubProcess, sessions: Mapping[str, HubSession], settings: Settings) -> None:
        self.hub = hub
        self.settings = settings
        self.sessions = sessions
        self.history = History()
        self.codes: Counter[str] = Counter()
        self.desks: dict[str, Desk] = {}
        self.starts: dict[str, str] = {}
        """By feed: the cursor before its first record."""
        self.got: defaultdict[str, Counter[Given]] = defaultdict(Counter)
        """By feed: what was read to see it from its start."""

    async def start(self, kill_at: str = "") -> None:
        """Start the hub and wait until it is ready."""
        await self.hub.start(kill_at)
        await self.until_ready()

    async def until_ready(self) -> None:
        assert await self.hub.ready(), f"the hub ended before it was ready; see {self.hub.log}"
        await self.until_listening()
        for feed in FEEDS:
            if feed not in self.starts:
                self.starts[feed] = await first_place(self.sessions[feed], feed)

    async def until_listening(self) -> None:
        """Wait until it answers at all, ready or not; from then on there are desks."""
        assert await self.hub.listening(), f"the hub ended before it listened; see {self.hub.log}"
        if not self.desks:
            keys = KeyHistory.from_json(await self.sessions[PUBLISHERS[0]].public(KEY_HISTORY_PATH))
            self.desks = {name: Desk(self.sessions[name], self.history, keys, self.codes) for name in PUBLISHERS}

    async def views(self) -> dict[str, View]:
        """Every feed as it is read from its start."""
        read = (
            read_all(self.sessions[feed], f"/v1/feeds/{feed}/records", cursor) for feed, cursor in self.starts.items()
        )
        views: dict[str, View] = {}
        for feed, records in zip(self.starts, await asyncio.gather(*read), strict=True):
            views[f"{feed}, from the start"] = view = [seen(record) for record in records]
            self.got[feed].update(Given("pull", each.key) for each in view)
        return views

    async def noticed(self) -> set[Key]:
        """The identities of which publishers were told that other content came under them."""
        read = (read_all(self.sessions[publisher], "/v1/notices") for publisher in PUBLISHERS)
        pages = zip(PUBLISHERS, await asyncio.gather(*read), strict=True)
        return {Key(publisher, notice["source"], notice["id"]) for publisher, notices in pages for notice in notices}

    async def judge(
        self, views: Mapping[str, View] | None = None, dues: Mapping[str, Due] | None = None
    ) -> list[Finding]:
        """What must not be, in the feeds as they are read now and in the views given."""
        return judge(self.history.attempts, {**await self.views(), **(views or {})}, await self.noticed(), dues)


@asynccontextmanager
async def stage(
    settings: Settings,
    directory: Path,
    role: str = "terminal",
    aeo: AEO | None = None,
    workers: int = 1,
    engines: Sequence[Engine] = (),
) -> AsyncIterator[Stage]:
    """Everything registered, nothing running yet; the hub's data lies in `directory/data`. In the end it is killed.
    `engines`: beside those of the feeds."""
    port, operations_port = free_ports(2)
    http = replace(settings.http, port=port, operations_port=operations_port)
    settings = replace(settings, http=http, log=replace(settings.log, directory=str(directory / "data")))
    companies = [
        Company(id=publisher, roles=(role,), aeo=aeo and replace(aeo, number=f"{aeo.number}-{publisher}"))
        for publisher in PUBLISHERS
    ]
    clients = await hub_world(settings, companies=companies, engines=[*(Engine(id=feed) for feed in FEEDS), *engines])
    hub = HubProcess(settings, directory / "hub.log", workers)
    async with AsyncExitStack() as stack:
        sessions = {
            name: await stack.enter_async_context(_session(hub.url, client, directory / f"{name}.pem"))
            for name, client in clients.items()
        }
        try:
            yield Stage(hub, sessions, settings)
        finally:
            if hub.runs:
                await hub.kill()


def _session(url: str, client: Client, file: Path) -> HubSession:
    file.touch(0o600)
    file.write_bytes(client.key_pem)
    publishes = client.id.partition(".")[0] in PUBLISHERS
    scope = "events:write receipts:read" if publishes else "feeds:read receipts:read"
    return HubSession(url, client_id=client.id, key=read_key(file), scope=scope)
