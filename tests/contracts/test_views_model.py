"""Every ground against the plainest model of what is known, through random batches, repeats, purges and questions."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.ports.views import KnownEvent, Query, Views
from tests.clock import START_US
from tests.contracts.grounds import marked
from tests.contracts.test_views import PLENTY, listed
from tests.contracts.views_grounds import CONSIGNMENT, CONTAINER, OTHER, VIEWS_GROUNDS, follow, known

PUBLISHERS, TYPES, NAMES = ["acme", "delta"], ["customs.seal.broken", "customs.container.gate_in"], ["a", "b", "c"]
MOMENTS = [START_US, START_US + 1, START_US + 2]


class Model:
    """Events in the order in which they came to be known."""

    def __init__(self) -> None:
        self.events: list[KnownEvent] = []
        self.marks = {0: 0, 1: 0}

    def follow(self, events: list[KnownEvent]) -> None:
        partition = events[0].position.partition
        self.events += [event for event in events if event.position.offset >= self.marks[partition]]
        self.marks[partition] = max(self.marks[partition], events[-1].position.offset + 1)

    def purge(self, before_us: int) -> None:
        self.events = [event for event in self.events if event.received_us >= before_us]

    def events_of(self, query: Query) -> list[KnownEvent]:
        def within(moment: int, span: tuple[int, int] | None) -> bool:
            return span is None or span[0] <= moment < span[1]

        found = [
            event
            for event in self.events
            if query.publisher in (None, event.publisher)
            and query.type in (None, event.type)
            and query.consigned in (None, event.consigned)
            and (query.object is None or query.object in event.objects)
            and within(event.received_us, query.received_us)
            and within(event.occurred_us, query.occurred_us)
        ]
        found.sort(key=lambda event: event.received_us)
        return found[::-1] if query.newest_first else found

    def newest(self, publisher: str) -> dict[str, KnownEvent]:
        newest: dict[str, KnownEvent] = {}
        for event in self.events:
            id_ = event.value.decode()
            if event.publisher == publisher and (id_ not in newest or event.version >= newest[id_].version):
                newest[id_] = event
        return newest


@st.composite
def batches(draw: st.DrawFn) -> list[KnownEvent]:
    partition, start = draw(st.integers(0, 1)), draw(st.integers(0, 12))
    return [
        known(
            start + number,
            id_ := draw(st.sampled_from(NAMES)),
            partition=partition,
            takes_back=draw(st.sampled_from(["", "z"])),
            publisher=draw(st.sampled_from(PUBLISHERS)),
            type=draw(st.sampled_from(TYPES)),
            received_us=draw(st.sampled_from(MOMENTS)),
            occurred_us=draw(st.sampled_from(MOMENTS)),
            version=draw(st.sampled_from(["", "2026-11-22T10:00:00", "2026-11-22T10:00:00.5"])),
            objects=tuple(draw(st.sets(st.sampled_from([CONTAINER, OTHER, CONSIGNMENT])))),
            consigned=draw(st.booleans()),
            value=id_.encode(),
        )
        for number in range(draw(st.integers(1, 5)))
    ]


spans = st.none() | st.tuples(st.sampled_from(MOMENTS), st.sampled_from(MOMENTS))
queries = st.builds(
    Query,
    publisher=st.sampled_from([None, *PUBLISHERS]),
    object=st.sampled_from([None, CONTAINER, OTHER, CONSIGNMENT]),
    type=st.sampled_from([None, *TYPES]),
    received_us=spans,
    occurred_us=spans,
    consigned=st.sampled_from([None, True, False]),
    newest_first=st.booleans(),
)
steps = st.lists(batches() | st.sampled_from(MOMENTS), min_size=1, max_size=8)


@pytest.mark.parametrize("ground", marked(VIEWS_GROUNDS))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=steps, query=queries, limit=st.integers(1, 4), looked_at_max=st.integers(1, 6))
def test_a_ground_answers_as_the_model_does(
    ground: str, steps: list[list[KnownEvent] | int], query: Query, limit: int, looked_at_max: int
) -> None:
    async def story(views: Views) -> None:
        model = Model()
        for step in steps:
            if isinstance(step, int):
                model.purge(step)
                await views.purge(step)
            else:
                model.follow(step)
                await follow(views, *step)

        asked = await listed(views, query, limit=limit, looked_at_max=looked_at_max)
        assert asked == [event.position.offset for event in model.events_of(query)]
        for publisher in PUBLISHERS:
            assert await views.newest(publisher, "urn:tos", NAMES) == model.newest(publisher)
        about = await views.about([CONTAINER, OTHER], each_max=100, bytes_max=PLENTY)
        named = [event for event in model.events_of(Query()) if not {CONTAINER, OTHER}.isdisjoint(event.objects)]
        assert list(about) == named

    async def main(directory: Path) -> None:
        async with VIEWS_GROUNDS[ground](directory) as views:
            await story(views)

    directory = Path(mkdtemp())
    try:
        asyncio.run(main(directory))
    finally:
        shutil.rmtree(directory)
