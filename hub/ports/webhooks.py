"""Posting to addresses that recipients name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct


def always() -> bool:
    return True


class Post(Struct, frozen=True):
    url: str
    headers: Mapping[str, str]
    body: bytes
    credential: str = ""
    """`Authorization`, for the URL's own origin alone; empty: none."""
    shows_certificate: bool = False
    """Over a connection on which the hub shows its client certificate."""
    still: Callable[[], bool] = always
    """Whether it may leave as of now."""


class Reply(Struct, frozen=True):
    """What came of it."""

    status: int
    """Of HTTP; 0: there was no answer."""
    why: str = ""
    """Where there was no answer: words that a receiver may read, without names and addresses of the hub's own side."""
    detail: str = ""
    """The same for operators alone."""
    retry_after: int | None = None
    """Seconds."""
    body: bytes = b""
    """Its beginning."""
    withheld: bool = False
    """Nothing was posted, for it may not leave any more."""

    @property
    def taken(self) -> bool:
        return 200 <= self.status < 300

    @property
    def told(self) -> str:
        """To operators."""
        return self.detail or self.why or f"answered {self.status}"


GONE = 410
BODY_BYTES_MAX = 16_384
"""Of an answer: room for an access token. Nobody reads on."""


class Poster(Protocol):
    async def post(self, post: Post) -> Reply:
        """Post once, following no more than three redirects of the kind that keeps method and body.

        MUST connect to public addresses and allowed networks only, decided by the address of each connection, and to
        others than allowed networks over TLS only. MUST ask whether it may `still` leave once it is connected, right
        before the first byte is written, and else answer that it is withheld. MUST answer within bounded time and
        memory, and raise nothing.
        """
