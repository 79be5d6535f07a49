"""Mandates in the world around a hub: principals with keys that sign, agents that act."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import orjson

from connectors.keys import SigningKey, generate
from connectors.partner import mandates
from tests.world import Answer, Caller, HubWorld

DAY = 86_400
SIGNS = ("events:write", "receipts:read", "mandates:sign")
JSON = {"Content-Type": "application/json"}


class Principal:
    """A partner of whose systems one or more sign mandates, each under a key of its own."""

    def __init__(self, caller: Caller, *keys: SigningKey) -> None:
        self.caller = caller
        self.keys = (caller.key, *keys)

    def drafted(self, agent: str, id: str = "m1", **more: Any) -> mandates.Signed:  # noqa: A002
        return drafted(self.caller, agent, id, **more)

    async def post(self, signed: mandates.Signed, path: str = "/v1/mandates") -> Answer:
        return await self.caller.ask("POST", path, data=orjson.dumps(signed), headers=JSON)

    async def grant(self, agent: str, id: str = "m1", **more: Any) -> Answer:  # noqa: A002
        return await self.post(signed_by(self.drafted(agent, id, **more), self.keys))

    async def withdraw(self, id: str = "m1", keys: Sequence[SigningKey] | None = None) -> Answer:  # noqa: A002
        hub = self.caller.world.hub.settings.hub_name
        written = mandates.withdrawal(hub=hub, principal=self.caller.partner, id=id, time=int(time.time()))
        return await self.post(signed_by(written, keys or self.keys), f"/v1/mandates/{id}/withdraw")


def drafted(caller: Caller, agent: str, id: str = "m1", **more: Any) -> mandates.Signed:  # noqa: A002
    """A mandate over everything, for a day; `more` says what differs."""
    now = int(time.time())
    good: dict[str, Any] = {
        "hub": caller.world.hub.settings.hub_name,
        "id": id,
        "principal": caller.partner,
        "agent": agent,
        "types": ["*"],
        "valid_from": now - 10,
        "valid_to": now + DAY,
    }
    return mandates.mandate(**(good | more))


def signed_by(signed: mandates.Signed, keys: Sequence[SigningKey]) -> mandates.Signed:
    for key in keys:
        signed = mandates.sign(signed, key)
    return signed


async def principal(world: HubWorld, name: str = "delta", *, keys: int = 2, **partner: Any) -> Principal:
    caller = await world.company(name, scopes=SIGNS, **partner)
    more = [generate("EdDSA") for _ in range(keys - 1)]
    for number, key in enumerate(more, 2):
        public = key.public_pem().decode()
        await world.act("key.add", partner=name, system=f"sys{number}", key=public, scopes=["mandates:sign"])
    return Principal(caller, *more)
