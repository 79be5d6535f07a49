"""What every ground promises of readers' access to feeds. No test here asks which driver it has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest

from hub.drivers.kafka.feed_access import KafkaFeedAccess
from hub.drivers.memory.feed_access import MemoryFeedAccess
from hub.drivers.system.clock import SystemClock
from hub.ports.feed_access import FeedAccess, Right
from tests.contracts.grounds import marked
from tests.patience import patient


@pytest.fixture(params=marked(["memory", "kafka"]))
async def access(request: Any) -> AsyncIterator[FeedAccess]:
    if request.param == "memory":
        yield MemoryFeedAccess()
        return
    settings = patient(request.getfixturevalue("kafka_bootstrap"))
    with KafkaFeedAccess(settings, clock=SystemClock(), event_bytes_max=262_144) as opened:
        yield opened


@pytest.fixture
def user() -> str:
    """One that no other test knows."""
    return f"watch.{uuid4().hex}.1"


def rights_of(user: str) -> list[Right]:
    stream = f"hub.feed.{user.replace('.', '-')}"
    return [
        Right(user, "groups", "watch.", "read"),
        Right(user, "stream", stream, "describe"),
        Right(user, "stream", stream, "read"),
    ]


async def until(ask: Callable[[], Awaitable[bool]]) -> None:
    """A broker learns from its controller what was decided: that takes a moment."""
    while not await ask():
        await asyncio.sleep(0.01)


async def are(access: FeedAccess, user: str, expected: list[Right]) -> bool:
    return sorted(each for each in await access.rights() if each.principal == user) == sorted(expected)


async def is_unknown(access: FeedAccess, user: str) -> bool:
    return user not in await access.users()


async def test_what_is_allowed_is_told_and_what_is_refused_is_not(access: FeedAccess, user: str) -> None:
    rights = rights_of(user)

    await access.allow(rights)
    await until(lambda: are(access, user, rights))
    await access.refuse(rights[1:])
    await until(lambda: are(access, user, rights[:1]))
    await access.refuse(rights[:1])
    await until(lambda: are(access, user, []))


async def test_what_was_given_by_hand_is_told_by_operation_and_host_and_can_be_taken_away(
    access: FeedAccess, user: str
) -> None:
    stream = f"hub.feed.{user.replace('.', '-')}"
    by_hand = [Right(user, "stream", stream, may, host) for may, host in (("all", "*"), ("read", "10.0.0.7"))]

    await access.allow(by_hand)
    await until(lambda: are(access, user, by_hand))
    await access.refuse(by_hand)
    await until(lambda: are(access, user, []))


async def test_to_ask_again_for_what_is_so_is_harmless(access: FeedAccess, user: str) -> None:
    rights = rights_of(user)

    for _ in range(2):
        await access.allow(rights)
    for _ in range(2):
        await access.refuse(rights)
    for password in ("one", "one", "two"):
        await access.enrol(user, password)
    for _ in range(2):
        await access.dismiss([user, f"{user}0"])

    await until(lambda: is_unknown(access, user))
    await until(lambda: are(access, user, []))


async def test_nothing_is_asked_of_the_brokers_where_there_is_nothing_to_ask(access: FeedAccess) -> None:
    before = await access.rights(), await access.users()

    await access.allow([])
    await access.refuse([])
    await access.dismiss([])

    assert (await access.rights(), await access.users()) == before


async def test_users_are_those_with_a_password(access: FeedAccess, user: str) -> None:
    async def is_known() -> bool:
        return user in await access.users()

    assert await is_unknown(access, user)
    await access.enrol(user, "correct horse")
    await until(is_known)
    await access.dismiss([user])
    await until(lambda: is_unknown(access, user))


async def test_who_is_dismissed_a_moment_after_the_enrolment_stays_out(access: FeedAccess, user: str) -> None:
    """Whoever looks at what the broker tells first would find nobody there to dismiss."""
    others = [f"{user}{number}" for number in range(20)]
    for other in others:
        await access.enrol(other, "correct horse")
        await access.dismiss([other])
    await access.enrol(user, "a sign that all before it is known")

    async def is_known() -> bool:
        return user in await access.users()

    await until(is_known)
    assert not (await access.users()).intersection(others)


async def test_groups_that_never_committed_have_read_nothing(access: FeedAccess, user: str) -> None:
    assert await access.committed(f"{user}.") == {}
