"""`customs-connect read`."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import orjson
from cyclopts import App, Parameter
from cyclopts.validators import Number

from connectors.commands.shared import JSON, HubOptions, print_json, say, say_waiting
from connectors.errors import ConnectorError
from connectors.feed_seal import Sealed
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
        keys. `verify-disclosure` takes them. Records are printed once their seal has come. Not with --stream.
    json
        Print each record whole, as one JSON object.
    """
    if stream and proof is not None:
        raise ConnectorError("--proof pulls: a stream carries no seals")
    if feed is None:
        asyncio.run(_list(hub, json=json))
    elif proof is not None:
        asyncio.run(_read_sealed(feed, hub, proof, ack=ack, from_start=from_start, count=count, json=json))
    else:
        asyncio.run(_read(feed, hub, stream=stream, ack=ack, from_start=from_start, count=count, json=json))


async def _list(hub: HubOptions, *, json: bool) -> None:
    async with hub.session(SCOPE) as session:
        for each in await feeds(session):
            if json:
                print_json(each)
            else:
                print(f"{each['name']}  {each.get('purpose', '')}".rstrip())


async def _read(
    feed: str, hub: HubOptions, *, stream: bool, ack: bool, from_start: bool, count: int | None, json: bool
) -> None:
    nothing = f"nothing new in {feed} after the place acknowledged last; waiting (Ctrl-C ends; --from-start shows all)"
    if from_start:
        nothing = f"nothing in {feed} yet; waiting (Ctrl-C ends)"
    left = sys.maxsize if count is None else count
    async with hub.session(SCOPE) as session:
        said: dict[str, Any] = {"on_idle": partial(say, nothing), "on_waiting": partial(say_waiting, hub.hub)}
        reader = Reader(session, feed, push=stream, limit=min(left, PAGE), from_start=from_start, **said)
        async with aclosing(reader.groups()) as groups:
            async for group in groups:
                records = group.records if ack else group.records[:left]
                for record in records:
                    print_record(record, json=json)
                if ack:
                    await reader.acknowledge(group.token)
                left -= len(records)
                if left <= 0:
                    return
                reader.limit = min(left, PAGE)


async def _read_sealed(
    feed: str, hub: HubOptions, directory: Path, *, ack: bool, from_start: bool, count: int | None, json: bool
) -> None:
    left = sys.maxsize if count is None else count
    async with hub.session(SCOPE) as session:
        pages, shelf = list[bytes](), _Shelf(session, feed, directory)
        said: dict[str, Any] = {"on_page": pages.append, "on_waiting": partial(say_waiting, hub.hub)}
        reader = Reader(session, feed, from_start=from_start, **said)
        async with aclosing(reader.pull()) as groups:
            async for group in groups:
                sealed = [each for page in pages for each in await shelf.take(page)]
                for each in sealed if ack else sealed[: max(left, 0)]:
                    print_record(orjson.loads(each.record), json=json)
                pages.clear()
                left -= len(sealed)
                if ack and not shelf.records.waiting:
                    await reader.acknowledge(group.token)
                if left <= 0 and not (ack and shelf.records.waiting):
                    return


class _Shelf:
    """Pages with seals in a directory, beside the hub's keys under which they verify."""

    def __init__(self, session: HubSession, feed: str, directory: Path) -> None:
        self._check = SealCheck(session)
        self.records = self._check.records
        self._feed, self._directory = feed, directory

    async def take(self, page: bytes) -> list[Sealed]:
        """Keep a page; the records that may be relied on now. Raises `SealInvalid`, also after a look at new keys."""
        self._write(f"{self._feed}-{sha256(page).hexdigest()[:32]}.json", page)
        known = self._check.published
        taken = await self._check.take(page)
        if self._check.published is not known:
            self._write("keys.json", self._check.published)
        return taken

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
