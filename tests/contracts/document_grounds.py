"""The grounds of documents and of the jobs that judge them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from hub.drivers.files.blob_store import FileBlobStore
from hub.drivers.memory.blob_store import MemoryBlobStore
from hub.drivers.memory.jobs import MemoryJobs
from hub.drivers.memory.key_ring import MemoryKeyRing
from hub.drivers.s3.blob_store import S3BlobStore
from hub.drivers.sqlite.jobs import SQLiteJobs
from hub.drivers.system.entropy import SystemEntropy
from hub.operate.vault import Vault
from hub.ports.blob_store import BlobStore
from hub.ports.jobs import Jobs
from hub.ports.system import Clock
from tests.contracts.grounds import marked
from tests.contracts.state_grounds import postgres_in
from tests.s3 import bucket_of

_KEYS = MemoryKeyRing()


def _vault_on(ground: Callable[[Path, Clock], BlobStore]) -> Callable[[Path, Clock], BlobStore]:
    return lambda directory, clock: Vault(ground(directory, clock), keys=_KEYS, entropy=SystemEntropy())


BLOB_GROUNDS: dict[str, Callable[[Path, Clock], BlobStore]] = {
    "memory": lambda _, clock: MemoryBlobStore(clock),
    "files": lambda directory, clock: FileBlobStore.open_at(directory / "blobs", clock),
    "s3": lambda directory, clock: S3BlobStore.open_at(bucket_of(directory / "s3"), clock),
}
for _name in ("memory", "files", "s3"):
    BLOB_GROUNDS[f"vault on {_name}"] = _vault_on(BLOB_GROUNDS[_name])
DURABLE_BLOB_GROUNDS = ("files", "s3", "vault on files", "vault on s3")


@asynccontextmanager
async def _memory_jobs(directory: Path) -> AsyncIterator[Jobs]:
    yield MemoryJobs()


@asynccontextmanager
async def _sqlite_jobs(directory: Path) -> AsyncIterator[Jobs]:
    async with SQLiteJobs(directory / "jobs.db") as jobs:
        yield jobs


@asynccontextmanager
async def _postgres_jobs(directory: Path) -> AsyncIterator[Jobs]:
    async with postgres_in(directory) as state:
        yield state.jobs


JOB_GROUNDS: dict[str, Callable[[Path], AbstractAsyncContextManager[Jobs]]] = {
    "memory": _memory_jobs,
    "sqlite": _sqlite_jobs,
    "postgres": _postgres_jobs,
}
DURABLE_JOB_GROUNDS = marked(("sqlite", "postgres"))
