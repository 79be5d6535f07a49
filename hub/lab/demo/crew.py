"""The processes of the companies and the engines: started with what they need, followed, and ended together."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from hub.lab.demo.cast import GRACE_SECONDS, KNOWN_CONSIGNORS, PORT_RISK
from hub.lab.demo.child import Child
from hub.lab.demo.company import Company
from hub.lab.demo.tally import Tally
from hub.lab.world import Client

BOOT_SECONDS = 1.0
"""What a new process needs until it can send; the one before it goes on meanwhile."""


class Crew:
    """Everybody's processes, each with a directory of its own under `home`. Leaving the block ends them all.

    A process that ends by itself ends the block: `ChildEnded`, in the group of its tasks.
    """

    def __init__(self, url: str, home: Path, clients: Mapping[str, Client], *, tally: Tally) -> None:
        self._url, self._home, self._clients, self._tally = url, home, clients, tally
        self._children: list[Child] = []
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(child.end() for child in self._children))
        await self._tasks.__aexit__(kind, error, trace)

    async def start_engine(self, id: str) -> None:  # noqa: A002
        """The reference risk engine on the feed of its name. The risk centre has the hub push, the other one pulls."""
        home = self._home_of(id)
        known = home / "known-consignors"
        known.write_text("\n".join(KNOWN_CONSIGNORS))
        options = ["--grace-seconds", str(GRACE_SECONDS[id]), "--known", str(known), "--json"]
        options += ["--stream"] if id == PORT_RISK.id else []
        child = await self._start(id, ["engine", id, *self._access(id, self._clients[id].key_pem), *options])
        self._tasks.create_task(self._follow_engine(id, child))

    async def start_company(self, company: Company) -> None:
        company.employ(await self._start_push(company, self._clients[company.id].key_pem))

    async def succeed(self, company: Company, key_pem: bytes) -> None:
        """Let a company go on with a new process under another key: the old one answers all that it was given."""
        successor = await self._start_push(company, key_pem)
        await asyncio.sleep(BOOT_SECONDS)
        await company.close()
        company.employ(successor)

    async def _start_push(self, company: Company, key_pem: bytes) -> Child:
        receipts = ["--receipts", str(self._home_of(company.id) / "receipts")]
        access = self._access(company.id, key_pem)
        child = await self._start(company.id, ["push", "-", "--follow", "--json", *access, *receipts])
        self._tasks.create_task(company.follow(child))
        return child

    async def _follow_engine(self, id: str, child: Child) -> None:  # noqa: A002
        async for told in child.lines():
            self._tally.delivered(id, told)

    async def _start(self, id: str, arguments: list[str]) -> Child:  # noqa: A002
        child = await Child.start(id, arguments, errors=self._home_of(id) / "errors.log")
        self._children.append(child)
        return child

    def _access(self, id: str, key_pem: bytes) -> list[str]:  # noqa: A002
        """The options with which a system reaches the hub; its key is written to a file for its user alone."""
        home = self._home_of(id)
        key = home / f"key-{len(list(home.glob('key-*'))) + 1}.pem"
        with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key_pem)
        return ["--hub", self._url, "--client", self._clients[id].id, "--key", str(key)]

    def _home_of(self, id: str) -> Path:  # noqa: A002
        home = self._home / id
        home.mkdir(parents=True, exist_ok=True)
        return home
