"""What answers partners: the handlers of all routes, over the stages of one process."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from hub.assembly.answers import answering_api
from hub.assembly.copies import copies_api
from hub.assembly.enrolment import enrolment_api
from hub.assembly.feeds import feeds_api
from hub.assembly.intake import document_apis
from hub.assembly.reading import make_notices, make_pull
from hub.assembly.replays import replays_api
from hub.assembly.views import access_api, views_api
from hub.delivery.acknowledge import Acknowledgements
from hub.delivery.failures import last_failure
from hub.delivery.stream import Streams
from hub.intake.signed import SignedRequests
from hub.views.status import Statuses
from hub.web.agreements import AgreementsAPI
from hub.web.api import PartnerAPI
from hub.web.catalogue import CatalogueAPI
from hub.web.dead_letters import DeadLettersAPI
from hub.web.edge import Handler
from hub.web.endpoints import EndpointsAPI
from hub.web.interface.asyncapi import asyncapi
from hub.web.interface.openapi import openapi
from hub.web.mandates import MandatesAPI
from hub.web.own_credentials import OwnCredentials
from hub.web.partner_acts import PartnerActs
from hub.web.reading import ReaderAPI
from hub.web.routes import ROUTES
from hub.web.signatures import Signatures
from hub.web.statuses import StatusAPI

if TYPE_CHECKING:
    from hub.assembly.hub import Hub

WAITING_SHARES = 4
"""One partner may have this part of the places for requests that wait, so that it keeps nobody else out."""


def partner_handlers(hub: Hub) -> dict[str, Handler]:
    settings, ports = hub.settings, hub.ports
    pipeline, gate, bodies = hub.intake.pipeline, hub.entrance.gate, hub.bodies
    signed = SignedRequests(blobs=ports.blobs, snapshot=hub.snapshot, clock=hub.clock)
    signatures = Signatures(hub.url, gate, signed)
    documents, others = document_apis(
        settings, ports, hub.intake, gate, bodies, signatures, clock=hub.clock, entropy=hub.entropy
    )
    partner = PartnerAPI(gate=gate, pipeline=pipeline, documents=documents, bodies=bodies, signatures=signatures)
    reader = _reader_api(hub)
    views = views_api(
        settings,
        ports,
        hub.follower,
        hub.sights,
        hub.journal,
        gate,
        reader.get_event,
        worker=hub.worker,
        clock=hub.clock,
        entropy=hub.entropy,
    )
    copies = copies_api(
        settings,
        ports,
        hub.archived,
        pipeline,
        hub.sights,
        hub.journal,
        gate,
        bodies,
        snapshot=hub.snapshot,
        clock=hub.clock,
        observer=hub.observer,
    )
    statuses = StatusAPI(gate=gate, bodies=bodies, registrar=hub.registrar)
    others = {**others, **copies.handlers(), **statuses.handlers()}
    own = OwnCredentials(
        gate=gate,
        bodies=bodies,
        registrar=hub.registrar,
        url=hub.url,
        clock=hub.clock,
        settings=settings.auth,
    )
    enrolment = enrolment_api(
        settings,
        ports,
        hub.live,
        hub.registrar,
        hub.progress,
        gate,
        bodies,
        url=hub.url,
        clock=hub.clock,
        observer=hub.observer,
    )
    accesses = access_api(
        settings,
        ports,
        gate,
        snapshot=hub.snapshot,
        agreements=hub.agreements,
        clock=hub.clock,
        entropy=hub.entropy,
    )
    others = {**others, **own.handlers(), **enrolment.handlers(), **_signed_apis(hub), **accesses.handlers()}
    endpoints = EndpointsAPI(gate, hub.snapshot, hub.clock, partial(last_failure, ports.positions))
    others = {**others, **feeds_api(hub).handlers(), **endpoints.handlers(), **answering_api(hub).handlers()}
    others |= DeadLettersAPI(gate, hub.letter_desk).handlers()
    public = {**hub.known.handlers(), **_catalogue_api(hub).handlers()}
    return {
        **hub.entrance.oauth.handlers(),
        **partner.handlers(),
        **signatures.handlers(),
        **reader.handlers(),
        **replays_api(hub).handlers(),
        **views.handlers(),
        **others,
        **public,
    }


def _signed_apis(hub: Hub) -> dict[str, Handler]:
    """Of what partners sign between each other and with authorities."""
    gate, snapshot, clock = hub.entrance.gate, hub.snapshot, hub.clock
    acts = PartnerActs(
        gate=gate,
        bodies=hub.bodies,
        registrar=hub.registrar,
        clock=clock,
        acts_per_hour_max=hub.settings.mandates.acts_per_hour_max,
    )
    mandates = MandatesAPI(gate=gate, acts=acts, snapshot=snapshot, clock=clock)
    agreements = AgreementsAPI(gate=gate, acts=acts, snapshot=snapshot, catalogue=hub.catalogue, clock=clock)
    return {**mandates.handlers(), **agreements.handlers()}


def _catalogue_api(hub: Hub) -> CatalogueAPI:
    described = {
        "openapi": lambda: openapi(ROUTES, hub.catalogue, hub.url),
        "asyncapi": lambda: asyncapi(hub.catalogue, hub.url),
    }
    return CatalogueAPI(catalogue=hub.catalogue, deprecations=hub.leaving, documents=described)


def _reader_api(hub: Hub) -> ReaderAPI:
    settings, log, partitions = hub.settings.delivery, hub.ports.log, hub.events.partitions
    cursors, pull = make_pull(hub)
    return ReaderAPI(
        gate=hub.entrance.gate,
        bodies=hub.bodies,
        pull=pull,
        acknowledgements=Acknowledgements(
            pull,
            log=log,
            positions=hub.ports.positions,
            cursors=cursors,
            journal=hub.journal,
            snapshot=hub.snapshot,
            clock=hub.clock,
            observer=hub.observer,
            hub=hub.settings.hub_name,
        ),
        streams=Streams(pull),
        notices=make_notices(hub, cursors),
        receipts=hub.receipts,
        statuses=Statuses(log=log, index=hub.ports.index, partitions=partitions),
        snapshot=hub.snapshot,
        stopping=hub.stopping.is_set,
        clock=hub.clock,
        observer=hub.observer,
        settings=settings,
        waiting_max=max(1, hub.settings.http.requests_in_flight_max // WAITING_SHARES),
    )
