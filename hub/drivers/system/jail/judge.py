"""The judge of documents: hands each to a warden as a sealed memory file, so that it never touches a disk."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import platform
import socket
import subprocess
import sys
from collections.abc import AsyncIterable
from contextlib import suppress
from types import TracebackType

import msgspec

from hub.core.documents import PDFCode, PDFFinding, PDFReport
from hub.drivers.system.jail.warden import OVERRUN, REPORT_BYTES_MAX, REPORTED

_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from hub.drivers.system.jail.warden import main; main()"
)
_GRACE_SECONDS = 5.0
"""For a warden that has just been started, or waits for its turn on a busy machine."""
_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def available() -> bool:
    """Whether this machine has what the jail is made of."""
    return sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64")


class JailedDocumentJudge:
    """Keeps the `DocumentJudge` port. As many documents are judged at once as there are wardens; others wait.

    Where there is no jail, every answer is `PDF_NOT_EXAMINED`: nothing is ever examined outside of one.
    """

    def __init__(
        self,
        *,
        wardens: int = 2,
        seconds_max: float = 1.0,
        memory_bytes_max: int = 67_108_864,
        document_bytes_max: int = 10_485_760,
    ) -> None:
        self._limits = (str(memory_bytes_max), str(seconds_max))
        self._wait_seconds = seconds_max + _GRACE_SECONDS
        self._document_bytes_max = document_bytes_max
        self._wardens = wardens if available() else 0
        self._idle: asyncio.LifoQueue[_Warden | None] = asyncio.LifoQueue()

    async def __aenter__(self) -> JailedDocumentJudge:
        for _ in range(self._wardens):
            self._idle.put_nowait(_Warden(self._limits))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while not self._idle.empty():
            if (warden := self._idle.get_nowait()) is not None:
                warden.end()

    async def judge(self, chunks: AsyncIterable[bytes]) -> PDFReport:
        if not self._wardens:
            return _without("PDF_NOT_EXAMINED", "no jail on this machine")
        warden, healthy = await self._idle.get(), False
        try:
            document = os.memfd_create("document", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            try:
                if not await self._filled(document, chunks):
                    healthy = True
                    return _without("PDF_NOT_EXAMINED", f"more than {self._document_bytes_max} bytes")
                warden = warden or _Warden(self._limits)
                async with asyncio.timeout(self._wait_seconds):
                    answer = await warden.asked(document)
            finally:
                os.close(document)
            healthy = bool(answer)
            return _understood(answer)
        except (TimeoutError, OSError) as e:
            return _without("PDF_NOT_EXAMINED", type(e).__name__)
        finally:
            # A warden that still owes an answer would give it to the next document.
            if not healthy and warden is not None:
                warden.end()
            self._idle.put_nowait(warden if healthy else None)

    async def _filled(self, document: int, chunks: AsyncIterable[bytes]) -> bool:
        """Whether all chunks went into the memory file, which nobody can change from then on."""
        size = 0
        async for chunk in chunks:
            size += len(chunk)
            if size > self._document_bytes_max:
                return False
            with memoryview(chunk) as rest:
                while rest:
                    rest = rest[os.write(document, rest) :]
        fcntl.fcntl(document, fcntl.F_ADD_SEALS, _SEALS)
        return True


class _Warden:
    """A warden's process, and the socket to it."""

    def __init__(self, limits: tuple[str, ...]) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setblocking(False)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _BOOT, json.dumps(sys.path), str(theirs.fileno()), *limits],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                cwd="/",
                env={},
                start_new_session=True,
            )

    async def asked(self, document: int) -> bytes:
        """The warden's answer; nothing if it is gone."""
        socket.send_fds(self._socket, [b"?"], [document])
        return await asyncio.get_running_loop().sock_recv(self._socket, REPORT_BYTES_MAX + 1)

    def end(self) -> None:
        self._socket.close()
        with suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()


def _understood(answer: bytes) -> PDFReport:
    """The report, if it is one: what a child says that has looked at hostile bytes is not trusted in its form."""
    word, report = answer[:1], answer[1:]
    if word == OVERRUN:
        return _without("PDF_BOMB", "beyond the time or memory of an examination")
    if word == REPORTED:
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(report, type=PDFReport)
    return _without("PDF_NOT_EXAMINED", "the examination ended without a report")


def _without(code: PDFCode, found: str) -> PDFReport:
    return PDFReport(findings=(PDFFinding(code, "", found),))
