"""A way to PostgreSQL that is cut at a chosen statement: before it gets there, or before its answer comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal

Moment = Literal["before", "after"]


class Severing:
    """Passes everything on until a client sends what `cut_at` named."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._statement = b""
        self._moment: Moment = "before"

    def cut_at(self, statement: bytes, moment: Moment) -> None:
        """The next connection that carries the statement ends, once."""
        self._statement, self._moment = statement, moment

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(self._server)
        back = asyncio.create_task(_pass_on(far_reader, writer))
        try:
            while chunk := await reader.read(65_536):
                if self._statement and self._statement in chunk:
                    self._statement = b""
                    if self._moment == "after":
                        back.cancel()
                        far_writer.write(chunk)
                        await far_reader.read(65_536)
                    break
                far_writer.write(chunk)
        finally:
            back.cancel()
            with suppress(asyncio.CancelledError):
                await back
            writer.close()
            far_writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65_536):
        writer.write(chunk)
    writer.close()


@asynccontextmanager
async def severing(server: Path, directory: Path) -> AsyncIterator[Severing]:
    """Listens in `directory` as a PostgreSQL server does; `server` is the directory of the real one."""
    name = ".s.PGSQL.5432"
    way = Severing(str(server / name))
    listening = await asyncio.start_unix_server(way.serve, directory / name)
    async with listening:
        yield way
