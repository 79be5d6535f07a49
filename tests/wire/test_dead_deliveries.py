"""A delivery that was given up is seen by its recipient, and brought to its endpoint again when it is released."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest

from hub.core.access import offsets_of
from hub.core.dead_letter import UNDELIVERED, letter_id
from hub.core.endpoint import EndpointState
from hub.core.record import QUARANTINE, LogRecord, Position
from hub.ports.access_journal import Query
from schemas.headers import FeedHeader, NoticeHeader, pack, unpack
from tests.receiver import Receiver
from tests.wire.conftest import ON_KAFKA_TOO
from tests.wire.test_dead_letters import in_state, look, waiting
from tests.wire.test_webhooks import brought, state
from tests.world import Caller, HubWorld, event


@pytest.fixture
async def watch(hub: HubWorld, receiver: Receiver) -> Caller:
    """Whose endpoint took the event `a`."""
    watch = await brought(hub, receiver)
    await state(hub, EndpointState.ACTIVE)
    await (await hub.company()).post(event("a"))
    assert await receiver.event_ids(1) == ["a"]
    return watch


async def given_up(hub: HubWorld, **said: Any) -> str:
    """The letter of the feed's first record, as if the endpoint had not taken it for days."""
    log = hub.hub.ports.log
    async with log.reader("hub.feed.watch") as reader:
        [record] = await reader.read(0, 0, records_max=1, bytes_max=1)
    stamp = unpack(record.header)
    assert isinstance(stamp, FeedHeader)
    about = NoticeHeader("watch", UNDELIVERED, stamp.generation, stamp.partition, stamp.offset, "msg_1")
    what = {"endpoint": "engine", "feed": "watch", "webhook_id": "msg_1", "attempts": 8, "offset": 0} | said
    kept = msgspec.msgpack.encode([record.header, b"", orjson.dumps({**what, "why": "answered 500"})])
    await log.append(QUARANTINE, 0, [LogRecord(b"watch", pack(about), kept)])
    await waiting(hub)
    return letter_id(Position(stamp.generation, stamp.partition, stamp.offset), UNDELIVERED, "msg_1")


@ON_KAFKA_TOO
async def test_a_released_delivery_comes_again_under_a_name_of_its_own_and_is_journalled(
    hub: HubWorld, receiver: Receiver, watch: Caller
) -> None:
    name = await given_up(hub)

    await hub.act("quarantine.release", letters=[name], reason="The receiver is mended.")

    assert await receiver.event_ids(2) == ["a", "a"]
    assert len({each.headers["webhook-id"] for each in receiver.came}) == 2
    assert [each["id"] for each in await in_state(hub, "released")] == [name]
    entries = await hub.hub.ports.accesses.entries(Query(recipient="watch"), limit=100)
    webhooks = [each.access for each in entries if each.access.way == "webhook"]
    assert [list(offsets_of(each.runs)) for each in webhooks] == [[0], [0]]


async def test_its_recipient_sees_where_to_how_often_and_what_was_answered_last(hub: HubWorld, watch: Caller) -> None:
    name = await given_up(hub)

    told = (await watch.get(f"/v1/dead-letters/{name}")).json

    assert (told["code"], told["remedy"], told["differences"]) == (UNDELIVERED, "pull", [])
    assert told["delivery"] == {
        "endpoint": "engine",
        "feed": "watch",
        "webhook_id": "msg_1",
        "attempts": 8,
        "why": "answered 500",
    }


@pytest.mark.parametrize(
    ("act", "asked", "why"),
    [
        ("endpoint.pause", {"id": "engine"}, "takes nothing now"),
        ("agreement.end", {"id": "watch-all"}, "takes nothing now"),
    ],
)
async def test_what_may_not_be_delivered_any_more_is_not_and_says_why(
    hub: HubWorld, receiver: Receiver, watch: Caller, act: str, asked: dict[str, str], why: str
) -> None:
    name = await given_up(hub)
    await hub.act(act, **asked, reason="x")

    [foreseen] = (await look(hub, "foresee", letters=[name]))["items"]
    await hub.act("quarantine.release", letters=[name], reason="x")

    assert (foreseen["code"], why in foreseen["why"]) == (UNDELIVERED, True)
    while not (failure := (await waiting(hub))[0]["failure"]):
        await hub.hub.clock.sleep(0.02)
    assert why in failure
    assert len(receiver.came) == 1


async def test_a_delivery_whose_place_in_the_feed_is_not_known_any_more_is_not_taken_for_another(
    hub: HubWorld, receiver: Receiver, watch: Caller
) -> None:
    name = await given_up(hub, offset=7)

    [foreseen] = (await look(hub, "foresee", letters=[name]))["items"]

    assert (foreseen["outcome"], "does not hold it" in foreseen["why"]) == ("refused", True)
