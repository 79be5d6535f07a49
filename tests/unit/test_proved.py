"""Reading with proof: nothing is given that the hub's seals do not bear out, in whatever way it came."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any

import aiohttp
import msgspec
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given as examples
from hypothesis import strategies as st
from msgspec import Raw

from connectors.feed_seal import SealInvalid, page_of, page_of_webhook
from connectors.risk import Group, Proved, Webhooks
from connectors.risk.kafka import fetched_page
from connectors.session import HubSession
from connectors.verify import thumbprint
from connectors.webhook import Keys, signed_headers
from hub.core.jwk import encode_base64url
from hub.core.record import LogRecord
from hub.trust.feed_seal import FeedSeal, FeedSealer
from hub.web.render import feed_seal
from schemas.headers import FeedHeader, FeedSealHeader, pack
from tests.unit.fake_hub import NOW_US, FakeHub

CUT = [b'{"specversion":"1.0","id":"%d","hubleaf":"%s"}' % (number, b"0" * 64) for number in range(3)]
WHOLE = b'{"specversion":"1.0","id":"whole"}'
SECRET = bytes(32)
ESCAPE = b'{},"signature":"","leaves":[]}],"items":[],"seals":[],"z":[{"b":{}'
"""Pasted as the body of a seal, it would end the page's records and seals, and begin them anew with none."""
SPACED, TWICE = b'{"feed": "gates"}', b'{"feed":"gates","feed":"gates"}'


def sealer(hub: FakeHub, key: Ed25519PrivateKey | None = None) -> FeedSealer:
    kid = thumbprint(hub.seal_key.public_key())
    return FeedSealer("fake", key_id=lambda: kid, sign=(key or hub.seal_key).sign, now_us=lambda: NOW_US)


def over(hub: FakeHub, *records: bytes, feed: str = "gates", key: Ed25519PrivateKey | None = None) -> FeedSeal:
    seal = sealer(hub, key).given(feed, records)
    assert seal is not None
    return seal


def page(records: Sequence[bytes], *seals: FeedSeal) -> bytes:
    return page_of(records, [orjson.dumps(feed_seal(seal)) for seal in seals])


class Brought:
    """A source that brings these pages."""

    place = "gates"

    def __init__(self, pages: Sequence[bytes], on_page: Callable[[bytes], None]) -> None:
        self._pages, self._on_page = pages, on_page

    async def groups(self) -> AsyncGenerator[Group, None]:
        for number, each in enumerate(self._pages):
            self._on_page(each)
            yield Group(tuple(orjson.loads(each)["items"]), str(number), place="gates")

    async def done(self, group: Group) -> None:
        """Nobody is told."""


async def given(session: HubSession, *pages: bytes, waits: bool = False) -> list[tuple[list[str], str]]:
    """The ids of each group, and its token."""
    proved = Proved(session, lambda on_page: Brought(pages, on_page), lane="gates", waits=waits)
    async with aclosing(proved.groups()) as groups:
        return [([record["id"] for record in group.records], group.token) async for group in groups]


async def test_records_under_their_seals_and_records_that_need_none_are_given(
    hub: FakeHub, session: HubSession
) -> None:
    both = page([CUT[0], WHOLE, CUT[1]], over(hub, CUT[0]), over(hub, CUT[1]))

    assert await given(session, both, page([WHOLE])) == [(["0", "whole", "1"], "0"), (["whole"], "1")]


@pytest.mark.parametrize(
    "seals",
    [
        lambda hub: [],
        lambda hub: [over(hub, CUT[1])],
        lambda hub: [over(hub, CUT[0], feed="others")],
        lambda hub: [over(hub, CUT[0], feed="gates/urgent")],
        lambda hub: [over(hub, CUT[0], key=Ed25519PrivateKey.generate())],
        lambda hub: [FeedSeal(over(hub, CUT[1]).body, over(hub, CUT[1]).signature, over(hub, CUT[0]).leaves)],
        lambda hub: [FeedSeal(over(hub, CUT[0]).body, b"", over(hub, CUT[0]).leaves)],
    ],
    ids=["none", "over another", "of another feed", "of another lane", "forged", "leaf not under it", "unsigned"],
)
async def test_a_cut_record_without_a_seal_that_bears_it_out_is_not_given(
    hub: FakeHub, session: HubSession, seals: Callable[[FakeHub], list[FeedSeal]]
) -> None:
    with pytest.raises(SealInvalid):
        await given(session, page([CUT[0]], *seals(hub)))


async def test_from_kafka_a_seal_may_come_later_and_groups_are_joined_until_then(
    hub: FakeHub, session: HubSession
) -> None:
    pages = page([CUT[0]]), page([CUT[1], WHOLE]), page([], over(hub, *CUT[:2])), page([WHOLE])

    assert await given(session, *pages, waits=True) == [(["0", "1", "whole"], "2"), (["whole"], "3")]


def test_what_is_fetched_from_kafka_makes_the_page_that_it_would_be_over_http(hub: FakeHub) -> None:
    stamp = pack(FeedHeader(1, 0, 0, 1, 1, 0, ("a",)))
    batch = sealer(hub).sealed("gates", [LogRecord(b"", stamp, value) for value in CUT])
    fetched: Any = [SimpleNamespace(headers=[("hub", each.header)], value=each.value) for each in batch]

    assert orjson.loads(fetched_page(fetched)) == orjson.loads(page(CUT, over(hub, *CUT)))


