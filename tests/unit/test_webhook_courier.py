"""Webhooks in virtual time: days of failure, crashes at every point, and what must never be lost or overtaken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import msgspec
import orjson
import pytest
from msgspec.structs import replace

from hub.core.access import Access, offsets_of
from hub.core.agreement import AgreementState
from hub.core.endpoint import (
    SECRETS_USE,
    Endpoint,
    EndpointKey,
    EndpointState,
    Mode,
    OAuth,
    client_secret_name,
    key_use,
    secret_name,
)
from hub.core.errors import StorageUnavailable
from hub.core.feed import Way
from hub.core.partner import PartnerState
from hub.core.record import QUARANTINE
from hub.core.settings import WebhookSettings
from hub.delivery.courier import UNDER_WAY_BYTES_MAX
from hub.delivery.dead import LOST, into_quarantine
from hub.delivery.letter import Letters
from hub.delivery.means import Means
from hub.delivery.push import Push
from hub.ports.access_journal import Query
from hub.ports.positions import Lease, Positions
from hub.ports.webhooks import Post, Reply
from hub.trust.sealed_password import seal_password, sealing_key
from hub.trust.webhook import answer_to, public_text, secret_text
from schemas.headers import NoticeHeader, unpack
from tests.endpoints import SECRET
from tests.faults import virtual
from tests.faults.fanout_world import AGREEMENT, AUTHORITY, COMPANY, FEED, FanoutWorld, event_record
from tests.unit.test_delivery import Desk

HOUR = 3_600
BROUGHT = replace(FEED, ways=(Way.WEBHOOK,))


def secret(use: str) -> bytes:
    return use.encode().ljust(32, b"-")[:32]


def sealed(endpoint: str) -> str:
    return seal_password(secret_text(SECRET), secret_name(endpoint, 1), sealing_key(secret(SECRETS_USE)))


KEY = EndpointKey(1, sealed("engine"), public_text(secret(key_use("engine", 1))))
ENDPOINT = Endpoint(id="engine", feed="risk", url="https://engine.example/", keys=(KEY,), state=EndpointState.ACTIVE)


class Chance:
    """Always the least."""

    def bytes(self, count: int) -> bytes:
        return bytes(count)


class Sent:
    """One message as it was posted."""

    def __init__(self, post: Post, at: float) -> None:
        self.id = post.headers["webhook-id"]
        self.at = at
        self.cursor = post.headers.get("hub-cursor", "")
        self.body = orjson.loads(post.body)
        self.records = self.body if isinstance(self.body, list) else [self.body]
        self.ids = [record.get("id", "") for record in self.records]
        self.sources = {record.get("source") for record in self.records}


class Town:
    """Receivers by URL; what answers is a function of what is sent."""

    def __init__(self, clock: virtual.VirtualClock) -> None:
        self._clock = clock
        self.sent: list[Sent] = []
        self.answers: dict[str, Callable[[Sent], Reply]] = {}
        self.answer: Callable[[Sent], Reply] = lambda _: Reply(200)
        self.questions = 0
        self.welcome: Reply | None = None
        """To the question; None: the right answer."""
        self.hanging = 0
        self.at_once = 0
        self.seconds = 0.0

    async def post(self, post: Post) -> Reply:
        sent = Sent(post, self._clock.monotonic())
        if sent.body and isinstance(sent.body, dict) and "challenge" in sent.body.get("data", {}):
            answer = {"answer": answer_to(sent.body["data"]["challenge"], SECRET)}
            self.questions += 1
            return self.welcome or Reply(200, body=orjson.dumps(answer))
        if "hung" in post.url:
            await self._clock.sleep(30 * 86_400)
        if not post.still():
            return Reply(0, withheld=True)
        self.sent.append(sent)
        self.hanging += 1
        self.at_once = max(self.at_once, self.hanging)
        try:
            await self._clock.sleep(self.seconds)
        finally:
            self.hanging -= 1
        return self.answers.get(post.url, self.answer)(sent)

    @property
    def taken_ids(self) -> list[str]:
        return [name for each in self.sent for name in each.ids]


class Keeping:
    """Positions that count what is kept, and keep nothing more once the process is dead."""

    def __init__(self, positions: Positions) -> None:
        self._positions = positions
        self.is_dead = False
        self.kept_times = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._positions, name)

    async def keep(self, lease: Lease, content: bytes) -> None:
        if self.is_dead:
            raise StorageUnavailable("this process is no more")
        self.kept_times += 1
        await self._positions.keep(lease, content)


class Square(Desk):
    """A world with fan-out, a feed that is brought, and couriers."""

    def __init__(self, world: FanoutWorld, **settings: Any) -> None:
        super().__init__(world)
        self.town = Town(world.clock)
        self.webhooks = WebhookSettings(**settings)
        self.keeping = Keeping(world.positions)
        self.pushes: list[Push] = []
        self.unregistrable = False
        self.reports: list[tuple[EndpointState, int]] = []

    def push(self, holder: str = "one") -> Push:
        async def report(seen: Endpoint, state: EndpointState, since: int) -> None:
            if self.unregistrable:
                raise StorageUnavailable("away")
            known = self.world.snapshot.endpoints.get(seen.id)
            assert known is not None
            self.reports.append((state, since))
            self.register(replace(known, state=state, since=since))

        means = Means(
            pull=self.pull,
            notices=self.notices,
            letters=Letters(self.town, secret, self.world.clock),
            log=self.world.log,
            positions=self.keeping,
            cursors=self.cursors,
            snapshot=lambda: self.world.snapshot,
            confirmed=lambda: self.world.confirmed,
            report=report,
            bury=into_quarantine(self.world.log, self.world.observer),
            clock=self.world.clock,
            entropy=Chance(),
            observer=self.world.observer,
            settings=self.webhooks,
            partitions=self.world.events.partitions,
            holder=holder,
        )
        self.pushes.append(Push(means))
        return self.pushes[-1]

    @asynccontextmanager
    async def pushing(self, holder: str = "one", *, killed: bool = True) -> AsyncIterator[Push]:
        """Couriers at work; leaving kills them where they stand, or asks them to end."""
        self.tails._tails.clear()  # Of a process that was killed.
        self.keeping.is_dead = False
        push = self.push(holder)
        async with self.following(), asyncio.TaskGroup() as group:
            task = group.create_task(push.run())
            yield push
            self.keeping.is_dead = killed
            task.cancel()

    async def publish(self, *names: str, source: str = "urn:tos") -> None:
        await self.world.publish(*[event_record(name, source=source) for name in names])

    async def brought_on(self, *names: str, source: str = "urn:tos") -> None:
        """Published, and passed on to the feed."""
        await self.publish(*names, source=source)
        async with self.world.running():
            await self.world.elapse(1)

    async def many(self, count: int, *, sources: int = 1, first: int = 0) -> None:
        """So many events, named by numbers, of so many sources in turn; and what was published before."""
        for number in range(first, first + count):
            await self.publish(str(number), source=f"urn:{number % sources}")
        async with self.world.running():
            await self.world.elapse(2)

    def register(self, *items: Any) -> None:
        self.world.register(*items)
        for push in self.pushes:
            push.look()

    async def dead(self) -> list[dict[str, Any]]:
        records = await self.world.records(QUARANTINE)
        return [orjson.loads(msgspec.msgpack.decode(record.value)[2]) for record in records]

    async def buried(self) -> list[NoticeHeader]:
        headers = [unpack(record.header) for record in await self.world.records(QUARANTINE)]
        assert all(isinstance(header, NoticeHeader) and header.cause == "DELIVERY_FAILED" for header in headers)
        return [header for header in headers if isinstance(header, NoticeHeader)]


async def square(*, partitions: int = 1, endpoints: tuple[Endpoint, ...] = (), **settings: Any) -> Square:
    world = await FanoutWorld(partitions).declare()
    world.register(COMPANY, AUTHORITY, AGREEMENT, BROUGHT)
    world.register(*(endpoints or (ENDPOINT,)))
    return Square(world, **settings)


def test_records_of_one_source_make_one_batch_in_their_order() -> None:
    async def main() -> None:
        at = await square()
        await at.brought_on("a", "b", "c")
        async with at.pushing():
            await at.world.elapse(5)

        assert [each.ids for each in at.town.sent] == [["a", "b", "c"]]

    virtual.run(main())


@pytest.mark.parametrize("mode", [Mode.BATCH, Mode.SINGLE])
@pytest.mark.parametrize("ordered", [True, False])
def test_every_record_comes_once_and_in_order_of_its_source(mode: Mode, *, ordered: bool) -> None:
    async def main() -> None:
        endpoint = replace(ENDPOINT, mode=mode, ordered=ordered, batch_records=3, concurrency=2)
        at = await square(partitions=3, endpoints=(endpoint,))
        at.town.seconds = 0.01
        await at.many(30, sources=5)
        async with at.pushing():
            await at.world.elapse(60)

        assert sorted(at.town.taken_ids, key=int) == [str(number) for number in range(30)]
        for number in range(5 if ordered else 0):
            mine = [name for name in at.town.taken_ids if int(name) % 5 == number]
            assert mine == sorted(mine, key=int)
        assert at.town.at_once == 2
        if mode is Mode.BATCH:
            assert max(len(each.ids) for each in at.town.sent) <= 3

    virtual.run(main())


def test_a_retry_is_the_same_message_at_growing_distance_for_72_hours_and_then_a_dead_letter() -> None:
    async def main() -> None:
        at = await square()
        at.town.answer = lambda sent: Reply(422 if "bad" in sent.ids else 200)
        await at.brought_on("bad")
        async with at.pushing():
            await at.world.elapse(3 * HOUR)
        await at.world.elapse(68 * HOUR)  # Nothing runs; what was kept counts on.
        async with at.pushing():
            await at.world.elapse(2 * HOUR)

        bad = [each for each in at.town.sent if "bad" in each.ids]
        gaps = [round(later.at - earlier.at) for earlier, later in pairwise(bad)]
        assert {each.id for each in bad} == {bad[0].id}
        assert all(low <= gap <= low * 1.1 + 2 for gap, low in zip(gaps, (5, 30, 300, 1_800, 7_200), strict=False))
        assert 72 * HOUR <= bad[-1].at - bad[0].at <= 72 * HOUR + 2
        [dead] = await at.dead()
        assert [header.id for header in await at.buried()] == [bad[0].id]
        assert (dead["endpoint"], dead["webhook_id"], dead["why"]) == ("engine", bad[0].id, "answered 422")

    virtual.run(main())


def test_after_a_dead_letter_its_source_goes_on_with_the_next_record() -> None:
    async def main() -> None:
        at = await square(endpoints=(replace(ENDPOINT, mode=Mode.SINGLE),))
        at.town.answer = lambda sent: Reply(422 if "bad" in sent.ids else 200)
        await at.brought_on("a", "bad", "c", "d")
        async with at.pushing():
            await at.world.elapse(HOUR)
            before = [name for name in at.town.taken_ids if name != "bad"]
        await at.world.elapse(70.5 * HOUR)
        async with at.pushing():
            await at.world.elapse(HOUR)
            await at.brought_on("e")
            await at.world.elapse(60)

        assert before == ["a"]
        assert [name for name in at.town.taken_ids if name != "bad"] == ["a", "c", "d", "e"]
        assert len(await at.dead()) == 1

    virtual.run(main())


def test_what_fails_holds_back_its_source_and_nothing_else_however_much_there_is() -> None:
    async def main() -> None:
        at = await square(endpoints=(replace(ENDPOINT, batch_records=10),))
        poisoned = True
        at.town.answer = lambda sent: Reply(422 if poisoned and sent.sources == {"urn:bad"} else 200)
        for number in range(60):
            await at.publish(*[f"b{number}-{each}" for each in range(10)], source="urn:bad")
            await at.publish(f"g{number}", source="urn:good")
        await at.many(0)
        async with at.pushing() as push:
            await at.world.elapse(20)
            good = [name for name in at.town.taken_ids if name.startswith("g")]
            [told] = await push.told()
            poisoned = False
            await at.world.elapse(3 * HOUR)

        assert good == [f"g{number}" for number in range(60)]
        assert told["messages"] == 1
        bad = list(dict.fromkeys(name for name in at.town.taken_ids if name.startswith("b")))
        assert bad == [f"b{number}-{each}" for number in range(60) for each in range(10)]

    virtual.run(main())


def test_parallel_messages_hold_back_nothing_and_are_bounded() -> None:
    async def main() -> None:
        endpoint = replace(ENDPOINT, mode=Mode.SINGLE, ordered=False, concurrency=4)
        at = await square(endpoints=(endpoint,), messages_max=8)
        at.town.answer = lambda sent: Reply(422 if int(sent.ids[0]) % 10 == 0 else 200)
        await at.brought_on(*[str(number) for number in range(50)])
        async with at.pushing():
            await at.world.elapse(4)
            once = dict.fromkeys(at.town.taken_ids)

        assert sorted(map(int, once)) == list(range(50))
        assert at.town.at_once <= 4

    virtual.run(main())


def test_an_endpoint_that_takes_nothing_is_tried_with_one_message_at_a_time_and_hurries_when_it_is_back() -> None:
    async def main() -> None:
        at = await square(endpoints=(replace(ENDPOINT, mode=Mode.SINGLE, concurrency=2),))
        at.town.answer = lambda _: Reply(0, "refused")
        await at.many(40, sources=40)
        async with at.pushing():
            await at.world.elapse(HOUR)
            tried = len(set(at.town.taken_ids))
            attempts = len(at.town.sent)
            at.town.answer = lambda _: Reply(200)
            await at.world.elapse(310)

        assert tried <= 16
        assert attempts < 40
        assert sorted(set(at.town.taken_ids), key=int) == [str(number) for number in range(40)]

    virtual.run(main())


def test_a_source_that_fails_alone_keeps_no_other_from_coming_soon() -> None:
    async def main() -> None:
        at = await square()
        at.town.answer = lambda sent: Reply(500 if "bad" in sent.ids else 200)
        await at.brought_on("bad", source="urn:bad")
        async with at.pushing():
            await at.world.elapse(10 * HOUR)
            await at.brought_on("good")
            await at.world.elapse(601)

        assert "good" in at.town.taken_ids

    virtual.run(main())


def test_retry_after_is_heeded_and_bounded() -> None:
    async def main() -> None:
        at = await square()
        times = [60, 10**8]
        at.town.answer = lambda _: Reply(503, retry_after=times.pop(0)) if times else Reply(200)
        await at.brought_on("a")
        async with at.pushing():
            await at.world.elapse(7 * HOUR)

        first, second, third = at.town.sent
        assert 60 <= second.at - first.at <= 62
        assert 6 * HOUR <= third.at - second.at <= 6 * HOUR + 2

    virtual.run(main())


def test_warned_after_an_hour_disabled_after_five_days_and_recovered_in_between() -> None:
    async def main() -> None:
        at = await square()
        down = True
        at.town.answer = lambda _: Reply(500 if down else 200)
        async with at.pushing():
            await at.brought_on("a")
            await at.world.elapse(2 * HOUR)
            assert [state for state, _ in at.reports] == [EndpointState.FAILING]
            down = False
            await at.world.elapse(HOUR)
            assert [state for state, _ in at.reports[1:]] == [EndpointState.ACTIVE]
            down = True
            for number in range(3):
                await at.brought_on(f"n{number}", source=f"urn:{number}")
                await at.world.elapse(HOUR)
        await at.world.elapse(116.5 * HOUR)
        await at.brought_on("last", source="urn:last")
        async with at.pushing():
            await at.world.elapse(2 * HOUR)

        assert [state for state, _ in at.reports[2:]] == [EndpointState.FAILING, EndpointState.DISABLED]
        failing, disabled = at.reports[2][1], at.reports[3][1]
        assert 120 * HOUR <= disabled - failing <= 120 * HOUR + 700

    virtual.run(main())


def test_a_crash_between_sending_and_keeping_the_place_brings_the_same_messages_again_and_loses_none() -> None:
    async def main() -> None:
        for kill_after in range(1, 14):
            at = await square(partitions=2, endpoints=(replace(ENDPOINT, batch_records=2, concurrency=3),))
            at.town.seconds = 0.05
            await at.many(12, sources=4)
            async with at.pushing():
                while len(at.town.sent) < kill_after and len(at.town.sent) < 6:
                    await at.world.elapse(0.01)
                await at.world.elapse(0.013 * (kill_after % 5))
            await at.many(4, sources=4, first=12)  # What comes meanwhile changes no message that was made.
            async with at.pushing():
                await at.world.elapse(60)

            named: dict[str, list[str]] = {}
            for each in at.town.sent:
                assert named.setdefault(each.id, each.ids) == each.ids
            once = [name for ids in named.values() for name in ids]
            assert sorted(once, key=int) == [str(number) for number in range(16)]

    virtual.run(main())


def test_who_is_asked_to_end_keeps_what_was_taken_and_sends_none_of_it_again() -> None:
    async def main() -> None:
        at = await square()
        await at.brought_on("a")
        async with at.pushing(killed=False):
            while not at.town.sent:
                await at.world.elapse(0.01)
            await at.world.elapse(0.01)
        async with at.pushing():
            await at.world.elapse(60)

        assert at.town.taken_ids == ["a"]

    virtual.run(main())


def test_that_messages_are_done_is_kept_together_and_soon() -> None:
    async def main() -> None:
        at = await square(endpoints=(replace(ENDPOINT, mode=Mode.SINGLE, ordered=False, concurrency=2),))
        at.town.seconds = 0.01
        await at.many(200)
        async with at.pushing():
            while len(at.town.sent) < 200:
                await at.world.elapse(0.01)
            assert at.keeping.kept_times < 10
            await at.world.elapse(2)
            at.keeping.is_dead = True
            known = len(at.town.sent)
        async with at.pushing():
            await at.world.elapse(60)

        assert len(at.town.sent) == known

    virtual.run(main())


def test_what_agreements_no_longer_allow_is_left_out_at_the_next_attempt() -> None:
    async def main() -> None:
        at = await square()
        at.town.answer = lambda _: Reply(500)
        await at.brought_on("a")
        async with at.pushing() as push:
            await at.world.elapse(2)
            at.register(replace(AGREEMENT, state=AgreementState.ENDED))
            at.town.answer = lambda _: Reply(200)
            await at.world.elapse(HOUR)
            [told] = await push.told()

        assert len(at.town.sent) == 1
        assert (told["messages"], told["records_behind"]) == (0, 0)

    virtual.run(main())


@pytest.mark.parametrize(
    "change",
    [
        replace(ENDPOINT, state=EndpointState.PAUSED),
        replace(ENDPOINT, state=EndpointState.ENDED),
        replace(BROUGHT, ended=True),
        replace(BROUGHT, ways=(Way.PULL,)),
        replace(AUTHORITY, state=PartnerState.SUSPENDED),
    ],
)
def test_nothing_leaves_within_a_second_of_what_stops_it(change: Any) -> None:
    async def main() -> None:
        at = await square()
        async with at.pushing():
            await at.brought_on("a")
            await at.world.elapse(2)
            at.register(change)
            await at.world.elapse(0.6)
            await at.brought_on("b")
            await at.world.elapse(HOUR)

        assert at.town.taken_ids == ["a"]

    virtual.run(main())


TOKENS = "https://tokens.example/"
OAUTH = OAuth(TOKENS, "hub", seal_password("x" * 30, client_secret_name("engine"), sealing_key(secret(SECRETS_USE))))


@pytest.mark.parametrize("slow", ["journal", "token"])
def test_nothing_leaves_whose_agreement_ends_while_it_is_written_down_or_a_token_is_waited_for(slow: str) -> None:
    async def main() -> None:
        at = await square(endpoints=(replace(ENDPOINT, oauth=OAUTH),))
        add, post, waiting = at.accesses.add, at.town.post, asyncio.Event()

        async def wait(what: str) -> None:
            if what == slow and not waiting.is_set():
                waiting.set()
                await at.world.clock.sleep(14)

        async def added(entries: Sequence[Access]) -> None:
            await wait("journal")
            await add(entries)

        async def posted(sent: Post) -> Reply:
            if sent.url != TOKENS:
                return await post(sent)
            await wait("token")
            return Reply(200, body=b'{"access_token":"t","expires_in":60}')

        at.accesses.add, at.town.post = added, posted  # type: ignore[method-assign]
        await at.brought_on("a")
        async with at.pushing() as push:
            await waiting.wait()
            at.register(replace(AGREEMENT, state=AgreementState.ENDED))
            await at.world.elapse(HOUR)
            assert (at.town.sent, (await push.told())[0]["messages"]) == ([], 0)
            at.register(AGREEMENT)
            await at.brought_on("b")
            await at.world.elapse(5)

        assert at.town.taken_ids == ["b"]

    virtual.run(main())


def test_a_message_under_way_is_given_up_within_a_second_when_its_recipient_is_suspended() -> None:
    async def main() -> None:
        at = await square()
        at.town.seconds = 20
        async with at.pushing():
            await at.brought_on("a")
            await at.world.elapse(2)
            assert at.town.hanging == 1
            at.register(replace(AUTHORITY, state=PartnerState.SUSPENDED))
            await at.world.elapse(1)
            assert at.town.hanging == 0

    virtual.run(main())


def test_nothing_leaves_while_the_registry_is_not_confirmed() -> None:
    async def main() -> None:
        at = await square()
        await at.brought_on("a")
        async with at.pushing():
            at.world.confirmed = False
            await at.world.elapse(60)
            assert at.town.sent == []
            at.world.confirmed = True
            await at.world.elapse(5)
            assert at.town.taken_ids == ["a"]

    virtual.run(main())


def test_nothing_leaves_that_cannot_be_written_down_first() -> None:
    async def main() -> None:
        at = await square()
        await at.brought_on("a")
        add = at.accesses.add

        async def away(_: object) -> None:
            raise StorageUnavailable("away")

        at.accesses.add = away  # type: ignore[method-assign]
        async with at.pushing():
            await at.world.elapse(30)
            assert at.town.sent == []
            at.accesses.add = add  # type: ignore[method-assign]
            await at.world.elapse(5)

        [entry] = [each.access for each in await at.accesses.entries(Query(), limit=10)]
        assert at.town.taken_ids == ["a"]
        assert (entry.way, entry.reader, list(offsets_of(entry.runs))) == ("webhook", "engine", [0])

    virtual.run(main())


def test_of_two_processes_one_delivers_and_the_other_takes_over_where_it_stood() -> None:
    async def main() -> None:
        at = await square()
        async with at.pushing("one", killed=False), asyncio.TaskGroup() as group:
            other = group.create_task(at.push("two").run())
            await at.brought_on("a")
            await at.world.elapse(60)
            assert at.town.taken_ids == ["a"]
            other.cancel()
        await at.brought_on("b")
        async with at.pushing("two"):
            await at.world.elapse(60)

        assert at.town.taken_ids == ["a", "b"]

    virtual.run(main())


def test_an_unverified_endpoint_is_asked_and_then_sent_to() -> None:
    async def main() -> None:
        at = await square(endpoints=(replace(ENDPOINT, state=EndpointState.UNVERIFIED),))
        await at.brought_on("a")
        async with at.pushing():
            await at.world.elapse(5)

        assert [state for state, _ in at.reports] == [EndpointState.ACTIVE]
        assert at.town.taken_ids == ["a"]

    virtual.run(main())


@pytest.mark.parametrize(
    "change",
    [
        replace(BROUGHT, ended=True),
        replace(BROUGHT, ways=(Way.PULL,)),
        replace(AUTHORITY, state=PartnerState.SUSPENDED),
    ],
)
def test_whoever_may_be_sent_nothing_is_not_asked_either(change: Any) -> None:
    async def main() -> None:
        at = await square(endpoints=(replace(ENDPOINT, state=EndpointState.UNVERIFIED),))
        at.register(change)
        async with at.pushing():
            await at.world.elapse(HOUR)
            assert at.town.questions == 0
            at.register(AUTHORITY, BROUGHT)
            await at.world.elapse(60)

        assert at.town.questions == 1

    virtual.run(main())


@pytest.mark.parametrize(("status", "asked"), [(410, 1), (500, 5)])
def test_of_two_processes_one_asks_and_410_ends_it(status: int, asked: int) -> None:
    async def main() -> None:
        at = await square(endpoints=(replace(ENDPOINT, state=EndpointState.UNVERIFIED),))
        at.town.welcome = Reply(status)
        async with at.pushing("one"), asyncio.TaskGroup() as group:
            other = group.create_task(at.push("two").run())
            await at.world.elapse(HOUR)
            other.cancel()

        assert at.town.questions == asked
        assert [state for state, _ in at.reports] == [EndpointState.GONE] * (status == 410)

    virtual.run(main())


def test_what_the_log_lets_go_of_before_it_was_taken_is_a_gap_and_a_dead_letter() -> None:
    async def main() -> None:
        at = await square()
        at.town.answer = lambda _: Reply(422)
        await at.brought_on("a", "b")
        async with at.pushing():
            await at.world.elapse(10)
            await at.world.log.purge("hub.feed.risk", at.world.clock.now_us() + 1)
            before = len(at.town.sent)
            await at.world.elapse(HOUR)

        assert len(at.town.sent) == before
        assert [(each["offset"], each["why"]) for each in await at.dead()] == [(0, LOST), (1, LOST)]
        assert [header.offset for header in await at.buried()] == [0, 1]

    virtual.run(main())


def test_while_quarantine_is_away_what_was_given_up_is_posted_no_more() -> None:
    async def main() -> None:
        at = await square()
        at.town.answer = lambda _: Reply(422)
        await at.brought_on("bad")
        async with at.pushing():
            await at.world.elapse(HOUR)
        await at.world.elapse(72 * HOUR)
        append = at.world.log.append

        async def away(stream: str, *more: Any) -> Any:
            if stream == QUARANTINE:
                raise StorageUnavailable("away")
            return await append(stream, *more)

        at.world.log.append = away  # type: ignore[method-assign]
        before = len(at.town.sent)
        async with at.pushing():
            await at.world.elapse(60)
            posts = len(at.town.sent) - before
            at.world.log.append = append  # type: ignore[method-assign]
            await at.world.elapse(60)

        assert posts == 1
        assert [each["why"] for each in await at.dead()] == ["answered 422"]

    virtual.run(main())


def test_one_that_hangs_holds_no_more_than_its_own_messages_and_the_others_go_on() -> None:
    async def main() -> None:
        key = replace(KEY, sealed=sealed("hung"))
        hung = replace(ENDPOINT, id="hung", url="https://hung.example/", keys=(key,), concurrency=3)
        at = await square(endpoints=(ENDPOINT, hung))
        async with at.pushing() as push:
            await at.many(500, sources=500)
            await at.world.elapse(60)
            told = {each["endpoint"]: each for each in await push.told()}

        assert sorted(at.town.taken_ids, key=int) == [str(number) for number in range(500)]
        assert told["engine"]["records_behind"] == 0
        assert told["hung"]["messages"] <= 256
        assert told["hung"]["records_behind"] == 500

    virtual.run(main())


def test_large_records_wait_in_the_log_and_not_in_memory() -> None:
    async def main() -> None:
        at = await square(endpoints=(replace(ENDPOINT, mode=Mode.SINGLE, concurrency=1),))
        at.town.seconds = 1
        large = [event_record(str(number), content="x" * 250_000, source=f"urn:{number}") for number in range(12)]
        for record in large:
            await at.world.publish(record)
        await at.many(0)
        async with at.pushing():
            await at.world.elapse(30)

        assert sorted(at.town.taken_ids, key=int) == [str(number) for number in range(12)]

    virtual.run(main())


def test_however_many_messages_may_be_under_way_their_bytes_are_bounded() -> None:
    async def main() -> None:
        at = await square(endpoints=(replace(ENDPOINT, mode=Mode.SINGLE, ordered=False, concurrency=32),))
        at.town.seconds = 1
        for number in range(24):
            await at.world.publish(event_record(str(number), content="x" * 1_000_000))
        await at.many(0)
        async with at.pushing():
            await at.world.elapse(60)

        assert sorted(at.town.taken_ids, key=int) == [str(number) for number in range(24)]
        assert 1 < at.town.at_once <= UNDER_WAY_BYTES_MAX // 1_000_000

    virtual.run(main())


def test_a_record_that_waited_on_its_way_waits_no_longer_for_others() -> None:
    async def main() -> None:
        at = await square(endpoints=(replace(ENDPOINT, batch_ms=5_000),))
        async with at.pushing(), at.world.running():
            began = at.world.clock.monotonic()
            await at.world.publish(event_record("a", received_us=at.world.clock.now_us() - 4_000_000))
            while not at.town.sent:
                await at.world.elapse(0.01)

        assert at.town.sent[0].at - began < 2

    virtual.run(main())


def test_410_is_not_asked_again_and_again_while_the_registry_takes_nothing() -> None:
    async def main() -> None:
        at = await square()
        at.town.answer = lambda _: Reply(410)
        at.unregistrable = True
        await at.brought_on("a")
        async with at.pushing():
            await at.world.elapse(60)
            asked = len(at.town.sent)
            at.unregistrable = False
            await at.world.elapse(HOUR)

        assert asked == 3
        assert [state for state, _ in at.reports] == [EndpointState.GONE]

    virtual.run(main())


@pytest.mark.parametrize("state", [EndpointState.ACTIVE, EndpointState.UNVERIFIED])
def test_an_attempt_that_raises_is_one_that_failed_and_stops_no_other(state: EndpointState) -> None:
    async def main() -> None:
        other = replace(ENDPOINT, id="other", url="https://other.example/", state=state)
        at = await square(endpoints=(ENDPOINT, replace(other, keys=(replace(KEY, sealed=sealed("other")),))))
        tried: list[float] = []
        post = at.town.post

        async def faulty(asked: Post) -> Reply:
            if asked.url == other.url:
                tried.append(at.world.clock.monotonic())
                raise OverflowError("nobody foresaw it")
            return await post(asked)

        at.town.post = faulty  # type: ignore[method-assign]
        await at.brought_on("a")
        async with at.pushing():
            await at.world.elapse(HOUR)

        gaps = [later - earlier for earlier, later in pairwise(tried)]
        assert all(low <= gap <= low * 1.1 + 2 for gap, low in zip(gaps, (5, 30, 300), strict=False))
        assert 4 <= len(tried) <= 15
        assert at.world.observer.counts["alarms", (("alarm", "courier_failed"),)] == len(tried)
        assert at.town.taken_ids == ["a"]

    virtual.run(main())


def test_the_cursor_of_a_message_leads_to_everything_that_was_not_taken() -> None:
    async def main() -> None:
        at = await square(endpoints=(replace(ENDPOINT, mode=Mode.SINGLE),))
        at.town.answer = lambda sent: Reply(422 if "bad" in sent.ids else 200)
        await at.brought_on("a")
        await at.brought_on("bad", source="urn:bad")
        async with at.pushing():
            await at.world.elapse(2)
            await at.brought_on("c")
            await at.world.elapse(2)
            page = await at.page(at.town.sent[-1].cursor)

        records = [orjson.loads(record)["id"] for record in page.records]
        assert records == ["bad", "c"]

    virtual.run(main())
