"""The settler: carries out what operators decided of dead letters.

Theory of operation. A decision is an object of the registry; each version of it is carried out once, letter by letter.
Of each letter: the new version is accepted by intake as any event is (or the record is posted once more), its publisher
is told, and only then the letter is marked, together with how far the decision has come. After a crash between any two
of these the step is done again: the event is the same and the log shows it once, the notice has the same id, the
message the same name. Nothing is done before the letter box has taken in all that lay in quarantine when the decision
was first seen: so also letters that were lost, and taken in anew, find what was decided of them.

Decisions are carried out side by side, so that one whose letters take long holds up no other; a letter is in the hands
of one of them at a time. The lease is renewed meanwhile, and looked at before a letter is tried and before it is
marked: whoever lost it marks nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from msgspec import Struct
from msgspec.structs import replace

from hub.core.dead_letter import UNDELIVERED, DeadLetter, LetterState, Outcome, Run, RunState, Settlement
from hub.core.errors import HubError, LeaseLost, Refusal, StorageUnavailable, Unknown, place_of
from hub.core.evidence import Item, Verdict
from hub.core.partner import Partner
from hub.core.record import NOTICES, QUARANTINE, LogRecord
from hub.core.registry import Snapshot
from hub.operate.letter_box import looked_up
from hub.operate.letter_desk import SUPERSEDED, Identity, identity_of, passed_on
from hub.operate.new_version import new_version
from hub.operate.notices import PARTITION, notice_id
from hub.ports.dead_letters import DeadLetters, Which
from hub.ports.event_log import EventLog
from hub.ports.observer import Observer
from hub.ports.positions import Lease, Positions
from hub.ports.system import Clock
from hub.trust.statement import utc_text
from schemas.headers import EventHeader, NoticeHeader, pack

OUTPUT = "quarantine/settlements"
LEASE_SECONDS = 30.0
LOOK_SECONDS = 0.5
PAGE_LETTERS = 20
AT_ONCE_MAX = 16
"""Releases and repairs that are carried out side by side; a discard waits for none of them."""
TAKEN = (Verdict.ACCEPTED, Verdict.DUPLICATE, Verdict.VALID)
SETTLES = {
    Outcome.RELEASE: LetterState.RELEASED,
    Outcome.REPAIR: LetterState.REPAIRED,
    Outcome.DISCARD: LetterState.DISCARDED,
}
CAUSES = {
    Outcome.RELEASE: "QUARANTINE_RELEASED",
    Outcome.REPAIR: "QUARANTINE_REPAIRED",
    Outcome.DISCARD: "QUARANTINE_DISCARDED",
}

Submit = Callable[[Partner, Mapping[str, Any], bool], Awaitable[Item | Refusal]]
"""Take an event of a partner as intake would, or (True) only say what it would say. Raises `HubError` where nothing can
be said."""
Deliver = Callable[[DeadLetter, bool], Awaitable[str]]
"""Bring a record to its endpoint again, or (True) only look whether it would be; why not, or empty."""


Corrected = Callable[[DeadLetter, str], Awaitable[Mapping[str, Any] | None]]
"""The corrected data of a repair, by their place; None: they are not there any more. Raises `HubError`."""


class Means(Struct, frozen=True, kw_only=True):
    letters: DeadLetters
    submit: Submit
    deliver: Deliver
    corrected: Corrected
    log: EventLog
    positions: Positions
    snapshot: Callable[[], Snapshot]
    clock: Clock
    observer: Observer
    partitions: int
    holder: str

    async def attempt(
        self, letter: DeadLetter, data: Mapping[str, Any] | None, *, decided: int, dry: bool
    ) -> Refusal | None:
        """Release or repair one; None: it was done. Raises `HubError` where that cannot be told now."""
        if letter.cause == UNDELIVERED:
            failure = await self.deliver(letter, dry)
            return Refusal("DELIVERY_FAILED", failure) if failure else None
        if letter.is_in_log_alone:
            letter = await looked_up(self.log, letter)
        header, partner = letter.event, self.snapshot().partners.get(letter.partner)
        if header is None or partner is None or not letter.value:
            return Refusal("NOT_FOUND", "what was kept of it cannot be read")
        event = new_version(letter, header, data, decided=decided)
        if event is None:
            return Refusal("NOT_FOUND", "what was kept of it is no event")
        item = await self.submit(partner, event, dry)
        if isinstance(item, Refusal):
            return item
        if item.verdict in (Verdict.UNKNOWN, Verdict.NOT_ATTEMPTED):
            raise StorageUnavailable("a new version may have been taken or not")
        return None if item.verdict in TAKEN else item.refusal or Refusal("NOT_PERMITTED", item.verdict.value)

    async def foresee(self, letter: DeadLetter, data: Mapping[str, Any] | None) -> Refusal | None:
        """What would become of a release, or of a repair with these data."""
        if letter.state is not LetterState.WAITING:
            return Refusal("NOT_FOUND", "it was settled before")
        decided = self.clock.now_us() // 1_000_000
        return await self.attempt(letter, data, decided=decided, dry=True)


class Settler:
    def __init__(self, means: Means) -> None:
        self._means = means
        self._finished: set[str] = set()
        self._seen = -1
        self._ends: dict[str, Sequence[int]] = {}
        """Of each decision how far quarantine went, by partition, when it was first seen."""
        self._slots = asyncio.Semaphore(AT_ONCE_MAX)
        self._in_hand: set[str] = set()
        """Letters that a decision is trying now."""
        self._passed_on: dict[Identity, dict[str, int]] = {}
        """When which decisions passed an event on, as far as the releases under way have to know."""

    async def run(self) -> None:
        """Carry out until cancelled; what cannot be done now is done later."""
        while True:
            try:
                await self.look()
            except HubError as error:
                self._means.observer.event("settler.interrupted", error=place_of(error))
            except Exception as error:  # noqa: BLE001  A supervisor: a fault here must not stop the hub.
                self._alarm("settler_failed", error=place_of(error))
            await self._means.clock.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Carry out what was decided and not done yet, and what is decided meanwhile. Raises `HubError`."""
        means = self._means
        if not await self._ready(()):
            return
        lease = await means.positions.acquire(OUTPUT, means.holder, LEASE_SECONDS)
        if lease is None:
            return
        self._passed_on.clear()
        tenure = _Tenure(means, lease)
        keeping = asyncio.create_task(tenure.keep())
        running: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                for settlement in await self._ready(running):
                    running[settlement.key] = asyncio.create_task(self._see_through(settlement, tenure))
                if not running:
                    return
                await means.clock.sleep(LOOK_SECONDS)
                for each in (task for task in (keeping, *running.values()) if task.done()):
                    each.result()
                running = {key: task for key, task in running.items() if not task.done()}
        finally:
            tasks = keeping, *running.values()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _ready(self, besides: Collection[str]) -> Sequence[Settlement]:
        """The decisions that are not finished and may begin, those `besides` left out."""
        snapshot = self._means.snapshot()
        if snapshot.revision == self._seen:
            return ()
        due = [each for each in snapshot.settlements if each.key not in self._finished]
        if not due:
            self._seen = snapshot.revision
        due = [each for each in due if each.key not in besides]
        if not due:
            return ()
        log, letters = self._means.log, self._means.letters
        if any(each.key not in self._ends for each in due):
            ends = [(await log.bounds(QUARANTINE, partition)).end for partition in range(self._means.partitions)]
            self._ends = {each.key: self._ends.get(each.key, ends) for each in due}
        marks = [await letters.mark(log.generation, partition) or 0 for partition in range(self._means.partitions)]
        return [each for each in due if all(map(int.__ge__, marks, self._ends[each.key]))]

    async def _see_through(self, settlement: Settlement, tenure: _Tenure) -> None:
        """Again after every failure that another try may mend. Raises `LeaseLost`."""
        means = self._means
        while True:
            try:
                await self._finish(settlement, tenure)
            except LeaseLost:
                raise
            except HubError as error:
                means.observer.event("settler.interrupted", error=place_of(error))
            except Exception as error:  # noqa: BLE001  A supervisor: one decision must not hold up the others.
                self._alarm("settler_failed", error=place_of(error))
            else:
                self._finished.add(settlement.key)
                return
            await means.clock.sleep(LOOK_SECONDS)

    async def _finish(self, settlement: Settlement, tenure: _Tenure) -> None:
        letters, snapshot = self._means.letters, self._means.snapshot()
        run = await letters.run(settlement.key) or Run(key=settlement.key)
        if run.state is not RunState.RUNNING:
            return
        by = snapshot.made[snapshot.settlements.since(settlement.id)].actor
        if settlement.outcome is Outcome.DISCARD:
            run = await self._carry_out(settlement, run, by, tenure)
        else:
            async with self._slots:
                run = await self._carry_out(settlement, run, by, tenure)
        await tenure.confirm()
        await letters.keep(run)

    async def _carry_out(self, settlement: Settlement, run: Run, by: str, tenure: _Tenure) -> Run:
        if settlement.outcome is Outcome.RELEASE:
            await self._learn(settlement)
        async for named in self._meant(settlement):
            if not self._is_in_force(settlement):
                return self._stopped(settlement, run)
            async with self._alone_with(named) as letter:
                if letter is None or not _is_due(letter, settlement):
                    continue
                await tenure.confirm()
                if self._is_superseded(letter, settlement):
                    await self._means.letters.store(replace(letter, tried=settlement.key, failure=SUPERSEDED), run)
                    continue
                run = await self._settle(letter, settlement, run, by, tenure)
            if run.in_a_row >= settlement.failures_max:
                self._alarm("release_stopped", settlement=settlement.id, settled=run.settled, failed=run.failed)
                return replace(run, state=RunState.STOPPED)
            if settlement.outcome is not Outcome.DISCARD:
                await self._means.clock.sleep(1 / settlement.per_second)
        self._means.observer.event("settlement.done", settlement=settlement.id, settled=run.settled, failed=run.failed)
        return replace(run, state=RunState.DONE)

    async def _learn(self, settlement: Settlement) -> None:
        """What was passed on of the partners whose letters it means; what is passed on meanwhile is noted as it is."""
        partners = {settlement.partner}
        if settlement.letters:
            named = [await self._means.letters.get(name) for name in settlement.letters]
            partners = {each.partner for each in named if each is not None}
        for partner in partners:
            async for letter, identity in passed_on(self._means.letters, partner):
                self._passed_on.setdefault(identity, {})[letter.tried] = letter.settled_us

    def _is_superseded(self, letter: DeadLetter, settlement: Settlement) -> bool:
        """Whether another decision passed its event on after it came: a release would undo that."""
        identity = identity_of(letter)
        if settlement.outcome is not Outcome.RELEASE or identity is None:
            return False
        passed = self._passed_on.get(identity, {})
        return any(key != settlement.key and us > letter.since_us for key, us in passed.items())

    def _is_in_force(self, settlement: Settlement) -> bool:
        """Whether operators neither stopped it nor decided the same anew."""
        now = self._means.snapshot().settlements.get(settlement.id)
        return now is not None and now.key == settlement.key and not now.stopped

    def _stopped(self, settlement: Settlement, run: Run) -> Run:
        self._means.observer.event(
            "settlement.stopped", settlement=settlement.id, settled=run.settled, failed=run.failed
        )
        return replace(run, state=RunState.STOPPED)

    @asynccontextmanager
    async def _alone_with(self, letter: DeadLetter) -> AsyncIterator[DeadLetter | None]:
        """As it is once no other decision has it in hand."""
        while letter.id in self._in_hand:
            await self._means.clock.sleep(LOOK_SECONDS)
        self._in_hand.add(letter.id)
        try:
            yield await self._means.letters.get(letter.id)
        finally:
            self._in_hand.discard(letter.id)

    async def _meant(self, settlement: Settlement) -> AsyncIterator[DeadLetter]:
        """Those that wait and were not tried yet, the oldest first."""
        if settlement.letters:
            for name in settlement.letters:
                letter = await self._means.letters.get(name)
                if letter is not None and _is_due(letter, settlement):
                    yield letter
            return
        which = Which(cause=settlement.cause, partner=settlement.partner, state=LetterState.WAITING)
        after = None
        while page := await self._means.letters.page(which, after=after, limit=PAGE_LETTERS):
            for letter in page:
                if _is_due(letter, settlement):
                    yield letter
            after = page[-1].since_us, page[-1].id

    async def _settle(self, letter: DeadLetter, settlement: Settlement, run: Run, by: str, tenure: _Tenure) -> Run:
        means, refusal = self._means, None
        if settlement.outcome is not Outcome.DISCARD:
            refusal = await self._passed_again(letter, settlement)
            await tenure.confirm()
        if refusal is not None:
            means.observer.count("dead_letters_settled", outcome="failed")
            run = replace(run, failed=run.failed + 1, in_a_row=run.in_a_row + 1)
            failure = f"{refusal.code}: {refusal.detail}" if refusal.detail else refusal.code
            await means.letters.store(replace(letter, tried=settlement.key, failure=failure), run)
            return run
        await self._tell(letter, settlement)
        run = replace(run, settled=run.settled + 1, in_a_row=0)
        settled = replace(
            letter,
            state=SETTLES[settlement.outcome],
            settled_us=means.clock.now_us(),
            by=by,
            why=settlement.reason,
            tried=settlement.key,
            failure="",
            value=b"" if settlement.outcome is Outcome.DISCARD else letter.value,
        )
        await means.letters.store(settled, run)
        if settlement.outcome is not Outcome.DISCARD and (identity := identity_of(settled)):
            self._passed_on.setdefault(identity, {})[settlement.key] = settled.settled_us
        means.observer.count("dead_letters_settled", outcome=settlement.outcome.value)
        return run

    async def _passed_again(self, letter: DeadLetter, settlement: Settlement) -> Refusal | None:
        data = None
        if settlement.outcome is Outcome.REPAIR:
            data = await self._means.corrected(letter, settlement.corrected)
            if data is None:
                return Refusal("NOT_FOUND", "the corrected data are not kept")
        return await self._means.attempt(letter, data, decided=settlement.decided, dry=False)

    async def _tell(self, letter: DeadLetter, settlement: Settlement) -> None:
        """Its publisher, and who sent it in its place. Raises `HubError` where that cannot be."""
        header = letter.event
        if header is None:
            return
        record = _notice(letter, header, settlement, self._means.log.generation)
        landed = await self._means.log.append(NOTICES, PARTITION, [record])
        if isinstance(landed, Unknown):
            raise StorageUnavailable(f"a notice may have been written or not: {landed.reason}")
        self._means.observer.count("notices_written", cause=CAUSES[settlement.outcome])

    def _alarm(self, name: str, **facts: str | int) -> None:
        self._means.observer.count("alarms", alarm=name)
        self._means.observer.event(f"alarm.{name}", **facts)


