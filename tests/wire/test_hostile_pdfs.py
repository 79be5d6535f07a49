"""Hostile PDFs in the jail: each is known for what it is, and nothing is left of its examination."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from hub.drivers.system.jail.judge import JailedDocumentJudge, available
from tests.unit.documents.make import pdf
from tests.wire.hostile_pdfs import FUZZED, GO, HOSTILE

pytestmark = pytest.mark.skipif(not available(), reason="the jail is made of Linux")


async def chunks(document: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(document), 65_536):
        yield document[at : at + 65_536]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def judge() -> AsyncIterator[JailedDocumentJudge]:
    async with JailedDocumentJudge(wardens=1) as judge:
        yield judge


def below(process: int) -> set[int]:
    """The processes that this one has started, and that these have."""
    path = Path(f"/proc/{process}/task/{process}/children")
    own = {int(each) for each in path.read_text().split()} if path.exists() else set()
    return own.union(*(below(each) for each in own))


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("document", "codes"), HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_pdf_is_known_for_what_it_is(
    judge: JailedDocumentJudge, document: bytes, codes: set[str]
) -> None:
    report = await judge.judge(chunks(document))

    assert {each.code for each in report.findings} == codes


@pytest.mark.asyncio(loop_scope="module")
async def test_actions_that_meet_in_one_are_no_ring(judge: JailedDocumentJudge) -> None:
    last = b"<</S/GoTo/D[3 0 R/Fit]>>"
    met = pdf(GO % b"[5 0 R 6 0 R]", GO % b"7 0 R", GO % b"7 0 R", last, root=b"/OpenAction 4 0 R")

    report = await judge.judge(chunks(met))

    assert "PDF_LOOP" not in {each.code for each in report.findings}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("document", FUZZED)
async def test_a_fuzzed_pdf_is_never_found_plain(judge: JailedDocumentJudge, document: bytes) -> None:
    report = await judge.judge(chunks(document))

    assert {each.code for each in report.findings} & {"PDF_BROKEN", "PDF_REPAIRED", "PDF_SCRIPT", "PDF_LOOP"}


async def test_nothing_is_left_of_an_examination_but_the_warden() -> None:
    before = below(os.getpid())

    async with JailedDocumentJudge(wardens=1) as judge:
        for name in ("a stream that swells", "too many objects", "cut off"):
            await judge.judge(chunks(HOSTILE[name][0]))
        left = below(os.getpid()) - before

    assert len(left) == 1
    assert below(os.getpid()) <= before


async def test_a_warden_that_died_is_replaced_and_its_document_said_to_be_unexamined() -> None:
    before = below(os.getpid())
    async with JailedDocumentJudge(wardens=1) as judge:
        await judge.judge(chunks(pdf()))
        (warden,) = below(os.getpid()) - before

        async def killed_meanwhile() -> AsyncIterator[bytes]:
            os.kill(warden, signal.SIGKILL)
            yield pdf()

        unexamined = await judge.judge(killed_meanwhile())

        assert [each.code for each in unexamined.findings] == ["PDF_NOT_EXAMINED"]
        assert (await judge.judge(chunks(pdf()))).findings == ()


async def test_a_document_larger_than_is_taken_is_not_examined() -> None:
    async with JailedDocumentJudge(wardens=1, document_bytes_max=100) as judge:
        report = await judge.judge(chunks(pdf()))

    assert [each.code for each in report.findings] == ["PDF_NOT_EXAMINED"]


ATTEMPTS = {
    "a file": "open('/etc/passwd')",
    "a new file": "open('/tmp/written-in-jail', 'w')",
    "a socket": "__import__('socket').socket()",
    "a process": "os.fork()",
    "a program": "os.execv('/bin/true', ['/bin/true'])",
    "a signal": "os.kill(os.getppid(), 9)",
    "the other's memory": "open(f'/proc/{os.getppid()}/mem', 'rb')",
}


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
def test_in_the_jail_nothing_can_be_reached(attempt: str) -> None:
    script = (
        "import os, socket\n"
        "from hub.drivers.system.jail.rights import give_up\n"
        "give_up(memory_bytes_max=268435456, seconds_max=1)\n"
        f"try: {attempt}\n"
        "except OSError: os.write(1, b'refused')\n"
        "else: os.write(1, b'reached')\n"
        "os._exit(0)"
    )

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)

    assert ran.stdout == b"refused"


def test_in_the_jail_memory_ends_where_it_was_said() -> None:
    script = (
        "import os\n"
        "from hub.drivers.system.jail.rights import give_up\n"
        "give_up(memory_bytes_max=67108864, seconds_max=1)\n"
        "try: b'x' * 67108864\n"
        "except MemoryError: os.write(1, b'refused')\n"
        "os._exit(0)"
    )

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)

    assert ran.stdout == b"refused"
