"""The hub as issuer while its token keys are rotated: no live token is refused, and none is signed too early."""

from __future__ import annotations

from hub.drivers.memory.key_ring import MemoryKeyRing
from hub.intake.issuer import Issuers
from hub.ports.key_ring import TOKEN_KEY_LEAD_SECONDS
from hub.trust.jws import Flaw
from hub.trust.tokens import UNBOUND, AccessToken, issue_token, verify_token
from tests.clock import ManualClock
from tests.tokens_by_hand import CLIENT, ISSUER, NOW

LIFE = 600


class World:
    def __init__(self) -> None:
        self.clock, self.ring = ManualClock(NOW * 1_000_000), MemoryKeyRing(now=NOW)
        self.one, self.other = (Issuers(ISSUER, self.ring, clock=self.clock) for _ in range(2))

    @property
    def now(self) -> int:
        return self.clock.now_us() // 1_000_000

    def token(self) -> str:
        given = {"binding": UNBOUND, "issuer": self.one(), "now": self.now, "seconds": LIFE, "chance": bytes(16)}
        return issue_token(CLIENT, "key", ["events:write"], **given)  # type: ignore[arg-type]

    def check(self, token: str) -> AccessToken | Flaw:
        return verify_token(token, issuer=self.other(), now=self.now, bytes_max=8_192)

    def rotate(self) -> str:
        return self.ring.rotate_token_key(self.now, LIFE).id


def test_a_new_key_signs_a_minute_after_it_was_published() -> None:
    world = World()
    old, new = world.one().key_id, world.rotate()

    before = world.one().key_id
    world.clock.advance(TOKEN_KEY_LEAD_SECONDS)

    assert (before, world.one().key_id) == (old, new)
    assert {key["kid"] for key in world.one.jwks()} == {old, new}


def test_the_last_token_of_the_old_key_is_good_to_its_end() -> None:
    world = World()
    world.rotate()
    world.clock.advance(TOKEN_KEY_LEAD_SECONDS - 1)
    last = world.token()

    world.clock.advance(LIFE - 1)
    good = world.check(last)
    world.clock.advance(1)

    assert isinstance(good, AccessToken)
    assert world.check(last) is Flaw.EXPIRED


def test_a_key_that_is_published_no_more_signs_for_nobody() -> None:
    world = World()
    token = world.token()
    world.rotate()
    world.clock.advance(TOKEN_KEY_LEAD_SECONDS * 2 + LIFE)

    refused = verify_token(token, issuer=world.other(), now=NOW, bytes_max=8_192)

    assert refused is Flaw.KEY
    assert len(world.one.jwks()) == 1
