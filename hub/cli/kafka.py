"""`customs-hub kafka`: a real Apache Kafka on this machine, for trying, testing and measuring."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

if TYPE_CHECKING:
    from hub.lab.kafka import KafkaCluster

app = App(name="kafka", help="A real Apache Kafka on this machine, without Docker.")


@app.command
def up(
    *,
    brokers: Literal[1, 3] = 1,
    data: Path = Path("var/kafka"),
    port: int = 0,
    recipients: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Start Apache Kafka in the background and wait until it answers.

    Parameters
    ----------
    brokers
        With 3, every record is on three brokers and an append needs two of them.
    data
        Where settings, records and logs are kept.
    port
        The port of the first broker, the others follow; 0 takes free ones.
    recipients
        With listeners where recipients read their feeds from Kafka itself, by password or certificate; so it stays.
        With one broker on --port 9092 they are 9093 and 9094.
    """
    from hub.core.errors import HubError
    from hub.lab.kafka import KafkaCluster

    cluster = KafkaCluster(data)
    try:
        cluster.up(brokers, port, recipients=recipients)
    except HubError as error:
        print(f"customs-hub kafka: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    _say(cluster)
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
        _say(cluster)
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


@app.command
def certificate(subject: str, name: str, /, *, data: Path = Path("var/kafka")) -> None:
    """Issue a certificate by which a reader proves itself to brokers that were started with `--recipients`.

    Parameters
    ----------
    subject
        Whom it names, as RFC 4514 writes it, such as CN=engine,O=Customs,C=NL.
    name
        Of the files NAME.crt and NAME.key in the data directory.
    """
    from hub.lab.kafka_tls import AUTHORITY, issue

    if not (data / AUTHORITY).exists():
        print(f"customs-hub kafka: no brokers in {data} were started with --recipients", file=sys.stderr)
        raise SystemExit(1)
    try:
        files = issue(data, subject, name)
    except ValueError as error:
        print(f"customs-hub kafka: {subject}: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    for file in files:
        print(file)


def _say(cluster: KafkaCluster) -> None:
    print(f"bootstrap  {cluster.bootstrap}")
    for proof, address in cluster.recipients.items():
        print(f"{proof:<9}  {address}")
    if cluster.recipients:
        print(f"authority  {cluster.authority}")
    print(f"logs       {cluster.logs}")
