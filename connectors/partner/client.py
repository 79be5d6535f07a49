"""Send events to a hub, in order, until each has an answer; verify and keep the receipts.

One request is under way at a time and each try sends the same bytes under the same ids, so the hub sees the events of a
source in the order given, and a repeat is recognised. Receipts are verified against the bytes that were sent, under the
hub's published keys, before they count.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec import structs

from connectors.api_key import ApiKey
from connectors.backoff import Backoff
from connectors.errors import ConnectorError
from connectors.keys import SigningKey, read_key
from connectors.partner.agreements import Needed, needed_by, stripped
from connectors.partner.outcome import TAKEN, Outcome, OutgoingEvent, Verdict
from connectors.partner.receipts import ReceiptBook
from connectors.session import KEY_HISTORY_PATH, Answer, HubRefused, HubSession, HubUnreachable, TokenRefused, refusal
from connectors.verify import ABOUT_THIS, KeyHistory, ReceiptInvalid, publisher_fault, split, verify

BATCH_HEADERS = {"Content-Type": "application/cloudevents-batch+json"}
SCOPE = "events:write"

UNREACHABLE = "HUB_UNREACHABLE"
"""The code of an outcome of which the hub said nothing."""
EVENT_CODES = frozenset(
    (
        "BODY_TOO_LARGE",
        "BODY_MALFORMED",
        "EVENT_INVALID",
        "NOT_PERMITTED",
        "ROLE_NOT_PERMITTED",
        "SUBJECT_NOT_PERMITTED",
        "AEO_REQUIRED",
        "CONFLICT",
    )
)
"""Refusals of a whole request that are about what is in it. All others are about its sender, or about the moment."""


CONTENT_STATUSES = frozenset((400, 404, 405, 406, 409, 410, 413, 415, 422))
"""Of refusals that are about what was sent. Of 401, and of 403 with other codes, the sender is the cause."""
_TOO_LARGE = 413
_OF_THE_PLACE = frozenset((404, 405))
"""As a status alone, of something that stands where the hub should."""


class DocumentRefused(ConnectorError):
    """The hub refused a document for what is in it: sending the same again changes nothing."""

    def __init__(self, refused: HubRefused) -> None:
        self.code, self.words = refused.code, refused.words
        self.faults: tuple[dict[str, Any], ...] = tuple(refused.problem.get("faults") or ())
        super().__init__(str(refused))


def is_about_content(refused: HubRefused) -> bool:
    """Whether sending the same again changes nothing, whoever sends it and whenever."""
    if isinstance(refused, TokenRefused):
        return False
    if refused.code in EVENT_CODES:
        return True
    said = "code" in refused.problem or refused.status not in _OF_THE_PLACE
    return said and refused.status in CONTENT_STATUSES and not refused.retryable


def not_taken(refused: HubRefused) -> DocumentRefused | HubRefused:
    """A refusal as whoever sent the document hears of it: for what is in it, or for now."""
    return DocumentRefused(refused) if is_about_content(refused) else refused


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one request."""

    batch_count_max: int = 500
    batch_bytes_max: int = 900_000


@dataclass(slots=True)
class Counts:
    """What a client has seen since it began."""

    verdicts: dict[str, int] = field(default_factory=dict)
    receipts_verified: int = 0
    receipts_failed: int = 0


@asynccontextmanager
async def connect(
    hub_url: str,
    *,
    client_id: str,
    key: Path | SigningKey | ApiKey,
    receipts: Path | None = None,
    backoff: Backoff | None = None,
    on_waiting: Callable[[Outcome], None] | None = None,
    sign: bool = False,
    on_behalf_of: str = "",
    strip: bool = False,
) -> AsyncIterator[Client]:
    """A client of the hub at `hub_url`, with the private key in the file `key`, keeping receipts in a directory.

    `key` may also be the key itself, or an API key, which needs no `client_id`.

    `sign`: what is sent is signed (RFC 9421), and kept by the hub as this system's own proof. `on_behalf_of`: the
    partner whose events are sent, by a mandate that it gave; empty: they are the sender's own. `strip`: members that no
    agreement covers are left out; what is covered is asked for first. Raises `HubRefused`, `HubUnreachable`.
    """
    book = ReceiptBook(receipts) if receipts is not None else None
    reach: dict[str, Any] = {
        "client_id": client_id,
        "key": read_key(key) if isinstance(key, Path) else key,
        "scope": SCOPE,
        "sign": sign,
    }
    async with HubSession(hub_url, **reach, on_behalf_of=on_behalf_of) as session:
        needed = await needed_by(session) if strip else {}
        yield Client(session, receipts=book, backoff=backoff, on_waiting=on_waiting, needed=needed)


