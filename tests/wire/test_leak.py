"""Nothing outside an agreement leaves the hub: generated agreements and events, and a canary in every member.

A story makes agreements, sends events and pauses, resumes and ends agreements between them. Then everything that every
party can get hold of is searched for every canary, sealed and coded parts opened; `tests/leak_oracle.py` says which may
be there. What must be there is looked for as well, so that a hub that shows nothing does not pass.

CI tells a few stories; `EXAMPLES=500 pytest tests/wire/test_leak.py` tells more, `SEED=7` others.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hub.core.feed import Lane, stream_of
from hub.core.record import EVENTS
from hub.core.settings import Settings
from hub.fanout import router
from hub.trust.cursor import CursorBox
from hub.trust.replay_cursor import ReplayCursors
from tests.canaries import GATE_IN, LODGED, Canaries, opened, planted, seen_in
from tests.endpoints import sealed_for
from tests.leak_oracle import Terms, is_under
from tests.patience import patient
from tests.receiver import receiving
from tests.world import Caller, HubWorld, hub_world, settings_in

EXAMPLES, SEED = int(os.environ.get("EXAMPLES", "6")), int(os.environ.get("SEED", "1"))
FOR_EVER = "1970-01-01T00:00:00Z"
SENDERS: Mapping[str, Mapping[str, Any]] = {
    "cnryalpha": {"country": "NL", "roles": ["terminal", "carrier", "broker"], "tier": "trusted"},
    "cnrybravo": {"country": "DE", "roles": ["terminal", "broker"], "tier": "small"},
    "cnrycharly": {"country": "NL", "roles": ["terminal", "broker"], "tier": "sandbox"},
}
READS, WRITES = ("feeds:read", "receipts:read", "agreements:sign"), ("events:write", "receipts:read", "agreements:sign")
RECIPIENTS = ("north", "south")
PURPOSES = ("security-risk-assessment", "statistics")
PLACES, MODES, CHAPTERS = ("NLRTM", "DEHAM", "FRLEH"), ("ROAD", "RAIL"), ("73", "84")
FIELDS = (
    *("@identity", "@place", "@goods", "@parties", "@transport", "@seals", "@equipment", "/id", "/source"),
    *("/subject", "/publisher", "/data/place/name", "/data/goods/0/description", "/data/consignee/name", "/hubtier"),
    *("/data/weighed_mass_kg", "/data/seals/0/number", "/data/references", "/hubwarnings", "/data/subjects"),
)
FILTERS = ("", "place in (NLRTM, DEHAM)", "/data/weighed_mass_kg exists", "not partner = cnryalpha", "hs starts 73")


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
        "recipient": st.sampled_from(RECIPIENTS),
        "purpose": st.sampled_from((*PURPOSES[:1] * 2, *PURPOSES)),
        "fields": st.one_of(st.just(("*",)), *[some(FIELDS, 4).filter(bool)] * 3),
        "conditions": st.fixed_dictionaries(
            {"places": some((*PLACES, "NL"), 2), "modes": some(MODES, 1), "chapters": some(CHAPTERS, 1)}
        ).flatmap(lambda made: st.sampled_from([{}, {}, {}, made])),
        "begins_late": st.sampled_from([False] * 9 + [True]),
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


@dataclass(frozen=True)
class Sent:
    step: int
    sender: str
    event: Mapping[str, Any]
    canaries: Canaries


@dataclass(frozen=True)
class Came:
    """Something that a party got hold of. `purpose`: of the feed; empty: of all of its agreements."""

    party: str
    what: str
    content: bytes
    purpose: str = ""
    live: bool = False
    """It left before the story's end, so that what ended since may be in it."""


