"""Looking names up on threads of its own: a name server that does not answer holds up nothing else of the hub."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from socket import AF_UNSPEC, AI_ADDRCONFIG, SOCK_STREAM, AddressFamily, getaddrinfo

from aiohttp.abc import AbstractResolver, ResolveResult

THREADS = 4


class OwnThreads(AbstractResolver):
    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="webhook-names")

    async def resolve(self, host: str, port: int = 0, family: AddressFamily = AF_UNSPEC) -> list[ResolveResult]:
        """Raises `OSError` for a name that nobody knows."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._threads, lambda: getaddrinfo(host, port, family, SOCK_STREAM, flags=AI_ADDRCONFIG)
        )
        return [
            ResolveResult(hostname=host, host=str(address[0]), port=port, family=family, proto=protocol, flags=0)
            for family, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
