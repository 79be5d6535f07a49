"""A session whose connections lead to several workers, each with nonces of its own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from itertools import cycle
from pathlib import Path

import orjson
import pytest
from msgspec.structs import replace

from connectors.keys import SigningKey, generate
from connectors.session import HubSession
from hub.assembly import Hub
from hub.assembly.grounds import open_ports
from hub.core.errors import Refusal
from hub.drivers.system.clock import SystemClock
from hub.drivers.system.entropy import SystemEntropy
from hub.drivers.system.listen import bound
from hub.drivers.system.observer import SystemObserver
from hub.web.route import STRUCTURED
from tests.world import event, settings_in

WORKERS = 3


class Front:
    """Hands connections to workers in turn, as a socket that they share does by chance."""

    def __init__(self, ports: list[int]) -> None:
        self._next = cycle(ports)
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", next(self._next))
        with suppress(ConnectionError):
            await asyncio.gather(_pipe(reader, onward_writer), _pipe(onward_reader, writer))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while content := await reader.read(65_536):
            writer.write(content)
            await writer.drain()
    finally:
        writer.close()


class Workers:
    def __init__(self, url: str, key: SigningKey, front: Front) -> None:
        self.url, self.key, self.front = url, key, front

    def session(self) -> HubSession:
        return HubSession(self.url, client_id="delta.sys", key=self.key, scope="events:write receipts:read")


@pytest.fixture
async def workers(tmp_path: Path) -> AsyncIterator[Workers]:
    async with AsyncExitStack() as stack:
        shared = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        url = f"http://127.0.0.1:{shared.getsockname()[1]}"
        clock = SystemClock()
        settings = settings_in(tmp_path, http={"public_url": url}, auth={"sender_constrained": "required"})
        ports = await open_ports(settings, clock, stack)
        hubs, behind = [], []
        for number in range(WORKERS):
            directory = tmp_path / str(number)
            directory.mkdir()
            own = replace(settings, log=replace(settings.log, directory=str(directory)))
            sockets = stack.enter_context(bound(own))
            behind.append(sockets.partners.getsockname()[1])
            hub = Hub(
                own,
                ports=ports,
                sockets=sockets,
                clock=clock,
                entropy=SystemEntropy(),
                observer=SystemObserver(),
            )
            await stack.enter_async_context(hub.running())
            hubs.append(hub)
        key = generate("EdDSA")
        await _register(hubs[0], key)
        await asyncio.gather(*(hub.live.refresh() for hub in hubs))
        front = Front(behind)
        server = await asyncio.start_server(front.serve, sock=shared)
        stack.callback(server.close)
        yield Workers(url, key, front)


async def _register(hub: Hub, key: SigningKey) -> None:
    given = {"partner": "delta", "system": "sys", "key": key.public_pem().decode()}
    for act, request in (
        ("partner.add", {"id": "delta", "name": "Delta", "country": "NL", "roles": ["terminal"]}),
        ("key.add", given | {"scopes": ["events:write", "receipts:read"]}),
    ):
        assert not isinstance(await hub.registrar.perform(act, request, actor="test"), Refusal)


async def test_a_connection_asks_for_the_nonce_of_its_worker_once(workers: Workers) -> None:
    answers = []
    async with workers.session() as session:
        for _ in range(20):
            answers += await asyncio.gather(*(session.request("GET", "/v1/events") for _ in range(12)))

    assert [answer.status for answer in answers] == [200] * 240
    assert 0 < session.nonces_refused <= workers.front.connections <= 12


async def test_a_body_that_no_worker_read_gets_through_though_each_refusal_ends_a_connection(workers: Workers) -> None:
    body = orjson.dumps(event(more="a" * 200_000))
    async with workers.session() as session:
        await session.request("GET", "/v1/events")
        statuses = []
        for _ in range(WORKERS * 2):
            session._lanes._idle[-1].nonce = "old"
            sent = await session.request("POST", "/v1/events", body=body, headers={"Content-Type": STRUCTURED})
            statuses.append(sent.status)

    assert set(statuses) <= {403, 422}
