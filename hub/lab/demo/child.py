"""A `customs-connect` process: lines in, JSON lines out, and gone with the demo whatever becomes of it."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from hub.core.errors import HubError

LINE_BYTES_MAX = 4 * 1024 * 1024
END_SECONDS_MAX = 3.0

_CONNECT = "import ctypes, signal; ctypes.CDLL(None).prctl(1, signal.SIGTERM); from connectors.cli import main; main()"
"""What the console script does, and before it: ask Linux for SIGTERM when the parent dies (PR_SET_PDEATHSIG), so that
nothing stays behind even if the demo is killed."""


class ChildEnded(HubError):
    """A company's or an engine's process ended by itself; the text holds its last words."""


class Child:
    """One process. `ending`: from now on it may end."""

    def __init__(self, name: str, process: Process, errors: Path) -> None:
        self.name, self._process, self._errors = name, process, errors
        self.ending = False
        self.ended = asyncio.Event()
        """Set once all that it printed was read and it is gone."""

    @classmethod
    async def start(cls, name: str, arguments: Sequence[str], *, errors: Path) -> Child:
        """Run `customs-connect` with these arguments in a session of its own: Ctrl-C is the demo's to handle."""
        with errors.open("ab") as file:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-c", _CONNECT, *arguments),
                stdin=PIPE if "-" in arguments else DEVNULL,
                stdout=PIPE,
                stderr=file,
                limit=LINE_BYTES_MAX,
                start_new_session=True,
            )
        return cls(name, process, errors)

    async def lines(self) -> AsyncIterator[dict[str, Any]]:
        """What it prints, until it ends. Raises `ChildEnded` if nobody asked it to."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            yield orjson.loads(line)
        code = await self._process.wait()
        self.ended.set()
        if not self.ending:
            raise ChildEnded(f"{self.name} ended with code {code}: {self._last_words()}")

    def write(self, line: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + b"\n")

    def close_input(self) -> None:
        """No more lines come: it ends when the last one is answered."""
        assert self._process.stdin is not None
        self.ending = True
        self._process.stdin.close()

    async def end(self) -> None:
        """Ask it to end; if it does not, end it."""
        self.ending = True
        for signal in (self._process.terminate, self._process.kill):
            with suppress(ProcessLookupError):
                signal()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), END_SECONDS_MAX)
                return

    def _last_words(self) -> str:
        lines = self._errors.read_text(errors="replace").split("\n")
        return " ".join(line.strip() for line in lines[-6:] if line.strip()) or "(it said nothing)"
