"""Documents as they were sent, under the SHA-256 that receipts of their events name, as long as the log keeps those.

A document is stored before any of its events is accepted. One of which nothing was accepted goes again; if several
requests bring the same one at once to one worker, the last of them decides for all, and those at others wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from hub.core.errors import HubError
from hub.ports.blob_store import BlobKey, BlobStore
from hub.ports.turns import Turns

Store = Callable[[BlobKey], Awaitable[bool]]
"""Puts the document under the key; True if there was none."""


class Holding:
    """One document that is being judged, by one request or several."""

    def __init__(self) -> None:
        self.wanted = False
        """Whether an event of it is in the log, or may be."""
        self.lock = asyncio.Lock()
        self.holders = 0
        self.new = False
        self.turn: AsyncExitStack | None = None
        """Of this worker, as long as anybody here holds the document."""


class Archive:
    def __init__(self, blobs: BlobStore, turns: Turns) -> None:
        self._blobs = blobs
        self._turns = turns
        self._held: dict[BlobKey, Holding] = {}

    @asynccontextmanager
    async def holding(self, partner: str, digest: bytes, store: Store) -> AsyncIterator[Holding]:
        """The document is stored before the block begins; after it, only if it is `wanted`, or was kept before.

        Raises StorageFull and StorageUnavailable before the block begins.
        """
        key = BlobKey(partner, digest.hex())
        held = self._held.setdefault(key, Holding())
        held.holders += 1
        try:
            async with held.lock:
                if held.turn is None:
                    turn = AsyncExitStack()
                    await turn.enter_async_context(self._turns.turn(f"document/{partner}/{key.name}"))
                    held.turn = turn
                held.new |= await store(key)
            try:
                yield held
            except HubError:
                raise  # Certainly nothing was stored.
            except BaseException:
                held.wanted = True  # Nobody can tell what became of it.
                raise
        finally:
            await asyncio.shield(self._leave(key, held))

    async def _leave(self, key: BlobKey, held: Holding) -> None:
        async with held.lock:
            held.holders -= 1
            if held.holders:
                return
            try:
                if held.new and not held.wanted:
                    await self._blobs.delete(key)
            except HubError:
                return  # It goes with its age.
            finally:
                if not held.holders:
                    self._held.pop(key, None)
                    if held.turn is not None:
                        await held.turn.aclose()
