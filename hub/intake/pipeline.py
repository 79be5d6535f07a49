"""The order of intake: authenticate ▸ authorise ▸ decode ▸ validate ▸ accept ▸ receipt. Branches here, nowhere else.

It alone tells the observer what happened, and answers with one `Item` for each item of the request, in request order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from hub.core.errors import HubError, Overloaded, Refusal, Unknown
from hub.core.evidence import Admitted, Item, Mode, Principal, Receipt, ValidEvent, Verdict
from hub.core.record import Position
from hub.core.registry import Snapshot
from hub.core.settings import IntakeSettings
from hub.intake.accept import Accepted, Acceptor, Conflicting, Outcome, Repeat
from hub.intake.authorise import admit
from hub.intake.decode import Items, decode
from hub.intake.judging import Judged, Judging
from hub.intake.quota import Quotas
from hub.ports.observer import Observer
from hub.ports.system import Clock
from hub.trust.statement import is_sent_by

T = TypeVar("T", bound=Judged)
Known = tuple[Position, bytes]
"""Where an event was accepted before, and its identity."""
ReceiptsAt = Callable[[Sequence[Known]], Awaitable[Sequence[Receipt | HubError | None]]]
Earlier = Mapping[Known, Receipt | HubError | None]
"""The receipts of events that were accepted before; an error where the log cannot be read now."""

SMALL_BATCH_BYTES = 65_536
"""Judged in a few milliseconds: it does not wait for its turn behind large ones."""
TURN_SECONDS_MAX = 2.0
_ITEMS_BETWEEN_PAUSES = 50
"""A large batch lets other requests through after so many items: a few milliseconds of work."""


class Answer(Struct, frozen=True):
    """One item for each item of the request; `atomic` says that nothing was to be stored unless all could be."""

    items: Sequence[Item]
    mode: Mode
    refused_whole: bool = False
    dry_run: bool = False
    """Nothing was stored, whatever the verdicts."""
    principal: Principal | None = None
    """Who was answered; None: that is not told."""


class Pipeline:
    """Intake for one worker."""

    def __init__(
        self,
        *,
        acceptor: Acceptor,
        judging: Judging,
        snapshot: Callable[[], Snapshot],
        receipts_at: ReceiptsAt,
        clock: Clock,
        observer: Observer,
        quotas: Quotas,
        bounds: IntakeSettings,
        seen: Callable[[str], None] = lambda system: None,
    ) -> None:
        """`seen` is told which system an event was accepted of."""
        self._seen = seen
        self._acceptor = acceptor
        self._quotas = quotas
        self.judging = judging
        self._snapshot = snapshot
        self._receipts_at = receipts_at
        self._clock = clock
        self._observer = observer
        self._bounds = bounds
        self._batches = asyncio.Lock()

    def admit(self, principal: Principal, *, mode: Mode, atomic: bool) -> Admitted | Refusal:
        """The coarse answer, before the body is read."""
        if self._acceptor.standing() is None:
            return Refusal("REGISTRY_STALE")
        if not self._acceptor.room.admits(principal.partner.id, 1):
            return Refusal("OVERLOADED")
        return admit(principal, mode=mode, atomic=atomic, snapshot=self._snapshot(), now_us=self._clock.now_us())

    def is_current(self, admitted: Admitted) -> bool:
        """Whether the registry is still the one that the coarse answer was given by."""
        return admitted.revision == self._snapshot().revision

    def charge(self, admitted: Admitted, events: int) -> Refusal | None:
        """Take so many events from the quota, or refuse them all: before anything is stored, never some of them.

        A table that is only looked at may have more rows than a batch has events; it counts as one batch.
        """
        amount = min(events, self._bounds.batch_events_max)
        return self._quotas.charge(self._quotas.accounts(admitted.principal), (amount, 0, 0))

    async def submit(self, admitted: Admitted, body: bytes, headers: Mapping[str, str]) -> Answer | Refusal:
        """Judge and accept everything in a body. A `Refusal` means that nothing in it could be looked at.

        Raises `Overloaded` before anything is taken, and other `HubError`s when certainly nothing was stored.
        """
        decoded = decode(admitted, body, headers, bounds=self._bounds)
        if isinstance(decoded, Refusal):
            return decoded
        if refusal := self.charge(admitted, len(decoded)):
            return refusal
        judged = await self._judge(admitted, body, decoded)
        return await self.accept(admitted, judged)

    async def check(self, admitted: Admitted, body: bytes, headers: Mapping[str, str]) -> Answer | Refusal:
        """What `submit` would say, as far as it can be said without storing anything: a dry run."""
        decoded = decode(admitted, body, headers, bounds=self._bounds)
        if isinstance(decoded, Refusal):
            return decoded
        if refusal := self.charge(admitted, len(decoded)):
            return refusal
        return Answer(
            [dry(item) for item in await self._judge(admitted, body, decoded)],
            admitted.mode,
            dry_run=True,
            principal=admitted.principal,
        )

    async def accept(self, admitted: Admitted, judged: Sequence[Judged]) -> Answer:
        """Accept what is valid; where all was to be taken or nothing, all or nothing.

        Raises StorageUnavailable where it was, and the index cannot be asked for conflicts.
        """
        if admitted.atomic and any(map(_is_refused, seen := await self._foreseen(judged))):
            items = [_marked(_not_attempted(item), item) if isinstance(item, ValidEvent) else item for item in seen]
            return self._told(Answer(items, admitted.mode, refused_whole=True, principal=admitted.principal), judged)
        items = await self._accept(judged)
        if any(item.verdict is Verdict.ACCEPTED for item in items):
            self._seen(admitted.principal.system.id)
        return self._told(Answer(items, admitted.mode, principal=admitted.principal), judged)

    async def _foreseen(self, judged: Sequence[Judged]) -> Sequence[Judged]:
        """What is to be taken whole or not at all, with the conflicts that can be known before anything is appended.

        One that another request makes between this and the append is left to the judge (core protocol, rule 2).
        """
        events = [item for item in judged if isinstance(item, ValidEvent)]
        if not events or any(map(_is_refused, judged)):
            return judged
        conflicts = dict(zip((event.index for event in events), await self._acceptor.conflicts(events), strict=True))
        return [
            _item(item, Conflicting(), {}) if isinstance(item, ValidEvent) and conflicts[item.index] else item
            for item in judged
        ]

    async def _judge(self, admitted: Admitted, body: bytes, decoded: Items) -> list[Judged]:
        native = self.judging.native
        if admitted.mode in (Mode.STRUCTURED, Mode.BINARY):
            return [native(admitted, index, item) for index, item in enumerate(decoded)]
        judged = (native(admitted, index, item) for index, item in enumerate(decoded))
        return await self.judge_all(judged, large=len(body) > SMALL_BATCH_BYTES)

    async def judge_all(self, judged: Iterable[T], *, large: bool) -> list[T]:
        """Go through a generator of judgements with pauses, and through one large batch at a time: a turn of the loop
        stays short, however many there are.

        Raises `Overloaded` if the large ones before it take too long.
        """
        done: list[T] = []
        async with AsyncExitStack() as turn:
            if large:
                try:
                    async with self._clock.deadline(TURN_SECONDS_MAX):
                        await turn.enter_async_context(self._batches)
                except TimeoutError as e:
                    raise Overloaded("other large batches are being judged") from e
            for index, item in enumerate(judged):
                done.append(item)
                if index % _ITEMS_BETWEEN_PAUSES == _ITEMS_BETWEEN_PAUSES - 1:
                    await self._clock.sleep(0)
        return done

    async def _accept(self, judged: Sequence[Judged]) -> list[Item]:
        """Accept what is valid, all partitions at once, and put the outcomes back into request order."""
        parts: dict[int, list[ValidEvent]] = {}
        for item in judged:
            if isinstance(item, ValidEvent):
                parts.setdefault(item.partition, []).append(item)
        if len(parts) == 1:
            [(partition, events)] = parts.items()
            answered = [await self._acceptor.accept(partition, events)]
        else:
            answered = await self._accept_side_by_side(parts)
        rows = zip(parts.values(), answered, strict=True)
        earlier = await self._earlier(pair for events, row in rows for pair in zip(events, row, strict=False))
        # The outcomes of one partition stand in request order; where they stop short, the rest was not attempted.
        outcomes = {partition: iter(row) for partition, row in zip(parts, answered, strict=True)}
        return [
            item if isinstance(item, Item) else _item(item, next(outcomes[item.partition], None), earlier)
            for item in judged
        ]

    async def _earlier(self, outcomes: Iterable[tuple[ValidEvent, Outcome]]) -> Earlier:
        """All at once: a batch that is sent again names the same batches of the log a thousand times."""
        known = [(outcome.position, event.identity) for event, outcome in outcomes if isinstance(outcome, Repeat)]
        if not known:
            return {}
        try:
            return dict(zip(known, await self._receipts_at(known), strict=True))
        except HubError as e:
            return dict.fromkeys(known, e)

    async def _accept_side_by_side(self, parts: Mapping[int, list[ValidEvent]]) -> list[Sequence[Outcome]]:
        """One partition that is full or away does not hide what became of the others."""
        answers = await asyncio.gather(
            *(self._acceptor.accept(partition, events) for partition, events in parts.items()), return_exceptions=True
        )
        rows: list[Sequence[Outcome]] = []
        for answer, events in zip(answers, parts.values(), strict=True):
            if isinstance(answer, HubError):
                rows.append([answer] * len(events))
            elif isinstance(answer, BaseException):
                raise answer
            else:
                rows.append(answer)
        return rows

    def _told(self, answer: Answer, judged: Sequence[Judged]) -> Answer:
        counts: dict[tuple[str, str], int] = {}
        refused: dict[str, int] = {}
        for item, event in zip(answer.items, judged, strict=True):
            counted = item.verdict.value, event.permit.kind.name if isinstance(event, ValidEvent) else ""
            counts[counted] = counts.get(counted, 0) + 1
            if item.refusal:
                label = item.refusal.row.label
                refused[label] = refused.get(label, 0) + 1
        for (verdict, kind), amount in counts.items():
            self._observer.count("intake_items", amount, verdict=verdict, type=kind)
        for label, amount in refused.items():
            self._observer.count("intake_refused", amount, label=label)
        return answer


def _is_refused(judged: Judged) -> bool:
    return isinstance(judged, Item) and judged.refusal is not None


def _item(event: ValidEvent, outcome: Outcome | None, earlier: Earlier) -> Item:
    return _marked(_outcome_item(event, outcome, earlier), event)


def _marked(item: Item, event: ValidEvent) -> Item:
    return item if event.leaving is None else replace(item, leaving=event.leaving)


def _outcome_item(event: ValidEvent, outcome: Outcome | None, earlier: Earlier) -> Item:
    index, id_, source, place = event.index, event.id, event.source, event.place
    warnings = (*event.warnings, *event.advice)
    if isinstance(outcome, Repeat):
        known = earlier[outcome.position, event.identity]
        if isinstance(known, HubError):  # It is stored; only its receipt cannot be read now.
            return Item(index, id_, source, Verdict.UNKNOWN, None, Refusal(known.code), (), place)
        return Item(index, id_, source, Verdict.DUPLICATE, _for_sender(event, known), None, warnings, place)
    match outcome:
        case Accepted(receipt):
            return Item(index, id_, source, Verdict.ACCEPTED, receipt, None, warnings, place)
        case Conflicting():
            return Item(index, id_, source, Verdict.CONFLICT, None, Refusal("CONFLICT"), (), place)
        case Refusal():
            return Item(index, id_, source, Verdict.REJECTED, None, outcome, (), place)
        case Unknown():
            return Item(index, id_, source, Verdict.UNKNOWN, None, Refusal("OUTCOME_UNKNOWN"), (), place)
        case HubError():  # Certainly nothing was stored.
            return Item(index, id_, source, Verdict.NOT_ATTEMPTED, None, Refusal(outcome.code), (), place)
        case None:
            return _not_attempted(event)


def _for_sender(event: ValidEvent, known: Receipt | None) -> Receipt | None:
    """An agent is given no receipt of what its principal or another agent sent: it would say who did, and when."""
    agent = event.permit.principal.agent
    return known if agent is None or known is None or is_sent_by(agent.id, known.statement) else None


def dry(judged: Judged) -> Item:
    """An item of a dry run: what is valid would be taken."""
    if isinstance(judged, Item):
        return judged
    item = Item(
        judged.index,
        judged.id,
        judged.source,
        Verdict.VALID,
        None,
        None,
        (*judged.warnings, *judged.advice),
        judged.place,
    )
    return _marked(item, judged)


def _not_attempted(event: ValidEvent) -> Item:
    refusal = Refusal("NOT_ATTEMPTED")
    return Item(event.index, event.id, event.source, Verdict.NOT_ATTEMPTED, None, refusal, (), event.place)