@dataclass
class Story:
    world: HubWorld
    filter: str
    urgent: tuple[str, ...]
    terms: list[Terms] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    came: list[Came] = field(default_factory=list)
    feeds: dict[tuple[str, str], int] = field(default_factory=dict)
    """The step at which each was made."""
    step: int = 0
    states: dict[str, str] = field(default_factory=dict)
    callers: dict[str, Caller] = field(default_factory=dict)
    hook: str = ""

    async def begin(self) -> None:
        for name, facts in SENDERS.items():
            self.callers[name] = await self.world.company(name, scopes=WRITES, **facts)
        # Whatever nobody else asks for is taken as well.
        sink = await self.world.company("sink", scopes=READS, roles=["authority"])
        for name in SENDERS:
            given = {"provider": {"partner": name}, "types": ["*"], "fields": ["*"], "purpose": PURPOSES[0]}
            await self.world.act("agreement.add", id=f"sink-{name}", recipient=sink.partner, **given)
        for name in RECIPIENTS:
            self.callers[name] = await self.world.company(name, scopes=READS, roles=["authority"])

    async def tell(self, what: str, given: Any) -> None:
        if what == "paused":
            number, event = given
            for each in (("suspend", number), ("send", event), ("resume", number)):
                await self.tell(*each)
            return
        self.step += 1
        if what == "agree":
            await self._agree(given)
        elif what == "send":
            await self._send(*given)
        elif self.terms:
            await self._act(what, self.terms[given % len(self.terms)].id)
        for each in self.terms:
            if self.states[each.id] == "active":
                each.held.add(self.step)

    async def _agree(self, asked: Mapping[str, Any]) -> None:
        name = f"agreed-{len(self.terms)}"
        self.terms.append(Terms(id=name, **asked))
        self.states[name] = "active"
        request = {key: value for key, value in asked.items() if key != "begins_late"}
        first = "2999-01-01" if asked["begins_late"] else "2020-01-01"
        await self.world.act("agreement.add", id=name, valid_from=first, **request)
        key = asked["recipient"], asked["purpose"]
        if key not in self.feeds:
            await self._open(*key)

    async def _open(self, recipient: str, purpose: str) -> None:
        name = feed_name(recipient, purpose)
        made = {"name": name, "recipient": recipient, "purpose": purpose, "urgent": self.urgent}
        ways = ["pull", "sse", "webhook"]
        outcome = await self.world.hub.registrar.perform(
            "feed.add", made | {"ways": ways, "filter": self.filter}, actor="test"
        )
        if not hasattr(outcome, "changed"):  # A filter on what no agreement shows is refused.
            await self.world.act("feed.add", **made, ways=ways)
        self.feeds[recipient, purpose] = self.step
        told = await self.world.hub.registrar.looks.view("endpoint.next", {"id": name})
        assert isinstance(told, dict)
        url = f"{self.hook}/{name}"
        await self.world.act("endpoint.add", id=name, feed=name, url=url, batch_ms=1, **sealed_for(told))

    async def _send(self, sender: str, *how: str) -> None:
        event, canaries = planted(*how)
        answer = await self.callers[sender].post(event)
        assert answer.status == 201, answer
        self.sent.append(Sent(self.step, sender, event, canaries))

    async def _act(self, act: str, name: str) -> None:
        now = self.states[name]
        if {"suspend": now == "active", "resume": now == "suspended", "end": now != "ended"}[act]:
            await self.routed()  # What is on its way when it stops may be passed over.
            await self.world.act(f"agreement.{act}", id=name)
            self.states[name] = {"suspend": "suspended", "resume": "active", "end": "ended"}[act]

    def allowed(self, sent: Sent, came: Came) -> set[str]:
        """The pointers that may be in it."""
        facts = {"partner": sent.sender, **SENDERS[sent.sender]}
        found: set[str] = set()
        for each in self.terms:
            if each.recipient == came.party and came.purpose in ("", each.purpose):
                step = max(sent.step, self.feeds[each.recipient, each.purpose])
                steps = {step, sent.step} if not came.purpose else {step}
                for decided in steps:
                    found |= each.allows(sent.event, facts, decided, None if came.live else self.step)
        return found

    def leaks(self) -> list[str]:
        boxes = cursors_of(self.world)
        found = []
        for came in self.came:
            content = opened(came.content, boxes)
            for sent in self.sent:
                if came.party == sent.sender:
                    continue
                allowed = self.allowed(sent, came)
                found += [
                    f"{came.party} {came.what} {came.purpose}: {sent.canaries[each]} of {sent.event['type']} ({each})"
                    for each in seen_in(content, sent.canaries)
                    if not (allowed and is_under(sent.canaries[each], allowed))
                ]
            if came.party in RECIPIENTS:
                found += [f"{came.party} {came.what}: {each}" for each in self._names(came, content)]
        return found

    def _names(self, came: Came, content: bytes) -> list[str]:
        """Publishers that no agreement shows and none names, nor the recipient's own filter."""
        named = {each.provider.get("partner") for each in self.terms if each.recipient == came.party}
        shown = {sent.sender for sent in self.sent if is_under("/publisher", self.allowed(sent, came))}
        return [name for name in seen_in(content, SENDERS) if name not in named | shown and name not in self.filter]

    def missing(self) -> list[str]:
        """What a feed without a filter must show at the end, and does not."""
        shown: dict[tuple[str, str], bytes] = {}
        for came in self.came:
            if came.what == "records":
                shown[came.party, came.purpose] = shown.get((came.party, came.purpose), b"") + came.content
        return [
            f"{party}, {purpose}: {pointer} of {sent.event['type']}"
            for (party, purpose), content in shown.items()
            for sent in self.sent
            if not self.filter and not self._interrupted(sent, party, purpose)
            if (allowed := self.allowed(sent, Came(party, "records", b"", purpose)))
            for canary, pointer in sent.canaries.items()
            if is_under(pointer, allowed) and canary.encode() not in content
        ]

    def _interrupted(self, sent: Sent, party: str, purpose: str) -> bool:
        """Whether an agreement that its record may rest on did not hold all the time since: it comes no more then."""
        begun = max(sent.step, self.feeds[party, purpose])
        since = set(range(begun, self.step + 1))
        own = [each for each in self.terms if (each.recipient, each.purpose) == (party, purpose)]
        return any(begun in each.held and not since <= each.held for each in own)

    async def routed(self) -> None:
        """Until fan-out has looked at everything for every feed."""
        hub, log = self.world.hub, self.world.hub.ports.log
        for feed in list(hub.snapshot().feeds):
            for lane in feed.lanes:
                for partition in range(hub.events.partitions):
                    end = (await log.bounds(EVENTS, partition)).end
                    await self._looked_at(stream_of(feed.name, lane), partition, end, feed.name)

    async def _looked_at(self, stream: str, partition: int, end: int, feed: str) -> None:
        hub = self.world.hub
        async with asyncio.timeout(30):
            while (known := hub.snapshot().feeds.get(feed)) is not None and not known.ended:
                at = await hub.ports.positions.load(stream, hub.ports.log.generation, partition)
                if at is not None and at.source_offset >= end:
                    return
                await asyncio.sleep(0.005)


