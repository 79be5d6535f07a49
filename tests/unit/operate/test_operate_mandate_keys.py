"""What becomes of mandates when a key that signed them is leaked, disowned, revoked or rotated out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from connectors.keys import SigningKey, generate, public_jwk
from connectors.partner import mandates
from hub.core.mandate import MandateState
from hub.core.proposal import Proposal
from tests.mandates import signed_by
from tests.unit.operate.conftest import START, Desk

CODE = "c0de" * 16
DAY = 86_400


class Office:
    """A principal, its chief and its deputy, each with a system of their own; and a broker."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.chief, self.deputy = generate("EdDSA"), generate("ES256")

    async def open(self) -> None:
        await self.desk.enrol("delta")
        await self.desk.enrol("broker", "broker")
        for system, key in (("chief", self.chief), ("deputy", self.deputy)):
            await self.add(system, key)

    async def add(self, system: str, key: SigningKey) -> None:
        public = key.public_pem().decode()
        await self.desk.do("key.add", partner="delta", system=system, key=public, scopes=["mandates:sign"])

    async def close_deputy(self) -> None:
        await self.desk.do("key.revoke", key=self.deputy.id)

    async def succeed(self, old: SigningKey) -> SigningKey:
        new = generate("EdDSA")
        await self.desk.do("key.succeed", key=old.id, jwk=public_jwk(new))
        return new

    def drafted(self, name: str = "m1", **more: Any) -> mandates.Signed:
        good: dict[str, Any] = {"types": ["*"], "valid_from": START, "valid_to": START + DAY}
        return mandates.mandate(hub="test-hub", id=name, principal="delta", agent="broker", **good | more)

    async def grant(self, *keys: SigningKey, draft: Any = None) -> mandates.Signed:
        signed = signed_by(draft or self.drafted(), keys)
        await self.desk.do("mandate.grant", principal="delta", **signed)
        return signed

    async def leaked(self, key: SigningKey, since: float = 0) -> None:
        at = datetime.fromtimestamp(START + since, UTC).isoformat()
        await self.desk.do("key.leaked", key=key.id, since=at, reason="stolen")

    def state(self) -> MandateState:
        mandate = self.desk.live.snapshot.mandates.get("delta/m1")
        assert mandate is not None
        return mandate.state


@pytest.fixture
async def office(desk: Desk) -> Office:
    office = Office(desk)
    await office.open()
    return office


async def test_a_mandate_ends_with_the_key_under_which_its_signer_was_rotated_in(office: Office) -> None:
    await office.close_deputy()
    new = await office.succeed(office.chief)
    await office.grant(new)
    await office.desk.do("mandate.countersign", id="delta/m1")
    assert office.state() is MandateState.GRANTED

    await office.leaked(office.chief)

    assert office.state() is MandateState.WITHDRAWN


async def completed_later(office: Office) -> SigningKey:
    """A mandate waited 100 seconds for its second signature; the key of that."""
    await office.close_deputy()
    waits, second = await office.grant(office.chief), generate("ES256")
    office.desk.clock.seconds += 100
    await office.add("second", second)
    await office.grant(second, draft=waits)
    return second


async def test_a_mandate_that_waited_and_was_completed_with_a_key_after_its_leak_ends(office: Office) -> None:
    second = await completed_later(office)
    assert office.state() is MandateState.GRANTED

    await office.leaked(second, since=50)

    assert office.state() is MandateState.WITHDRAWN


async def test_a_signature_that_came_before_the_leak_of_its_key_stands_whatever_came_later(office: Office) -> None:
    await completed_later(office)

    await office.leaked(office.chief, since=50)

    assert office.state() is MandateState.GRANTED


async def test_the_offline_code_ends_what_the_key_and_its_successor_signed(office: Office) -> None:
    live = office.desk.live
    key = live.snapshot.keys.get(office.chief.id)
    assert key is not None
    coded = replace(key, revocation=CODE)
    await live.write(Proposal(live.snapshot.revision, (coded,), "delta.chief", "test"))
    new = await office.succeed(office.chief)
    await office.grant(new, office.deputy)

    done = await office.desk.do("key.disown", revocation=CODE)

    assert office.state() is MandateState.WITHDRAWN
    assert len(done.changed) == 3


async def test_a_mandate_stands_while_one_of_its_keys_does_and_ends_when_the_last_is_revoked(office: Office) -> None:
    await office.grant(office.chief, office.deputy)

    await office.desk.do("key.revoke", key=office.deputy.id)
    between = office.state()
    await office.desk.do("key.revoke", key=office.chief.id)

    assert (between, office.state()) == (MandateState.GRANTED, MandateState.WITHDRAWN)


async def test_a_mandate_that_waits_ends_with_the_only_key_that_signed_it(office: Office) -> None:
    await office.close_deputy()
    await office.grant(office.chief)

    await office.desk.do("key.revoke", key=office.chief.id)

    assert office.state() is MandateState.WITHDRAWN


async def test_a_key_that_is_rotated_out_leaves_what_it_signed(office: Office) -> None:
    await office.grant(office.chief, office.deputy)

    await office.succeed(office.chief)
    await office.desk.do("key.revoke", key=office.deputy.id)
    office.desk.clock.seconds += 7_200

    assert office.state() is MandateState.GRANTED
