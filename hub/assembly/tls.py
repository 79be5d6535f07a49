"""TLS towards partners: the context of their listener, kept up to date with its files and with the registry."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hub.core.certificate import Certificate
from hub.core.errors import HubError
from hub.core.registry import Version
from hub.core.settings import TLSSettings
from hub.drivers.system.tls import ServerTLS
from hub.operate.follow import LiveRegistry
from hub.ports.observer import Observer
from hub.ports.system import Clock
from hub.trust.certificate_name import Authorities

LOOK_SECONDS = 1.0


def make_tls(settings: TLSSettings, live: LiveRegistry) -> ServerTLS | None:
    """None: no TLS here. Client certificates may open connections from the revision on that registered them."""
    if not settings.certificate_file:
        return None
    tls = ServerTLS(settings)

    def trust(versions: Sequence[Version]) -> None:
        tls.trust(version.object for version in versions if isinstance(version.object, Certificate))

    live.on_change(trust)
    return tls


def client_authorities(settings: TLSSettings) -> Authorities:
    """Whose certificates name clients: those of `client_ca_file`. Raises `HubError`."""
    try:
        return Authorities(Path(settings.client_ca_file).read_bytes() if settings.client_ca_file else b"")
    except (OSError, ValueError) as e:
        raise HubError(f"`tls.client_ca_file` cannot be read: {e}") from e


async def keep_renewed(tls: ServerTLS, clock: Clock, observer: Observer) -> None:
    """Take up a certificate that was replaced, within a second or so."""
    while True:
        try:
            if tls.renew():
                observer.event("certificate_renewed")
        except HubError as e:
            observer.event("certificate_not_renewed", error=str(e))
        await clock.sleep(LOOK_SECONDS)
