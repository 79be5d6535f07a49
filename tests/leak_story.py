"""A story of agreements, events and acts on agreements, what came of it, and what of that may not be there."""

from __future__ import annotations

import asyncio
import re
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.core.errors import Refusal
from hub.core.feed import stream_of
from hub.core.record import EVENTS
from hub.trust.cursor import CursorBox
from hub.trust.replay_cursor import ReplayCursors
from tests.canaries import Canaries, opened, planted, seen_in
from tests.endpoints import sealed_for
from tests.leak_oracle import Terms, is_under, passes
from tests.world import Caller, HubWorld

SENDERS: Mapping[str, Mapping[str, Any]] = {
    "cnryalpha": {"country": "NL", "roles": ["terminal", "carrier", "broker"], "tier": "trusted"},
    "cnrybravo": {"country": "DE", "roles": ["terminal", "broker"], "tier": "small"},
    "cnrycharly": {"country": "NL", "roles": ["terminal", "broker"], "tier": "sandbox"},
}
RECIPIENTS = dict.fromkeys(("rcptnorth", "rcptsouth"), "an authority")
PURPOSES = ("security-risk-assessment", "statistics")
READS, WRITES = ("feeds:read", "receipts:read", "agreements:sign"), ("events:write", "receipts:read", "agreements:sign")
WHOLE = ("records", "replay", "look-up")
"""Where everything that is allowed must be shown."""
PSEUDONYM = re.compile(rb"p-[A-Za-z0-9_-]{22}")


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
    keyed: str = ""
    """Whose pseudonyms stand in it."""


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
    filters: dict[tuple[str, str], str] = field(default_factory=dict)
    step: int = 0
    states: dict[str, str] = field(default_factory=dict)
    callers: dict[str, Caller] = field(default_factory=dict)
    hook: str = ""
    cursors: dict[str, list[str]] = field(default_factory=dict)
    """By party: those that it was given."""
    wrong: list[str] = field(default_factory=list)
    """What was told otherwise than it may be, whatever stands in it."""

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
        if what == "open":
            await self._open(*given)
        elif what == "agree":
            await self._agree(given)
        elif what == "send":
            await self._send(*given)
        elif self.terms:
            await self._act(what, self.terms[given % len(self.terms)].id)
        for each in self.terms:
            if self.states[each.id] in ("active", "suspended"):
                (each.held if self.states[each.id] == "active" else each.paused).add(self.step)

    async def open_all(self) -> None:
        """Feeds for all agreements that wait for one."""
        for each in self.terms:
            if (each.recipient, each.purpose) not in self.feeds:
                await self.tell("open", (each.recipient, each.purpose))

    async def _agree(self, asked: Mapping[str, Any]) -> None:
        name = f"agreed-{len(self.terms)}"
        opens, asked = asked["opens"], {key: value for key, value in asked.items() if key != "opens"}
        request = {key: value for key, value in asked.items() if key != "begins_late"}
        first = "2999-01-01" if asked["begins_late"] else "2020-01-01"
        fields = await self._made(request | {"id": name, "valid_from": first})
        if not fields:
            return
        self.terms.append(Terms(id=name, **{**asked, "fields": fields}))
        self.states[name] = "active"
        key = asked["recipient"], asked["purpose"]
        if opens and key not in self.feeds:
            await self._open(*key)

    async def _made(self, request: Mapping[str, Any]) -> tuple[str, ...]:
        """The fields that it is on: on those that no event of its types can have none is made."""
        fields = list(request["fields"])
        while fields:
            asked = dict(request, fields=fields)
            outcome = await self.world.hub.registrar.perform("agreement.add", asked, actor="test")
            if not isinstance(outcome, Refusal):
                break
            unfit = {int(each.place.removeprefix("/fields/")) for each in outcome.faults}
            fields = [each for number, each in enumerate(fields) if number not in unfit]
        return tuple(fields)

    async def _open(self, recipient: str, purpose: str) -> None:
        name = feed_name(recipient, purpose)
        made = {"name": name, "recipient": recipient, "purpose": purpose, "urgent": self.urgent}
        ways = ["pull", "sse", "webhook"]
        outcome = await self.world.hub.registrar.perform(
            "feed.add", made | {"ways": ways, "filter": self.filter}, actor="test"
        )
        if isinstance(outcome, Refusal):  # A filter on what no agreement shows.
            await self.world.act("feed.add", **made, ways=ways)
        self.filters[recipient, purpose] = "" if isinstance(outcome, Refusal) else self.filter
        self.feeds[recipient, purpose] = self.step
        told = await self.world.hub.registrar.looks.view("endpoint.next", {"id": name})
        assert isinstance(told, dict)
        url = f"{self.hook}/{name}"
        await self.world.act("endpoint.add", id=name, feed=name, url=url, batch_ms=1, **sealed_for(told))

    async def _send(self, sender: str, *how: str) -> None:
        event, canaries = planted(*how)
        answer = await self.callers[sender].post(event)
        while answer.status == 503:  # It may have been stored: the same again says.
            answer = await self.callers[sender].post(event)
        assert answer.status in (200, 201), answer
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
                if came.what in ("records", "sse"):  # What lay there when it was suspended comes no more.
                    steps = {begun for begun in steps if set(range(begun, self.step + 1)) <= each.held}
                for decided in steps:
                    now = None if came.live else self.step
                    found |= each.allows(sent.event, facts, sent=sent.step, step=decided, now=now)
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
            found += [f"{came.party} {came.what}: {each}" for each in self._names(came, content)]
        return [*found, *self.wrong, *self._unsealed(), *self._shared()]

    def _unsealed(self) -> Iterator[str]:
        """Cursors that tell of themselves whose they are, or of what."""
        names = [name.encode() for name in (*SENDERS, *RECIPIENTS, *(feed_name(*key) for key in self.feeds))]
        for party, cursors in self.cursors.items():
            for cursor in cursors:
                inside = decoded(cursor)
                yield from (f"{party} cursor: {name!r}" for name in names if name in inside)

    def _shared(self) -> Iterator[str]:
        """Pseudonyms that are the same for two who could compare them."""
        of: dict[bytes, str] = {}
        for came in self.came:
            for each in PSEUDONYM.findall(came.content) if came.keyed else ():
                if of.setdefault(each, came.keyed) != came.keyed:
                    yield f"{each!r}: for {came.keyed} as for {of[each]}"

    def _names(self, came: Came, content: bytes) -> list[str]:
        """Publishers that no agreement shows and none names, nor the recipient's own filter; others of its own kind."""
        if came.what == "preview":  # Operators know all names.
            return []
        if came.party in SENDERS:
            return [name for name in seen_in(content, SENDERS) if name != came.party]
        others = [name for name in seen_in(content, RECIPIENTS) if name != came.party]
        if "agreements/mine" in came.what:  # Of everybody: it is a provider itself.
            others = []
        if not came.party:
            return [*seen_in(content, SENDERS), *others]
        named = {each.provider.get("partner") for each in self.terms if each.recipient == came.party}
        shown = {sent.sender for sent in self.sent if is_under("/publisher", self.allowed(sent, came))}
        senders = [name for name in seen_in(content, SENDERS) if name not in named | shown and name not in self.filter]
        return [*senders, *others]

    def missing(self) -> list[str]:
        """What a feed, its replay and a look-up must show at the end, and do not."""
        shown: dict[tuple[str, str, str], bytes] = {}
        for came in self.came:
            if came.what in WHOLE and came.purpose:
                key = came.party, came.purpose, came.what
                shown[key] = shown.get(key, b"") + came.content
        return [
            f"{party} {what} {purpose}: {pointer} of {sent.event['type']}"
            for (party, purpose, what), content in shown.items()
            for sent in self.sent
            if not self._interrupted(sent, party, purpose)
            if (allowed := self.allowed(sent, Came(party, "records", b"", purpose)))
            if passes("" if what == "look-up" else self.filters[party, purpose], sent.event, sent.sender, allowed)
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
        while (known := hub.snapshot().feeds.get(feed)) is not None and not known.ended:
            at = await hub.ports.positions.load(stream, hub.ports.log.generation, partition)
            if at is not None and at.source_offset >= end:
                return
            await asyncio.sleep(0.005)

    async def brought(self) -> None:
        """Until the endpoints of all feeds that go on have been brought what is in them."""
        hub = self.world.hub
        while True:
            snapshot, told = hub.snapshot(), await hub.push.told() if hub.push is not None else ()
            left = {each.name for each in snapshot.feeds if not each.ended and snapshot.endpoints.of(each.name)}
            if left <= {each["endpoint"] for each in told if each["state"] == "active" and not each["records_behind"]}:
                return
            await asyncio.sleep(0.005)

    async def known(self) -> None:
        """Until every sender is shown all that it sent."""
        for name in SENDERS:
            own = [sent.event["id"].encode() for sent in self.sent if sent.sender == name]
            told = b""
            while any(each not in told for each in own):
                await asyncio.sleep(0.005)
                told = (await self.callers[name].get("/v1/events")).body


def feed_name(recipient: str, purpose: str) -> str:
    """It tells nobody who reads it."""
    return f"feed{[*RECIPIENTS].index(recipient)}{PURPOSES.index(purpose)}"


def decoded(cursor: str) -> bytes:
    try:
        return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (Base64Error, ValueError):
        return cursor.encode()


def cursors_of(world: HubWorld) -> list[Any]:
    keys = world.hub.ports.keys
    replays = ReplayCursors(keys.secret("cursor:replay"), lambda size: bytes(size))
    return [CursorBox(keys.secret("cursor")).open, replays.open]
