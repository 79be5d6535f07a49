"""`customs-hub kafka`: a real Apache Kafka on this machine, for trying, testing and measuring."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from cyclopts import App

app = App(name="kafka", help="A real Apache Kafka on this machine, without Docker.")


@app.command
def up(*, brokers: Literal[1, 3] = 1, data: Path = Path("var/kafka"), port: int = 0) -> None:
    """Start Apache Kafka in the background and wait until it answers.

    Parameters
    ----------
    brokers
        With 3, every record is on three brokers and an append needs two of them.
    data
        Where settings, records and logs are kept.
    port
        The port of the first broker, the others follow; 0 takes free ones.
    """
    from hub.core.errors import HubError
    from hub.lab.kafka import KafkaCluster

    cluster = KafkaCluster(data)
    try:
        cluster.up(brokers, port)
    except HubError as error:
        print(f"customs-hub kafka: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    print(f"bootstrap  {cluster.bootstrap}")
    print(f"logs       {cluster.logs}")
    print(f"stop with  customs-hub kafka down --data {data}")


@app.command
def status(*, data: Path = Path("var/kafka")) -> None:
    """Say which brokers run; exit code 1 unless all of them do."""
    from hub.lab.kafka import KafkaCluster

    cluster = KafkaCluster(data)
    running = cluster.running()
    if not running:
        print(f"no Kafka in {data}")
    else:
        print(f"bootstrap  {cluster.bootstrap}")
        print(f"logs       {cluster.logs}")
    for broker, runs in running.items():
        print(f"broker {broker}   {'running' if runs else 'stopped'}")
    if not running or not all(running.values()):
        raise SystemExit(1)


@app.command
def down(*, data: Path = Path("var/kafka")) -> None:
    """Stop the brokers that `up` started with this data directory; the records stay."""
    from hub.lab.kafka import KafkaCluster

    stopped = KafkaCluster(data).down()
    print(f"stopped {len(stopped)} broker(s)")
