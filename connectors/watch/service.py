"""The service: looks at the folder, again and again, and settles what is whole, oldest first.

While the hub is away everything stays, in order. A file of which the hub itself says several times that it cannot tell
now lets the others pass, and is tried again after them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
from msgspec import Struct

from connectors.backoff import Backoff
from connectors.session import HubRefused
from connectors.watch.folder import Content, Entry, Folder
from connectors.watch.journal import Journal, Taken
from connectors.watch.reply import NotNow, Reply, refused_whole
from connectors.watch.sending import Sending

TRIES_IN_ORDER_MAX = 5
PRUNE_SECONDS = 3_600.0
SAY_SECONDS = 60.0
"""How often it is said again that the hub is away, or that a file cannot be read."""
RESULT = ".result.json"


class Bounds(Struct, frozen=True):
    """What the service keeps to."""

    interval_seconds: float = 2.0
    bytes_max: int = 10_485_760
    keep_seconds: float | None = None
    """How long files stay in `done`; None: as long as nobody deletes them."""


class Told(Struct, frozen=True):
    """What there is to say of a file: one line of the log."""

    kind: Literal["file", "waiting"]
    file: str
    outcome: str
    detail: str
    counts: dict[str, int] = {}
    to: str = ""


class Service:
    """Watches a folder. `tell` is called for each file that was settled, and about once a minute for what waits."""

    def __init__(
        self,
        folder: Folder,
        journal: Journal,
        sending: Sending,
        *,
        tell: Callable[[Told], None],
        bounds: Bounds,
        backoff: Backoff | None = None,
    ) -> None:
        self._folder, self._journal, self._sending, self._tell = folder, journal, sending, tell
        self._bounds = bounds
        self._backoff = backoff or Backoff(first_seconds=1.0, wait_seconds_max=60.0)
        self._tries: dict[int | str, int] = {}
        self._said_at: dict[str, float] = {}
        self._pruned_at = float("-inf")

    async def run(self) -> None:
        """Watch until cancelled; whatever is cut off then is finished by the next run."""
        attempts = self._backoff.begin()
        self._recover()
        while True:
            self._prune()
            _, wait_seconds = await self._round(self._folder.look())
            if wait_seconds is None:
                attempts.succeeded()
                await asyncio.sleep(self._bounds.interval_seconds)
            else:
                await attempts.pause(wait_seconds)

    async def once(self) -> bool:
        """Settle what is whole now, and return; whether nothing of it waits for the hub."""
        self._recover()
        self._prune()
        self._folder.look()
        while True:
            await asyncio.sleep(self._bounds.interval_seconds)
            settled, wait_seconds = await self._round(self._folder.look())
            if wait_seconds is not None or not settled:
                return wait_seconds is None

    async def _round(self, entries: list[Entry]) -> tuple[int, float | None]:
        """How many files were settled; and for how long to wait, at least, if the hub could not answer for all."""
        self._tries = {each.key: self._tries[each.key] for each in entries if each.key in self._tries}
        settled, wait_seconds = 0, None
        for entry in sorted(entries, key=lambda e: (self._may_pass(e), e.mtime_ns, e.name)):
            try:
                settled += await self._settle(entry)
            except (NotNow, HubRefused) as e:
                self._say(Told("waiting", entry.name, "waiting", str(e)), "hub")
                wait_seconds = max(wait_seconds or 0.0, getattr(e, "retry_after_seconds", 0.0))
                if not (isinstance(e, NotNow) and e.of_file):
                    return settled, wait_seconds
                self._tries[entry.key] = self._tries.get(entry.key, 0) + 1
                if not self._may_pass(entry):
                    return settled, wait_seconds
            except OSError as e:
                self._say(Told("waiting", entry.name, "unreadable", e.strerror or str(e)), entry.name)
        return settled, wait_seconds

    def _may_pass(self, entry: Entry) -> bool:
        """Whether others may overtake this file."""
        return self._tries.get(entry.key, 0) >= TRIES_IN_ORDER_MAX

    async def _settle(self, entry: Entry) -> bool:
        """Take one file to its end; False: it is not what was seen. Raises what `Sending.send` does, and `OSError`."""
        content = await asyncio.to_thread(self._folder.read, entry, self._bounds.bytes_max)
        if content is None:
            return False
        taken = self._journal.take(entry.name, content.sha256, entry.size, time.time())
        if not taken.room:
            reply = await self._reply(taken, content)
            target = self._folder.free(reply.room, entry.name)
            results = {RESULT: _written(taken, reply), **reply.beside}
            taken = self._journal.answer(taken.place, reply.room, target, _summary(reply), results)
        return self._lay(taken, entry)

    async def _reply(self, taken: Taken, content: Content) -> Reply:
        if content.document is None:
            return refused_whole("BODY_TOO_LARGE", f"{taken.size} bytes; at most {self._bounds.bytes_max}")
        if (before := self._journal.sent_before(taken.sha256)) is not None:
            said = {"file": before.target, "at": _instant(before.taken_at)}
            return Reply("done", {"detail": "The hub has taken this content before.", "sent_before": said})
        return await self._sending.send(
            taken.name,
            content.document,
            reference=str(taken.place),
            job=taken.job,
            note_job=lambda job: self._journal.note_job(taken.place, job),
        )

    def _lay(self, taken: Taken, entry: Entry) -> bool:
        """Results first, then the file: who finds a file in its new place finds its results beside it."""
        if self._folder.lies(taken.room, taken.target):
            taken = self._journal.retarget(taken.place, self._folder.free(taken.room, taken.target))
        for suffix, content in self._journal.results(taken.place):
            self._folder.lay(taken.room, taken.target + suffix, content)
        moved = self._folder.move(entry, taken.room, taken.target)
        self._journal.finish(taken.place)
        summary: dict[str, Any] = orjson.loads(taken.summary)
        self._tell(Told("file", taken.name, taken.room, to=f"{taken.room}/{taken.target}", **summary))
        return moved

    def _recover(self) -> None:
        """End what a run that was cut off had moved already; forget what has gone without an answer."""
        for taken in self._journal.under_way():
            if self._folder.holds(taken.name):
                continue
            if taken.room:
                self._journal.finish(taken.place)
            else:
                self._journal.drop(taken.place)

    def _prune(self) -> None:
        if time.monotonic() - self._pruned_at < PRUNE_SECONDS:
            return
        self._pruned_at = time.monotonic()
        self._journal.prune(time.time())
        if self._bounds.keep_seconds is not None:
            self._folder.prune(int((time.time() - self._bounds.keep_seconds) * 1e9))

    def _say(self, told: Told, about: str) -> None:
        """Once, and again once a minute as long as it lasts."""
        now = time.monotonic()
        self._said_at = {each: at for each, at in self._said_at.items() if now - at < SAY_SECONDS}
        if about not in self._said_at:
            self._said_at[about] = now
            self._tell(told)


def _written(taken: Taken, reply: Reply) -> bytes:
    file = {"file": taken.name.encode(errors="replace").decode(), "sha256": taken.sha256, "bytes": taken.size}
    answered = {"outcome": reply.room, "answered": _instant(time.time())}
    return orjson.dumps({**file, **answered, **reply.result}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _summary(reply: Reply) -> str:
    said = reply.result
    detail = " ".join(each for each in (said.get("format"), said.get("code"), said.get("detail")) if each)
    return orjson.dumps({"detail": detail, "counts": said.get("counts", {})}).decode()


def _instant(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
