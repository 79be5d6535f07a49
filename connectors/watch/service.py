"""The service: looks at the folder, again and again, and settles what is whole, oldest first.

While the hub is away everything stays, in order. A file of which the hub itself says several times that it cannot tell
now lets the others pass, and is tried again after them. One that more may be coming of (it is empty, or a document that
nothing describes) is looked at a few times before that is said of it.
"""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Callable
from datetime import UTC, datetime
from sqlite3 import OperationalError
from typing import Any, Literal

import orjson
from msgspec import Struct

from connectors.backoff import Backoff
from connectors.session import HubRefused
from connectors.watch.details import ENDING
from connectors.watch.folder import Content, DetailsNotWhole, Entry, Folder
from connectors.watch.journal import Journal, Taken
from connectors.watch.reply import Incomplete, Mark, NotNow, Reply, refused_whole
from connectors.watch.sending import File, Sending

TRIES_IN_ORDER_MAX = 5
PRUNE_SECONDS = 3_600.0
LOOKS_MAX = 5
"""At a file that more may be coming of."""
RESULT = ".result.json"
_FULL = (errno.ENOSPC, errno.EDQUOT)
"""The disk is full: no answer can be kept, so nothing more is sent. The journal's errors (SQLite) have no number."""
_HUB = ""
"""Whom something is said of that is no file."""


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
        self._looks: dict[int | str, int] = {}
        """At files that more may be coming of."""
        self._said: dict[str, str] = {}
        """What was said last of the hub, and of each file that waits."""
        self._pruned_at = float("-inf")

    async def run(self) -> None:
        """Watch until cancelled; whatever is cut off then is finished by the next run."""
        attempts = self._backoff.begin()
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
        self._prune()
        self._folder.look()
        while True:
            await asyncio.sleep(self._bounds.interval_seconds)
            settled, wait_seconds = await self._round(self._folder.look())
            if wait_seconds is not None or not (settled or self._looks):
                return wait_seconds is None

    async def _round(self, entries: list[Entry]) -> tuple[int, float | None]:
        """How many files were settled; and for how long to wait, at least, if the hub could not answer for all."""
        self._forget_but(entries)
        self._end_what_is_gone()
        for name in self._folder.alone:
            self._say(name, "the document that it describes is not here")
        settled, wait_seconds = 0, None
        for entry in sorted(entries, key=lambda e: (self._may_pass(e), e.mtime_ns, e.name)):
            try:
                settled += await self._settle(entry)
            except (NotNow, HubRefused) as e:
                self._say(entry.name, str(e), about=_HUB)
                wait_seconds = max(wait_seconds or 0.0, getattr(e, "retry_after_seconds", 0.0))
                if not (isinstance(e, NotNow) and e.of_file):
                    return settled, wait_seconds
                self._tries[entry.key] = self._tries.get(entry.key, 0) + 1
                if not self._may_pass(entry):
                    return settled, wait_seconds
            except (OSError, OperationalError) as e:
                self._looks.pop(entry.key, None)
                self._say(entry.name, getattr(e, "strerror", None) or str(e))
                if getattr(e, "errno", errno.ENOSPC) in _FULL:
                    return settled, wait_seconds or 0.0
        return settled, wait_seconds

    def _forget_but(self, entries: list[Entry]) -> None:
        """Forget what was counted and said of files that are no longer there."""
        keys = {each.key for each in entries}
        self._tries = {key: count for key, count in self._tries.items() if key in keys}
        self._looks = {key: count for key, count in self._looks.items() if key in keys}
        names = {_HUB, *(each.name for each in entries), *self._folder.alone}
        self._said = {about: said for about, said in self._said.items() if about in names}

    def _may_pass(self, entry: Entry) -> bool:
        """Whether others may overtake this file."""
        return self._tries.get(entry.key, 0) >= TRIES_IN_ORDER_MAX

    async def _settle(self, entry: Entry) -> bool:
        """Take one file to its end; False: it is not what was seen, or more of it may be coming.

        Raises what `Sending.send` does, and `OSError`, `sqlite3.OperationalError`: nothing is lost by trying again.
        """
        content = await asyncio.to_thread(self._folder.read, entry, self._bounds.bytes_max)
        if content is None:
            return False
        taken = self._journal.take(entry.name, content.sha256, entry.size, time.time())
        for other in self._journal.others_under_way(taken):
            self._end_without(other)
        if not taken.room:
            try:
                details = self._folder.details(entry.name)
                reply = await self._reply(taken, content, details)
            except DetailsNotWhole:
                self._looks.setdefault(entry.key, 0)
                return False
            except Incomplete as e:
                if self._may_be_coming(entry):
                    return False
                details, reply = None, e.reply
            self._said.pop(_HUB, None)
            target = self._folder.free(reply.room, entry.name)
            results = {RESULT: _written(taken, reply), **reply.beside}
            if details is not None:
                results[ENDING] = details
            taken = self._journal.answer(taken.place, reply.room, target, _summary(reply), results)
        return self._lay(taken, entry)

    def _may_be_coming(self, entry: Entry) -> bool:
        self._looks[entry.key] = self._looks.get(entry.key, 0) + 1
        return self._looks[entry.key] < LOOKS_MAX

    async def _reply(self, taken: Taken, content: Content, details: bytes | None) -> Reply:
        if content.document is None:
            return refused_whole("BODY_TOO_LARGE", f"{taken.size} bytes; at most {self._bounds.bytes_max}")
        if details is None and (before := self._journal.sent_before(taken.sha256)) is not None:
            said = {"file": shown(before.target), "at": _instant(before.taken_at)}
            return Reply("done", {"detail": "The hub has taken this content before.", "sent_before": said})
        file = File(taken.name, content.document, details)
        mark = Mark(
            str(taken.place),
            taken.job,
            lambda job: self._journal.note_job(taken.place, job),
            lambda ending, sent: self._journal.note_sent(taken.place, ending, sent),
            self._journal.sent(taken.place),
        )
        return await self._sending.send(file, mark)

    def _lay(self, taken: Taken, entry: Entry) -> bool:
        """Results first, then the file: who finds a file in its new place finds its results beside it. Its details are
        one of them, and leave the folder before it does: they describe no other file of that name."""
        if self._folder.lies(taken.room, taken.target):
            taken = self._journal.retarget(taken.place, self._folder.free(taken.room, taken.target))
        for suffix, content in self._journal.results(taken.place):
            self._folder.lay(taken.room, taken.target + suffix, content)
            if suffix == ENDING:
                self._folder.remove_details(taken.name, content)
        moved = self._folder.move(entry, taken.room, taken.target)
        self._journal.finish(taken.place)
        self._looks.pop(entry.key, None)
        summary: dict[str, Any] = orjson.loads(taken.summary)
        self._tell(Told("file", shown(taken.name), taken.room, to=shown(f"{taken.room}/{taken.target}"), **summary))
        return moved

    def _end_what_is_gone(self) -> None:
        """End what lies in its new place already, or was taken away, or overwritten."""
        for taken in self._journal.under_way():
            if not self._folder.holds(taken.name):
                self._end_without(taken)

    def _end_without(self, taken: Taken) -> None:
        """End what is not in the folder any more: an answer to it is laid down all the same."""
        if not taken.room:
            self._journal.drop(taken.place)
            return
        try:
            for suffix, content in self._journal.results(taken.place):
                self._folder.lay(taken.room, taken.target + suffix, content)
            self._journal.finish(taken.place)
        except (OSError, OperationalError) as e:
            self._say(taken.name, getattr(e, "strerror", None) or str(e))

    def _prune(self) -> None:
        if time.monotonic() - self._pruned_at < PRUNE_SECONDS:
            return
        self._pruned_at = time.monotonic()
        self._journal.prune(time.time())
        if self._bounds.keep_seconds is not None:
            self._folder.prune(int((time.time() - self._bounds.keep_seconds) * 1e9))

    def _say(self, name: str, why: str, *, about: str | None = None) -> None:
        """Say why a file waits, once, until there is something else to say of it, or of the hub."""
        about = name if about is None else about
        if self._said.get(about) != why:
            self._said[about] = why
            self._tell(Told("waiting", shown(name), "waiting", why))


def shown(name: str) -> str:
    """A file's name as text; it may be none (POSIX)."""
    return name.encode(errors="replace").decode()


def _written(taken: Taken, reply: Reply) -> bytes:
    file = {"file": shown(taken.name), "sha256": taken.sha256, "bytes": taken.size}
    answered = {"outcome": reply.room, "answered": _instant(time.time())}
    return orjson.dumps({**file, **answered, **reply.result}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _summary(reply: Reply) -> str:
    said = reply.result
    detail = " ".join(each for each in (said.get("format"), said.get("code"), said.get("detail")) if each)
    return orjson.dumps({"detail": detail, "counts": said.get("counts", {})}).decode()


def _instant(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
