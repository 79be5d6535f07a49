"""Reading a feed: groups with their tokens, the reader rule on Kafka, and going on after every kind of break."""

from __future__ import annotations

from contextlib import aclosing
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiokafka import TopicPartition

from connectors.backoff import Backoff
from connectors.risk.kafka import Places, above_the_mark
from connectors.risk.reader import Group, Reader
from connectors.risk.sse import LINE_BYTES_MAX, EventParser, StreamBroken
from connectors.session import HubRefused
from schemas.headers import FeedHeader, FeedSealHeader, Header, NoticeHeader, pack
from tests.unit.fake_hub import FakeHub, NoSleep, problem


async def first(
    hub: FakeHub, count: int, *, stream: bool = False, token: str | None = None, **options: Any
) -> list[Group]:
    groups: list[Group] = []
    async with hub.session() as session:
        reader = Reader(session, "risk-a", token=token, backoff=Backoff(sleep=NoSleep()), **options)
        async with aclosing(reader.stream() if stream else reader.pull()) as source:
            async for group in source:
                groups.append(group)
                if len(groups) == count:
                    break
    return groups


def page(*ids: str, then: str) -> web.Response:
    return web.json_response({"items": [{"id": i} for i in ids], "next": then})


def ids(groups: list[Group]) -> list[list[str]]:
    return [[record["id"] for record in group.records] for group in groups]


async def test_pull_goes_from_page_to_page_with_the_cursor_of_each(hub: FakeHub) -> None:
    hub.pages = {None: page("a", "b", then="c1"), "c1": page(then="c2"), "c2": page("c", then="c3")}

    groups = await first(hub, 2)

    assert ids(groups) == [["a", "b"], ["c"]]
    assert [group.token for group in groups] == ["c1", "c3"]
    assert [asked.get("cursor") for asked in hub.asked] == [None, "c1", "c2"]


async def test_a_reader_goes_on_from_its_own_checkpoint(hub: FakeHub) -> None:
    hub.pages = {"kept": page("d", then="c4")}

    assert ids(await first(hub, 1, token="kept")) == [["d"]]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_reader_from_the_start_says_so_until_it_has_a_place(hub: FakeHub, stream: bool) -> None:
    hub.pages = {None: page("a", then="c1"), "c1": page("b", then="c2")}
    hub.streams = [sse(("a", "c1")), sse(("b", "c2"))]

    assert ids(await first(hub, 2, stream=stream, from_start=True)) == [["a"], ["b"]]

    assert [asked.get("from") for asked in hub.asked] == ["earliest", None]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("empty", [True, False])
async def test_that_there_is_nothing_to_read_at_first_is_told_once(hub: FakeHub, stream: bool, empty: bool) -> None:
    told: list[str] = []
    hub.pages = {None: page(*[] if empty else ["a"], then="c1"), "c1": page(then="c2"), "c2": page("b", then="c3")}
    hub.streams = [b"id: c1\n\n" if empty else sse(("a", "c1")), b"id: c2\n\n" + sse(("b", "c3"))]

    await first(hub, 1 if empty else 2, stream=stream, on_idle=lambda: told.append("idle"))

    assert told == ["idle"] * empty


async def test_an_expired_cursor_is_replaced_by_the_fresh_one_and_the_gap_is_told(hub: FakeHub) -> None:
    hub.pages = {"old": problem(410, "CURSOR_EXPIRED", cursor="fresh"), "fresh": page("e", then="c9")}
    hub.pages["c9"] = page("f", then="c10")

    groups = await first(hub, 2, token="old")

    assert ids(groups) == [["e"], ["f"]]
    assert [group.after_gap for group in groups] == [True, False]


async def test_a_full_hub_is_asked_again_from_the_same_place(hub: FakeHub) -> None:
    answers = [problem(503, "OVERLOADED", {"Retry-After": "1"}, retryable=True), page("a", then="c1")]
    hub.pages = {None: lambda: answers.pop(0)}

    assert ids(await first(hub, 1)) == [["a"]]


@pytest.mark.parametrize("code", ["NOT_FOUND", "PARTNER_SUSPENDED", "FEED_GONE"])
async def test_a_feed_that_is_not_this_readers_ends_the_reading(hub: FakeHub, code: str) -> None:
    hub.pages = {None: problem(404, code, retryable=False)}

    with pytest.raises(HubRefused, match=code):
        await first(hub, 1)


async def test_acknowledging_tells_the_hub_the_token(hub: FakeHub) -> None:
    async with hub.session() as session:
        await Reader(session, "risk-a").acknowledge("c7")

    assert hub.acknowledged == ["c7"]


