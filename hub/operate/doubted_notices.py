"""Telling companies which answers of customs came under a credential that leaked: a hold or release may be forged.

As of events (`hub/operate/heralds.py`) each revision that says something of leaks is told once, whatever crashes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from hub.core.dispatch import Dispatch
from hub.core.leak import Leak, Trust
from hub.core.registry import Snapshot
from hub.operate.notices import Notice, NoticeDesk, notice_id
from hub.ports.dispatches import Place
from hub.trust.statement import utc_text

if TYPE_CHECKING:
    from hub.operate.heralds import Means

OUTPUT = "notices/doubted"
AT_ONCE = 200
NAMED_PER_NOTICE = 100
CAUSES = {
    Trust.WITHDRAWN: "TRUST_WITHDRAWN",
    Trust.CONFIRMED: "TRUST_CONFIRMED",
    Trust.RETRACTED: "TRUST_RETRACTED",
}


class DoubtHerald:
    def __init__(self, means: Means, desk: NoticeDesk) -> None:
        self._means = means
        self._desk = desk
        self._mark = -1

    async def look(self) -> None:
        """Tell whoever was sent something under a credential that leaked. Raises `HubError`: then it is tried again."""
        if self._mark < 0:
            self._mark = await self._desk.mark(OUTPUT)
        for revision, leaks in leak_revisions(self._means.snapshot()):
            told = leaks[0].told
            if revision <= self._mark:
                continue
            if self._means.now() < told + self._means.in_flight_seconds:
                return
            notices = [notice for leak in leaks for notice in _notices(revision, leak, await self._sent(leak))]
            if not await self._desk.write(OUTPUT, notices, since=told, mark=revision):
                return
            self._means.observer.count("notices_written", len(notices), cause=CAUSES[leaks[0].trust])
            self._mark = revision

    async def _sent(self, leak: Leak) -> list[Dispatch]:
        """What was sent under the credential while it was lost, newest first."""
        partner = leak.system.partition(".")[0]
        return [each async for each in self._since(partner, leak.since * 1_000_000) if each.credential == leak.id]

    async def _since(self, partner: str, since_us: int) -> AsyncIterator[Dispatch]:
        before: Place | None = None
        while page := await self._means.dispatches.page(partner, before=before, limit=AT_ONCE):
            for sent in page:
                if sent.dispatch.sent_us < since_us:
                    return
                yield sent.dispatch
            before = page[-1].dispatch.sent_us, page[-1].dispatch.id


def leak_revisions(snapshot: Snapshot) -> list[tuple[int, Sequence[Leak]]]:
    """What each revision says of leaks, oldest first."""
    found: dict[int, list[Leak]] = {}
    for leak in snapshot.leaks:
        for revision, version in snapshot.leaks.versions(leak.id):
            found.setdefault(revision, []).append(version)
    return sorted(found.items())


def _notices(revision: int, leak: Leak, sent: Sequence[Dispatch]) -> list[Notice]:
    """One for each company, and agent that was told as well; of many, several."""
    named: dict[tuple[str, str], list[str]] = {}
    for each in sent:
        named.setdefault((each.partner, each.agent), []).append(each.id)
    cause = CAUSES[leak.trust]
    times = {"since": utc_text(leak.since * 1_000_000), "time": utc_text(leak.told * 1_000_000)}
    return [
        Notice(
            notice_id(cause, "notices", leak.id, str(revision), partner, agent, str(begin)),
            partner,
            cause,
            {**times, "notices": ids[begin : begin + NAMED_PER_NOTICE]},
            agent,
        )
        for (partner, agent), ids in named.items()
        for begin in range(0, len(ids), NAMED_PER_NOTICE)
    ]
