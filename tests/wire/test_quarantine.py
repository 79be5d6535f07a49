"""A copy that was set apart waits for an officer, who releases or refuses it; its publisher sees which, and why."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from hub.core.errors import Refusal
from hub.ports.blob_store import BlobKey
from tests.wire.conftest import MakeWorld
from tests.wire.test_copies import at, exporter, kept, known, png, post
from tests.world import Caller, HubWorld

FILM = png() + b"and a film"
DIGEST = sha256(FILM).hexdigest()


@pytest.fixture
async def watch(world: HubWorld) -> Caller:
    return await world.reader(feed=False)


@pytest.fixture
async def delta(world: HubWorld, watch: Caller) -> Caller:
    caller = await exporter(world)
    assert (await post(caller, FILM)).json["document"]["quarantined"] is True
    return caller


async def listed(world: HubWorld, **asked: str) -> list[dict[str, Any]]:
    answer = await world.hub.registrar.looks.view("document.list", asked)
    assert not isinstance(answer, Refusal)
    return list(answer["items"])


async def test_what_waits_is_listed_with_what_was_found_against_what_was_expected(
    world: HubWorld, delta: Caller
) -> None:
    await post(delta, png(text=b"clean"))

    [waiting] = await listed(world, quarantined="yes")

    assert (waiting["partner"], waiting["sha256"], waiting["reference"]) == ("delta", DIGEST, "INV-42")
    assert datetime.fromisoformat(waiting["since"]) <= datetime.now(UTC)
    [fault] = waiting["faults"]
    assert (fault["code"], fault["found"] != "", fault["expected"] != "") == ("DOCUMENT_PADDED", True, True)


async def test_a_released_copy_is_given_as_if_nothing_had_been_found(
    world: HubWorld, delta: Caller, watch: Caller
) -> None:
    before = await known(delta, FILM)

    await world.act("document.release", document=DIGEST, reason="A photograph with a film.")
    after = await known(delta, FILM)

    assert (before["quarantined"], "decision" in before) == (True, False)
    assert (after["quarantined"], after["decision"]["outcome"]) == (False, "released")
    assert [each["id"] for each in after["versions"]] == [each["id"] for each in before["versions"]]
    assert [(await caller.get(at(FILM, "/content"))).body for caller in (delta, watch)] == [FILM, FILM]
    assert await listed(world, quarantined="yes") == []


async def test_a_refused_copy_is_given_to_nobody_and_only_its_publisher_sees_why(
    world: HubWorld, delta: Caller, watch: Caller
) -> None:
    await known(delta, FILM)

    await world.act("document.refuse", document=DIGEST, reason="The film hides a list.")

    told = await known(delta, FILM)
    assert (told["quarantined"], told["state"]) == (False, "current")
    assert told["decision"]["outcome"] == "refused"
    assert told["decision"]["reason"] == "The film hides a list."
    own, other = [await caller.get(at(FILM, "/content")) for caller in (delta, watch)]
    assert (own.code, other.code) == ("COPY_REFUSED", "COPY_REFUSED")
    assert (own.json["detail"], b"hides" in other.body) == ("The film hides a list.", False)
    assert "decision" not in await known(watch, FILM)


@pytest.mark.parametrize("outcome", ["release", "refuse"])
async def test_the_same_bytes_after_a_decision_get_the_same_receipt_and_the_decision(
    world: HubWorld, delta: Caller, outcome: str
) -> None:
    first = await post(delta, FILM)
    await world.act(f"document.{outcome}", document=DIGEST, reason="Looked at.")

    again = await post(delta, FILM)

    assert (again.status, again.json["verdict"]) == (200, "DUPLICATE")
    assert again.json["receipt"]["statement"] == first.json["receipt"]["statement"]
    assert again.json["document"]["decision"]["outcome"] == {"release": "released", "refuse": "refused"}[outcome]
    assert await listed(world, quarantined="yes") == []


async def test_refused_bytes_are_taken_under_no_other_name_and_what_replaces_them_is(
    world: HubWorld, delta: Caller
) -> None:
    await known(delta, FILM)
    await world.act("document.refuse", document=DIGEST, reason="The film hides a list.")

    renamed = await post(delta, FILM, reference="INV-43", updated_at=datetime.now(UTC).isoformat())
    replaced = await post(delta, png(), replaces=DIGEST)

    assert (renamed.code, "The film hides a list." in renamed.json["detail"]) == ("DOCUMENT_REFUSED", True)
    assert (replaced.status, (await delta.get(at(png(), "/content"))).body) == (201, png())


async def test_refused_bytes_that_come_again_do_not_live_longer_for_it(make_world: MakeWorld) -> None:
    async with make_world() as world:
        blobs = kept(world)
        await world.reader(feed=False)
        delta = await exporter(world)
        await post(delta, FILM)
        await world.act("document.refuse", document=DIGEST, reason="No.")
        copy = BlobKey("delta", f"document-{DIGEST}")
        put_us, _ = blobs[copy]

        await post(delta, FILM)

        assert blobs[copy][0] == put_us
        assert {key.name.partition("-")[0] for key in blobs} == {"document", "entry"}


async def test_a_decision_is_about_the_bytes_of_one_publisher(world: HubWorld, delta: Caller) -> None:
    other = await exporter(world, "other")
    await post(other, FILM)

    await world.act("document.release", document=DIGEST, partner="other", reason="Theirs is known.")
    await known(delta, FILM)

    assert (await other.get(at(FILM, "/content"))).status == 200
    assert (await delta.get(at(FILM, "/content"))).code == "DOCUMENT_QUARANTINED"
    assert [each["partner"] for each in await listed(world, quarantined="yes")] == ["delta"]


async def test_a_decision_can_be_changed_as_long_as_the_copy_is_kept(world: HubWorld, delta: Caller) -> None:
    await known(delta, FILM)
    answers = []

    for act in ("release", "refuse", "release"):
        await world.act(f"document.{act}", document=f"sha256:{DIGEST}", reason="Looked at again.")
        answers.append((await delta.get(at(FILM, "/content"))).status)

    assert answers == [200, 410, 200]


async def test_a_withdrawn_copy_stays_withdrawn_when_it_is_released(world: HubWorld, delta: Caller) -> None:
    await delta.ask(
        "POST", at(FILM, "/withdraw"), data=b'{"reason": {"text": "x"}}', headers={"Content-Type": "application/json"}
    )
    await known(delta, FILM)

    await world.act("document.release", document=DIGEST, reason="A film.")

    assert (await delta.get(at(FILM, "/content"))).code == "DOCUMENT_WITHDRAWN"
