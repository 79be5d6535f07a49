"""What every registry promises. No test here asks which driver it has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import orjson
import pytest
from msgspec.structs import replace

from hub.core.aeo import AEOStatus, AEOType, Arrangement, Authorisation, StatusFeed
from hub.core.agreement import Agreement, Provider, Purpose
from hub.core.approval import PendingProposal, Review, Signature
from hub.core.errors import StorageFull
from hub.core.feed import Feed
from hub.core.issuer import IssuerKey
from hub.core.mandate import Mandate, SignedText
from hub.core.operator import Operator, OperatorKey, OperatorRole
from hub.core.partner import EDIProfile, Identifier, Partner, PublicKey, Role, System, Tier
from hub.core.proposal import AT_ONCE_MAX, Conflict, Proposal
from hub.core.registry import Registered, Snapshot
from hub.drivers.memory.registry import MemoryRegistry
from hub.drivers.sqlite.registry import SQLiteRegistry
from hub.ports.registry import Registry
from schemas.translate.edifact.codes import Meaning
from schemas.translate.edifact.profile import Profile
from tests.contracts.grounds import marked
from tests.contracts.state_grounds import postgres_in

TIME_US = 1_767_225_600_000_000

EXPORTER = Partner(
    "zephyr",
    "Zephyr Exports",
    "NL",
    (Role.EXPORTER,),
    Tier.AEO,
    identifiers=(Identifier("eori", "NL123456789"),),
    time_zone="Europe/Amsterdam",
    edi_senders=("ZEPHYR", "ZEPHYR2"),
)
TOLERATED = frozenset({"SEGMENT_COUNT_WRONG", "TEST_INTERCHANGE"})
OBJECTS: tuple[Registered, ...] = (
    EXPORTER,
    EDIProfile("zephyr", Profile(documents={"CODECO": {"98": Meaning("container.gate_out")}}, tolerated=TOLERATED)),
    System("zephyr.erp", "zephyr", ("events:write",)),
    PublicKey("kid", "zephyr.erp", "EdDSA", {"kty": "OKP", "crv": "Ed25519", "x": "AA"}),
    IssuerKey("did:web:a.example", "k", "A", {"kty": "OKP", "crv": "Ed25519", "x": "AA"}, "EdDSA", valid_until=2),
    Authorisation("NL", "NLAEOF1", "zephyr", AEOType.F, "2025-01-01", validated_on="2025-06-01"),
    Arrangement("benelux", ("NL", "BE"), "2025-01-01", types=(AEOType.S,), stale_after_seconds=86_400),
    StatusFeed("BE", ({"kty": "OKP", "crv": "Ed25519", "x": "AA"},), 7, 1_767_225_600),
    Agreement("a1", Provider(role=Role.EXPORTER), ("*",), "risk", Purpose.SECURITY_RISK, ("*",), 1_700_000_000),
    Mandate(
        "zephyr", "m1", "broker", "zephyr", ("*",), 1, 2, SignedText("{}", ("a.b.c",)), sources=("urn:é",), under="a/b"
    ),
    Operator("ann", "Ann", (OperatorRole.SECURITY_OFFICER,), (OperatorKey("k", "EdDSA", {"kty": "OKP"}),), until=9),
    PendingProposal("a" * 64, "partner.add", "{}", (Signature("ann", "a..b"),), 1_767_225_600),
    Review("7", "key.revoke", ("ann",), (("key", "kid"),), 1_767_225_600, note="é"),
    Feed("seals", "risk", Purpose.SECURITY_RISK, ("customs.seal.*",), "time_kind = ACTUAL"),
)


@asynccontextmanager
async def _memory(directory: Path) -> AsyncIterator[Registry]:
    yield MemoryRegistry()


@asynccontextmanager
async def _sqlite(directory: Path) -> AsyncIterator[Registry]:
    async with SQLiteRegistry.open(directory / "registry.sqlite") as registry:
        yield registry


@asynccontextmanager
async def _postgres(directory: Path) -> AsyncIterator[Registry]:
    async with postgres_in(directory) as state:
        yield state.registry


GROUNDS: dict[str, Callable[[Path], AbstractAsyncContextManager[Registry]]] = {
    "memory": _memory,
    "sqlite": _sqlite,
    "postgres": _postgres,
}


@pytest.fixture(params=marked(GROUNDS))
async def registry(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Registry]:
    async with GROUNDS[request.param](tmp_path) as opened:
        yield opened


def proposal(based_on: int, *changes: Registered, reason: str = "") -> Proposal:
    return Proposal(based_on, changes or (EXPORTER,), actor="ada", act="partner.add", reason=reason)


AUTHORISATION = Authorisation("NL", "NLAEOF9", "zephyr", AEOType.F, "2025-01-01")


async def test_a_new_registry_stands_at_revision_zero_and_holds_nothing(registry: Registry) -> None:
    assert await registry.head() == 0
    assert list(await registry.load(0)) == []
    assert list(await registry.audit(0, 10)) == []


async def test_every_kind_of_object_comes_back_as_it_was_written(registry: Registry) -> None:
    await registry.write(proposal(0, *OBJECTS, reason="set-up"), time_us=TIME_US)

    versions = await registry.load(0)

    assert tuple(version.object for version in versions) == OBJECTS
    assert {(v.revision, v.actor, v.reason, v.time_us) for v in versions} == {(1, "ada", "set-up", TIME_US)}


async def test_a_revision_may_hold_several_versions_of_an_object_in_their_order(registry: Registry) -> None:
    suspended, valid = (replace(AUTHORISATION, status=status) for status in (AEOStatus.SUSPENDED, AEOStatus.VALID))
    await registry.write(proposal(0, AUTHORISATION, suspended, valid), time_us=1)

    snapshot = Snapshot()
    snapshot.apply(await registry.load(0))

    assert snapshot.authorisations.versions(AUTHORISATION.id) == [(1, AUTHORISATION), (1, suspended), (1, valid)]
    assert snapshot.authorisations.changed_after(0) == [(1, AUTHORISATION.id)] * 3
    assert snapshot.authorisations.changed_after(1) == []


async def test_a_large_revision_is_one_in_its_order_and_in_the_trail(registry: Registry) -> None:
    many = tuple(System(f"zephyr.s{number}", "zephyr", ()) for number in range(2 * AT_ONCE_MAX + 1))

    await registry.write(proposal(0, *many), time_us=TIME_US)

    assert tuple(version.object for version in await registry.load(0)) == many
    [event] = [orjson.loads(each) for each in await registry.audit(0, 10)]
    assert [change["id"] for change in event["changes"]] == [each.id for each in many]


async def test_a_reason_may_be_any_text(registry: Registry) -> None:
    reason = "größer\x00\x1f\N{SHIP}" * 1_000

    await registry.write(proposal(0, reason=reason), time_us=TIME_US)

    assert [version.reason for version in await registry.load(0)] == [reason]


async def test_each_write_is_one_revision_and_load_returns_only_what_is_newer(registry: Registry) -> None:
    await registry.write(proposal(0, *OBJECTS), time_us=TIME_US)
    await registry.write(proposal(1, System("zephyr.wms", "zephyr", ())), time_us=TIME_US)

    newer = await registry.load(1)

    assert await registry.head() == 2
    assert [(version.revision, version.object) for version in newer] == [(2, System("zephyr.wms", "zephyr", ()))]


async def test_an_old_version_stays_when_a_new_one_is_written(registry: Registry) -> None:
    renamed = Partner("zephyr", "Zephyr Group", "NL", (Role.EXPORTER,), Tier.TRUSTED)
    await registry.write(proposal(0, EXPORTER), time_us=TIME_US)
    await registry.write(proposal(1, renamed), time_us=TIME_US)
    snapshot = Snapshot()

    snapshot.apply(await registry.load(0))

    assert snapshot.partners.at("zephyr", 1) == EXPORTER
    assert snapshot.partners.at("zephyr", 2) == renamed


@pytest.mark.parametrize("based_on", [0, 2])
async def test_a_proposal_based_on_another_head_is_refused_and_writes_nothing(
    registry: Registry, based_on: int
) -> None:
    await registry.write(proposal(0), time_us=TIME_US)

    with pytest.raises(Conflict):
        await registry.write(proposal(based_on, *OBJECTS), time_us=TIME_US)

    assert await registry.head() == 1
    assert len(await registry.load(0)) == 1
    assert len(await registry.audit(0, 10)) == 1


async def test_of_many_writes_based_on_the_same_head_one_is_written(registry: Registry) -> None:
    async def attempt(name: str) -> bool:
        try:
            await registry.write(proposal(0, System(name, "zephyr", ())), time_us=TIME_US)
        except Conflict:
            return False
        return True

    outcomes = await asyncio.gather(*(attempt(f"zephyr.s{i}") for i in range(8)))

    assert outcomes.count(True) == 1
    assert await registry.head() == 1
    assert len(await registry.load(0)) == 1


async def test_the_audit_trail_holds_one_canonical_event_for_each_revision(registry: Registry) -> None:
    await registry.write(proposal(0, EXPORTER, reason="enrolment"), time_us=TIME_US)
    await registry.write(proposal(1, System("zephyr.erp", "zephyr", ())), time_us=TIME_US + 1)

    first, second = [orjson.loads(event) for event in await registry.audit(0, 10)]

    assert first["changes"][0]["object"]["identifiers"] == [{"scheme": "eori", "value": "NL123456789"}]
    assert (first["actor"], first["act"], first["reason"]) == ("ada", "partner.add", "enrolment")
    assert (second["revision"], second["based_on"], second["time_us"]) == (2, 1, TIME_US + 1)
    assert second["changes"][0]["kind"] == "system"


async def test_a_revision_that_changes_nothing_is_one_in_the_trail(registry: Registry) -> None:
    await registry.write(Proposal(0, (), actor="ada", act="aeo.reasons"), time_us=TIME_US)

    assert (await registry.head(), list(await registry.load(0))) == (1, [])
    assert [orjson.loads(event)["changes"] for event in await registry.audit(0, 10)] == [[]]


async def test_the_audit_trail_is_read_in_pages(registry: Registry) -> None:
    for revision in range(4):
        await registry.write(proposal(revision), time_us=TIME_US)

    page = await registry.audit(1, 2)

    assert [orjson.loads(event)["revision"] for event in page] == [2, 3]


@pytest.mark.parametrize("ground", marked(("sqlite", "postgres")))
async def test_what_was_written_is_there_after_closing_and_opening_again(ground: str, tmp_path: Path) -> None:
    async with GROUNDS[ground](tmp_path) as registry:
        await registry.write(proposal(0, *OBJECTS), time_us=TIME_US)

    async with GROUNDS[ground](tmp_path) as registry:
        assert await registry.head() == 1
        assert tuple(version.object for version in await registry.load(0)) == OBJECTS


async def test_a_full_disk_is_told_as_such_writes_nothing_and_passes_by_itself(tmp_path: Path) -> None:
    async def set_pages_max(registry: SQLiteRegistry, pages: int) -> None:
        async with registry._engine.connect() as connection:
            await connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    many = proposal(0, *(System(f"zephyr.s{i}", "zephyr", ("events:write",) * 50) for i in range(200)))
    async with SQLiteRegistry.open(tmp_path / "registry.sqlite") as registry:
        await set_pages_max(registry, 1)  # SQLite raises it to the size the file has.
        with pytest.raises(StorageFull):
            await registry.write(many, time_us=TIME_US)
        assert (await registry.head(), len(await registry.load(0))) == (0, 0)

        await set_pages_max(registry, 1_000_000)
        assert await registry.write(many, time_us=TIME_US) == 1
