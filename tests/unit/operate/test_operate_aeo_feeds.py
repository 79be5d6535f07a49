"""Status feeds: which messages are believed, which are refused with all that is wrong, and what they leave."""

from __future__ import annotations

from typing import Any

import jwt
import orjson
import pytest

from hub.core.aeo import AEOStatus, Authorisation
from hub.core.partner import Identifier
from hub.trust.act import OperatorKeyPair
from hub.trust.aeo_status import FORMAT, STATUS_TYPE
from tests.unit.operate.conftest import START, Desk
from tests.unit.operate.office import Office, key_pair, public_pem

EORI = {"scheme": "eori", "value": "NL123456789"}
KEY, OTHER = key_pair(), key_pair()


def line(seq: Any, *, key: OperatorKeyPair = KEY, typ: str = STATUS_TYPE, **more: Any) -> str:
    """A message about the authorisation NLAEOF1; None takes a member away."""
    good = {
        "format": FORMAT,
        "iss": "NL",
        "seq": seq,
        "iat": START,
        "number": "NLAEOF1",
        "type": "F",
        "status": "valid",
        "effective_from": "2026-01-01",
        "valid_from": "2025-01-01",
        "holder": EORI,
    }
    payload = {name: value for name, value in (good | more).items() if value is not None}
    headers = {"typ": typ, "kid": key.id}
    return jwt.api_jws.encode(orjson.dumps(payload), key.private, algorithm=key.algorithm, headers=headers)


def alive(seq: int) -> str:
    return line(seq, number=None, type=None, status=None, effective_from=None, valid_from=None, holder=None)


@pytest.fixture
async def fed(desk: Desk) -> Desk:
    await desk.enrol("zephyr", identifiers=[EORI])
    await desk.do("aeo.feed.add", issuer="NL", keys=[public_pem(KEY)])
    return desk


def held(desk: Desk) -> Authorisation:
    found = desk.live.snapshot.authorisations.get("NL-NLAEOF1")
    assert found is not None
    return found


async def test_a_new_authorisation_finds_its_partner_by_the_holder(fed: Desk) -> None:
    await fed.do("aeo.tell", lines=[line(1, reason_class="A1")])

    assert (held(fed).partner, held(fed).status, held(fed).sequence) == ("zephyr", AEOStatus.VALID, 1)
    assert held(fed).reason_class == "A1"


async def test_one_revision_holds_the_authorisations_and_how_far_the_feed_came(fed: Desk) -> None:
    before = fed.live.snapshot.revision

    fed.clock.seconds += 60
    done = await fed.do("aeo.tell", lines=[line(1), alive(2)])

    feed = fed.live.snapshot.status_feeds.get("NL")
    assert feed is not None
    assert (done.revision, feed.sequence, feed.heard_at) == (before + 1, 2, START + 60)


async def test_a_reversal_keeps_the_history_also_within_one_telling(fed: Desk) -> None:
    await fed.do("aeo.tell", lines=[line(1), line(2, status="suspended", reason_class="B"), line(3)])

    shown = await fed.show("aeo.show", number="NLAEOF1")
    assert [each["status"] for each in shown["versions"]] == ["valid", "suspended", "valid"]


async def test_what_was_told_before_changes_nothing(fed: Desk) -> None:
    await fed.do("aeo.tell", lines=[line(1), line(2, status="suspended")])

    done = await fed.do("aeo.tell", lines=[line(1)])

    assert (done.changed, held(fed).status) == ((), AEOStatus.SUSPENDED)


async def test_a_gap_refuses_all_that_is_told_with_it(fed: Desk) -> None:
    faults = await fed.refused("aeo.tell", lines=[line(1), line(3), line(4)])

    assert faults == {"line 2": "STATUS_GAP", "line 3": "STATUS_GAP"}
    await fed.do("aeo.tell", lines=[line(1), line(2), line(3), line(4)])


@pytest.mark.parametrize(
    "foreign",
    [line(1, key=OTHER), line(1, iss="BE"), line(1)[:-8] + "AAAAAAAA"],
    ids=["another's key", "an issuer without a feed", "a signature that does not hold"],
)
async def test_what_the_administration_did_not_sign_is_refused(fed: Desk, foreign: str) -> None:
    assert await fed.refused("aeo.tell", lines=[foreign]) == {"line 1": "STATUS_FOREIGN"}


async def test_a_key_of_one_administration_signs_nothing_for_another(fed: Desk) -> None:
    await fed.do("aeo.feed.add", issuer="BE", keys=[public_pem(OTHER)])

    assert await fed.refused("aeo.tell", lines=[line(1, key=OTHER)]) == {"line 1": "STATUS_FOREIGN"}
    await fed.do("aeo.tell", lines=[line(1, key=OTHER, iss="BE")])


