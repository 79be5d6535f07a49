"""What the log needs of a topic: the settings it is made with, and what is wrong with one that is there already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

from hub.core.finding import Finding
from hub.core.record import Stream
from hub.core.settings import KafkaSettings

AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
REAUTHENTICATION_MS_MAX = 3_600_000
"""An hour: so long somebody whose password ended may keep what its access rules do not take away."""
_SEGMENT_MS_MAX = 7 * 86_400_000
_SEGMENT_MS_MIN = 60_000


class Topic(Struct, frozen=True):
    """A topic as the brokers describe it."""

    partitions: int
    replication: int
    leaderless: int
    """Partitions that nobody leads just now."""
    settings: dict[str, str]


def topic_settings(stream: Stream, replication: int, message_bytes_min: int) -> dict[str, str]:
    """The settings of a new topic."""
    return {
        "cleanup.policy": "delete",
        **retention_settings(_retention_ms(stream)),
        "retention.bytes": "-1",
        "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": str(message_bytes_min),
        "min.insync.replicas": str(_in_sync(replication)),
        "unclean.leader.election.enable": "false",
    }


def retention_settings(retention_ms: int) -> dict[str, str]:
    """Kafka lets go of whole segments: a tenth of the retention is how long a record may stay beyond it. -1: for
    ever."""
    segment_ms = min(_SEGMENT_MS_MAX, max(_SEGMENT_MS_MIN, retention_ms // 10)) if retention_ms > 0 else _SEGMENT_MS_MAX
    return {"retention.ms": str(retention_ms), "segment.ms": str(segment_ms)}


def check(name: str, stream: Stream, topic: Topic, message_bytes_min: int) -> list[Finding]:
    """One finding for each thing that the log needs of the topic `name`, as far as the hub may see it."""
    found, wanted = topic.settings, topic_settings(stream, topic.replication, message_bytes_min)

    def same(key: str, level: Literal["warn", "fail"]) -> Finding:
        value = found.get(key, "")
        return _finding(value == wanted[key], level, f"{name} {key}", value, wanted[key], _set(name, key, wanted[key]))

    def between(key: str, most: int | None) -> Finding:
        value, least = int(found.get(key, 0)), int(wanted[key])
        holds = value >= least and (most is None or value <= most)
        return _finding(holds, "fail", f"{name} {key}", value, f"at least {least}", _set(name, key, least))

    shape = [
        _finding(
            topic.partitions == stream.partitions, "fail", f"{name} partitions", topic.partitions, stream.partitions,
            "set the partition count that the topic has, or take another topic prefix",
        ),
        _finding(
            topic.replication >= 3, "warn", f"{name} replication", topic.replication, "3",
            "with three brokers or more, reassign its partitions to three of them",
        ),
    ]  # fmt: skip
    if not found:
        fix = "grant DESCRIBE_CONFIGS on its topics to the hub's user, and check the settings by hand until then"
        return [*shape, Finding("warn", f"{name} settings", "hidden from the hub", "visible", fix)]
    return [
        *shape,
        same("cleanup.policy", "fail"),
        same("unclean.leader.election.enable", "fail"),
        same("message.timestamp.type", "warn"),
        same("retention.ms", "warn"),
        between("min.insync.replicas", topic.replication),
        between("max.message.bytes", None),
    ]


def check_broker(broker: int, settings: dict[str, str], append_ms_max: int) -> list[Finding]:
    """What of a broker's own settings shows when another broker dies, or a stream ends, as far as the hub sees them."""
    findings = []
    if (found_ms := settings.get("broker.session.timeout.ms")) is not None:
        most_ms = append_ms_max // 2
        what, expected = f"broker {broker} broker.session.timeout.ms", f"at most {most_ms}"
        fix = "lower it in server.properties: for so long appends to a dead broker's partitions have no leader"
        findings.append(_finding(int(found_ms) <= most_ms, "warn", what, found_ms, expected, fix))
    if (makes := settings.get("auto.create.topics.enable")) is not None:
        what = f"broker {broker} auto.create.topics.enable"
        fix = "switch it off in server.properties: a topic that was dropped could come back, with other settings"
        findings.append(_finding(makes == "false", "warn", what, makes, "false", fix))
    return findings


