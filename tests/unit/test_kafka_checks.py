"""What `doctor` says of brokers that recipients are to read from themselves."""

from __future__ import annotations

import pytest

from hub.core.settings import KafkaSettings
from hub.drivers.kafka.checks import check_readers

KAFKA = KafkaSettings(bootstrap="b:1", recipients_scram="b:2", recipients_mtls="b:3")
GOOD = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "advertised.listeners": "IN://b:1,OUT://b:2,CERT://b:3",
    "listener.security.protocol.map": "IN:SSL,OUT:SASL_SSL,CERT:SSL",
    "connections.max.reauth.ms": "60000",
}


def test_brokers_that_are_set_up_for_readers_have_no_fault() -> None:
    assert {finding.level for finding in check_readers({1: GOOD, 2: GOOD}, KAFKA)} == {"ok"}


@pytest.mark.parametrize(
    ("setting", "value", "what"),
    [
        ("authorizer.class.name", "", "broker 1 authorizer.class.name"),
        ("allow.everyone.if.no.acl.found", "true", "broker 1 allow.everyone.if.no.acl.found"),
        ("listener.security.protocol.map", "IN:SSL,OUT:SSL,CERT:SSL", "broker 1 listener.security.protocol.map"),
        ("advertised.listeners", "IN://b:1,CERT://b:3", "broker 1 listener.security.protocol.map"),
        ("connections.max.reauth.ms", "0", "broker 1 connections.max.reauth.ms"),
        ("connections.max.reauth.ms", "86400000", "broker 1 connections.max.reauth.ms"),
    ],
)
def test_each_thing_that_is_not_as_it_should_be_fails_with_what_to_do(setting: str, value: str, what: str) -> None:
    failed = [finding for finding in check_readers({1: GOOD | {setting: value}}, KAFKA) if finding.level == "fail"]

    assert [finding.what for finding in failed] == [what]
    assert failed[0].fix


def test_a_listener_of_the_hub_is_none_for_recipients() -> None:
    shared = KafkaSettings(bootstrap="b:1,b:2", recipients_scram="b:2")

    assert [each.what for each in check_readers({1: GOOD}, shared) if each.level == "fail"] == [
        "listeners of recipients"
    ]
