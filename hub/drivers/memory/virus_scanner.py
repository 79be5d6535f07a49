"""A virus scanner for tests and rehearsals: it knows the test file of EICAR, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterable

from hub.core.documents import Scan

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""In two parts, so that no scanner takes this file for one."""


class MemoryVirusScanner:
    """Keeps the `VirusScanner` port."""

    async def scan(self, chunks: AsyncIterable[bytes]) -> Scan:
        tail, found = b"", False
        async for chunk in chunks:
            tail += chunk
            found = found or EICAR in tail
            tail = tail[-len(EICAR) :]
        return Scan("found", "Eicar-Test-Signature") if found else Scan("clean")
