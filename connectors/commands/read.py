"""`customs-connect read`."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from typing import Annotated, Any

from cyclopts import App, Parameter

from connectors.commands.shared import JSON, HubOptions, print_json
from connectors.risk.reader import SCOPE, Reader, feeds

app = App(name="customs-connect read", help="Read a feed.")


@app.default
def read(
    feed: str | None = None,
    /,
    *,
    hub: HubOptions,
    stream: Annotated[bool, Parameter(negative=())] = False,
    ack: Annotated[bool, Parameter(negative=())] = False,
    from_start: Annotated[bool, Parameter(negative=())] = False,
    count: int | None = None,
    json: JSON = False,
) -> None:
    """Print a feed's records as they come, from the last acknowledged place; without FEED, list the feeds.

    Parameters
    ----------
    feed
        The feed's name.
    stream
        Have the hub push them (Server-Sent Events), instead of pulling.
    ack
        Acknowledge what was printed, so that the next run goes on after it.
    from_start
        Begin with the earliest record that the hub keeps, whatever was acknowledged.
    count
        Stop after so many records (at the end of their group).
    json
        Print each record whole, as one JSON object.
    """
    if feed is None:
        asyncio.run(_list(hub, json=json))
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
    async with hub.session(SCOPE) as session:
        reader = Reader(
            session, feed, from_start=from_start, on_idle=lambda: print(nothing, file=sys.stderr, flush=True)
        )
        printed_count = 0
        async with aclosing(reader.stream() if stream else reader.pull()) as groups:
            async for group in groups:
                for record in group.records:
                    print_record(record, json=json)
                if ack:
                    await reader.acknowledge(group.token)
                printed_count += len(group.records)
                if count is not None and printed_count >= count:
                    return


def print_record(record: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(record)
        return
    subjects = record["data"].get("subjects", ())
    about = " ".join(f"{each.get('scheme')}:{each.get('value')}" for each in subjects)
    print(f"{record['time']}  {record['type']}  {record.get('publisher', '-')}  {about}".rstrip(), flush=True)
