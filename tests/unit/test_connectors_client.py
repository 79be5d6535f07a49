"""The partner's client: order, retries with the same bytes, and receipts that are verified before they count."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from connectors.backoff import Backoff
from connectors.partner import Client, EventUnsendable, Limits, ReceiptBook, Verdict
from connectors.session import HubRefused, HubSession
from connectors.verify import KeyHistory, verify
from tests.unit.fake_hub import FakeHub, NoSleep, dumps, event, fake_hub


@pytest.fixture
def sleep() -> NoSleep:
    return NoSleep()


@pytest.fixture
async def client(hub: FakeHub, sleep: NoSleep, tmp_path: Path) -> AsyncIterator[Client]:
    async with hub.session() as session:
        backoff = Backoff(try_count_max=4, sleep=sleep)
        yield Client(session, receipts=ReceiptBook(tmp_path), limits=Limits(batch_count_max=3), backoff=backoff)


def ids(post: list[bytes]) -> list[bytes]:
    return [raw.split(b'"id":"')[1].split(b'"')[0] for raw in post]


async def test_events_are_accepted_in_batches_and_every_receipt_verifies(
    hub: FakeHub, client: Client, tmp_path: Path
) -> None:
    events = [event(f"e{i}") for i in range(7)]

    outcomes = await client.send(events)

    assert [outcome.verdict for outcome in outcomes] == [Verdict.ACCEPTED] * 7
    assert [len(post) for post in hub.posts] == [3, 3, 1]
    assert client.counts.receipts_verified == 7
    book = ReceiptBook(tmp_path)
    keys = KeyHistory.from_json((tmp_path / book.KEYS).read_bytes())
    assert all(verify(receipt, raw, keys).valid for receipt, raw in zip(book, events, strict=True))


async def test_a_lost_answer_is_asked_for_again_with_the_same_bytes(hub: FakeHub, client: Client) -> None:
    hub.replies = [hub.lose_the_answer]

    outcomes = await client.send([event("e1")])

    assert [outcome.verdict for outcome in outcomes] == [Verdict.DUPLICATE]
    assert outcomes[0].taken
    assert hub.posts[0] == hub.posts[1] == [event("e1")]


async def test_only_what_is_open_is_sent_again_and_in_order(hub: FakeHub, client: Client) -> None:
    hub.replies = [hub.verdicts(e1="UNKNOWN", e2="NOT_ATTEMPTED")]

    outcomes = await client.send([event("e0", "urn:other"), event("e1"), event("e2")])

    assert [ids(post) for post in hub.posts] == [[b"e0", b"e1", b"e2"], [b"e1", b"e2"]]
    assert all(outcome.taken for outcome in outcomes)


async def test_a_refused_event_is_final_and_says_why(hub: FakeHub, client: Client) -> None:
    hub.replies = [hub.verdicts(e1="REJECTED", e2="CONFLICT")]

    outcomes = await client.send([event("e1"), event("e2"), event("e3")])

    assert [outcome.verdict for outcome in outcomes] == [Verdict.REJECTED, Verdict.CONFLICT, Verdict.ACCEPTED]
    assert (outcomes[0].code, outcomes[0].faults[0]["place"]) == ("EVENT_INVALID", "/data")
    assert len(hub.posts) == 1


async def test_retry_after_is_honoured(hub: FakeHub, client: Client, sleep: NoSleep) -> None:
    hub.replies = [hub.problem(503, "OVERLOADED", retryable=True, retry_after=7)]

    outcomes = await client.send([event("e1")])

    assert outcomes[0].taken
    assert sleep.waits == [7.0]


async def test_retry_after_is_honoured_beside_verdicts_too(hub: FakeHub, client: Client, sleep: NoSleep) -> None:
    async def unknown(raws: list[bytes]) -> web.Response:
        answer = hub.answer(raws, {"e1": "UNKNOWN"})
        return web.json_response(answer, status=503, headers={"Retry-After": "9"}, dumps=dumps)

    hub.replies = [unknown]

    assert (await client.send([event("e1")]))[0].taken
    assert sleep.waits == [9.0]


async def test_nothing_overtakes_an_event_that_stays_open(hub: FakeHub, client: Client, sleep: NoSleep) -> None:
    hub.replies = [hub.problem(503, "OVERLOADED", retryable=True)] * 4

    outcomes = await client.send([event(f"e{i}") for i in range(5)])

    assert all(outcome.open for outcome in outcomes)
    assert len(hub.posts) == 4
    assert len(sleep.waits) == 3
    assert not hub.accepted


async def test_a_suspended_partner_keeps_its_events_and_does_not_hammer(
    hub: FakeHub, client: Client, sleep: NoSleep
) -> None:
    hub.replies = [hub.problem(403, "PARTNER_SUSPENDED", retryable=False)]

    outcomes = await client.send([event("e1"), event("e2")])

    assert [(outcome.verdict, outcome.code) for outcome in outcomes] == [
        (Verdict.NOT_ATTEMPTED, "PARTNER_SUSPENDED")
    ] * 2
    assert not sleep.waits


async def test_a_refused_batch_is_halved_until_the_one_event_is_found(hub: FakeHub, client: Client) -> None:
    too_large = hub.problem(413, "BODY_TOO_LARGE", retryable=False)
    hub.replies = [too_large, hub.accept, too_large, too_large]

    outcomes = await client.send([event("e1"), event("e2"), event("e3")])

    assert [ids(post) for post in hub.posts] == [[b"e1", b"e2", b"e3"], [b"e1"], [b"e2", b"e3"], [b"e2"], [b"e3"]]
    assert [outcome.verdict for outcome in outcomes] == [Verdict.ACCEPTED, Verdict.REJECTED, Verdict.ACCEPTED]
    assert outcomes[1].code == "BODY_TOO_LARGE"


async def test_an_event_that_no_hub_takes_is_refused_before_anything_is_sent(hub: FakeHub, client: Client) -> None:
    with pytest.raises(EventUnsendable, match="JSON_MEMBER_REPEATED"):
        await client.send([event("e1"), b'{"id":"a","id":"b"}'])
    with pytest.raises(EventUnsendable, match="/source"):
        await client.send([{"id": "e1"}])

    assert not hub.posts


async def test_a_receipt_about_other_bytes_does_not_count(hub: FakeHub, client: Client, tmp_path: Path) -> None:
    honest = hub.statement
    hub.statement = lambda raw: honest(event("e1", type="other"))  # type: ignore[method-assign]

    outcomes = await client.send([event("e1")])

    assert not outcomes[0].taken
    assert "about this event" in outcomes[0].receipt_fault
    assert client.counts.receipts_failed == 1
    assert list(ReceiptBook(tmp_path)) == []
    assert "about this event" in (tmp_path / ReceiptBook.SUSPECT).read_text()


async def test_a_seal_by_a_key_that_the_hub_does_not_publish_does_not_count(hub: FakeHub, client: Client) -> None:
    hub.seal_key = Ed25519PrivateKey.generate()

    outcomes = await client.send([event("e1")])

    assert "not among the keys" in outcomes[0].receipt_fault


async def test_a_rotated_seal_key_is_fetched_when_it_is_first_seen(hub: FakeHub, client: Client) -> None:
    await client.send([event("e1")])
    hub.seal_key = Ed25519PrivateKey.generate()
    hub.published = [hub.seal_key, *hub.published]

    assert (await client.send([event("e2")]))[0].taken


async def test_one_token_serves_many_requests_and_is_renewed_when_the_hub_refuses_it(
    hub: FakeHub, client: Client
) -> None:
    await client.send([event("e1")])
    await client.send([event("e2")])
    assert len(hub.assertions) == 1
    hub.tokens.clear()

    assert (await client.send([event("e3")]))[0].taken
    assert len(hub.assertions) == 2


async def test_a_token_near_its_end_is_renewed_before_it_is_used(hub: FakeHub, client: Client) -> None:
    hub.token_seconds = 0
    await client.send([event("e1")])

    assert (await client.send([event("e2")]))[0].taken
    assert len(hub.posts) == 2
    assert len(hub.assertions) == 2


async def test_an_assertion_is_short_lived_for_one_hub_and_used_once(hub: FakeHub, client: Client) -> None:
    hub.token_seconds = 0
    await client.send([event("e1")])
    await client.send([event("e2")])

    claims = [jwt.decode(a, options={"verify_signature": False}) for a in hub.assertions]
    assert {(c["iss"], c["sub"], c["aud"]) for c in claims} == {("acme.erp", "acme.erp", hub.url)}
    assert all(c["exp"] - c["iat"] <= 300 for c in claims)
    assert claims[0]["jti"] != claims[1]["jti"]
    assert jwt.get_unverified_header(hub.assertions[0])["kid"] == hub.client_key.id


async def test_no_token_means_that_nothing_was_attempted(hub: FakeHub, client: Client) -> None:
    hub.token_error = "invalid_client"

    outcomes = await client.send([event("e1")])

    assert (outcomes[0].verdict, outcomes[0].code) == (Verdict.NOT_ATTEMPTED, "INVALID_CLIENT")
    assert not hub.posts


async def test_an_assertion_is_not_made_for_a_hub_that_goes_by_another_name(hub: FakeHub) -> None:
    url = hub.url
    hub.url = "https://another.example"
    async with HubSession(url, client_id="acme.erp", key=hub.client_key, scope="") as session:
        with pytest.raises(HubRefused, match=r"calls itself https://another\.example"):
            await session.get("/v1/feeds")

    assert not hub.assertions


@pytest.mark.parametrize("url", ["http://hub.example", "hub.example", "ftp://127.0.0.1", ""])
def test_a_token_never_travels_in_the_clear(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        HubSession(url, client_id="", key=None, scope="")  # type: ignore[arg-type]


async def test_a_hub_that_is_away_leaves_the_outcome_unknown(tmp_path: Path, sleep: NoSleep) -> None:
    async with fake_hub() as gone:
        pass
    async with gone.session() as session:
        outcomes = await Client(session, backoff=Backoff(try_count_max=2, sleep=sleep)).send([event("e1")])

    assert (outcomes[0].verdict, outcomes[0].code) == (Verdict.UNKNOWN, "HUB_UNREACHABLE")
    assert len(sleep.waits) == 1


@pytest.mark.parametrize(
    ("status", "code"), [(400, "BAD_REQUEST"), (404, "NOT_FOUND"), (415, "MEDIA_TYPE_UNSUPPORTED")]
)
async def test_what_is_refused_whole_and_will_never_pass_is_refused_in_one_request(
    hub: FakeHub, client: Client, status: int, code: str
) -> None:
    hub.replies = [hub.problem(status, code, retryable=False)]

    outcomes = await client.send([event("e1"), event("e2")])

    assert [(outcome.verdict, outcome.code) for outcome in outcomes] == [(Verdict.REJECTED, code)] * 2
    assert len(hub.posts) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
async def test_what_the_sender_or_the_moment_is_the_cause_of_stays_open(
    hub: FakeHub, client: Client, status: int
) -> None:
    async def from_something_else(_: list[bytes]) -> web.Response:
        return web.Response(status=status, text="<html>")

    hub.replies = [from_something_else] * 8

    [outcome] = await client.send([event("e1")])

    assert outcome.open
