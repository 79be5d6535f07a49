"""What a folder sends in a file's place is what it sends again, whatever agreements say by then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.watch.journal import Journal
from connectors.watch.reply import Mark
from connectors.watch.stripping import Stripping
from tests.world import GATE_IN, event

ALL = ["occurred_at", "time_kind", "subjects", "place", "empty"]
EVENT = orjson.dumps(event("gate-1"))


class Agreed:
    """A hub that is asked for agreements alone."""

    def __init__(self, *members: str) -> None:
        self.members = members

    async def get(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        return {"needed": {GATE_IN: self.members}}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal.db")
    yield journal
    journal.close()


async def sent(journal: Journal, agreed: Agreed) -> object:
    """What the one file of a folder is sent as, by another run each time."""
    place = journal.take("one.json", "00", len(EVENT), 0.0).place
    mark = Mark("", "", print, lambda ending, content: journal.note_sent(place, ending, content), journal.sent(place))
    stripping = Stripping(agreed, event_type=None, source=None)  # type: ignore[arg-type]
    return await stripping.sent("native", EVENT, mark)


@pytest.mark.parametrize(("before", "after"), [(ALL, ALL[:-1]), (ALL[:-1], ALL)], ids=["narrower", "wider"])
async def test_it_is_the_same_bytes_when_agreements_change_in_between(
    journal: Journal, before: list[str], after: list[str]
) -> None:
    first = await sent(journal, Agreed(*before))

    assert await sent(journal, Agreed(*after)) == first
    assert (first == EVENT) is (before == ALL)


async def test_beside_what_was_sent_as_it_is_nothing_but_its_result_is_laid(journal: Journal) -> None:
    await sent(journal, Agreed(*ALL))
    place = journal.take("one.json", "00", len(EVENT), 0.0).place

    journal.answer(place, "done", "one.json", "{}", {".result.json": b"{}"})

    assert [*journal.results(place)] == [(".result.json", b"{}")]
