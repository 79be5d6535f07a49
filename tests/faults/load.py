"""Partners under load: several systems and sources at once, every event tried again until its answer is final.

A worker is one connection's worth of one source. What it sends is a function of its seed; every attempt is written down
in the shared history before it leaves and when its answer is read. Receipts are verified as they come.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from connectors.session import Answer, HubRefused, HubSession, HubUnreachable
from connectors.verify import KeyHistory, ReceiptInvalid, split, verify
from tests.faults.history import Attempt, History, Key, Outcome

TAKEN = frozenset(("ACCEPTED", "DUPLICATE"))
NOT_STORED = frozenset(
    (
        "NOT_ATTEMPTED",
        "STORAGE_UNAVAILABLE",
        "STORAGE_FULL",
        "REGISTRY_STALE",
        "OVERLOADED",
        "TOO_MANY_REQUESTS",
        "UNAUTHENTICATED",
    )
)
"""Codes that say that this attempt stored nothing."""
OPEN_CODES = frozenset(("OUTCOME_UNKNOWN", "INTERNAL"))
BATCH_MAX = 60
SWARM = 100
RETRY_SECONDS = 0.05, 0.25


class WrongAnswer(AssertionError):
    """The hub refused, or answered, what it never should."""


class Outgoing(NamedTuple):
    key: Key
    raw: bytes
    content: str


def outgoing(publisher: str, source: str, id_: str, mass_kg: int) -> Outgoing:
    """A container that came through a gate; `mass_kg` is what it means."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    data = {
        "occurred_at": now,
        "time_kind": "ACTUAL",
        "subjects": [{"scheme": "iso6346", "value": "CSQU3054383"}],
        "place": {"unlocode": "NLRTM"},
        "empty": False,
        "weighed_mass_kg": mass_kg,
    }
    event = {
        "specversion": "1.0",
        "id": id_,
        "source": source,
        "type": "customs.container.gate_in",
        "time": now,
        "data": data,
    }
    return Outgoing(Key(publisher, source, id_), orjson.dumps(event), content_of(data))


