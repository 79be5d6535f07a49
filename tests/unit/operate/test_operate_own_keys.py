"""The hub's own keys: who takes one out of use, what the trail says of it, and that the key ring follows, once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub.core.errors import HubError
from hub.core.retired_key import Ring
from hub.drivers.memory.key_ring import MemoryKeyRing
from hub.drivers.system.key_ring import FileKeyRing
from hub.operate.own_keys import KeyKeeper, apply, key_in_use
from hub.operate.registrar import Done
from hub.ports.key_ring import SealKey
from tests.unit.operate.conftest import START, Desk, Silent
from tests.unit.operate.office import Office, code

TOKEN_SECONDS = 600
ROTATIONS = {"seal-key.rotate": Ring.SEAL, "token-key.rotate": Ring.TOKEN, "document-key.rotate": Ring.DOCUMENT}
LEAKS: dict[str, tuple[Ring, dict[str, str]]] = {
    "seal-key.leaked": (Ring.SEAL, {"since": "2025-12-01", "reason": "stolen"}),
    "token-key.leaked": (Ring.TOKEN, {"reason": "stolen"}),
}


def follow(desk: Desk) -> None:
    apply(desk.live.snapshot, desk.keys, now=START, token_seconds=TOKEN_SECONDS)


def in_use(desk: Desk) -> dict[Ring, str]:
    return {ring: key_in_use(desk.keys, ring) for ring in Ring}


@pytest.fixture
async def office(desk: Desk) -> Office:
    return await Office(desk).open()


@pytest.mark.parametrize("act", ROTATIONS)
async def test_before_the_first_operator_the_user_of_the_machine_rotates_alone_and_it_is_in_the_trail(
    desk: Desk, act: str
) -> None:
    before = in_use(desk)

    done = await desk.do(act)
    follow(desk)

    ring = ROTATIONS[act]
    audited: Any = await desk.registrar.looks.audit(done.revision - 1, 1)
    [change] = audited["items"][0]["changes"]
    assert (audited["items"][0]["act"], change["id"]) == (act, f"{ring}/{before[ring]}")
    assert {each for each in Ring if in_use(desk)[each] != before[each]} == {ring}


@pytest.mark.parametrize("act", ROTATIONS)
async def test_a_rotation_takes_the_signature_of_a_security_officer(office: Office, act: str) -> None:
    alone = await office.registrar.perform(act, {}, actor="root")

    assert (code(alone), code(await office.ask("olga", act))) == ("OPERATOR_REQUIRED", "OPERATOR_NOT_PERMITTED")
    assert isinstance(await office.ask("ben", act), Done)
    assert office.open_reviews == []


@pytest.mark.parametrize("act", LEAKS)
async def test_whoever_hears_of_a_leak_stops_the_key_at_once_and_another_looks_at_it(office: Office, act: str) -> None:
    ring, request = LEAKS[act]
    before = in_use(office.desk)[ring]

    done = await office.ask("olga", act, **request)
    follow(office.desk)

    assert isinstance(done, Done)
    assert [change["kind"] for change in done.changed] == ["retired_key", "review"]
    assert in_use(office.desk)[ring] != before


@pytest.mark.parametrize("act", LEAKS)
async def test_the_user_of_the_machine_can_stop_a_key_and_another_looks_at_it(office: Office, act: str) -> None:
    done = await office.registrar.perform(act, LEAKS[act][1], actor="root")

    assert isinstance(done, Done)
    assert [change["kind"] for change in done.changed] == ["retired_key", "review"]


@pytest.mark.parametrize("act", LEAKS)
async def test_a_leak_without_a_reason_is_refused(desk: Desk, act: str) -> None:
    assert await desk.refused(act, **LEAKS[act][1] | {"reason": " "}) == {"/reason": "ACT_VALUE_INVALID"}


async def test_a_leak_that_is_yet_to_come_is_refused(desk: Desk) -> None:
    assert await desk.refused("seal-key.leaked", since="2999-01-01", reason="x") == {"/since": "ACT_VALUE_INVALID"}


async def test_a_statement_over_a_key_that_was_rotated_meanwhile_is_stale(office: Office) -> None:
    """What is signed names the key that it takes out of use."""
    statement = await office.statement("ann", "token-key.leaked", reason="stolen")
    await office.ask("ben", "token-key.rotate")
    follow(office.desk)

    assert code(await office.sign("ann", statement)) == "PROPOSAL_STALE"


async def test_however_often_it_is_looked_at_a_change_is_made_once(desk: Desk) -> None:
    for act in ROTATIONS:
        await desk.do(act)
    follow(desk)
    after = in_use(desk)

    follow(desk)

    assert in_use(desk) == after
    assert [len(desk.keys.seal_keys()), len(desk.keys.token_keys())] == [2, 2]


async def test_a_ring_that_was_put_back_from_a_backup_uses_no_retired_key(desk: Desk, tmp_path: Path) -> None:
    desk.keys = FileKeyRing(tmp_path / "keys", now=START)
    shutil.copytree(tmp_path / "keys", tmp_path / "backup")
    before = in_use(desk)
    for act in ROTATIONS:
        await desk.do(act)
    follow(desk)

    desk.keys = FileKeyRing(tmp_path / "backup", now=START)
    assert in_use(desk) == before
    follow(desk)

    assert all(in_use(desk)[ring] != before[ring] for ring in Ring)


async def test_a_leaked_seal_key_is_marked_and_the_one_in_its_place_is_not(desk: Desk) -> None:
    await desk.do("seal-key.leaked", since="2025-12-01", reason="stolen")
    follow(desk)
    follow(desk)

    assert [key.compromised_since for key in desk.keys.seal_keys()] == [None, 1_764_547_200]


async def test_a_leaked_token_key_leaves_none_of_before(desk: Desk) -> None:
    await desk.do("token-key.rotate")
    follow(desk)
    before = {key.id for key in desk.keys.token_keys()}
    await desk.do("token-key.leaked", reason="stolen")
    follow(desk)

    assert before.isdisjoint(key.id for key in desk.keys.token_keys())


async def test_a_rotation_that_is_still_due_becomes_a_leak_but_a_leak_no_rotation(desk: Desk) -> None:
    await desk.do("token-key.rotate")
    await desk.do("token-key.leaked", reason="stolen")

    assert (await desk.do("token-key.rotate")).changed == ()
    [retired] = desk.live.snapshot.retired_keys
    assert retired.leaked_since == START


async def test_a_ring_that_cannot_be_changed_is_an_alarm_once_and_is_tried_again(desk: Desk) -> None:
    observer, ring = Silent(), _StuckRing(now=START)
    desk.keys = ring
    await desk.do("seal-key.rotate")
    keeper = KeyKeeper(
        ring, lambda: desk.live.snapshot, clock=desk.clock, observer=observer, token_seconds=TOKEN_SECONDS
    )
    before = ring.seal_key_id
    ring.rotate = _refuse
    keeper.look()
    keeper.look()
    ring.rotate = ring.really
    keeper.look()

    assert observer.events == ["alarm.own_key_not_replaced"]
    assert ring.seal_key_id != before


class _StuckRing(MemoryKeyRing):
    def __init__(self, *, now: int) -> None:
        self.rotate: Callable[..., SealKey] = self.really
        super().__init__(now=now)

    def really(self, now: int, *, compromised_since: int | None = None) -> SealKey:
        return super().rotate_seal_key(now, compromised_since=compromised_since)

    def rotate_seal_key(self, now: int, *, compromised_since: int | None = None) -> SealKey:
        return self.rotate(now, compromised_since=compromised_since)


def _refuse(*_: object, **__: object) -> SealKey:
    raise HubError("the disk is full")
