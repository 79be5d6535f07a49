"""Looking names up on threads of its own: a name server that does not answer holds up nothing but who named it."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from contextvars import ContextVar
from errno import EAGAIN
from socket import AF_UNSPEC, AI_ADDRCONFIG, SOCK_STREAM, AddressFamily, getaddrinfo
from threading import Thread

from aiohttp.abc import AbstractResolver, ResolveResult

LOOK_UPS_MAX = 4
"""Under way for one asker: a look-up cannot be ended, and lasts longer than whoever waits for it."""
ASKER = ContextVar("asker", default="")
"""For whom names are looked up now, wherever a redirect leads."""

_Name = tuple[str, AddressFamily]
_Found = list[tuple[AddressFamily, int, str]]
"""Family, protocol and address."""


class OwnThreads(AbstractResolver):
    """A thread for each name under way; whoever asks for the same name waits for the same answer."""

    def __init__(self) -> None:
        self._under_way: dict[_Name, asyncio.Future[_Found]] = {}
        self._askers: Counter[str] = Counter()

    async def resolve(self, host: str, port: int = 0, family: AddressFamily = AF_UNSPEC) -> list[ResolveResult]:
        """Raises `OSError` for a name that nobody knows, and where too many of its asker's are under way."""
        name = host, family
        if name not in self._under_way:
            self._begin(name, ASKER.get())
        return [
            ResolveResult(hostname=host, host=address, port=port, family=of, proto=protocol, flags=0)
            for of, protocol, address in await asyncio.shield(self._under_way[name])
        ]

    def _begin(self, name: _Name, asker: str) -> None:
        if self._askers[asker] >= LOOK_UPS_MAX:
            raise OSError(EAGAIN, "too many names are being looked up for it")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_Found] = loop.create_future()

        def done(found: _Found | OSError | UnicodeError) -> None:
            del self._under_way[name]
            self._askers[asker] -= 1
            if isinstance(found, list):
                future.set_result(found)
            else:
                future.set_exception(found)
                future.exception()  # Whoever asked may have gone.

        def look_up() -> None:
            answer = _looked_up(*name)
            with suppress(RuntimeError):  # The hub has ended meanwhile.
                loop.call_soon_threadsafe(done, answer)

        Thread(target=look_up, name="webhook-names", daemon=True).start()
        self._under_way[name] = future
        self._askers[asker] += 1

    async def close(self) -> None:
        """Nobody waits for what is under way."""


def _looked_up(host: str, family: AddressFamily) -> _Found | OSError | UnicodeError:
    try:
        found = getaddrinfo(host, None, family, SOCK_STREAM, flags=AI_ADDRCONFIG)
    except (OSError, UnicodeError) as error:
        return error
    return [(of, protocol, str(address[0])) for of, _, protocol, _, address in found]
