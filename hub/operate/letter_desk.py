"""The letter desk: dead letters opened for those who settle them, and for the companies whose they are.

What was found is set against what was expected: of a conflict, the event that has its identity beside the one that came
later, member by member. Nothing here changes anything, but that corrected data are laid down.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

import orjson
from msgspec import Struct

from hub.core.dead_letter import CONFLICT, DeadLetter, LetterState
from hub.core.errors import BlobMissing, HubError, Refusal
from hub.core.event import Event
from hub.core.record import EVENTS, StoredRecord
from hub.operate.letter_box import looked_up, record_at
from hub.ports.blob_store import BlobKey, BlobStore, read_blob
from hub.ports.dead_letters import After, DeadLetters, Group, Which
from hub.ports.event_log import EventLog
from hub.ports.first_occurrence import FirstOccurrence
from hub.ports.system import Entropy
from schemas.headers import EventHeader, unpack
from schemas.identity import identity_key

MASKED = "***"
NOT_RUNNING = "what is in quarantine is settled by a running hub"
DIFFERENCES_MAX = 200
PAGE_LETTERS = 200
SALT_BYTES = 32
"""In front of corrected data: who has the digest alone cannot try what it is of."""
REPAIR_PREFIX = "repair-"
_MISSING = object()

Identity = tuple[str, str, str]
"""Publisher, source and id: of all versions of an event."""
SUPERSEDED = "another letter of this event was released or repaired after it came"

Foresee = Callable[[DeadLetter, Mapping[str, Any] | None], Awaitable[Refusal | None]]
"""What would become of a release, or of a repair with these data; None: it would be done."""


class Difference(Struct, frozen=True):
    """One member, by its JSON Pointer; what is None is not there."""

    at: str
    found: object
    expected: object


class Opened(Struct, frozen=True):
    letter: DeadLetter
    event: dict[str, Any] | None = None
    """None: it cannot be read any more."""
    first: dict[str, Any] | None = None
    """Of a conflict: the event that its identity belongs to, as long as the log holds it."""
    first_header: EventHeader | None = None

    def differences(self, personal: Callable[[str], bool] = lambda pointer: False) -> list[Difference]:
        """What came against what was there first; `personal`: which members are masked."""
        if self.event is None or self.first is None:
            return []
        found = _differences(self.event, self.first, "")
        return [_masked(each, personal) for each, _ in zip(found, range(DIFFERENCES_MAX), strict=False)]


class LetterDesk:
    def __init__(
        self,
        letters: DeadLetters,
        *,
        log: EventLog,
        index: FirstOccurrence,
        blobs: BlobStore,
        entropy: Entropy,
        foresee: Foresee,
    ) -> None:
        """`blobs`: where corrected data lie, as long as the log would hold the event that is made of them."""
        self._letters = letters
        self._blobs = blobs
        self._entropy = entropy
        self._log = log
        self._index = index
        self.foresee = foresee

    async def groups(self) -> Sequence[Group]:
        return await self._letters.groups()

    async def get(self, name: str) -> DeadLetter | None:
        return await self._letters.get(name)

    async def page(self, which: Which, *, limit: int, after: After | None = None) -> Sequence[DeadLetter]:
        return await self._letters.page(which, after=after, limit=limit)

    async def superseded(self, letters: Sequence[DeadLetter]) -> Collection[str]:
        """The ids of those that wait while another of their event was released or repaired after they came."""
        settled_us: dict[Identity, int] = {}
        for partner in {each.partner for each in letters}:
            async for other, identity in passed_on(self._letters, partner):
                settled_us[identity] = max(other.settled_us, settled_us.get(identity, 0))
        return {
            each.id
            for each in letters
            if (found := identity_of(each))
            and each.state is LetterState.WAITING
            and settled_us.get(found, 0) > each.since_us
        }

    async def opened(self, letter: DeadLetter) -> Opened:
        """With its content and, of a conflict, that of the first. Raises `StorageUnavailable`."""
        if letter.is_in_log_alone:
            letter = await looked_up(self._log, letter)
        header = letter.event
        if header is None or not letter.value:
            return Opened(letter)
        event = json_of(header, letter.value)
        if letter.cause != CONFLICT:
            return Opened(letter, event)
        first = await self._first(header)
        if first is None:
            return Opened(letter, event)
        return Opened(letter, event, json_of(*first), first[0])

    async def lay_down(self, letter: DeadLetter, data: Mapping[str, Any]) -> str:
        """Keep the corrected data of a repair, and return their place. Raises `StorageFull`, `StorageUnavailable`."""
        content = self._entropy.bytes(SALT_BYTES) + orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
        place = sha256(content).hexdigest()

        async def chunks() -> AsyncIterator[bytes]:
            yield content

        await self._blobs.put(_blob(letter, place), chunks())
        return place

    async def corrected(self, letter: DeadLetter, place: str) -> dict[str, Any] | None:
        """What was laid down there for this letter; None: nothing is there, or not what the place names."""
        try:
            content = await read_blob(self._blobs, _blob(letter, place))
        except (BlobMissing, ValueError):
            return None
        return dict(orjson.loads(content[SALT_BYTES:])) if sha256(content).hexdigest() == place else None

    async def _first(self, header: EventHeader) -> tuple[EventHeader, bytes] | None:
        identity = identity_key(header.publisher, header.source, header.id, header.version)
        [found] = await self._index.look_up([identity])
        if found is None or found.position.generation != self._log.generation:
            return None
        async with self._log.reader(EVENTS) as reader:
            record = await record_at(reader, found.position)
        opened = unpack(record.header) if record is not None else None
        return (opened, record.value) if record is not None and isinstance(opened, EventHeader) else None


class NoLetters:
    """Where no hub runs: they are a function of its log, and what becomes of them needs it."""

    async def foresee(self, letter: DeadLetter, data: Mapping[str, Any] | None) -> Refusal | None:
        raise HubError(NOT_RUNNING)

    async def groups(self) -> Sequence[Group]:
        raise HubError(NOT_RUNNING)

    async def get(self, name: str) -> DeadLetter | None:
        raise HubError(NOT_RUNNING)

    async def page(self, which: Which, *, limit: int) -> Sequence[DeadLetter]:
        raise HubError(NOT_RUNNING)

    async def superseded(self, letters: Sequence[DeadLetter]) -> Collection[str]:
        raise HubError(NOT_RUNNING)

    async def opened(self, letter: DeadLetter) -> Opened:
        raise HubError(NOT_RUNNING)

    async def lay_down(self, letter: DeadLetter, data: Mapping[str, Any]) -> str:
        raise HubError(NOT_RUNNING)

    async def corrected(self, letter: DeadLetter, place: str) -> dict[str, Any] | None:
        raise HubError(NOT_RUNNING)


def _blob(letter: DeadLetter, place: str) -> BlobKey:
    """Raises `ValueError` where nothing can lie."""
    return BlobKey(letter.partner, f"{REPAIR_PREFIX}{place}")


def identity_of(letter: DeadLetter) -> Identity | None:
    """None: it is no event, or cannot be read."""
    header = letter.event
    return None if header is None else (header.publisher, header.source, header.id)


async def passed_on(letters: DeadLetters, partner: str) -> AsyncIterator[tuple[DeadLetter, Identity]]:
    """The events of this partner that were released or repaired."""
    for state in (LetterState.RELEASED, LetterState.REPAIRED):
        which, after = Which(partner=partner, state=state), None
        while page := await letters.page(which, after=after, limit=PAGE_LETTERS):
            for letter in page:
                if identity := identity_of(letter):
                    yield letter, identity
            after = page[-1].since_us, page[-1].id


def json_of(header: EventHeader, value: bytes) -> dict[str, Any] | None:
    """The event as a value; None where its value is none."""
    try:
        return dict(Event(header, StoredRecord(0, 0, b"", b"", value)).json)
    except (ValueError, TypeError):
        return None


def _differences(found: Any, expected: Any, at: str) -> Iterator[Difference]:
    if isinstance(found, dict) and isinstance(expected, dict):
        for name in dict.fromkeys((*expected, *found)):
            step = f"{at}/{name.replace('~', '~0').replace('/', '~1')}"
            yield from _differences(found.get(name, _MISSING), expected.get(name, _MISSING), step)
    elif isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        for index, (one, other) in enumerate(zip(found, expected, strict=True)):
            yield from _differences(one, other, f"{at}/{index}")
    elif found is _MISSING or expected is _MISSING or found != expected:
        yield Difference(at, None if found is _MISSING else found, None if expected is _MISSING else expected)


def _masked(difference: Difference, personal: Callable[[str], bool]) -> Difference:
    """Without what is personal, in the member or below it."""
    return Difference(
        difference.at,
        masked(difference.found, difference.at, personal),
        masked(difference.expected, difference.at, personal),
    )


def masked_places(value: Any, at: str, personal: Callable[[str], bool]) -> Iterator[str]:
    """Where the mask stands in place of what is personal, by JSON Pointer."""
    if value == MASKED and personal(at):
        yield at
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from masked_places(each, f"{at}/{name}", personal)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from masked_places(each, f"{at}/{index}", personal)


def masked(value: Any, at: str, personal: Callable[[str], bool]) -> Any:
    if value is not None and personal(at):
        return MASKED
    if isinstance(value, dict):
        return {name: masked(each, f"{at}/{name}", personal) for name, each in value.items()}
    if isinstance(value, list):
        return [masked(each, f"{at}/{index}", personal) for index, each in enumerate(value)]
    return value
