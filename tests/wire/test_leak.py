"""Nothing outside an agreement leaves the hub: generated agreements and events, and a canary in every member.

A story makes agreements, sends events and pauses, resumes and ends agreements between them. Then everything that every
party can get hold of is searched for every canary, sealed and coded parts opened; `tests/leak_oracle.py` says which may
be there. What must be there is looked for as well, so that a hub that shows nothing does not pass.

CI tells the stories of `FORCED` and a few others; `EXAMPLES=500 pytest tests/wire/test_leak.py` tells more, `SEED=7`
others.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hub.core.settings import Settings
from hub.fanout import router
from tests.canaries import GATE_IN, LODGED
from tests.leak_oracle import FILTERS
from tests.leak_story import PURPOSES, RECIPIENTS, SENDERS, Story
from tests.leak_surfaces import collect
from tests.patience import patient
from tests.receiver import receiving
from tests.world import hub_world, settings_in

EXAMPLES, SEED = int(os.environ.get("EXAMPLES", "6")), int(os.environ.get("SEED", "1"))
PLACES, MODES, CHAPTERS = ("NLRTM", "DEHAM", "FRLEH"), ("ROAD", "RAIL"), ("73", "84")
FIELDS = (
    *("@identity", "@place", "@goods", "@parties", "@transport", "@seals", "@equipment", "/id", "/source"),
    *("/subject", "/publisher", "/data/place/name", "/data/goods/0/description", "/data/consignee/name", "/hubtier"),
    *("/data/weighed_mass_kg", "/data/seals/0/number", "/data/references", "/hubwarnings", "/data/subjects"),
)


def some(choices: Sequence[str], most: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(choices), max_size=most, unique=True).map(tuple)


AGREEMENTS = st.fixed_dictionaries(
    {
        "provider": st.sampled_from(
            [
                *({"partner": name} for name in SENDERS),
                *(
                    {"all": True},
                    {"all": True},
                    {"all": True},
                    {"country": "NL"},
                    {"role": "carrier"},
                    {"tier": "sandbox"},
                    {"tier": "trusted"},
                ),
            ]
        ),
        "types": st.sampled_from([("*",), ("*",), (GATE_IN,), (LODGED,), ("customs.container.*",)]),
        "recipient": st.sampled_from([*RECIPIENTS]),
        "purpose": st.sampled_from((*PURPOSES[:1] * 2, *PURPOSES)),
        "fields": st.one_of(st.just(("*",)), *[some(FIELDS, 4).filter(bool)] * 3),
        "conditions": st.fixed_dictionaries(
            {"places": some((*PLACES, "NL"), 2), "modes": some(MODES, 1), "chapters": some(CHAPTERS, 1)}
        ).flatmap(lambda made: st.sampled_from([{}, {}, {}, made])),
        "begins_late": st.sampled_from([False] * 9 + [True]),
        "opens": st.sampled_from([True] * 3 + [False]),
    }
)
EVENT = st.tuples(
    st.just("send"),
    st.tuples(
        st.sampled_from(sorted(SENDERS)),
        st.sampled_from([GATE_IN, LODGED]),
        st.sampled_from(PLACES),
        st.sampled_from(MODES),
        st.sampled_from(CHAPTERS),
    ),
)
PAUSED = st.tuples(st.just("paused"), st.tuples(st.integers(0, 9), EVENT.map(lambda made: made[1])))
ACT = st.tuples(st.sampled_from(["suspend", "resume", "resume", "end"]), st.integers(0, 9))
STORIES = st.tuples(
    st.lists(AGREEMENTS, min_size=2, max_size=6),
    st.lists(
        st.one_of(EVENT, EVENT, EVENT, PAUSED, st.tuples(st.just("agree"), AGREEMENTS), ACT), min_size=4, max_size=16
    ),
    st.sampled_from(("", "", "", *FILTERS)),
    st.sampled_from([(), (LODGED,)]),
)


NORTH, SOUTH = RECIPIENTS
ALPHA, BRAVO, CHARLY = SENDERS
SECURITY, STATISTICS = PURPOSES


def agreed(*fields: str, **differs: Any) -> dict[str, Any]:
    """An agreement of everybody with one recipient, on everything that is sent."""
    made = {"provider": {"all": True}, "types": ("*",), "recipient": NORTH, "purpose": SECURITY, "fields": fields}
    return made | {"conditions": {}, "begins_late": False, "opens": True} | differs


def sends(sender: str = ALPHA, kind: str = GATE_IN, place: str = "NLRTM") -> tuple[str, Any]:
    return "send", (sender, kind, place, "ROAD", "73")


GATE, LODGING = sends(), sends(kind=LODGED)
FORCED: Mapping[str, Any] = {
    "several agreements show together what each of them shows": (
        [agreed("/data/place/name", "/publisher"), agreed("/data/weighed_mass_kg"), agreed("/data/seals", "/id")],
        [GATE, sends(BRAVO), LODGING],
        "",
        (),
    ),
    "what has ended is shown no more, by no way": (
        [agreed("*"), agreed("/data/place/name")],
        [GATE, LODGING, ("end", 0), GATE],
        "",
        (),
    ),
    "what came before an agreement, or in a pause, is not shown": (
        [agreed("/data/place/name"), agreed("/data/references")],
        [GATE, ("agree", agreed("*")), LODGING, ("paused", (2, GATE[1])), GATE],
        "",
        (),
    ),
    "what came in a pause is not shown by a feed made afterwards": (
        [agreed("*", opens=False), agreed("/data/place/name", opens=False)],
        [GATE, ("paused", (0, LODGING[1])), GATE, ("open", (NORTH, SECURITY)), GATE],
        "",
        (),
    ),
    "a condition is asked of the event itself": (
        [
            agreed("*", conditions={"places": ("DEHAM",), "modes": (), "chapters": ()}),
            agreed("/data/transport", conditions={"places": (), "modes": ("RAIL",), "chapters": ("84",)}),
            agreed("/data/place/name", recipient=SOUTH),
        ],
        [GATE, sends(place="DEHAM"), GATE, sends(place="DEHAM"), LODGING],
        "",
        (),
    ),
    "purposes and recipients are apart, in both lanes": (
        [
            agreed("@goods", "@parties"),
            agreed("/data/place/name", "/data/weighed_mass_kg", purpose=STATISTICS),
            agreed("/data/references", recipient=SOUTH, provider={"partner": BRAVO}),
            agreed("@identity", recipient=SOUTH, purpose=STATISTICS, provider={"tier": "sandbox"}),
        ],
        [GATE, LODGING, sends(BRAVO), sends(CHARLY), sends(CHARLY, LODGED)],
        "",
        (LODGED,),
    ),
    "a filter looks at nothing that is withheld": (
        [
            agreed("/publisher", provider={"partner": BRAVO}),  # The feed is made with this one: its filter may be.
            agreed("/data/place/name", "/data/goods"),
            agreed("*", recipient=SOUTH),
        ],
        [GATE, sends(BRAVO), LODGING],
        "not partner = cnryalpha",
        (),
    ),
}
"""Situations that few generated stories come upon."""


async def told(directory: Path, story_: Any, kafka: str = "") -> list[str]:
    first, steps, filter_, urgent = story_
    made = settings_in(
        directory,
        ground="kafka" if kafka else "memory",
        intake={"append_seconds_max": 61.0},
        webhooks={"networks": "127.0.0.0/8"},
        delivery={"stream_heartbeat_seconds": 0.1, "counts_per_hour_max": 1_000},
        fanout={"wait_seconds": 0.02},
        views={"pace_seconds": 0.001},
    )
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(receiving())
        world = await stack.enter_async_context(hub_world(on(made, kafka)))
        story = Story(world, filter_, urgent, hook=receiver.url)
        await story.begin()
        for each in first:
            await story.tell("agree", each)
        for what, given_ in steps:
            await story.tell(what, given_)
        await story.open_all()
        await story.routed()
        await collect(story, receiver)
        return [*story.leaks(), *(f"not shown: {each}" for each in story.missing())]


def on(made: Settings, kafka: str) -> Settings:
    return replace(made, kafka=patient(kafka, topic_prefix=f"{uuid4()}.")) if kafka else made


@pytest.fixture(autouse=True, scope="module")
def places_at_once() -> Iterator[None]:
    """Where fan-out stands is written down, and so known here, at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(router, "PLACES_SECONDS", 0.01)
        yield


