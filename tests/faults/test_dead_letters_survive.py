"""A hub killed while it releases or repairs a dead letter: the feed shows the new version once."""

from __future__ import annotations

import asyncio
import json
import random
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import msgspec
import orjson
import pytest

from hub.assembly.grounds import APPEND_BYTES_MAX
from hub.cli import run
from hub.core.record import EVENTS, QUARANTINE, LogRecord
from hub.core.settings import Settings
from hub.drivers.sqlite.event_log import SQLiteEventLog
from hub.drivers.system.clock import SystemClock
from schemas.headers import EventHeader, NoticeHeader, pack, unpack
from tests.faults.load import outgoing
from tests.faults.points import LETTER_POINTS
from tests.faults.reading import read_all
from tests.faults.stage import Stage, stage

pytestmark = pytest.mark.slow


async def set_aside(data: Path) -> None:
    """While the hub is stopped: the first event once more with other content, as a conflict."""
    async with SQLiteEventLog(data / "log.db", SystemClock(), append_bytes_max=APPEND_BYTES_MAX) as log:
        async with log.reader(EVENTS) as reader:
            [record] = await reader.read(0, 0, records_max=1, bytes_max=1)
        header = unpack(record.header)
        assert isinstance(header, EventHeader)
        event = orjson.loads(record.value)
        event["data"]["place"] = {"unlocode": "NLAMS"}
        about = NoticeHeader(header.publisher, "CONFLICT", log.generation, 0, record.offset)
        kept = msgspec.msgpack.encode([record.header, orjson.dumps(event)])
        await log.append(QUARANTINE, 0, [LogRecord(header.publisher.encode(), pack(about), kept)])


async def quarantine(data: Path, *arguments: str) -> tuple[int, str]:
    out = StringIO()
    with redirect_stdout(out):
        code = await asyncio.to_thread(run, ["quarantine", *arguments, "--data", str(data)])
    return code, out.getvalue()


async def waiting(data: Path, state: str) -> str:
    """The letter, once it is so."""
    while True:
        code, told = await quarantine(data, "list", "--state", state, "--json")
        if code == 0 and (items := json.loads(told)["items"]):
            return str(items[0]["id"])
        await asyncio.sleep(0.05)


async def shown(on: Stage, count: int) -> list[str]:
    """The places of the events that the feed shows, once there are so many."""
    while len(records := await read_all(on.sessions["risk"], "/v1/feeds/risk/records", on.starts["risk"])) < count:
        pass
    return [each["data"]["place"]["unlocode"] for each in records]


@pytest.mark.parametrize("point", LETTER_POINTS)
async def test_a_released_letter_is_once_in_the_feed_whenever_the_hub_dies(tmp_path: Path, point: str) -> None:
    data = tmp_path / "data"
    async with stage(Settings(), tmp_path) as on:
        await on.start()
        await on.desks["acme"].settle([outgoing("acme", "urn:acme", "a", 2_000)], random.Random(1))
        [first] = await shown(on, 1)
        await on.hub.stop()
        await set_aside(data)
        await on.start(f"{point}:1")
        letter = await waiting(data, "waiting")
        await quarantine(data, "release", letter, "--reason", "The later one is right.")
        assert await on.hub.ended()

        await on.start()

        assert await waiting(data, "released") == letter
        await on.desks["acme"].settle([outgoing("acme", "urn:acme", "b", 2_000)], random.Random(1))
        assert await shown(on, 3) == [first, "NLAMS", first]
