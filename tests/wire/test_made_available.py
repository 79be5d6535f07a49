"""What lay in a topic that its recipient reads by itself is what companies are told: nothing less, and nothing else."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import orjson

from hub.core.errors import StreamMissing
from hub.core.feed import stream_of
from schemas.headers import FeedHeader, unpack
from tests.direct import open_to_kafka
from tests.wire.conftest import ON_KAFKA_TOO, MakeWorld
from tests.wire.test_accesses import accesses
from tests.world import Caller, HubWorld, event

BATCH = "application/cloudevents-batch+json"
STREAM = stream_of("watch")


async def held(world: HubWorld) -> Counter[str]:
    """The events that the topic holds, by their ids; none where it is not there yet."""
    ids: Counter[str] = Counter()
    with suppress(StreamMissing):
        async with world.hub.ports.log.reader(STREAM) as reader:
            at = 0
            while records := await reader.read(0, at, records_max=999, bytes_max=1 << 24):
                events = [each.value for each in records if isinstance(unpack(each.header), FeedHeader)]
                ids.update(orjson.loads(each)["id"] for each in events)
                at = records[-1].offset + 1
    return ids


async def told(companies: Sequence[Caller]) -> Counter[str]:
    """The ids of what companies are told was made available, as often as they are told so."""
    ids: Counter[str] = Counter()
    for company in companies:
        for each in await accesses(company):
            if (each["step"], each["way"]) == ("published", "kafka"):
                ids.update(one["id"] for one in each["events"])
    return ids


async def sent(companies: Sequence[Caller], name: str) -> None:
    for company in companies:
        batch = [event(f"{company.partner}-{name}-{number}") for number in range(20)]
        assert (await company.post(batch, BATCH)).status == 200


@ON_KAFKA_TOO
async def test_companies_are_told_of_all_that_was_made_available_though_the_feed_ended_in_that_moment(
    make_world: MakeWorld,
) -> None:
    async with make_world() as world:
        watch = await world.reader()
        await world.reader("other", feed=False)  # What `watch` is not given for a while is taken all the same.
        await open_to_kafka(world.hub.live, "watch")
        companies = [await world.company(name) for name in ("acme", "borealis", "cygnus")]
        await sent(companies, "before")
        await watch.records("watch", 60)
        await world.act("agreement.suspend", id="watch-all")
        await sent(companies, "hidden")
        await world.act("agreement.resume", id="watch-all")
        await sent(companies, "after")
        await world.act("feed.end", name="watch")

        while (given := await told(companies)) != await held(world) or len(given) < 60:
            await asyncio.sleep(0.05)

    assert set(given.values()) == {1}
    assert not [each for each in given if "hidden" in each]
