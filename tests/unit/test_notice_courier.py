"""Couriers of notices in virtual time: whatever crashes, hangs or fails, each notice comes to its own company, in order
of what it is about, and every repeat is the same message."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from hub.core.dead_letter import DeadLetter
from hub.core.dispatch import Dispatch, Kind, Step
from hub.core.endpoint import Endpoint, EndpointKey, EndpointState, Mode, key_use
from hub.core.errors import Refusal, StorageUnavailable
from hub.core.record import NOTICES, QUARANTINE, LogRecord, Position
from hub.delivery import notices, outbox
from hub.delivery.again import Again
from hub.ports.webhooks import Reply
from hub.trust.webhook import public_text
from schemas.headers import NoticeHeader, pack
from tests.faults import virtual
from tests.faults.fanout_world import COMPANY, FanoutWorld
from tests.unit.test_webhook_courier import HOUR, Sent, Square, sealed, secret

OTHER = replace(COMPANY, id="rival", name="Rival")
KEY = EndpointKey(1, sealed("desk"), public_text(secret(key_use("desk", 1))))
DESK = Endpoint(
    id="desk",
    feed=NOTICES,
    recipient="acme",
    url="https://acme.example/",
    keys=(KEY,),
    state=EndpointState.ACTIVE,
)
HOLD = Kind.HOLD.code
UNMARKED = (("alarm", "delivery_unmarked"),)


async def office(*, partitions: int = 1, endpoint: Endpoint = DESK, **settings: Any) -> Square:
    world = await FanoutWorld(partitions).declare()
    world.register(COMPANY, OTHER)
    world.register(endpoint)
    return Square(world, **settings)


async def write(at: Square, *names: str, to: str = "acme", **members: Any) -> None:
    """What customs tells a company, about no record of the log."""
    for name in names:
        header = NoticeHeader(to, HOLD, 1, 0, -1, name)
        body = {"code": HOLD, "notice": name, "source": "urn:tos", **members}
        await at.world.truth.append(NOTICES, 0, [LogRecord(to.encode(), pack(header), orjson.dumps(body))])


async def judge(at: Square, *offsets: int, partition: int = 0, to: str = "acme", source: str = "urn:tos") -> None:
    """What the hub says of records, by their stamps: its notice has no id."""
    for offset in offsets:
        header = NoticeHeader(to, "CONFLICT", 1, partition, offset)
        body = {"code": "CONFLICT", "source": source, "id": f"e{offset}"}
        await at.world.truth.append(NOTICES, partition, [LogRecord(to.encode(), pack(header), orjson.dumps(body))])


def names(sent: Sent) -> list[str]:
    return [record.get("notice", record.get("id")) for record in sent.records]


def came(at: Square) -> list[str]:
    """Of each message once, in their order."""
    by_id = {each.id: names(each) for each in at.town.sent}
    return [name for found in by_id.values() for name in found]


def test_a_company_is_brought_its_own_and_as_an_agent_what_became_of_events_that_it_sent() -> None:
    async def main() -> None:
        at = await office()
        await write(at, "a", "b")
        await write(at, "theirs", to="rival")
        for code, name in (("QUARANTINE_RELEASED", "released"), (HOLD, "without-mandate")):
            header = NoticeHeader("rival", code, 1, 0, -1, name, "acme")
            value = orjson.dumps({"code": code, "notice": name, "source": "urn:rival"})
            await at.world.truth.append(NOTICES, 0, [LogRecord(b"rival", pack(header), value)])
        async with at.pushing():
            await at.world.elapse(5)

        assert sorted(came(at)) == ["a", "b", "released"]

    virtual.run(main())


def test_what_was_written_again_after_a_crash_comes_once_and_one_about_no_record_moves_no_mark() -> None:
    async def main() -> None:
        at = await office(endpoint=replace(DESK, mode=Mode.SINGLE))
        await judge(at, 3, 5)
        await write(at, "x")
        await judge(at, 3, 5, 6)
        async with at.pushing():
            await at.world.elapse(5)

        assert came(at) == ["e3", "e5", "x", "e6"]

    virtual.run(main())


def test_what_fails_holds_back_what_is_about_the_same_and_what_waits_is_found_among_notices_of_others() -> None:
    async def main() -> None:
        at = await office()
        poisoned = True
        at.town.answer = lambda sent: Reply(422 if poisoned and sent.sources == {"urn:bad"} else 200)
        await write(at, "bad", source="urn:bad")
        async with at.pushing():
            await at.world.elapse(1)
            for number in range(30):
                await judge(at, 2 * number, source="urn:bad")
                await judge(at, 2 * number + 1, source="urn:bad", to="rival")
                await write(at, f"b{number}", source="urn:bad")
                await write(at, f"r{number}", source="urn:bad", to="rival")
                await write(at, f"g{number}", source="urn:good")
            await judge(at, 0, 2, source="urn:bad")  # Again, after a crash.
            await at.world.elapse(20)
            good = [name for name in came(at) if name.startswith("g")]
            poisoned = False
            await at.world.elapse(3 * HOUR)

        assert good == [f"g{number}" for number in range(30)]
        assert [name for name in came(at) if not name.startswith("g")] == [
            "bad",
            *(name for number in range(30) for name in (f"e{2 * number}", f"b{number}")),
        ]

    virtual.run(main())


def test_notices_about_one_object_wait_for_each_other_and_for_no_other_object() -> None:
    async def main() -> None:
        at = await office()
        hurt = {"object": {"scheme": "iso6346", "value": "MSKU1234565"}, "source": ""}
        well = {"object": {"scheme": "iso6346", "value": "MSCU1234566"}, "source": ""}
        at.town.answer = lambda sent: Reply(422 if names(sent) == ["hold"] else 200)
        async with at.pushing():
            await write(at, "hold", **hurt)
            await at.world.elapse(1)
            await write(at, "release", **hurt)
            await write(at, "elsewhere", **well)
            await at.world.elapse(2)
            assert came(at) == ["hold", "elsewhere"]
            at.town.answer = lambda sent: Reply(200)
            await at.world.elapse(60)

        assert came(at) == ["hold", "elsewhere", "release"]

    virtual.run(main())


@pytest.mark.parametrize("mode", [Mode.BATCH, Mode.SINGLE])
@pytest.mark.parametrize("seed", range(4))
def test_whenever_couriers_are_killed_each_notice_comes_and_every_repeat_is_the_same_message(
    seed: int, mode: Mode
) -> None:
    """Killed between a delivery and the mark of it, again and again, with failures between and others' notices."""
    chance = random.Random(seed)

    async def main() -> None:
        at = await office(partitions=2, endpoint=replace(DESK, mode=mode, batch_records=3, concurrency=2))
        at.town.answer = lambda _: Reply(chance.choice([200, 200, 500, 422]))
        at.town.seconds = 0.01
        wanted = defaultdict[str, list[str]](list)
        for number in range(40):
            source = f"urn:{chance.randrange(4)}"
            await write(at, f"n{number}", source=source)
            await write(at, f"r{number}", source=source, to="rival")
            wanted[source].append(f"n{number}")
            if chance.random() < 0.3:
                async with at.pushing(str(number)):
                    await at.world.elapse(chance.random() / 10)
                await at.world.elapse(61)  # Of the dead process the lease ends.
        at.town.answer = lambda _: Reply(200)
        async with at.pushing("last"):
            await at.world.elapse(3 * HOUR)

        bodies: dict[str, Any] = {}
        for each in at.town.sent:
            assert bodies.setdefault(each.id, each.body) == each.body
        for source, expected in wanted.items():
            assert [name for name in came(at) if name in expected] == expected, source
        assert len(came(at)) == 40
        order = [at.town.sent.index(next(e for e in at.town.sent if e.id == one)) for one in bodies]
        assert all(one < other for one, other in pairwise(order))

    virtual.run(main())


