"""Enrolment put together: what strangers ask, and what is noted of systems until their checklist is green."""

from __future__ import annotations

from hub.assembly.grounds import Ports
from hub.core.settings import Settings
from hub.operate.enrol import EnrolmentDesk
from hub.operate.follow import LiveRegistry
from hub.operate.progress import Progress
from hub.operate.registrar import Registrar
from hub.ports.observer import Observer
from hub.ports.system import Clock
from hub.web.edge import BodyReader
from hub.web.enrolment import EnrolmentAPI
from hub.web.gate import Gate


def make_progress(
    settings: Settings, registrar: Registrar, live: LiveRegistry, *, clock: Clock, observer: Observer
) -> Progress:
    skew = settings.auth.clock_skew_seconds
    return Progress(registrar, snapshot=lambda: live.snapshot, clock=clock, observer=observer, clock_skew_seconds=skew)


def enrolment_api(
    settings: Settings,
    ports: Ports,
    live: LiveRegistry,
    registrar: Registrar,
    progress: Progress,
    gate: Gate,
    bodies: BodyReader,
    *,
    url: str,
    clock: Clock,
    observer: Observer,
) -> EnrolmentAPI:
    desk = EnrolmentDesk(
        registrar,
        snapshot=lambda: live.snapshot,
        secret=ports.keys.secret("enrolment"),
        url=url,
        clock=clock,
        observer=observer,
        settings=settings.auth,
    )
    return EnrolmentAPI(
        desk, progress, gate=gate, bodies=bodies, keys=ports.keys, snapshot=lambda: live.snapshot, url=url, clock=clock
    )
