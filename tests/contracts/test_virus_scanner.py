"""What every virus scanner promises, and how the one that asks clamd takes what a daemon may do to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.core.documents import Scan
from hub.drivers.clamd.scanner import ClamdScanner
from hub.drivers.memory.virus_scanner import EICAR, MemoryVirusScanner
from hub.ports.document_judge import VirusScanner
from tests.clock import ManualClock
from tests.contracts.clamd_daemon import Daemon, running


class Cut(ConnectionError):
    """A sender that goes away."""


async def chunks(*content: bytes, cut: bool = False) -> AsyncIterator[bytes]:
    for chunk in content:
        yield chunk
    if cut:
        raise Cut


@pytest.fixture(params=["unix", "tcp"])
async def daemon(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Daemon]:
    async with running(tmp_path, over=request.param) as daemon:
        yield daemon


@pytest.fixture(params=["memory", "clamd"])
def scanner(request: pytest.FixtureRequest, daemon: Daemon) -> VirusScanner:
    return MemoryVirusScanner() if request.param == "memory" else ClamdScanner(daemon.address, ManualClock())


@pytest.mark.parametrize("sent", [(), (b"",), (b"one", b"", b"two"), (b"x" * 300_000,) * 3])
async def test_a_document_without_malware_is_clean(scanner: VirusScanner, sent: tuple[bytes, ...]) -> None:
    assert await scanner.scan(chunks(*sent)) == Scan("clean")


async def test_malware_is_found_wherever_a_chunk_ends(scanner: VirusScanner) -> None:
    document = b"a" * 70_000 + EICAR + b"z"

    for size in (7, 70_010, 200_000):
        parts = [document[at : at + size] for at in range(0, len(document), size)]
        assert await scanner.scan(chunks(*parts)) == Scan("found", "Eicar-Test-Signature")


async def test_a_sender_that_goes_away_takes_nobody_with_it(scanner: VirusScanner) -> None:
    with pytest.raises(Cut):
        await scanner.scan(chunks(b"x", cut=True))

    assert await scanner.scan(chunks(b"x")) == Scan("clean")


async def test_clamd_is_sent_every_byte_in_order(daemon: Daemon) -> None:
    await ClamdScanner(daemon.address, ManualClock()).scan(chunks(b"a" * 100_000, b"b", b"c" * 65_537))

    assert daemon.received == b"a" * 100_000 + b"b" + b"c" * 65_537


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (b"", "gone without an answer"), (b"stream: OK", "gone without an answer"),
        (b"stream: OK\nstream: OK\0", "stream: OK?stream: OK?"), (b"UNKNOWN COMMAND\0", "UNKNOWN COMMAND?"),
        (b"x" * 100_000, "an answer without end"), (b"\xff\xfe\0", "ÿþ?"),
        (b"stream: not OK FOUN\0", "stream: not OK FOUN?"),
    ],
)  # fmt: skip
async def test_an_answer_that_is_not_understood_is_never_clean(daemon: Daemon, reply: bytes, said: str) -> None:
    daemon.reply = reply

    assert await ClamdScanner(daemon.address, ManualClock()).scan(chunks(b"x")) == Scan("unknown", said)


async def test_a_document_that_clamd_finds_too_large_is_unknown(daemon: Daemon) -> None:
    scan = await ClamdScanner(daemon.address, ManualClock()).scan(chunks(*(b"x" * 65_536,) * 200))

    assert scan.verdict == "unknown"


async def test_a_slow_clamd_is_waited_for_so_long_and_no_longer(daemon: Daemon) -> None:
    clock = ManualClock()
    daemon.answers.clear()
    scan = asyncio.create_task(ClamdScanner(daemon.address, clock, seconds_max=10).scan(chunks(b"x")))
    await daemon.asked.wait()

    clock.advance(10)

    assert await scan == Scan("unknown", "no answer in time")


@pytest.mark.parametrize("address", ["unix:/nowhere/clamd", "tcp:127.0.0.1:1"])
async def test_a_clamd_that_is_not_there_is_unknown(address: str) -> None:
    scan = await ClamdScanner(address, ManualClock()).scan(chunks(b"x"))

    assert scan.verdict == "unknown"
    assert scan.said.startswith("cannot be reached")


@pytest.mark.parametrize("address", ["", "unix:", "unix:clamd", "tcp:a", "tcp:a:b", "http://a", "tcp::1"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="address"):
        ClamdScanner(address, ManualClock())
