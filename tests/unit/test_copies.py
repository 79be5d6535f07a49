"""What a crash leaves of a copy comes to an end: with its event if there is one, else without a trace."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256

import pytest

from hub.core.copies import Asked, Entry, Upload
from hub.core.errors import BlobMissing
from hub.drivers.memory.blob_store import MemoryBlobStore
from hub.drivers.system.entropy import SystemEntropy
from hub.intake.copies import LEFT_SECONDS, Copies
from hub.ports.blob_store import BlobKey
from tests.clock import ManualClock

CONTENT = b"a copy"
SHA256 = sha256(CONTENT).hexdigest()
ENTRY = Entry(asked=Asked(kind="380", reference="1"), event={"id": "1"}, bytes=6, media_type="image/png")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def blobs(clock: ManualClock) -> MemoryBlobStore:
    return MemoryBlobStore(clock)


@pytest.fixture
def copies(blobs: MemoryBlobStore, clock: ManualClock) -> Copies:
    return Copies(blobs, clock=clock, entropy=SystemEntropy())


async def chunks() -> AsyncIterator[bytes]:
    yield CONTENT


async def known(partner: str, sha256: str) -> bool:
    return (partner, sha256) == ("delta", SHA256)


async def unknown(partner: str, sha256: str) -> bool:
    return False


async def names(blobs: MemoryBlobStore) -> set[str]:
    return {key.name.partition("-")[0] for key in blobs._blobs}


async def kept(copies: Copies) -> Upload:
    async with copies.receiving("delta", chunks()) as upload:
        await copies.keep("delta", upload, ENTRY)
    return upload


async def test_what_is_not_kept_is_gone_when_the_block_ends(blobs: MemoryBlobStore, copies: Copies) -> None:
    async with copies.receiving("delta", chunks()) as upload:
        assert (upload.sha256, upload.bytes) == (SHA256, 6)

    assert blobs._blobs == {}


async def test_a_copy_is_there_with_its_pending_entry_before_its_event(blobs: MemoryBlobStore, copies: Copies) -> None:
    await kept(copies)

    assert await names(blobs) == {"pending", "document"}
    assert await copies.entry("delta", SHA256) is None
    assert await copies.entries("delta", SHA256) == [ENTRY]


async def test_a_copy_whose_event_is_in_the_log_is_settled_by_the_sweep(
    clock: ManualClock, blobs: MemoryBlobStore, copies: Copies
) -> None:
    await kept(copies)
    clock.advance(LEFT_SECONDS + 1)

    await copies.sweep(known)

    assert await names(blobs) == {"entry", "document"}
    assert await copies.entry("delta", SHA256) == ENTRY


async def test_an_orphan_goes_with_its_entry(clock: ManualClock, blobs: MemoryBlobStore, copies: Copies) -> None:
    await kept(copies)
    await blobs.put(BlobKey("delta", "upload-1"), chunks())
    clock.advance(LEFT_SECONDS + 1)

    await copies.sweep(unknown)

    assert blobs._blobs == {}


async def test_what_may_be_under_way_is_left_alone(clock: ManualClock, blobs: MemoryBlobStore, copies: Copies) -> None:
    await kept(copies)
    clock.advance(LEFT_SECONDS - 1)

    await copies.sweep(unknown)

    assert await names(blobs) == {"pending", "document"}


async def test_dropping_what_was_said_later_leaves_what_was_said_before(copies: Copies) -> None:
    await kept(copies)
    await copies.settle("delta", SHA256)
    await kept(copies)

    await copies.drop("delta", SHA256)

    assert await copies.entries("delta", SHA256) == [ENTRY]
    async with copies.opening("delta", SHA256) as read:
        assert b"".join([chunk async for chunk in read]) == CONTENT


async def test_without_an_entry_there_is_no_copy(copies: Copies) -> None:
    assert await copies.entry("delta", SHA256) is None
    with pytest.raises(BlobMissing):
        async with copies.opening("delta", SHA256):
            pass
