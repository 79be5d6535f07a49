"""An endpoint to which a feed is brought, by a receiver that now and then fails; what it holds is a view."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hub.assembly.offline import open_registrar
from hub.core.errors import Refusal
from hub.core.settings import Settings
from tests.endpoints import sealed_for
from tests.faults.history import Seen
from tests.faults.reading import Given, seen
from tests.receiver import Came, Receiver, receiving

FEED, ENDPOINT = "brought", "engine"
FAILS_CHANCE = 0.03
NETWORKS = "127.0.0.0/8"


class Hook:
    """Takes each message once, by its id; what it answers with a failure it has not taken."""

    def __init__(self, chance: random.Random) -> None:
        self.held: list[Seen] = []
        self.got: Counter[Given] = Counter()
        self._chance = chance
        self._taken: set[str] = set()

    def answer(self, came: Came) -> int:
        records = [seen(record) for record in came.records]
        self.got.update(Given("webhook", each.key) for each in records)
        if self._chance.random() < FAILS_CHANCE:
            return 503
        if came.id not in self._taken:
            self._taken.add(came.id)
            self.held += records
        return 204


@asynccontextmanager
async def hooked(settings: Settings, recipient: str, chance: random.Random) -> AsyncIterator[Hook]:
    """A feed of the recipient that is brought to a hook, registered with a hub that does not run."""
    hook = Hook(chance)
    async with receiving() as receiver:
        receiver.answering = hook.answer
        await _register(settings, recipient, receiver)
        yield hook


async def _register(settings: Settings, recipient: str, receiver: Receiver) -> None:
    async with open_registrar(settings) as registrar:
        feed = {"name": FEED, "recipient": recipient, "purpose": "security-risk-assessment"}
        told = await registrar.looks.view("endpoint.next", {"id": ENDPOINT})
        assert isinstance(told, dict)
        endpoint = {"id": ENDPOINT, "feed": FEED, "url": receiver.url, "batch_ms": 10}
        for act, request in (
            ("feed.add", feed | {"ways": ["webhook"]}),
            ("endpoint.add", endpoint | sealed_for(told)),
        ):
            outcome = await registrar.perform(act, request, actor="test")
            assert not isinstance(outcome, Refusal), outcome
