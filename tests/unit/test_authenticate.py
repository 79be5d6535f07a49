"""Who a bearer's token stands for, at each registry revision: the moment an accepted token becomes a refused one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from hub.core.certificate import Certificate
from hub.core.errors import Refusal
from hub.core.evidence import Challenge, Credentials, Principal
from hub.core.jwk import encode_base64url
from hub.core.partner import KeyState, Partner, PartnerState, PublicKey, Role, System, Tier
from hub.core.registry import Registered, Snapshot, Version
from hub.core.settings import AuthSettings
from hub.drivers.memory.key_ring import MemoryKeyRing
from hub.intake.authenticate import Authenticator
from hub.intake.issuer import Issuers
from hub.intake.proofs import Proofs
from hub.trust.tokens import UNBOUND, Binding, issue_token
from tests.clock import ManualClock
from tests.tokens_by_hand import CLIENT, ED25519, EVENTS_URL, HELD, ISSUER, NOW, P256, proof, registered, sign

ACME = Partner("acme", "Acme", "NL", (Role.EXPORTER,), Tier.AEO)
ERP = System(CLIENT, "acme", ("events:write", "receipts:read"))
KEY = registered(P256)
RING = MemoryKeyRing()
ISSUED_BY = Issuers(ISSUER, RING, clock=ManualClock(NOW * 1_000_000))()


class Reasons:
    """An observer that keeps the reasons."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        assert name == "authentications_refused"
        self.reasons.append(labels["reason"])

    def __getattr__(self, name: str) -> Callable[..., None]:
        raise AssertionError(f"{name} is not for this stage")


class Zeros:
    def bytes(self, count: int) -> bytes:
        return bytes(count)


class World:
    """A registry with one partner, its system and key, and an authenticator over it."""

    def __init__(self, **settings: Any) -> None:
        self.snapshot = Snapshot()
        self.clock = ManualClock(NOW * 1_000_000)
        self.seen = Reasons()
        self.revoked: set[str] = set()
        bounds = AuthSettings(**{"sender_constrained": "offered"} | settings)
        self.proofs = Proofs(clock=self.clock, entropy=Zeros(), settings=bounds)
        self.stage = Authenticator(
            lambda: ISSUED_BY,
            snapshot=lambda: self.snapshot,
            revoked=self.revoked,
            proofs=self.proofs,
            clock=self.clock,
            observer=self.seen,
            settings=bounds,
        )
        self.change(ACME, ERP, KEY)

    def change(self, *objects: Registered) -> None:
        revision = self.snapshot.revision + 1
        self.snapshot.apply(Version(revision, item, "test", "", 0) for item in objects)

    def send(self, *authorizations: str) -> Principal | Challenge:
        return self.stage.authenticate(Credentials("POST", f"{ISSUER}/v1/events", authorizations))

    def show(self, token: str, *proofs: str, scheme: str = "DPoP", **more: Any) -> Principal | Challenge:
        credentials = Credentials("POST", EVENTS_URL, (f"{scheme} {token}",), proofs, **more)
        return self.stage.authenticate(credentials)

    def proof(self, token: str, **changes: Any) -> str:
        return proof(token, **{"nonce": self.proofs.nonce()} | changes)

    def ask(self, token: str) -> Principal | Challenge:
        return self.send(f"Bearer {token}")

    def refused(self, token: str) -> tuple[str, str]:
        """The code that the sender sees and the reason that the operator sees."""
        answer = self.ask(token)
        assert isinstance(answer, Challenge)
        return answer.refusal.code, self.seen.reasons[-1]


def token(key: PublicKey = KEY, client: str = CLIENT, number: int = 0, binding: Binding = UNBOUND) -> str:
    chance = number.to_bytes(16, "big")
    return issue_token(
        client, key.id, ERP.scopes, binding=binding, issuer=ISSUED_BY, now=NOW, seconds=600, chance=chance
    )


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

    assert world.refused(token()) == ("UNAUTHENTICATED", "key_revoked")


