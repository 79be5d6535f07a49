"""Who used which credential last: kept in memory at each request, and written down every few seconds beside the way."""

from __future__ import annotations

from hub.core.errors import HubError
from hub.ports.last_use import LastUse, Use
from hub.ports.observer import Observer
from hub.ports.system import Clock

WRITE_SECONDS = 5.0
FORGET_SECONDS = 3_600.0
AGENT_CHARACTERS_MAX = 200
CREDENTIALS_MAX = 50_000
"""In the book between two writings; what comes beyond is noted at its next use."""


class UseBook:
    """What this worker saw since it wrote last."""

    def __init__(self, store: LastUse, *, clock: Clock, observer: Observer, retention_seconds: int) -> None:
        """`retention_seconds`: how long it is kept from where a credential was used."""
        self._store = store
        self._clock = clock
        self._observer = observer
        self._retention_seconds = retention_seconds
        self._seen: dict[str, tuple[int, str, str]] = {}

    def note(self, credential: str, address: str, agent: str) -> None:
        """At every request: a place in a dictionary, and nothing else."""
        if credential in self._seen or len(self._seen) < CREDENTIALS_MAX:
            self._seen[credential] = self._clock.now_us() // 1_000_000, address, agent

    async def run(self) -> None:
        """Write until cancelled, and once more then."""
        forgotten = self._clock.monotonic() - FORGET_SECONDS
        try:
            while True:
                await self._clock.sleep(WRITE_SECONDS)
                await self.write()
                if self._clock.monotonic() - forgotten >= FORGET_SECONDS:
                    forgotten = self._clock.monotonic()
                    await self._forget()
        finally:
            await self.write()

    async def write(self) -> None:
        """Write down what was seen. What cannot be written now is seen again, or written the next time."""
        seen, self._seen = self._seen, {}
        uses = [
            Use(name, time, address, _printable(agent[:AGENT_CHARACTERS_MAX]))
            for name, (time, address, agent) in seen.items()
        ]
        try:
            if uses:
                await self._store.note(uses)
        except HubError as error:
            self._observer.event("last_use.not_written", error=type(error).__name__)
            self._seen = {**seen, **self._seen}

    async def _forget(self) -> None:
        try:
            await self._store.forget(self._clock.now_us() // 1_000_000 - self._retention_seconds)
        except HubError as error:
            self._observer.event("last_use.not_forgotten", error=type(error).__name__)


def _printable(text: str) -> str:
    """As it may be shown on a terminal, and stored by every ground."""
    return "".join(each if each.isprintable() else "?" for each in text)
