"""`customs-connect engine`: the reference risk engine, reading its feeds at once, printing alerts and scores."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterable
from contextlib import aclosing, closing
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from msgspec import to_builtins

from connectors.commands.shared import JSON, HubOptions, print_json
from connectors.errors import ConnectorError
from connectors.partner.notices import notices
from connectors.risk import Alert, Engine, Following, Group, Reader, Replay, Settings
from connectors.risk.notices import Notice, send
from connectors.risk.reader import feeds as feeds_of
from connectors.risk.replay import begin, end
from connectors.session import HubRefused, HubSession, HubUnreachable
from schemas.identity import instant_us

TICK_SECONDS = 1.0
NOTICES_SECONDS = 10.0
NOTICES = "/notices"
"""Where the place in the notices is kept: no feed has such a name."""
ALL_SCOPES = ""
"""Reading feeds is all that is needed; a system that may read notices hears of trust that is withdrawn."""

app = App(name="customs-connect engine")


@app.default
def engine(
    *feeds: str,
    hub: HubOptions,
    state: Path | None = None,
    grace_seconds: float = 3600.0,
    known: Path | None = None,
    watched: Path | None = None,
    since: str | None = None,
    known_at: str | None = None,
    ask: Annotated[bool, Parameter(negative=())] = False,
    stream: Annotated[bool, Parameter(negative=())] = False,
    json: JSON = False,
) -> int:
    """Judge what comes in and print alerts, as they are raised and as they are withdrawn, and what objects score.

    Parameters
    ----------
    feeds
        The names of the feeds to read; the urgent lane of each goes first.
    state
        The file to keep what is known in; without one, all is forgotten at the end, so that each run reads the feeds
        from their start and acknowledges nothing.
    grace_seconds
        How long a gate-in may wait for its filing.
    known
        A file with the identifiers of known consignors, one a line, such as eori:NL123456789.
    watched
        A file with identifiers to be told of, one a line, such as iso6346:MSKU1234565; read again when it changes.
    since
        Try the rules over the past instead: what the hub received then or later (RFC 3339), as a replay gives it; and
        end.
    known_at
        With --since: as it was known then (RFC 3339).
    ask
        Ask the companies by notice, where an agreement lets this engine, for the reference of a filing that is missing.
    stream
        Have the hub push the records (Server-Sent Events), instead of pulling.
    json
        Print JSON objects: {"kind": "alert", …}, {"kind": "score", …}, and for each group {"kind": "records", …} with
        the time from the hub's acceptance of each record to here.
    """
    if not feeds:
        print("Name at least one feed; `customs-connect read` lists those that you may read.")
        return 2
    if (since is None and known_at is not None) or (since is not None and state is not None):
        raise ConnectorError("--known-at goes with --since, and --since without --state: the past is tried apart")
    consignors = frozenset(known.read_text().split()) if known is not None else frozenset()
    settings = Settings(grace_seconds=grace_seconds, known_consignors=consignors)
    with closing(Engine(state if state is not None else ":memory:", settings)) as risk:
        desk = _Desk(risk, hub, watched=watched, kept=state is not None, stream=stream, json=json)
        desk.asking = feeds[0] if ask else ""
        if since is not None:
            asyncio.run(desk.rehearse(feeds, since, known_at))
            return 0
        print(
            f"reading {', '.join(feeds)} from {hub.hub}; alerts appear as they arise, one about a missing filing "
            f"{grace_seconds:g} s after the gate-in (--grace-seconds); Ctrl-C ends",
            file=sys.stderr,
            flush=True,
        )
        asyncio.run(desk.run(feeds))
    return 0


class _Desk:
    """Where feeds come in and alerts go out. `kept`: what the engine knows outlives it."""

    def __init__(
        self, risk: Engine, hub: HubOptions, *, watched: Path | None, kept: bool, stream: bool, json: bool
    ) -> None:
        self._risk, self._hub, self._watched, self._watched_ns = risk, hub, watched, 0
        self._kept, self._stream, self._json = kept, stream, json
        self.asking = ""
        """The feed under which companies are asked; empty: nobody is."""

    async def run(self, feeds: tuple[str, ...]) -> None:
        async with self._hub.session(ALL_SCOPES) as session:
            acts = (self._follow(session, feeds), self._tick(), self._hear(session), self._ask(session))
            tasks = [asyncio.ensure_future(act) for act in acts]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            for task in done:
                task.result()

    async def rehearse(self, feeds: tuple[str, ...], since: str, known_at: str | None) -> None:
        """What the rules find in the past, all of it at once, as of the moment at which it was known."""
        async with self._hub.session(ALL_SCOPES) as session:
            for feed in feeds:
                replay = await begin(session, feed, since=since, known_at=known_at)
                async with aclosing(Replay(session, replay).groups()) as groups:
                    async for group in groups:
                        self._tell_gap(feed, group)
                        self._risk.study(group.records)
                await end(session, replay)
        then_us = _now_us() if known_at is None else instant_us(known_at) or _now_us()
        self._print([*self._watch(then_us), *self._risk.tick(now_us=then_us)])

    async def _follow(self, session: HubSession, feeds: tuple[str, ...]) -> None:
        following = Following(*await self._lanes(session, feeds))
        async with aclosing(following.groups()) as groups:
            async for group in groups:
                now_us = _now_us()
                self._tell_gap(group.place, group)
                alerts = self._risk.take(group.place, group, now_us=now_us)
                self._print_group(group, now_us)
                self._print(alerts)
                if self._kept:
                    await following.done(group)

    async def _lanes(self, session: HubSession, feeds: tuple[str, ...]) -> list[Reader]:
        """The urgent ones first."""
        urgent = {each["name"] for each in await _patiently(session) if each.get("urgent")}
        lanes = [(feed, "urgent") for feed in feeds if feed in urgent] + [(feed, "") for feed in feeds]
        readers = []
        for feed, lane in dict.fromkeys(lanes):
            token = self._risk.checkpoint.load(f"{feed}/{lane}" if lane else feed)
            fresh = not self._kept
            readers.append(Reader(session, feed, lane=lane, token=token, push=self._stream, from_start=fresh))
        return readers

    async def _tick(self) -> None:
        while True:
            self._print([*self._watch(_now_us()), *self._risk.tick(now_us=_now_us())])
            await asyncio.sleep(TICK_SECONDS)

    async def _ask(self, session: HubSession) -> None:
        while self.asking:
            for each in self._risk.questions():
                notice = Notice(
                    id=each.id,
                    kind="information-requested",
                    feed=self.asking,
                    text=each.text,
                    language="en",
                    object={"scheme": "iso6346", "value": each.container},
                    publisher=each.publisher,
                )
                try:
                    await send(session, notice)
                except HubUnreachable:
                    break
                except HubRefused as e:
                    if e.retryable:
                        break
                    print(f"{each.container}: not asked: {e}", file=sys.stderr, flush=True)
                self._risk.asked(each)
            await asyncio.sleep(TICK_SECONDS)

    def _watch(self, now_us: int) -> list[Alert]:
        """Read the watch list again, if it has changed. One that is just being replaced is looked at later."""
        if self._watched is None or not self._watched.exists():
            return []
        if (changed_ns := self._watched.stat().st_mtime_ns) == self._watched_ns:
            return []
        self._watched_ns = changed_ns
        return self._risk.watch(self._watched.read_text().split(), now_us=now_us)

    async def _hear(self, session: HubSession) -> None:
        """What the hub tells of credentials that leaked."""
        while True:
            try:
                async with aclosing(notices(session, self._risk.checkpoint.load(NOTICES))) as pages:
                    async for page in pages:
                        heard = self._risk.hear(NOTICES, page.notices, page.cursor, now_us=_now_us())
                        self._print(heard)
            except HubUnreachable:
                pass
            except HubRefused as e:
                if not e.retryable:
                    print(f"trust that is withdrawn will not be heard of: {e}", file=sys.stderr, flush=True)
                    return
            await asyncio.sleep(NOTICES_SECONDS)

    def _print(self, alerts: Iterable[Alert]) -> None:
        """Each alert, and what its object scores now."""
        objects: dict[str, None] = {}
        for alert in alerts:
            objects[alert.object] = None
            if self._json:
                print_json({"kind": "alert", **to_builtins(alert)})
            else:
                print(alert.line(), flush=True)
        for score in map(self._risk.score, objects):
            if self._json:
                print_json({"kind": "score", **to_builtins(score)})
            else:
                print(score.line(), flush=True)

    def _tell_gap(self, feed: str, group: Group) -> None:
        if group.after_gap:
            print(f"{feed}: something was purged before it was read", file=sys.stderr, flush=True)

    def _print_group(self, group: Group, now_us: int) -> None:
        if not self._json:
            return
        received = [instant_us(record.get("receivedtime", "")) for record in group.records]
        waits_ms = [round((now_us - at) / 1000, 1) for at in received if at is not None]
        told = {"feed": group.place, "count": len(group.records), "after_gap": group.after_gap}
        print_json({"kind": "records", **told, "milliseconds": waits_ms})


def _now_us() -> int:
    return time.time_ns() // 1000


async def _patiently(session: HubSession) -> list[dict[str, object]]:
    """The feeds that may be read, once the hub is there. Raises `HubRefused`."""
    while True:
        try:
            return await feeds_of(session)
        except HubUnreachable:
            await asyncio.sleep(TICK_SECONDS)
        except HubRefused as e:
            if not e.retryable:
                raise
            await asyncio.sleep(max(TICK_SECONDS, e.retry_after_seconds))
