"""The world around a hub, made on the spot: companies, risk engines, their keys, agreements and feeds.

The demo, the benchmark and the journeys describe whom they need; `hub_world` registers them through the registrar, as
an operator would, in the data directory of a hub that does not run yet.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from msgspec import Struct

from hub.assembly.offline import open_registrar
from hub.core.agreement import ALL_FIELDS, Purpose
from hub.core.errors import HubError, Refusal
from hub.core.feed import Way
from hub.core.settings import Settings
from hub.operate.feeds import WAYS
from hub.operate.registrar import Registrar
from hub.trust.sealed_password import seal_password
from hub.trust.webhook import secret_text

ACTOR = "lab"
SYSTEM = "system"
"""Every organisation of a lab has one system, of this name."""
WRITES = ("events:write", "receipts:read")
READS = ("feeds:read", "receipts:read")


class AEO(Struct, frozen=True):
    """An AEO authorisation that is valid; dates as `partner aeo` takes them."""

    number: str
    type: str = "F"
    issuer: str = "NL"
    valid_from: str = "2020-01-01"


class Company(Struct, frozen=True, kw_only=True):
    """An organisation that sends events."""

    id: str
    roles: tuple[str, ...]
    name: str = ""
    """Empty: made of the id."""
    country: str = "NL"
    tier: str = "trusted"
    aeo: AEO | None = None


class Sharing(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an engine is given: from one partner, from a class of partners, or else from all."""

    types: tuple[str, ...] = ("*",)
    fields: tuple[str, ...] = ALL_FIELDS
    partner: str | None = None
    tier: str | None = None
    role: str | None = None
    country: str | None = None


class Webhook(Struct, frozen=True):
    """Where the records of an engine's feed are brought."""

    url: str
    secret: bytes
    """Shared with the receiver: 32 bytes."""


class Engine(Struct, frozen=True, kw_only=True):
    """A risk engine of an authority, with its agreements and, if so, a feed, which has the engine's id as its name."""

    id: str
    name: str = ""
    country: str = "NL"
    purpose: Purpose = Purpose.SECURITY_RISK
    sharings: tuple[Sharing, ...] = (Sharing(),)
    feed: bool = True
    filter: str = ""
    """The feed's filter."""
    webhook: Webhook | None = None


class Client(Struct, frozen=True):
    """A registered system: its OAuth client id and its private key (P-256), as a PEM of PKCS 8."""

    id: str
    key_pem: bytes


class Unregistrable(HubError):
    """The registrar refused what a lab asks for; the text names every fault."""


async def hub_world(
    settings: Settings, *, companies: Iterable[Company] = (), engines: Iterable[Engine] = ()
) -> dict[str, Client]:
    """Register all of them in the data directory of `settings`; return their systems by the organisation's id.

    Raises `Unregistrable`, and `HubError` while a hub runs on the directory.
    """
    async with open_registrar(settings) as registrar:
        clients = {each.id: await _register_company(registrar, each) for each in companies}
        return clients | {each.id: await _register_engine(registrar, each) for each in engines}


def new_key() -> tuple[bytes, bytes]:
    """A fresh P-256 key: the private half and the public half, each as a PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


async def _register_company(registrar: Registrar, company: Company) -> Client:
    client = await _register(
        registrar,
        id=company.id,
        name=company.name or company.id.title(),
        country=company.country,
        roles=list(company.roles),
        tier=company.tier,
        scopes=WRITES,
    )
    if company.aeo is not None:
        await _perform(registrar, "partner.aeo", id=company.id, **msgspec.to_builtins(company.aeo))
    return client


async def _register_engine(registrar: Registrar, engine: Engine) -> Client:
    client = await _register(
        registrar,
        id=engine.id,
        name=engine.name or engine.id.title(),
        country=engine.country,
        roles=["authority"],
        tier="trusted",
        scopes=READS,
    )
    for number, sharing in enumerate(engine.sharings, 1):
        given = msgspec.to_builtins(sharing)
        provider = {name: given[name] for name in ("partner", "tier", "role", "country") if name in given}
        await _perform(
            registrar,
            "agreement.add",
            id=f"{engine.id}-{number}",
            provider=provider or {"all": True},
            types=sharing.types,
            recipient=engine.id,
            purpose=engine.purpose.value,
            fields=sharing.fields,
        )
    if engine.feed:
        feed = {"name": engine.id, "recipient": engine.id, "purpose": engine.purpose.value, "filter": engine.filter}
        await _perform(
            registrar, "feed.add", **feed, ways=WAYS if engine.webhook is None else (*WAYS, Way.WEBHOOK.value)
        )
    if engine.webhook is not None:
        await _bring(registrar, engine.id, engine.webhook)
    return client


async def _bring(registrar: Registrar, engine: str, webhook: Webhook) -> None:
    told = await registrar.looks.view("endpoint.next", {"id": engine})
    assert isinstance(told, dict)
    sealed = seal_password(secret_text(webhook.secret), told["name"], told["key"])
    await _perform(registrar, "endpoint.add", id=engine, feed=engine, url=webhook.url, sealed=sealed)


async def _register(registrar: Registrar, *, id: str, scopes: tuple[str, ...], **partner: Any) -> Client:  # noqa: A002
    private, public = new_key()
    await _perform(registrar, "partner.add", id=id, **partner)
    await _perform(registrar, "key.add", partner=id, system=SYSTEM, key=public.decode(), scopes=scopes)
    return Client(f"{id}.{SYSTEM}", private)


async def _perform(registrar: Registrar, act: str, **request: Any) -> None:
    outcome = await registrar.perform(act, request, actor=ACTOR)
    if isinstance(outcome, Refusal):
        faults = "; ".join(f"{each.place}: found {each.found}, expected {each.expected}" for each in outcome.faults)
        raise Unregistrable(f"{act}: {faults or outcome.detail}")
