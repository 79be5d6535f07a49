"""Telling recipients and operators how their endpoints do: that one fails, hour after hour, is disabled, has gone, or
works again. What changed follows from the registry, the hours from the clock; each has a mark of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hub.core.endpoint import Endpoint, EndpointState
from hub.core.registry import Snapshot
from hub.operate.endpoints import recipient_of
from hub.operate.notices import Notice, NoticeDesk, notice_id
from hub.trust.statement import utc_text

if TYPE_CHECKING:
    from hub.operate.heralds import Means

POLL_SECONDS = 2.0
FAILING, RECOVERED = "ENDPOINT_FAILING", "ENDPOINT_RECOVERED"
CODES = {
    EndpointState.FAILING: FAILING,
    EndpointState.DISABLED: "ENDPOINT_DISABLED",
    EndpointState.GONE: "ENDPOINT_GONE",
}
WARNED_HOURS = (12, 24, 48, 72, 96)
"""After the first failure; the first warning, after an hour, is the change of state itself."""
CHANGES, WARNINGS = "notices/endpoints", "notices/endpoint-warnings"


class EndpointHerald:
    def __init__(self, means: Means, desk: NoticeDesk) -> None:
        self._means = means
        self._desk = desk

    async def look(self) -> None:
        """Tell what has changed, and of how many hours it has been. Raises `HubError`: then it is tried again."""
        snapshot, now = self._means.snapshot(), self._means.now()
        mark = await self._desk.mark(CHANGES)
        if changed := [revision for revision, _ in snapshot.endpoints.changed_after(mark)]:
            notices = list(_changes(snapshot, mark))
            since = snapshot.made[changed[0]].time_us // 1_000_000
            if await self._desk.write(CHANGES, notices, since=since, mark=changed[-1]):
                self._tell(notices)
        warned = await self._desk.mark(WARNINGS)
        failing = [each for each in snapshot.endpoints if each.state is EndpointState.FAILING]
        if notices := [notice for each in failing for notice in _warnings(each, snapshot, warned, now)]:
            since = min(each.since for each in failing)
            if await self._desk.write(WARNINGS, notices, since=since, mark=now):
                self._tell(notices)

    def _tell(self, notices: list[Notice]) -> None:
        for notice in notices:
            self._means.observer.count("notices_written", cause=notice.cause)
            if notice.cause != RECOVERED:
                self._means.observer.count("alarms", alarm="endpoint_failing")
                self._means.observer.event(
                    "alarm.endpoint_failing", endpoint=str(notice.members["endpoint"]), code=notice.cause
                )


def _changes(snapshot: Snapshot, mark: int) -> Iterator[Notice]:
    for name in dict.fromkeys(name for _, name in snapshot.endpoints.changed_after(mark)):
        before = None
        for revision, endpoint in snapshot.endpoints.versions(name):
            code = _code(before, endpoint)
            before = endpoint.state
            if revision > mark and code:
                yield _notice(code, endpoint, snapshot, str(revision), snapshot.made[revision].time_us // 1_000_000)


def _code(before: EndpointState | None, endpoint: Endpoint) -> str:
    if before is endpoint.state:
        return ""
    recovered = before is EndpointState.FAILING and endpoint.state is EndpointState.ACTIVE
    return RECOVERED if recovered else CODES.get(endpoint.state, "")


def _warnings(endpoint: Endpoint, snapshot: Snapshot, after: int, now: int) -> Iterator[Notice]:
    for hours in WARNED_HOURS:
        at = endpoint.since + hours * 3_600
        if after < at <= now:
            yield _notice(FAILING, endpoint, snapshot, f"{endpoint.since}+{hours}", at)


def _notice(code: str, endpoint: Endpoint, snapshot: Snapshot, which: str, time: int) -> Notice:
    members = {
        "time": utc_text(time * 1_000_000),
        "endpoint": endpoint.id,
        "feed": endpoint.feed,
        "since": utc_text(endpoint.since * 1_000_000),
    }
    return Notice(notice_id(code, endpoint.id, which), recipient_of(endpoint, snapshot), code, members)
