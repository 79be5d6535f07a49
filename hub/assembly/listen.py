"""Listening sockets, bound before anything is said of their address: with port 0 the system chooses one."""

from __future__ import annotations

import socket

from hub.core.errors import HubError

BACKLOG = 1_024
LOOPBACK = "127.0.0.1"


def listener(host: str, port: int) -> socket.socket:
    """Raises `HubError` where the address cannot be had."""
    try:
        return socket.create_server((host, port), backlog=BACKLOG)
    except OSError as e:
        raise HubError(f"cannot listen on {host}:{port}: {e.strerror}") from e


def url_of(bound: socket.socket, scheme: str = "http") -> str:
    """The URL of a bound socket."""
    host, port = bound.getsockname()[:2]
    return f"{scheme}://{host}:{port}"
