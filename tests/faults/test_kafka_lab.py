"""The Kafka of this machine: it stops what it started and nothing else, and says what is missing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from hub.core.errors import HubError
from hub.lab import kafka_install
from hub.lab.kafka import KafkaCluster
from hub.lab.process import Process, spawn


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Process]:
    process = spawn(["sleep", "60"], output=tmp_path / "out")
    yield process
    process.kill()


def test_a_process_is_stopped_by_whoever_knows_when_it_started(sleeper: Process) -> None:
    sleeper.stop(10)

    assert not sleeper.alive()


def test_a_process_that_has_the_pid_of_an_ended_one_is_left_alone(sleeper: Process) -> None:
    before = replace(sleeper, started=sleeper.started - 1)

    before.stop(10)

    assert not before.alive()
    assert sleeper.alive()


def test_a_process_that_ignores_the_request_is_ended(tmp_path: Path) -> None:
    out = tmp_path / "out"
    stubborn = spawn(["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"], output=out)
    while "ready" not in out.read_text():
        pass

    stubborn.stop(0.1)

    assert not stubborn.alive()


@pytest.mark.parametrize(("name", "package"), [("java", "openjdk"), ("mvn", "maven")])
def test_a_missing_program_is_named_with_what_to_install(
    name: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))

    with pytest.raises(HubError, match=f"{name} is not installed; .*apt-get install {package}"):
        kafka_install.jars() if name == "mvn" else kafka_install.java()


def test_an_empty_directory_has_no_kafka_to_stop(tmp_path: Path) -> None:
    cluster = KafkaCluster(tmp_path)

    assert cluster.running() == {}
    assert cluster.down() == []
    with pytest.raises(HubError, match="customs-hub kafka up"):
        _ = cluster.bootstrap


@pytest.mark.kafka
def test_up_again_finds_the_running_broker_and_down_from_another_command_stops_it(tmp_path: Path) -> None:
    KafkaCluster(tmp_path).up(1)
    first = KafkaCluster(tmp_path).process(1)

    KafkaCluster(tmp_path).up(1)
    with pytest.raises(HubError, match="holds a cluster of 1"):
        KafkaCluster(tmp_path).up(3)

    assert KafkaCluster(tmp_path).process(1) == first
    assert KafkaCluster(tmp_path).down() == [1]
    assert KafkaCluster(tmp_path).running() == {1: False}
    assert not first.alive()


@pytest.mark.kafka
def test_a_cluster_without_listeners_for_recipients_gets_them_when_it_starts_again(tmp_path: Path) -> None:
    KafkaCluster(tmp_path).up(1)
    with pytest.raises(HubError, match="stop them first"):
        KafkaCluster(tmp_path).up(1, recipients=True)
    assert KafkaCluster(tmp_path).recipients == {}
    KafkaCluster(tmp_path).down()

    KafkaCluster(tmp_path).up(1, recipients=True)

    cluster = KafkaCluster(tmp_path)
    assert set(cluster.recipients) == {"scram", "mtls"}
    assert cluster.authority.exists()
    cluster.down()


@pytest.mark.kafka
def test_a_port_that_another_program_has_is_refused_and_nothing_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(HubError, match="choose others with --port"):
        KafkaCluster(tmp_path).up(1, port=taken.getsockname()[1])

    assert KafkaCluster(tmp_path).running() == {}


@pytest.mark.kafka
def test_a_broker_that_ends_while_starting_is_quoted_and_leaves_no_process(tmp_path: Path) -> None:
    cluster = KafkaCluster(tmp_path)
    cluster.up(1)
    cluster.down()
    (tmp_path / "node-1" / "meta.properties").write_text("version=1\nnode.id=7\n")

    with pytest.raises(HubError, match=r"(?s)broker 1 ended while starting:.*meta\.properties"):
        cluster.up(1)

    assert cluster.running() == {1: False}
