"""A new version is tried on what was sent: who would fail, where and why, with nothing kept but counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from hub.core.errors import HubError
from hub.core.record import EVENTS, LogRecord, Stream
from hub.drivers.memory.event_log import MemoryEventLog
from hub.drivers.sqlite.event_log import SQLiteEventLog
from hub.drivers.sqlite.log_file import SQLiteLogFile
from hub.operate import rehearse as room
from hub.operate.rehearse import Outcome, document, rehearse
from hub.ports.event_log import EventLog, ReadableLog
from schemas.catalogue import EventType, drafted, examples, published
from schemas.headers import EventHeader, SealHeader, pack
from tests.clock import ManualClock

NAME = "customs.container.gate_in"
NOW_US = 1_795_338_000_000_000


def version(**data: Any) -> EventType:
    raw = published(NAME, "1.0")
    assert raw is not None
    schema = orjson.loads(raw)
    schema["$id"] = schema["$id"].replace(":1.0", ":1.1")
    schema["$defs"]["data"]["properties"] |= data
    return drafted(schema)


LIGHT = version(weighed_mass_kg={"description": "the mass", "type": "number", "maximum": 10_000})


def record(number: int, publisher: str = "terminal", *, format: str = "ce-json/1", **data: Any) -> LogRecord:  # noqa: A002
    event = examples(NAME)["valid-weighed"]
    event["data"] |= data
    header = EventHeader(
        publisher, "tos", event["source"], f"e-{number}", None, event["type"], f"urn:customs-hub:schema:{NAME}:1.0",
        NOW_US, b"", b"", b"", 1, ("trusted", "NL", (), None), format, "",
    )  # fmt: skip
    return LogRecord(b"", pack(header), orjson.dumps(event))


async def filled(log: EventLog, *batches: list[LogRecord]) -> EventLog:
    await log.declare(Stream(EVENTS, 1))
    for batch in batches:
        assert isinstance(await log.append(EVENTS, 0, batch), int)
    return log


async def outcome_of(log: ReadableLog, kind: EventType, since_us: int = 0) -> Outcome:
    return await rehearse(log, kind, partitions=1, since_us=since_us)


async def test_a_version_that_takes_all_fails_nobody() -> None:
    log = await filled(MemoryEventLog(ManualClock()), [record(1), record(2, "depot")])

    outcome = await outcome_of(log, version())

    assert (outcome.events, outcome.failing, set(outcome.partners)) == (2, 0, {"terminal", "depot"})


async def test_it_tells_who_would_fail_where_and_why_with_examples() -> None:
    heavy = [record(number, weighed_mass_kg=20_000) for number in range(8)]
    log = await filled(
        MemoryEventLog(ManualClock()), [*heavy, record(9, weighed_mass_kg=1)], [record(10, "depot", weighed_mass_kg=1)]
    )

    told = document(await outcome_of(log, LIGHT))

    assert (told["events"], told["failing"], told["codes"]) == (10, 8, {"VALUE_RANGE": 8})
    first, second = told["partners"]
    assert (first["partner"], first["failing"], first["share"]) == ("terminal", 8, 0.8889)
    assert [(each["code"], each["place"], each["count"]) for each in first["faults"]] == [
        ("VALUE_RANGE", "/data/weighed_mass_kg", 8)
    ]
    assert [each["id"] for each in first["faults"][0]["examples"]] == ["e-0", "e-1", "e-2", "e-3", "e-4"]
    assert (second["partner"], second["failing"], second["faults"]) == ("depot", 0, [])


async def test_places_in_arrays_are_told_together() -> None:
    seals = [{"number": "A1"}, {"number": "B2"}]
    strict = version(
        seals={
            "description": "seals",
            "type": "array",
            "maxItems": 9,
            "items": {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}},
        }
    )
    log = await filled(MemoryEventLog(ManualClock()), [record(1, seals=seals)])

    told = document(await outcome_of(log, strict))

    assert [each["place"] for each in told["partners"][0]["faults"]] == ["/data/seals/*/kind"]
    assert told["partners"][0]["faults"][0]["count"] == 1


async def test_a_translated_event_may_lack_what_its_format_cannot_carry() -> None:
    native, foreign = record(1), record(2, format="epcis/2.0")
    bare = [LogRecord(b"", each.header, each.value.replace(b'"empty":false,', b"")) for each in (native, foreign)]
    log = await filled(MemoryEventLog(ManualClock()), bare)

    outcome = await outcome_of(log, version())

    assert (outcome.events, outcome.failing) == (2, 1)


async def test_binary_mode_is_put_together_before_it_is_judged() -> None:
    event = orjson.loads(record(1).value)
    attributes = {name: value for name, value in event.items() if name not in ("data", "specversion")}
    header = EventHeader(
        "terminal", "tos", "s", "i", None, NAME, "", NOW_US, b"", b"", b"", 1, ("trusted", "NL", (), None),
        "ce-binary/1", "", attributes=attributes,
    )  # fmt: skip
    log = await filled(MemoryEventLog(ManualClock()), [LogRecord(b"", pack(header), orjson.dumps(event["data"]))])

    assert (await outcome_of(log, version())).failing == 0
    assert (await outcome_of(log, LIGHT)).failing == 1


async def test_what_is_no_event_of_the_type_is_passed_over_and_what_is_damaged_is_counted() -> None:
    seal = LogRecord(b"", pack(SealHeader(b"{}", b"")), b"")
    other = LogRecord(b"", record(1).header.replace(b"gate_in", b"gate_up"), b"{")
    damaged = [LogRecord(b"", record(1).header, b"{"), LogRecord(b"", b"\xff", b"{}")]
    log = await filled(MemoryEventLog(ManualClock()), [seal, other, *damaged])

    outcome = await outcome_of(log, version())

    assert (outcome.records, outcome.events, outcome.unreadable) == (4, 0, 2)


async def test_only_the_last_days_are_looked_at() -> None:
    clock = ManualClock()
    log = await filled(MemoryEventLog(clock), *[[record(number)] for number in range(5)])
    clock.advance(86_400)
    before_us = clock.now_us()
    for number in range(5, 8):
        await log.append(EVENTS, 0, [record(number)])

    assert (await outcome_of(log, version(), since_us=before_us)).events == 3
    assert (await outcome_of(log, version(), since_us=before_us + 1)).events == 0


async def test_beyond_a_bound_failures_are_counted_and_no_longer_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "DETAILED_MAX", 3)
    monkeypatch.setattr(room, "DETAILED_PARTNER_MIN", 2)
    log = await filled(MemoryEventLog(ManualClock()), [record(number) for number in range(9)])

    trial = (await outcome_of(log, LIGHT)).partners["terminal"]

    assert (trial.failing, trial.detailed, trial.faults[("VALUE_RANGE", "/data/weighed_mass_kg")].count) == (9, 3, 3)


async def test_partners_and_faults_beyond_their_bounds_are_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PARTNERS_MAX", 1)
    monkeypatch.setattr(room, "PLACES_MAX", 0)
    log = await filled(MemoryEventLog(ManualClock()), [record(1), record(2, "depot"), record(3, "carrier")])

    outcome = await outcome_of(log, LIGHT)

    assert {name: trial.events for name, trial in outcome.partners.items()} == {"terminal": 1, "": 2}
    assert set(outcome.partners["terminal"].faults) == {("TOO_MANY_FAULTS", "")}


async def test_the_file_of_a_log_is_read_beside_the_process_that_writes_it(tmp_path: Path) -> None:
    async with SQLiteEventLog(tmp_path / "log.db", ManualClock()) as log:
        await filled(log, [record(1), record(2)], [record(3)])
        file = SQLiteLogFile(tmp_path / "log.db")

        seen = await outcome_of(file, version())
        await log.append(EVENTS, 0, [record(4)])
        later = await outcome_of(file, version())
        file.close()

    assert (seen.events, later.events) == (3, 4)


async def test_the_file_of_a_log_that_has_ended_is_read_and_left_as_it_is(tmp_path: Path) -> None:
    async with SQLiteEventLog(tmp_path / "log.db", ManualClock()) as log:
        await filled(log, [record(1)])
    before = (tmp_path / "log.db").read_bytes()

    file = SQLiteLogFile(tmp_path / "log.db")
    outcome = await outcome_of(file, LIGHT)
    file.close()

    assert outcome.failing == 1
    assert (tmp_path / "log.db").read_bytes() == before


def test_where_there_is_no_log_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "other.db").write_bytes(b"")

    with pytest.raises(HubError, match="no log"):
        SQLiteLogFile(tmp_path / "log.db")
    with pytest.raises(HubError, match="layout"):
        SQLiteLogFile(tmp_path / "other.db")
