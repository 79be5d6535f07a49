"""What customs answers a company: a closed set of kinds, what each may say, and how far an answer has come."""

from __future__ import annotations

from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Any

import orjson
from msgspec import Meta, Struct

TEXT_CHARACTERS_MAX = 2_000
OwnId = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9._-]{1,64}\Z")]
Language = Annotated[str, Meta(pattern=r"\A[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}\Z")]
"""BCP 47."""
Text = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=TEXT_CHARACTERS_MAX,
        pattern="\\A[^\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+\\Z",
    ),
]
"""Without control characters, and without those that turn the direction of what follows."""


class Kind(StrEnum):
    """What a notice asks of its reader, never why (`schemas/formats/notice.md`)."""

    RECEIVED = "received"
    """Received, and complete."""
    INFORMATION = "information-requested"
    HOLD = "hold"
    RELEASE = "release"
    INSPECTION = "inspection-appointment"
    RECALL = "recall"
    DISRUPTION = "disruption"
    ADVICE = "advice"
    DATA_QUALITY = "data-quality"

    @property
    def code(self) -> str:
        """Of what its reader meets."""
        return f"CUSTOMS_{self.upper().replace('-', '_')}"


class Defect(StrEnum):
    """What is wrong with the data of an event."""

    MISSING = "missing"
    MALFORMED = "malformed"
    WRONG_CODE = "wrong-code"
    IMPLAUSIBLE = "implausible"
    CONTRADICTORY = "contradictory"
    OUTDATED = "outdated"
    LATE = "late"
    DUPLICATE = "duplicate"


OF_OPERATORS = frozenset({Kind.DISRUPTION, Kind.ADVICE})
"""What operators tell a class of partners, about no event."""
OPERATORS = ""
"""Who sends then."""


class Dispatch(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One answer to one partner."""

    id: str
    """By which its reader knows it; follows from its sender, the sender's own id, and its number."""
    sender: str
    """The partner of the engine; `OPERATORS`."""
    own: str
    """The sender's own id: what is sent again under it is the same."""
    digest: bytes
    """SHA-256 of what was asked, so that the same id with other words is told apart."""
    by: str
    """The system, or the operator."""
    credential: str = ""
    partner: str
    agent: str = ""
    """Who sent the event in the partner's place, if it still may; empty: nobody else is told."""
    kind: Kind
    members: bytes
    """JSON: what the partner reads beside `code` and `notice`."""
    about: bytes = b"{}"
    """JSON: what it is about, as the sender named it."""
    agreements: tuple[str, ...] = ()
    """That let it be sent."""
    sent_us: int
    due_us: int = 0
    """Until when it is to be acknowledged, microseconds since 1970; 0: at any time, or not at all."""
    wanted: bool = False
    """Whether an acknowledgement is wanted."""

    def document(self) -> dict[str, Any]:
        """What its reader is given."""
        return {"code": self.kind.code, "notice": self.id, **orjson.loads(self.members)}


class Step(StrEnum):
    WRITTEN = "written"
    """It lies where its reader finds it."""
    READ = "read"
    """A page that held it was given."""
    ACKNOWLEDGED = "acknowledged"
    OVERDUE = "overdue"
    """Its deadline passed without an acknowledgement."""


class Sent(Struct, frozen=True):
    """A dispatch and how far it has come; times in microseconds since 1970, 0: not yet."""

    dispatch: Dispatch
    written_us: int = 0
    read_us: int = 0
    overdue_us: int = 0
    acknowledged_us: int = 0
    acknowledged_by: str = ""
    """The system, of the partner or its agent."""
    signature: str = ""
    """The JWS of who acknowledged it."""

    @property
    def state(self) -> str:
        """The last that is known of it: `sent` before any step."""
        if self.acknowledged_us:
            return Step.ACKNOWLEDGED.value
        if self.overdue_us:
            return Step.OVERDUE.value
        if self.read_us:
            return Step.READ.value
        return Step.WRITTEN.value if self.written_us else "sent"


def dispatch_id(sender: str, own: str, number: int) -> str:
    """Of the sender's own id: with several readers each has a number."""
    return sha256("\x1f".join(("dispatch", sender, own, str(number))).encode()).hexdigest()[:32]