class _Tenure:
    """The lease, kept while letters are settled."""

    def __init__(self, means: Means, lease: Lease) -> None:
        self._means = means
        self._lease = lease
        self._renew_at = means.clock.monotonic() + LEASE_SECONDS / 3

    async def keep(self) -> None:
        """Renew for ever. Raises `LeaseLost`."""
        while True:
            await self._means.clock.sleep(LEASE_SECONDS / 3)
            try:
                await self._renew()
            except LeaseLost:
                raise
            except HubError as error:
                if self._means.clock.now_us() >= self._lease.expires_us:
                    raise LeaseLost("the lease ran out while storage was away or full") from error

    async def confirm(self) -> None:
        """That nobody else has it, also where this process stood still. Raises `LeaseLost` and what storage raises."""
        if self._means.clock.monotonic() >= self._renew_at:
            await self._renew()

    async def _renew(self) -> None:
        self._lease = await self._means.positions.renew(self._lease, LEASE_SECONDS)
        self._renew_at = self._means.clock.monotonic() + LEASE_SECONDS / 3


def _is_due(letter: DeadLetter, settlement: Settlement) -> bool:
    waits = letter.state is LetterState.WAITING and letter.tried != settlement.key
    return waits and settlement.means(letter)


def _notice(letter: DeadLetter, header: EventHeader, settlement: Settlement, generation: int) -> LogRecord:
    cause = CAUSES[settlement.outcome]
    name = notice_id(cause, letter.id, settlement.key)
    told: dict[str, object] = {
        "code": cause,
        "notice": name,
        "time": utc_text(settlement.decided * 1_000_000),
        "letter": letter.id,
        "source": header.source,
        "id": header.id,
    }
    if header.version is not None:
        told["version"] = header.version
    if letter.agent:
        told |= {"publisher": header.publisher, "submitted_by": header.submitted_by}
    packed = pack(NoticeHeader(letter.partner, cause, generation, PARTITION, -1, name, letter.agent))
    return LogRecord(letter.partner.encode(), packed, orjson.dumps(told))
