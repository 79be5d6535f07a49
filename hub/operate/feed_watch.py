"""Watches over status feeds: what was refused of them, and whose silence has lasted too long.

Both need a person: messages that are missing have to be asked for, and while an issuer is silent nobody knows what
its authorisations are worth. Each is told once, when it begins; a feed that lives again is told too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from hub.core.aeo import StatusFeed
from hub.core.registry import Snapshot, Version
from hub.ports.observer import Observer
from hub.ports.system import Clock
from hub.trust.aeo_status import open_status
from schemas.faults import Fault

LOOK_SECONDS = 1.0
REFUSAL_SECONDS = 86_400
"""How long a refusal is shown where nothing came after it that was right."""


class Refused(Struct, frozen=True):
    """The last refusal of what came in one administration's name."""

    code: str
    place: str
    found: str
    expected: str
    at: int
    """Seconds since 1970."""


class FeedWatch:
    def __init__(self, snapshot: Callable[[], Snapshot], *, clock: Clock, observer: Observer) -> None:
        self._snapshot = snapshot
        self._clock = clock
        self._observer = observer
        self._refused: dict[str, Refused] = {}
        """By issuer; empty: an administration that has no feed here."""
        self._silent: set[tuple[str, str]] = set()

    async def run(self) -> None:
        while True:
            self.look()
            await self._clock.sleep(LOOK_SECONDS)

    def refused(self, act: str, request: Any, faults: Sequence[Fault]) -> None:
        """A listener of the registrar."""
        if act != "aeo.tell":
            return
        for fault in faults:
            issuer = self._named_in(request.lines, fault.place)
            if (before := self._refused.get(issuer)) is None or before.at < self._now():
                self._refused[issuer] = Refused(fault.code, fault.place, fault.found, fault.expected, self._now())
        self._alarm("aeo_status_refused", faults=len(faults), first=faults[0].code, place=faults[0].place)

    def changed(self, versions: Sequence[Version]) -> None:
        """A listener of the registry: what came after a refusal, and was right, ends its alarm."""
        for version in versions:
            if isinstance(version.object, StatusFeed):
                self._refused.pop(version.object.issuer, None)

    def look(self) -> None:
        silent = self._silent_now()
        for arrangement, issuer in sorted(silent - self._silent):
            self._alarm("aeo_feed_silent", arrangement=arrangement, issuer=issuer)
        for arrangement, issuer in sorted(self._silent - silent):
            self._observer.event("aeo_feed.lives_again", arrangement=arrangement, issuer=issuer)
        self._silent = silent
        self._observer.gauge("aeo_feeds_silent", len({issuer for _, issuer in silent}))
        self._observer.gauge("aeo_feeds_refused", len(self._refused_now()))

    def told(self) -> Mapping[str, object]:
        """For `customs-hub status`."""
        refused = [
            {"issuer": issuer, "code": each.code, "place": each.place, "found": each.found, "expected": each.expected}
            for issuer, each in self._refused_now().items()
        ]
        silent = [{"arrangement": name, "issuer": issuer} for name, issuer in sorted(self._silent_now())]
        return {"refused": refused, "silent": silent}

    def _refused_now(self) -> Mapping[str, Refused]:
        now = self._now()
        return {issuer: each for issuer, each in self._refused.items() if now < each.at + REFUSAL_SECONDS}

    def _silent_now(self) -> set[tuple[str, str]]:
        """Arrangements that count on an issuer who has been silent for longer than they allow."""
        snapshot, now = self._snapshot(), self._now()
        heard = {feed.issuer: feed.heard_at for feed in snapshot.status_feeds}
        return {
            (each.id, issuer)
            for each in snapshot.arrangements
            if not each.ended
            for issuer in each.issuers
            if each.silent_from(heard.get(issuer, 0)) <= now
        }

    def _named_in(self, lines: Sequence[str], place: str) -> str:
        """The issuer of whom a line speaks, if it has a feed here: nobody need have signed that."""
        number = place.removeprefix("line ")
        opened = open_status(lines[int(number) - 1]) if number.isdecimal() else ""
        issuer = "" if isinstance(opened, str) else opened.unverified.iss
        return issuer if self._snapshot().status_feeds.get(issuer) is not None else ""

    def _alarm(self, name: str, **facts: str | int) -> None:
        self._observer.count("alarms", alarm=name)
        self._observer.event(f"alarm.{name}", **facts)

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000
