"""What more than one folder of tests stands on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub.lab.kafka import running_kafka


@pytest.fixture(scope="session")
def kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Kafka with one broker, for the whole run. Without Java or Maven it fails, saying what to install."""
    with running_kafka(tmp_path_factory.mktemp("kafka")) as cluster:
        yield cluster.bootstrap
