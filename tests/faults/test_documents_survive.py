"""A hub that is killed anywhere between a copy's first byte and its answer: what was answered is there whole, what was
not is completed by sending it again, and what nobody sends again is cleaned up.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest

from connectors.session import Answer, HubRefused, HubUnreachable
from hub.cli import run
from hub.core.settings import Settings
from hub.drivers.files.blob_store import FileBlobStore
from hub.drivers.system.clock import SystemClock
from hub.drivers.system.entropy import SystemEntropy
from hub.intake.copies import LEFT_SECONDS, Copies
from hub.lab.world import AEO
from tests.clock import ManualClock
from tests.faults.points import DOCUMENT_POINTS
from tests.faults.reading import read_all
from tests.faults.stage import Stage, stage
from tests.wire.test_copies import png

pytestmark = pytest.mark.slow

IN_THE_LOG_POINTS = DOCUMENT_POINTS[DOCUMENT_POINTS.index("after-append") :]
BYTES = 400_000
"""Several chunks of what is kept."""
SETTLED = {"document", "entry"}


def content_of(name: str, point: str) -> bytes:
    """A picture; one that will be set apart where the point is passed by no other."""
    film = b" and a film" if point == "after-quarantine-mark" else b""
    return png(text=Random(name).randbytes(BYTES)) + film


async def hand_in(on: Stage, content: bytes) -> Answer:
    path = f"/v1/documents?kind=380&reference={sha256(content).hexdigest()[:8]}"
    return await on.sessions["acme"].request("POST", path, body=content, headers={"Content-Type": "image/png"})


async def hand_in_and_die(on: Stage, content: bytes, point: str) -> None:
    """Hand it in to a hub that ends itself at the point, before it answers."""
    await on.start(f"{point}:1")
    with pytest.raises((HubUnreachable, HubRefused)):
        await hand_in(on, content)
    assert await on.hub.ended()


async def fetched(on: Stage, content: bytes) -> Answer:
    return await on.sessions["acme"].request("GET", f"/v1/documents/{sha256(content).hexdigest()}/content")


async def shown(on: Stage) -> Counter[str]:
    """How often the feed has an event of each copy, by SHA-256."""
    records = await read_all(on.sessions["risk"], "/v1/feeds/risk/records", on.starts["risk"])
    return Counter(record["data"]["document"]["sha256"] for record in records)


def lying(directory: Path, content: bytes) -> set[str]:
    """What lies of a copy, and what has no copy."""
    files = (directory / "data" / "documents" / "acme").iterdir()
    names = [each.name.partition("-") for each in files]
    return {kind for kind, _, digest in names if digest == sha256(content).hexdigest() or kind == "upload"}


async def an_hour_later(directory: Path, in_the_log: set[str]) -> None:
    """What the hub's own sweep does once what it left is an hour old."""
    clock = ManualClock(SystemClock().now_us() + (LEFT_SECONDS + 1) * 1_000_000)
    blobs = FileBlobStore.open_at(directory / "data" / "documents", clock)

    async def is_known(_: str, digest: str) -> bool:
        return digest in in_the_log

    await Copies(blobs, clock=clock, entropy=SystemEntropy()).sweep(is_known)


@pytest.mark.parametrize("point", DOCUMENT_POINTS)
async def test_a_kill_loses_no_copy_that_was_answered_and_leaves_none_that_was_not(point: str, tmp_path: Path) -> None:
    answered, retried, abandoned = (content_of(name, point) for name in ("answered", "retried", "abandoned"))
    digests = [sha256(each).hexdigest() for each in (answered, retried, abandoned)]
    async with stage(Settings(), tmp_path, role="exporter", aeo=AEO("NLAEOF")) as on:
        await on.start()
        first = await hand_in(on, answered)
        await on.hub.kill()
        await hand_in_and_die(on, abandoned, point)
        await hand_in_and_die(on, retried, point)
        await on.start()

        again = await hand_in(on, retried)
        repeated = await hand_in(on, answered)

        was_in_the_log = point in IN_THE_LOG_POINTS
        assert (first.status, repeated.status) == (201, 200)
        assert again.status == (200 if was_in_the_log else 201) or point == "during-append"
        seen = await shown(on)
        assert (seen[digests[0]], seen[digests[1]]) == (1, 1)
        assert seen[digests[2]] == was_in_the_log or point == "during-append"
        if point == "after-quarantine-mark":
            for digest in digests[:2]:
                release = ["document", "release", digest, "--reason", "a film", "--data", str(tmp_path / "data")]
                assert await asyncio.to_thread(run, release) == 0
        assert [(await fetched(on, each)).body == each for each in (answered, retried)] == [True, True]
        assert await on.hub.stop() == 0

    await an_hour_later(tmp_path, set(seen))
    assert lying(tmp_path, answered) == lying(tmp_path, retried) == SETTLED
    assert lying(tmp_path, abandoned) == (SETTLED if seen[digests[2]] else set())
