"""Bringing what customs answers to where its reader finds it, and watching for deadlines that pass.

Theory of operation. A dispatch is kept before its sender is told so. What is not written yet is due; it is noted as
written behind the append, and after a crash between the two `NoticeDesk` finds it in the stream's tail by its id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from hub.core.dispatch import Dispatch, Step
from hub.operate.notices import Notice, NoticeDesk

if TYPE_CHECKING:
    from hub.operate.heralds import Means

POLL_SECONDS = 0.25
OUTPUT = "notices/dispatches"
AT_ONCE = 200


class DispatchHerald:
    def __init__(self, means: Means, desk: NoticeDesk) -> None:
        self._means = means
        self._desk = desk

    async def look(self) -> None:
        """Write what waits, and note what is overdue. Raises `HubError`: then it is tried again."""
        await self._write()
        await self._watch()

    async def _write(self) -> None:
        means = self._means
        waiting = await means.dispatches.waiting(AT_ONCE)
        if not waiting:
            return
        since = waiting[0].sent_us // 1_000_000
        if await self._desk.write(OUTPUT, [*map(_notice, waiting)], since=since, mark=means.now()):
            await means.dispatches.mark([each.id for each in waiting], Step.WRITTEN, means.clock.now_us())
            for each in waiting:
                means.observer.count("notices_written", cause=each.kind.code)

    async def _watch(self) -> None:
        means, now_us = self._means, self._means.clock.now_us()
        overdue = await means.dispatches.due(now_us, AT_ONCE)
        await means.dispatches.mark([each.id for each in overdue], Step.OVERDUE, now_us)
        for each in overdue:
            means.observer.count("notices_overdue", kind=each.kind.value)
            means.observer.event("notice.overdue", notice=each.id, partner=each.partner, kind=each.kind.value)


def _notice(dispatch: Dispatch) -> Notice:
    return Notice(
        dispatch.id, dispatch.partner, dispatch.kind.code, orjson.loads(dispatch.members), agent=dispatch.agent
    )
