"""The stores of a ground are opened together, or not at all: state never meets a log that it was not derived from."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from msgspec.structs import replace

from hub.assembly.grounds import open_ports
from hub.core.errors import HubError
from hub.core.settings import Settings
from tests.clock import ManualClock
from tests.world import settings_in


async def opened(settings: Settings) -> None:
    async with AsyncExitStack() as stack:
        await open_ports(settings, ManualClock(), stack)


async def test_a_hub_comes_back_to_its_own_log(tmp_path: Path) -> None:
    for _ in range(3):
        await opened(settings_in(tmp_path, ground="sqlite"))


async def test_another_log_file_in_the_place_of_the_one_that_was_there_is_refused(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, ground="sqlite")
    await opened(settings)
    for file in tmp_path.glob("log.db*"):
        file.unlink()

    with pytest.raises(HubError, match=r"belongs to another event log.*another directory"):
        await opened(settings)


@pytest.mark.parametrize(("ground", "partitions"), [("kafka", 0), ("sqlite", 2)])
async def test_another_ground_or_partition_count_is_refused_before_a_store_is_opened(
    tmp_path: Path, ground: str, partitions: int
) -> None:
    settings = settings_in(tmp_path, ground="sqlite")
    await opened(settings)
    (tmp_path / "state.db").write_bytes(b"whoever opened this would say that it is no database")

    with pytest.raises(HubError, match="belongs to another event log"):
        await opened(replace(settings, log=replace(settings.log, ground=ground, events_partitions=partitions)))


async def test_another_topic_prefix_is_refused_and_other_brokers_are_not(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, ground="kafka")
    await opened(settings)

    await opened(replace(settings, kafka=replace(settings.kafka, bootstrap="127.0.0.1:9093")))
    with pytest.raises(HubError, match="topic_prefix '', the settings lead to topic_prefix 'north'"):
        await opened(replace(settings, kafka=replace(settings.kafka, topic_prefix="north")))
