"""The hub: stages over ports, the tasks that they need, and the doors through which they are reached."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from msgspec.structs import replace

from hub.assembly.aeo import make_feed_watch, make_status_events
from hub.assembly.audit import make_export
from hub.assembly.copies import copies_api, make_archived
from hub.assembly.enrolment import enrolment_api, make_progress
from hub.assembly.entrance import make_entrance
from hub.assembly.grounds import Ports, events_partitions
from hub.assembly.intake import document_apis, make_intake
from hub.assembly.offline import make_registrar
from hub.assembly.quotas import make_quotas
from hub.assembly.tls import keep_renewed, make_tls
from hub.assembly.views import make_follower, views_api
from hub.core.errors import HubError
from hub.core.record import EVENTS, NOTICES, QUARANTINE, Stream
from hub.core.registry import Snapshot
from hub.core.settings import Settings
from hub.core.terms import kept_agreements
from hub.core.worker import ALONE, Worker
from hub.delivery.cursors import Cursors
from hub.delivery.notices import Notices
from hub.delivery.pull import Pull
from hub.delivery.stream import Streams
from hub.delivery.tail import Tails
from hub.drivers.system.listen import Sockets, listener, private_listener, url_of
from hub.fanout.router import Fanout
from hub.intake.accept import Acceptor
from hub.intake.signed import SignedRequests
from hub.operate.follow import LiveRegistry
from hub.operate.heralds import Heralds, Means
from hub.operate.outage import OutageWatch
from hub.operate.retention import Retention
from hub.operate.second_look import SecondLook
from hub.operate.status_events import StatusEvents
from hub.operate.vault import Vault
from hub.ports.observer import Observer
from hub.ports.system import Clock, Entropy
from hub.views.receipts import Receipts
from hub.views.sight import Sights
from hub.views.status import Statuses
from hub.web.admin import listening_admin
from hub.web.admin_network import NetworkEntrance, listening_network
from hub.web.api import PartnerAPI
from hub.web.catalogue import CatalogueAPI
from hub.web.credentials import CredentialReader
from hub.web.edge import BodyReader, Edge, Handler, listening
from hub.web.gate import Gate
from hub.web.interface.asyncapi import asyncapi
from hub.web.interface.openapi import openapi
from hub.web.mandates import MandatesAPI
from hub.web.own_credentials import OwnCredentials
from hub.web.reading import ReaderAPI
from hub.web.routes import OPERATIONS_ROUTES, ROUTES, Router
from hub.web.siblings import Siblings, State, socket_of
from hub.web.signatures import Signatures
from hub.web.statuses import StatusAPI
from hub.web.wellknown import Operations, WellKnown
from schemas.catalogue import catalogue
from schemas.deprecation import deprecations

STORAGE_RETRY_SECONDS = 1.0
PROBE_SECONDS_MAX = 1.0
FAILURE_TOLD_SECONDS = 10.0
"""How long a failed append counts against readiness while no other is tried."""
WAITING_SHARES = 4
"""One partner may have this part of the places for requests that wait, so that it keeps nobody else out."""


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
        self.catalogue = catalogue()
        self.live = LiveRegistry(ports.registry, clock=clock, stale_seconds=settings.intake.registry_seconds_max)
        self.events = streams_of(settings)[0]
        self._tls = make_tls(settings.tls, self.live)
        self.url = settings.http.public_url or url_of(sockets.partners, "https" if self._tls else "http")
        self.admin_url = ""
        """Of the network's door to the admin interface; empty: there is none."""
        self.stopping = asyncio.Event()
        self.prepared = asyncio.Event()
        """Set once storage has what the hub needs: before, nothing is taken in."""
        self._tails = Tails(log=ports.log, partitions=self.events.partitions, clock=clock, observer=observer)
        self.live.on_change(lambda _: self._tails.ring())
        self._sockets = sockets
        self._siblings = Siblings(
            Path(settings.log.directory), worker, state=self._state, exposition=self._exposition, clock=clock
        )
        self._receipts = Receipts(log=ports.log, index=ports.index)
        self._acceptor = self._make_acceptor()
        self.quotas = make_quotas(settings, ports, snapshot=self.snapshot, clock=clock, observer=observer)
        self._outages = OutageWatch(
            ports.uptime, accepting=self._is_accepting, settings=settings.quotas, clock=clock, observer=observer
        )
        self._intake = make_intake(
            settings,
            ports,
            self._acceptor,
            self.quotas,
            catalogue=self.catalogue,
            leaving=deprecations(),
            snapshot=self.snapshot,
            receipts_at=self._receipts.at,
            seen=lambda system: self._progress.event(system),
            clock=clock,
            entropy=entropy,
            observer=observer,
            worker=worker,
        )
        self._follower = make_follower(settings, ports, clock, observer)
        self._archived = make_archived(settings, ports, self._follower, clock, entropy)
        self.registrar = make_registrar(
            self.live, settings, quarantine=self._archived.copies, last_use=ports.last_use, clock=clock
        )
        self._progress = make_progress(settings, self.registrar, self.live, clock=clock, observer=observer)
        self._feed_watch = make_feed_watch(self.live, self.registrar, clock, observer)
        self._second_look = SecondLook(self.snapshot, clock=clock, observer=observer)
        self._sights = Sights(
            snapshot=self.snapshot, agreements=kept_agreements(self.snapshot), secret=ports.keys.secret
        )
        self._bodies = BodyReader(bounds=settings.http, clock=clock)
        self._entrance = make_entrance(
            settings,
            ports,
            self.live,
            self.quotas,
            self._bodies,
            url=self.url,
            seen=self._progress.clock,
            clock=clock,
            entropy=entropy,
            observer=observer,
        )
        self._known = WellKnown(
            url=self.url,
            hub=settings.hub_name,
            keys=ports.keys,
            lacking=self.lacking,
            nonce=self._entrance.nonce,
            jwks=self._entrance.jwks,
        )

    def snapshot(self) -> Snapshot:
        return self.live.snapshot

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve until the block ends: stop listening, let requests under way end, then stop the stages.

        Raises what a stage could not go on after, in the group of its tasks.
        """
        await self.live.refresh()
        await self._entrance.revoked.refresh()
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(work)
                for work in (
                    self.live.follow(self.observer),
                    self._entrance.revoked.follow(),
                    self._entrance.uses.run(),
                    self._acceptor.run(),
                    self._store(),
                    self._tails.run(),
                    self._progress.run(),
                )
            ]
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
        operations = {**self._known.handlers(), **Operations(self._siblings.exposition, self.lacking).handlers()}
        async with AsyncExitStack() as doors:
            partners = self._edge(self._handlers(), Router())
            tls = self._tls.context if self._tls is not None else None
            await doors.enter_async_context(
                listening(
                    partners,
                    bounds=bounds,
                    sockets=[self._sockets.partners],
                    tls=tls,
                    shared=not self.worker.is_alone,
                )
            )
            monitoring = self._edge(operations, Router(OPERATIONS_ROUTES))
            await doors.enter_async_context(listening(monitoring, bounds=bounds, sockets=[self._sockets.operations]))
            if not self.worker.is_alone:
                own = private_listener(socket_of(Path(self.settings.log.directory), self.worker.number))
                told = self._siblings.listening(doors.enter_context(own), entropy=self.entropy, observer=self.observer)
                await doors.enter_async_context(told)
            if self.worker.leads:
                await doors.enter_async_context(
                    listening_admin(
                        self.registrar,
                        self.status,
                        listener=self._sockets.admin,
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
                self._tails.end()

    async def _open_to_operators(self, doors: AsyncExitStack) -> None:
        """Listen for operators with tokens, where the settings say so."""
        http, tls = self.settings.http, self._tls.context if self._tls is not None else None
        network = doors.enter_context(listener(http.admin_host, http.admin_port))
        self.admin_url = http.admin_url or url_of(network, "https" if tls else "http")
        reader = CredentialReader(self.admin_url, proxies=(), observer=self.observer)
        await doors.enter_async_context(
            listening_network(
                self.registrar,
                self.status,
                NetworkEntrance(self._entrance.operators, reader, self._entrance.gate.strangers),
                self._known.metadata,
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
        if self._intake.work is None:
            await self._outages.run()
            return
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._make_fanout().run())
            tasks.create_task(self._make_heralds().run())
            tasks.create_task(self._make_retention().run())
            tasks.create_task(self._intake.work.run())
            tasks.create_task(self._follower.run())
            tasks.create_task(self._outages.run())
            tasks.create_task(self._second_look.run())
            tasks.create_task(self._feed_watch.run())
            if self.settings.hub_partner:
                tasks.create_task(self._make_status_events().run())
            if self.settings.audit.syslog:
                tasks.create_task(make_export(self.settings, self.live, self.clock, self.observer).run())

    def _is_accepting(self) -> bool:
        return self.live.standing() is not None and self._failure() is None

    def _failure(self) -> str | None:
        """Why an append of late took nothing."""
        failure = self._acceptor.failure
        return failure[0] if failure and self.clock.monotonic() - failure[1] < FAILURE_TOLD_SECONDS else None

    async def lacking(self) -> Mapping[str, str]:
        """What the hub cannot do now, by name, with what was found; empty if every worker accepts and delivers."""
        return await self._siblings.lacking()

    async def _state(self) -> State:
        """What the workers tell each other."""
        return {
            "worker": self.worker.number,
            "pid": os.getpid(),
            "starts": self.worker.starts,
            "revision": self.snapshot().revision,
            "waiting_records": self._acceptor.waiting_records,
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

    async def status(self) -> Mapping[str, object]:
        """What `customs-hub status` shows."""
        lacking = await self.lacking()
        return {
            "url": self.url,
            "operations": url_of(self._sockets.operations),
            "admin": self.admin_url,
            "ground": self.settings.log.ground,
            "lacking": lacking,
            "workers": await self._siblings.states(),
            "revision": self.snapshot().revision,
            "waiting_records": self._acceptor.waiting_records,
            "quotas": self.quotas.told(),
            "waiting_people": self._second_look.told(),
            "aeo_feeds": self._feed_watch.told(),
            "partitions": [] if {"storage", "log"} & lacking.keys() else await self._partitions(),
        }

    async def _partitions(self) -> list[Mapping[str, object]]:
        log, index, positions = self.ports.log, self.ports.index, self.ports.positions
        partitions: list[Mapping[str, object]] = []
        for number in range(self.events.partitions):
            bounds = await log.bounds(EVENTS, number)
            judged = await index.mark(log.generation, number)
            behind = {}
            for feed in self.snapshot().feeds:
                if not feed.ended:
                    position = await positions.load(feed.stream, log.generation, number)
                    behind[feed.name] = bounds.end - (position.source_offset if position else bounds.start)
            known = await self.ports.views.mark(log.generation, number)
            partitions.append(
                {
                    "partition": number,
                    "end": bounds.end,
                    "judged": judged,
                    "known": known.position.offset if known is not None else bounds.start,
                    "feeds_behind": behind,
                }
            )
        return partitions

    def _exposition(self) -> bytes:
        self.observer.gauge("registry_revision", self.snapshot().revision)
        self.observer.gauge("registry_confirmed_seconds", self.live.confirmed_seconds())
        return self.observer.exposition()

    def _handlers(self) -> dict[str, Handler]:
        settings, ports = self.settings, self.ports
        pipeline, gate, bodies = self._intake.pipeline, self._entrance.gate, self._bodies
        signed = SignedRequests(blobs=ports.blobs, snapshot=self.snapshot, clock=self.clock)
        signatures = Signatures(self.url, gate, signed)
        documents, others = document_apis(
            settings, ports, self._intake, gate, bodies, signatures, clock=self.clock, entropy=self.entropy
        )
        partner = PartnerAPI(gate=gate, pipeline=pipeline, documents=documents, bodies=bodies, signatures=signatures)
        reader = self._reader_api(gate, bodies)
        views = views_api(
            settings,
            ports,
            self._follower,
            self._sights,
            gate,
            reader.get_event,
            worker=self.worker,
            clock=self.clock,
            entropy=self.entropy,
        )
        copies = copies_api(
            settings,
            ports,
            self._archived,
            pipeline,
            self._sights,
            gate,
            bodies,
            snapshot=self.snapshot,
            clock=self.clock,
            observer=self.observer,
        )
        statuses = StatusAPI(gate=gate, bodies=bodies, registrar=self.registrar)
        others = {**others, **copies.handlers(), **statuses.handlers()}
        own = OwnCredentials(
            gate=gate,
            bodies=bodies,
            registrar=self.registrar,
            url=self.url,
            clock=self.clock,
            settings=settings.auth,
        )
        enrolment = enrolment_api(
            settings,
            ports,
            self.live,
            self.registrar,
            self._progress,
            gate,
            bodies,
            url=self.url,
            clock=self.clock,
            observer=self.observer,
        )
        mandates = MandatesAPI(
            gate=gate, bodies=bodies, registrar=self.registrar, snapshot=self.snapshot, clock=self.clock
        )
        others = {**others, **own.handlers(), **enrolment.handlers(), **mandates.handlers()}
        public = {**self._known.handlers(), **self._catalogue_api().handlers()}
        return {
            **self._entrance.oauth.handlers(),
            **partner.handlers(),
            **signatures.handlers(),
            **reader.handlers(),
            **views.handlers(),
            **others,
            **public,
        }

    def _catalogue_api(self) -> CatalogueAPI:
        described = {
            "openapi": lambda: openapi(ROUTES, self.catalogue, self.url),
            "asyncapi": lambda: asyncapi(self.catalogue, self.url),
        }
        return CatalogueAPI(catalogue=self.catalogue, deprecations=deprecations(), documents=described)

    def _reader_api(self, gate: Gate, bodies: BodyReader) -> ReaderAPI:
        settings, log, partitions = self.settings.delivery, self.ports.log, self.events.partitions
        cursors = Cursors(
            self.ports.keys.secret("cursor"),
            clock=self.clock,
            entropy=self.entropy,
            generation=log.generation,
            partitions=partitions,
            seconds=settings.cursor_seconds,
        )
        pull = Pull(
            positions=self.ports.positions,
            snapshot=self.snapshot,
            cursors=cursors,
            observer=self.observer,
            settings=settings,
            tails=self._tails,
            feed_retention_seconds=self.settings.log.feed_retention_seconds,
        )
        return ReaderAPI(
            gate=gate,
            bodies=bodies,
            pull=pull,
            streams=Streams(pull),
            notices=Notices(cursors=cursors, settings=settings, tails=self._tails),
            receipts=self._receipts,
            statuses=Statuses(log=log, index=self.ports.index, partitions=partitions),
            snapshot=self.snapshot,
            stopping=self.stopping.is_set,
            clock=self.clock,
            observer=self.observer,
            settings=settings,
            waiting_max=max(1, self.settings.http.requests_in_flight_max // WAITING_SHARES),
        )

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

    @property
    def _holder(self) -> str:
        """The data directory's lock lets one hub run: after a restart a worker takes its own leases back at once."""
        return f"hub-{self.worker.number}"

    def _make_fanout(self) -> Fanout:
        stale_seconds = self.settings.intake.registry_seconds_max
        return Fanout(
            log=self.ports.log,
            index=self.ports.index,
            positions=self.ports.positions,
            snapshot=self.snapshot,
            confirmed=lambda: self.live.confirmed_within(stale_seconds),
            secret=self.ports.keys.secret,
            clock=self.clock,
            observer=self.observer,
            settings=self.settings.fanout,
            events=self.events,
            feed_retention_seconds=self.settings.log.feed_retention_seconds,
            holder=self._holder,
        )

    def _make_status_events(self) -> StatusEvents:
        return make_status_events(
            self.settings,
            self.ports,
            self._intake.pipeline,
            snapshot=self.snapshot,
            holder=self._holder,
            clock=self.clock,
            observer=self.observer,
        )

    def _make_heralds(self) -> Heralds:
        intake = self.settings.intake
        means = Means(
            log=self.ports.log,
            positions=self.ports.positions,
            snapshot=self.snapshot,
            clock=self.clock,
            observer=self.observer,
            partitions=self.events.partitions,
            in_flight_seconds=intake.registry_seconds_max + intake.append_seconds_max,
            holder=self._holder,
        )
        return Heralds(means)

    def _make_retention(self) -> Retention:
        return Retention(
            log=self.ports.log,
            index=self.ports.index,
            blobs=self.ports.blobs,
            jobs=self.ports.jobs,
            views=self.ports.views,
            snapshot=self.snapshot,
            clock=self.clock,
            observer=self.observer,
            settings=self.settings.log,
            documents=self.settings.documents,
            partitions=self.events.partitions,
            sweep=self._archived.sweep,
        )


def streams_of(settings: Settings) -> tuple[Stream, ...]:
    """The streams that every hub has, `hub.events` first; feeds declare their own."""
    log, partitions = settings.log, events_partitions(settings)
    return (
        Stream(EVENTS, partitions, log.events_retention_seconds),
        Stream(NOTICES, partitions, log.notices_retention_seconds),
        Stream(QUARANTINE, partitions, log.quarantine_retention_seconds),
    )
