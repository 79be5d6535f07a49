"""Seals over what is given where nothing was sealed before: a webhook's message, a replay's page (`feed-seal.md`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
import pytest
from msgspec import Raw
from msgspec.structs import replace

from connectors.verify import decoded
from hub.core.agreement import AgreementState
from hub.core.dead_letter import DeadLetter
from hub.core.endpoint import Endpoint, Mode
from hub.core.feed import Lane, lane_name
from hub.core.record import LogRecord
from hub.delivery import courier
from hub.delivery.again import Again
from hub.delivery.dead import position_of
from hub.delivery.replay import ReplayPage
from hub.ports.webhooks import Post, Reply
from hub.trust.feed_seal import FeedSeal
from hub.trust.merkle import leaf_hash
from schemas.headers import FeedHeader, pack, unpack
from tests.faults import virtual
from tests.faults.fanout_world import AGREEMENT, FEED, SEAL_KEY, TYPE
from tests.replaying import ENGINE, PastWorld, past_world
from tests.unit.test_webhook_courier import BROUGHT, ENDPOINT, Square, square

CUT = replace(AGREEMENT, fields=("/id", "/data/content"))
OTHER = "customs.container.gate_out"


def is_over(seal: FeedSeal, lane: str, records: list[bytes]) -> bool:
    assert seal.holds(lane, lambda key, _: SEAL_KEY.public if key == SEAL_KEY.id else None)
    return list(seal.leaves) == [*map(leaf_hash, records)]


async def posted(mode: Mode, *, cut: bool) -> list[Post]:
    at = await square(endpoints=(replace(ENDPOINT, mode=mode),))
    if cut:
        at.register(CUT)
    await at.brought_on("a", "b")
    return await posts_of(at)


def keeping(post: Callable[[Post], Awaitable[Reply]], posts: list[Post]) -> Callable[[Post], Awaitable[Reply]]:
    async def kept(each: Post) -> Reply:
        posts.append(each)
        return await post(each)

    return kept


async def posts_of(at: Square) -> list[Post]:
    posts: list[Post] = []
    at.town.post = keeping(at.town.post, posts)  # type: ignore[method-assign]
    async with at.pushing():
        await at.world.elapse(5)
    return posts


@pytest.mark.parametrize("mode", [Mode.BATCH, Mode.SINGLE])
def test_a_message_that_holds_cut_records_has_a_seal_over_them_in_a_header(mode: Mode) -> None:
    async def main() -> None:
        for post in await posted(mode, cut=True):
            body, _, signature = post.headers["hub-seal"].partition(".")
            values = (
                [post.body]
                if mode is Mode.SINGLE
                else [bytes(each) for each in msgspec.json.decode(post.body, type=list[Raw])]
            )
            seal = FeedSeal(decoded(body), decoded(signature), [*map(leaf_hash, values)])
            assert is_over(seal, "risk", values)

    virtual.run(main())


@pytest.mark.parametrize(("mode", "cut"), [(Mode.BATCH, False), (Mode.SINGLE, False), (Mode.THIN, True)])
def test_a_message_without_cut_records_has_no_seal(mode: Mode, *, cut: bool) -> None:
    async def main() -> None:
        posts = await posted(mode, cut=cut)

        assert posts
        assert not any("hub-seal" in post.headers for post in posts)

    virtual.run(main())


async def forged_into(endpoint: Endpoint) -> Square:
    """A feed with the records a and b, and behind them x, that the hub did not write."""
    at = await square(endpoints=(endpoint,))
    at.register(CUT)
    await at.brought_on("a", "b")
    record = (await at.world.records(BROUGHT.stream))[1]
    stamp = unpack(record.header)
    assert isinstance(stamp, FeedHeader)
    forged = LogRecord(record.key, pack(replace(stamp, offset=9)), record.value.replace(b'"id":"b"', b'"id":"x"'))
    await at.world.truth.append(BROUGHT.stream, 0, [forged])
    return at


@pytest.mark.parametrize(("mode", "sealed"), [(Mode.BATCH, [False]), (Mode.SINGLE, [True, True, False])])
@pytest.mark.parametrize("is_ready", [True, False], ids=["as it was read", "read again"])
def test_no_message_with_a_record_that_the_hub_did_not_write_has_a_seal(
    mode: Mode, sealed: list[bool], monkeypatch: pytest.MonkeyPatch, *, is_ready: bool
) -> None:
    async def main() -> None:
        monkeypatch.setattr(courier, "READY_BYTES_MAX", courier.READY_BYTES_MAX if is_ready else 0)
        at = await forged_into(replace(ENDPOINT, mode=mode))

        posts = await posts_of(at)

        assert at.town.taken_ids == ["a", "b", "x"]
        assert ["hub-seal" in post.headers for post in posts] == sealed
        assert at.world.observer.alarms() == {"feed_seal_broken"}

    virtual.run(main())


def test_what_is_brought_again_has_a_seal_only_where_the_hub_wrote_it() -> None:
    async def main() -> None:
        at, posts = await forged_into(ENDPOINT), list[Post]()
        at.push()
        again = Again(at.pushes[-1]._means)
        at.town.post = keeping(at.town.post, posts)  # type: ignore[method-assign]
        for record in await at.world.records(BROUGHT.stream):
            if isinstance(stamp := unpack(record.header), FeedHeader):
                said = {"endpoint": ENDPOINT.id, "feed": "risk", "offset": record.offset}
                letter = DeadLetter(
                    position=position_of(stamp, record.offset, at.world.log.generation),
                    cause="DELIVERY_FAILED",
                    partner="customs",
                    since_us=1,
                    header=record.header,
                    value=record.value,
                    said=said,
                )
                assert await again.deliver(letter) == ""

        assert at.town.taken_ids == ["a", "b", "x"]
        assert ["hub-seal" in post.headers for post in posts] == [True, True, False]
        assert at.world.observer.alarms() == {"feed_seal_broken"}

    virtual.run(main())


async def replayed(world: PastWorld) -> ReplayPage:
    replay = await world.started()
    page = await world.replaying.page("customs", replay.id, None, reader=ENGINE, limit=9, wait=0, proof=True)
    assert isinstance(page, ReplayPage)
    return page


def test_a_page_of_a_replay_has_a_seal_for_each_lane_over_its_cut_records() -> None:
    async def main() -> None:
        world = await past_world(agreement=CUT)
        world.register(replace(FEED, version=2, urgent=(OTHER,)))
        await world.take("a", "b", event_type=TYPE)
        await world.take("u", event_type=OTHER)

        page = await replayed(world)

        main, urgent = page.seals or ()
        assert is_over(main, lane_name("risk", Lane.MAIN), [*page.records[:2]])
        assert is_over(urgent, lane_name("risk", Lane.URGENT), [*page.records[2:]])

    virtual.run(main())


def test_a_replay_seals_nothing_that_it_does_not_give_and_only_where_that_is_asked_for() -> None:
    async def main() -> None:
        world = await past_world(agreement=CUT)
        await world.take("a")
        replay = await world.started()
        plain = await world.page(replay)
        world.register(replace(CUT, state=AgreementState.ENDED))

        page = await world.replaying.page("customs", replay.id, None, reader=ENGINE, limit=9, wait=0, proof=True)

        assert (len(plain.records), plain.seals) == (1, None)
        assert isinstance(page, ReplayPage)
        assert (page.records, page.seals) == ([], [])

    virtual.run(main())
