"""The audit trail goes to a collector: all of it, in order, and what may come twice says so."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import orjson
import pytest

from hub.core.partner import System
from hub.core.proposal import Authority, Proposal
from hub.drivers.memory.registry import MemoryRegistry
from hub.drivers.system.clock import SystemClock
from hub.drivers.system.syslog import FilePlace, Syslog
from hub.operate.export import BATCH_EVENTS_MAX, MESSAGE_BYTES_MAX, AuditExport, message
from hub.ports.audit_sink import Place, SinkUnavailable
from tests.certificates import SERVER, Pair
from tests.unit.operate.conftest import HandClock, Silent

AUTHORITY = Pair("An authority", usage=None)
EVENT: dict[str, Any] = {
    "format": 2, "revision": 7, "based_on": 6, "time_us": 1_767_225_600_000_001, "actor": "ann, ben",
    "authority": "signed", "act": "partner.tier", "reason": "x", "statement": "{}", "signatures": ["a..b"],
    "changes": [{"kind": "partner", "id": "zephyr", "since": 1, "before": {}, "object": {"id": "zephyr"}}],
}  # fmt: skip


class Trail:
    """A registry with so many audit events."""

    def __init__(self) -> None:
        self.registry = MemoryRegistry()
        self.head = 0

    async def add(self, count: int) -> None:
        for _ in range(count):
            change = System(f"a.s{self.head}", "a", ())
            await self.registry.write(Proposal(self.head, (change,), "ann", "key.add"), time_us=1_767_225_600_000_000)
            self.head += 1


class Collector:
    """A sink that keeps revisions, until it breaks: before it takes anything, or after `takes` messages."""

    def __init__(self) -> None:
        self.got: list[tuple[int, bool]] = []
        self.breaks_after: int | None = None

    async def send(self, messages: Sequence[bytes]) -> None:
        for each in messages:
            if self.breaks_after is not None:
                if self.breaks_after == 0:
                    raise SinkUnavailable("broken")
                self.breaks_after -= 1
            found = re.search(rb'revision="(\d+)"', each)
            assert found is not None
            self.got.append((int(found[1]), b'repeat="possible"' in each))

    async def close(self) -> None: ...


class Places:
    def __init__(self) -> None:
        self.place = Place()

    def load(self) -> Place:
        return self.place

    def store(self, place: Place) -> None:
        self.place = place


class TurningClock(HandClock):
    """Lets others have their turn while it is slept on."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        await asyncio.sleep(0)


class World:
    def __init__(self) -> None:
        self.trail, self.collector, self.places, self.observer = Trail(), Collector(), Places(), Silent()

    async def until(self, revision: int) -> None:
        """A process of the hub, until everything up to a revision is handed over; it then ends."""
        export = AuditExport(
            self.trail.registry.audit,
            head=lambda: self.trail.head,
            sink=self.collector,
            place=self.places,
            host="hub",
            clock=TurningClock(),
            observer=self.observer,
        )
        running = asyncio.create_task(export.run())
        for _ in range(200):
            await asyncio.sleep(0)
            if self.places.place.sent >= revision:
                break
            self.collector.breaks_after = None if self.observer.events else self.collector.breaks_after
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@pytest.fixture
def world() -> World:
    return World()


async def test_all_of_the_trail_is_sent_once_and_in_order_over_restarts(world: World) -> None:
    await world.trail.add(BATCH_EVENTS_MAX + 3)
    await world.until(BATCH_EVENTS_MAX + 3)
    await world.trail.add(2)
    await world.until(BATCH_EVENTS_MAX + 5)

    assert world.collector.got == [(revision, False) for revision in range(1, BATCH_EVENTS_MAX + 6)]


async def test_a_hub_that_ended_while_it_sent_sends_again_and_says_so(world: World) -> None:
    await world.trail.add(5)
    world.places.place = Place(sent=1, sending=3)

    await world.until(5)

    assert world.collector.got == [(2, True), (3, True), (4, False), (5, False)]


async def test_after_a_break_the_last_batch_comes_again_and_nothing_is_left_out(world: World) -> None:
    await world.trail.add(BATCH_EVENTS_MAX + 2)
    world.collector.breaks_after = BATCH_EVENTS_MAX + 1

    await world.until(BATCH_EVENTS_MAX + 2)

    assert {revision for revision, _ in world.collector.got} == set(range(1, BATCH_EVENTS_MAX + 3))
    again = world.collector.got[BATCH_EVENTS_MAX + 1 :]
    assert again == [(revision, True) for revision in range(1, BATCH_EVENTS_MAX + 3)]
    assert world.observer.events == ["alarm.syslog_unreachable"]


def test_a_message_is_as_rfc_5424_says() -> None:
    text = message(EVENT, "hub.example", repeat=False).decode()

    head, _, body = text.partition("] ")
    assert head == (
        "<109>1 2026-01-01T00:00:00.000001Z hub.example customs-hub - partner.tier "
        '[audit@32473 revision="7" actor="ann, ben" authority="signed" act="partner.tier"'
    )
    told = orjson.loads(body)
    assert told["changes"] == [{"kind": "partner", "id": "zephyr", "object": {"id": "zephyr"}}]
    assert "signatures" not in told


