"""The audit trail, exported to a collector where the settings name one."""

from __future__ import annotations

import socket
from pathlib import Path

from hub.core.settings import Settings
from hub.drivers.system.syslog import FilePlace, Syslog
from hub.operate.export import AuditExport
from hub.operate.follow import LiveRegistry
from hub.ports.observer import Observer
from hub.ports.system import Clock

PLACE_FILE = "audit-export.json"


def make_export(settings: Settings, live: LiveRegistry, clock: Clock, observer: Observer) -> AuditExport:
    """Of the trail as this process follows it; the place is kept in the data directory."""
    return AuditExport(
        live.audit,
        head=lambda: live.snapshot.revision,
        sink=Syslog(settings.audit.syslog, clock, ca_file=settings.audit.syslog_ca_file),
        place=FilePlace(Path(settings.log.directory) / PLACE_FILE),
        host=socket.gethostname(),
        clock=clock,
        observer=observer,
    )
