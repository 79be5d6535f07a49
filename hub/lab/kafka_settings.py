"""The properties of a local broker: small, on this machine only, and quick to notice that another has died."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from hub.lab.kafka_tls import AUTHORITY

HEAP = "384m"
REAUTHENTICATION_MS = 60_000
"""After so long a connection with a password has to show it again, and ends where it is no longer good."""


class Node(Struct, frozen=True):
    """One broker, which is a KRaft controller as well."""

    id: int
    port: int
    controller_port: int
    scram_port: int = 0
    """Of a listener for recipients with passwords; 0: there is none, nor one for certificates."""
    mtls_port: int = 0


def properties(node: Node, nodes: Sequence[Node], directory: Path) -> str:
    """`server.properties` of one node. With three nodes an acknowledged record survives the loss of any one of them."""
    replication = min(3, len(nodes))
    in_sync = 2 if replication == 3 else 1
    settings: dict[str, object] = {
        "process.roles": "broker,controller",
        "node.id": node.id,
        "controller.quorum.voters": ",".join(f"{each.id}@127.0.0.1:{each.controller_port}" for each in nodes),
        "listeners": f"PLAINTEXT://127.0.0.1:{node.port},CONTROLLER://127.0.0.1:{node.controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{node.port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": directory / f"node-{node.id}",
        "auto.create.topics.enable": "false",
        "default.replication.factor": replication,
        "min.insync.replicas": in_sync,
        "offsets.topic.num.partitions": 4,
        "offsets.topic.replication.factor": replication,
        "transaction.state.log.num.partitions": 4,
        "transaction.state.log.replication.factor": replication,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": replication,
        "share.coordinator.state.topic.min.isr": in_sync,
        "group.initial.rebalance.delay.ms": 0,
        # A dead broker is noticed after 3 s rather than 9 s: an append has a deadline of 7 s, and should outlive it.
        "broker.session.timeout.ms": 3_000,
        "broker.heartbeat.interval.ms": 500,
        "replica.lag.time.max.ms": 3_000,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "log.cleaner.dedupe.buffer.size": 8_388_608,
    }
    if node.scram_port:
        settings |= _recipients(node, settings, directory)
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _recipients(node: Node, settings: Mapping[str, object], directory: Path) -> dict[str, object]:
    """Two more listeners, for whom nothing is allowed that is not said; whoever comes by the hub's own may do all."""
    scram, mtls = "listener.name.scram.", "listener.name.mtls."
    more = f",SCRAM://127.0.0.1:{node.scram_port},MTLS://127.0.0.1:{node.mtls_port}"
    protocols = ",SCRAM:SASL_SSL,MTLS:SSL"
    tls = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": directory / f"broker-{node.id}.key",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": directory / AUTHORITY,
    }
    return {
        "listeners": f"{settings['listeners']}{more}",
        "advertised.listeners": f"{settings['advertised.listeners']}{more}",
        "listener.security.protocol.map": f"{settings['listener.security.protocol.map']}{protocols}",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "connections.max.reauth.ms": REAUTHENTICATION_MS,
        **{f"{listener}{name}": value for listener in (scram, mtls) for name, value in tls.items()},
        f"{mtls}ssl.client.auth": "required",
        f"{scram}sasl.enabled.mechanisms": "SCRAM-SHA-512",
        f"{scram}scram-sha-512.sasl.jaas.config": ("org.apache.kafka.common.security.scram.ScramLoginModule required;"),
    }


def command(java: str, classpath: str, node: Node, directory: Path) -> list[str]:
    """How a broker is started; its log turns over at 16 MiB and keeps three old parts."""
    return [
        java,
        f"-Xmx{HEAP}",
        "-XX:+ExitOnOutOfMemoryError",
        "-Djava.awt.headless=true",
        f"-Dlog4j2.configurationFile={directory / 'log4j2.properties'}",
        f"-Dhub.log={directory / 'logs' / f'broker-{node.id}.log'}",
        "-cp",
        classpath,
        "kafka.Kafka",
        str(directory / f"node-{node.id}.properties"),
    ]


LOG4J2 = """\
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = ${sys:hub.log}
appender.file.filePattern = ${sys:hub.log}.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{ISO8601} %p %c{1}: %m%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 16MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 3
rootLogger.level = INFO
rootLogger.appenderRef.file.ref = file
"""