def content_of(data: Mapping[str, Any]) -> str:
    return sha256(orjson.dumps(data, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]


class Desk:
    """Posts events of one system and writes down what became of them."""

    def __init__(self, session: HubSession, history: History, keys: KeyHistory, codes: Counter[str]) -> None:
        self._session, self._history, self._keys, self._codes = session, history, keys, codes
        self.heard: Answer | None = None
        """The answer to the last request; None if there was none."""

    async def settle(self, events: Sequence[Outgoing], chance: random.Random) -> None:
        """Post until every event has its final answer: ACCEPTED, DUPLICATE or CONFLICT."""
        while events:
            attempts = await self.post(events)
            final = (Outcome.OK, Outcome.CONFLICT)
            events = [e for e, attempt in zip(events, attempts, strict=True) if attempt.outcome not in final]
            if events:
                await asyncio.sleep(chance.uniform(*RETRY_SECONDS))

    async def post(self, events: Sequence[Outgoing]) -> list[Attempt]:
        """One request: alone in structured mode, several in batched mode."""
        single = len(events) == 1
        body = events[0].raw if single else b"[" + b",".join(event.raw for event in events) + b"]"
        media_type = "application/cloudevents+json" if single else "application/cloudevents-batch+json"
        attempts = self._history.send([(event.key, event.content) for event in events])
        self.heard = None
        try:
            answer = await self._session.request("POST", "/v1/events", body=body, headers={"Content-Type": media_type})
        except HubUnreachable:
            self._codes["(no answer)"] += len(events)
            return attempts
        except HubRefused as refused:
            # No token is to be had now: the request itself never left.
            self._answer_all(attempts, refused.code)
            return attempts
        self.heard = answer
        document = answer.json()
        if single:
            self._answer_one(attempts[0], events[0], document, document)
        elif "items" in document:
            self._answer_items(attempts, events, document)
        else:
            self._answer_all(attempts, document["code"])
        return attempts

    def _answer_items(self, attempts: Sequence[Attempt], events: Sequence[Outgoing], document: dict[str, Any]) -> None:
        receipts = iter(split(document))
        items = document["items"]
        if [(item["source"], item["id"]) for item in items] != [event.key[1:] for event in events]:
            raise WrongAnswer(f"the items of the answer are not those of the request: {items}")
        for attempt, event, item in zip(attempts, events, items, strict=True):
            self._answer_one(attempt, event, item, next(receipts) if item.get("receipt") else None)

    def _answer_one(
        self, attempt: Attempt, event: Outgoing, item: Mapping[str, Any], receipt: Mapping[str, Any] | None
    ) -> None:
        code = item["verdict"] if item.get("verdict") in TAKEN else item["code"]
        self._codes[code] += 1
        proved = code in TAKEN and receipt is not None and self.holds(receipt, event)
        self._history.answer(attempt, _outcome(code, item), proved=proved)

    def _answer_all(self, attempts: Sequence[Attempt], code: str) -> None:
        self._codes[code] += len(attempts)
        for attempt in attempts:
            self._history.answer(attempt, _outcome(code, {}))

    def holds(self, receipt: Mapping[str, Any], event: Outgoing) -> bool:
        """Whether a receipt alone verifies, and is about this event."""
        try:
            verdict = verify(receipt, event.raw, self._keys)
        except ReceiptInvalid:
            return False
        stated = verdict.statement
        return verdict.valid and (stated["publisher"], stated["source"], stated["id"]) == event.key


def _outcome(code: str, item: Mapping[str, Any]) -> Outcome:
    if code in TAKEN:
        return Outcome.OK
    if code == "CONFLICT":
        return Outcome.CONFLICT
    if code in NOT_STORED:
        return Outcome.FAIL
    if code in OPEN_CODES:
        return Outcome.UNKNOWN
    raise WrongAnswer(f"{code} for a good event: {item}")


class Worker:
    """Sends stories of one source, one after the other, until it is told to stop."""

    def __init__(self, desk: Desk, publisher: str, source: str, name: str, seed: str) -> None:
        self._desk, self._publisher, self._source, self._name = desk, publisher, source, name
        self._chance = random.Random(f"{seed}/{name}")
        self._made: list[Outgoing] = []
        self._stories: tuple[tuple[Callable[[], Awaitable[None]], float], ...] = (
            (self._single, 0.45),
            (self._batch, 0.36),
            (self._repeat, 0.08),
            (self._conflict, 0.06),
            (self._abandoned, 0.04),
            (self._swarm, 0.01),
        )

    async def run(self, stopping: asyncio.Event) -> None:
        stories, weights = zip(*self._stories, strict=True)
        while not stopping.is_set():
            await self._chance.choices(stories, weights)[0]()

    async def last(self) -> Key:
        """The end of this worker's events, to be waited for in every feed."""
        event = self._make()
        await self._desk.settle([event], self._chance)
        return event.key

    def _make(self) -> Outgoing:
        id_ = f"{self._name}-{len(self._made)}"
        self._made.append(outgoing(self._publisher, self._source, id_, self._chance.randint(1_000, 30_000)))
        return self._made[-1]

    async def _single(self) -> None:
        await self._desk.settle([self._make()], self._chance)

    async def _batch(self) -> None:
        await self._desk.settle([self._make() for _ in range(self._chance.randint(2, BATCH_MAX))], self._chance)

    async def _repeat(self) -> None:
        if self._made:
            await self._desk.settle([self._chance.choice(self._made[-500:])], self._chance)

    async def _conflict(self) -> None:
        """Two meanings under one identity, at once or one after the other."""
        one = self._make()
        other = outgoing(*one.key, mass_kg=self._chance.randint(30_001, 40_000))
        if self._chance.random() < 0.5:
            await asyncio.gather(*(self._desk.settle([each], self._chance) for each in (one, other)))
        else:
            await self._desk.settle([one], self._chance)
            await self._desk.settle([other], self._chance)

    async def _abandoned(self) -> None:
        """Sent once; whatever the answer, never again."""
        await self._desk.post([self._make()])

    async def _swarm(self) -> None:
        """The same event, all at once."""
        event = self._make()
        await asyncio.gather(*(self._desk.settle([event], self._chance) for _ in range(SWARM)))