def test_a_key_in_grace_carries_its_tokens_to_its_end_and_no_further() -> None:
    world = World()
    world.change(msgspec.structs.replace(KEY, state=KeyState.GRACE, not_after=NOW + 60))

    before = world.ask(token())
    world.clock.advance(60)

    assert isinstance(before, Principal)
    assert before.expires == NOW + 60
    assert world.refused(token()) == ("UNAUTHENTICATED", "key_rotated_out")


def test_a_key_past_its_validity_ends_the_tokens_that_it_fetched() -> None:
    world = World()
    world.change(msgspec.structs.replace(KEY, not_after=NOW + 60))

    before = world.ask(token())
    world.clock.advance(60)

    assert isinstance(before, Principal)
    assert world.refused(token()) == ("UNAUTHENTICATED", "key_expired")


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
    forged = sign({"alg": "ES256", "typ": "at+jwt", "kid": ISSUED_BY.key_id}, {"client_id": CLIENT})

    assert [world.refused(forged) for _ in range(2)] == [("UNAUTHENTICATED", "signature")] * 2


def test_more_tokens_than_are_remembered_are_all_accepted() -> None:
    world = World(tokens_cached_max=2)

    answers = [world.ask(token(number=number % 4)) for number in range(8)]

    assert all(isinstance(answer, Principal) for answer in answers)


BOUND = Binding(thumbprint=registered(HELD).id)
PINNED = Binding(certificate="A" * 43)
CERTIFICATE = Certificate("A" * 43, CLIENT, "CN=acme", NOW + 300, "")


def test_a_bound_token_with_its_proof_stands_for_its_system() -> None:
    world, held = World(sender_constrained="required"), token(binding=BOUND)

    assert isinstance(world.show(held, world.proof(held)), Principal)


@pytest.mark.parametrize("constrained", ["required", "offered"])
@pytest.mark.parametrize("scheme", ["Bearer", "DPoP"])
def test_a_bound_token_is_worth_nothing_without_its_proof(constrained: str, scheme: str) -> None:
    world = World(sender_constrained=constrained)

    answer = world.show(token(binding=BOUND), scheme=scheme)

    assert isinstance(answer, Challenge)
    assert answer.refusal == Refusal("UNAUTHENTICATED")
    assert world.seen.reasons == ["binding"]


def test_a_bound_token_is_no_bearers_token_even_with_its_proof() -> None:
    world, held = World(), token(binding=BOUND)

    assert isinstance(world.show(held, world.proof(held), scheme="Bearer"), Challenge)


def test_an_unbound_token_gains_nothing_from_a_proof() -> None:
    world = World()

    assert isinstance(world.show(token(), world.proof(token())), Challenge)
    assert world.seen.reasons == ["binding"]


def test_unbound_tokens_are_for_the_sandbox_only_where_binding_is_required() -> None:
    world = World(sender_constrained="required")
    refused = world.refused(token())

    world.change(msgspec.structs.replace(ACME, tier=Tier.SANDBOX))

    assert refused == ("UNAUTHENTICATED", "unbound")
    assert isinstance(world.ask(token()), Principal)


def test_a_partner_that_is_vetted_only_may_go_without_a_bound_token_until_it_is_active() -> None:
    world = World(sender_constrained="required")
    world.change(msgspec.structs.replace(ACME, state=PartnerState.VETTED))
    vetted = world.ask(token())

    world.change(ACME)

    assert isinstance(vetted, Principal)
    assert world.refused(token()) == ("UNAUTHENTICATED", "unbound")


def test_a_proof_is_taken_once_and_its_sender_may_be_looked_at_again() -> None:
    world, held = World(), token(binding=BOUND)
    one = world.proof(held)

    answers = [world.show(held, one), world.show(held, one), world.show(held, one, proof_taken=True)]

    assert [isinstance(answer, Principal) for answer in answers] == [True, False, True]
    assert world.seen.reasons == ["replayed"]


def test_a_proof_without_the_nonce_of_this_worker_is_told_it() -> None:
    world, held = World(), token(binding=BOUND)

    challenge = world.show(held, world.proof(held, nonce=None))

    assert isinstance(challenge, Challenge)
    assert challenge.headers["DPoP-Nonce"] == world.proofs.nonce()
    assert challenge.asks_again
    assert 'DPoP error="use_dpop_nonce"' in challenge.headers["WWW-Authenticate"]


