"""A copy that was set apart is settled by name, with a reason, and only for what was found in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import orjson

from hub.core.copies import Asked, CopyDecision, Entry, Outcome, Standing, standing_of
from schemas.faults import fault

ASKED = Asked(kind="380", reference="INV-42")
PADDED = fault("DOCUMENT_PADDED", "", "12 bytes", "nothing behind it")
SIGNED = fault("PDF_SIGNED", "", "1 signature", "a plain PDF")


def entry(*faults: Any, event_id: str = "invoice-42") -> Entry:
    event = {
        "id": event_id,
        "source": "documents",
        "time": "2026-01-01T00:00:00Z",
        "data": {"document": {"kind": "380", "reference": "INV-42"}},
    }
    found = faults or (PADDED,)
    return Entry(asked=ASKED, event=event, bytes=6, media_type="image/png", quarantined=True, faults=found)


async def set_apart(desk: Any, content: bytes = b"a copy", partner: str = "zephyr", **more: Any) -> str:
    async def chunks() -> AsyncIterator[bytes]:
        yield content

    async with desk.copies.receiving(partner, chunks()) as upload:
        await desk.copies.keep(partner, upload, entry(**more), marked=True)
    await desk.copies.settle(partner, upload.sha256)
    return str(upload.sha256)


async def test_a_decision_is_a_version_with_its_actor_reason_and_time(desk: Any) -> None:
    digest = await set_apart(desk)

    done = await desk.do("document.refuse", document="invoice-42", reason="A list is hidden in it.")

    [audited] = [orjson.loads(each) for each in await desk.registry.audit(0, 10)]
    [version] = await desk.registry.load(0)
    assert (audited["actor"], audited["act"], audited["reason"]) == (
        "ada", "document.refuse", "A list is hidden in it.",
    )  # fmt: skip
    assert audited["time_us"] == desk.clock.now_us()
    assert (version.object.sha256, version.object.outcome, version.revision) == (digest, "refused", done.revision)


async def test_settling_a_copy_again_in_the_same_words_changes_nothing(desk: Any) -> None:
    digest = await set_apart(desk)
    await desk.do("document.release", document=digest, reason="A film.")

    again = await desk.do("document.release", document=digest, reason="A film.")
    corrected = await desk.do("document.release", document=digest, reason="A film of the goods.")

    assert (again.changed, len(corrected.changed)) == ((), 1)


async def test_nothing_is_settled_without_a_reason(desk: Any) -> None:
    digest = await set_apart(desk)

    assert await desk.refused("document.release", document=digest, reason=" ") == {"/reason": "ACT_VALUE_INVALID"}


async def test_a_copy_that_was_not_set_apart_is_not_settled(desk: Any) -> None:
    await set_apart(desk)
    other = sha256(b"another").hexdigest()

    for named in ({"document": other}, {"document": "invoice-42", "partner": "other"}):
        assert await desk.refused("document.release", reason="x", **named) == {"/document": "ACT_NOT_REGISTERED"}


async def test_a_copy_whose_event_is_not_accepted_does_not_wait(desk: Any) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"pending"

    async with desk.copies.receiving("zephyr", chunks()) as upload:
        await desk.copies.keep("zephyr", upload, entry(), marked=True)

    assert (await desk.show("document.list"))["items"] == []


async def test_one_name_for_two_copies_must_be_told_apart(desk: Any) -> None:
    digest = await set_apart(desk)
    await set_apart(desk, partner="other")
    await set_apart(desk, b"another")

    assert await desk.refused("document.release", document=digest, reason="x") == {"/document": "ACT_VALUE_INVALID"}
    assert await desk.refused("document.release", document="invoice-42", reason="x", partner="zephyr") == {
        "/document": "ACT_VALUE_INVALID"
    }
    await desk.do("document.release", document=digest, reason="x", partner="zephyr")


async def test_the_list_has_what_waits_the_longest_first_and_what_became_of_others(desk: Any) -> None:
    first, second = await set_apart(desk), await set_apart(desk, b"another", event_id="invoice-43")

    await desk.do("document.refuse", document=first, reason="No.")

    items = (await desk.show("document.list"))["items"]
    assert [(each["sha256"], each["standing"]) for each in items] == [(second, "quarantined"), (first, "refused")]
    assert [each["sha256"] for each in (await desk.show("document.list", quarantined="yes"))["items"]] == [second]


async def test_what_was_found_in_a_settled_copy_can_still_be_looked_at(desk: Any) -> None:
    digest = await set_apart(desk)
    await desk.do("document.refuse", document=digest, reason="No.")

    shown = await desk.show("document.show", document=digest)

    assert (shown["standing"], shown["decision"]["reason"], shown["event"]["id"]) == ("refused", "No.", "invoice-42")
    assert shown["faults"][0]["code"] == "DOCUMENT_PADDED"


def test_a_release_answers_only_for_what_had_been_found() -> None:
    released = CopyDecision(
        partner="zephyr",
        sha256="0" * 64,
        event_id="1",
        outcome=Outcome.RELEASED,
        reason="x",
        decided=1,
        codes=("DOCUMENT_PADDED",),
    )

    assert standing_of(entry(), released) is Standing.RELEASED
    assert standing_of(entry(PADDED, SIGNED), released) is Standing.QUARANTINED
