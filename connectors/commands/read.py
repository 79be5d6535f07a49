"""`customs-connect read`."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from cyclopts.validators import Number

from connectors.commands.shared import JSON, HubOptions, print_json, say, say_waiting
from connectors.feed_seal import SealInvalid
from connectors.risk.proved import SealCheck
from connectors.risk.reader import SCOPE, Reader, feeds
from connectors.session import HubSession
from connectors.terminal import plain

PAGE = 500
"""Records of one page."""

app = App(name="customs-connect read")


@app.default
def read(
    feed: str | None = None,
    /,
    *,
    hub: HubOptions,
    stream: Annotated[bool, Parameter(negative=())] = False,
    ack: Annotated[bool, Parameter(negative=())] = False,
    from_start: Annotated[bool, Parameter(negative=())] = False,
    count: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    proof: Path | None = None,
    json: JSON = False,
) -> None:
    """Print a feed's records as they come, from the last acknowledged place; without FEED, list the feeds.

    Parameters
    ----------
    feed
        The feed's name.
    stream
        Read the feed's stream (Server-Sent Events), instead of pulling.
    ack
        Acknowledge what was printed, so that the next run goes on after it.
    from_start
        Begin with the earliest record that the hub keeps, whatever was acknowledged.
    count
        Stop after so many records; of a stream that is acknowledged, at the end of their group.
    proof
        A directory for the pages as they came, with the seals of what they withhold, each verified; and for the hub's
        keys. `verify-disclosure` takes them.
    json
        Print each record whole, as one JSON object.
    """
    if feed is None:
        asyncio.run(_list(hub, json=json))
        return
    asyncio.run(_read(feed, hub, stream=stream, ack=ack, from_start=from_start, count=count, proof=proof, json=json))


async def _list(hub: HubOptions, *, json: bool) -> None:
    async with hub.session(SCOPE) as session:
        for each in await feeds(session):
            if json:
                print_json(each)
            else:
                print(f"{each['name']}  {each.get('purpose', '')}".rstrip())


async def _read(
    feed: str,
    hub: HubOptions,
    *,
    stream: bool,
    ack: bool,
    from_start: bool,
    count: int | None,
    proof: Path | None,
    json: bool,
) -> None:
    nothing = f"nothing new in {feed} after the place acknowledged last; waiting (Ctrl-C ends; --from-start shows all)"
    if from_start:
        nothing = f"nothing in {feed} yet; waiting (Ctrl-C ends)"
    left, pages = sys.maxsize if count is None else count, list[bytes]()
    async with hub.session(SCOPE) as session:
        said: dict[str, Any] = {"on_idle": partial(say, nothing), "on_waiting": partial(say_waiting, hub.hub)}
        shelf = None if proof is None else _Shelf(session, feed, proof)
        said |= {} if shelf is None else {"on_page": pages.append}
        reader = Reader(session, feed, push=stream, limit=min(left, PAGE), from_start=from_start, **said)
        async with aclosing(reader.groups()) as groups:
            async for group in groups:
                if shelf is not None:
                    await shelf.put(pages.pop())
                records = group.records if ack else group.records[:left]
                for record in records:
                    print_record(record, json=json)
                if ack:
                    await reader.acknowledge(group.token)
                left -= len(records)
                if left <= 0:
                    return
                reader.limit = min(left, PAGE)


class _Shelf:
    """Pages with seals in a directory, beside the hub's keys under which they verify."""

    def __init__(self, session: HubSession, feed: str, directory: Path) -> None:
        self._check = SealCheck(session, feed)
        self._feed, self._directory = feed, directory

    async def put(self, page: bytes) -> None:
        """Keep a page. Raises `SealInvalid` where its records may not be relied on, also by the hub's newest keys."""
        self._write(f"{self._feed}-{sha256(page).hexdigest()[:32]}.json", page)
        known = self._check.published
        await self._check.take(page)
        if self._check.published is not known:
            self._write("keys.json", self._check.published)
        if waiting := self._check.records.waiting:
            raise SealInvalid(f"no seal has come over {waiting} records")

    def _write(self, name: str, content: bytes) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        (self._directory / name).write_bytes(content)


def print_record(record: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(record)
        return
    subjects = record["data"].get("subjects", ())
    about = " ".join(f"{each.get('scheme')}:{each.get('value')}" for each in subjects)
    which = f"{record.get('source', '')} {record.get('id', '')}".strip()
    told = (record["time"], record["type"], record.get("publisher", "-"), about, which)
    print(plain("  ".join(each for each in told if each)), flush=True)