def generated(stories: int) -> dict[str, Any]:
    """So many of them, the same for a seed; not the first one, which is always the simplest."""
    found: list[Any] = []

    @seed(SEED)
    @settings(max_examples=stories + 1, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(STORIES)
    def gather(story: Any) -> None:
        found.append(story)

    gather()
    return {f"story {number} of seed {SEED}": story for number, story in enumerate(found) if number}


TOLD = {**FORCED, **generated(EXAMPLES)}
ON_KAFKA = {
    name: TOLD[name]
    for name in ("what has ended is shown no more, by no way", "purposes and recipients are apart, in both lanes")
} | generated(EXAMPLES // 20)


@pytest.mark.parametrize("name", TOLD)
def test_nothing_outside_an_agreement_leaves_the_hub(
    name: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with TemporaryDirectory() as directory:
        found = asyncio.run(told(Path(directory), TOLD[name]))
        kept = [each for each in Path(directory).rglob("*") if each.is_file() and holds_canary(each.read_bytes())]

    assert (found, kept) == ([], [])
    said = "".join((*capfd.readouterr(), caplog.text))
    assert not holds_canary(said.encode()), said


def holds_canary(content: bytes) -> bool:
    """Whether anything of what was sent is in it; names of partners may be."""
    return re.search(rb"cnry\d|QXZU\d", content) is not None


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.parametrize("name", ON_KAFKA)
def test_nothing_outside_an_agreement_is_in_a_feeds_topic(name: str, kafka_bootstrap: str) -> None:
    with TemporaryDirectory() as directory:
        assert asyncio.run(told(Path(directory), ON_KAFKA[name], kafka_bootstrap)) == []
