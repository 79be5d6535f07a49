"""The load: a process that posts prepared events over raw sockets. Reads jobs from stdin, answers on stdout."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter, deque
from itertools import islice

import msgspec
import uvloop

from hub.lab.bench.figures import percentile
from hub.lab.bench.jobs import ANSWER_SECONDS_MAX, LoadJob, LoadResult
from hub.lab.bench.proofs import nonce_of, proofs
from hub.lab.bench.wire import SOURCES, AnswerMalformed, Answers, Prepared, address

TICK_SECONDS = 0.001
REFUSED_PAUSE_SECONDS = 0.05
"""Less than the hub asks for, so that little load is missing; more than nothing, so that refusals are not the load."""
NO_ANSWER = 0
"""In the place of a status."""


class _Item(msgspec.Struct, gc=False):
    verdict: str


class _Batch(msgspec.Struct, gc=False):
    """What the load reads of a batch's answer."""

    items: list[_Item]


_decode_batch = msgspec.json.Decoder(_Batch).decode


def accepted(status: int, body: bytes, batch: int) -> int:
    """How many of a request's events were accepted: now, not before. The bare server's 202 is all of them."""
    if batch == 1 or status == 202:
        return batch if status in (201, 202) else 0
    return sum(item.verdict == "ACCEPTED" for item in _decode_batch(body).items) if status in (200, 207) else 0


class _Connection(asyncio.Protocol):
    """One keep-alive connection, with at most one request under way; opened again where the server closes it."""

    def __init__(self, load: _Load, prepared: Prepared) -> None:
        self._load = load
        self._prepared = prepared
        self.waits = False
        self.first = 0
        """The number of the first event under way."""
        self.due = 0.0
        """Since when its answer is awaited."""

    async def open(self, host: str, port: int) -> None:
        self._answers = Answers()
        await asyncio.get_running_loop().create_connection(lambda: self, host, port)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport

    def send(self, first: int, due: float) -> None:
        self.first, self.due, self.waits = first, due, True
        self.transport.write(self._prepared.numbered(first, self._load.proof()))

    def data_received(self, data: bytes) -> None:
        try:
            for status, body in self._answers.feed(data):
                self.waits = False
                self._load.answered(self, status, body)
        except AnswerMalformed as error:
            self._load.fail(error)

    def connection_lost(self, error: Exception | None) -> None:
        self._load.lost(self)


class _Load:
    """One job."""

    def __init__(self, job: LoadJob) -> None:
        self._job = job
        self._where = address(job.url)
        self._idle: deque[_Connection] = deque()
        self._requests = self._under_way = self._accepted = 0
        self._statuses: Counter[int] = Counter()
        self._took: list[float] = []
        self._answered: list[tuple[int, float]] = []
        self._proofs: deque[str] = deque()
        self._opening: set[asyncio.Task[None]] = set()
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> LoadResult:
        job = self._job
        self._prove()
        for number in range(job.connections):
            prepared = Prepared(
                self._where[0],
                job.path,
                job.token,
                batch=job.batch,
                source=number % SOURCES,
                proof_characters=len(self._proofs[0]) if self._proofs else 0,
            )
            connection = _Connection(self, prepared)
            await connection.open(*self._where)
            self._idle.append(connection)
        connections = list(self._idle)
        self._begun, cpu = time.monotonic(), time.process_time()
        self._ends = self._begun + job.seconds
        self._tick() if job.events_per_second else self._send_all()
        try:
            async with asyncio.timeout(job.seconds + ANSWER_SECONDS_MAX):
                await self._done
        finally:
            for connection in connections:
                connection.transport.abort()
        return self._result(cpu)

    def _prove(self) -> None:
        """Make the proofs of all requests, while the nonce is new."""
        if job := self._job if self._job.proof_key else None:
            made = proofs(job.proof_key, job.url, job.path, nonce=nonce_of(job.url), token=job.token)
            self._proofs.extend(islice(made, job.events_max // job.batch))

    def proof(self) -> str:
        """For the next request; empty where the token is not bound."""
        return self._proofs.popleft() if self._proofs else ""

    def answered(self, connection: _Connection, status: int, body: bytes) -> None:
        now = time.monotonic()
        self._under_way -= 1
        self._took.append(now - connection.due)
        self._statuses[status] += 1
        self._accepted += accepted(status, body, self._job.batch)
        if self._job.events_per_second:
            self._answered.append((connection.first, now))
        if status < 400:
            self._free(connection)
        else:
            asyncio.get_running_loop().call_later(REFUSED_PAUSE_SECONDS, self._free, connection)
        self._end_if_over(now)

    def lost(self, connection: _Connection) -> None:
        """The server closed it, as after a request that it refused unread. What was under way has no answer."""
        if self._done.done():
            return
        if connection.waits:
            connection.waits = False
            self._under_way -= 1
            self._statuses[NO_ANSWER] += 1
        if connection in self._idle:
            self._idle.remove(connection)
        opening = asyncio.get_running_loop().create_task(self._open_again(connection))
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)
        self._end_if_over(time.monotonic())

    async def _open_again(self, connection: _Connection) -> None:
        await asyncio.sleep(REFUSED_PAUSE_SECONDS)
        try:
            await connection.open(*self._where)
        except OSError as error:
            self.fail(error)
        else:
            self._free(connection)

    def fail(self, error: Exception) -> None:
        if not self._done.done():
            self._done.set_exception(error)

    def _free(self, connection: _Connection) -> None:
        if connection.waits or connection in self._idle or connection.transport.is_closing():
            return  # It was opened again meanwhile, or is about to be.
        self._idle.append(connection)
        if not self._job.events_per_second:
            self._send_all()

    def _end_if_over(self, now: float) -> None:
        if not self._under_way and self._is_over(now) and not self._done.done():
            self._ended = now
            self._done.set_result(None)

    def _send_all(self) -> None:
        now = time.monotonic()
        while self._idle and not self._is_over(now):
            self._send(now)

    def _tick(self) -> None:
        """Send what is due by now. What finds no idle connection waits, and its time runs."""
        now = time.monotonic()
        interval = self._job.batch / self._job.events_per_second
        while self._idle and not self._is_over(due := self._begun + self._requests * interval) and due <= now:
            self._send(due)
        if self._is_over(now):
            self._end_if_over(now)
        else:
            asyncio.get_running_loop().call_later(TICK_SECONDS, self._tick)

    def _send(self, due: float) -> None:
        first = self._job.first + self._requests * self._job.batch
        self._requests += 1
        self._under_way += 1
        self._idle.popleft().send(first, due)

    def _is_over(self, now: float) -> bool:
        return now >= self._ends or (self._requests + 1) * self._job.batch > self._job.events_max

    def _result(self, cpu: float) -> LoadResult:
        seconds = self._ended - self._begun
        return LoadResult(
            sent=self._requests * self._job.batch,
            accepted=self._accepted,
            statuses={str(status): count for status, count in self._statuses.items()},
            seconds=seconds,
            begun=self._begun,
            load=(time.process_time() - cpu) / seconds,
            p50_ms=percentile(self._took, 0.5) * 1e3,
            p99_ms=percentile(self._took, 0.99) * 1e3,
            answered=self._answered,
        )


async def run_load(job: LoadJob) -> LoadResult:
    return await _Load(job).run()


def main() -> None:
    """One job a line, one result a line, until stdin ends."""
    for line in sys.stdin.buffer:
        result = uvloop.run(run_load(msgspec.json.decode(line, type=LoadJob)))
        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
