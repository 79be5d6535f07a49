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
from connectors.risk.kafka import KafkaReader, by_certificate, by_password, feed_consumer


def asked(arguments: list[str]) -> Namespace:
    parser = ArgumentParser()
    for name in ("work", "bootstrap", "ca_file", "topic", "group"):
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
    async with feed_consumer(asked.topic, asked.bootstrap, asked.group, **proof) as consumer:
        reader = KafkaReader(consumer, asked.topic, token=checkpoint.load(asked.topic), limit=20)
        async with aclosing(reader.groups()) as groups:
            async for group in groups:
                with checkpoint.work(group) as records:
                    bodies = [(orjson.dumps(record).decode(),) for record in records]
                    database.executemany("insert into event values (?)", bodies)
                await reader.done(group)


if __name__ == "__main__":
    asyncio.run(main(asked(sys.argv[1:])))
