"""Who is let in: everything that knows tokens, put together for one worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from hub.assembly.grounds import Ports
from hub.assembly.tls import client_authorities
from hub.core.registry import Snapshot
from hub.core.settings import Settings, addresses_of
from hub.intake.authenticate import Authenticator
from hub.intake.clients import Clients
from hub.intake.grant import TokenEndpoint
from hub.intake.inspect import TokenDesk
from hub.intake.issuer import Issuers
from hub.intake.last_use import UseBook
from hub.intake.operators import Operators
from hub.intake.proofs import Proofs
from hub.intake.quota import Quotas
from hub.intake.revoked import RevokedTokens
from hub.intake.strangers import Strangers
from hub.operate.follow import LiveRegistry
from hub.ports.observer import Observer
from hub.ports.system import Clock, Entropy
from hub.web.credentials import CredentialReader
from hub.web.edge import BodyReader
from hub.web.gate import Gate
from hub.web.oauth import OAuthAPI


class Entrance(Struct, frozen=True):
    gate: Gate
    oauth: OAuthAPI
    revoked: RevokedTokens
    uses: UseBook
    nonce: Callable[[], str]
    jwks: Callable[[], Sequence[dict[str, str]]]
    operators: Operators


def make_entrance(
    settings: Settings,
    ports: Ports,
    live: LiveRegistry,
    quotas: Quotas,
    bodies: BodyReader,
    *,
    url: str,
    seen: Callable[[str, int], None],
    clock: Clock,
    entropy: Entropy,
    observer: Observer,
) -> Entrance:
    """`url` is the hub as its partners know it: issuer and audience of every token."""
    auth = settings.auth
    issuer = Issuers(url, ports.keys, clock=clock)

    def snapshot() -> Snapshot:
        return live.snapshot

    stale_seconds = settings.intake.registry_seconds_max
    revoked = RevokedTokens(ports.replay, clock=clock, token_seconds=auth.token_seconds, stale_seconds=stale_seconds)

    def standing() -> int | None:
        return live.standing() if revoked.is_current else None

    proofs = Proofs(clock=clock, entropy=entropy, settings=auth)
    authenticator = Authenticator(
        issuer,
        snapshot=snapshot,
        revoked=revoked,
        proofs=proofs,
        clock=clock,
        observer=observer,
        settings=auth,
    )
    clients = Clients(
        issuer,
        snapshot=snapshot,
        replay=ports.replay,
        proofs=proofs,
        clock=clock,
        settings=auth,
        authorities=client_authorities(settings.tls),
        seen=seen,
    )
    tokens = TokenEndpoint(
        issuer,
        clients=clients,
        snapshot=snapshot,
        standing=live.standing,
        clock=clock,
        entropy=entropy,
        observer=observer,
        settings=auth,
    )
    operators = Operators(
        issuer, snapshot=snapshot, revoked=revoked, proofs=proofs, clock=clock, observer=observer, settings=auth
    )
    desk = TokenDesk(
        issuer,
        clients=clients,
        lets_in=lambda token, now: authenticator.lets_in(token, now) or operators.lets_in(token, now),
        revoked=revoked,
        standing=standing,
        clock=clock,
        observer=observer,
        settings=auth,
    )
    credentials = CredentialReader(url, proxies=addresses_of(settings.http.trusted_proxies), observer=observer)
    retention = auth.last_use_retention_seconds
    uses = UseBook(ports.last_use, clock=clock, observer=observer, retention_seconds=retention)
    gate = Gate(
        authenticator,
        credentials,
        uses=uses,
        nonce=proofs.nonce,
        quotas=quotas,
        strangers=Strangers(settings.quotas, clock=clock, observer=observer),
        standing=standing,
        snapshot=snapshot,
        clock=clock,
    )
    oauth = OAuthAPI(gate=gate, tokens=tokens, desk=desk, nonce=proofs.nonce, credentials=credentials, bodies=bodies)
    return Entrance(gate, oauth, revoked, uses, proofs.nonce, issuer.jwks, operators)
