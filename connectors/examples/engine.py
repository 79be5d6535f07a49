"""A risk engine in sixty lines, to be changed: containers that were opened before they were loaded.

    python connectors/examples/engine.py https://hub.example customs.engine risk.pem gates

Rules of your own go into `judge`; whatever it writes to the database is stored exactly once for each event, however
often this program is killed: work and place in the feed are one transaction.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from connectors.keys import read_key
from connectors.risk import Following, Reader, SQLiteCheckpoint
from connectors.session import HubSession

TABLES = """
create table if not exists seen (container text, type text, at text);
create table if not exists alert (container text, why text);
"""


def judge(database: sqlite3.Connection, record: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What to tell of one event: (container, why). It may look at all that came before."""
    data, type_ = record["data"], record["type"]
    containers = [each["value"] for each in data.get("subjects", ()) if each.get("scheme") == "iso6346"]
    for container in containers:
        database.execute("insert into seen values (?, ?, ?)", (container, type_, data["occurred_at"]))
        if type_ == "customs.seal.broken":
            yield container, f"its seal was found broken at {data['occurred_at']}"
        opened = "select 1 from seen where container = ? and type = 'customs.seal.broken'"
        if type_ == "customs.container.loaded" and database.execute(opened, (container,)).fetchone():
            yield container, "it was loaded after its seal had been broken"


async def main(hub: str, system: str, key: str, feed: str) -> None:
    database = sqlite3.connect("engine.db")
    database.executescript(TABLES)
    checkpoint = SQLiteCheckpoint(database)
    async with HubSession(hub, client_id=system, key=read_key(Path(key)), scope="feeds:read") as session:
        reader = Reader(session, feed, token=checkpoint.load(feed), from_start=True)  # Its own place, or the beginning.
        source = Following(reader)  # More lanes and feeds go here.
        async with aclosing(source.groups()) as groups:
            async for group in groups:
                with checkpoint.work(group) as records:
                    alerts = [alert for record in records for alert in judge(database, record)]
                    database.executemany("insert into alert values (?, ?)", alerts)
                for container, why in alerts:
                    print(f"{container}: {why}", flush=True)
                await source.done(group)  # Signed: the company may see that its event was looked at, and no more.


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
