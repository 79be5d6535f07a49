"""What the workers of one machine tell each other of the accounts that they serve, so that a quota holds over all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from hub.core.quota import Amounts


class Spent(Struct, frozen=True, gc=False):
    """What one worker says of one account."""

    at: float
    """When it said so, by the monotonic clock that the workers share, in seconds."""
    taken: Amounts
    """Since the worker first served the account: it only grows."""
    levels: Amounts
    """What it believes to be in the account's buckets."""
    requests_in_flight: int
    streams: int
    refused_at: float
    """When it last refused the account something; 0: never."""


class Spending(Protocol):
    """All calls are made for each request: they MUST NOT block, and need no answer from anybody."""

    def tell(self, account: str, spent: Spent) -> None:
        """Take the place of what this worker said of the account before.

        MAY be lost where more accounts are served than there is room for; the account's quota then holds for each
        worker by itself.
        """

    def others(self, account: str) -> Sequence[tuple[int, Spent]]:
        """What each other worker, by its number, said last; nothing of one that never spoke of the account.

        MUST show what another worker told before this call began, whole. MUST NOT mix up accounts. A worker that starts
        anew has said nothing.
        """
