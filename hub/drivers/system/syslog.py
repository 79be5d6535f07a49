"""Syslog over TLS (RFC 5425), TCP (octet counting, RFC 6587 §3.4.1), UDP (RFC 5426), or a Unix socket."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from hub.core.errors import HubError
from hub.drivers.system import private_files
from hub.ports.audit_sink import Place, SinkUnavailable
from hub.ports.system import Clock

SEND_SECONDS_MAX = 5.0
_ADDRESS = re.compile(r"unix:(?P<path>/.+)|(?P<way>udp|tcp|tls):(?P<host>[^:\[]+|\[[^]]+\]):(?P<port>[0-9]{1,5})")


class Syslog:
    """Keeps the `AuditSink` port. `address`: `tls:host:6514`, `udp:host:514`, `tcp:host:601`, `unix:/dev/log`, or
    ValueError."""

    def __init__(self, address: str, clock: Clock, *, ca_file: str = "") -> None:
        """`ca_file`: the authorities that the certificate of a collector over TLS is from; empty: the machine's."""
        found = _ADDRESS.fullmatch(address)
        if found is None:
            raise ValueError(f"not the address of a syslog collector: {address}")
        self._path, self._way, host, port = found.group("path", "way", "host", "port")
        self._host, self._port = (host or "").strip("[]"), int(port or 0)
        self._ca_file = ca_file
        self._clock = clock
        self._datagrams: socket.socket | None = None
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, messages: Sequence[bytes]) -> None:
        try:
            async with self._clock.deadline(SEND_SECONDS_MAX):
                await self._send(messages)
        except TimeoutError as error:
            await self.close()
            raise SinkUnavailable("the collector takes nothing") from error
        except OSError as error:
            await self.close()
            raise SinkUnavailable(f"the collector cannot be reached: {error.strerror or error}") from error

    async def close(self) -> None:
        if self._datagrams is not None:
            self._datagrams.close()
        if self._stream is not None:
            self._stream[1].close()
            with suppress(OSError):
                await self._stream[1].wait_closed()
        self._datagrams = self._stream = None

    async def _send(self, messages: Sequence[bytes]) -> None:
        if self._datagrams is None and self._stream is None:
            await self._connect()
        if self._datagrams is not None:
            loop = asyncio.get_running_loop()
            for each in messages:
                await loop.sock_sendall(self._datagrams, each)
            return
        assert self._stream is not None
        reader, writer = self._stream
        if reader.at_eof():
            raise ConnectionResetError("it has hung up")
        writer.writelines(b"%d %b" % (len(each), each) for each in messages)
        await writer.drain()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        if self._way in ("tcp", "tls"):
            context = ssl.create_default_context(cafile=self._ca_file or None) if self._way == "tls" else None
            self._stream = await asyncio.open_connection(self._host, self._port, ssl=context)
        elif self._path:
            with suppress(OSError):  # A collector of datagrams refuses a stream, with EPROTOTYPE.
                self._stream = await asyncio.open_unix_connection(self._path)
                return
            self._datagrams = await _datagrams(loop, socket.AF_UNIX, self._path)
        else:
            [(family, *_, address), *_] = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)
            self._datagrams = await _datagrams(loop, family, address)


async def _datagrams(
    loop: asyncio.AbstractEventLoop, family: socket.AddressFamily | int, address: object
) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_DGRAM)
    connection.setblocking(False)
    try:
        await loop.sock_connect(connection, address)  # type: ignore[arg-type]
    except OSError:
        connection.close()
        raise
    return connection


class FilePlace:
    """Keeps the `AuditPlace` port in a file of the data directory."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def load(self) -> Place:
        try:
            return msgspec.json.decode(private_files.read(self._file), type=Place)
        except FileNotFoundError:
            return Place()
        except (OSError, msgspec.DecodeError) as error:
            raise HubError(f"{self._file} cannot be read: {error}") from error

    def store(self, place: Place) -> None:
        try:
            private_files.write(self._file, msgspec.json.encode(place))
        except OSError as error:
            raise HubError(f"{self._file} cannot be written: {error.strerror}") from error
