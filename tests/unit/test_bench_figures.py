"""The benchmark's own arithmetic: answers cut from a stream, ids patched, percentiles, void runs."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import orjson
import pytest

from hub.lab.bench.figures import Run, figures, percentile
from hub.lab.bench.jobs import LoadJob
from hub.lab.bench.load import accepted, run_load
from hub.lab.bench.run import ratios
from hub.lab.bench.wire import AnswerMalformed, Answers, Prepared, event_of
from schemas import rules
from schemas.catalogue import catalogue
from schemas.guard import parse

ONE = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\nCONTENT-LENGTH: 4\r\n\r\nbody"
NONE = b"HTTP/1.1 204 No Content\r\n\r\n"


def a_run(**given: object) -> Run:
    return Run(**{"events_per_second": 100.0, "p50_ms": 1.0, "p99_ms": 2.0, "cpu_us": 3.0, **given})  # type: ignore[arg-type]


@pytest.mark.parametrize("step", [1, 2, 7, len(ONE), 1_000])
def test_answers_come_whole_however_the_bytes_arrive(step: int) -> None:
    stream, answers = ONE + NONE + ONE, Answers()

    found = [answer for at in range(0, len(stream), step) for answer in answers.feed(stream[at : at + step])]

    assert found == [(201, b"body"), (204, b""), (201, b"body")]


def test_an_answer_that_is_not_whole_is_none_yet() -> None:
    answers = Answers()

    assert answers.feed(ONE[:-1]) == []
    assert answers.feed(ONE[-1:]) == [(201, b"body")]


@pytest.mark.parametrize("wrong", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"SSH-2.0-x\r\n\r\n"])
def test_what_is_no_answer_of_known_length_is_refused(wrong: bytes) -> None:
    with pytest.raises(AnswerMalformed):
        Answers().feed(wrong)


def test_prepared_requests_differ_in_their_ids_only() -> None:
    prepared = Prepared("127.0.0.1", "/v1/events", "t", batch=3, source=5)

    first, second = (prepared.numbered(number).partition(b"\r\n\r\n") for number in (7, 10))

    events = orjson.loads(first[2])
    assert [event["id"] for event in events] == ["000000000007", "000000000008", "000000000009"]
    assert {event["source"] for event in events} == {"urn:example:delta:gate-05"}
    assert f"Content-Length: {len(first[2])}".encode() in first[0]
    assert second[0] == first[0]
    assert second[2] == first[2].replace(b"00007", b"00010").replace(b"00008", b"00011").replace(b"00009", b"00012")


def test_the_event_of_a_load_is_valid_and_of_the_size_that_others_are_measured_with() -> None:
    raw = orjson.dumps(event_of(0))
    parsed = parse(raw)

    assert 576 <= len(raw) <= 640
    assert rules.check(parsed.value, catalogue().find(parsed.value["type"]), now_us=time.time_ns() // 1_000) == []


def test_only_what_was_accepted_now_counts() -> None:
    answer = (
        b'{"items":[{"verdict":"ACCEPTED","receipt":{"statement":{"verdict":"ACCEPTED"}}},{"verdict":"DUPLICATE"}]}'
    )

    assert accepted(200, answer, 2) == 1
    assert accepted(201, b"{}", 1) == accepted(202, b"", 1) == 1
    assert accepted(200, b"{}", 1) == accepted(503, b"{}", 2) == 0


async def test_a_load_goes_on_when_the_server_closes_a_connection_instead_of_answering() -> None:
    connections, finished = 0, asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        length = len(Prepared("127.0.0.1", "/", "", batch=1, source=0).numbered(0))
        with suppress(ConnectionError):
            while connections > 1 and await reader.read(length):
                writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()
        finished.set() if connections > 1 else None

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        job = LoadJob(url=url, path="/", connections=1, seconds=5.0, events_max=4, first=0)
        result = await run_load(job)
        await finished.wait()

    assert (result.sent, result.accepted) == (4, 3)
    assert result.statuses == {"0": 1, "201": 3}


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.5, 0.0), ([3.0], 0.99, 3.0), ([4, 1, 3, 2], 0.5, 2), (range(1, 101), 0.99, 99), (range(1, 101), 1.0, 100)],
)
def test_percentiles_are_values_that_occurred(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == expected


def test_a_run_that_measured_its_load_is_void_and_does_not_count() -> None:
    summed = figures("x", [a_run(load=0.5), a_run(load=0.81, events_per_second=900.0), a_run(load=0.8)])

    assert (summed.runs, summed.void, summed.load) == (3, 1, 0.81)
    assert summed.events_per_second == summed.events_per_second_max == 100.0


def test_figures_are_medians_and_counts_are_sums() -> None:
    runs = [a_run(p50_ms=p50, sent=2, accepted=1, delivered=1) for p50 in (5.0, 1.0, 2.0)]

    summed = figures("x", runs)

    assert summed.p50_ms == 2.0
    assert (summed.sent, summed.accepted, summed.delivered) == (6, 3, 3)


def test_what_was_not_measured_is_compared_with_nothing() -> None:
    found = {name: figures(name, [a_run()]) for name in ("single posts", "bare aiohttp", "100 a post")}

    assert [(ratio.of, ratio.to, ratio.ratio) for ratio in ratios(found)] == [("single posts", "bare aiohttp", 1.0)]
