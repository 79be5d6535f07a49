"""What the workers of a hub tell each other: how each does, and what it counted.

Each serves that on a Unix socket of its own in the data directory, which only the hub's user can enter, and asks the
others there when it is asked itself: so it does not matter which of them a probe or an operator reaches. One that does
not answer in time is what is lacking.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from aiohttp import ClientError, ClientSession, UnixConnector, web

from hub.core.exposition import merged
from hub.core.settings import HTTPSettings
from hub.core.worker import Worker
from hub.ports.observer import Observer
from hub.ports.system import Clock, Entropy
from hub.web.edge import Edge, Handler, answer, listening
from hub.web.routes import Route, Router

ANSWER_SECONDS_MAX = 1.5
"""Beyond what a worker gives its own storage to answer (`hub.PROBE_SECONDS_MAX`)."""
BOUNDS = HTTPSettings(requests_in_flight_max=64)
ROUTES = (
    Route(method="GET", path="/state", name="state", answers=(200,), summary="How this worker does."),
    Route(method="GET", path="/metrics", name="metrics", answers=(200,), summary="What this worker counted."),
)

State = Mapping[str, Any]
"""`worker`, `lacking`, and whatever else a worker tells of itself."""


def socket_of(directory: Path, worker: int) -> Path:
    return directory / f"worker-{worker}.sock"


class Siblings:
    """All workers of a hub, as one of them sees them; alone, it sees itself."""

    def __init__(
        self,
        directory: Path,
        worker: Worker,
        *,
        state: Callable[[], Awaitable[State]],
        exposition: Callable[[], bytes],
        clock: Clock,
    ) -> None:
        self._sockets = {number: socket_of(directory, number) for number in range(worker.of) if number != worker.number}
        self._worker = worker
        self._state = state
        self._exposition = exposition
        self._clock = clock

    async def states(self) -> list[State]:
        """One a worker, in their order."""
        own, *others = await asyncio.gather(self._state(), *map(self._state_of, self._sockets))
        return sorted([own, *others], key=lambda state: int(state["worker"]))

    async def lacking(self) -> Mapping[str, str]:
        """What any of them cannot do now, by name; of another, its number stands for that."""
        lacking: dict[str, str] = {}
        for state in await self.states():
            if state["worker"] == self._worker.number:
                lacking |= state["lacking"]
            elif state["lacking"]:
                lacking[f"worker {state['worker']}"] = "; ".join(f"{n}: {why}" for n, why in state["lacking"].items())
        return lacking

    async def exposition(self) -> bytes:
        """What all of them counted; what one that does not answer counted is missing."""
        if self._worker.is_alone:
            return self._exposition()
        others = await asyncio.gather(*(self._ask(number, "/metrics") for number in self._sockets))
        found = {self._worker.number: self._exposition(), **dict(zip(self._sockets, others, strict=True))}
        return merged({number: found[number].decode() for number in sorted(found) if found[number]}).encode()

    async def _state_of(self, number: int) -> State:
        said = await self._ask(number, "/state")
        state: State = orjson.loads(said) if said else {"worker": number, "lacking": {"answer": "none"}}
        return state

    async def _ask(self, number: int, path: str) -> bytes:
        """Empty: it did not answer."""
        try:
            async with (
                self._clock.deadline(ANSWER_SECONDS_MAX),
                ClientSession(connector=UnixConnector(str(self._sockets[number]))) as session,
                session.get(f"http://worker{path}") as response,
            ):
                return await response.read() if response.status == 200 else b""
        except (ClientError, TimeoutError):
            return b""

    @asynccontextmanager
    async def listening(self, socket: Any, *, entropy: Entropy, observer: Observer) -> AsyncIterator[None]:
        """Answer the others on a bound socket."""
        handlers: dict[str, Handler] = {"state": self._answer_state, "metrics": self._answer_metrics}
        edge = Edge(
            handlers, router=Router(ROUTES), bounds=BOUNDS, clock=self._clock, entropy=entropy, observer=observer
        )
        async with listening(edge, bounds=BOUNDS, sockets=[socket]):
            yield

    async def _answer_state(self, _: web.BaseRequest, __: Mapping[str, str]) -> web.StreamResponse:
        return answer(await self._state())

    async def _answer_metrics(self, _: web.BaseRequest, __: Mapping[str, str]) -> web.StreamResponse:
        return web.Response(body=self._exposition())
