"""A company's events reach a risk engine through the hub itself, by the connectors that both would run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from connectors.backoff import Backoff
from connectors.keys import signing_key
from connectors.partner import Client, Outbox, ReceiptBook, Verdict
from connectors.partner.client import SCOPE as PARTNER_SCOPE
from connectors.risk import Engine, Group, Reader
from connectors.risk.reader import SCOPE as READER_SCOPE
from connectors.session import HubSession
from connectors.verify import KeyHistory, verify
from hub.assembly import Hub, build
from hub.core.settings import HTTPSettings, LogSettings, Settings
from hub.lab.world import Client as System
from hub.lab.world import Company, hub_world
from hub.lab.world import Engine as Recipient

EXAMPLES = files("schemas") / "events"
NOW = datetime.now(UTC).replace(microsecond=0)


def example(type_: str, name: str, id_: str, minutes_ago: int) -> bytes:
    """A published example, as if it happened just now."""
    sent: dict[str, Any] = orjson.loads((EXAMPLES / type_ / "examples" / f"{name}.json").read_bytes())
    event = sent.get("event", sent)
    at = (NOW - timedelta(minutes=minutes_ago)).isoformat()
    event |= {"id": id_, "source": "urn:delta:tos", "time": at, "data": event["data"] | {"occurred_at": at}}
    return orjson.dumps(event)


class World:
    """A hub, one terminal that sends to it, and one risk engine that reads from it."""

    def __init__(self, hub: Hub, systems: dict[str, System]) -> None:
        self.hub, self._systems = hub, systems

    def session(self, who: str, scope: str) -> HubSession:
        system = self._systems[who]
        key = signing_key(load_pem_private_key(system.key_pem, None))
        return HubSession(self.hub.url, client_id=system.id, key=key, scope=scope)

    @asynccontextmanager
    async def client(self, receipts: Path | None = None) -> AsyncIterator[Client]:
        async with self.session("delta", PARTNER_SCOPE) as session:
            book = ReceiptBook(receipts) if receipts is not None else None
            yield Client(session, receipts=book, backoff=Backoff(try_count_max=2, first_seconds=0.01))

    async def groups(self, count: int, *, stream: bool = False, **place: Any) -> list[Group]:
        """Groups with at least `count` records in all, each acknowledged."""
        groups: list[Group] = []
        async with self.session("watch", READER_SCOPE) as session:
            reader = Reader(session, "watch", **place)
            async with aclosing(reader.stream() if stream else reader.pull()) as source:
                async for group in source:
                    groups.append(group)
                    await reader.acknowledge(group.token)
                    if sum(len(each.records) for each in groups) >= count:
                        return groups
        return groups


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    settings = Settings(log=LogSettings(directory=str(tmp_path / "data")), http=HTTPSettings(port=0, operations_port=0))
    systems = await hub_world(
        settings, companies=[Company(id="delta", roles=("terminal", "carrier"))], engines=[Recipient(id="watch")]
    )
    async with build(settings) as hub:
        yield World(hub, systems)


GATE_IN = example("customs.container.gate_in", "valid-weighed", "e1", 30)
BROKEN = example("customs.seal.broken", "valid-in-the-yard", "e2", 20)
DEPARTED = example("customs.transport.departed", "valid-vessel", "e3", 10)


@pytest.mark.parametrize("stream", [False, True])
async def test_what_a_terminal_sends_an_engine_reads_with_receipts_that_verify(
    world: World, tmp_path: Path, stream: bool
) -> None:
    async with world.client(tmp_path / "receipts") as client:
        outcomes = await client.send([GATE_IN, BROKEN, DEPARTED])

    assert all(outcome.taken for outcome in outcomes), outcomes
    keys = KeyHistory.from_json((tmp_path / "receipts" / "keys.json").read_bytes())
    kept = list(ReceiptBook(tmp_path / "receipts"))
    assert [verify(r, e, keys).fault for r, e in zip(kept, [GATE_IN, BROKEN, DEPARTED], strict=True)] == [""] * 3
    groups = await world.groups(3, stream=stream)
    assert [record["id"] for group in groups for record in group.records] == ["e1", "e2", "e3"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_reader_from_the_start_sees_again_what_was_acknowledged(world: World, stream: bool) -> None:
    async with world.client() as client:
        await client.send([GATE_IN])
        await world.groups(1)
        await client.send([BROKEN])

    from_the_start = await world.groups(2, stream=stream, from_start=True)

    assert [record["id"] for group in from_the_start for record in group.records] == ["e1", "e2"]


async def test_a_repeat_is_a_duplicate_with_its_first_receipt_and_is_delivered_once(world: World) -> None:
    async with world.client() as client:
        first = await client.send([GATE_IN])
        again = await client.send([GATE_IN, BROKEN])

    assert [outcome.verdict for outcome in again] == [Verdict.DUPLICATE, Verdict.ACCEPTED]
    assert again[0].receipt is not None
    assert again[0].receipt["statement"] == (first[0].receipt or {})["statement"]
    groups = await world.groups(2)
    assert [record["id"] for group in groups for record in group.records] == ["e1", "e2"]


async def test_one_bad_and_one_oversized_event_stop_no_other(world: World) -> None:
    bad = orjson.loads(GATE_IN)
    del bad["data"]["place"]
    large = orjson.loads(BROKEN)
    large["data"]["remarks"] = "x" * 300_000

    async with world.client() as client:
        outcomes = await client.send([orjson.dumps(bad), orjson.dumps(large), DEPARTED])

    assert [outcome.verdict for outcome in outcomes] == [Verdict.REJECTED, Verdict.REJECTED, Verdict.ACCEPTED]
    assert [outcome.code for outcome in outcomes] == ["EVENT_INVALID", "BODY_TOO_LARGE", ""]
    assert "/data/place" in {fault["place"] for fault in outcomes[0].faults}


async def test_a_suspended_company_keeps_its_events_until_it_is_resumed(world: World, tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db")
    async with world.client() as client:
        await client.send([GATE_IN])
        await world.hub.registrar.perform("partner.suspend", {"id": "delta", "reason": "drill"}, actor="op")
        outbox.add(BROKEN)

        [refused] = [outcome async for outcome in outbox.run(client)]
        await world.hub.registrar.perform("partner.resume", {"id": "delta", "reason": "over"}, actor="op")
        [taken] = [outcome async for outcome in outbox.run(client)]

    assert (refused.verdict, len(outbox)) == (Verdict.NOT_ATTEMPTED, 0)
    assert taken.taken
    outbox.close()


async def test_an_engine_tells_of_a_broken_seal_and_goes_on_from_its_own_checkpoint(world: World) -> None:
    engine = Engine(":memory:")
    now_us = int(NOW.timestamp() * 1e6)
    async with world.client() as client:
        await client.send([GATE_IN, BROKEN])
        for group in await world.groups(2):
            alerts = engine.take("watch", group, now_us=now_us)
        await client.send([DEPARTED])

    later = await world.groups(1, token=engine.checkpoint.load("watch"))

    assert [alert.rule for alert in alerts] == ["seal_broken_in_transit"]
    assert [record["id"] for group in later for record in group.records] == ["e3"]
    engine.close()
