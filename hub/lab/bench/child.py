"""Processes of a benchmark: those that answer job lines, and servers whose CPU time and memory are measured."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
import orjson
from msgspec import Struct

from hub.core.errors import HubError

T = TypeVar("T")

START_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 15.0
SETTLE_SECONDS_MAX = 30.0
SETTLE_STEP_SECONDS = 0.1
IDLE_LOAD_MAX = 0.15
"""A server that uses no more of a core than this does nothing but look around."""
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


class BenchFailed(HubError):
    """The benchmark cannot go on; the text says which process ended, and its last words."""


class Child:
    """A module of this package in a process of its own, that answers one line for each line."""

    def __init__(self, process: subprocess.Popen[bytes], name: str, words: Path) -> None:
        self._process = process
        self._name = name
        self._words = words

    def say(self, message: Struct | int) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(msgspec.json.encode(message) + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self._failed("ended") from error

    def hear(self, shape: type[T], seconds_max: float) -> T:
        """The next line. Raises `BenchFailed` if the process ends, or says nothing in time."""
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], seconds_max)[0]:
            raise self._failed(f"said nothing for {seconds_max:.0f} s")
        line = self._process.stdout.readline()
        if not line:
            raise self._failed("ended")
        return msgspec.json.decode(line, type=shape)

    def ask(self, job: Struct, shape: type[T], seconds_max: float) -> T:
        self.say(job)
        return self.hear(shape, seconds_max)

    def _failed(self, what: str) -> BenchFailed:
        return BenchFailed(f"the {self._name} process {what}:\n{_last_words(self._words)}")


@contextmanager
def child(name: str, directory: Path) -> Iterator[Child]:
    """`hub.lab.bench.<name>` for the length of a block; what it complains of goes to a file in `directory`."""
    words = directory / f"{name}.err"
    with (
        words.open("wb") as output,
        _ended_at_last(
            subprocess.Popen(
                [sys.executable, "-m", f"hub.lab.bench.{name}"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
            )
        ) as process,
    ):
        yield Child(process, name, words)


class Server:
    """A server in a process of its own."""

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self.pid = pid

    def cpu_seconds(self) -> float:
        """CPU time used so far, in user and in kernel mode (proc(5), /proc/pid/stat, fields 14 and 15)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND

    def peak_bytes(self) -> int:
        return peak_bytes_of(self.pid)

    def settle(self) -> None:
        """Wait until it has nothing left to do: what it still did belongs to the load before."""
        ends = time.monotonic() + SETTLE_SECONDS_MAX
        while time.monotonic() < ends:
            before = self.cpu_seconds()
            time.sleep(SETTLE_STEP_SECONDS)
            if self.cpu_seconds() - before <= IDLE_LOAD_MAX * SETTLE_STEP_SECONDS:
                return


@contextmanager
def server(
    name: str, command: Sequence[str], directory: Path, environ: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """A server for the length of a block. It says where it serves as the hub does, in a line on its standard error.

    `environ`: None is this process's own. Raises `BenchFailed` if it does not serve.
    """
    words = directory / f"{name}.err"
    with (
        words.open("wb") as output,
        _ended_at_last(
            subprocess.Popen(
                [sys.executable, *command],
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        ) as process,
    ):
        ends = time.monotonic() + START_SECONDS_MAX
        while (url := _url_in(words)) is None:
            if process.poll() is not None or time.monotonic() > ends:
                raise BenchFailed(f"{name} does not serve:\n{_last_words(words)}")
            time.sleep(0.02)
        yield Server(url, process.pid)


@contextmanager
def _ended_at_last(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Ask it to end, and after a while end it."""
    try:
        yield process
    finally:
        if process.stdin is not None:
            process.stdin.close()
        process.terminate()
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _url_in(words: Path) -> str | None:
    for line in words.read_bytes().splitlines():
        if line.startswith(b"{") and line.endswith(b"}"):
            said = orjson.loads(line)
            if said.get("event") == "serving":
                return str(said["url"])
    return None


def _last_words(words: Path) -> str:
    return "\n".join(words.read_text(errors="replace").splitlines()[-15:])


def peak_bytes_of(pid: int | Literal["self"]) -> int:
    """The most memory that a process ever had resident (VmHWM; `ru_maxrss` would remember the process it came from)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1_024
    raise BenchFailed("the kernel does not tell a process's peak memory")