def test_what_was_taken_is_noted_as_read_and_where_that_fails_it_comes_again_under_its_id() -> None:
    async def main() -> None:
        at = await office()
        dispatches = at.notices.dispatches
        sent = Dispatch(
            id="a",
            sender="customs",
            own="1",
            digest=b"",
            by="customs.sys",
            partner="acme",
            kind=Kind.HOLD,
            members=b"{}",
            sent_us=1,
        )
        await dispatches.add([sent])
        await write(at, "a")
        at.town.answer = lambda _: Reply(500)
        async with at.pushing():
            await at.world.elapse(3)
            kept = await dispatches.get("a")
            assert kept is not None
            assert kept.read_us == 0
            at.town.answer = lambda _: Reply(200)
            await at.world.elapse(60)

        kept = await dispatches.get("a")
        assert kept is not None
        assert kept.read_us
        assert len({each.id for each in at.town.sent}) == 1

    virtual.run(main())


def test_a_notice_that_was_taken_is_posted_once_while_it_cannot_be_noted_as_read_and_that_is_told() -> None:
    async def main() -> None:
        at = await office()
        mark, marked = at.notices.dispatches.mark, list[Sequence[str]]()

        async def away(*_: object) -> None:
            raise StorageUnavailable("away")

        async def noted(ids: Sequence[str], step: Step, time_us: int) -> None:
            marked.append(ids)
            await mark(ids, step, time_us)

        at.notices.dispatches.mark = away  # type: ignore[method-assign]
        await write(at, "a", "b")
        async with at.pushing():
            await at.world.elapse(30)
            assert ("alarms", UNMARKED) not in at.world.observer.counts
            await at.world.elapse(HOUR)
            assert [names(each) for each in at.town.sent] == [["a", "b"]]
            assert at.world.observer.counts["alarms", UNMARKED] == 1
        await at.world.elapse(61)  # Of the dead process the lease ends.
        async with at.pushing():
            await at.world.elapse(5)
            at.notices.dispatches.mark = noted  # type: ignore[method-assign]
            await write(at, "c")
            await at.world.elapse(60)

        assert [names(each) for each in at.town.sent] == [["a", "b"], ["a", "b"], ["c"]]
        assert at.town.sent[0].id == at.town.sent[1].id
        assert marked == [["a", "b"], ["c"]]

    virtual.run(main())


