"""What the bucket's driver promises beyond every blob store's: what its store says is told, and nothing is mixed up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from hub.core.errors import BlobMissing, StorageUnavailable
from hub.core.settings import S3Settings
from hub.drivers.s3.blob_store import S3BlobStore
from hub.ports.blob_store import BlobKey
from tests.clock import ManualClock
from tests.s3 import bucket_of

KEY = BlobKey("delta", "a1")


@pytest.fixture
def bucket(tmp_path: Path) -> S3Settings:
    return bucket_of(tmp_path / "s3")


async def chunks(*content: bytes) -> AsyncIterator[bytes]:
    for chunk in content:
        yield chunk


async def content(blobs: S3BlobStore, key: BlobKey) -> bytes:
    async with blobs.open(key) as read:
        return b"".join([chunk async for chunk in read])


async def test_a_bucket_that_is_not_there_is_storage_that_is_away_and_no_missing_blob(bucket: S3Settings) -> None:
    blobs = S3BlobStore.open_at(replace(bucket, bucket="nobodys-bucket"), ManualClock())

    for ask in (blobs.examine, lambda: content(blobs, KEY), lambda: blobs.put(KEY, chunks(b"x"))):
        with pytest.raises(StorageUnavailable, match="NoSuchBucket"):
            await ask()


async def test_a_store_that_does_not_answer_is_away(bucket: S3Settings) -> None:
    away = replace(bucket, endpoint="http://127.0.0.1:9", retry_count_max=0, request_seconds_max=1.0)

    with pytest.raises(StorageUnavailable):
        await S3BlobStore.open_at(away, ManualClock()).put(KEY, chunks(b"x"))


async def test_an_error_of_the_sender_is_not_one_of_the_store(bucket: S3Settings) -> None:
    async def gone() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionResetError("the sender")

    with pytest.raises(ConnectionResetError, match="the sender"):
        await S3BlobStore.open_at(bucket, ManualClock()).put(KEY, gone())


async def test_of_two_that_a_crash_left_under_a_name_the_newest_counts(bucket: S3Settings) -> None:
    clock = ManualClock()
    blobs = S3BlobStore.open_at(bucket, clock)
    await blobs.put(BlobKey("delta", "old"), chunks(b"old"))
    clock.advance(1)
    await blobs.put(KEY, chunks(b"new"))
    await blobs._store.copy_async(await blobs._newest(BlobKey("delta", "old")), blobs._path(KEY, 1))

    assert await content(blobs, KEY) == b"new"
    await blobs.delete(KEY)
    with pytest.raises(BlobMissing):
        await content(blobs, KEY)


async def test_hubs_with_other_prefixes_share_a_bucket_and_nothing_else(bucket: S3Settings) -> None:
    clock = ManualClock()
    one, other = (S3BlobStore.open_at(replace(bucket, prefix=prefix), clock) for prefix in ("one/", "two/"))
    await one.put(KEY, chunks(b"one"))

    with pytest.raises(BlobMissing):
        await content(other, KEY)
    assert await other.purge(clock.now_us() + 1) == 0
    assert await content(one, KEY) == b"one"


async def test_more_than_one_part_comes_back_as_it_was(bucket: S3Settings) -> None:
    blobs = S3BlobStore.open_at(bucket, ManualClock())

    stored = await blobs.put(KEY, chunks(*[b"%07d" % number * 30_000 for number in range(60)]))

    assert stored.bytes == 12_600_000 > 2 * bucket.part_bytes
    assert await content(blobs, KEY) == b"".join(b"%07d" % number * 30_000 for number in range(60))


async def test_what_is_archived_beside_the_documents_is_none_of_theirs_and_outlives_their_purge(
    bucket: S3Settings,
) -> None:
    clock = ManualClock()
    documents = S3BlobStore.open_at(bucket, clock)
    archive = S3BlobStore.open_at(replace(bucket, prefix=f"{bucket.prefix}archive/"), clock)
    await documents.put(KEY, chunks(b"document"))
    await archive.put(KEY, chunks(b"segment"))
    clock.advance(10)

    listed = await documents.older("", clock.now_us())
    gone = await documents.purge(clock.now_us())

    assert (listed, gone) == ([KEY], 1)
    assert await content(archive, KEY) == b"segment"
