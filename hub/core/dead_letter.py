"""Dead letters: what was set aside in `hub.quarantine` until an operator settles it, and what was decided of it.

Not to be mixed up with copies of documents that an examination set apart (`hub/core/copies.py`): those are in no feed;
these are records that a feed, or an endpoint, did not get. The page is `schemas/formats/dead-letter.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from hashlib import sha256

import orjson
from msgspec import DecodeError, Struct

from hub.core.record import Position
from schemas.headers import EventHeader, Header, unpack

CONFLICT, FAILED, UNDELIVERED = "CONFLICT", "INTERNAL", "DELIVERY_FAILED"
"""The causes: another event has its identity; it could not be read or projected; an endpoint did not take it."""
CAUSES = (CONFLICT, FAILED, UNDELIVERED)
ID_CHARACTERS = 32


class LetterState(StrEnum):
    WAITING = "waiting"
    RELEASED = "released"
    REPAIRED = "repaired"
    DISCARDED = "discarded"


class DeadLetter(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One record that was set aside. Position, cause and output say which are the same."""

    position: Position
    """The stamp of the record in `hub.events`."""
    cause: str
    output: str = ""
    """The feed (with its lane) that could not show it, or the id of the message that was given up; empty: all."""
    partner: str
    """Its publisher; of a failed delivery its recipient; empty where the record cannot be read."""
    agent: str = ""
    """Who sent it in its publisher's place; empty: nobody."""
    since_us: int
    """When it was set aside first, microseconds since 1970."""
    header: bytes
    """Packed, as it lay in the log (of a failed delivery: in the feed); empty where it did not fit."""
    value: bytes
    """Empty where it did not fit, of a failed delivery, once it is settled by a discard, and of letters beyond the
    partner's bound: their content is in the log alone."""
    digest: bytes = b""
    """SHA-256 of the value, which stays when that is gone."""
    said: Mapping[str, object] = {}
    """What its cause has to tell: feed and error, or endpoint, attempts and the last answer."""
    state: LetterState = LetterState.WAITING
    settled_us: int = 0
    by: str = ""
    """Who settled it."""
    why: str = ""
    tried: str = ""
    """The decision that last tried to settle it."""
    failure: str = ""
    """Why that came to nothing."""

    @property
    def id(self) -> str:
        return letter_id(self.position, self.cause, self.output)

    @property
    def feed(self) -> str:
        """With its lane: which could not show it, or whose endpoint did not take it; empty: it is about none."""
        return str(self.said.get("feed", ""))

    @property
    def is_in_log_alone(self) -> bool:
        return self.state is LetterState.WAITING and not self.value and bool(self.digest)

    @property
    def event(self) -> EventHeader | None:
        """Of the event that it is; None where it cannot be read, and of a failed delivery."""
        header = self.opened
        return header if isinstance(header, EventHeader) else None

    @property
    def opened(self) -> Header | None:
        try:
            return unpack(self.header)
        except DecodeError:
            return None


def letter_id(position: Position, cause: str, output: str) -> str:
    """The same however often the letter is written to quarantine."""
    parts = f"{position.generation}.{position.partition}.{position.offset}\x1f{cause}\x1f{output}"
    return sha256(parts.encode()).hexdigest()[:ID_CHARACTERS]


class Outcome(StrEnum):
    RELEASE = "release"
    """Again as it is: as a new version, or to the endpoint once more."""
    REPAIR = "repair"
    """A new version with corrected data."""
    DISCARD = "discard"


class Settlement(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What operators decided of some letters; the hub carries it out once for each version."""

    outcome: Outcome
    letters: tuple[str, ...] = ()
    """Their ids; empty: all of this cause and partner that were set aside by `before`."""
    cause: str = ""
    partner: str = ""
    corrected: str = ""
    """Of a repair: where the corrected data lie, which is their digest (`schemas/formats/dead-letter.md`)."""
    decided: int
    """Seconds since 1970."""
    before: int = 0
    """When it was proposed, seconds since 1970: what came later, nobody who signed it saw. 0: as it was decided."""
    actor: str
    reason: str
    per_second: int = 10
    failures_max: int = 3
    """So many failures in a row end it."""
    stopped: bool = False
    """An operator ended it: what is left waits."""

    @property
    def id(self) -> str:
        """Of what was asked: asked again, it is a new version."""
        asked = [self.outcome.value, sorted(self.letters), self.cause, self.partner, self.corrected]
        return f"{self.outcome.value}-{sha256(orjson.dumps(asked)).hexdigest()[:ID_CHARACTERS]}"

    @property
    def key(self) -> str:
        """Of this version of it."""
        return f"{self.id}@{self.decided}"

    def means(self, letter: DeadLetter) -> bool:
        if self.letters:
            return letter.id in self.letters
        is_asked = letter.cause == self.cause and letter.partner == self.partner
        return is_asked and letter.since_us < ((self.before or self.decided) + 1) * 1_000_000


class RunState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    """By an operator, or after too many failures in a row: what is left waits for another decision."""


class Run(Struct, frozen=True, kw_only=True):
    """How far one version of a settlement was carried out."""

    key: str
    state: RunState = RunState.RUNNING
    settled: int = 0
    failed: int = 0
    in_a_row: int = 0
    """Failures since the last that was settled."""
