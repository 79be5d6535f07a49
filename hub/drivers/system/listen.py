"""Listening sockets, bound before anything is said of their addresses: with port 0 the system chooses one.

They are bound once for all workers of a hub, which inherit them. A socket of each worker's own for the same port
(SO_REUSEPORT) was refused: with a worker that ends, the connections that nobody accepted yet would be lost, and one
that is frozen would keep its share of them waiting.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from hub.core.errors import HubError
from hub.core.settings import Settings

BACKLOG = 1_024
LOOPBACK = "127.0.0.1"
ADMIN_SOCKET = "admin.sock"
SOCKET_PATH_BYTES_MAX = 107
"""sun_path holds 108 with its end (unix(7))."""


class Sockets(Struct, frozen=True):
    """Where a hub is reached."""

    partners: socket.socket
    operations: socket.socket
    admin: socket.socket

    def every(self) -> tuple[socket.socket, ...]:
        return self.partners, self.operations, self.admin

    def close(self) -> None:
        for each in self.every():
            each.close()


@contextmanager
def bound(settings: Settings) -> Iterator[Sockets]:
    """All of them; those of the admin socket need the directory's lock. Raises `HubError`."""
    http, admin = settings.http, Path(settings.log.directory) / ADMIN_SOCKET
    with (
        listener(http.host, http.port) as partners,
        listener(LOOPBACK, http.operations_port) as operations,
        private_listener(admin) as operators,
    ):
        yield Sockets(partners, operations, operators)


def inherited(descriptors: tuple[int, int, int]) -> Sockets:
    """Those that the process was started with."""
    return Sockets(*(socket.socket(fileno=each) for each in descriptors))


def listener(host: str, port: int) -> socket.socket:
    """Raises `HubError` where the address cannot be had."""
    try:
        return socket.create_server((host, port), backlog=BACKLOG)
    except OSError as e:
        raise HubError(f"cannot listen on {host}:{port}: {e.strerror}") from e


@contextmanager
def private_listener(path: Path) -> Iterator[socket.socket]:
    """A Unix socket to which only its owner can connect; until somebody listens nobody can. It goes with the block.

    The caller holds the lock of the directory. Raises `HubError`.
    """
    if len(str(path).encode()) > SOCKET_PATH_BYTES_MAX:
        raise HubError(f"{path} is longer than a socket's path may be ({SOCKET_PATH_BYTES_MAX} bytes): move the data")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        try:
            path.unlink(missing_ok=True)  # Left by a process that was killed; the lock says that there is no other one.
            listening.bind(str(path))
            path.chmod(0o600)
        except OSError as e:
            raise HubError(f"the socket {path} cannot be made: {e.strerror}") from e
        listening.setblocking(False)
        try:
            yield listening
        finally:
            path.unlink(missing_ok=True)


def url_of(bound: socket.socket, scheme: str = "http") -> str:
    """The URL of a bound socket."""
    host, port = bound.getsockname()[:2]
    return f"{scheme}://{host}:{port}"
