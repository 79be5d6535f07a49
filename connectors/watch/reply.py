"""What the hub says of a file: its reply, or that there is none now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from msgspec import Struct

from connectors.errors import ConnectorError
from connectors.language import language
from connectors.session import HubRefused
from schemas.faults import Fault
from schemas.words import words

ITEMS_MAX = 10_000
"""Items that a result holds: of more, those of which there is something to say come first."""


class NotNow(ConnectorError):
    """The hub cannot say now what becomes of a file. `of_file`: it answered, and may answer this file so again."""

    def __init__(self, words: str, *, of_file: bool, retry_after_seconds: float = 0.0) -> None:
        self.of_file, self.retry_after_seconds = of_file, retry_after_seconds
        super().__init__(words)


def not_now(refused: HubRefused) -> NotNow:
    return NotNow(str(refused), of_file=refused.status >= 500, retry_after_seconds=refused.retry_after_seconds)


AS_IT_IS = ""
"""The ending by which it is noted, without content, that nothing is sent in a file's place but itself."""


class Mark(Struct, frozen=True):
    """How far the file has come before. `reference`: of this file in this folder; `job`: what the hub was judging;
    `sent`: what was sent in its place (empty: itself), with `note_sent` to keep that by the end of its name."""

    reference: str
    job: str
    note_job: Callable[[str], None]
    note_sent: Callable[[str, bytes], None]
    sent: bytes | None = None


class Reply(Struct, frozen=True):
    """What became of a file: where it belongs, what its result says, and what lies beside it, by the ends of names."""

    room: Literal["done", "refused"]
    result: dict[str, Any]
    beside: dict[str, bytes] = {}


def refused_whole(code: str, detail: str, faults: Sequence[dict[str, Any]] = (), family: str = "") -> Reply:
    """The reply to a file in which nothing could be looked at."""
    said = {"format": family, "code": code, "detail": detail, "faults": list(faults)}
    return Reply("refused", {name: each for name, each in said.items() if each})


def said(faults: Iterable[Fault]) -> tuple[dict[str, Any], ...]:
    return tuple(words().fault(each, language()) for each in faults)


def of_items(family: str, counts: dict[str, int], items: list[dict[str, Any]], *, fine: bool) -> Reply:
    """The reply to a file whose items were looked at, one by one."""
    if len(items) > ITEMS_MAX:
        items = sorted(items, key=lambda item: not item.get("faults"))[:ITEMS_MAX]
    result: dict[str, Any] = {"format": family, "counts": counts, "items": items}
    if (left_out := sum(counts.values()) - len(items)) > 0:
        result["items_left_out"] = left_out
    return Reply("done" if fine else "refused", result)


class Incomplete(ConnectorError):
    """More may be coming: of an empty file, or of what is said of a document. `reply`: if nothing comes."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        super().__init__(str(reply.result.get("detail", "")))
