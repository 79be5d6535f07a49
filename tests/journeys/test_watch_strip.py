"""A folder that leaves out what no agreement covers: what is sent, what lies beside it, what is not sent at all."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from connectors.partner import ReceiptBook
from tests.edifact import interchange, message
from tests.journeys.test_agreement import TERMS, Journey, journey
from tests.wire.test_interchanges import ZONED
from tests.world import event

__all__ = ["journey"]
TABLE = (
    "Container number;Date and time;Kind of time;Empty;Place: UN/LOCODE;Remarks\r\n"
    f"CSQU3054383;{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ};ACTUAL;no;NLRTM;call Jan\r\n"
)


@pytest.fixture
async def drop(journey: Journey) -> Path:
    await journey.officer("agreement", "add", "gates", "--partner", "terminal", *TERMS)
    folder = journey.folder / "drop"
    folder.mkdir()
    return folder


async def watched(journey: Journey, drop: Path, *more: object, exits: int = 0) -> str:
    arguments = (drop, "--once", "--interval", "0.1", "--type", "customs.container.gate_in", "--strip", *more)
    return await journey.side("terminal", "watch", *arguments, exits=exits)


async def test_events_and_tables_are_sent_without_and_their_receipts_are_of_what_was_sent(
    journey: Journey,
    drop: Path,
) -> None:
    sent = orjson.dumps(event("gate-1", remarks="ask for Jan"))
    (drop / "one.json").write_bytes(sent)
    (drop / "moves.csv").write_text(TABLE)

    await watched(journey, drop, "--receipts", journey.folder / "receipts")

    assert (drop / "done" / "one.json").read_bytes() == sent
    for name in ("one.json.sent.json", "moves.csv.sent.csv"):
        assert "Jan" not in (drop / "done" / name).read_text()
    assert "faults" not in orjson.loads((drop / "done" / "one.json.result.json").read_bytes())["items"][0]
    assert "FIELD_NOT_NEEDED" not in (drop / "done" / "moves.csv.result.json").read_text()
    assert len([*ReceiptBook(journey.folder / "receipts")]) == 1


async def test_what_needs_nothing_left_out_is_sent_as_it_is(journey: Journey, drop: Path) -> None:
    (drop / "one.json").write_bytes(orjson.dumps(event("gate-1")))

    await watched(journey, drop)

    assert sorted(each.name for each in (drop / "done").iterdir()) == ["one.json", "one.json.result.json"]


async def test_a_format_that_cannot_do_without_is_not_sent_and_its_result_names_the_places(
    journey: Journey,
    drop: Path,
) -> None:
    (drop / "moves.edi").write_bytes(interchange(message("CODECO", *ZONED)))

    told = await watched(journey, drop, exits=1)

    result = orjson.loads((drop / "refused" / "moves.edi.result.json").read_bytes())
    assert result["code"] == "FIELD_NOT_NEEDED"
    assert "Nothing was sent" in result["detail"]
    assert {"found": "seals", "place": "message 1, segment 11 (SEL), element 1"}.items() <= max(
        result["faults"], key=lambda each: each["place"].startswith("message 1, segment 11 (SEL), ")
    ).items()
    assert "FIELD_NOT_NEEDED" in told


async def test_stripping_goes_by_ones_own_agreements_alone(journey: Journey, drop: Path) -> None:
    assert "your own agreements" in await watched(journey, drop, "--on-behalf-of", "other", exits=1)
