"""Intake put together: one judgement and one accepting, shared by requests, documents and jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from msgspec import Struct

from hub.assembly.grounds import Ports, events_partitions
from hub.core.registry import Snapshot
from hub.core.settings import Settings
from hub.core.worker import Worker
from hub.intake.accept import Acceptor
from hub.intake.archive import Archive
from hub.intake.documents import Documents
from hub.intake.job_desk import JobDesk
from hub.intake.jobs import JobRunner
from hub.intake.judging import Judging
from hub.intake.pipeline import Pipeline, ReceiptsAt
from hub.intake.quota import Quotas
from hub.intake.stretches import Stretches
from hub.intake.versions import Versions
from hub.ports.jobs import JobKind
from hub.ports.observer import Observer
from hub.ports.system import Clock, Entropy
from hub.views.captured import Captured
from hub.web.documents import DocumentAPI
from hub.web.edge import BodyReader, Handler
from hub.web.epcis import CaptureAPI
from hub.web.epcis_events import EPCISEventsAPI
from hub.web.gate import Gate
from hub.web.interchanges import InterchangesAPI
from hub.web.signatures import Signatures
from hub.web.tables import TablesAPI
from hub.web.templates import Templates
from hub.web.uploads import Uploads
from schemas.catalogue import Catalogue
from schemas.deprecation import Deprecations


class Intake(Struct, frozen=True):
    pipeline: Pipeline
    documents: Documents
    jobs: JobDesk
    work: JobRunner | None
    """On jobs, where this worker does it for all."""


def make_intake(
    settings: Settings,
    ports: Ports,
    acceptor: Acceptor,
    quotas: Quotas,
    *,
    catalogue: Catalogue,
    leaving: Deprecations,
    snapshot: Callable[[], Snapshot],
    receipts_at: ReceiptsAt,
    seen: Callable[[str], None],
    clock: Clock,
    entropy: Entropy,
    observer: Observer,
    worker: Worker,
) -> Intake:
    bounds, partitions = settings.intake, events_partitions(settings)
    pipeline = Pipeline(
        acceptor=acceptor,
        judging=Judging(
            catalogue=catalogue, deprecations=leaving, snapshot=snapshot, partitions=partitions, bounds=bounds
        ),
        snapshot=snapshot,
        receipts_at=receipts_at,
        clock=clock,
        observer=observer,
        quotas=quotas,
        bounds=bounds,
        seen=seen,
    )
    archive = Archive(ports.blobs, ports.turns)
    stretches = Stretches(
        pipeline=pipeline,
        blobs=ports.blobs,
        archive=archive,
        versions=Versions(views=ports.views, log=ports.log, clock=clock, partitions=partitions),
        snapshot=snapshot,
        clock=clock,
        bounds=bounds,
        settings=settings.documents,
    )
    documents = Documents(pipeline=pipeline, blobs=ports.blobs, archive=archive, snapshot=snapshot)
    if not worker.leads:
        desk = JobDesk(jobs=ports.jobs, blobs=ports.blobs, clock=clock, entropy=entropy, settings=settings.documents)
        return Intake(pipeline, documents, desk, None)
    jobs = JobRunner(
        stretches,
        jobs=ports.jobs,
        blobs=ports.blobs,
        clock=clock,
        entropy=entropy,
        observer=observer,
        settings=settings.documents,
        shared=not worker.is_alone,
    )
    return Intake(pipeline, documents, jobs, jobs)


def document_apis(
    settings: Settings,
    ports: Ports,
    intake: Intake,
    gate: Gate,
    bodies: BodyReader,
    signatures: Signatures,
    *,
    clock: Clock,
    entropy: Entropy,
) -> tuple[DocumentAPI, Mapping[str, Handler]]:
    """What brings documents of the trade to `POST /v1/events`, and the handlers of the routes beside it."""
    pipeline, bounds = intake.pipeline, settings.intake
    documents = DocumentAPI(
        gate=gate,
        pipeline=pipeline,
        documents=intake.documents,
        bodies=bodies,
        clock=clock,
        entropy=entropy,
        items_max=bounds.batch_events_max,
        rows_max=settings.documents.table_rows_max,
        signatures=signatures,
    )
    uploads = partial(
        Uploads,
        gate=gate,
        bodies=bodies,
        pipeline=pipeline,
        runner=intake.jobs,
        jobs=ports.jobs,
        blobs=ports.blobs,
        settings=settings.documents,
    )
    tables = TablesAPI(uploads(JobKind.TABLE, "/v1/tables", settings.documents.table_bytes_max))
    edifact = uploads(JobKind.INTERCHANGE, "/v1/interchanges", settings.documents.interchange_bytes_max)
    interchanges = InterchangesAPI(edifact, clock=clock, entropy=entropy)
    captures = CaptureAPI(
        gate=gate,
        bodies=bodies,
        pipeline=pipeline,
        documents=intake.documents,
        runner=intake.jobs,
        jobs=ports.jobs,
        bounds=bounds,
        settings=settings.documents,
        body_bytes_max=settings.http.body_bytes_max,
    )
    return documents, {
        **documents.handlers(),
        **tables.handlers(),
        **interchanges.handlers(),
        **Templates().handlers(),
        **captures.handlers(),
        **_epcis_events(settings, ports, gate, clock, entropy).handlers(),
    }


def _epcis_events(settings: Settings, ports: Ports, gate: Gate, clock: Clock, entropy: Entropy) -> EPCISEventsAPI:
    captured = Captured(
        ports.views,
        log=ports.log,
        clock=clock,
        entropy=entropy,
        secret=ports.keys.secret("cursor:epcis"),
        partitions=events_partitions(settings),
        settings=settings.views,
    )
    return EPCISEventsAPI(gate=gate, captured=captured, clock=clock)