def sse(*events: tuple[str, str | None]) -> bytes:
    lines = [f'event: record\ndata: {{"id":"{name}"}}\n' + (f"id: {id_}\n" if id_ else "") for name, id_ in events]
    return ("\n".join(lines) + "\n").encode()


async def test_a_streams_group_ends_with_the_event_that_brings_an_id(hub: FakeHub) -> None:
    hub.streams = [b": heartbeat\n\n" + sse(("a", None), ("b", "c1"), ("c", "c2"))]

    groups = await first(hub, 2, stream=True)

    assert ids(groups) == [["a", "b"], ["c"]]
    assert [group.token for group in groups] == ["c1", "c2"]


@pytest.mark.parametrize("data", [b"{", b"[]", b"\xff"])
async def test_a_stream_whose_record_cannot_be_decoded_is_a_clear_error(hub: FakeHub, data: bytes) -> None:
    hub.streams = [b"event: record\nid: c1\ndata: " + data + b"\n\n"]

    with pytest.raises(HubRefused, match="RECORD_MALFORMED"):
        await first(hub, 1, stream=True)


async def test_a_stream_with_a_field_that_is_not_utf_8_is_opened_again(hub: FakeHub) -> None:
    hub.streams = [b"id: \xff\n\n", sse(("a", "c1"))]

    assert ids(await first(hub, 1, stream=True)) == [["a"]]


async def test_a_group_that_was_cut_off_comes_again_from_the_last_whole_one(hub: FakeHub) -> None:
    hub.streams = [sse(("a", "c1"), ("b", None)), sse(("b", None), ("c", "c2"))]

    groups = await first(hub, 2, stream=True)

    assert ids(groups) == [["a"], ["b", "c"]]
    assert [asked["last-event-id"] for asked in hub.asked] == ["", "c1"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_the_same_however_the_bytes_are_cut(size: int) -> None:
    stream = b": hi\r\n\r\ndata: one\ndata: two\nid: 7\n\nevent: record\ndata:x\n\nid:8\n\ndata: cut off"
    parser = EventParser()

    events = [e for i in range(0, len(stream), size) for e in parser.feed(stream[i : i + size])]

    assert [(e.event, e.data, e.id) for e in events] == [
        ("message", b"one\ntwo", "7"),
        ("record", b"x", None),
        ("message", b"", "8"),
    ]


def test_a_line_without_end_is_refused_rather_than_kept() -> None:
    parser = EventParser()

    with pytest.raises(StreamBroken):
        for _ in range(3):
            list(parser.feed(b"x" * (LINE_BYTES_MAX // 2)))


def record(generation: int, partition: int, offset: int, at: int = 0) -> Any:
    header = pack(FeedHeader(generation, partition, offset, 1, 1, 0))
    value = orjson.dumps({"id": f"{generation}.{partition}.{offset}"})
    return SimpleNamespace(topic="hub.feed.a", partition=partition, offset=at, headers=(("hub", header),), value=value)


def test_kafka_records_that_are_not_above_the_mark_of_their_partition_are_dropped() -> None:
    stamps = [(1, 0, 5), (1, 0, 5), (1, 0, 4), (1, 1, 4), (1, 0, 6), (2, 0, 0), (1, 0, 9)]

    kept = [orjson.loads(r.value)["id"] for r in above_the_mark([record(*stamp) for stamp in stamps], {})]

    assert kept == ["1.0.5", "1.1.4", "1.0.6", "2.0.0"]


def test_a_kafka_token_holds_marks_and_offsets_so_that_a_restart_sees_nothing_twice() -> None:
    group = Places().advance({TopicPartition("hub.feed.a", 0): [record(1, 0, 5, at=7), record(1, 0, 6, at=8)]})

    places = Places.of(group.token)

    assert places.offsets == {0: 9}
    again = places.advance({TopicPartition("hub.feed.a", 0): [record(1, 0, 6, at=9), record(1, 0, 7, at=10)]})
    assert [r["id"] for r in again.records] == ["1.0.7"]


@pytest.mark.parametrize("header", [NoticeHeader("acme", "CONFLICT", 1, 0, 1), FeedSealHeader(b"{}", bytes(64))])
def test_a_record_of_another_kind_is_not_taken_for_a_feed_record(header: Header) -> None:
    other = record(1, 0, 1)
    other.headers = (("hub", pack(header)),)

    assert list(above_the_mark([other], marks := {})) == []
    assert marks == {}
