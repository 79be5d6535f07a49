"""A risk engine of a few lines over the reader kit, killed at any time: `python -m tests.journeys.kafka_reader`."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from argparse import ArgumentParser, Namespace
from contextlib import aclosing
from pathlib import Path

import orjson

from connectors.risk.checkpoint import SQLiteCheckpoint
from connectors.risk.kafka import by_certificate, by_password, feed_consumer, read_topic


def asked(arguments: list[str]) -> Namespace:
    parser = ArgumentParser()
    for name in ("work", "bootstrap", "ca_file", "topic"):
        parser.add_argument(name)
    for name in ("--user", "--password-file", "--certificate", "--key"):
        parser.add_argument(name, default="")
    return parser.parse_args(arguments)


async def main(asked: Namespace) -> None:
    database = sqlite3.connect(asked.work)
    database.execute("create table if not exists event (body text)")
    checkpoint = SQLiteCheckpoint(database)
    if asked.user:
        proof = by_password(asked.user, Path(asked.password_file).read_text(), asked.ca_file)
    else:
        proof = by_certificate(asked.certificate, asked.key, asked.ca_file)
    async with (
        feed_consumer(asked.topic, asked.bootstrap, **proof) as consumer,
        aclosing(read_topic(consumer, checkpoint.load(asked.topic), limit=20)) as groups,
    ):
        async for group in groups:
            with database:
                bodies = [(orjson.dumps(record).decode(),) for record in group.records]
                database.executemany("insert into event values (?)", bodies)
                checkpoint.save(asked.topic, group.token)


if __name__ == "__main__":
    asyncio.run(main(asked(sys.argv[1:])))
