"""An API key at the door: what it stands for, and the one answer to whatever is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from hub.core.api_key import ApiKey
from hub.core.codes import digest_of, make_api_key
from hub.core.credential import KeyState
from hub.core.evidence import Challenge, Credentials, Principal
from hub.core.partner import Partner, PartnerState, Role, System, Tier
from tests.tokens_by_hand import EVENTS_URL, NOW
from tests.unit.test_authenticate import World, token

SECRET = make_api_key(bytes(range(17)))
SHOP = Partner("shop", "Shop", "NL", (Role.EXPORTER,), Tier.SMALL)
WEB = System("shop.web", "shop", ("events:write", "feeds:read", "receipts:read"))
KEY = ApiKey(digest_of(SECRET), "shop.web", ("events:write", "feeds:read"), NOW, NOW + 100, ("192.0.2.0/24",))
HERE = {"is_confidential": True, "address": "192.0.2.7"}


@pytest.fixture
def world() -> World:
    world = World(sender_constrained="required")
    world.change(SHOP, WEB, KEY)
    return world


def show(world: World, secret: str = SECRET, **more: Any) -> Principal | Challenge:
    return world.stage.authenticate(Credentials("POST", EVENTS_URL, (f"Bearer {secret}",), **HERE | more))


def refused(world: World, secret: str = SECRET, **more: Any) -> tuple[str, str]:
    answer = show(world, secret, **more)
    assert isinstance(answer, Challenge), answer
    return answer.refusal.code, world.seen.reasons[-1]


def test_an_api_key_stands_for_its_system_with_what_its_tier_allows(world: World) -> None:
    assert show(world) == Principal(SHOP, WEB, KEY.id, frozenset({"events:write"}), NOW + 100)


def test_the_scopes_of_a_sandbox_hold_as_long_as_its_partner_is_in_it(world: World) -> None:
    world.change(replace(SHOP, tier=Tier.SANDBOX))
    within = show(world)
    world.change(replace(SHOP, state=PartnerState.VETTED))
    vetted = show(world)

    assert isinstance(within, Principal)
    assert isinstance(vetted, Principal)
    assert within.scopes == vetted.scopes == {"events:write", "feeds:read"}


def test_an_authority_reads_no_feed_by_an_api_key(world: World) -> None:
    world.change(replace(SHOP, tier=Tier.SANDBOX, roles=(Role.AUTHORITY,)))
    answer = show(world)

    assert isinstance(answer, Principal)
    assert answer.scopes == {"events:write"}


def test_a_scope_taken_from_the_system_is_taken_from_its_api_key(world: World) -> None:
    world.change(replace(WEB, scopes=("receipts:read",)))
    answer = show(world)

    assert isinstance(answer, Principal)
    assert answer.scopes == frozenset()


@pytest.mark.parametrize(("more", "reason"), [
    ({"is_confidential": False}, "exposed"), ({"address": "198.51.100.1"}, "network"), ({"address": ""}, "network"),
    ({"address": "not an address"}, "network"), ({"address": "192.0.2.7, 192.0.2.8"}, "network"),
])  # fmt: skip
def test_an_api_key_is_good_over_a_safe_connection_from_its_own_network_only(
    world: World, more: dict[str, Any], reason: str
) -> None:
    assert refused(world, **more) == ("UNAUTHENTICATED", reason)


def test_an_address_mapped_into_ipv6_is_the_same_address(world: World) -> None:
    assert isinstance(show(world, address="::ffff:192.0.2.7"), Principal)


@pytest.mark.parametrize("secret", [
    "chk_", SECRET[:-1], SECRET.lower(), SECRET + "0", SECRET[:-1] + ("0" if SECRET[-1] != "0" else "1"),
    make_api_key(bytes(17)), digest_of(SECRET), "chk_" + digest_of(SECRET),
])  # fmt: skip
def test_what_is_nobodys_api_key_gets_the_answer_of_any_refused_token(world: World, secret: str) -> None:
    assert refused(world, secret)[0] == "UNAUTHENTICATED"


def test_every_refusal_has_the_same_headers_and_body(world: World) -> None:
    world.change(replace(KEY, state=KeyState.REVOKED))
    shown = [show(world), show(world, make_api_key(bytes(17))), show(world, address=""), show(world, "no token")]

    answers = [(each.refusal, each.headers, each.asks_again) for each in shown if isinstance(each, Challenge)]
    assert answers == [answers[0]] * len(shown)


def test_an_api_key_ends_on_its_second(world: World) -> None:
    world.change(replace(KEY, not_after=NOW))

    assert refused(world) == ("UNAUTHENTICATED", "key_expired")


def test_a_revoked_api_key_is_refused_with_the_revision_that_brought_it(world: World) -> None:
    assert isinstance(show(world), Principal)

    world.change(replace(KEY, state=KeyState.REVOKED))

    assert refused(world) == ("UNAUTHENTICATED", "key_revoked")


@pytest.mark.parametrize("tier", [Tier.TRUSTED, Tier.AEO])
def test_whoever_moved_up_has_to_prove_to_hold_a_key(world: World, tier: Tier) -> None:
    world.change(replace(SHOP, tier=tier))

    assert refused(world) == ("UNAUTHENTICATED", "unbound")


def test_a_suspension_is_told_to_the_holder_of_a_good_key_alone(world: World) -> None:
    world.change(replace(SHOP, state=PartnerState.SUSPENDED))

    assert refused(world)[0] == "PARTNER_SUSPENDED"
    assert refused(world, address="198.51.100.1")[0] == "UNAUTHENTICATED"


@pytest.mark.parametrize("scheme", ["DPoP", "Basic", "Token"])
def test_an_api_key_is_taken_as_a_bearer_only(world: World, scheme: str) -> None:
    answer = world.stage.authenticate(Credentials("POST", EVENTS_URL, (f"{scheme} {SECRET}",), **HERE))

    assert isinstance(answer, Challenge)


def test_an_address_that_failed_too_often_is_still_looked_at_for_an_api_key_that_there_is(world: World) -> None:
    def named(secret: str) -> Credentials:
        return Credentials("POST", EVENTS_URL, (f"Bearer {secret}",))

    assert world.stage.knows(named(SECRET))
    assert not world.stage.knows(named(make_api_key(bytes(17))))
    assert not world.stage.knows(named(token()))