def test_what_one_person_did_alone_is_a_warning() -> None:
    assert message(EVENT | {"authority": Authority.LOCAL}, "h", repeat=False).startswith(b"<108>1 ")
    assert message(EVENT | {"changes": [{"kind": "review", "id": "7", "object": {}}]}, "h", repeat=True)[:5] == b"<108>"


@pytest.mark.parametrize("actor", ['a"]b', "a\\b", "a\nb", "a\x00<109>1"])
def test_nobodys_name_ends_a_message_or_starts_another(actor: str) -> None:
    text = message(EVENT | {"actor": actor, "reason": "\n"}, "h", repeat=False)

    assert b"\n" not in text
    assert b"\x00" not in text
    assert len(re.findall(rb"(?<!\\)\] ", text)) >= 1


def test_a_message_is_bounded() -> None:
    long = EVENT | {"reason": "é" * 100_000}

    assert len(message(long, "h", repeat=False)) <= MESSAGE_BYTES_MAX
    message(long, "h", repeat=False).decode()


@asynccontextmanager
async def receiver(way: str, directory: Path) -> AsyncIterator[tuple[str, asyncio.Queue[bytes]]]:
    """A collector on a socket, with its address; what it gets, as bytes."""
    got: asyncio.Queue[bytes] = asyncio.Queue()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while True:
                size = int(await reader.readuntil(b" "))
                got.put_nowait(await reader.readexactly(size))
        writer.close()

    class Datagrams(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, _: object) -> None:
            got.put_nowait(data)

    loop, path = asyncio.get_running_loop(), directory / "log"
    if way == "unix-stream":
        async with await asyncio.start_unix_server(connected, str(path)):
            yield f"unix:{path}", got
        return
    if way in ("tcp", "tls"):
        context = None
        if way == "tls":
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(*Pair("collector", issuer=AUTHORITY, usage=SERVER).write(directory, "collector"))
        server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
        async with server:
            yield f"{way}:127.0.0.1:{server.sockets[0].getsockname()[1]}", got
        return
    bound = socket.socket(socket.AF_INET if way == "udp" else socket.AF_UNIX, socket.SOCK_DGRAM)
    bound.bind(("127.0.0.1", 0) if way == "udp" else str(path))
    bound.setblocking(False)
    transport, _ = await loop.create_datagram_endpoint(Datagrams, sock=bound)
    yield (f"udp:127.0.0.1:{bound.getsockname()[1]}" if way == "udp" else f"unix:{path}"), got
    transport.close()


@pytest.mark.parametrize("way", ["udp", "tcp", "tls", "unix-datagrams", "unix-stream"])
async def test_messages_arrive_whole_by_every_way(way: str, tmp_path: Path) -> None:
    messages = [message(EVENT | {"revision": revision}, "h", repeat=False) for revision in (1, 2, 3)]
    (tmp_path / "authority.pem").write_text(AUTHORITY.pem)
    async with receiver(way, tmp_path) as (address, got):
        sink = Syslog(address, SystemClock(), ca_file=str(tmp_path / "authority.pem"))
        await sink.send(messages[:1])
        await sink.send(messages[1:])

        arrived = [await got.get() for _ in messages]
        await sink.close()

    assert arrived == messages


@pytest.mark.parametrize(("ca", "host"), [("other", "127.0.0.1"), ("authority", "localhost"), ("", "127.0.0.1")])
async def test_over_tls_the_collector_shows_a_certificate_of_an_authority_that_is_trusted(
    ca: str, host: str, tmp_path: Path
) -> None:
    """For its own name, which is 127.0.0.1 here."""
    (tmp_path / "authority.pem").write_text(AUTHORITY.pem)
    (tmp_path / "other.pem").write_text(Pair("An authority", usage=None).pem)
    async with receiver("tls", tmp_path) as (address, got):
        sink = Syslog(address.replace("127.0.0.1", host), SystemClock(), ca_file=ca and str(tmp_path / f"{ca}.pem"))

        with pytest.raises(SinkUnavailable):
            await sink.send([b"x"])

    assert got.empty()


@pytest.mark.parametrize("address", ["tcp:127.0.0.1:1", "tls:127.0.0.1:1", "unix:/nowhere/log"])
async def test_a_collector_that_is_away_is_told_as_such(address: str) -> None:
    sink = Syslog(address, SystemClock())

    with pytest.raises(SinkUnavailable):
        await sink.send([b"x"])


@pytest.mark.parametrize("address", ["tcp:host", "udp:host:port", "/dev/log", "http://host:1", "unix:log"])
def test_no_other_address_is_taken(address: str) -> None:
    with pytest.raises(ValueError, match="syslog"):
        Syslog(address, SystemClock())


def test_the_place_is_kept_in_a_file(tmp_path: Path) -> None:
    place = FilePlace(tmp_path / "place.json")
    assert place.load() == Place()

    place.store(Place(3, 5))

    assert FilePlace(tmp_path / "place.json").load() == Place(3, 5)