@pytest.mark.parametrize("count", [0, 2])
def test_there_is_exactly_one_proof(count: int) -> None:
    world, held = World(), token(binding=BOUND)
    proofs = [world.proof(held, jti=str(number)) for number in range(count)]

    assert isinstance(world.show(held, *proofs), Challenge)


def test_a_suspension_is_told_only_to_who_holds_the_key() -> None:
    world, held = World(), token(binding=BOUND)
    world.change(msgspec.structs.replace(ACME, state=PartnerState.SUSPENDED))

    stolen, own = world.show(held, world.proof(held, key=ED25519)), world.show(held, world.proof(held))

    assert isinstance(stolen, Challenge)
    assert isinstance(own, Challenge)
    assert (stolen.refusal.code, own.refusal.code) == ("UNAUTHENTICATED", "PARTNER_SUSPENDED")


def test_every_refused_credential_gets_the_same_body() -> None:
    world, held = World(sender_constrained="required"), token(binding=BOUND)
    world.show(held, world.proof(held, jti="used"))

    answers = [
        world.show(token()),
        world.show(token(), scheme="Bearer"),
        world.show(held),
        world.show(held, scheme="Bearer"),
        world.show("a.b.c", "a.b.c"),
        *(
            world.show(held, world.proof(held, **changes))
            for changes in ({"jti": "used"}, {"key": ED25519}, {"nonce": "x"})
        ),
    ]

    assert {answer.refusal for answer in answers if isinstance(answer, Challenge)} == {Refusal("UNAUTHENTICATED")}
    assert len(world.seen.reasons) == len(answers)


def test_a_token_that_is_bound_to_a_certificate_is_good_on_its_connections_only() -> None:
    world, pinned = World(sender_constrained="required"), token(binding=PINNED)
    world.change(CERTIFICATE)

    answers = [world.show(pinned, scheme="Bearer", certificate=each) for each in ("A" * 43, "B" * 43, None)]

    assert [isinstance(answer, Principal) for answer in answers] == [True, False, False]
    assert world.seen.reasons == ["binding", "binding"]


def test_a_token_that_is_bound_to_both_asks_for_both() -> None:
    world = World()
    world.change(CERTIFICATE)
    both = token(binding=Binding(thumbprint=BOUND.thumbprint, certificate="A" * 43))

    without = world.show(both, world.proof(both, jti="a"))
    with_both = world.show(both, world.proof(both, jti="b"), certificate="A" * 43)

    assert [isinstance(answer, Principal) for answer in (without, with_both)] == [False, True]


def test_a_token_ends_with_the_certificate_that_it_is_bound_to() -> None:
    world, pinned = World(), token(binding=PINNED)
    world.change(CERTIFICATE)
    known = world.show(pinned, scheme="Bearer", certificate="A" * 43)

    world.clock.advance(300)

    assert isinstance(known, Principal)
    assert known.expires == NOW + 300
    assert isinstance(world.show(pinned, scheme="Bearer", certificate="A" * 43), Challenge)
    assert world.seen.reasons == ["key_expired"]


@pytest.mark.parametrize(
    ("change", "reason"), [({"state": KeyState.REVOKED}, "key_revoked"), ({"system": "acme.yard"}, "key")]
)
def test_a_certificate_that_is_revoked_or_anothers_carries_no_token(change: dict[str, Any], reason: str) -> None:
    world, pinned = World(), token(binding=PINNED)
    world.change(msgspec.structs.replace(CERTIFICATE, **change))

    assert isinstance(world.show(pinned, scheme="Bearer", certificate="A" * 43), Challenge)
    assert world.seen.reasons == [reason]


def test_a_token_that_was_revoked_is_refused_from_then_on() -> None:
    world, one = World(), token(number=1)
    before = world.ask(one)

    world.revoked.add(encode_base64url((1).to_bytes(16, "big")))

    assert isinstance(before, Principal)
    assert world.refused(one) == ("UNAUTHENTICATED", "revoked")
    assert isinstance(world.ask(token(number=2)), Principal)
