"""Digital copies put together: where they lie, what is known of them, and who is given them."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from hub.assembly.grounds import Ports, events_partitions
from hub.core.registry import Snapshot
from hub.core.settings import Settings
from hub.delivery.journal import Journal
from hub.intake.copies import LEFT_SECONDS, Copies
from hub.intake.deposit import Deposits
from hub.intake.examine import Examiner
from hub.intake.pipeline import Pipeline
from hub.ports.observer import Observer
from hub.ports.system import Clock, Entropy
from hub.views.documents import KnownDocuments
from hub.views.follow import Follower
from hub.views.sight import Sights
from hub.web.copies import CopiesAPI
from hub.web.edge import BodyReader
from hub.web.gate import Gate


class Archived(Struct, frozen=True):
    copies: Copies
    known: KnownDocuments
    follower: Follower
    clock: Clock

    async def sweep(self) -> None:
        """What earlier processes left comes to an end, once all is known that they accepted."""
        known_up_to_us = self.follower.known_up_to_us()
        if known_up_to_us is not None and known_up_to_us > self.clock.now_us() - LEFT_SECONDS * 500_000:
            await self.copies.sweep(self.known.is_known)


def make_archived(settings: Settings, ports: Ports, follower: Follower, clock: Clock, entropy: Entropy) -> Archived:
    known = KnownDocuments(
        ports.views, log=ports.log, clock=clock, partitions=events_partitions(settings), settings=settings.views
    )
    return Archived(Copies(ports.blobs, clock=clock, entropy=entropy), known, follower, clock)


def copies_api(
    settings: Settings,
    ports: Ports,
    archived: Archived,
    pipeline: Pipeline,
    sights: Sights,
    journal: Journal,
    gate: Gate,
    bodies: BodyReader,
    *,
    snapshot: Callable[[], Snapshot],
    clock: Clock,
    observer: Observer,
) -> CopiesAPI:
    examiner = Examiner(
        judge=ports.judge,
        scanner=ports.scanner,
        policy=settings.document_policy,
        issuers=lambda issuer: snapshot().issuer_keys.of(issuer),
        clock=clock,
    )
    return CopiesAPI(
        gate=gate,
        bodies=bodies,
        pipeline=pipeline,
        deposits=Deposits(
            pipeline=pipeline,
            copies=archived.copies,
            examiner=examiner,
            decision_of=lambda partner, sha256: snapshot().copy_decision(partner, sha256),
            observer=observer,
            turns=ports.turns,
        ),
        copies=archived.copies,
        known=archived.known,
        sights=sights,
        journal=journal,
        snapshot=snapshot,
        clock=clock,
        observer=observer,
        settings=settings.documents,
    )