@pytest.mark.parametrize(
    "malformed",
    ["", "a.b", "a.b.c.d.e", line(1) + "=", line(1, typ="JWT"), line(1, format="customs-hub-aeo-status/2"),
     line("1"), line(0), line(1, more=1), line(1, status="paused"), "x" * 9_000],
)  # fmt: skip
async def test_what_is_no_message_is_refused_without_echo(fed: Desk, malformed: str) -> None:
    assert await fed.refused("aeo.tell", lines=[malformed]) == {"line 1": "STATUS_MALFORMED"}


@pytest.mark.parametrize(
    "more",
    [
        {"effective_from": "2026-01-02"},
        {"effective_from": None},
        {"iat": START + 31},
        {"valid_to": "2024-12-31"},
        {"valid_from": "2025-13-01"},
        {"valid_from": None},
        {"type": None},
        {"status": None},
        {"validated_on": "20250101"},
        {"reason_class": "why, in words"},
        {"number": "NLÄEOF1"},
    ],
)
async def test_what_cannot_be_so_is_refused(fed: Desk, more: dict[str, Any]) -> None:
    assert await fed.refused("aeo.tell", lines=[line(1, **more)]) == {"line 1": "STATUS_INVALID"}


async def test_all_faults_are_told_at_once_each_with_its_line(fed: Desk) -> None:
    faults = await fed.refused("aeo.tell", lines=["?", line(1, key=OTHER), line(1, type=None), line(9)])

    assert list(faults.values()) == ["STATUS_MALFORMED", "STATUS_FOREIGN", "STATUS_INVALID", "STATUS_GAP"]


async def test_a_company_that_is_no_partner_leaves_nothing_but_the_sequence(fed: Desk) -> None:
    await fed.do("aeo.tell", lines=[line(1, holder={"scheme": "eori", "value": "BE0999"}), line(2, holder=None)])

    assert len(fed.live.snapshot.authorisations) == 0
    feed = fed.live.snapshot.status_feeds.get("NL")
    assert feed is not None
    assert feed.sequence == 2


async def test_a_feed_keeps_its_place_when_its_keys_change(fed: Desk) -> None:
    await fed.do("aeo.tell", lines=[line(1)])

    await fed.do("aeo.feed.add", issuer="NL", keys=[public_pem(OTHER)])

    assert await fed.refused("aeo.tell", lines=[line(2)]) == {"line 1": "STATUS_FOREIGN"}
    await fed.do("aeo.tell", lines=[line(2, key=OTHER, status="revoked")])
    assert held(fed).status is AEOStatus.REVOKED


async def test_after_its_end_nothing_of_a_feed_is_believed(fed: Desk) -> None:
    await fed.do("aeo.feed.end", issuer="NL")

    assert await fed.refused("aeo.tell", lines=[line(1)]) == {"line 1": "STATUS_FOREIGN"}


async def test_keys_that_the_hub_does_not_take_register_no_feed(desk: Desk) -> None:
    faults = await desk.refused("aeo.feed.add", issuer="ZZ", keys=["no key"])

    assert faults == {"/issuer": "ACT_VALUE_INVALID", "/keys/0": "ACT_KEY_REFUSED"}
    assert await desk.refused("aeo.feed.add", issuer="NL", keys=[]) == {"/keys": "ACT_VALUE_INVALID"}


async def test_a_message_needs_no_operator_since_its_issuer_signed_it(fed: Desk) -> None:
    await Office(fed).open()

    done = await fed.do("aeo.tell", lines=[line(1)])

    [event] = await fed.live.audit(done.revision - 1, 1)
    assert (orjson.loads(event)["authority"], orjson.loads(event)["actor"]) == ("issuer", "ada")


async def test_whoever_watches_is_told_of_what_was_refused(fed: Desk) -> None:
    told: list[tuple[str, str]] = []
    fed.registrar.on_refusal(lambda act, _, faults: told.extend((act, fault.code) for fault in faults))

    await fed.refused("aeo.tell", lines=[line(2)])

    assert told == [("aeo.tell", "STATUS_GAP")]


async def test_a_status_finds_no_partner_that_two_have_not_approved(desk: Desk) -> None:
    await desk.do("partner.apply", id="crony", name="C", country="NL", roles=["exporter"], identifiers=[EORI])
    await desk.do("partner.vet", id="crony")
    await desk.do("aeo.feed.add", issuer="NL", keys=[public_pem(KEY)])

    await desk.do("aeo.tell", lines=[line(1)])

    assert len(desk.live.snapshot.authorisations) == 0


async def test_a_partner_is_found_by_the_identifiers_that_it_has_now(desk: Desk) -> None:
    await desk.enrol("zephyr", identifiers=[EORI])
    identifier = Identifier(**EORI)
    assert desk.live.snapshot.partner_of(identifier) == "zephyr"

    await desk.do("partner.leave", id="zephyr")

    assert desk.live.snapshot.partner_of(identifier) is None