def test_who_may_not_stand_in_any_more_when_a_notice_is_noted_as_read_is_not_given_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mandates = {"acme"}
    monkeypatch.setattr(notices, "may_stand_in", lambda agent, *_: agent in mandates)

    async def main() -> None:
        at = await office()
        header = NoticeHeader("rival", HOLD, 1, 0, -1, "theirs", "acme")
        value = orjson.dumps({"code": HOLD, "notice": "theirs", "source": "urn:rival"})
        await at.world.truth.append(NOTICES, 0, [LogRecord(b"rival", pack(header), value)])
        await write(at, "own")

        async def ending(*_: object) -> None:
            mandates.clear()

        before = await at.notices.page("acme", None, limit=10, wait=0)
        at.notices.dispatches.mark = ending  # type: ignore[method-assign]
        after = await at.notices.page("acme", None, limit=10, wait=0)

        assert not isinstance(before, Refusal)
        assert not isinstance(after, Refusal)
        assert [orjson.loads(record)["notice"] for record in before.records] == ["theirs", "own"]
        assert [orjson.loads(record)["notice"] for record in after.records] == ["own"]

    virtual.run(main())


def test_notices_that_were_given_up_are_a_letter_each_and_are_brought_again_as_they_lie(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox, "GIVEN_UP_SECONDS", 60)

    async def main() -> None:
        at = await office(endpoint=replace(DESK, batch_records=10))
        at.town.answer = lambda _: Reply(422)
        await judge(at, 7)
        await write(at, "a", "b")
        async with at.pushing():
            await at.world.elapse(120)
            buried, dead = await at.buried(), await at.dead()
            again = Again(at.pushes[-1]._means)
            at.town.answer = lambda _: Reply(200)
            letters = [
                DeadLetter(
                    position=Position(header.generation, header.partition, header.offset),
                    cause=header.cause,
                    output=header.id,
                    partner=header.partner,
                    since_us=1,
                    header=b"",
                    value=b"",
                    said=said,
                )
                for header, said in zip(buried, dead, strict=True)
            ]
            assert [await again.deliver(letter) for letter in letters] == [""] * 3

        assert len({letter.id for letter in letters}) == 3
        assert {letter.partner for letter in letters} == {"acme"}
        assert sorted(name for each in at.town.sent[-3:] for name in names(each)) == ["a", "b", "e7"]
        assert [each["feed"] for each in dead] == [NOTICES] * 3
        assert len(await at.world.records(QUARANTINE)) == 3

    virtual.run(main())
