"""Which of the brokers' rules are readers', which are the hub's own, and which `doctor` tells of as made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AclBinding, AclOperation, AclPermissionType, ResourcePatternType, ResourceType
from cryptography.hazmat.primitives.serialization import Encoding

from hub.core.settings import KafkaSettings
from hub.drivers.kafka.feed_access import KafkaFeedAccess
from hub.drivers.system.clock import SystemClock
from hub.ports.feed_access import Right
from tests.certificates import Pair

ALL, READ, DESCRIBE = AclOperation.ALL, AclOperation.READ, AclOperation.DESCRIBE
LITERAL, PREFIXED = ResourcePatternType.LITERAL, ResourcePatternType.PREFIXED


def access(**settings: Any) -> KafkaFeedAccess:
    return KafkaFeedAccess(KafkaSettings(bootstrap="b:1", **settings), clock=SystemClock(), event_bytes_max=262_144)


def rule(
    operation: AclOperation = READ,
    host: str = "*",
    *,
    name: str = "hub.feed.risk",
    pattern: ResourcePatternType = LITERAL,
    principal: str = "User:eve",
) -> AclBinding:
    return AclBinding(ResourceType.TOPIC, name, pattern, principal, host, operation, AclPermissionType.ALLOW)


@pytest.mark.parametrize(
    ("by_hand", "may", "host"),
    [(rule(ALL), "all", "*"), (rule(host="10.0.0.7"), "read", "10.0.0.7"), (rule(AclOperation.ALTER), "alter", "*")],
)
def test_each_rule_on_a_feeds_own_topic_is_told_as_a_right_and_reported(
    by_hand: AclBinding, may: str, host: str
) -> None:
    right = access()._right(by_hand)

    assert right == Right("eve", "stream", "hub.feed.risk", may, host)
    assert AclBinding(*access()._rule(right)) == by_hand
    assert access()._wide([by_hand]).level == "warn"


@pytest.mark.parametrize(
    "wide",
    [
        rule(name="*"),
        rule(ALL, name="hub.", pattern=PREFIXED),
        rule(AclOperation.ALTER, name="hub.feed.risk", pattern=PREFIXED),
        rule(principal="Group:eve"),
    ],
)
def test_a_rule_that_the_hub_leaves_alone_is_reported(wide: AclBinding) -> None:
    assert (access()._right(wide), access()._wide([wide]).level) == (None, "warn")


def test_what_the_hub_gives_and_what_is_about_no_feed_is_not_reported() -> None:
    rules = [rule(), rule(DESCRIBE), rule(ALL, name="hub.events"), rule(DESCRIBE, name="*")]

    assert access()._wide(rules).level == "ok"


def test_the_hub_takes_no_rule_away_from_itself_by_whichever_name_brokers_know_it(tmp_path: Path) -> None:
    own = tmp_path / "hub.pem"
    own.write_bytes(Pair("hub").certificate.public_bytes(Encoding.PEM))
    by_name, by_certificate = access(sasl_username="hub"), access(certificate_file=str(own))

    assert by_name._right(rule(principal="User:hub")) is None
    assert by_certificate._right(rule(principal="User:CN=hub")) is None
    assert by_certificate._right(rule(principal="User:eve")) is not None
