"""Cursors of replays: where a session stands, sealed as those of feeds are (`schemas/formats/replay.md`)."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Struct

from hub.trust.cursor import NONCE_BYTES, Box

_CONTEXT = b"customs-hub-replay-cursor/1"


class ReplayCursor(Struct, frozen=True, array_like=True):
    replay: str
    reader: str
    places: tuple[int, ...]
    """The next offset of each track."""


_decoder = msgspec.msgpack.Decoder(ReplayCursor)


class ReplayCursors:
    def __init__(self, secret: bytes, chance: Callable[[int], bytes]) -> None:
        """`secret`: 32 bytes; `chance`: as many unpredictable bytes."""
        self._box = Box(secret, _CONTEXT)
        self._chance = chance

    def seal(self, cursor: ReplayCursor) -> str:
        return self._box.seal(msgspec.msgpack.encode(cursor), self._chance(NONCE_BYTES))

    def open(self, sealed: str) -> ReplayCursor | None:
        """None if this hub did not make it; whose it is, is the caller's to look at."""
        content = self._box.open(sealed)
        try:
            return _decoder.decode(content) if content is not None else None
        except msgspec.DecodeError:
            return None
