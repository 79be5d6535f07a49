"""The hub: stages over ports, the tasks that they need, and the doors through which they are reached."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from hub.assembly.aeo import make_feed_watch
from hub.assembly.answers import notice_act
from hub.assembly.copies import make_archived
from hub.assembly.enrolment import make_progress
from hub.assembly.entrance import make_entrance
from hub.assembly.feeds import make_counts, make_lags, preview
from hub.assembly.grounds import Ports, events_partitions
from hub.assembly.intake import make_intake
from hub.assembly.offline import make_registrar
from hub.assembly.once import once_for_all
from hub.assembly.quarantine import make_letter_desk
from hub.assembly.quotas import make_quotas
from hub.assembly.replays import replay_act
from hub.assembly.routes import partner_handlers
from hub.assembly.tls import keep_renewed, make_tls
from hub.assembly.told import status_of
from hub.assembly.views import make_follower
from hub.core.errors import HubError, Refusal
from hub.core.record import EVENTS, NOTICES, QUARANTINE, Stream
from hub.core.registry import Snapshot
from hub.core.settings import Settings
from hub.core.terms import kept_agreements
from hub.core.worker import ALONE, Worker
from hub.delivery.again import Again
from hub.delivery.committed import Groups
from hub.delivery.failures import told_failure
from hub.delivery.journal import Journal
from hub.delivery.push import Push
from hub.delivery.tail import Tails
from hub.drivers.system.listen import Sockets, listener, private_listener, url_of
from hub.intake.accept import Acceptor
from hub.operate.acts import Apart
from hub.operate.follow import LiveRegistry
from hub.operate.outage import OutageWatch
from hub.operate.own_keys import KeyKeeper, key_in_use
from hub.operate.second_look import SecondLook
from hub.operate.vault import Vault
from hub.ports.observer import Observer
from hub.ports.system import Clock, Entropy
from hub.views.receipts import Receipts
from hub.views.sight import Sights
from hub.web.admin import listening_admin
from hub.web.admin_network import NetworkEntrance, listening_network
from hub.web.credentials import CredentialReader
from hub.web.edge import BodyReader, Edge, Handler, listening
from hub.web.routes import OPERATIONS_ROUTES, Router
from hub.web.siblings import Siblings, State, socket_of
from hub.web.wellknown import Operations, WellKnown
from schemas.catalogue import catalogue
from schemas.deprecation import deprecations

STORAGE_RETRY_SECONDS = 1.0
PROBE_SECONDS_MAX = 1.0
FAILURE_TOLD_SECONDS = 10.0
"""How long a failed append counts against readiness while no other is tried."""


class Hub:
    """One process of the hub on open ports. `running` owns its tasks; what it decides, it decides in the stages."""

    def __init__(
        self,
        settings: Settings,
        *,
        ports: Ports,
        sockets: Sockets,
        clock: Clock,
        entropy: Entropy,
        observer: Observer,
        worker: Worker = ALONE,
    ) -> None:
        ports = replace(ports, blobs=Vault(ports.blobs, keys=ports.keys, entropy=entropy))
        self.settings, self.ports, self.worker = settings, ports, worker
        self.clock, self.entropy, self.observer = clock, entropy, observer
        self.catalogue, self.leaving = catalogue(), deprecations()
        self.live = LiveRegistry(ports.registry, clock=clock, stale_seconds=settings.intake.registry_seconds_max)
        self.events = streams_of(settings)[0]
        self._tls = make_tls(settings.tls, self.live)
        self.url = settings.http.public_url or url_of(sockets.partners, "https" if self._tls else "http")
        self.admin_url = ""
        """Of the network's door to the admin interface; empty: there is none."""
        self.stopping = asyncio.Event()
        self.prepared = asyncio.Event()
        """Set once storage has what the hub needs: before, nothing is taken in."""
        self.tails = Tails(log=ports.log, partitions=self.events.partitions, clock=clock, observer=observer)
        self.live.on_change(lambda _: self.tails.ring())
        self.sockets = sockets
        self.siblings = Siblings(
            Path(settings.log.directory), worker, state=self._state, exposition=self._exposition, clock=clock
        )
        self.journal = Journal(ports.accesses, snapshot=self.snapshot, clock=clock)
        self.receipts = Receipts(log=ports.log, index=ports.index)
        self.acceptor = self._make_acceptor()
        self.quotas = make_quotas(settings, ports, snapshot=self.snapshot, clock=clock, observer=observer)
        self._outages = OutageWatch(
            ports.uptime, accepting=self._is_accepting, settings=settings.quotas, clock=clock, observer=observer
        )
        self.intake = make_intake(
            settings,
            ports,
            self.acceptor,
            self.quotas,
            catalogue=self.catalogue,
            leaving=self.leaving,
            snapshot=self.snapshot,
            receipts_at=self.receipts.at,
            seen=lambda system: self.progress.event(system),
            clock=clock,
            entropy=entropy,
            observer=observer,
            worker=worker,
        )
        self.follower = make_follower(settings, ports, clock, observer, snapshot=self.snapshot)
        self.archived = make_archived(settings, ports, self.follower, clock, entropy)
        self.letter_desk = make_letter_desk(self)
        self.registrar = make_registrar(
            self.live,
            settings,
            key_in_use=lambda ring: key_in_use(ports.keys, ring),
            apart=Apart(self.archived.copies, self.letter_desk, partial(told_failure, ports.positions), ports.accesses),
            last_use=ports.last_use,
            secret=ports.keys.secret,
            clock=clock,
        )
        self.keeper = KeyKeeper(
            ports.keys, self.snapshot, clock=clock, observer=observer, token_seconds=settings.auth.token_seconds
        )
        self.progress = make_progress(settings, self.registrar, self.live, clock=clock, observer=observer)
        self.feed_watch = make_feed_watch(self.live, self.registrar, clock, observer)
        self.push: Push | None = None
        self.again: Again | None = None
        """Both in the worker that delivers webhooks."""
        self.second_look = SecondLook(self.snapshot, clock=clock, observer=observer)
        self.agreements = kept_agreements(self.snapshot)
        self.sights = Sights(snapshot=self.snapshot, agreements=self.agreements, secret=ports.keys.secret)
        self.bodies = BodyReader(bounds=settings.http, clock=clock)
        self.entrance = make_entrance(
            settings,
            ports,
            self.live,
            self.quotas,
            self.bodies,
            url=self.url,
            seen=self.progress.clock,
            clock=clock,
            entropy=entropy,
            observer=observer,
        )
        self.groups = Groups(ports.feed_access)
        self.lags, self.counts = make_lags(self), make_counts(self)
        self.known = WellKnown(
            url=self.url,
            hub=settings.hub_name,
            keys=ports.keys,
            lacking=self.lacking,
            nonce=self.entrance.nonce,
            jwks=self.entrance.jwks,
        )

    def snapshot(self) -> Snapshot:
        return self.live.snapshot

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve until the block ends: stop listening, let requests under way end, then stop the stages.

        Raises what a stage could not go on after, in the group of its tasks.
        """
        if self.worker.leads:
            self.live.on_change(self.keeper.look)
        await self.live.refresh()
        await self.entrance.revoked.refresh()
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(work)
                for work in (
                    self.live.follow(self.observer),
                    self.entrance.revoked.follow(),
                    self.entrance.uses.run(),
                    self.acceptor.run(),
                    self._store(),
                    self.tails.run(),
                    self.progress.run(),
                )
            ]
            if self.worker.leads:
                running.append(tasks.create_task(self.keeper.run()))
            if self._tls is not None:
                running.append(tasks.create_task(keep_renewed(self._tls, self.clock, self.observer)))
            if self.settings.log.ground != "kafka":
                await self.prepared.wait()
            try:
                async with self._doors():
                    yield
            finally:
                for task in running:
                    task.cancel()

    @asynccontextmanager
    async def _doors(self) -> AsyncIterator[None]:
        """Listen for partners, monitoring and operators, in this order; long waits end when the doors close."""
        bounds = self.settings.http
        operations = {**self.known.handlers(), **Operations(self.siblings.exposition, self.lacking).handlers()}
        async with AsyncExitStack() as doors:
            partners = self._edge(partner_handlers(self), Router())
            tls = self._tls.context if self._tls is not None else None
            await doors.enter_async_context(
                listening(
                    partners,
                    bounds=bounds,
                    sockets=[self.sockets.partners],
                    tls=tls,
                    shared=not self.worker.is_alone,
                )
            )
            monitoring = self._edge(operations, Router(OPERATIONS_ROUTES))
            await doors.enter_async_context(listening(monitoring, bounds=bounds, sockets=[self.sockets.operations]))
            if not self.worker.is_alone:
                own = private_listener(socket_of(Path(self.settings.log.directory), self.worker.number))
                told = self.siblings.listening(doors.enter_context(own), entropy=self.entropy, observer=self.observer)
                await doors.enter_async_context(told)
            if self.worker.leads:
                await doors.enter_async_context(
                    listening_admin(
                        self.registrar,
                        self,
                        listener=self.sockets.admin,
                        clock=self.clock,
                        entropy=self.entropy,
                        observer=self.observer,
                    )
                )
                if self.settings.http.admin:
                    await self._open_to_operators(doors)
            try:
                yield
            finally:
                self.stopping.set()
                self.tails.end()

    async def _open_to_operators(self, doors: AsyncExitStack) -> None:
        """Listen for operators with tokens, where the settings say so."""
        http, tls = self.settings.http, self._tls.context if self._tls is not None else None
        network = doors.enter_context(listener(http.admin_host, http.admin_port))
        self.admin_url = http.admin_url or url_of(network, "https" if tls else "http")
        reader = CredentialReader(self.admin_url, proxies=(), observer=self.observer)
        await doors.enter_async_context(
            listening_network(
                self.registrar,
                self,
                NetworkEntrance(self.entrance.operators, reader, self.entrance.gate.strangers),
                self.known.metadata,
                url=self.admin_url,
                listener=network,
                tls=tls,
                clock=self.clock,
                entropy=self.entropy,
                observer=self.observer,
            )
        )

    def _edge(self, handlers: Mapping[str, Handler], router: Router) -> Edge:
        return Edge(
            handlers,
            router=router,
            bounds=self.settings.http,
            clock=self.clock,
            entropy=self.entropy,
            observer=self.observer,
        )

    async def _store(self) -> None:
        """Make sure of the streams, again and again while storage is away; then do what one worker does for all."""
        while not self.prepared.is_set():
            try:
                for stream in streams_of(self.settings):
                    await self.ports.log.declare(stream)
                self.prepared.set()
            except HubError as e:
                self.observer.event("storage_not_ready", error=str(e))
                await self.clock.sleep(STORAGE_RETRY_SECONDS)
        if self.intake.work is None:
            await self._outages.run()
            return
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._outages.run())
            for work in once_for_all(self, self.intake.work):
                tasks.create_task(work)

    def _is_accepting(self) -> bool:
        return self.live.standing() is not None and self._failure() is None

    def _failure(self) -> str | None:
        """Why an append of late took nothing."""
        failure = self.acceptor.failure
        return failure[0] if failure and self.clock.monotonic() - failure[1] < FAILURE_TOLD_SECONDS else None

    async def lacking(self) -> Mapping[str, str]:
        """What the hub cannot do now, by name, with what was found; empty if every worker accepts and delivers."""
        return await self.siblings.lacking()

    async def _state(self) -> State:
        """What the workers tell each other."""
        return {
            "worker": self.worker.number,
            "pid": os.getpid(),
            "starts": self.worker.starts,
            "revision": self.snapshot().revision,
            "waiting_records": self.acceptor.waiting_records,
            "lacking": await self._lacking_here(),
        }

    async def _lacking_here(self) -> Mapping[str, str]:
        lacking = {}
        if self.live.standing() is None:
            lacking["registry"] = f"not confirmed for {self.live.confirmed_seconds():.1f} s"
        if not self.prepared.is_set():
            lacking["storage"] = "the streams are not there yet"
        if failure := self._failure():
            lacking["accept"] = f"the last append took nothing: {failure}"
        try:
            async with self.clock.deadline(PROBE_SECONDS_MAX):
                await self.ports.log.bounds(EVENTS, 0)
        except (HubError, TimeoutError) as e:
            lacking["log"] = str(e) or "no answer"
        return lacking

    async def status(self, feed: str = "") -> Mapping[str, object]:
        """What `customs-hub status` shows; `feed`: is looked at anew."""
        return await status_of(self, feed)

    async def preview(self, asked: object, operator: str | None, user: str) -> Mapping[str, object] | Refusal:
        """What `customs-hub feed preview` shows. Raises `HubError`."""
        return await preview(self, asked, operator, user)

    async def notice(self, name: str, asked: object, operator: str | None, user: str) -> Mapping[str, object] | Refusal:
        """What `customs-hub notice` asks for. Raises `HubError`."""
        return await notice_act(self, name, asked, operator, user)

    async def replay(self, name: str, asked: object, operator: str | None, user: str) -> Mapping[str, object] | Refusal:
        """What `customs-hub replay` asks for. Raises `HubError`."""
        return await replay_act(self, name, asked, operator, user)

    def _exposition(self) -> bytes:
        self.observer.gauge("registry_revision", self.snapshot().revision)
        self.observer.gauge("registry_confirmed_seconds", self.live.confirmed_seconds())
        return self.observer.exposition()

    def _make_acceptor(self) -> Acceptor:
        return Acceptor(
            log=self.ports.log,
            index=self.ports.index,
            keys=self.ports.keys,
            standing=self.live.standing,
            snapshot=self.snapshot,
            clock=self.clock,
            entropy=self.entropy,
            observer=self.observer,
            hub=self.settings.hub_name,
            partitions=self.events.partitions,
            bounds=self.settings.intake,
        )


def streams_of(settings: Settings) -> tuple[Stream, ...]:
    """The streams that every hub has, `hub.events` first; feeds declare their own."""
    log, partitions = settings.log, events_partitions(settings)
    return (
        Stream(EVENTS, partitions, log.events_retention_seconds),
        Stream(NOTICES, partitions, log.notices_retention_seconds),
        Stream(QUARANTINE, partitions, log.quarantine_retention_seconds),
    )
