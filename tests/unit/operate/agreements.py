"""Agreements between two partners at the registrar's desk, and the keys of both."""

from __future__ import annotations

from typing import Any

from connectors.keys import SigningKey, generate
from connectors.partner.agreements import sign
from hub.core.agreement import Agreement

SIGN = "agreements:sign"
TERMS: dict[str, Any] = {
    "id": "a1",
    "provider": {"partner": "zephyr"},
    "types": ["customs.seal.*"],
    "recipient": "risk",
    "purpose": "security-risk-assessment",
    "fields": ["@seals", "/data/subjects"],
}


class Sides:
    """Zephyr gives to risk; each has one system that signs."""

    def __init__(self, desk: Any) -> None:
        self.desk = desk
        self.keys: dict[str, SigningKey] = {}

    async def open(self) -> Sides:
        await self.desk.enrol("zephyr")
        await self.desk.enrol("risk", "authority")
        for name in ("zephyr", "risk"):
            self.keys[name] = await self.add_key(name, "signer")
        return self

    async def add_key(self, partner: str, system: str, *scopes: str) -> SigningKey:
        key = generate("EdDSA")
        public = key.public_pem().decode()
        await self.desk.do("key.add", partner=partner, system=system, key=public, scopes=scopes or (SIGN,))
        return key

    def agreement(self, name: str = "a1") -> Agreement:
        found: Agreement = self.desk.live.snapshot.agreements.get(name)
        return found

    async def propose(self, **more: Any) -> Agreement:
        await self.desk.do("agreement.propose", **(TERMS | more))
        return self.agreement(more.get("id", "a1"))

    def request(self, partner: str, name: str = "a1", key: SigningKey | None = None) -> dict[str, Any]:
        signature = sign(self.agreement(name).text, key or self.keys[partner])
        return {"id": name, "partner": partner, "signature": signature}

    async def sign(self, partner: str, name: str = "a1") -> Agreement:
        await self.desk.do("agreement.sign", **self.request(partner, name))
        return self.agreement(name)

    async def agree(self, **more: Any) -> Agreement:
        await self.propose(**more)
        for partner in ("zephyr", "risk"):
            await self.sign(partner, more.get("id", "a1"))
        return self.agreement(more.get("id", "a1"))
