"""The outbox and the receipt book: what is on the partner's disk survives a crash, and nothing leaves it too early."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from connectors.backoff import Backoff
from connectors.partner import Client, EventUnsendable, Outbox, Outcome, ReceiptBook, Verdict
from tests.unit.fake_hub import FakeHub, NoSleep, event


@pytest.fixture
async def client(hub: FakeHub, tmp_path: Path) -> AsyncIterator[Client]:
    async with hub.session() as session:
        yield Client(session, receipts=ReceiptBook(tmp_path), backoff=Backoff(try_count_max=2, sleep=NoSleep()))


@pytest.fixture
def outbox(tmp_path: Path) -> AsyncIterator[Outbox]:
    outbox = Outbox(tmp_path / "outbox.db")
    yield outbox
    outbox.close()


async def run(outbox: Outbox, client: Client) -> list[Outcome]:
    return [outcome async for outcome in outbox.run(client)]


async def test_events_leave_the_outbox_in_order_with_their_receipts_kept(
    outbox: Outbox, client: Client, tmp_path: Path
) -> None:
    outbox.add(event("e1"), event("e2"))
    outbox.add(event("e3"))

    outcomes = await run(outbox, client)

    assert [outcome.id for outcome in outcomes] == ["e1", "e2", "e3"]
    assert len(outbox) == 0
    assert [receipt["statement"]["id"] for receipt in ReceiptBook(tmp_path)] == ["e1", "e2", "e3"]


async def test_events_wait_while_the_hub_is_away_and_leave_when_it_is_back(
    hub: FakeHub, outbox: Outbox, client: Client
) -> None:
    outbox.add(event("e1"), event("e2"))
    hub.replies = [hub.problem(503, "OVERLOADED", retryable=True)] * 2

    outcomes = await run(outbox, client)

    assert all(outcome.open for outcome in outcomes)
    assert len(outbox) == 2
    assert all(outcome.taken for outcome in await run(outbox, client))
    assert len(outbox) == 0


async def test_an_event_whose_removal_was_lost_in_a_crash_is_sent_again_unchanged(
    hub: FakeHub, outbox: Outbox, client: Client, tmp_path: Path
) -> None:
    outbox.add(event("e1"))
    await client.send([event("e1")])  # The process died between the answer and the removal.
    reopened = Outbox(tmp_path / "outbox.db")

    outcomes = await run(reopened, client)

    reopened.close()
    assert [outcome.verdict for outcome in outcomes] == [Verdict.DUPLICATE]
    assert hub.posts[0] == hub.posts[1]


async def test_a_refused_event_is_set_aside_with_its_faults_and_stops_no_other(
    hub: FakeHub, outbox: Outbox, client: Client
) -> None:
    outbox.add(event("e1"), event("e2"))
    hub.replies = [hub.verdicts(e1="REJECTED")]

    await run(outbox, client)

    refused = outbox.refused()
    assert len(outbox) == 0
    assert [(r.id, r.code, r.faults[0]["place"], r.raw) for r in refused] == [
        ("e1", "EVENT_INVALID", "/data", event("e1"))
    ]


async def test_a_refused_event_is_sent_again_once_its_cause_is_gone(
    hub: FakeHub, outbox: Outbox, client: Client
) -> None:
    outbox.add(event("e1"), event("e2"))
    hub.replies = [hub.verdicts(e1="REJECTED", e2="REJECTED")]
    await run(outbox, client)
    first, second = outbox.refused()

    outbox.send_again([first])
    outbox.drop([second])

    assert [outcome.id for outcome in await run(outbox, client)] == ["e1"]
    assert outbox.refused() == []


async def test_two_refused_versions_of_an_event_are_sent_again_and_dropped_each_by_itself(
    hub: FakeHub, outbox: Outbox, client: Client
) -> None:
    versions = [orjson.dumps(orjson.loads(event("e1")) | {"subject": name}) for name in ("a", "b", "c")]
    outbox.add(*versions)
    hub.replies = [hub.verdicts(e1="REJECTED")] * 3
    await run(outbox, client)
    first, second, third = outbox.refused()

    outbox.send_again([first])
    outbox.drop([third])
    assert (len(outbox), outbox.refused()) == (1, [second])
    await run(outbox, client)

    assert hub.posts[-1] == [versions[0]]


async def test_an_event_whose_receipt_does_not_verify_is_set_aside(
    hub: FakeHub, outbox: Outbox, client: Client
) -> None:
    outbox.add(event("e1"))
    hub.published = []

    await run(outbox, client)

    assert [refused.code for refused in outbox.refused()] == ["RECEIPT_INVALID"]


async def test_a_held_event_waits_for_its_receipt(hub: FakeHub, outbox: Outbox, client: Client) -> None:
    outbox.add(event("e1"))
    hub.replies = [hub.verdicts(e1="HELD")]

    outcomes = await run(outbox, client)

    assert [outcome.verdict for outcome in outcomes] == [Verdict.HELD]
    assert len(outbox) == 1
    assert (await run(outbox, client))[0].taken


def test_events_are_added_all_or_none(outbox: Outbox) -> None:
    with pytest.raises(EventUnsendable):
        outbox.add(event("e1"), b"{")

    assert len(outbox) == 0


async def test_a_line_torn_by_a_crash_is_cut_off_and_the_next_one_is_whole(client: Client, tmp_path: Path) -> None:
    await client.send([event("e1")])
    file = next(tmp_path.glob("receipts-*.jsonl"))
    with file.open("ab") as torn:
        torn.write(b'{"statement":{"id":"e2"')
    assert [r["statement"]["id"] for r in ReceiptBook(tmp_path)] == ["e1"]

    ReceiptBook(tmp_path).keep([next(iter(ReceiptBook(tmp_path)))])

    assert [r["statement"]["id"] for r in ReceiptBook(tmp_path)] == ["e1", "e1"]


async def test_receipts_are_found_by_identity(client: Client, tmp_path: Path) -> None:
    await client.send([event("e1"), event("e2")])

    assert len(ReceiptBook(tmp_path).find("urn:acme:erp", "e2")) == 1
    assert ReceiptBook(tmp_path).find("urn:acme:erp", "e9") == []
