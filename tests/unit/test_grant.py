"""The token endpoint: who gets an access token, who does not, and that an assertion is good for one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Literal

import msgspec
import pytest

from hub.core.errors import StaleRegistry
from hub.core.evidence import Credentials
from hub.core.partner import KeyState, Partner, PartnerState, Role, System, Tier
from hub.core.registry import Registered, Snapshot, Version
from hub.core.settings import AuthSettings
from hub.drivers.memory.key_ring import MemoryKeyRing
from hub.intake.clients import ASSERTION_TYPE, Clients, OAuthRefusal
from hub.intake.grant import TOKEN_PATH, TokenEndpoint, TokenGranted, metadata
from hub.intake.issuer import Issuers
from hub.intake.proofs import Proofs
from hub.trust.certificate_name import Authorities
from hub.trust.tokens import AccessToken, Binding, verify_token
from tests.clock import ManualClock
from tests.tokens_by_hand import CLIENT, ED25519, HELD, ISSUER, NOW, P256, claims, header, proof, registered, sign

ACME = Partner("acme", "Acme", "NL", (Role.EXPORTER,), Tier.AEO)
ERP = System(CLIENT, "acme", ("events:write", "receipts:read"))
KEY = registered(P256)
TOKEN_URL = ISSUER + TOKEN_PATH
RING = MemoryKeyRing()
ISSUED_BY = Issuers(ISSUER, RING, clock=ManualClock(NOW * 1_000_000))()


class UsedOnce:
    """Keeps the `ReplayGuard` port and yields in the middle, as storage does."""

    def __init__(self) -> None:
        self.used: set[bytes] = set()

    async def use(self, key: bytes, *, expires: int, now: int) -> bool:
        await asyncio.sleep(0)
        first = key not in self.used
        self.used.add(key)
        return first


class FixedEntropy:
    def bytes(self, count: int) -> bytes:
        return bytes(count)


class Outcomes:
    def __init__(self) -> None:
        self.outcomes: list[str] = []

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        assert name == "tokens"
        self.outcomes.append(labels["outcome"])

    def __getattr__(self, name: str) -> Callable[..., None]:
        raise AssertionError(f"{name} is not for this stage")


class World:
    def __init__(self, sender_constrained: Literal["required", "offered"] = "offered") -> None:
        self.snapshot = Snapshot()
        self.clock = ManualClock(NOW * 1_000_000)
        self.seen = Outcomes()
        self.standing: int | None = 1
        self.replay = UsedOnce()
        settings = AuthSettings(sender_constrained=sender_constrained)
        self.proofs = Proofs(clock=self.clock, entropy=FixedEntropy(), settings=settings)
        clients = Clients(
            lambda: ISSUED_BY,
            snapshot=lambda: self.snapshot,
            replay=self.replay,
            proofs=self.proofs,
            clock=self.clock,
            settings=settings,
            authorities=Authorities(b""),
        )
        self.stage = TokenEndpoint(
            lambda: ISSUED_BY,
            clients=clients,
            snapshot=lambda: self.snapshot,
            standing=lambda: self.standing,
            clock=self.clock,
            entropy=FixedEntropy(),
            observer=self.seen,
            settings=settings,
        )
        self.change(ACME, ERP, KEY)

    def change(self, *objects: Registered) -> None:
        revision = self.snapshot.revision + 1
        self.snapshot.apply(Version(revision, item, "test", "", 0) for item in objects)

    async def ask(self, **changes: str) -> TokenGranted | OAuthRefusal:
        return await self.stage.grant(form() | changes, NOTHING)

    async def ask_with(self, *proofs: str, **changes: str) -> TokenGranted | OAuthRefusal:
        return await self.stage.grant(form() | changes, Credentials("POST", TOKEN_URL, (), proofs))

    def proof(self, **changes: Any) -> str:
        return proof(**{"htu": TOKEN_URL, "nonce": self.proofs.nonce(), "ath": None} | changes)

    async def error(self, **changes: str) -> tuple[str, int]:
        answer = await self.ask(**changes)
        assert isinstance(answer, OAuthRefusal)
        return answer.error, answer.status


NOTHING = Credentials("POST", TOKEN_URL)


def form(**changes: Any) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": sign(header(), claims(**changes)),
    }


async def test_an_assertion_earns_a_token_with_all_scopes_of_the_system() -> None:
    granted = await World().ask()

    assert isinstance(granted, TokenGranted)
    assert (granted.token_type, granted.expires_in, granted.scope) == ("Bearer", 600, "events:write receipts:read")
    verified = verify_token(granted.access_token, issuer=ISSUED_BY, now=NOW, bytes_max=8_192)
    assert verified == AccessToken(CLIENT, KEY.id, frozenset(ERP.scopes), NOW + 600, "A" * 22, NOW)


async def test_no_token_is_granted_while_the_registry_is_not_confirmed() -> None:
    world = World()
    world.standing = None

    with pytest.raises(StaleRegistry):
        await world.ask()

    assert not world.replay.used


async def test_no_token_is_granted_if_the_registry_was_lost_while_the_assertion_was_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()

    async def use(*_: object, **__: object) -> bool:
        world.standing = None
        return True

    monkeypatch.setattr(world.replay, "use", use)

    with pytest.raises(StaleRegistry):
        await world.ask()


async def test_a_narrower_scope_is_granted_as_asked() -> None:
    granted = await World().ask(scope="receipts:read")

    assert isinstance(granted, TokenGranted)
    assert granted.scope == "receipts:read"


@pytest.mark.parametrize(
    "scope", ["feeds:read", "events:write feeds:read", "events:write  receipts:read", "admin", " "]
)
async def test_a_scope_that_the_system_was_not_granted_is_refused(scope: str) -> None:
    assert await World().error(scope=scope) == ("invalid_scope", 400)


async def test_a_hundred_uses_of_one_assertion_at_once_earn_one_token() -> None:
    world = World()
    one = form()

    answers = await asyncio.gather(*(world.stage.grant(one, NOTHING) for _ in range(100)))

    assert sum(isinstance(answer, TokenGranted) for answer in answers) == 1
    assert world.seen.outcomes.count("replayed") == 99


async def test_the_same_jti_of_another_client_is_another_use() -> None:
    world = World()
    world.change(System("acme.yard", "acme", ("events:write",)), registered(ED25519, "acme.yard"))
    other = sign(header(ED25519), claims(iss="acme.yard", sub="acme.yard"), ED25519)

    await world.ask()

    assert isinstance(await world.ask(client_assertion=other), TokenGranted)


async def test_a_forged_assertion_uses_up_nothing() -> None:
    world = World()

    await world.error(client_assertion=sign(header(), claims(), ED25519))

    assert not world.replay.used
    assert isinstance(await world.ask(), TokenGranted)


async def test_all_failures_of_client_authentication_look_the_same() -> None:
    world = World()
    world.change(
        msgspec.structs.replace(ACME, id="stopped", state=PartnerState.SUSPENDED),
        System("stopped.erp", "stopped", ("events:write",)),
    )
    world.change(registered(ED25519, "stopped.erp"))
    stopped = sign(header(ED25519), claims(iss="stopped.erp", sub="stopped.erp"), ED25519)
    unknown = sign(header(), claims(iss="nobody.erp", sub="nobody.erp"))

    answers = [
        await world.ask(**changes)
        for changes in (
            {"client_assertion": ""},
            {"client_assertion": "a.b.c"},
            {"client_assertion": unknown},
            {"client_assertion": stopped},
            {"client_assertion": sign(header(), claims(), ED25519)},
            {"client_assertion": sign(header(), claims(aud=[ISSUER]))},
            {"client_assertion_type": ""},
            {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
            {"client_id": "acme.yard"},
        )
    ]

    assert {(a.error, a.error_description, a.status) for a in answers if isinstance(a, OAuthRefusal)} == {
        ("invalid_client", answers[0].error_description, 401)  # type: ignore[union-attr]
    }
    assert world.seen.outcomes == [
        "malformed", "malformed", "key", "suspended", "signature", "claims", "missing", "missing", "client"
    ]  # fmt: skip


async def test_a_client_id_that_agrees_is_allowed() -> None:
    assert isinstance(await World().ask(client_id=CLIENT), TokenGranted)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"client_secret": "guess"}, "invalid_request"),
    ],
)
async def test_a_request_that_is_not_ours_is_refused_as_rfc_6749_says(changes: dict[str, str], error: str) -> None:
    assert await World().error(**changes) == (error, 400)


@pytest.mark.parametrize(
    "change", [{"state": KeyState.REVOKED}, {"state": KeyState.GRACE, "not_after": NOW}, {"state": KeyState.GRACE}]
)
async def test_a_key_that_is_revoked_or_past_its_grace_earns_nothing(change: dict[str, Any]) -> None:
    world = World()
    world.change(msgspec.structs.replace(KEY, **change))

    assert await world.error() == ("invalid_client", 401)


async def test_a_key_in_its_grace_still_earns_tokens() -> None:
    world = World()
    world.change(msgspec.structs.replace(KEY, state=KeyState.GRACE, not_after=NOW + 1))

    assert isinstance(await world.ask(), TokenGranted)


async def test_a_partner_that_is_suspended_while_the_use_is_written_down_gets_no_token() -> None:
    world = World()
    asked = asyncio.ensure_future(world.ask())
    await asyncio.sleep(0)

    world.change(msgspec.structs.replace(ACME, state=PartnerState.SUSPENDED))

    assert isinstance(await asked, OAuthRefusal)


def test_the_metadata_names_what_the_endpoint_does() -> None:
    described = metadata(ISSUER)

    assert described["issuer"] == ISSUER
    assert described["token_endpoint"] == ISSUER + TOKEN_PATH
    assert described["token_endpoint_auth_methods_supported"] == [
        "private_key_jwt",
        "self_signed_tls_client_auth",
        "tls_client_auth",
    ]
    assert described["tls_client_certificate_bound_access_tokens"] is True
    assert described["token_endpoint_auth_signing_alg_values_supported"] == ["ES256", "EdDSA", "PS256"]


async def test_a_proof_binds_the_token_to_its_key() -> None:
    world = World("required")

    granted = await world.ask_with(world.proof())

    assert isinstance(granted, TokenGranted)
    assert granted.token_type == "DPoP"
    verified = verify_token(granted.access_token, issuer=ISSUED_BY, now=NOW, bytes_max=8_192)
    assert isinstance(verified, AccessToken)
    assert verified.binding == Binding(thumbprint=registered(HELD).id)


async def test_without_the_nonce_of_this_worker_the_same_assertion_is_sent_again() -> None:
    world, one = World("required"), form()
    first = await world.ask_with(world.proof(nonce=None), **one)

    assert isinstance(first, OAuthRefusal)
    assert (first.error, first.status) == ("use_dpop_nonce", 400)
    assert isinstance(await world.ask_with(world.proof(nonce=first.nonce), **one), TokenGranted)


@pytest.mark.parametrize("changes", [{"htm": "GET"}, {"htu": f"{ISSUER}/v1/events"}, {"iat": NOW - 3_600}, {"jti": ""}])
async def test_a_wrong_proof_earns_nothing_and_uses_up_nothing(changes: dict[str, Any]) -> None:
    world = World("offered")

    refused = await world.ask_with(world.proof(**changes))

    assert isinstance(refused, OAuthRefusal)
    assert (refused.error, refused.status) == ("invalid_dpop_proof", 400)
    assert not world.replay.used


async def test_a_proof_is_good_for_one_token() -> None:
    world = World("required")
    one = world.proof()
    await world.ask_with(one)

    again = await world.ask_with(one, client_assertion=sign(header(), claims(jti="two")))

    assert isinstance(again, OAuthRefusal)
    assert again.error == "invalid_dpop_proof"


async def test_who_does_not_know_a_key_of_the_client_learns_nothing_of_a_proof() -> None:
    world = World("required")

    refused = await world.ask_with("a.b.c", client_assertion=sign(header(), claims(), ED25519))

    assert isinstance(refused, OAuthRefusal)
    assert refused.error == "invalid_client"


async def test_a_partner_that_is_vetted_only_gets_an_unbound_token_until_it_is_active() -> None:
    world = World("required")
    world.change(msgspec.structs.replace(ACME, state=PartnerState.VETTED))
    granted = await world.ask()

    world.change(ACME)
    refused = await world.ask(client_assertion=sign(header(), claims(jti="two")))

    assert isinstance(granted, TokenGranted)
    assert isinstance(refused, OAuthRefusal)
    assert refused.error == "invalid_dpop_proof"


async def test_an_unbound_token_is_for_the_sandbox_only_where_binding_is_required() -> None:
    world = World("required")
    refused = await world.ask()
    world.change(msgspec.structs.replace(ACME, tier=Tier.SANDBOX))

    granted = await world.ask(client_assertion=sign(header(), claims(jti="two")))

    assert isinstance(refused, OAuthRefusal)
    assert refused.error == "invalid_dpop_proof"
    assert isinstance(granted, TokenGranted)
    assert granted.token_type == "Bearer"
