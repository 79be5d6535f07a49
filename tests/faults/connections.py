"""Bare connections to a chosen worker of a hub: the kernel tells which process took one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import orjson

from connectors.keys import read_key
from tests.faults.stage import Stage

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FORM, EVENT = "application/x-www-form-urlencoded", "application/cloudevents+json"


class Said(NamedTuple):
    status: int
    document: dict[str, Any]
    location: str


class Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @property
    def port(self) -> int:
        return int(self._writer.get_extra_info("sockname")[1])

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Said:
        self.send(method, path, body, **headers)
        return await self.hear()

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> None:
        lines = [f"{method} {path} HTTP/1.1", "Host: hub", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    async def hear(self) -> Said:
        """Raises `IncompleteReadError` and `ConnectionError` where no answer comes."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head.split("\r\n"))}
        document = orjson.loads(await self._reader.readexactly(int(headers["content-length"])))
        return Said(int(head.split(" ")[1]), document, headers.get("location", ""))

    def close(self) -> None:
        self._writer.close()


@asynccontextmanager
async def connected(on: Stage, number: int | None = None) -> AsyncIterator[Connection]:
    """A connection that this worker took, or whichever."""
    port = urlsplit(on.hub.url).port
    pid = None if number is None else (await on.hub.worker(number))["pid"]
    while True:
        connection = Connection(*await asyncio.open_connection("127.0.0.1", port))
        try:
            await connection.ask("GET", "/health/live")
            if pid is None or _holds(pid, int(port or 0), connection.port):
                yield connection
                return
        finally:
            connection.close()


def assertion(on: Stage, directory: Path, client: str) -> bytes:
    """The form that asks for a token; a second use of it is a replay."""
    key = read_key(directory / f"{client}.pem")
    signed = key.assertion(client_id=f"{client}.system", issuer=on.hub.url, now=int(time.time()))
    given = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed, "grant_type": "client_credentials"}
    return urlencode(given).encode()


async def token(on: Stage, directory: Path, client: str) -> str:
    async with connected(on) as connection:
        said = await connection.ask("POST", "/oauth/token", assertion(on, directory, client), Content_Type=FORM)
    return f"Bearer {said.document['access_token']}"


def _holds(pid: int, port: int, of: int) -> bool:
    """Whether the process has the hub's end of a connection (proc(5), /proc/net/tcp)."""
    ends = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    wanted = f":{port:04X}", f":{of:04X}"
    inode = next((end[9] for end in ends if (end[1][-5:], end[2][-5:]) == wanted), "")
    held = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            held.append(str(descriptor.readlink()))
    return f"socket:[{inode}]" in held
