"""Dead letters in memory: what the port says, in the plainest code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hub.core.dead_letter import DeadLetter, LetterState, Run
from hub.core.record import Position
from hub.ports.dead_letters import After, Group, Which


class MemoryDeadLetters:
    """A `DeadLetters` that ends with its process."""

    def __init__(self) -> None:
        self._letters: dict[str, DeadLetter] = {}
        self._marks: dict[tuple[int, int], int] = {}
        self._runs: dict[str, Run] = {}

    async def mark(self, generation: int, partition: int) -> int | None:
        return self._marks.get((generation, partition))

    async def take(self, letters: Sequence[DeadLetter], mark: Position) -> None:
        for letter in letters:
            self._letters.setdefault(letter.id, letter)
        self._marks[mark.generation, mark.partition] = mark.offset

    async def forget_marks(self) -> None:
        self._marks.clear()

    async def get(self, id: str) -> DeadLetter | None:  # noqa: A002
        return self._letters.get(id)

    async def page(self, which: Which, *, after: After | None, limit: int) -> Sequence[DeadLetter]:
        meant = sorted((each for each in self._letters.values() if _is_meant(which, each)), key=_place)
        return [each for each in meant if after is None or _place(each) > after][:limit]

    async def groups(self) -> Sequence[Group]:
        found: dict[tuple[str, str, LetterState], list[int]] = {}
        for each in self._letters.values():
            found.setdefault((each.cause, each.partner, each.state), []).append(each.since_us)
        return [Group(*name, len(times), min(times), max(times)) for name, times in sorted(found.items())]

    async def store(self, letter: DeadLetter, run: Run | None = None) -> None:
        if letter.id in self._letters:
            self._letters[letter.id] = letter
        if run is not None:
            await self.keep(run)

    async def run(self, key: str) -> Run | None:
        return self._runs.get(key)

    async def keep(self, run: Run) -> None:
        self._runs[run.key] = run

    async def purge(self, *, before_us: int, kept_max: int) -> int:
        counts = Counter(each.partner for each in self._letters.values())
        settled = [each for each in self._letters.values() if each.state is not LetterState.WAITING]
        gone = 0
        for each in sorted(settled, key=lambda each: (each.settled_us, each.id)):
            if each.settled_us < before_us or counts[each.partner] > kept_max:
                del self._letters[each.id]
                counts[each.partner] -= 1
                gone += 1
        return gone


def _place(letter: DeadLetter) -> After:
    return letter.since_us, letter.id


def _is_meant(which: Which, letter: DeadLetter) -> bool:
    return (
        which.cause in (None, letter.cause)
        and which.partner in (None, letter.partner)
        and which.agent in (None, letter.agent)
        and which.state in (None, letter.state)
        and which.feed in (None, letter.feed)
    )
