"""One endpoint: whoever holds its lease takes its feed up, keeps what is to be sent, and sends it.

Theory of operation. What a message holds is fixed, and kept under the lease, before its first attempt; what became of
an attempt is kept with the next message, or a second later. So a crash between the two brings the same message again,
under the same id, and nothing is lost. An attempt is written down (`journal`) before its bytes leave. Whether the
agreements still allow a record is looked at before every attempt, as it is for who pulls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain, repeat
from math import inf
from typing import Any

from hub.core.endpoint import Endpoint, EndpointState, Mode
from hub.core.errors import HubError, Trimmed
from hub.core.feed import Way
from hub.delivery.breaker import Breaker
from hub.delivery.cursors import moved
from hub.delivery.dead import LOST, Buried, Letter
from hub.delivery.journal import Reader
from hub.delivery.means import Bell, Means, alarmed, standing, still_allows
from hub.delivery.merge import Stamped as Stamp
from hub.delivery.merge import Taken
from hub.delivery.outbox import Found, Key, Message, Outbox
from hub.delivery.shelf import Searched, Shelf, Stamped, found_in
from hub.delivery.source import Source
from hub.ports.positions import Lease
from hub.ports.system import end_if_cancelled
from hub.ports.webhooks import GONE, Reply
from hub.trust.cursor import Place

LEASE_SECONDS = 60.0
LOOK_SECONDS = 0.5
"""While the registry is out of reach, or an endpoint waits to be verified."""
LEAST_SECONDS = 0.01
WAIT_SECONDS = 30.0
STORAGE_SECONDS = 1.0
"""After which storage that did not answer is asked again."""
MARK_SECONDS = (1, 2, 5, 10, 30)
"""Between attempts to note that a message was taken; the last goes on."""
MARKED_SECONDS = 60
"""After which it is an alarm that this is not noted."""
BURIED_SECONDS = 5
"""After which a dead letter that could not be kept is tried again: the rest goes on."""
KEPT_SECONDS = 1.0
"""So long what became of attempts may wait to be kept."""
READY_BYTES_MAX = 1_048_576
UNDER_WAY_BYTES_MAX = 8_388_608
"""Of the records of all messages that are being sent, unless one alone has more."""
WARNED_SECONDS = 3_600
DISABLED_SECONDS = 120 * 3_600
ASKS_FOR_TIME = frozenset({429, 503})
REFUSED = frozenset({400, 409, 413, 415, 422})
"""They speak of the message, and say nothing of whether others would be taken."""


Outcome = Reply | Searched | Buried | None
"""Of what was begun with a message; None: nothing of it may be sent any more."""


class Shift:
    """The time for which one process holds the lease of an endpoint."""

    def __init__(
        self, endpoint: Endpoint, source: Source, lease: Lease, outbox: Outbox, means: Means, bell: Bell
    ) -> None:
        self._id = endpoint.id
        self._concurrency = endpoint.concurrency
        self._bell = bell
        self._ringing = asyncio.create_task(bell.next.wait())
        self._means = means
        self._lease = lease
        self._renew_at = means.clock.monotonic() + LEASE_SECONDS / 3
        self._keep_at = 0.0
        self.outbox = outbox
        self._breaker = Breaker()
        self._probes = 0
        self._shelf = Shelf(means.log, source)
        self._cursor = source.first()
        self._ready: dict[Key, dict[int, Stamped]] = {}
        """Records of messages that were not attempted yet; what has no room here is read again."""
        self._under_way: dict[asyncio.Task[Outcome], tuple[Message, int]] = {}
        """With when it was begun."""
        self._reading: asyncio.Task[Taken] | None = None

    async def work(self) -> None:
        """Until the endpoint is to be sent nothing any more. Raises `LeaseLost` and what storage raises."""
        try:
            while True:
                end_if_cancelled()
                if self._ringing.done():
                    self._ringing = asyncio.create_task(self._bell.next.wait())
                if (stands := standing(self._id, self._means)) is None:
                    return
                endpoint, source = stands
                await self._renew()
                await self._settle(endpoint, source)
                if self._means.confirmed() and self._reading is None and self._has_room(endpoint):
                    self._reading = asyncio.create_task(self._read(endpoint, source))
                if self.outbox.is_owed or (self.outbox.is_changed and self._means.clock.monotonic() >= self._keep_at):
                    await self._keep()
                if self._means.confirmed():
                    self._begin(endpoint, source)
                await self._pause()
        finally:
            await self._end()

    async def _end(self) -> None:
        """What is under way goes no further; what became of the rest is kept, so that it is not sent again."""
        tasks = self._tasks()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.outbox.is_changed:
            with suppress(HubError):
                await self._keep()

    async def _keep(self) -> None:
        await self._means.positions.keep(self._lease, self.outbox.encoded())
        self.outbox.kept()
        self._keep_at = self._means.clock.monotonic() + KEPT_SECONDS

    async def _renew(self) -> None:
        if self._means.clock.monotonic() >= self._renew_at:
            self._lease = await self._means.positions.renew(self._lease, LEASE_SECONDS)
            self._renew_at = self._means.clock.monotonic() + LEASE_SECONDS / 3

    def _tasks(self) -> list[asyncio.Task[Any]]:
        return [*self._under_way, self._ringing, *([self._reading] if self._reading is not None else [])]

    # What became of what was begun

    async def _settle(self, endpoint: Endpoint, source: Source) -> None:
        for task in [task for task in self._under_way if task.done()]:
            message, began_us = self._under_way.pop(task)
            key = message.key
            try:
                outcome = task.result()
            except HubError as error:
                if self.outbox.messages[key].why:
                    self.outbox.rest(key, self._means.clock.now_us() + BURIED_SECONDS * 1_000_000)
                else:
                    await self._wait_for_storage(error)
                continue
            except Exception as error:  # noqa: BLE001  Of the hub: tried again as what a receiver refuses, not at once.
                alarmed(self._means.observer, self._id, error)
                outcome = Reply(0, "a fault of the hub")
            if isinstance(outcome, Reply) and outcome.withheld:
                continue  # It is begun anew, with what may leave then.
            if isinstance(outcome, Searched):
                self.outbox.searched(key, outcome.found, outcome.up_to, endpoint)
            elif isinstance(outcome, Buried):
                self._buried(key, outcome)
            elif outcome is None or outcome.taken:
                self.outbox.done(key)
                if outcome is not None:
                    await self._taken(endpoint)
            elif outcome.status != GONE or not await self._report(endpoint, EndpointState.GONE, self._means.now()):
                await self._failed(endpoint, source, key, began_us, outcome)
        if self._reading is not None and self._reading.done():
            reading, self._reading = self._reading, None
            await self._take_up(endpoint, reading)
        await self._warn(endpoint)

    def _buried(self, key: Key, buried: Buried) -> None:
        if self.outbox.messages[key].why:
            self.outbox.done(key)
        else:
            self.outbox.lost(key, buried.offsets)

    async def _taken(self, endpoint: Endpoint) -> None:
        self._means.observer.count("webhook_attempts", endpoint=self._id, outcome="taken")
        if self._breaker.succeeded():
            self.outbox.hurry()
        self.outbox.failing_since_us = 0
        if endpoint.state is EndpointState.FAILING:
            await self._report(endpoint, EndpointState.ACTIVE, self._means.now())

    async def _failed(self, endpoint: Endpoint, source: Source, key: Key, began_us: int, reply: Reply) -> None:
        means, now_us = self._means, self._means.clock.now_us()
        means.observer.count("webhook_attempts", endpoint=self._id, outcome="failed")
        if reply.detail:
            means.observer.event("endpoint.attempt_failed", endpoint=self._id, why=reply.detail)
        if reply.status not in REFUSED:
            retry_after = reply.retry_after if reply.status in ASKS_FOR_TIME else None
            self._breaker.failed(means.clock.monotonic(), retry_after)
        self.outbox.failing_since_us = self.outbox.failing_since_us or began_us
        chance = int.from_bytes(means.entropy.bytes(2), "big") / 65_535
        if not self.outbox.failed(key, began_us, now_us, retry_after=reply.retry_after, chance=chance):
            self.outbox.give_up(key, reply.why or f"answered {reply.status}")
        if now_us - self.outbox.failing_since_us >= DISABLED_SECONDS * 1_000_000:
            await self._report(endpoint, EndpointState.DISABLED, means.now())

    async def _warn(self, endpoint: Endpoint) -> None:
        """The first warning; what was before the endpoint was verified, or recovered, does not count."""
        since_us, active = self.outbox.failing_since_us, endpoint.state is EndpointState.ACTIVE
        if active and 0 < since_us < endpoint.since * 1_000_000:
            self.outbox.failing_since_us = 0
        elif active and since_us and self._means.clock.now_us() - since_us >= WARNED_SECONDS * 1_000_000:
            await self._report(endpoint, EndpointState.FAILING, since_us // 1_000_000)

    async def _report(self, endpoint: Endpoint, state: EndpointState, since: int) -> bool:
        """Whether the registry says so now; if not, it is so still at the next look."""
        try:
            await self._means.report(endpoint, state, since)
        except HubError as error:
            self._means.observer.event("endpoint.unreported", endpoint=self._id, state=state, error=str(error))
            return False
        return True

    async def _wait_for_storage(self, error: HubError) -> None:
        self._means.observer.event("endpoint.waits", endpoint=self._id, error=str(error))
        await self._means.clock.sleep(STORAGE_SECONDS)

    async def _take_up(self, endpoint: Endpoint, reading: asyncio.Task[Taken]) -> None:
        try:
            taken = reading.result()
        except Trimmed:
            self._means.observer.count("feed_gaps", feed=endpoint.feed)
            self.outbox.begin_again()
            return
        except HubError as error:
            await self._wait_for_storage(error)
            return
        there = {(stamp.partition, offset): (stamp, value) for stamp, value, offset in _rows(taken)}
        found = list(_found(taken, self.outbox.places, endpoint))
        before = set(self.outbox.messages)
        self.outbox.plan(found, taken.places, endpoint)
        room = READY_BYTES_MAX - sum(len(value) for held in self._ready.values() for _, value in held.values())
        for key in self.outbox.messages.keys() - before:
            message = self.outbox.messages[key]
            stamped = {offset: there[message.partition, offset] for offset in message.offsets}
            room -= sum(len(value) for _, value in stamped.values())
            if room >= 0:
                self._ready[key] = stamped

    # What is begun

    def _begin(self, endpoint: Endpoint, source: Source) -> None:
        now_us, busy = self._means.clock.now_us(), {message.key for message, _ in self._under_way.values()}
        under_way = sum(message.size for message, _ in self._under_way.values())
        for message in self._due(now_us, busy):
            under_way += message.size
            if len(self._under_way) >= endpoint.concurrency or (self._under_way and under_way > UNDER_WAY_BYTES_MAX):
                break
            task = asyncio.create_task(self._attempt(endpoint, source, message))
            self._under_way[task] = message, now_us

    def _has_room(self, endpoint: Endpoint) -> bool:
        messages = self.outbox.messages
        if len(messages) >= self._means.settings.messages_max:
            return False
        if self._breaker.is_open:
            return all(each.attempts for each in messages.values())
        if endpoint.mode is Mode.THIN:
            return not self.outbox.messages
        return sum(not each.attempts for each in messages.values()) < endpoint.concurrency

    def _due(self, now_us: int, busy: set[Key]) -> Iterable[Message]:
        """While the breaker is open, one alone: the first that was tried, and one that was not, in turn."""
        waiting = [each for key, each in self.outbox.messages.items() if key not in busy]
        due = [each for each in waiting if each.next_us <= now_us]
        buried, tried = [each for each in due if each.why], [each for each in waiting if not each.why]
        if self._means.clock.monotonic() < self._breaker.until:
            return buried
        if self._breaker.is_open:
            if not tried or any(not self.outbox.messages[key].why for key in busy):
                return buried
            self._probes += 1
            wanted = [each for each in tried if bool(each.attempts) is bool(self._probes % 2)]
            return [*buried, min(wanted or tried, key=lambda each: each.since_us)]
        return due

    async def _read(self, endpoint: Endpoint, source: Source) -> Taken:
        """What comes next in the feed; of batches, with what comes while the oldest may wait for it."""
        room = self._means.settings.messages_max - len(self.outbox.messages)
        spread = endpoint.ordered or endpoint.mode is Mode.SINGLE
        limit = room if spread and endpoint.mode is not Mode.THIN else room * endpoint.batch_records
        cursor = moved(self._cursor, self.outbox.places)
        taken, behind = await source.turn(cursor, limit=limit, wait=WAIT_SECONDS)
        if endpoint.mode is Mode.BATCH and 0 < len(taken.records) < min(endpoint.batch_records, limit):
            waited_us = self._means.clock.now_us() - (taken.oldest_us or 0)
            await self._means.clock.sleep(max(0.0, endpoint.batch_ms / 1_000 - waited_us / 1e6))
            more, _ = await source.turn(behind, limit=limit - len(taken.records), wait=0)
            return _joined(taken, more)
        return taken

    async def _attempt(self, endpoint: Endpoint, source: Source, message: Message) -> Outcome:
        """None: nothing of it may be sent any more. Raises `StorageUnavailable`."""
        means = self._means
        if message.is_search:
            end = self.outbox.places[message.partition].offset
            return await self._shelf.search(message, end, endpoint)
        stamped = self._ready.pop(message.key, None) or await self._shelf.of(message)
        missing = [offset for offset in message.offsets if offset not in stamped and offset not in message.lost]
        if message.why or missing:
            return await self._bury(endpoint, source, message, stamped, missing)
        admits = source.admits()
        shown = {offset: each for offset, each in stamped.items() if admits(each[0])}
        if not shown and not message.before:
            return None
        stamps, values = [stamp for stamp, _ in shown.values()], [value for _, value in shown.values()]
        seal = await means.pull.seals.anew(source.name, Taken(values, stamps, (), message.oldest_us, [*shown]))
        reader = Reader(endpoint.id, endpoint.keys[-1].public)
        await source.note(stamps, [reader], Way.WEBHOOK)
        places = message.before or self.outbox.delivered_up_to()
        sealed = means.pull.seal(moved(self._cursor, places))
        still = still_allows(self._id, stamps, means)
        reply = await means.letters.send(endpoint, self._name_of(message), values, sealed, seal, still)
        if reply.taken and stamps:
            await self._mark(source, Taken(values, stamps, (), message.oldest_us))
        return reply

    async def _mark(self, source: Source, taken: Taken) -> None:
        """Until it is noted that they were taken: who took them is not posted them once more for the hub's storage."""
        means, alarm_at = self._means, self._means.clock.monotonic() + MARKED_SECONDS
        for seconds in chain(MARK_SECONDS, repeat(MARK_SECONDS[-1])):
            try:
                await source.delivered(taken, Way.WEBHOOK)
            except HubError as error:
                means.observer.event("endpoint.waits", endpoint=self._id, error=str(error))
                if means.clock.monotonic() >= alarm_at:
                    alarm_at = inf
                    means.observer.count("alarms", alarm="delivery_unmarked")
                    means.observer.event("alarm.delivery_unmarked", endpoint=self._id, error=str(error))
                await means.clock.sleep(seconds)
            else:
                return

    async def _bury(
        self,
        endpoint: Endpoint,
        source: Source,
        message: Message,
        stamped: Mapping[int, Stamped],
        missing: Sequence[int],
    ) -> Buried:
        """What was given up, or what the log let go of before it was taken: a gap."""
        offsets = [each for each in message.offsets if each not in message.lost] if message.why else missing
        why, name = message.why or LOST, self._name_of(message)
        await self._means.bury(Letter(endpoint, source, message, name, why, self.outbox.generation, offsets, stamped))
        if missing:
            self._means.observer.count("feed_gaps", feed=endpoint.feed)
            self._means.observer.event("endpoint.gap", endpoint=self._id, records=len(missing))
        return Buried(offsets)

    def _name_of(self, message: Message) -> str:
        return self._means.letters.message_id(message.meant(self._id, self.outbox.generation))

    async def _pause(self) -> None:
        """Until something is done, or due, or it is time to look at the registry."""
        with suppress(TimeoutError):
            async with self._means.clock.deadline(self._seconds_to_wait()):
                await asyncio.wait(self._tasks(), return_when=asyncio.FIRST_COMPLETED)

    def _seconds_to_wait(self) -> float:
        """Until the lease is to be renewed, or something is due."""
        if not self._means.confirmed():
            return LOOK_SECONDS
        now, now_us = self._means.clock.monotonic(), self._means.clock.now_us()
        moments = [self._renew_at - now, *([self._keep_at - now] if self.outbox.is_changed else [])]
        if len(self._under_way) < self._concurrency:
            moments += [
                (each.next_us - now_us) / 1e6 for each in self.outbox.messages.values() if each.next_us > now_us
            ]
            moments += [self._breaker.until - now] if self._breaker.until > now else []
        return max(min(moments), LEAST_SECONDS)


def _rows(taken: Taken) -> Iterable[tuple[Stamp, bytes, int]]:
    return zip(taken.stamps, taken.records, taken.offsets, strict=True)


def _found(taken: Taken, places: Sequence[Place], endpoint: Endpoint) -> Iterator[Found]:
    marks = {place.partition: place.mark for place in places}
    for stamp, value, offset in _rows(taken):
        mark = marks[stamp.partition]
        one = found_in(stamp, offset, value, mark=mark, taken_us=taken.oldest_us or 0, ordered=endpoint.ordered)
        marks[stamp.partition] = one.source_offset
        yield one


def _joined(one: Taken, other: Taken) -> Taken:
    times = [time for time in (one.oldest_us, other.oldest_us) if time is not None]
    return Taken(
        [*one.records, *other.records],
        [*one.stamps, *other.stamps],
        other.places,
        min(times, default=None),
        [*one.offsets, *other.offsets],
    )
