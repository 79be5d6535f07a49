"""A reader in a risk engine's place: pulls a feed over one connection. Reads jobs from stdin, answers on stdout."""

from __future__ import annotations

import select
import socket
import sys
import time

import msgspec
import orjson

from hub.lab.bench.jobs import ANSWER_SECONDS_MAX, PullJob, PullResult
from hub.lab.bench.wire import Answers, address

PAGE_RECORDS = 1_000
WAIT_SECONDS = 1
RECEIVE_BYTES = 262_144
READY = b"{}\n"


class _Reader:
    """One job."""

    def __init__(self, job: PullJob) -> None:
        self._job = job
        host, port = address(job.url)
        self._socket = socket.create_connection((host, port), timeout=WAIT_SECONDS + ANSWER_SECONDS_MAX)
        self._head = f" HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {job.token}\r\n\r\n"
        self._answers = Answers()
        self._cursor = job.cursor
        self._numbers: list[int] = []
        self._arrived: list[tuple[int, float]] = []
        self._last = 0.0

    def run(self) -> PullResult:
        """Say that the reader is there once the first page has come; end when all is there, or the time is up."""
        ends, cpu, begun = time.monotonic() + self._job.seconds_max, time.process_time(), time.monotonic()
        self._page(wait=0)
        _say(READY)
        expected: int | None = None
        while (expected is None or len(self._numbers) < expected) and time.monotonic() < ends:
            self._page(wait=WAIT_SECONDS)
            if expected is None and select.select([sys.stdin.buffer], [], [], 0)[0]:
                expected = int(sys.stdin.buffer.readline())
        self._socket.close()
        return PullResult(
            pulled=len(self._numbers),
            distinct=len(set(self._numbers)),
            last=self._last,
            cursor=self._cursor or "",
            load=(time.process_time() - cpu) / (time.monotonic() - begun),
            arrived=self._arrived,
        )

    def _page(self, *, wait: int) -> None:
        cursor = f"&cursor={self._cursor}" if self._cursor else ""
        path = f"/v1/feeds/{self._job.feed}/records?limit={PAGE_RECORDS}&wait={wait}{cursor}"
        self._socket.sendall(f"GET {path}{self._head}".encode())
        answers: list[tuple[int, bytes]] = []
        while not answers:
            received = self._socket.recv(RECEIVE_BYTES)
            if not received:
                raise ConnectionError("the hub closed the connection")
            answers = self._answers.feed(received)
        [(status, body)] = answers
        if status != 200:
            raise ConnectionError(f"the hub answered {status}: {body[:200]!r}")
        now = time.monotonic()
        page = orjson.loads(body)
        self._cursor = page["next"]
        numbers = [number for record in page["items"] if (number := int(record["id"])) >= self._job.first]
        self._numbers += numbers
        if numbers:
            self._last = now
        if self._job.note_times:
            self._arrived += [(number, now) for number in numbers]


def _say(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def main() -> None:
    """For each job line: a line when reading has begun, then (after a line with the count to expect) the result."""
    while line := sys.stdin.buffer.readline():
        _say(msgspec.json.encode(_Reader(msgspec.json.decode(line, type=PullJob)).run()) + b"\n")


if __name__ == "__main__":
    main()
