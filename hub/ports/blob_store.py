"""Blobs: what is kept as the bytes that a partner sent; documents now, later anything too large for a record."""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from msgspec import Struct

OLDER_MAX = 1_000

_PARTNER = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,95}")


class BlobKey(Struct, frozen=True):
    """Whose blob it is and how the hub calls it: the hex SHA-256 of its bytes, or the id of the job that it is for.

    Never a word of a partner's. Raises ValueError for anything that could be more than one segment of a path.
    """

    partner: str
    name: str

    def __post_init__(self) -> None:
        if not _PARTNER.fullmatch(self.partner) or not _NAME.fullmatch(self.name):
            raise ValueError(f"no key of a blob: {self.partner!r}, {self.name!r}")


def check_move(source: BlobKey, target: BlobKey) -> None:
    if source.partner != target.partner:
        raise ValueError(f"a blob of {source.partner} does not become one of {target.partner}")


class Stored(Struct, frozen=True):
    """What became of a `put`."""

    digest: bytes
    """SHA-256 of all bytes."""
    bytes: int
    new: bool
    """False: there was a blob under this key."""


class BlobStore(Protocol):
    async def put(self, key: BlobKey, chunks: AsyncIterable[bytes]) -> Stored:
        """Keep what the chunks are together under the key, in place of what was there.

        MUST hold a few chunks at most, however many there are.
        MUST NOT return before the blob survives the loss of power; its age counts from now.
        MUST show the blob whole or not at all, also after a crash; what a crash left over is gone at the next opening.
        MUST leave what was there before if `chunks` raises, and let that exception pass.
        MUST raise `StorageFull` or `StorageUnavailable` only when nothing of it was kept.
        """

    async def copy(self, source: BlobKey, target: BlobKey) -> bool:
        """Keep the same bytes under another key as well, as `put` does; False if there was a blob under `target`.

        The two go apart from then on. Raises `BlobMissing` if there is no `source`.
        """

    async def move(self, source: BlobKey, target: BlobKey) -> None:
        """Call the blob by another name of the same partner, in place of what was there; it keeps its age.

        MUST leave it whole under one of the names, or both, also after a crash. Raises `BlobMissing`, and ValueError
        for a target of another partner.
        """

    def open(self, key: BlobKey) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The blob as it is now, in chunks, also if it is deleted meanwhile. Entry raises `BlobMissing`."""

    async def delete(self, key: BlobKey) -> None:
        """Let go of it. MUST do nothing if there is none."""

    async def older(self, prefix: str, before_us: int) -> Sequence[BlobKey]:
        """The keys whose names begin with `prefix`, put before `before_us`; at most `OLDER_MAX`, in no order."""

    async def purge(self, before_us: int) -> int:
        """Let go of every blob that was put before `before_us`; return how many went."""


async def read_blob(blobs: BlobStore, key: BlobKey) -> bytes:
    """The blob, whole. Raises `BlobMissing`."""
    async with blobs.open(key) as chunks:
        return b"".join([chunk async for chunk in chunks])
