"""A real terminal with a shell in it, for tests that type."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import shlex
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

CONNECT = [sys.executable, "-c", "from connectors.cli import main; main()"]
"""`customs-connect`, whether it is installed or not."""


class Typist:
    """Types into the terminal, and reads what is on it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._shown, self._read = "", 0
        self._moved = asyncio.Event()

    def take(self) -> None:
        try:
            self._shown += os.read(self._descriptor, 65_536).decode(errors="replace")
        except OSError:  # The last program on it has ended.
            asyncio.get_running_loop().remove_reader(self._descriptor)
        self._moved.set()

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def run(self, *command: str | Path) -> None:
        self.type(shlex.join(map(str, command)) + "\r")

    async def until(self, text: str) -> str:
        """What has come since the last look, up to and with `text`, once that is there."""
        while (end := self._shown.find(text, self._read)) < 0:
            self._moved.clear()
            await self._moved.wait()
        begin, self._read = self._read, end + len(text)
        return self._shown[begin : self._read]

    @property
    def unread(self) -> str:
        return self._shown[self._read :]

    @property
    def is_plain(self) -> bool:
        """Whether it echoes, and waits for Enter."""
        local = termios.tcgetattr(self._descriptor)[3]
        return bool(local & termios.ECHO and local & termios.ICANON)


@asynccontextmanager
async def shell(directory: Path) -> AsyncIterator[Typist]:
    """A terminal where an interactive bash waits."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PS1": "ready$ ", "PYTHONPATH": str(Path(__file__).parents[1]), "TERM": "dumb"}
    bash = await asyncio.create_subprocess_exec(
        *["bash", "--norc", "--noprofile", "--noediting", "-i"],
        cwd=directory,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    typist = Typist(ours)
    asyncio.get_running_loop().add_reader(ours, typist.take)
    try:
        await typist.until("ready$ ")
        yield typist
    finally:
        asyncio.get_running_loop().remove_reader(ours)
        os.close(ours)  # Whatever runs there is hung up.
        bash.kill()
        await bash.wait()
