"""What customs answers companies, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.core.terms import kept_agreements
from hub.delivery.answered import NoticeAcknowledgements
from hub.delivery.answering import Answering
from hub.delivery.shown import ShownRecords
from hub.web.answering import AnsweringAPI

if TYPE_CHECKING:
    from hub.assembly.hub import Hub


def answering_api(hub: Hub) -> AnsweringAPI:
    ports = hub.ports
    shown = ShownRecords(
        ports.log,
        snapshot=hub.snapshot,
        partitions=hub.events.partitions,
        spread_seconds=hub.settings.intake.append_seconds_max,
    )
    answering = Answering(
        ports.dispatches,
        shown=shown,
        views=ports.views,
        agreements=kept_agreements(hub.snapshot),
        snapshot=hub.snapshot,
        clock=hub.clock,
        sent_hour_max=hub.settings.delivery.notices_sent_hour_max,
    )
    acknowledgements = NoticeAcknowledgements(
        ports.dispatches,
        snapshot=hub.snapshot,
        clock=hub.clock,
        observer=hub.observer,
        hub=hub.settings.hub_name,
    )
    return AnsweringAPI(
        gate=hub.entrance.gate,
        bodies=hub.bodies,
        answering=answering,
        acknowledgements=acknowledgements,
        dispatches=ports.dispatches,
    )
