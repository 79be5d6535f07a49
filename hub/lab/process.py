"""Processes that outlive the command that started them, and are stopped only by the one who can prove they are his.

A pid alone proves nothing: it may have been given to another program since. A process is known by its pid and the time
at which it started (`/proc/<pid>/stat`, field 22), and is signalled through a pidfd, which never means another process.
"""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress
from pathlib import Path

from msgspec import Struct


class Process(Struct, frozen=True):
    """A process as it was when it started."""

    pid: int
    started: int
    """Clock ticks since the machine started."""

    def alive(self) -> bool:
        _reap(self.pid)
        return _started(self.pid) == self.started

    def ask_to_stop(self) -> None:
        """Send SIGTERM, and do not wait. Like all below: does nothing if it has ended, whoever has its pid now."""
        self._signal(signal.SIGTERM, 0.0)

    def stop(self, seconds_max: float) -> None:
        """Ask it to end; after `seconds_max`, end it."""
        self._signal(signal.SIGTERM, seconds_max)
        self.kill()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._signal(signal.SIGKILL, 10.0)

    def _signal(self, number: signal.Signals, seconds_max: float) -> None:
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(self.pid)
            try:
                if self.alive():
                    signal.pidfd_send_signal(handle, number)
                    select.select([handle], [], [], seconds_max)
            finally:
                os.close(handle)
        _reap(self.pid)


def spawn(command: list[str], *, output: Path) -> Process:
    """Start a program in a session of its own, without input, its output appended to a file."""
    pid = os.posix_spawnp(
        command[0],
        command,
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(output), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    return Process(pid, _started(pid) or 0)


def _started(pid: int) -> int | None:
    """When the process with this pid started; None if there is none, or only what is left of one."""
    try:
        # The second field is the program's name in parentheses and may hold anything; fields are counted after it.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def _reap(pid: int) -> None:
    """Collect a child that has ended; others are collected by their own parents."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
