"""Intake put together: one judgement and one accepting, shared by requests, documents and jobs."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from hub.assembly.grounds import Ports, events_partitions
from hub.core.registry import Snapshot
from hub.core.settings import Settings
from hub.intake.accept import Acceptor
from hub.intake.archive import Archive
from hub.intake.documents import Documents
from hub.intake.jobs import JobRunner
from hub.intake.judging import Judging
from hub.intake.pipeline import Pipeline, ReceiptsAt
from hub.intake.stretches import Stretches
from hub.intake.versions import Versions
from hub.ports.observer import Observer
from hub.ports.system import Clock, Entropy
from schemas.catalogue import Catalogue


class Intake(Struct, frozen=True):
    pipeline: Pipeline
    documents: Documents
    jobs: JobRunner


def make_intake(
    settings: Settings,
    ports: Ports,
    acceptor: Acceptor,
    *,
    catalogue: Catalogue,
    snapshot: Callable[[], Snapshot],
    receipts_at: ReceiptsAt,
    clock: Clock,
    entropy: Entropy,
    observer: Observer,
) -> Intake:
    bounds, partitions = settings.intake, events_partitions(settings)
    pipeline = Pipeline(
        acceptor=acceptor,
        judging=Judging(catalogue=catalogue, snapshot=snapshot, partitions=partitions, bounds=bounds),
        snapshot=snapshot,
        receipts_at=receipts_at,
        clock=clock,
        observer=observer,
        bounds=bounds,
    )
    archive = Archive(ports.blobs)
    stretches = Stretches(
        pipeline=pipeline,
        blobs=ports.blobs,
        archive=archive,
        versions=Versions(views=ports.views, log=ports.log, clock=clock, partitions=partitions, bounds=bounds),
        snapshot=snapshot,
        clock=clock,
        bounds=bounds,
        settings=settings.documents,
    )
    jobs = JobRunner(
        stretches,
        jobs=ports.jobs,
        blobs=ports.blobs,
        clock=clock,
        entropy=entropy,
        observer=observer,
        settings=settings.documents,
    )
    return Intake(pipeline, Documents(pipeline=pipeline, blobs=ports.blobs, archive=archive), jobs)