class Client:
    """Sends events in one session. Not for use by two tasks at once: order is kept per call.

    `on_waiting` is called after each try that left something open, with the first such outcome, before the next try.
    """

    def __init__(
        self,
        session: HubSession,
        *,
        receipts: ReceiptBook | None = None,
        limits: Limits | None = None,
        backoff: Backoff | None = None,
        on_waiting: Callable[[Outcome], None] | None = None,
        needed: Needed | None = None,
    ) -> None:
        """`needed`: what alone is sent of events of these types."""
        self._session, self._book = session, receipts
        self._needed = needed or {}
        self._limits, self._backoff = limits or Limits(), backoff or Backoff()
        self._on_waiting = on_waiting
        self._keys: KeyHistory | None = None
        self.counts = Counts()

    def outgoing(self, event: bytes | Mapping[str, Any]) -> OutgoingEvent:
        """An event as this client sends it. Raises `EventUnsendable`."""
        sendable = OutgoingEvent.of(event)
        return structs.replace(sendable, raw=stripped(sendable.raw, self._needed))

    async def send(self, events: Iterable[OutgoingEvent | bytes | Mapping[str, Any]]) -> list[Outcome]:
        """Send events and return their outcomes in the same order.

        Retries what is open within the bounds of the backoff; what is still open then, and everything after it, comes
        back open (`Outcome.open`): nothing overtakes. Raises `EventUnsendable` before anything is sent.
        """
        outgoing = [event if isinstance(event, OutgoingEvent) else self.outgoing(event) for event in events]
        outcomes: list[Outcome] = []
        waiting = False
        for batch in self._batches(outgoing):
            settled = [_not_attempted(event) for event in batch] if waiting else await self._settle(batch)
            waiting = any(outcome.open for outcome in settled)
            outcomes += settled
        for outcome in outcomes:
            self.counts.verdicts[outcome.verdict] = self.counts.verdicts.get(outcome.verdict, 0) + 1
        return outcomes

    async def send_document(
        self, document: bytes, media_type: str, *, seconds_max: float, **query: str
    ) -> list[Outcome]:
        """Send a document of the trade, once, and return the outcomes of its events; receipts are of the document.

        Raises `DocumentRefused`: the hub can look at nothing in it; `HubRefused`, `HubUnreachable`: not now.
        """
        headers = {"Content-Type": media_type}
        answer = await self._session.request(
            "POST", "/v1/events", body=document, headers=headers, query=query, answer_seconds_max=seconds_max
        )
        answered = answer.json() if answer.body[:1] == b"{" else {}
        if "items" in answered:
            return await self._read([OutgoingEvent("", "", document)] * len(answered["items"]), answered)
        raise not_taken(_whole_refusal(answer))

    def _batches(self, events: Sequence[OutgoingEvent]) -> Iterator[list[OutgoingEvent]]:
        batch: list[OutgoingEvent] = []
        size = 2
        for event in events:
            full = len(batch) >= self._limits.batch_count_max or size + len(event.raw) > self._limits.batch_bytes_max
            if batch and full:
                yield batch
                batch, size = [], 2
            batch.append(event)
            size += len(event.raw) + 1
        if batch:
            yield batch

    async def _settle(self, batch: Sequence[OutgoingEvent]) -> list[Outcome]:
        """Post until nothing is open, or until the backoff's bounds."""
        outcomes = [_not_attempted(event) for event in batch]
        attempts = self._backoff.begin()
        while True:
            again = [index for index, outcome in enumerate(outcomes) if outcome.open]
            wait_seconds, hopeless = 0.0, False
            try:
                answered, wait_seconds = await self._post([batch[index] for index in again])
            except HubUnreachable as e:
                answered = [_of(batch[index], Verdict.UNKNOWN, UNREACHABLE, str(e)) for index in again]
            except HubRefused as e:
                answered = [_of(batch[index], Verdict.NOT_ATTEMPTED, e.code, e.words) for index in again]
                wait_seconds, hopeless = e.retry_after_seconds, not e.retryable
            for index, outcome in zip(again, answered, strict=True):
                outcomes[index] = outcome
            open_now = any(outcome.open for outcome in answered)
            if not open_now or hopeless:
                return outcomes
            if self._on_waiting is not None:
                self._on_waiting(next(outcome for outcome in answered if outcome.open))
            if not await attempts.again(wait_seconds):
                return outcomes

    async def _post(self, events: Sequence[OutgoingEvent]) -> tuple[list[Outcome], float]:
        """One request; where the hub refuses a batch for what is in it, its halves: one event stops no other.

        The outcomes, and how many seconds to wait before what is open is sent again.
        """
        body = b"[" + b",".join(event.raw for event in events) + b"]"
        answer = await self._session.request("POST", "/v1/events", body=body, headers=BATCH_HEADERS)
        document = answer.json() if answer.body[:1] == b"{" else {}
        if "items" in document:
            return await self._read(events, document), answer.retry_after_seconds
        refused = _whole_refusal(answer)
        if not is_about_content(refused):
            raise refused
        if len(events) == 1 or not (refused.code in EVENT_CODES or refused.status == _TOO_LARGE):
            faults = tuple(refused.problem.get("faults") or ())
            return [_of(event, Verdict.REJECTED, refused.code, refused.words, faults) for event in events], 0.0
        half = len(events) // 2
        first, wait_seconds = await self._post(events[:half])
        if any(outcome.open for outcome in first):
            return first + [_not_attempted(event) for event in events[half:]], wait_seconds
        second, wait_seconds = await self._post(events[half:])
        return first + second, wait_seconds

    async def _read(self, events: Sequence[OutgoingEvent], document: Mapping[str, Any]) -> list[Outcome]:
        items = document["items"]
        try:
            if [item["index"] for item in items] != list(range(len(events))):
                raise HubUnreachable("the answer's items are not the events that were sent")
            outcomes = [_of_item(event, item) for event, item in zip(events, items, strict=True)]
        except (KeyError, TypeError, ValueError) as e:
            raise HubUnreachable(f"the answer cannot be read: {e!r}") from e
        outcomes = await self._prove(events, outcomes, document)
        if self._book is not None:
            await asyncio.to_thread(self._book.keep, [o.receipt for o in outcomes if o.receipt is not None])
        return outcomes

    async def _prove(
        self, events: Sequence[OutgoingEvent], outcomes: Sequence[Outcome], document: Mapping[str, Any]
    ) -> list[Outcome]:
        """The outcomes, each that needs a receipt with one that verifies, or with what is wrong with it."""
        try:
            alone, missing = iter(split(document)), "the answer holds no receipt"
        except ReceiptInvalid as e:
            alone, missing = iter(()), str(e)
        receipts = [next(alone, None) if item.get("receipt") else None for item in document["items"]]
        proved = []
        for event, outcome, receipt, item in zip(events, outcomes, receipts, document["items"], strict=True):
            if outcome.verdict not in TAKEN or self._is_anothers(outcome, item):
                proved.append(outcome)
                continue
            fault = missing if receipt is None else await self._receipt_fault(event, outcome, receipt)
            if fault and self._book is not None:
                self._book.keep_suspect(receipt, fault)
            self.counts.receipts_failed += bool(fault)
            self.counts.receipts_verified += not fault
            proved.append(structs.replace(outcome, receipt=None if fault else receipt, receipt_fault=fault))
        return proved

    def _is_anothers(self, outcome: Outcome, item: Mapping[str, Any]) -> bool:
        """Whether somebody else reported it for the principal before: then the receipt is the principal's alone."""
        for_another = bool(self._session.on_behalf_of)
        return for_another and outcome.verdict is Verdict.DUPLICATE and not item.get("receipt")

    async def _receipt_fault(self, event: OutgoingEvent, outcome: Outcome, receipt: dict[str, Any]) -> str:
        """Why a receipt does not count. One of a DUPLICATE in a document may be of the document that came before."""
        try:
            keys = self._keys or await self.read_keys()
            if receipt["seal"]["body"]["key"] not in keys.keys:
                keys = await self.read_keys()
            verdict = verify(receipt, event.raw, keys)
            if fault := publisher_fault(verdict.statement, self._session.on_behalf_of):
                return fault
            if event.source or outcome.verdict is not Verdict.DUPLICATE:
                return verdict.fault
            stated = (verdict.statement["source"], verdict.statement["id"])
            return verdict.fault_but(ABOUT_THIS) if stated == (outcome.source, outcome.id) else verdict.fault
        except (ReceiptInvalid, KeyError, TypeError) as e:
            return f"this is not a receipt: {e}"

    async def read_keys(self) -> KeyHistory:
        """Fetch the hub's key history and keep it beside the receipts. Raises `HubRefused`, `HubUnreachable`."""
        document = await self._session.public(KEY_HISTORY_PATH)
        self._keys = KeyHistory.from_json(document)
        if self._book is not None:
            self._book.keep_keys(document)
        return self._keys


def _whole_refusal(answer: Answer) -> HubRefused:
    refused = refusal(answer)
    if answer.status < 300:
        raise HubUnreachable(f"the answer ({answer.status}) names no events")
    return refused


def _not_attempted(event: OutgoingEvent) -> Outcome:
    return _of(event, Verdict.NOT_ATTEMPTED, "NOT_ATTEMPTED", "an earlier event has no answer yet")


def _of(
    event: OutgoingEvent, verdict: Verdict, code: str = "", detail: str = "", faults: tuple[dict[str, Any], ...] = ()
) -> Outcome:
    return Outcome(event.source, event.id, verdict, code, detail, faults)


def _of_item(event: OutgoingEvent, item: Mapping[str, Any]) -> Outcome:
    """Of an event that was sent by itself, what it calls itself; of one in a document, what the hub does."""
    source, id_ = (event.source, event.id) if event.source else (str(item["source"]), str(item["id"]))
    said = {name: item.get(name, "") for name in ("code", "detail", "place")}
    return Outcome(source, id_, Verdict(item["verdict"]), faults=tuple(item.get("faults") or ()), **said)