def feed_name(recipient: str, purpose: str) -> str:
    return f"{recipient}-{purpose[:4]}"


def cursors_of(world: HubWorld) -> list[Any]:
    keys = world.hub.ports.keys
    replays = ReplayCursors(keys.secret("cursor:replay"), lambda size: bytes(size))
    return [CursorBox(keys.secret("cursor")).open, replays.open]


async def collect(story: Story) -> None:
    """All that every party can get hold of when the story has ended."""
    for name in RECIPIENTS:
        for path in ("agreements/mine", "feeds", "notices", "accesses", "events", "endpoints", "replays"):
            await ask(story, name, f"/v1/{path}")
    for recipient, purpose in story.feeds:
        await of_feed(story, recipient, purpose)
    for name in SENDERS:
        for path in ("events", "accesses", "notices", "receipts?source=x&id=y", "agreements/mine", "feeds"):
            await ask(story, name, f"/v1/{path}")
        other = next((sent for sent in story.sent if sent.sender != name), None)
        if other is not None:
            await silent(story, name, other)
    await of_nobody(story)


async def ask(story: Story, party: str, path: str, what: str = "", purpose: str = "", **more: Any) -> Any:
    answer = await story.callers[party].ask(more.pop("method", "GET"), path, **more)
    head = repr(dict(answer.headers)).encode()
    what = what or path if answer.status < 300 else f"refused, {path}"
    story.came.append(Came(party, what, head + answer.body, purpose))
    return answer


async def of_feed(story: Story, recipient: str, purpose: str) -> None:
    name = feed_name(recipient, purpose)
    for lane in ("main", "urgent") if story.urgent else ("main",):
        asked = f"/v1/feeds/{name}/records?from=earliest&proof=yes" + (f"&lane={lane}" if lane == "urgent" else "")
        await ask(story, recipient, asked, "records", purpose)
    for path in ("schema", "asyncapi", "lag"):
        await ask(story, recipient, f"/v1/feeds/{name}/{path}", path, purpose)
    for text in ("type = customs.container.gate_in", "/data/cnry1name exists", "/data/declarant/name starts cnry"):
        counted = {"method": "POST", "json": {"filter": text}}
        await ask(story, recipient, f"/v1/feeds/{name}/count", "count", purpose, **counted)
    for cursor in ("x", "A" * 60):
        await ask(story, recipient, f"/v1/feeds/{name}/records?cursor={cursor}", "refused", purpose)
    other = next(each for each in RECIPIENTS if each != recipient)
    await ask(story, other, f"/v1/feeds/{name}/records", "refused, another's")
    start = {"method": "POST", "json": {"from": FOR_EVER}}
    begun = await ask(story, recipient, f"/v1/feeds/{name}/replays", "replay", purpose, **start)
    if begun.status == 201:
        await ask(story, recipient, begun.headers["Location"], "replay", purpose)
    await stream_of_feed(story, recipient, purpose)


