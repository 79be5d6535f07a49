"""Asks clamd about a document: the INSTREAM command of its protocol (clamd(8)), over TCP or a Unix socket.

One connection for each document: `zINSTREAM` NUL, chunks each after its length in four bytes, a length of zero; then
`stream: OK`, `stream: <name> FOUND` or `<text> ERROR`, and NUL. The published client library is of 2014 and blocks.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterable

from hub.core.documents import Scan
from hub.ports.system import Clock

REPLY_BYTES_MAX = 1_024
CHUNK_BYTES_MAX = 65_536

_ADDRESS = re.compile(r"unix:(?P<path>/.+)|tcp:(?P<host>[^:]+|\[[^]]+\]):(?P<port>[0-9]{1,5})")
_REPLY = re.compile(rb"stream: (?:(?P<clean>OK)|(?P<found>[ -~]+) FOUND)\0")


class ClamdScanner:
    """Keeps the `VirusScanner` port. `address`: `unix:/run/clamav/clamd.ctl` or `tcp:127.0.0.1:3310`, or ValueError."""

    def __init__(self, address: str, clock: Clock, *, seconds_max: float = 10.0) -> None:
        self._address = _ADDRESS.fullmatch(address)
        if self._address is None:
            raise ValueError(f"not the address of a socket: {address}")
        self._clock = clock
        self._seconds_max = seconds_max

    async def scan(self, chunks: AsyncIterable[bytes]) -> Scan:
        try:
            async with self._clock.deadline(self._seconds_max):
                return await self._scanned(chunks)
        except TimeoutError:
            return Scan("unknown", "no answer in time")

    async def _scanned(self, chunks: AsyncIterable[bytes]) -> Scan:
        try:
            reader, writer = await self._connected()
        except OSError as e:
            return Scan("unknown", f"cannot be reached: {type(e).__name__}")
        try:
            await _send(chunks, writer)
            return await _reply(reader)
        finally:
            writer.transport.abort()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        assert self._address is not None
        path, host, port = self._address.group("path", "host", "port")
        if path:
            return await asyncio.open_unix_connection(path, limit=REPLY_BYTES_MAX)
        return await asyncio.open_connection(host.strip("[]"), int(port), limit=REPLY_BYTES_MAX)


async def _send(chunks: AsyncIterable[bytes], writer: asyncio.StreamWriter) -> None:
    """All of the document, or as much as is taken: who finds it too large answers and hangs up in the middle."""
    writer.write(b"zINSTREAM\0")
    async for chunk in chunks:
        for at in range(0, len(chunk), CHUNK_BYTES_MAX):
            part = chunk[at : at + CHUNK_BYTES_MAX]
            writer.write(len(part).to_bytes(4, "big") + part)
            try:
                await writer.drain()
            except OSError:
                return
    writer.write(bytes(4))


async def _reply(reader: asyncio.StreamReader) -> Scan:
    try:
        return _understood(await reader.readuntil(b"\0"))
    except asyncio.LimitOverrunError:
        return Scan("unknown", "an answer without end")
    except (EOFError, OSError):
        return Scan("unknown", "gone without an answer")


def _understood(reply: bytes) -> Scan:
    said = _REPLY.fullmatch(reply)
    if said is None:
        return Scan("unknown", "".join(each if each.isprintable() else "?" for each in reply[:64].decode("latin-1")))
    return Scan("clean") if said["clean"] else Scan("found", said["found"].decode())
