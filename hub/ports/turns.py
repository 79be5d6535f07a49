"""One at a time, over all workers of a machine: for what several requests may bring at once and only one may do."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

TURN_SECONDS_MAX = 6.0
"""How long a turn is waited for: within the time in which every caller is answered."""


class Turns(Protocol):
    def turn(self, name: str) -> AbstractAsyncContextManager[None]:
        """Wait for the turn, and have it until the block ends, which another task MAY do.

        MUST let nobody else in under the same name meanwhile, in no worker. Two names MAY share a turn, so nobody may
        wait for one while he has another. A worker that ends, however it does, MUST give back its turns. Entry raises
        `StorageUnavailable` after `TURN_SECONDS_MAX`: then nothing was begun.
        """
