"""Who a bearer's token stands for, at each registry revision: the moment an accepted token becomes a refused one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from hub.core.errors import Refusal
from hub.core.evidence import Challenge, Credentials, Principal
from hub.core.partner import KeyState, Partner, PartnerState, PublicKey, Role, System, Tier
from hub.core.registry import Registered, Snapshot, Version
from hub.core.settings import AuthSettings
from hub.drivers.memory.key_ring import MemoryKeyRing
from hub.intake.authenticate import Authenticator
from hub.trust.tokens import Assertion, issue_token, load_issuer
from tests.clock import ManualClock
from tests.tokens_by_hand import CLIENT, ISSUER, NOW, P256, registered, sign

ACME = Partner("acme", "Acme", "NL", (Role.EXPORTER,), Tier.AEO)
ERP = System(CLIENT, "acme", ("events:write", "receipts:read"))
KEY = registered(P256)
RING = MemoryKeyRing()
ISSUED_BY = load_issuer(ISSUER, key_id=RING.token_key_id(), key_pem=RING.token_key_pem(), jwks=RING.token_jwks())


class Reasons:
    """An observer that keeps the reasons."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        assert name == "authentications_refused"
        self.reasons.append(labels["reason"])

    def __getattr__(self, name: str) -> Callable[..., None]:
        raise AssertionError(f"{name} is not for this stage")


class World:
    """A registry with one partner, its system and key, and an authenticator over it."""

    def __init__(self, **settings: Any) -> None:
        self.snapshot = Snapshot()
        self.clock = ManualClock(NOW * 1_000_000)
        self.seen = Reasons()
        self.stage = Authenticator(
            ISSUED_BY,
            snapshot=lambda: self.snapshot,
            clock=self.clock,
            observer=self.seen,
            settings=AuthSettings(**settings),
        )
        self.change(ACME, ERP, KEY)

    def change(self, *objects: Registered) -> None:
        revision = self.snapshot.revision + 1
        self.snapshot.apply(Version(revision, item, "test", "", 0) for item in objects)

    def send(self, *authorizations: str) -> Principal | Challenge:
        return self.stage.authenticate(Credentials("POST", f"{ISSUER}/v1/events", authorizations))

    def ask(self, token: str) -> Principal | Challenge:
        return self.send(f"Bearer {token}")

    def refused(self, token: str) -> tuple[str, str]:
        """The code that the sender sees and the reason that the operator sees."""
        answer = self.ask(token)
        assert isinstance(answer, Challenge)
        return answer.refusal.code, self.seen.reasons[-1]


def token(key: PublicKey = KEY, client: str = CLIENT, number: int = 0) -> str:
    assertion = Assertion(client, key.id, "one", NOW + 300)
    chance = number.to_bytes(16, "big")
    return issue_token(assertion, ERP.scopes, issuer=ISSUED_BY, now=NOW, seconds=600, chance=chance)


def test_a_token_stands_for_the_system_and_partner_of_the_registry() -> None:
    principal = World().ask(token())

    assert principal == Principal(ACME, ERP, KEY.id, frozenset(ERP.scopes), NOW + 600)


def test_the_scheme_is_read_in_any_case() -> None:
    assert isinstance(World().send(f"bEARER {token()}"), Principal)


@pytest.mark.parametrize(
    "authorizations",
    [[], [f"Bearer {token()}"] * 2, *([each] for each in (
     "", "Bearer", "Bearer ", "Basic YTpi", f"Bearer  {token()}", f"Bearer {token()} ", f"Bearer {token()}é",
     f"Bearer {token()},{token()}", "Bearer \udcff", "Bearer " + "a" * 100_000, f"Token {token()}", token()))],
)  # fmt: skip
def test_every_other_header_gets_the_same_refusal(authorizations: list[str]) -> None:
    answer = World().send(*authorizations)

    assert isinstance(answer, Challenge)
    assert answer.refusal == Refusal("UNAUTHENTICATED")


def test_an_expired_token_is_refused_also_when_it_was_accepted_before() -> None:
    world = World()
    world.ask(token())

    world.clock.advance(600)

    assert world.refused(token()) == ("UNAUTHENTICATED", "expired")


def test_a_suspended_partner_is_refused_by_name_until_it_is_resumed() -> None:
    world = World()
    world.ask(token())

    world.change(msgspec.structs.replace(ACME, state=PartnerState.SUSPENDED))
    refused = world.refused(token())
    world.change(ACME)

    assert refused == ("PARTNER_SUSPENDED", "suspended")
    assert isinstance(world.ask(token()), Principal)


def test_an_expired_token_of_a_suspended_partner_tells_nothing() -> None:
    world = World()
    world.change(msgspec.structs.replace(ACME, state=PartnerState.SUSPENDED))
    world.ask(token())

    world.clock.advance(600)

    assert world.refused(token()) == ("UNAUTHENTICATED", "expired")


def test_revoking_the_key_revokes_the_tokens_that_it_fetched() -> None:
    world = World()
    world.ask(token())

    world.change(msgspec.structs.replace(KEY, state=KeyState.REVOKED))

    assert world.refused(token()) == ("UNAUTHENTICATED", "key")


def test_a_key_in_grace_carries_its_tokens_to_its_end_and_no_further() -> None:
    world = World()
    world.change(msgspec.structs.replace(KEY, state=KeyState.GRACE, not_after=NOW + 60))

    before = world.ask(token())
    world.clock.advance(60)

    assert isinstance(before, Principal)
    assert before.expires == NOW + 60
    assert world.refused(token()) == ("UNAUTHENTICATED", "expired")


def test_a_scope_that_is_taken_away_is_gone_from_live_tokens() -> None:
    world = World()
    world.ask(token())

    world.change(msgspec.structs.replace(ERP, scopes=("receipts:read",)))
    principal = world.ask(token())

    assert isinstance(principal, Principal)
    assert principal.scopes == {"receipts:read"}


def test_a_changed_partner_is_seen_at_once() -> None:
    world = World()
    world.ask(token())

    world.change(msgspec.structs.replace(ACME, tier=Tier.SANDBOX))
    principal = world.ask(token())

    assert isinstance(principal, Principal)
    assert principal.partner.tier is Tier.SANDBOX


def test_a_token_of_an_unknown_system_or_of_anothers_key_is_refused() -> None:
    world = World()
    world.change(System("acme.yard", "acme", ("events:write",)))

    assert world.refused(token(client="nobody.erp")) == ("UNAUTHENTICATED", "client")
    assert world.refused(token(client="acme.yard")) == ("UNAUTHENTICATED", "key")


def test_a_token_that_the_token_key_did_not_sign_is_refused_each_time() -> None:
    world = World()
    forged = sign({"alg": "ES256", "typ": "at+jwt", "kid": RING.token_key_id()}, {"client_id": CLIENT})

    assert [world.refused(forged) for _ in range(2)] == [("UNAUTHENTICATED", "signature")] * 2


def test_more_tokens_than_are_remembered_are_all_accepted() -> None:
    world = World(tokens_cached_max=2)

    answers = [world.ask(token(number=number % 4)) for number in range(8)]

    assert all(isinstance(answer, Principal) for answer in answers)
