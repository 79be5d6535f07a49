"""What is kept of a request while it is under way, from the edge to its handler and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from aiohttp import web

from hub.web.route import Route


class Charge(Protocol):
    """What a request under way holds of its sender's quota, and what its answer says of it."""

    def headers(self) -> Mapping[str, str]: ...

    def pause(self) -> float:
        """For how many seconds the connection is not read, once the request was refused."""

    def end(self, bytes_received: int) -> None: ...


ROUTE = web.RequestKey("route", Route)
CHARGE = web.RequestKey("charge", Charge)
"""From when its sender is known."""
PAUSE = web.RequestKey("pause", float)
"""For how many seconds its connection is not read, once it is answered."""
