"""Who may read feeds from Kafka itself: only where feed and agreements allow it, by identities that end."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from hub.core.credential import KeyState
from hub.core.errors import Refusal
from hub.core.kafka_access import KafkaAccess, Listeners
from hub.core.proposal import Authority, Proposal
from hub.operate.registrar import Waiting
from hub.operate.words import departures
from hub.trust.certificate import certificate_id
from hub.trust.sealed_password import USE, open_password, sealing_key
from tests.certificates import Pair
from tests.direct import PASSWORD, open_to_kafka, sealed_for
from tests.unit.operate.office import Office, key_pair, public_pem

GRANT = {"id": "live", "feed": "seals", "system": "engine"}
DAY = 86_400


@pytest.fixture
async def feed(desk: Any) -> Any:
    """The authority `risk` with the system `engine`, and its feed `seals`, which may be read from Kafka."""
    desk.registrar._key_validity_seconds = 400 * DAY
    await desk.enrol("risk", "authority")
    await desk.do("key.add", partner="risk", system="engine", key=public_pem(key_pair()), scopes=["feeds:read"])
    await desk.agree("a1")
    await desk.do("feed.add", name="seals", recipient="risk", purpose="security-risk-assessment")
    await open_to_kafka(desk.live, "seals")
    return desk


async def asked(desk: Any, **more: Any) -> dict[str, Any]:
    return GRANT | sealed_for(await desk.show("kafka-access.next", id="live", feed="seals")) | more


def access_of(desk: Any) -> KafkaAccess:
    access = desk.live.snapshot.kafka_accesses.get("live")
    assert access is not None
    return access


async def change(desk: Any, *items: Any) -> None:
    await desk.live.write(Proposal(desk.live.snapshot.revision, items, "test", "test", ""))


async def test_a_grant_makes_a_user_of_the_recipient_whose_password_only_the_hub_can_open(feed: Any) -> None:
    await feed.do("kafka-access.grant", **await asked(feed))

    (identity,) = access_of(feed).identities
    assert identity.principal == "risk.live.1"
    assert open_password(identity.sealed, "risk.live.1", feed.keys.secret(USE)) == PASSWORD


async def test_whoever_makes_a_password_is_told_for_whom_where_and_what_can_be_read(feed: Any) -> None:
    told = await feed.show("kafka-access.next", id="live", feed="seals")

    assert told == {
        "user": "risk.live.1",
        "key": sealing_key(feed.keys.secret(USE)),
        "addresses": {"scram": "kafka.example:9093", "mtls": "kafka.example:9094"},
        "groups": "risk.",
        "topics": ["north.hub.feed.seals"],
    }


async def test_neither_the_audit_trail_nor_the_list_holds_the_password(feed: Any) -> None:
    await feed.do("kafka-access.grant", **await asked(feed))

    kept = b"".join(await feed.live.audit(0, 100))
    listed = (await feed.show("kafka-access.list"))["items"]
    assert PASSWORD.encode() not in kept
    assert "sealed" not in str(listed)
    assert listed[0]["identities"][0]["principal"] == "risk.live.1"


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"id": "Live"}, "/id"),
        ({"feed": "seal"}, "/feed"),
        ({"system": "desk"}, "/system"),
        ({"user": "risk.live.2"}, "/user"),
        ({"user": "other.live.1"}, "/user"),
        ({"sealed": PASSWORD}, "/sealed"),
        ({"sealed": ""}, "/sealed"),
        ({"days": 0}, "/days"),
        ({"days": 401}, "/days"),
    ],
)
async def test_what_is_not_right_about_a_grant_is_told_with_its_place(
    feed: Any, wrong: dict[str, Any], place: str
) -> None:
    assert place in await feed.refused("kafka-access.grant", **await asked(feed, **wrong))


async def test_a_feed_that_is_not_read_from_kafka_is_refused(feed: Any) -> None:
    request = await asked(feed)
    await change(feed, replace(feed.live.snapshot.feeds.get("seals"), ways=("pull",)))

    assert await feed.refused("kafka-access.grant", **request) == {"/feed": "ACT_NOT_DIRECT"}


async def test_one_agreement_that_does_not_allow_it_bars_the_whole_feed(feed: Any) -> None:
    request = await asked(feed)
    await feed.agree("a2", types=["customs.seal.broken"])

    assert await feed.refused("kafka-access.grant", **request) == {"/feed": "ACT_NOT_DIRECT"}
    await feed.do("agreement.end", id="a2")
    await feed.do("kafka-access.grant", **request)


async def test_what_came_before_the_feed_was_read_from_kafka_bars_it_for_good(desk: Any) -> None:
    await desk.enrol("risk", "authority")
    await desk.do("key.add", partner="risk", system="engine", key=public_pem(key_pair()), scopes=["feeds:read"])
    await desk.agree("a1", direct=True)
    await desk.agree("a2", types=["customs.seal.broken"])
    await desk.do("feed.add", name="seals", recipient="risk", purpose="security-risk-assessment")
    await desk.do("agreement.end", id="a2")
    known = desk.live.snapshot.feeds.get("seals")
    await change(desk, replace(known, ways=("kafka",), types=("customs.seal.applied",)))

    assert await desk.refused("kafka-access.grant", **await asked(desk, days=1)) == {"/feed": "ACT_NOT_DIRECT"}


async def test_agreements_about_other_types_or_purposes_bar_nothing(feed: Any) -> None:
    await change(feed, replace(feed.live.snapshot.feeds.get("seals"), types=("customs.seal.*",)))
    await feed.agree("a2", types=["customs.container.loaded"])
    await feed.agree("a3", purpose="statistics")

    await feed.do("kafka-access.grant", **await asked(feed))


async def test_an_agreement_that_ended_before_the_feed_was_opened_bars_nothing(desk: Any) -> None:
    await desk.enrol("risk", "authority")
    await desk.do("key.add", partner="risk", system="engine", key=public_pem(key_pair()), scopes=["feeds:read"])
    await desk.agree("old")
    await desk.do("agreement.end", id="old")
    await desk.agree("a1")
    await desk.do("feed.add", name="seals", recipient="risk", purpose="security-risk-assessment")
    feed, a1 = desk.live.snapshot.feeds.get("seals"), desk.live.snapshot.agreements.get("a1")
    await change(desk, replace(feed, ways=("kafka",)), replace(a1, direct=True))

    await desk.do("kafka-access.grant", **await asked(desk, days=1))


async def test_without_a_listener_for_recipients_nothing_can_be_granted(feed: Any) -> None:
    request = await asked(feed)
    feed.registrar._kafka_listeners = Listeners({}, lambda: "")

    assert await feed.refused("kafka-access.grant", **request) == {"/sealed": "ACT_VALUE_INVALID"}


@pytest.mark.parametrize("act", ["feed.add", "feed.change"])
async def test_without_a_listener_for_recipients_no_feed_is_read_from_kafka(feed: Any, act: str) -> None:
    of_whom = {"recipient": "risk", "purpose": "security-risk-assessment"} if act == "feed.add" else {}
    request = {"name": "new" if of_whom else "seals", **of_whom, "ways": ["sse", "kafka"]}
    feed.registrar._kafka_listeners = Listeners({}, lambda: "")

    assert await feed.refused(act, **request) == {"/ways/1": "ACT_VALUE_INVALID"}
    assert (await feed.do(act, **request | {"ways": ["sse"]})).changed


async def test_after_a_rotation_both_identities_are_good_for_the_time_of_grace(feed: Any) -> None:
    await feed.do("kafka-access.grant", **await asked(feed))
    next_ = await feed.show("kafka-access.next", id="live")

    await feed.do("kafka-access.rotate", id="live", **sealed_for(next_))

    now = feed.clock.now_us() // 1_000_000
    assert next_["user"] == "risk.live.2"
    assert [each.principal for each in access_of(feed).live(now)] == ["risk.live.1", "risk.live.2"]
    assert [each.principal for each in access_of(feed).live(now + 3_600)] == ["risk.live.2"]


async def test_a_rotation_at_once_leaves_no_grace(feed: Any) -> None:
    await feed.do("kafka-access.grant", **await asked(feed))
    next_ = await feed.show("kafka-access.next", id="live")

    await feed.do("kafka-access.rotate", id="live", at_once=True, **sealed_for(next_))

    assert [each.principal for each in access_of(feed).live(feed.clock.now_us() // 1_000_000)] == ["risk.live.2"]


async def test_a_third_live_identity_and_a_password_that_was_sealed_for_another_are_refused(feed: Any) -> None:
    await feed.do("kafka-access.grant", **await asked(feed))
    second = sealed_for(await feed.show("kafka-access.next", id="live"))
    await feed.do("kafka-access.rotate", id="live", **second)

    refused = await feed.refused("kafka-access.rotate", id="live", **second)

    assert refused == {"/id": "ACT_KEYS_TOO_MANY", "/user": "ACT_VALUE_INVALID"}


async def test_what_was_revoked_never_comes_back(feed: Any) -> None:
    await feed.do("kafka-access.grant", **await asked(feed))
    await feed.do("kafka-access.revoke", id="live")

    assert (await feed.do("kafka-access.revoke", id="live")).changed == ()
    next_ = sealed_for(await feed.show("kafka-access.next", id="live"))
    assert "/id" in await feed.refused("kafka-access.rotate", id="live", **next_)
    assert await feed.refused("kafka-access.grant", **await asked(feed)) == {
        "/id": "ACT_NAME_TAKEN",
        "/user": "ACT_VALUE_INVALID",
    }


async def certified(desk: Any, subject: str, system: str = "engine") -> str:
    pair = Pair(subject)
    added = await desk.registrar.perform(
        "certificate.add", {"partner": "risk", "system": system, "certificate": pair.pem}, actor="ada"
    )
    assert not isinstance(added, Refusal), added
    return certificate_id(pair.der)


async def test_a_certificate_of_the_system_is_known_to_the_brokers_by_its_subject(feed: Any) -> None:
    name = await certified(feed, "CN=engine,O=Customs,C=NL")

    await feed.do("kafka-access.grant", **GRANT, certificate=name)

    (identity,) = access_of(feed).identities
    assert (identity.principal, identity.sealed) == ("CN=engine,O=Customs,C=NL", "")
    assert identity.until == feed.live.snapshot.certificates.get(name).not_after


@pytest.mark.parametrize("subject", ["CN=a\\,b", "CN=engine+UID=1", "CN=Zoll\\C3\\A4mter", "1.2.840.113549.1.9.1=a@b"])
async def test_a_subject_that_brokers_may_write_in_another_way_is_refused(feed: Any, subject: str) -> None:
    name = await certified(feed, subject)

    assert await feed.refused("kafka-access.grant", **GRANT, certificate=name) == {"/certificate": "ACT_VALUE_INVALID"}


async def test_a_certificate_that_is_revoked_ends_the_access_that_rests_on_it(feed: Any) -> None:
    name = await certified(feed, "CN=engine")
    await feed.do("kafka-access.grant", **GRANT, certificate=name)

    await feed.do("certificate.revoke", certificate=name)

    assert access_of(feed).state is KeyState.REVOKED


async def test_a_key_that_is_revoked_as_a_matter_of_course_leaves_the_access_and_a_leaked_one_ends_it(
    feed: Any,
) -> None:
    await feed.do("kafka-access.grant", **await asked(feed))
    (key,) = feed.live.snapshot.keys_of("risk.engine")
    await feed.do("key.add", partner="risk", system="engine", key=public_pem(key_pair()))

    await feed.do("key.revoke", key=key.id)
    assert access_of(feed).state is KeyState.ACTIVE
    await feed.do("key.leaked", key=key.id, since="2020-01-01", reason="stolen")

    assert access_of(feed).state is KeyState.REVOKED


async def test_with_the_last_key_of_a_system_that_is_revoked_its_access_ends_and_another_key_opens_none(
    feed: Any,
) -> None:
    await feed.do("kafka-access.grant", **await asked(feed))
    (key,) = feed.live.snapshot.keys_of("risk.engine")

    done = await feed.do("key.revoke", key=key.id)
    await feed.do("key.add", partner="risk", system="engine", key=public_pem(key_pair()))

    assert {each["kind"] for each in done.changed} == {"key", "kafka_access"}
    assert access_of(feed).state is KeyState.REVOKED


async def test_the_user_of_the_machine_alone_may_revoke_the_last_key_with_all_that_ends_with_it(feed: Any) -> None:
    office = await Office(feed).open()
    await office.both("kafka-access.grant", "ann", "ben", **await asked(feed))
    (key,) = feed.live.snapshot.keys_of("risk.engine")

    await feed.registrar.perform("key.revoke", {"key": key.id}, actor="root")

    event = orjson.loads((await feed.registry.audit(feed.live.snapshot.revision - 1, 1))[0])
    changes = [each for each in event["changes"] if each["kind"] != "review"]
    assert {each["kind"] for each in changes} == {"key", "kafka_access"}
    assert list(departures(Authority.LOCAL, "key.revoke", changes)) == []


async def test_granting_takes_two_and_revoking_takes_one(feed: Any) -> None:
    office = await Office(feed).open()

    assert isinstance(await office.ask("ann", "kafka-access.grant", **await asked(feed)), Waiting)
    await office.both("kafka-access.grant", "ann", "ben", **await asked(feed))
    await office.ask("olga", "kafka-access.revoke", id="live")

    assert access_of(feed).state is KeyState.REVOKED
