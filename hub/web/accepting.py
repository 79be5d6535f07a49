"""Taking connections from sockets on which several processes listen.

The kernel tells every process of a new connection, and asyncio as well as libuv take all that wait, once they look: of
fifty partners that connected at once, one worker got fifty. Here a process takes one, and then does what else it has
to do: whoever has more to do takes fewer. Where others listen as well it leaves them a moment, in which they wake up.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import Any

BACKLOG = 1_024
MOMENT_SECONDS = 0.001
PAUSE_SECONDS = 1.0
"""Where a connection cannot be taken for want of descriptors or memory."""


@asynccontextmanager
async def accepting(
    make_protocol: Callable[[], asyncio.Protocol],
    sockets: Iterable[socket.socket],
    tls: SSLContext | None,
    *,
    shared: bool,
) -> AsyncIterator[None]:
    """Each connection gets a protocol; on exit the sockets are closed, connections stay."""
    door = _Door(make_protocol, tls, MOMENT_SECONDS if shared else 0.0)
    listeners = list(sockets)
    for each in listeners:
        each.setblocking(False)
        each.listen(BACKLOG)
        door.watch(each)
    try:
        yield
    finally:
        for each in listeners:
            door.close(each)


class _Door:
    def __init__(self, make_protocol: Callable[[], asyncio.Protocol], tls: SSLContext | None, moment: float) -> None:
        self._make_protocol = make_protocol
        self._tls = tls
        self._moment = moment
        self._loop = asyncio.get_running_loop()
        self._begun: set[asyncio.Task[Any]] = set()
        """Connections that are not a protocol's yet: TLS takes a while."""

    def watch(self, listener: socket.socket) -> None:
        if listener.fileno() >= 0:
            self._loop.add_reader(listener, self._accept, listener)

    def close(self, listener: socket.socket) -> None:
        self._loop.remove_reader(listener)
        listener.close()
        for task in self._begun:
            task.cancel()

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # Another process was quicker, or the partner thought better of it.
        except OSError:
            self._rest(listener, PAUSE_SECONDS)
            return
        if self._moment:
            self._rest(listener, self._moment)
        connection.setblocking(False)
        taken = self._loop.connect_accepted_socket(self._make_protocol, connection, ssl=self._tls)
        task = self._loop.create_task(taken)
        self._begun.add(task)
        task.add_done_callback(self._ended)

    def _rest(self, listener: socket.socket, seconds: float) -> None:
        self._loop.remove_reader(listener)
        self._loop.call_later(seconds, self.watch, listener)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._begun.discard(task)
        if not task.cancelled():
            task.exception()  # Of strangers many come no further than the handshake: that is no news.
