"""Addresses to which recipients have their feeds brought: registered by two, stopped by one, asked before they get
anything."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from hub.assembly.offline import sending_of
from hub.core.endpoint import SECRETS_USE, Endpoint, EndpointState
from hub.core.errors import Refusal
from hub.core.proposal import Authority
from hub.core.registry import Snapshot
from hub.core.settings import Settings, WebhookSettings
from hub.delivery.failures import Failures, last_failure
from hub.delivery.outbox import Outbox
from hub.operate.acts import Basis
from hub.operate.checks import Checks
from hub.operate.endpoints import check_url
from hub.operate.registrar import Done, Waiting
from hub.ports.webhooks import Reply
from hub.trust.cursor import Place
from hub.trust.sealed_password import open_password, seal_password
from hub.trust.webhook import secret_text
from tests.endpoints import SECRET, sealed_for
from tests.unit.operate.office import Office

ADD = {"id": "engine", "feed": "seals", "url": "https://engine.example/hooks"}
RISK = "security-risk-assessment"


@pytest.fixture
async def feed(desk: Any) -> Any:
    """The authority `risk` with its feed `seals`, which may be brought."""
    await desk.enrol("risk", "authority")
    await desk.agree("a1")
    await desk.do("feed.add", name="seals", recipient="risk", purpose=RISK, ways=["pull", "webhook"])
    return desk


async def asked(desk: Any, **more: Any) -> dict[str, Any]:
    return ADD | sealed_for(await desk.show("endpoint.next", id="engine")) | more


def endpoint_of(desk: Any) -> Endpoint:
    endpoint = desk.live.snapshot.endpoints.get("engine")
    assert endpoint is not None
    return endpoint


async def reported(desk: Any, state: EndpointState, since: int = 1, *, seen: Endpoint | None = None) -> EndpointState:
    """The state after a report of who saw the endpoint as it is, or as it was then."""
    seen = seen or endpoint_of(desk)
    known = {"seen": seen.state.value, "verification": seen.verification}
    request = {"id": "engine", "state": state.value, "since": since, **known}
    outcome = await desk.registrar.perform("endpoint.report", request, actor="delivery", authority=Authority.HUB)
    assert isinstance(outcome, Done), outcome
    return endpoint_of(desk).state


async def test_a_new_endpoint_is_unverified_and_its_secret_opens_for_the_hub_alone(feed: Any) -> None:
    told = await feed.show("endpoint.next", id="engine")
    await feed.do("endpoint.add", **await asked(feed))

    endpoint = endpoint_of(feed)
    (key,) = endpoint.keys
    assert endpoint.state is EndpointState.UNVERIFIED
    assert key.public == told["public"]
    assert open_password(key.sealed, told["name"], feed.keys.secret(SECRETS_USE)) == secret_text(SECRET)


async def test_neither_the_audit_trail_nor_the_list_holds_a_secret(feed: Any) -> None:
    told = await feed.show("endpoint.next", id="engine")
    client_secret = seal_password("k" * 26, told["client_secret_name"], told["key"])
    oauth = {"token_url": "https://as.example/token", "client_id": "hub", "client_secret": client_secret}
    await feed.do("endpoint.add", **await asked(feed, **oauth))

    kept = b"".join(await feed.live.audit(0, 100))
    [listed] = (await feed.show("endpoint.list"))["items"]
    assert secret_text(SECRET).encode() not in kept
    assert b"k" * 26 not in kept
    assert "sealed" not in str(listed)
    assert client_secret not in str(listed)
    assert listed["oauth"]["client_id"] == "hub"
    assert listed["recipient"] == "risk"


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"id": "Engine"}, "/id"),
        ({"feed": "seal"}, "/feed"),
        ({"sealed": "whsec_QUJD"}, "/sealed"),
        ({"lane": "urgent"}, "/lane"),
        ({"lane": "slow"}, "/lane"),
        ({"mode": "thick"}, "/mode"),
        ({"concurrency": 0}, "/concurrency"),
        ({"concurrency": 33}, "/concurrency"),
        ({"batch_records": 1_001}, "/batch_records"),
        ({"batch_ms": 0}, "/batch_ms"),
        ({"batch_bytes": 0}, "/batch_bytes"),
        ({"mtls": True}, "/mtls"),
        ({"token_url": "https://as.example/t"}, "/client_id"),
        ({"client_id": "hub"}, "/token_url"),
        ({"url": "http://engine.example/hooks"}, "/url"),
        ({"url": "https:///hooks"}, "/url"),
        ({"url": "https://192.168.1.4/hooks"}, "/url"),
        ({"url": "https://[::ffff:10.0.0.1]/hooks"}, "/url"),
        ({"url": "https://localhost:8443/hooks"}, "/url"),
        ({"token_url": "https://127.0.0.1/token", "client_id": "hub"}, "/token_url"),
        ({"url": "https://user:word@engine.example/"}, "/url"),
        ({"url": "https://engine.example/#part"}, "/url"),
        ({"url": "https://engine.example:99999/"}, "/url"),
        ({"url": "https://engine.example/ hooks"}, "/url"),
        ({"url": "https://[::1"}, "/url"),
        ({"url": "https://engine.example/" + "x" * 500}, "/url"),
    ],
)
async def test_what_is_not_right_about_an_endpoint_is_told_with_its_place(
    feed: Any, wrong: dict[str, Any], place: str
) -> None:
    assert place in await feed.refused("endpoint.add", **await asked(feed, **wrong))


async def test_a_feed_that_is_not_brought_has_no_endpoints(feed: Any) -> None:
    await feed.do("feed.add", name="pulled", recipient="risk", purpose=RISK)

    assert await feed.refused("endpoint.add", **await asked(feed, feed="pulled")) == {"/feed": "ACT_VALUE_INVALID"}


async def test_keys_overlap_for_the_time_of_grace_and_never_three(feed: Any) -> None:
    await feed.do("endpoint.add", **await asked(feed))
    first = await feed.show("endpoint.next", id="engine")
    await feed.do("endpoint.rotate", id="engine", **sealed_for(first))
    second = await feed.show("endpoint.next", id="engine")

    endpoint, now = endpoint_of(feed), feed.clock.now_us() // 1_000_000
    assert [key.number for key in endpoint.live_keys(now)] == [1, 2]
    assert "/id" in await feed.refused("endpoint.rotate", id="engine", **sealed_for(second))

    feed.clock.seconds += 3_600
    assert [key.number for key in endpoint.live_keys(now + 3_600)] == [2]
    await feed.do("endpoint.rotate", id="engine", **sealed_for(second), at_once=True)
    assert [key.number for key in endpoint_of(feed).live_keys(now + 3_600)] == [3]


async def test_whoever_pauses_it_starts_it_only_by_a_verification(feed: Any) -> None:
    await feed.do("endpoint.add", **await asked(feed))
    assert await reported(feed, EndpointState.ACTIVE) is EndpointState.ACTIVE

    await feed.do("endpoint.pause", id="engine")
    assert await reported(feed, EndpointState.FAILING) is EndpointState.PAUSED
    await feed.do("endpoint.resume", id="engine")

    assert endpoint_of(feed).state is EndpointState.UNVERIFIED
    assert endpoint_of(feed).verification == 2
    assert "/id" in await feed.refused("endpoint.resume", id="engine")


@pytest.mark.parametrize("act", ["pause", "resume", "verify", "rotate"])
async def test_what_has_gone_stays_gone(feed: Any, act: str) -> None:
    await feed.do("endpoint.add", **await asked(feed))
    assert await reported(feed, EndpointState.GONE) is EndpointState.GONE
    more = sealed_for(await feed.show("endpoint.next", id="engine")) if act == "rotate" else {}

    assert "/id" in await feed.refused(f"endpoint.{act}", id="engine", **more)
    assert await reported(feed, EndpointState.ACTIVE) is EndpointState.GONE


async def test_it_takes_two_to_start_one_and_one_to_stop_it(feed: Any) -> None:
    office = await Office(feed).open()

    adding = await office.ask("ann", "endpoint.add", **await asked(feed))
    assert isinstance(adding, Waiting)
    await office.both("endpoint.add", "ben", "ann", **await asked(feed))
    assert isinstance(await office.ask("olga", "endpoint.end", id="engine"), Done)

    assert endpoint_of(feed).state is EndpointState.ENDED


async def test_a_late_report_undoes_no_order_to_verify_anew(feed: Any) -> None:
    await feed.do("endpoint.add", **await asked(feed))
    asked_first = endpoint_of(feed)
    await reported(feed, EndpointState.ACTIVE)
    active = endpoint_of(feed)
    await feed.do("endpoint.verify", id="engine")

    for state in (EndpointState.ACTIVE, EndpointState.FAILING, EndpointState.DISABLED):
        assert await reported(feed, state, seen=active) is EndpointState.UNVERIFIED
        assert await reported(feed, state, seen=asked_first) is EndpointState.UNVERIFIED
    assert await reported(feed, EndpointState.FAILING) is EndpointState.UNVERIFIED
    assert await reported(feed, EndpointState.GONE, seen=active) is EndpointState.GONE


async def test_the_hub_alone_reports(feed: Any) -> None:
    await feed.do("endpoint.add", **await asked(feed))
    await Office(feed).open()

    request = {"id": "engine", "state": "active", "since": 1, "seen": "unverified", "verification": 1}
    outcome = await feed.registrar.perform("endpoint.report", request, actor="mallory")

    assert isinstance(outcome, Refusal)
    assert endpoint_of(feed).state is EndpointState.UNVERIFIED


async def test_what_went_wrong_last_is_told_with_the_endpoint(feed: Any) -> None:
    await feed.do("endpoint.add", **await asked(feed))
    failures = Failures(feed.positions, feed.clock, "w1")

    await failures.note(endpoint_of(feed), Reply(0, "no connection", detail="192.0.2.1 refused it"))

    told = {"verification": 1, "at": feed.clock.now_us() // 10**6, "why": "no connection"}
    [listed] = (await feed.show("endpoint.list"))["items"]
    shown = await feed.show("endpoint.show", id="engine")
    assert (
        listed["last_failure"]
        == shown["last_failure"]
        == {
            **told,
            "detail": "192.0.2.1 refused it",
            "over": False,
        }
    )


@pytest.mark.parametrize(("failing_since_us", "over"), [(0, True), (1, False)])
async def test_a_failure_after_which_messages_are_taken_is_told_as_over(
    feed: Any, failing_since_us: int, over: bool
) -> None:
    await feed.do("endpoint.add", **await asked(feed))
    await Failures(feed.positions, feed.clock, "w1").note(endpoint_of(feed), Reply(500))
    await reported(feed, EndpointState.ACTIVE)
    outbox = Outbox(1, (Place(0, -1, 0),))
    outbox.failing_since_us = failing_since_us
    lease = await feed.positions.acquire("webhook/engine", "w1", 60)
    await feed.positions.keep(lease, outbox.encoded())

    shown = await feed.show("endpoint.show", id="engine")

    assert (shown["last_failure"]["why"], shown["last_failure"]["over"]) == ("answered 500", over)


async def test_the_same_reason_is_written_once_a_minute_and_another_one_at_once(feed: Any) -> None:
    await feed.do("endpoint.add", **await asked(feed))
    failures, endpoint = Failures(feed.positions, feed.clock, "w1"), endpoint_of(feed)
    first = feed.clock.now_us() // 10**6

    async def after(seconds: float, status: int) -> tuple[int, str]:
        await feed.clock.sleep(seconds)
        await failures.note(endpoint, Reply(status))
        kept = await last_failure(feed.positions, "engine")
        assert kept is not None
        return kept.at - first, kept.why

    assert await after(0, 500) == (0, "answered 500")
    assert await after(59, 500) == (0, "answered 500")
    assert await after(1, 500) == (60, "answered 500")
    assert await after(1, 503) == (61, "answered 503")


async def test_a_certificate_is_to_be_shown_over_tls_alone(feed: Any) -> None:
    feed.registrar._webhooks = replace(feed.registrar._webhooks, has_certificate=True, allows_http=True)
    oauth = {"token_url": "http://as.example/token", "client_id": "hub"}

    refused = await feed.refused(
        "endpoint.add", **await asked(feed, mtls=True, url="http://engine.example/hooks", **oauth)
    )

    assert {"/url", "/token_url"} <= refused.keys()
    assert "/url" not in await feed.refused("endpoint.add", **await asked(feed, mtls=True, **oauth))


@pytest.mark.parametrize(
    ("url", "networks", "taken"),
    [
        ("https://192.168.1.4/hook", "192.168.0.0/16", True),
        ("http://192.168.1.4/hook", "192.168.0.0/16", True),
        ("http://192.168.1.4/hook", "127.0.0.0/8", False),
        ("http://192.0.2.1/hook", "127.0.0.0/8", False),
        ("http://9.9.9.9/hook", "127.0.0.0/8", False),
        ("https://9.9.9.9/hook", "127.0.0.0/8", True),
    ],
)
def test_an_address_is_taken_only_where_the_hub_would_ever_connect_to_it(url: str, networks: str, taken: bool) -> None:
    settings = Settings(webhooks=WebhookSettings(networks=networks))
    basis = Basis(Snapshot(), 0, {}, lambda _: "", 0, 0, webhooks=sending_of(settings, lambda _: bytes(32)))
    checks = Checks()

    check_url("/url", url, basis, checks)

    assert not checks.faults if taken else networks in checks.faults[0].expected


async def test_the_notices_of_a_partner_are_brought_on_an_operator_s_word(feed: Any) -> None:
    await feed.do("endpoint.add", **await asked(feed, feed="hub.notices", recipient="risk"))

    [listed] = (await feed.show("endpoint.list"))["items"]
    assert (listed["feed"], listed["recipient"], listed["feed_ended"]) == ("hub.notices", "risk", False)
    assert [each.id for each in feed.live.snapshot.endpoints.of("hub.notices/risk")] == ["engine"]
    assert feed.live.snapshot.endpoints.of("seals") == []


@pytest.mark.parametrize(
    ("wrong", "places"),
    [
        ({"feed": "hub.notices"}, ["/recipient"]),
        ({"feed": "hub.notices", "recipient": "nobody"}, ["/recipient"]),
        ({"feed": "hub.notices", "recipient": "risk", "lane": "urgent"}, ["/lane"]),
        ({"recipient": "risk"}, ["/recipient"]),
        ({"feed": "hub.notices/risk"}, ["/feed"]),
        ({"feed": "hub.quarantine", "recipient": "risk"}, ["/recipient", "/feed"]),
    ],
)
async def test_whose_notices_are_brought_is_said_once_and_of_nothing_else(
    feed: Any, wrong: dict[str, str], places: list[str]
) -> None:
    assert list(await feed.refused("endpoint.add", **await asked(feed, **wrong))) == places