@pytest.mark.parametrize("body", [ESCAPE, SPACED, TWICE, b"[]", b'{"a":' * 5_000, b'"'], ids=range(6))
def test_what_lies_on_kafka_as_a_seal_and_is_none_is_refused_before_it_is_in_a_page(body: bytes) -> None:
    stamp = pack(FeedHeader(1, 0, 0, 1, 1, 0, ("a",)))
    forged = (stamp, CUT[0]), (pack(FeedSealHeader(body, b"x")), b"")
    fetched: Any = [SimpleNamespace(headers=[("hub", header)], value=value) for header, value in forged]

    with pytest.raises(SealInvalid, match="this is not a seal"):
        fetched_page(fetched)


@pytest.mark.parametrize("value", [b'{}],"items":[],"seals":[],"z":[{}', b"{},{}", b"{", b"[" * 5_000], ids=range(4))
def test_a_record_or_a_seal_that_is_more_or_less_than_one_value_is_in_no_page(value: bytes) -> None:
    for records, seals in (([value], []), ([], [value])):
        with pytest.raises(SealInvalid, match="this is not a record, or not a seal"):
            page_of(records, seals)


FRAGMENTS = ["{", "}", "{}", "[]", "[{", "}]", ",", ":", '"', '"a"', '"items":[]', '"seals":[]', '"leaves":[]', '"z":']
SYNTAX = st.lists(st.sampled_from(FRAGMENTS)).map("".join)


@examples(SYNTAX | st.just(ESCAPE.decode()), SYNTAX, st.booleans())
def test_whatever_the_seal_of_a_webhook_says_its_page_holds_the_records_that_came(
    body: str, signature: str, is_coded: bool
) -> None:
    header = f"{encode_base64url(body.encode())}.{encode_base64url(signature.encode()) if is_coded else signature}"

    try:
        made = msgspec.json.decode(page_of_webhook(b"[%b,%b]" % (CUT[0], WHOLE), header), type=dict[str, list[Raw]])
    except SealInvalid:
        return
    assert [bytes(record) for record in made["items"]] == [CUT[0], WHOLE]
    assert len(made["seals"]) == 1


async def test_a_group_with_more_records_than_its_page_proves_is_not_given(session: HubSession) -> None:
    proved = Proved(session, lambda on_page: Brought([page([CUT[0]])], lambda _: on_page(page([]))), lane="gates")

    async with aclosing(proved.groups()) as groups:
        with pytest.raises(SealInvalid, match="of 1 records only 0"):
            await anext(groups)


async def posted(hub: FakeHub, records: Sequence[bytes], seal: FeedSeal | str | None, session: HubSession) -> int:
    """What a receiver answers to a message that was given to an engine, where its proof holds."""
    made: list[Webhooks] = []

    def source(on_page: Callable[[bytes], None]) -> Webhooks:
        made.append(Webhooks(Keys(f"whsec_{b64encode(SECRET).decode()}"), "gates", on_page=on_page))
        return made[0]

    proved = Proved(session, source, lane="gates")
    body = b"[" + b", ".join(records) + b"]"
    if isinstance(seal, FeedSeal):
        seal = f"{encode_base64url(seal.body)}.{encode_base64url(seal.signature)}"
    headers = signed_headers(SECRET, Ed25519PrivateKey.generate(), body, now=int(time.time()))
    headers |= {} if seal is None else {"hub-seal": seal}
    async with made[0].listening() as url, aiohttp.ClientSession() as http:
        return await _answered(http, url, body, headers, proved)


async def _answered(http: aiohttp.ClientSession, url: str, body: bytes, headers: dict[str, str], proved: Proved) -> int:
    async def work() -> None:
        async with aclosing(proved.groups()) as groups:
            async for group in groups:
                await proved.done(group)

    working = asyncio.ensure_future(work())
    async with http.post(url, data=body, headers=headers) as response:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        return response.status


async def test_a_webhook_is_taken_where_its_seal_is_over_its_cut_records(hub: FakeHub, session: HubSession) -> None:
    assert await posted(hub, [CUT[0], WHOLE, CUT[1]], over(hub, *CUT[:2]), session) == 204
    assert await posted(hub, [WHOLE], None, session) == 204


@pytest.mark.parametrize(
    ("seal", "status"),
    [
        (lambda hub: None, 503),
        (lambda hub: over(hub, CUT[0]), 503),
        (lambda hub: over(hub, CUT[1], CUT[0]), 503),
        (lambda hub: over(hub, *CUT[:2], feed="others"), 503),
        (lambda hub: "e30.e30", 503),
        (lambda hub: "not base64!", 422),
        (lambda hub: f"{encode_base64url(ESCAPE)}.AAAA", 422),
        (lambda hub: 'e30.","leaves":[]}],"items":[],"seals":[],"z":[{"s":"', 422),
        (lambda hub: f"{encode_base64url(SPACED)}.AAAA", 422),
        (lambda hub: f"{encode_base64url(TWICE)}.AAAA", 422),
    ],
    ids=[
        *("none", "over fewer", "in another order", "of another feed", "no seal", "malformed"),
        *("out of the body", "out of the signature", "not canonical", "a member twice"),
    ],
)
async def test_a_webhook_whose_seal_does_not_bear_it_out_is_not_taken(
    hub: FakeHub, session: HubSession, seal: Callable[[FakeHub], FeedSeal | str | None], status: int
) -> None:
    assert await posted(hub, CUT[:2], seal(hub), session) == status
