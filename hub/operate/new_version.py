"""The new version that a release or a repair makes of an event that was set aside.

It is a function of letter and decision alone: made again after a crash it is the same event with the same identity, and
the log shows it once. The page is `schemas/formats/dead-letter.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.core.dead_letter import DeadLetter, LetterState
from hub.operate.letter_desk import json_of
from hub.trust.statement import utc_text
from schemas.headers import EventHeader
from schemas.identity import instant_us

MARK = "quarantine"
"""The member of `data.extensions` by which a reader knows it."""
_SECOND_US = 1_000_000


def new_version(
    letter: DeadLetter, header: EventHeader, data: Mapping[str, Any] | None, *, decided: int
) -> dict[str, Any] | None:
    """The event with `data`, or as it is where that is None; None where what was kept is no event any more.

    Whoever decided so, and why, stays with the administration.
    """
    event = json_of(header, letter.value)
    if event is None or not isinstance(event.get("data"), dict):
        return None
    outcome = LetterState.RELEASED if data is None else LetterState.REPAIRED
    marked = {"outcome": outcome.value}
    if header.version is not None:
        marked["of"] = header.version
    members: dict[str, Any] = dict(event["data"] if data is None else data)
    extensions = members.get("extensions")
    members["extensions"] = {**(extensions if isinstance(extensions, dict) else {}), MARK: marked}
    members["updated_at"] = utc_text(_updated_us(letter, header, decided))
    return {**event, "dataschema": header.dataschema, "data": members}


def _updated_us(letter: DeadLetter, header: EventHeader, decided: int) -> int:
    """Within the second before the decision, and above the version that it was: letters of one decision that have one
    identity become different versions, in the order in which they came."""
    updated_us = (decided - 1) * _SECOND_US + letter.position.offset % _SECOND_US
    before_us = instant_us(header.version) if header.version is not None else None
    return updated_us if before_us is None else max(updated_us, before_us + 1 + letter.position.offset % _SECOND_US)
