"""An archivist that is killed between a segment and the index that names it leaves nothing out, and nothing twice."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hub.core.record import EVENTS
from tests.faults.archive_and_die import keeping

EVENTS_SENT = ["a", "b", "c"]


@pytest.mark.parametrize("point", ["before-index", "after-index"])
async def test_what_was_archived_when_it_was_killed_is_there_once(tmp_path: Path, point: str) -> None:
    async with keeping(tmp_path, days=0) as kept:
        await kept.take(*EVENTS_SENT)

    command = [sys.executable, "-m", "tests.faults.archive_and_die", str(tmp_path), point]
    died = subprocess.run(command, check=False)
    async with keeping(tmp_path, days=11) as kept:
        after_the_kill = (await kept.segments.index(0)).looked_at
        await kept.archivist.archive()
        await kept.log.purge(EVENTS, kept.clock.now_us())

        assert died.returncode == -signal.SIGKILL
        assert after_the_kill == ((1, 6) if point == "after-index" else None)
        assert await kept.read() == EVENTS_SENT
