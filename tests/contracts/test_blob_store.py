"""What every blob store promises. No test here asks which driver it has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from hub.core.errors import BlobMissing
from hub.ports.blob_store import BlobKey, BlobStore, Stored
from tests.clock import ManualClock
from tests.contracts.document_grounds import BLOB_GROUNDS, DURABLE_BLOB_GROUNDS

KEY, OTHER = BlobKey("delta", "a1"), BlobKey("acme", "a1")


class Cut(Exception):
    """A sender that goes away."""


async def chunks(*content: bytes, cut: bool = False) -> AsyncIterator[bytes]:
    for chunk in content:
        yield chunk
    if cut:
        raise Cut


async def content(blobs: BlobStore, key: BlobKey) -> bytes:
    async with blobs.open(key) as read:
        return b"".join([chunk async for chunk in read])


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=BLOB_GROUNDS)
def blobs(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> BlobStore:
    return BLOB_GROUNDS[request.param](tmp_path, clock)


@pytest.mark.parametrize("sent", [(), (b"",), (b"one",), (b"one", b"", b"two"), (b"x" * 1_000_000,) * 3])
async def test_what_is_put_comes_back_byte_for_byte_with_its_digest(blobs: BlobStore, sent: tuple[bytes, ...]) -> None:
    stored = await blobs.put(KEY, chunks(*sent))

    whole = b"".join(sent)
    assert stored == Stored(sha256(whole).digest(), len(whole), new=True)
    assert await content(blobs, KEY) == whole


async def test_what_was_never_put_is_missing(blobs: BlobStore) -> None:
    for key in (KEY, OTHER):
        with pytest.raises(BlobMissing):
            await content(blobs, key)


async def test_a_key_is_one_partners_alone(blobs: BlobStore) -> None:
    await blobs.put(KEY, chunks(b"delta's"))

    with pytest.raises(BlobMissing):
        await content(blobs, OTHER)
    await blobs.delete(OTHER)
    assert await content(blobs, KEY) == b"delta's"


async def test_a_second_put_replaces_the_first_and_says_so(blobs: BlobStore) -> None:
    await blobs.put(KEY, chunks(b"first, and longer"))

    assert not (await blobs.put(KEY, chunks(b"second"))).new
    assert await content(blobs, KEY) == b"second"


async def test_a_sender_that_goes_away_leaves_what_was_there(blobs: BlobStore) -> None:
    await blobs.put(KEY, chunks(b"whole"))

    for key in (KEY, OTHER):
        with pytest.raises(Cut):
            await blobs.put(key, chunks(b"hal", cut=True))

    assert await content(blobs, KEY) == b"whole"
    with pytest.raises(BlobMissing):
        await content(blobs, OTHER)


async def test_the_same_content_put_at_once_is_there_whole_and_new_at_least_once(blobs: BlobStore) -> None:
    stored = await asyncio.gather(*[blobs.put(KEY, chunks(b"same" * 1_000)) for _ in range(10)])

    assert any(each.new for each in stored)
    assert await content(blobs, KEY) == b"same" * 1_000


async def test_a_copy_goes_its_own_way(blobs: BlobStore) -> None:
    await blobs.put(KEY, chunks(b"one"))

    assert await blobs.copy(KEY, OTHER)
    assert not await blobs.copy(KEY, OTHER)
    await blobs.delete(KEY)

    assert await content(blobs, OTHER) == b"one"


async def test_there_is_no_copy_of_what_is_missing(blobs: BlobStore) -> None:
    with pytest.raises(BlobMissing):
        await blobs.copy(KEY, OTHER)


async def test_what_is_deleted_is_gone_for_whoever_comes_after(blobs: BlobStore) -> None:
    await blobs.put(KEY, chunks(b"one"))

    async with blobs.open(KEY) as read:
        await blobs.delete(KEY)
        assert [chunk async for chunk in read] == [b"one"]
    with pytest.raises(BlobMissing):
        await content(blobs, KEY)
    await blobs.delete(KEY)


async def test_purging_lets_go_of_what_is_older_and_counts_from_the_last_put(
    blobs: BlobStore, clock: ManualClock
) -> None:
    for name in ("old", "again", "new"):
        await blobs.put(BlobKey("delta", name), chunks(b"x"))
        clock.advance(10)
    await blobs.put(BlobKey("delta", "again"), chunks(b"x"))

    gone = await blobs.purge(clock.now_us() - 15_000_000)

    assert gone == 1
    assert [await content(blobs, BlobKey("delta", name)) for name in ("again", "new")] == [b"x", b"x"]


async def test_what_is_moved_goes_by_its_new_name_alone_in_place_of_what_was_there(
    blobs: BlobStore, clock: ManualClock
) -> None:
    await blobs.put(KEY, chunks(b"one"))
    await blobs.put(BlobKey("delta", "b2"), chunks(b"two"))
    clock.advance(10)

    await blobs.move(KEY, BlobKey("delta", "b2"))

    assert await content(blobs, BlobKey("delta", "b2")) == b"one"
    with pytest.raises(BlobMissing):
        await content(blobs, KEY)
    assert await blobs.older("b", clock.now_us()) == [BlobKey("delta", "b2")]


async def test_what_is_missing_is_not_moved_and_nothing_becomes_another_partners(blobs: BlobStore) -> None:
    await blobs.put(KEY, chunks(b"one"))

    with pytest.raises(BlobMissing):
        await blobs.move(BlobKey("delta", "b2"), KEY)
    with pytest.raises(ValueError, match="does not become"):
        await blobs.move(KEY, OTHER)
    assert await content(blobs, KEY) == b"one"


async def test_what_is_older_is_found_by_the_beginning_of_its_name(blobs: BlobStore, clock: ManualClock) -> None:
    for name in ("up-1", "up-2", "down-1"):
        await blobs.put(BlobKey("delta", name), chunks(b"x"))
        clock.advance(10)

    assert await blobs.older("up-", clock.now_us() - 20_000_000) == [BlobKey("delta", "up-1")]
    found = await blobs.older("up-", clock.now_us())
    assert {key.name for key in found} == {"up-1", "up-2"}


@pytest.mark.parametrize(
    ("partner", "name"),
    [
        *((partner, "fine") for partner in ("", "..", ".hidden", "a/b", "-a", "A", "a" * 33, "a\0", "a\n")),
        *(("delta", name) for name in ("", "..", ".hidden", "a/b", "-a", "A", "a" * 97, "a\0", "a\n")),
    ],
)
def test_nothing_that_could_be_a_path_is_a_key(partner: str, name: str) -> None:
    with pytest.raises(ValueError, match="no key"):
        BlobKey(partner, name)


@pytest.mark.parametrize("name", DURABLE_BLOB_GROUNDS)
async def test_a_blob_stays_over_a_restart_with_its_age(name: str, tmp_path: Path, clock: ManualClock) -> None:
    await BLOB_GROUNDS[name](tmp_path, clock).put(KEY, chunks(b"kept"))
    clock.advance(10)

    again = BLOB_GROUNDS[name](tmp_path, clock)

    assert await content(again, KEY) == b"kept"
    assert await again.purge(clock.now_us() - 10_000_000) == 0
    assert await again.purge(clock.now_us() - 9_999_999) == 1


@pytest.mark.parametrize("name", DURABLE_BLOB_GROUNDS)
async def test_what_a_crash_left_half_is_never_seen_and_gone_after_a_restart(
    name: str, tmp_path: Path, clock: ManualClock
) -> None:
    blobs = BLOB_GROUNDS[name](tmp_path, clock)
    begun = asyncio.Event()

    async def stalls() -> AsyncIterator[bytes]:
        yield b"half"
        begun.set()
        await asyncio.Event().wait()

    put = asyncio.create_task(blobs.put(KEY, stalls()))
    await begun.wait()
    again = BLOB_GROUNDS[name](tmp_path, clock)

    with pytest.raises(BlobMissing):
        await content(again, KEY)
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []
    put.cancel()
    await asyncio.gather(put, return_exceptions=True)
