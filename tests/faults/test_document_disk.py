"""What becomes of documents and jobs on a disk that is full."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from hub.core.errors import BlobMissing, StorageFull
from hub.drivers.files.blob_store import FileBlobStore
from hub.drivers.sqlite.jobs import SQLiteJobs
from hub.ports.blob_store import BlobKey
from hub.ports.jobs import Job, JobKind, Results
from tests.clock import ManualClock

KEY = BlobKey("delta", "document")
JOB = Job(
    id="j", partner="delta", system="s", key_id="k", kind=JobKind.TABLE, media_type="", digest=b"", stored_us=1
)  # fmt: skip


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MiB."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", tmp_path], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted: run as root")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


async def chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 100_000


async def test_a_document_for_which_there_is_no_room_leaves_nothing_and_the_next_finds_room(small_disk: Path) -> None:
    blobs = FileBlobStore.open_at(small_disk / "blobs", ManualClock())

    with pytest.raises(StorageFull):
        await blobs.put(KEY, chunks(30))
    with pytest.raises(BlobMissing):
        async with blobs.open(KEY):
            pass

    assert (await blobs.put(KEY, chunks(15))).bytes == 1_500_000


async def test_a_job_for_which_there_is_no_room_is_not_there_and_the_others_are(small_disk: Path) -> None:
    async with SQLiteJobs(small_disk / "jobs.db") as jobs:
        await jobs.add(JOB)
        with pytest.raises(StorageFull):
            for number in range(30):
                await jobs.store(JOB, Results(number, 1, b"x" * 100_000))

        assert await jobs.get("delta", "j") == JOB