async def stream_of_feed(story: Story, recipient: str, purpose: str) -> None:
    """Server-sent events until a sign of life, and what stands in the log, as Kafka would give it."""
    caller, name = story.callers[recipient], feed_name(recipient, purpose)
    url = f"{story.world.hub.url}/v1/feeds/{name}/stream?from=earliest"
    content = b""
    async with story.world.http.get(url, headers={"Authorization": f"Bearer {caller.token}"}) as response:
        async for line in response.content:
            if line.startswith(b": here"):
                break
            content += line
    story.came.append(Came(recipient, "sse", content, purpose))
    log = story.world.hub.ports.log
    for lane in Lane:
        stream = stream_of(name, lane)
        if lane is Lane.URGENT and not story.urgent:
            continue
        async with log.reader(stream) as reader:
            for partition in range(story.world.hub.events.partitions):
                if (await log.bounds(stream, partition)).end == 0:
                    continue
                for record in await reader.read(partition, 0, records_max=1_000, bytes_max=1 << 24):
                    raw = b"\n".join((record.key or b"", record.value, record.header))
                    story.came.append(Came(recipient, "topic", raw, purpose, live=True))


async def silent(story: Story, party: str, other: Sent) -> None:
    """Whoever asks for another's event by name is answered as if there were none."""
    caller = story.callers[party]
    source, name = other.event["source"], other.event["id"]
    for path in ("events", "receipts", "receipts/chain", "accesses"):
        there = await caller.get(f"/v1/{path}", source=source, id=name)
        absent = await caller.get(f"/v1/{path}", source=source, id=f"{name}0")
        known = {"known_up_to": None}
        assert (there.status, {**there.json, **known}) == (absent.status, {**absent.json, **known}), path


async def of_nobody(story: Story) -> None:
    """What the hub says of itself, to whoever runs it: it holds nothing of what anybody sent."""
    hub = story.world.hub
    port = hub.sockets.operations.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}/metrics", f"{hub.url}/health/ready", f"{hub.url}/v1/asyncapi.json"):
        async with story.world.http.get(url) as response:
            story.came.append(Came("", url, await response.read()))


async def told(directory: Path, story_: Any, kafka: str = "") -> list[str]:
    first, steps, filter_, urgent = story_
    made = settings_in(
        directory,
        ground="kafka" if kafka else "memory",
        intake={"append_seconds_max": 61.0},
        webhooks={"networks": "127.0.0.0/8"},
        delivery={"stream_heartbeat_seconds": 0.1},
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
        await story.routed()
        await collect(story)
        for came in receiver.came:
            name = came.path.rpartition("/")[2]
            recipient, purpose = next(key for key in story.feeds if feed_name(*key) == name)
            raw = repr(came.headers).encode() + came.body
            story.came.append(Came(recipient, "webhook", raw, purpose, live=True))
        return [*story.leaks(), *(f"not shown: {each}" for each in story.missing())]


def on(made: Settings, kafka: str) -> Settings:
    return replace(made, kafka=patient(kafka, topic_prefix=f"{uuid4()}.")) if kafka else made


@pytest.fixture(autouse=True, scope="module")
def places_at_once() -> Iterator[None]:
    """Where fan-out stands is written down, and so known here, at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(router, "PLACES_SECONDS", 0.01)
        yield


@seed(SEED)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
@given(story=STORIES)
def test_nothing_outside_an_agreement_leaves_the_hub(story: Any, capfd: pytest.CaptureFixture[str]) -> None:
    with TemporaryDirectory() as directory:
        found = asyncio.run(told(Path(directory), story))

    assert found == []
    said = "".join(capfd.readouterr())
    assert re.search(r"cnry\d", said) is None, said


@pytest.mark.kafka
@pytest.mark.slow
@seed(SEED)
@settings(
    max_examples=max(2, EXAMPLES // 20),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
@given(story=STORIES)
def test_nothing_outside_an_agreement_is_in_a_feeds_topic(story: Any, kafka_bootstrap: str) -> None:
    with TemporaryDirectory() as directory:
        assert asyncio.run(told(Path(directory), story, kafka_bootstrap)) == []
