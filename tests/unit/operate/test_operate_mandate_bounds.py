"""How much of the registry one principal's mandates may take. The desk's settings: two that wait, three in force."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mandates import signed_by
from tests.unit.operate.conftest import START, Desk
from tests.unit.operate.test_operate_mandate_keys import DAY, Office
from tests.unit.operate.test_operate_mandate_keys import office as office


async def refused(office: Office, name: str, *, by: int = 2, **more: Any) -> dict[str, str]:
    signed = signed_by(office.drafted(name, **more), (office.chief, office.deputy)[:by])
    return await office.desk.refused("mandate.grant", principal="delta", **signed)


async def test_a_principal_has_so_many_mandates_in_force_and_more_once_one_ended(office: Office) -> None:
    for name, end in (("m1", START + 100), ("m2", START + DAY), ("m3", START + DAY)):
        await office.grant(office.chief, office.deputy, draft=office.drafted(name, valid_to=end))

    assert await refused(office, "m4") == {"/mandate": "ACT_MANDATES_TOO_MANY"}

    office.desk.clock.seconds += 100
    await office.grant(office.chief, office.deputy, draft=office.drafted("m4"))
    assert await refused(office, "m5") == {"/mandate": "ACT_MANDATES_TOO_MANY"}


async def test_a_principal_has_so_many_mandates_that_wait_and_more_once_one_is_countersigned(office: Office) -> None:
    await office.close_deputy()
    for name in ("m1", "m2"):
        await office.grant(office.chief, draft=office.drafted(name))

    assert await refused(office, "m3", by=1) == {"/mandate": "ACT_MANDATES_TOO_MANY"}

    await office.desk.do("mandate.countersign", id="delta/m1")
    await office.grant(office.chief, draft=office.drafted("m3"))


async def test_an_officer_countersigns_no_more_than_may_be_in_force(office: Office) -> None:
    for name in ("m1", "m2", "m3"):
        await office.grant(office.chief, office.deputy, draft=office.drafted(name))
    await office.close_deputy()
    await office.grant(office.chief, draft=office.drafted("m4"))

    refused = await office.desk.refused("mandate.countersign", id="delta/m4")

    assert refused == {"/mandate": "ACT_MANDATES_TOO_MANY"}


@pytest.mark.parametrize("entries", [64, 65])
async def test_a_list_in_a_mandate_has_64_entries_at_most(office: Office, entries: int) -> None:
    sources = [f"urn:{number}" for number in range(entries)]

    if entries > 64:
        assert await refused(office, "m1", sources=sources) == {"/mandate/sources": "ACT_VALUE_INVALID"}
    else:
        await office.grant(office.chief, office.deputy, draft=office.drafted(sources=sources))


async def test_a_mandate_of_more_than_8192_bytes_is_refused(office: Office, desk: Desk) -> None:
    sources = [f"urn:{number}:{'y' * 500}" for number in range(16)]

    assert await refused(office, "m1", sources=sources) == {"/mandate": "ACT_MANDATE_MALFORMED"}