def check_readers(brokers: Mapping[int, dict[str, str]], kafka: KafkaSettings) -> list[Finding]:
    """What of the brokers' settings would let readers do more than they are allowed, or longer, or keep them out."""
    findings = []
    for broker, settings in sorted(brokers.items()):
        for key, holds, expected, fix in _readers_need(settings, kafka):
            what = f"broker {broker} {key}"
            findings.append(_finding(holds, "fail", what, settings.get(key, ""), expected, fix))
    own = set(kafka.bootstrap.split(","))
    shared = own & {*kafka.recipients_scram.split(","), *kafka.recipients_mtls.split(",")}
    fix = "give recipients listeners of their own, on ports that the hub does not use"
    told = ", ".join(sorted(shared)) or "their own"
    findings.append(_finding(not shared, "fail", "listeners of recipients", told, "other than `kafka.bootstrap`", fix))
    return findings


def _readers_need(settings: dict[str, str], kafka: KafkaSettings) -> Iterator[tuple[str, bool, str, str]]:
    """Setting, whether it is so, what is expected, and what to do."""
    key = "authorizer.class.name"
    fix = f"set {AUTHORIZER} in server.properties, and the hub and the brokers as `super.users`"
    yield key, bool(settings.get(key)), AUTHORIZER, fix
    key = "allow.everyone.if.no.acl.found"
    fix = "switch it off in server.properties: every reader would see every topic without rules"
    yield key, settings.get(key, "false") == "false", "false", fix
    protocols = settings.get("listener.security.protocol.map", "")
    listeners = settings.get("advertised.listeners") or settings.get("listeners", "")
    named = {each.partition("://")[0] for each in listeners.split(",")}
    offered = {
        protocol for name, _, protocol in (each.partition(":") for each in protocols.split(",")) if name in named
    }
    for wanted, address in (("SASL_SSL", kafka.recipients_scram), ("SSL", kafka.recipients_mtls)):
        if address:
            fix = f"add a listener of the protocol {wanted} for recipients in server.properties"
            yield "listener.security.protocol.map", wanted in offered, f"a listener by {wanted}", fix
    if kafka.recipients_scram:
        key = "connections.max.reauth.ms"
        found = int(settings.get(key) or 0)
        fix = "set it in server.properties: without it a connection outlives the password that opened it"
        yield key, 0 < found <= REAUTHENTICATION_MS_MAX, f"1 to {REAUTHENTICATION_MS_MAX}", fix


def absent(name: str, stream: Stream, create_topics: bool, message_bytes_min: int) -> Finding:
    """What is said of a topic that is not there: nothing is wrong if the hub may make it."""
    settings = topic_settings(stream, 3, message_bytes_min)
    options = " ".join(f"--config {key}={value}" for key, value in settings.items())
    fix = (
        "the hub makes it when it starts"
        if create_topics
        else f"kafka-topics.sh --create --topic {name} --partitions {stream.partitions} "
        f"--replication-factor 3 {options}"
    )
    return Finding("warn" if create_topics else "fail", name, "absent", f"{stream.partitions} partitions", fix)


def _finding(
    holds: bool, level: Literal["warn", "fail"], what: str, found: object, expected: object, fix: str
) -> Finding:
    return Finding("ok" if holds else level, what, str(found), str(expected), "" if holds else fix)


def _set(name: str, key: str, value: object) -> str:
    return f"kafka-configs.sh --alter --entity-type topics --entity-name {name} --add-config {key}={value}"


def _in_sync(replication: int) -> int:
    """An acknowledged record must be on two machines as soon as there are two."""
    return min(2, replication)


def _retention_ms(stream: Stream) -> int:
    return -1 if stream.retention_seconds is None else stream.retention_seconds * 1_000
