"""The registrar without a hub: what the CLI works with while none runs on the data directory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path

from hub.assembly.grounds import blobs_at, open_keys
from hub.assembly.state import accesses_beside, open_last_use, open_registry
from hub.core.copies import Entry as Copy
from hub.core.copies import Quarantined
from hub.core.endpoint import SECRETS_USE, Endpoint, Sending
from hub.core.filter import Schema
from hub.core.kafka_access import Listeners, Proof
from hub.core.retired_key import Ring
from hub.core.settings import Settings, addresses_of
from hub.drivers.http.networks import is_open, networks_of
from hub.drivers.system.clock import SystemClock
from hub.drivers.system.directory import DataDirectory
from hub.drivers.system.entropy import SystemEntropy
from hub.drivers.system.key_ring import FileKeyRing
from hub.intake.copies import Copies
from hub.operate.acts import Apart
from hub.operate.follow import LiveRegistry
from hub.operate.letter_desk import NoLetters
from hub.operate.own_keys import apply, key_in_use
from hub.operate.registrar import Registrar
from hub.operate.vault import Vault
from hub.ports.access_journal import Entry, Query
from hub.ports.last_use import LastUse, Use
from hub.ports.system import Clock
from hub.trust.sealed_password import USE, sealing_key
from schemas.catalogue import catalogue


def make_registrar(
    live: LiveRegistry,
    settings: Settings,
    *,
    key_in_use: Callable[[Ring], str],
    apart: Apart,
    last_use: LastUse,
    secret: Callable[[str], bytes],
    clock: Clock,
) -> Registrar:
    known = catalogue()
    event_types: dict[str, list[Schema]] = {name: [] for name in known.planned}
    for event_type in known.types:
        event_types.setdefault(event_type.name, []).append(event_type.schema.flat)
    return Registrar(
        live,
        hub=settings.hub_name,
        apart=apart,
        clock=clock,
        event_types=event_types,
        key_in_use=key_in_use,
        key_grace_seconds=settings.auth.key_grace_seconds,
        key_validity_seconds=settings.auth.key_validity_seconds,
        key_unused_seconds=settings.auth.key_unused_seconds,
        last_use=last_use,
        mandates=settings.mandates,
        listeners=listeners_of(settings, secret),
        webhooks=sending_of(settings, secret),
    )


def listeners_of(settings: Settings, secret: Callable[[str], bytes]) -> Listeners:
    """Where recipients may read feeds from Kafka itself; `secret`: of the key ring."""
    addresses = {Proof.SCRAM: settings.kafka.recipients_scram, Proof.MTLS: settings.kafka.recipients_mtls}
    return Listeners(addresses, lambda: sealing_key(secret(USE)), settings.kafka.topic_prefix)


def sending_of(settings: Settings, secret: Callable[[str], bytes]) -> Sending:
    """What acts about endpoints have to know; `secret`: of the key ring."""
    webhooks, names = settings.webhooks, addresses_of(settings.webhooks.networks)
    return Sending(
        lambda: sealing_key(secret(SECRETS_USE)),
        secret,
        has_certificate=bool(webhooks.certificate_file),
        allows_http=bool(webhooks.networks),
        connects=lambda address, tls: is_open(address, networks_of(names), public=tls),
        networks=names,
    )


@asynccontextmanager
async def open_registrar(settings: Settings) -> AsyncIterator[Registrar]:
    """The registrar of a hub that does not run: takes the directory's lock. Raises `HubError`."""
    clock = SystemClock()
    directory = Path(settings.log.directory)
    with DataDirectory(directory):
        async with open_registry(settings, clock) as registry:
            live = LiveRegistry(registry, clock=clock)
            await live.refresh()
            copies, last_use = _StoredCopies(settings, clock), _StoredUses(settings, clock)
            rings = _StoredKeys(directory, clock)
            yield make_registrar(
                live,
                settings,
                key_in_use=rings.key_in_use,
                apart=Apart(copies, NoLetters(), _no_failure, _StoredAccesses(settings, clock)),
                last_use=last_use,
                secret=rings.secret,
                clock=clock,
            )
            if len(live.snapshot.retired_keys):
                rings.keep(live, settings)


async def _no_failure(_: Endpoint) -> None:
    """Nothing is sent while no hub runs."""


class _StoredAccesses:
    """The access journal of a hub that does not run."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    async def entries(self, query: Query, *, limit: int) -> Sequence[Entry]:
        async with accesses_beside(self._settings, self._clock) as journal:
            return await journal.entries(query, limit=limit)


class _StoredKeys:
    """The key ring of a hub that does not run. It is opened for a command that is about it, and no other."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock

    def key_in_use(self, ring: Ring) -> str:
        return key_in_use(self._keys, ring)

    def secret(self, use: str) -> bytes:
        return self._keys.secret(use)

    def keep(self, live: LiveRegistry, settings: Settings) -> None:
        """Make it as the registry has it. Raises `HubError`."""
        apply(live.snapshot, self._keys, now=self._now(), token_seconds=settings.auth.token_seconds)

    @cached_property
    def _keys(self) -> FileKeyRing:
        return open_keys(self._directory, now=self._now())

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000


class _StoredUses:
    """The last uses of credentials, of a hub that does not run."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    async def all(self) -> Mapping[str, Use]:
        async with open_last_use(self._settings, self._clock) as store:
            return await store.all()

    async def note(self, uses: Sequence[Use]) -> None:
        async with open_last_use(self._settings, self._clock) as store:
            await store.note(uses)

    async def forget(self, before: int) -> None:
        async with open_last_use(self._settings, self._clock) as store:
            await store.forget(before)


class _StoredCopies:
    """The copies of a hub that does not run. Their store is opened for a command that asks for them, and no other."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    async def quarantined(self) -> Sequence[Quarantined]:
        return await self._copies.quarantined()

    async def entry(self, partner: str, sha256: str) -> Copy | None:
        return await self._copies.entry(partner, sha256)

    async def unmark(self, partner: str, sha256: str) -> None:
        await self._copies.unmark(partner, sha256)

    @cached_property
    def _copies(self) -> Copies:
        directory, entropy = Path(self._settings.log.directory), SystemEntropy()
        keys = open_keys(directory, now=self._clock.now_us() // 1_000_000)
        blobs = Vault(blobs_at(self._settings, directory, self._clock), keys=keys, entropy=entropy)
        return Copies(blobs, clock=self._clock, entropy=entropy)
