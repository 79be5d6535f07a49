"""A daemon that speaks clamd's protocol, or misspeaks it as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from hub.drivers.memory.virus_scanner import EICAR

STREAM_BYTES_MAX = 2_000_000


class Daemon:
    """`reply`: what is said instead of the truth; empty: hangs up; None: the truth. `answers`: cleared, it is slow."""

    def __init__(self) -> None:
        self.address = ""
        self.reply: bytes | None = None
        self.answers = asyncio.Event()
        self.answers.set()
        self.asked = asyncio.Event()
        self.received = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(await self._answer(reader))
            await writer.drain()
        except (EOFError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        assert await reader.readuntil(b"\0") == b"zINSTREAM\0"
        self.received = b""
        while size := int.from_bytes(await reader.readexactly(4), "big"):
            self.received += await reader.readexactly(size)
            if len(self.received) > STREAM_BYTES_MAX:
                return b"INSTREAM size limit exceeded. ERROR\0"
        self.asked.set()
        await self.answers.wait()
        if self.reply is not None:
            return self.reply
        return b"stream: Eicar-Test-Signature FOUND\0" if EICAR in self.received else b"stream: OK\0"


@asynccontextmanager
async def running(directory: Path, *, over: str) -> AsyncIterator[Daemon]:
    """`over`: `unix` or `tcp`."""
    daemon = Daemon()
    if over == "unix":
        server = await asyncio.start_unix_server(daemon.serve, directory / "clamd")
        daemon.address = f"unix:{directory / 'clamd'}"
    else:
        server = await asyncio.start_server(daemon.serve, "127.0.0.1", 0)
        daemon.address = f"tcp:127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield daemon
        daemon.answers.set()
