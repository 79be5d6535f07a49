"""Validate: an identity for what breaks no rule, every fault for what does; and the statement that follows from it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from hub.core.errors import Refusal
from hub.core.evidence import Permit, ValidEvent
from hub.core.partner import Partner, Role, System, Tier
from hub.core.record import partition_of
from hub.intake.validate import unstatable_by, validate
from hub.trust.batch import SealedBatch
from hub.trust.statement import STATEMENT_BYTES_MAX
from schemas.headers import FLAG_LATE, EventHeader, unpack
from schemas.identity import identity_key
from tests.unit.valid_events import FACTS, KIND, NOW_US, PRINCIPAL, decoded, event, valid

LONGEST = Partner("p" * 32, "P", "NL", (Role.TERMINAL,), Tier.TRUSTED)
AGENT = Partner("a" * 32, "A", "NL", (Role.BROKER,), Tier.TRUSTED)


def outcome(sent: dict[str, Any], partner: Partner = PRINCIPAL.partner) -> ValidEvent | Refusal:
    principal = type(PRINCIPAL)(
        partner, System(f"{partner.id}.{'s' * 32}", partner.id, ()), "key", frozenset(), 1 << 40
    )
    permit = Permit(principal, KIND, FACTS, 7)  # type: ignore[arg-type]
    return validate(permit, decoded(sent), now_us=NOW_US, partitions=8)


def codes(sent: dict[str, Any]) -> set[tuple[str, str]]:
    refusal = outcome(sent)
    assert isinstance(refusal, Refusal)
    return {(each.code, each.place) for each in refusal.faults}


def test_a_valid_event_has_the_identity_partition_and_object_of_its_page() -> None:
    found = outcome(event("a", updated_at="2026-11-22T10:00:00.500+01:00"))

    assert isinstance(found, ValidEvent)
    assert found.version == "2026-11-22T09:00:00.5Z"
    assert found.identity == identity_key("delta", "urn:delta", "a", found.version)
    assert found.partition == partition_of("delta", "urn:delta", 8)
    assert (found.key, found.received_us) == ("iso6346:MSKU1234565", NOW_US)


def test_the_publisher_comes_from_the_credential_alone() -> None:
    one, other = valid("a"), outcome(event("a") | {"publisher": "echo"}, LONGEST)

    assert isinstance(other, ValidEvent)
    assert other.identity == identity_key(LONGEST.id, "urn:delta", "a", None) != one.identity


def test_all_faults_of_an_event_are_told_at_once() -> None:
    sent = event("", time_kind="SOMETIMES", empty="no", occurred_at="2026-11-22T09:00:00")

    assert codes(sent) >= {
        ("VALUE_LENGTH", "/id"),
        ("VALUE_NOT_ALLOWED", "/data/time_kind"),
        ("TYPE_WRONG", "/data/empty"),
        ("TIME_INVALID", "/data/occurred_at"),
    }


def test_warnings_stay_beside_a_valid_event_and_go_into_its_header() -> None:
    found = outcome(event("a", colour="blue", occurred_at="2026-11-01T09:00:00Z"))

    assert isinstance(found, ValidEvent)
    assert [each.code for each in found.warnings] == ["MEMBER_UNKNOWN"]
    header = header_in(found)
    assert (header.warnings, header.flags & FLAG_LATE) == (("MEMBER_UNKNOWN",), FLAG_LATE)


def sealed(*events: ValidEvent, hub: str = "hub") -> SealedBatch:
    salts = bytes(range(16)) * len(events)
    return SealedBatch.make(events, hub=hub, salts=salts, time_us=NOW_US, key_id="k" * 43, sign=lambda _: b"s" * 64)


def header_in(found: ValidEvent) -> EventHeader:
    header = unpack(sealed(found).records[0].header)
    assert isinstance(header, EventHeader)
    return header


@pytest.mark.parametrize("letter", ["x", "é", "界", "😀"])
def test_the_longest_identity_fits_into_a_statement(letter: str) -> None:
    longest = (letter * 256).encode()[:256].decode(errors="ignore")
    sent = event(longest, source=("urn:" + "x" * 256)[:256], updated_at="2026-11-22T09:00:00.123456789Z")

    found = outcome(sent, LONGEST)

    assert isinstance(found, ValidEvent), found
    assert len(sealed(found, hub="h" * 64).statements[0]) <= STATEMENT_BYTES_MAX


def quoted(quotes: int) -> dict[str, Any]:
    """An event with the longest identity there is, in which so many quotes are to be escaped."""
    text = "x" * (256 - quotes) + '"' * quotes
    return event(text, source=("urn:" + "x" * 256)[:256], updated_at="2026-11-22T09:00:00.123456789Z")


def test_an_identity_whose_statement_would_not_fit_is_refused() -> None:
    assert codes(quoted(256)) == {("IDENTITY_TOO_LONG", "/id")}


def test_every_identity_that_is_taken_has_a_statement_that_fits() -> None:
    taken = [found for quotes in range(257) if isinstance(found := outcome(quoted(quotes), LONGEST), ValidEvent)]

    assert 0 < len(taken) < 257
    assert max(len(statement) for statement in sealed(*taken, hub="h" * 64).statements) <= STATEMENT_BYTES_MAX


def test_what_an_agent_sends_has_a_statement_that_fits_or_is_refused() -> None:
    agents = System(f"{AGENT.id}.{'s' * 32}", AGENT.id, ())
    principal = type(PRINCIPAL)(LONGEST, agents, "key", frozenset(), 1 << 40, AGENT)
    taken, refused = [], 0
    for quotes in range(257):
        found = validate(Permit(principal, KIND, FACTS, 7), decoded(quoted(quotes)), now_us=NOW_US, partitions=8)  # type: ignore[arg-type]
        if isinstance(found, ValidEvent) and unstatable_by(principal, found.source, found.id) is None:
            taken.append(found)
        refused += isinstance(found, ValidEvent) and unstatable_by(principal, found.source, found.id) is not None

    shorter = decoded(event("x" * 128, source="urn:" + "x" * 100))
    found = validate(Permit(principal, KIND, FACTS, 7), shorter, now_us=NOW_US, partitions=8)  # type: ignore[arg-type]
    assert isinstance(found, ValidEvent)
    assert unstatable_by(principal, found.source, found.id) is None
    assert refused
    assert max(len(each) for each in sealed(*taken, found, hub="h" * 64).statements) <= STATEMENT_BYTES_MAX


def test_a_header_holds_everything_that_its_statement_is_made_of() -> None:
    found = valid("a")
    batch = sealed(found)
    header = header_in(found)
    statement = orjson.loads(batch.statements[0])

    assert (statement["publisher"], statement["source"], statement["id"]) == ("delta", "urn:delta", "a")
    assert statement["raw_sha256"] == header.raw_digest.hex() == found.raw_digest.hex()
    assert (header.submitted_by, header.revision, header.facts) == (
        "delta.tos",
        1,
        ("trusted", "NL", ("terminal",), None),
    )
    assert (header.format, header.attributes, header.salt) == ("ce-json/1", None, bytes(range(16)))
    assert batch.records[0].value == found.raw
