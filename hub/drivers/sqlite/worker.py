"""One thread that owns one connection and takes all jobs that wait at once.

SQLite calls block, and CPython hands the interpreter over at each of them; so a connection lives on a thread of its
own, jobs reach it through a queue, and all results of one round go back to the event loop in one call.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from hub.core.errors import HubError, StorageUnavailable
from hub.drivers.sqlite.database import leaves_connection_sound, port_error

Job = TypeVar("Job")
T = TypeVar("T")
Call = Callable[[sqlite3.Connection], Any]


class Worker(Generic[Job]):
    """Runs `work(connection, jobs)`, which returns the result, or the exception, of each job in order.

    `settled`, if given, hears of jobs and results on the event loop before their waiters do.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], sqlite3.Connection],
        work: Callable[[sqlite3.Connection, Sequence[Job]], Sequence[Any]],
        settled: Callable[[Sequence[Job], Sequence[Any]], None] | None = None,
    ) -> None:
        self._connect = connect
        self._work = work
        self._settled = settled
        self._queue: SimpleQueue[tuple[Job, asyncio.Future[Any]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._connection: sqlite3.Connection | None = None
        self._open = False

    async def start(self) -> None:
        """Open the connection, then start the thread. `connect` raises the port's errors, here and later."""
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._connection = self._connect()
        self._thread.start()
        self._open = True

    async def stop(self) -> None:
        """Finish what is queued, close the connection, end the thread. Does nothing if it never started."""
        if not self._open:
            return
        self._open = False
        self._queue.put(None)
        await asyncio.shield(self._ended)
        self._thread.join()

    @property
    def is_open(self) -> bool:
        return self._open

    def submit(self, job: Job) -> asyncio.Future[Any]:
        """Queue a job. A caller who cancels the future does not cancel the job. Raises StorageUnavailable if closed."""
        if not self._open:
            raise StorageUnavailable("the storage is closed")
        future: asyncio.Future[Any] = self._loop.create_future()
        self._queue.put((job, future))
        return future

    # For `work`, on the thread.

    def tell(self, hear: Callable[[T], None], news: T) -> None:
        """Have the event loop hear something before the results of this round."""
        self._loop.call_soon_threadsafe(hear, news)

    def execute(self, connection: sqlite3.Connection, call: Call) -> Any:
        """The result, or the exception as the port's, of one function of the connection."""
        try:
            return call(connection)
        except HubError as error:
            return error
        except sqlite3.Error as error:
            if not leaves_connection_sound(error):
                self.abandon()
            return port_error(error)

    def abandon(self) -> None:
        """The connection can no longer be trusted: the next round opens another."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            waiting = [first, *self._drain()]
            jobs = [job for job, _ in waiting]
            self._loop.call_soon_threadsafe(self._settle, jobs, [future for _, future in waiting], self._round(jobs))
        self.abandon()
        self._loop.call_soon_threadsafe(self._ended.set_result, None)

    def _drain(self) -> Iterator[tuple[Job, asyncio.Future[Any]]]:
        """What else waits now. The end mark goes back into the queue: it is the last thing ever put there."""
        while True:
            try:
                item = self._queue.get_nowait()
            except Empty:
                return
            if item is None:
                self._queue.put(None)
                return
            yield item

    def _round(self, jobs: Sequence[Job]) -> Sequence[Any]:
        try:
            if self._connection is None:
                self._connection = self._connect()
            return self._work(self._connection, jobs)
        except Exception as error:  # noqa: BLE001 (a thread that ended would leave its callers waiting)
            self.abandon()
            return [error] * len(jobs)

    def _settle(self, jobs: Sequence[Job], futures: Sequence[asyncio.Future[Any]], results: Sequence[Any]) -> None:
        if self._settled is not None:
            self._settled(jobs, results)
        for future, result in zip(futures, results, strict=True):
            if future.done():
                continue
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)


class CallWorker(Worker[Call]):
    """A worker whose jobs are functions of the connection, each with a result of its own."""

    def __init__(self, name: str, connect: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(name, connect, self._call_each)

    async def call(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run `job` on the thread. Raises what it raises, SQLite's errors as the port's."""
        result: T = await self.submit(job)
        return result

    def _call_each(self, connection: sqlite3.Connection, calls: Sequence[Call]) -> Sequence[Any]:
        return [self.execute(connection, call) for call in calls]


class OnWorkers:
    """What some workers of its own do all of. Enter it to open the file; one process may have it open."""

    def __init__(self, *workers: Worker[Any]) -> None:
        self._workers = workers

    async def __aenter__(self) -> Self:
        """Open the file. Raises StorageUnavailable, StorageFull, and HubError for a newer layout."""
        async with AsyncExitStack() as undo:
            for worker in self._workers:
                await worker.start()
                undo.push_async_callback(worker.stop)
            await self._begin()
            undo.pop_all()
        return self

    async def _begin(self) -> None:
        """What is to be done before anything else; if it fails, nothing is open."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish what is queued, end the threads."""
        for worker in self._workers:
            await worker.stop()


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All statements inside, or none. SQLite ends the transaction by itself at some errors."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
