"""Whatever a hub does by itself, for its partners or for an administration: its audit trail holds."""

from __future__ import annotations

import orjson

from connectors.keys import generate
from hub.operate.trail import Trail
from tests.mandates import principal
from tests.unit.operate.office import key_pair, public_pem
from tests.unit.operate.test_operate_aeo_feeds import EORI, KEY, line
from tests.wire.test_aeo_statuses import tell
from tests.wire.test_enrolment import enrolled, green
from tests.wire.test_own_credentials import proof_for, rotate
from tests.world import HubWorld


async def faults(world: HubWorld) -> tuple[set[str], list[str]]:
    trail, events = Trail(), [orjson.loads(each) for each in await world.hub.live.audit(0, 500)]
    return {each["authority"] for each in events}, [fault for each in events for fault in trail.take(each)]


async def test_the_trail_of_a_hub_that_did_everything_holds(world: HubWorld) -> None:
    # With the office open, the administration tells, and two of its messages are of one authorisation.
    customs = await world.company("customs", roles=["authority"], scopes=("aeo:write",))
    await world.act("aeo.feed.add", issuer="NL", keys=[public_pem(KEY)])
    await world.company("exporter", roles=["exporter"], tier="aeo", identifiers=[EORI])
    grantor, _ = await principal(world, "grantor"), await world.company("agent", roles=["broker"])
    caller, answer = await enrolled(world)
    await world.act("key.approve", key=answer.json["read_out"])
    await world.act("operator.first", id="ann", name="Ann", key=public_pem(key_pair()))
    assert (await tell(customs, line(1), line(2, status="suspended", reason_class="A1"))).status == 200
    # A company grants a mandate and rotates its key; the hub notes what it saw, and its user stops something.
    assert (await grantor.grant("agent")).status == 201
    assert (await rotate(grantor.caller, proof_for(grantor.caller, generate("EdDSA")))).status == 201
    await caller.sign_in()
    await green(caller, "clock")
    await world.act("key.leaked", key=grantor.caller.key.id, since="2020-01-01", reason="stolen")
    await world.act("partner.suspend", id="agent")
    await world.hub.registrar.looks.view("aeo.reasons", {"number": "NLAEOF1"}, user="root")

    words, found = await faults(world)

    assert found == []
    assert words >= {"setup", "local", "partner", "issuer", "hub"}
